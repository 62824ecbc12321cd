"""A city with known truth: what its agencies send in a day, with faults that are recorded, and what must come out."""
