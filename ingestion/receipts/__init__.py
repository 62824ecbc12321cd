"""What an agency learns about what it sent, and where each record went."""
