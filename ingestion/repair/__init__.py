"""Quarantined records: shown, repaired, sent again."""
