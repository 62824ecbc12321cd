"""The views over all domains on real catalogs: every released domain has its lines, with the trust and the releases in force."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pytest
import yaml

from codegen.headlines import COLUMNS
from core.settings import PROJECT, Settings
from lake.connection import connect, connected
from lake.gate import tables_in
from lake.publication import Publication, Source, publish_rows
from lake.releases import Release
from lake.serving import open_marts
from lake.snapshots import newest_snapshot

from .catalogs import empty_catalogs

pytestmark = pytest.mark.stack

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
SCORES = "feed varchar, domain varchar, label_vi varchar, score double, level varchar, level_reason varchar, last_event_at timestamptz"


@dataclass
class Desk:
    """Headlines and scores written by hand, and published."""

    connection: duckdb.DuckDBPyConnection

    def told(self, domain: str, figure: str, value: float | None, level: str | None) -> Release:
        """Publish the only headline of a domain."""
        columns = ", ".join(f"{name} {data_type}" for name, data_type, _ in COLUMNS)
        table = f"lake.{domain}.{domain}_headlines"
        self.connection.execute(f"create or replace table {table} ({columns})")
        self.connection.execute(
            f"insert into {table} by name select ? as headline_id, ? as domain, 1 as place, 'Chỉ số' as label_vi, 'Figure' as label_en, "
            "?::double as value, ? as level, '7 trạm' as shown_vi, 'xanh ≤ 0' as limits_vi, 'moi-truong' as dashboard",
            [figure, domain, value, level],
        )
        return self.publish(domain, {f"{domain}_headlines": ("headline_id",)})

    def scored(self, *scores: tuple[str, str, float | None, str]) -> Release:
        """Publish the scores of feeds: feed, domain, score, level."""
        self.connection.execute(f"create or replace table lake.quality.feed_scores ({SCORES})")
        for feed, domain, score, level in scores:
            self.connection.execute(
                "insert into lake.quality.feed_scores values (?, ?, ?, ?, ?, ?, ?)",
                [feed, domain, f"Nguồn {feed}", score, level, f"vì {level}", NOON],
            )
        return self.publish("quality", {"feed_scores": ("feed",)})

    def again(self, release: Release) -> None:
        """Put an earlier release back in force."""
        self.publish(release.domain, {}, Source("marts", release.marts_version))

    def publish(self, domain: str, keys: dict[str, tuple[str, ...]], source: Source | None = None) -> Release:
        """Publish the candidates of a domain, or what an earlier release showed."""
        snapshot = newest_snapshot(self.connection)
        made = Publication(
            domain, source or Source("lake", snapshot), keys, snapshot, "digest", "publish", "by hand", {}, NOON, NOON
        )
        return publish_rows(self.connection, made)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Start catalogs of their own, so that nobody else publishes into them."""
    with empty_catalogs(new_settings()) as settings:
        yield settings


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with connected(settings) as connection:
        yield Desk(connection)


def test_a_domain_adds_its_line_with_the_trust_and_the_releases_in_force(desk: Desk, settings: Settings) -> None:
    lines = "select domain, value, trust_score, trust_level, trust_reason from marts.overview.headlines order by domain_place"
    first = desk.told("environment", "worst_air", 40, "green")
    assert not desk.rows("select 1 from duckdb_views() where database_name = 'marts' and not internal")

    desk.scored(("environment.a", "environment", 99, "red"), ("environment.b", "environment", 80, "yellow"))
    air = ("environment", 40.0, 74.0, "red", "Nguồn environment.a: vì red")
    assert desk.rows(lines) == [air]
    before = newest_snapshot(desk.connection, "marts")

    desk.told("feedback", "feedback_overdue", None, None)
    assert desk.rows(lines) == [air, ("feedback", None, None, None, None)]

    desk.told("environment", "worst_air", 148, "red")
    assert desk.rows(lines)[0][1] == 148
    desk.again(first)
    assert desk.rows(lines)[0][1] == 40

    with connect(settings, as_reader=True) as reader:
        assert reader.execute("select count(*) from overview.headlines").fetchone() == (2,)
        with pytest.raises(duckdb.Error):
            reader.execute("create or replace view marts.overview.headlines as select 1 as one")
    with connect(settings, catalogs=()) as earlier:
        earlier.execute(f"attach 'ducklake:marts_catalog' as other (read_only, snapshot_version {before})")
        assert earlier.execute("select domain from other.overview.headlines").fetchall() == [("environment",)]


def test_what_needs_attention_is_listed_with_the_page_that_explains_it(desk: Desk) -> None:
    desk.told("environment", "worst_air", 148, "red")
    desk.told("feedback", "feedback_overdue", 3, "yellow")
    desk.told("health", "bed_occupancy", 60, "green")
    desk.scored(("environment.a", "environment", 60, "red"), ("feedback.b", "feedback", 99, "green"))
    found = desk.rows(
        "select severity, domain_label_vi, subject_id, level, why_vi, dashboard from marts.overview.attention order by severity"
    )
    assert found == [
        (1, "Môi trường", "worst_air", "red", "7 trạm (xanh ≤ 0)", "moi-truong"),
        (2, "Môi trường", "environment.a", "red", "vì red", "dung-du-sach-song"),
        (3, "Phản ánh hiện trường", "feedback_overdue", "yellow", "7 trạm (xanh ≤ 0)", "moi-truong"),
    ]


def test_the_views_stay_as_they_are_while_no_domain_comes_or_goes(desk: Desk) -> None:
    views = "select view_oid, comment from duckdb_views() where database_name = 'marts' and not internal order by all"
    desk.scored(("environment.a", "environment", 60, "red"))
    desk.told("environment", "worst_air", 40, "green")
    made = desk.rows(views)
    desk.told("environment", "worst_air", 41, "green")
    assert desk.rows(views) == made
    assert len(made) == 2


def test_the_views_have_the_columns_that_are_described(desk: Desk) -> None:
    desk.told("environment", "worst_air", 40, "green")
    desk.scored(("environment.a", "environment", 60, "red"))
    path = PROJECT / "dbt_project" / "models" / "overview" / "_overview__sources.yml"
    for table in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]:
        described = [(column["name"], column["data_type"]) for column in table["columns"]]
        found = desk.rows(f"describe marts.overview.{table['name']}")
        assert [(name, str(data_type).lower()) for name, data_type, *_ in found] == described


def test_sql_of_people_may_read_the_views_like_any_mart(desk: Desk, settings: Settings) -> None:
    desk.told("environment", "worst_air", 40, "green")
    desk.scored(("environment.a", "environment", 60, "red"))
    with open_marts(settings) as marts:
        assert {
            ("overview", "headlines"),
            ("overview", "attention"),
            ("environment", "environment_headlines"),
        } <= tables_in(marts)


def test_without_released_scores_there_are_no_views(desk: Desk) -> None:
    desk.told("environment", "worst_air", 40, "green")
    desk.scored(("environment.a", "environment", 60, "red"))
    desk.connection.execute("alter table lake.quality.feed_scores rename to old_scores")
    desk.publish("quality", {})
    assert not desk.rows("select 1 from duckdb_views() where database_name = 'marts' and not internal")
    desk.connection.execute("drop table lake.quality.old_scores")
