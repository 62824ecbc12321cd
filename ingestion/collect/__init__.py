"""Fetch what sources hold, and land the bytes as they came."""
