"""The path of a delivery: from landing through checks and privacy to a door, in one transaction."""
