"""How long the charts of all pages take to answer: for one user, then for twenty who ask without pause. Aim: p95 ≤ 0.3 s and ≤ 1 s.

Needs a running stack with data (`ioc demo`). A user asks for one chart after the other, page by page, through the cache as a browser does;
the twenty begin at different pages. Baseline: an answer of the same server that needs no data.
"""

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.figure import Figure
from cli.dashboards import DashboardChart, answer_of, dashboard_charts, dashboard_slugs, superset_client
from core.settings import Settings

USERS = 20
MOST_SECONDS_OF_ONE, MOST_SECONDS_OF_MANY = 0.3, 1.0


def measure() -> list[Figure]:
    """Measure one user, then twenty."""
    settings = Settings()
    with superset_client(settings) as client:
        charts = [chart for slug in dashboard_slugs(client) for chart in dashboard_charts(client, slug)]
        bare = [_seconds(client, "/health") for _ in charts]
        one = _ask(client, charts)
        headers = dict(client.headers)
    with ThreadPoolExecutor(USERS) as pool:
        starts = [len(charts) * user // USERS for user in range(USERS)]
        rounds = pool.map(lambda start: _ask_as_another(settings, headers, charts[start:] + charts[:start]), starts)
        many = [seconds for one_round in rounds for seconds in one_round]
    baseline = f"`/health` alone: p95 {_p95(bare) * 1000:.0f} ms"
    return [
        Figure(
            f"{len(charts)} charts of all pages, one user",
            f"median {statistics.median(one):.2f} s, p95 {_p95(one):.2f} s, worst {max(one):.2f} s",
            f"p95 ≤ {MOST_SECONDS_OF_ONE} s",
            _p95(one) <= MOST_SECONDS_OF_ONE,
            baseline,
        ),
        Figure(
            f"the same, {USERS} users without pause",
            f"median {statistics.median(many):.2f} s, p95 {_p95(many):.2f} s, worst {max(many):.2f} s",
            f"p95 ≤ {MOST_SECONDS_OF_MANY} s",
            _p95(many) <= MOST_SECONDS_OF_MANY,
            baseline,
        ),
    ]


def _ask_as_another(settings: Settings, headers: dict[str, str], charts: Sequence[DashboardChart]) -> list[float]:
    address = settings.superset_address
    with httpx.Client(base_url=address, timeout=120, trust_env=False, headers=headers) as client:
        return _ask(client, charts)


def _ask(client: httpx.Client, charts: Sequence[DashboardChart]) -> list[float]:
    return [_seconds(client, f"/api/v1/chart/{chart.identifier}/data/") for chart in charts]


def _seconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    if path == "/health":
        client.get(path).raise_for_status()
    else:
        answer_of(client, "GET", path)
    return time.perf_counter() - began


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    print("\n".join(figure.row() for figure in measure()))
