"""Query Superset for the data of its dashboards, as a browser would, without opening a page.

Used by the demo and the tests: a dashboard works if every chart on it returns rows, except those that list findings (records in
quarantine, missing slots), which are empty when there is nothing to find.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from core.errors import ServiceError
from core.settings import PROJECT, Settings

Value = str | int | float | bool | None
Rows = list[dict[str, Value]]

TIMEOUT_SECONDS = 60.0
ENGLISH = "en-"
"""How the slugs of the pages in English begin."""


@dataclass(frozen=True)
class DashboardChart:
    """One chart on a dashboard; `identifier` is Superset's, valid for this installation only."""

    identifier: int
    title: str


@contextmanager
def superset_client(settings: Settings, user: str | None = None, password: str | None = None) -> Iterator[httpx.Client]:
    """Log in (as the administrator if no user is given) and yield a client that may read and write the API.

    Raises ServiceError if Superset does not answer or refuses the login.
    """
    address = settings.superset_address
    name, secret = user or settings.superset_admin_user, password or settings.reveal("superset_admin_password")
    login = {"username": name, "password": secret, "provider": "db", "refresh": False}
    with httpx.Client(
        base_url=address, timeout=TIMEOUT_SECONDS, trust_env=False, headers={"Referer": address}
    ) as client:
        token = answer_of(client, "POST", "/api/v1/security/login", login)["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.headers["X-CSRFToken"] = str(answer_of(client, "GET", "/api/v1/security/csrf_token/")["result"])
        yield client


def dashboard_slugs(client: httpx.Client) -> list[str]:
    """Return the slugs of the published dashboards in Vietnamese, in alphabetical order; the English ones send the same queries."""
    page = answer_of(client, "GET", "/api/v1/dashboard/?q=(page_size:100)")
    published = {str(entry["slug"]) for entry in page["result"] if entry["slug"] and entry["published"]}
    return sorted(slug for slug in published if not slug.startswith(ENGLISH))


def dashboard_charts(client: httpx.Client, slug: str) -> list[DashboardChart]:
    """Return the charts of a dashboard."""
    entries = answer_of(client, "GET", f"/api/v1/dashboard/{slug}/charts")["result"]
    return [DashboardChart(int(entry["id"]), str(entry["slice_name"])) for entry in entries]


def chart_rows(client: httpx.Client, chart: DashboardChart) -> Rows:
    """Run a chart's own query, bypassing the cache; raises ServiceError with Superset's message if it fails."""
    answer = answer_of(client, "GET", f"/api/v1/chart/{chart.identifier}/data/?force=true", subject=chart.title)
    rows: Rows = answer["result"][0]["data"]
    return rows


def every_chart_answers(settings: Settings) -> dict[str, dict[str, Rows]]:
    """Query every chart of every dashboard; return the rows by slug and chart title.

    Raises ServiceError if a chart fails or there is no dashboard at all. A chart without rows has an empty list: whether that is
    acceptable is up to the caller.
    """
    with superset_client(settings) as client:
        found = {
            slug: {chart.title: chart_rows(client, chart) for chart in dashboard_charts(client, slug)}
            for slug in dashboard_slugs(client)
        }
    if not found:
        raise ServiceError("superset: expected dashboards, got none; run `ioc up`, which imports them")
    return found


def charts_of_findings() -> frozenset[str]:
    """Return the Vietnamese titles of the charts declared to list findings, which may be empty."""
    pages = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (PROJECT / "superset" / "dashboards").glob("*.yaml")
    ]
    charts = [chart for page in pages for row in page["rows"] for chart in row["charts"]]
    return frozenset(str(chart["title"]).partition(" / ")[0] for chart in charts if chart.get("lists_findings"))


def answer_of(client: httpx.Client, method: str, path: str, body: object = None, *, subject: str = "superset") -> Any:
    """Return the JSON of an answer; its shape is up to Superset, and callers pick out what they need.

    Raises ServiceError if Superset does not answer, or answers with an error.
    """
    try:
        response = client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise ServiceError(
            f"superset: expected an answer at {client.base_url}, got {type(error).__name__}; see `ioc status`"
        ) from error
    if response.is_error:
        raise ServiceError(
            f"{subject}: expected an answer from Superset, got {response.status_code}: {response.text[:300]}; see its log in `ioc status`",
            status=response.status_code,
        )
    return response.json()
