"""The Assets that connect the DAGs: one a feed, one a domain's marts, one that says a domain is behind."""

from airflow.sdk import Asset


def feed_asset(feed: str) -> Asset:
    """Name a feed's bronze table."""
    return Asset(name=f"bronze.{feed}", uri=f"ioc://bronze/{feed}", group="bronze")


def marts_asset(domain: str) -> Asset:
    """Name a domain's released marts."""
    return Asset(name=f"marts.{domain}", uri=f"ioc://marts/{domain}", group="marts")


def due_asset(domain: str) -> Asset:
    """Name what is due in a domain, whoever left it."""
    return Asset(name=f"due.{domain}", uri=f"ioc://due/{domain}", group="due")
