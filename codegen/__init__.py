"""What is generated from contracts, and whether a later version of one may follow."""
