"""What an agency gets to know of what it sent, and where each record went."""
