"""What is usual in the marts of each domain: volume, coverage, ranges, freshness. What must always hold is in the dbt tests."""
