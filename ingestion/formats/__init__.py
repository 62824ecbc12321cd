"""One module per wire format: bytes to pieces, pieces to records, and what could not be read."""
