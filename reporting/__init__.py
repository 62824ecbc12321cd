"""Reports: pages of Superset as a leader sees them, printed from a release and kept beside it."""
