"""Build, audit, release: no number reaches a leader before it has passed."""
