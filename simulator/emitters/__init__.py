"""One module per wire format: the day of a feed as bytes, and what is true about it."""
