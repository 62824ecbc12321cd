"""Catalogs, connections, releases and maintenance: the only package that knows which lakehouse format is used."""
