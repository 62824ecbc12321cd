"""Source to bronze: collect bytes, land them, split their records, keep the books."""
