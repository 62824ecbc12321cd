"""Catalogs, connections, releases, maintenance: the only place that knows which lakehouse format is below."""
