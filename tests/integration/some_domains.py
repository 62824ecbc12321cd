"""Bring a day of some domains to their releases without Airflow, and print what differs from the truth.

A program, `python -m tests.integration.some_domains DOMAIN ...`, because the project that it tries may be a copy of this one.
"""

import json
import sys
from pathlib import Path

from core.domains import QUALITY
from core.settings import Settings
from lake.connection import connected
from quality import steps
from simulator.compare import comparisons_of
from stack.control import DATA_SERVICES, down, up
from tests.integration.city import City, bring_in

DECLARED = "declared"
"""The comparisons of feeds that are simulated from their contract."""


def main(domains: list[str]) -> None:
    """Print, as JSON, the rows of truth and the first differences of each mart of these domains that is compared."""
    settings = Settings()
    try:
        up(settings, DATA_SERVICES)
        city = bring_in(settings, Path(settings.home) / "day", "demo", domains=domains)
        for domain in [*domains, QUALITY]:
            steps.bring_up_to_date(city.settings, domain)
        print(json.dumps(compared(city, domains)))
    finally:
        down(settings)


def compared(city: City, domains: list[str]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Compare the released marts of the domains that have comparisons of their own, and those of declared feeds."""
    with connected(city.settings, as_reader=True) as connection:
        found = comparisons_of(
            {*domains, DECLARED}, city.truth, lambda sql: connection.execute(sql).pl(), city.settings.clock()
        )
        return {one.mart: (one.rows, one.differences[:3]) for one in found}


if __name__ == "__main__":
    main(sys.argv[1:])
