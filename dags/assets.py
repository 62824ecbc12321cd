"""The Assets that connect the DAGs: one per feed, one per domain's marts, and one per domain that signals it is behind."""

from airflow.sdk import Asset


def feed_asset(feed: str) -> Asset:
    """Return the Asset of a feed's bronze table."""
    return Asset(name=f"bronze.{feed}", uri=f"ioc://bronze/{feed}", group="bronze")


def marts_asset(domain: str) -> Asset:
    """Return the Asset of a domain's released marts."""
    return Asset(name=f"marts.{domain}", uri=f"ioc://marts/{domain}", group="marts")


def due_asset(domain: str) -> Asset:
    """Return the Asset that signals that a step is due in a domain."""
    return Asset(name=f"due.{domain}", uri=f"ioc://due/{domain}", group="due")
