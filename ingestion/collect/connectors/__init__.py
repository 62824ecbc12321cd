"""One module per way of fetching, never per agency: each yields the bytes of a source and knows what it has already taken."""
