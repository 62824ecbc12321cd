"""Runs dbt on one snapshot of the lake."""
