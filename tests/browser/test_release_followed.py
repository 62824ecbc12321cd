"""Superset follows the releases: what is not released stays unseen, what is released appears, what is rolled back returns."""

from time import monotonic

import pytest

from cli.dashboards import chart_rows, dashboard_charts, superset_client
from ingestion.settings import Settings
from lake.connection import connected
from tests.browser.truth import publish

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(600)]

PATIENCE_SECONDS = 30


def count_vessels(settings: Settings) -> int:
    with superset_client(settings) as client:
        chart = next(chart for chart in dashboard_charts(client, "tau-ca") if chart.title == "Số tàu theo dõi")
        return int(str(chart_rows(client, chart)[0]["vessels"]))


def wait_for_vessels(settings: Settings, expected: int) -> int:
    until = monotonic() + PATIENCE_SECONDS
    while (found := count_vessels(settings)) != expected and monotonic() < until:
        pass  # each question is a request of its own, so this loop waits for Superset
    return found


def test_superset_shows_a_release_and_never_what_is_not_released(superset_settings: Settings) -> None:
    assert count_vessels(superset_settings) == 11
    with connected(superset_settings) as connection:
        connection.execute(
            "insert into marts.fisheries.vessels_last_seen "
            "select * replace ('vms:T99' as vessel_key) from marts.fisheries.vessels_last_seen limit 1"
        )
        assert count_vessels(superset_settings) == 11
        publish(connection, "fisheries")
        assert wait_for_vessels(superset_settings, 12) == 12
        connection.execute("delete from marts.fisheries.vessels_last_seen where vessel_key = 'vms:T99'")
        assert count_vessels(superset_settings) == 12
        publish(connection, "fisheries")
        assert wait_for_vessels(superset_settings, 11) == 11
