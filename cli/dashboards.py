"""Ask Superset for what its dashboards show, as a person's browser would, without opening a page.

Used by the demo and the tests: a dashboard counts as working when every chart of it answers with rows, but for those that list findings
(records in quarantine, missing slots): where there is nothing to find, such a chart answers without any.
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


@dataclass(frozen=True)
class DashboardChart:
    """One chart on a dashboard; `identifier` is Superset's, good for this installation only."""

    identifier: int
    title: str


def dashboard_address(settings: Settings, slug: str) -> str:
    """Give the address a person opens."""
    return f"http://{settings.superset_host}:{settings.superset_port}/superset/dashboard/{slug}/"


@contextmanager
def superset_client(settings: Settings, user: str | None = None, password: str | None = None) -> Iterator[httpx.Client]:
    """Log in (as the administrator where no user is named) and give a client that may read and write the API.

    Raises ServiceError where Superset does not answer or refuses the login.
    """
    address = f"http://{settings.superset_host}:{settings.superset_port}"
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
    """Give the slugs of the published dashboards, in alphabetical order."""
    page = answer_of(client, "GET", "/api/v1/dashboard/?q=(page_size:100)")
    return sorted(str(entry["slug"]) for entry in page["result"] if entry["slug"] and entry["published"])


def dashboard_charts(client: httpx.Client, slug: str) -> list[DashboardChart]:
    """Give the charts of a dashboard."""
    entries = answer_of(client, "GET", f"/api/v1/dashboard/{slug}/charts")["result"]
    return [DashboardChart(int(entry["id"]), str(entry["slice_name"])) for entry in entries]


def chart_rows(client: httpx.Client, chart: DashboardChart) -> Rows:
    """Run a chart's own query past the cache; raises ServiceError with Superset's words where it fails."""
    answer = answer_of(client, "GET", f"/api/v1/chart/{chart.identifier}/data/?force=true", subject=chart.title)
    rows: Rows = answer["result"][0]["data"]
    return rows


def every_chart_answers(settings: Settings) -> dict[str, dict[str, Rows]]:
    """Ask every chart of every dashboard; give the rows by slug and chart title.

    Raises ServiceError where a chart fails or where there is no dashboard at all. A chart without a row is given as it is,
    with an empty list: whether nothing is an answer is for the caller to say.
    """
    with superset_client(settings) as client:
        found = {
            slug: {chart.title: chart_rows(client, chart) for chart in dashboard_charts(client, slug)}
            for slug in dashboard_slugs(client)
        }
    if not found:
        raise ServiceError("superset: dashboards were promised, there is none; run `ioc up`, which imports them")
    return found


def charts_of_findings() -> frozenset[str]:
    """Name the charts, by title, whose files say that they list findings and may be empty."""
    pages = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (PROJECT / "superset" / "dashboards").glob("*.yaml")
    ]
    charts = [chart for page in pages for row in page["rows"] for chart in row["charts"]]
    return frozenset(str(chart["title"]) for chart in charts if chart.get("lists_findings"))


def answer_of(client: httpx.Client, method: str, path: str, body: object = None, *, subject: str = "superset") -> Any:
    """Return the JSON of an answer; its shape is Superset's affair, and the callers take out what they promise.

    Raises ServiceError where Superset does not answer, or refuses.
    """
    try:
        response = client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise ServiceError(
            f"superset: an answer at {client.base_url} was promised, {type(error).__name__} came; see `ioc status`"
        ) from error
    if response.is_error:
        raise ServiceError(
            f"{subject}: an answer from Superset was promised, {response.status_code} came: {response.text[:300]}",
            status=response.status_code,
        )
    return response.json()
