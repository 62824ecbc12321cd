"""Measurements: one script per figure, each against a baseline in the same run; `python -m bench` prints the table."""
