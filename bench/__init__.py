"""Measurements: one script a figure, each against a baseline in the same run; `python -m bench` prints the table."""
