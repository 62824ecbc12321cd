"""The disease feed from end to end: it equals what the simulator knows, hidden numbers stay hidden, no real file crashes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path

import polars as pl
import pytest

from cli.startup import prepare_tables
from core.contract import find_contract
from core.reference import SEEDS, Reference
from core.settings import PROJECT, Settings
from ingestion.collect.collect import collect
from ingestion.collect.landing import Landing
from ingestion.load.load import Loader, load_feed
from lake.connection import connected
from quality import steps
from simulator.chance import chance
from simulator.comparisons.health_disease import comparisons
from simulator.emitters.disease import emit_diseases
from simulator.entities import read_city
from simulator.faults import DEMO_FAULTS, ERROR_GROUPS, FaultKind
from simulator.local_time import midnight
from simulator.truth import TABLES, frame_of, frames_of_books
from stack.control import DATA_SERVICES, down, up

from .persons import pseudonym
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

FEED = "health.disease_cases"
DAY, SEED = date(2026, 11, 20), 46
SAMPLES = PROJECT / ".." / "shared" / "samples" / "health"


@dataclass(frozen=True)
class Diseases:
    """A stack that holds one simulated day of the feed, released."""

    settings: Settings
    folder: Path
    truth: dict[str, pl.DataFrame]

    def query(self, sql: str) -> pl.DataFrame:
        """Ask the released marts."""
        with connected(self.settings, as_reader=True) as connection:
            return connection.execute(sql).pl()

    def lake(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the internal tables."""
        with connected(self.settings) as connection:
            return connection.execute(sql).fetchall()

    def test(self) -> dict[str, str]:
        """Run dbt's tests; return the status of each by its name."""
        with connected(self.settings) as connection:
            return Warehouse(self.settings, connection).test(self.settings.clock(), "health")


@pytest.fixture(scope="module")
def diseases(new_settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Diseases]:  # type: ignore[no-untyped-def]
    settings = new_settings().model_copy(update={"now": (midnight(DAY) + timedelta(days=1)).astimezone(UTC)})
    try:
        up(settings, DATA_SERVICES)
        folder = settings.drop / "disease"
        folder.mkdir(parents=True)
        emission = emit_diseases(read_city(SEEDS, chance(SEED, "vessels")), DAY, SEED, DEMO_FAULTS, folder)
        prepare_tables(settings)
        contract = find_contract(FEED)
        collect(settings, contract)
        load_feed(settings, contract)
        built = steps.build_domain(settings, "health")
        steps.publish_domain(settings, "health", steps.require_pass(settings, "health", built.snapshot_id))
        truth = {table: frame_of(table, rows) for table, rows in emission.rows.items()}
        yield Diseases(settings, folder, truth | frames_of_books([emission.books]))
    finally:
        down(settings)


def test_the_marts_of_a_faulty_day_equal_the_truth(diseases: Diseases) -> None:
    found = comparisons(diseases.truth, diseases.query, diseases.settings.clock())
    assert {one.mart: one.differences[:3] for one in found} == {one.mart: () for one in found}
    assert {one.mart: one.rows for one in found}["health.disease_weeks"] > 20_000
    assert all(one.rows > 0 for one in found)


def test_the_books_and_the_quarantine_are_those_of_the_simulator(diseases: Diseases) -> None:
    columns = "sum(received)::bigint, sum(accepted)::bigint, sum(duplicate)::bigint, sum(quarantined)::bigint"
    counted = diseases.lake(f"select feed, count(*), {columns} from lake.ledger.deliveries group by feed")
    assert counted == diseases.truth["ledger"].rows()
    quarantined = diseases.lake(
        "select feed, error_group, sum(record_count)::bigint from lake.quarantine.records group by all order by all"
    )
    assert quarantined == diseases.truth["quarantine"].sort("error_group").rows()
    kinds = {FaultKind(fault) for fault in diseases.truth["faults"]["fault"]}
    assert {ERROR_GROUPS.get(kind) for kind in kinds} == {None, 1, 2, 3, 4, 5, 6}


def test_some_weeks_are_shown_hidden_and_above_their_threshold(diseases: Diseases) -> None:
    shown = diseases.query(
        "select count(*) filter (where is_small_cell) as hidden, count(cases) as shown, count(epidemic_threshold) as thresholds, "
        "count(*) filter (where is_above_threshold) as above, count(*) filter (where cases = 0) as zeros from health.disease_weeks"
    )
    assert all(count > 0 for count in shown.row(0)), shown


def test_no_hidden_number_can_be_computed_from_what_is_shown(diseases: Diseases) -> None:
    """Attack: total of the week minus communes shown; the change beside a hidden week; the threshold of hidden weeks."""
    weeks = diseases.query("select * from health.disease_weeks")
    communes = weeks.filter(pl.col("place_level") == "commune").group_by("disease_code", "week_start_date")
    totals = weeks.filter(pl.col("place_level") == "province").select("disease_code", "week_start_date", total="cases")
    attacked = communes.agg(shown=pl.col("cases").sum(), unknown=pl.col("is_small_cell").sum()).join(
        totals, on=["disease_code", "week_start_date"]
    )
    hiding = attacked.filter((pl.col("unknown") > 0) & pl.col("total").is_not_null())
    assert hiding.height > 100
    assert hiding.filter((pl.col("unknown") < 2) | (pl.col("total") - pl.col("shown") < 5)).is_empty()
    by_place = pl.col("cases").shift(1).over("disease_code", "place_code", order_by="week_start_date")
    betrayed = weeks.with_columns(before=by_place).filter(
        pl.col("cases_change").is_not_null() & (pl.col("before").is_null() | pl.col("cases").is_null())
    )
    assert betrayed.is_empty()
    assert weeks.filter(pl.col("cases").is_between(1, 4) | pl.col("deaths").is_between(1, 4)).is_empty()


def test_the_province_is_told_by_year_by_group_and_by_cluster(diseases: Diseases) -> None:
    shown = diseases.query(
        """
        select
            (select count(*) from health.disease_years where cases_last_year is not null and cases is not null) as compared_years,
            (select count(*) from health.disease_years where fatality_percent > 0) as deadly_years,
            (select count(*) from health.disease_years where last_year_unknown_reason = 'chưa đủ lịch sử') as first_years,
            (select count(*) from health.disease_case_groups where cases > 0 and group_kind = 'age') as age_groups,
            (select count(*) from health.disease_case_groups where cases > 0 and group_kind = 'classification') as classes,
            (select count(*) from health.disease_case_groups where is_small_cell and reported_cases is not null) as hidden_groups,
            (select count(*) from health.disease_completeness where completeness_percent < 100 and is_latest) as incomplete_places,
            (select count(*) from health.disease_weeks where is_cluster and is_latest) as clusters,
            (select count(*) from health.disease_weeks where not is_cluster) as no_clusters,
            (select count(*) from health.disease_weeks where cases_4_weeks_change_percent is not null) as trends
        """
    )
    assert all(count > 0 for count in shown.row(0)), shown.to_dicts()


def test_no_hidden_week_or_group_can_be_computed_from_totals(diseases: Diseases) -> None:
    """Attack: a year less its weeks; a week's reports less its groups."""
    weeks = diseases.query("select * from health.disease_weeks where place_level = 'province'")
    years = diseases.query(
        "select disease_code, iso_year, weeks, total: cases, dead: deaths from health.disease_years where cases is not null"
    )
    rest = (
        weeks.join(years, on=["disease_code", "iso_year"])
        .filter(pl.col("iso_week") <= pl.col("weeks"))
        .group_by("disease_code", "iso_year", "total", "dead")
        .agg(
            hidden=pl.col("is_small_cell").sum(),
            left=pl.col("total").first() - pl.col("cases").sum(),
            dead_left=pl.col("dead").first() - pl.col("deaths").sum(),
        )
    )
    assert rest.filter(pl.col("hidden") > 0).height > 2
    assert rest.filter(
        (pl.col("hidden") == 1) | pl.col("left").is_between(1, 4) | pl.col("dead_left").is_between(1, 4)
    ).is_empty()
    groups = diseases.query("select * from health.disease_case_groups").group_by(
        "disease_code", "week_start_date", "group_kind"
    )
    parts = groups.agg(
        pl.col("reported_cases").first(), hidden=pl.col("is_small_cell").sum(), shown=pl.col("cases").sum()
    )
    small = parts.filter(pl.col("reported_cases").is_null())
    assert small.height > 0
    assert small["shown"].sum() == 0
    left = parts.filter(pl.col("hidden") > 0).with_columns(left=pl.col("reported_cases") - pl.col("shown"))
    assert left.filter((pl.col("left") < 5) | (pl.col("hidden") == 1)).is_empty()


def test_no_case_number_leaves_the_agencies_bytes(diseases: Diseases) -> None:
    code = str(diseases.truth["disease_case_lines"]["case_code"][0])
    key = diseases.settings.reveal("privacy_key")
    stored = "select count(*) > 0 from lake.bronze.health__disease_cases where record_code = "
    assert diseases.lake(f"{stored}'{pseudonym(code, key)}'") == [(True,)]
    assert diseases.lake(f"{stored}'{code}'") == [(False,)]
    for mart in ("disease_weeks", "disease_years", "disease_reporting", "disease_case_groups", "disease_history"):
        assert "record_code" not in diseases.query(f"select * from health.{mart} limit 1").columns


def test_months_cannot_be_added_to_their_year_by_accident(diseases: Diseases) -> None:
    sums = diseases.query(
        "select sum(cases_of_month) as months, sum(cases_of_year) as years from health.disease_history where place_level = 'province'"
    )
    published = diseases.truth["disease_published"].filter(pl.col("place_level") == "province")
    years = published.filter(pl.col("period_kind") == "year")["cases"].sum()
    assert sums.row(0) == (years, years)
    assert published["cases"].sum() == 2 * years, "one column of persons would have counted everybody twice"


def test_real_files_are_loaded_or_set_aside_and_every_record_is_accounted_for(diseases: Diseases) -> None:
    paths = [*sorted(SAMPLES.glob("dhis2_*")), *sorted(SAMPLES.glob("opendengue_vietnam_*"))]
    if not paths:
        pytest.skip("the real samples are not on this machine")
    contract = find_contract(FEED)
    landing = Landing(diseases.settings)
    for path in paths:
        landing.land(contract, path.name, path.read_bytes(), diseases.settings.clock())
    with connected(diseases.settings) as connection:
        rows = Loader(diseases.settings, connection, landing, Reference()).load_new(contract)
    assert len(rows) == len(paths) == 11
    for row in rows:
        assert row.received == row.accepted + row.duplicate + row.quarantined
        assert row.pieces == row.received + sum(row.skipped_reasons.values())
    told = {row.delivery.source_name: (row.status.value, row.received, row.accepted, row.quarantined) for row in rows}
    [dengue] = [value for name, value in told.items() if name.startswith("opendengue")]
    [values] = [value for name, value in told.items() if "dataValueSets" in name]
    assert dengue == ("loaded", 12_687, 12_687, 0)
    assert values == ("loaded", 4, 0, 4)
    others = {value for name, value in told.items() if "analytics" in name or "organisationUnits" in name}
    assert others == {("unreadable", 1, 0, 1)}
    refused = diseases.lake("select count(*) from lake.quarantine.records where reason = 'no_list'")
    assert refused == [(9,)]
    steps.build_domain(diseases.settings, "health")
    resolutions = diseases.lake(
        "select period_kind, count(*) from lake.health.disease_history where series_code not like '%SIMULATED%' group by all order by all"
    )
    assert resolutions == [("month", 12_348), ("week", 285), ("year", 54)]


def test_every_guard_fails_on_bad_data(diseases: Diseases) -> None:
    hidden = "is_small_cell and place_level = 'commune'"
    for statement in (
        f"update lake.health.disease_weeks set cases = 3 where {hidden} and week_start_date = date '2026-11-02'",
        "delete from lake.health.disease_weeks where week_start_date = date '2026-10-05' and place_code = 'province'",
        "insert into lake.health.disease_weeks select * from lake.health.disease_weeks limit 1",
        "insert into lake.health.disease_weeks select * replace ('x' as place_code, 1000 as cases) from lake.health.disease_weeks "
        f"where {hidden} and week_start_date = date '2026-11-09'",
        "update lake.health.disease_reporting set reported_cases = 2, on_time_from_onset_cases = 9, on_time_from_onset_percent = 450 "
        "where disease_code = 'A91'",
        "update lake.health.disease_history set cases_of_month = cases_of_year where period_kind = 'year'",
        "update lake.health.disease_weeks set cases_4_weeks = 9, cluster_start_date = null where place_level = 'commune'",
        "update lake.health.disease_years set cases = cases + 1, deaths = 2 where disease_code = 'B05'",
        "update lake.health.disease_years set last_year_unknown_reason = null, is_latest = true, known_weeks = 60",
        "update lake.health.disease_case_groups set cases = 3 where is_small_cell",
        "update lake.health.disease_completeness set sent_counts = due_counts + 1",
        "delete from lake.silver.int_disease_records_current where record_kind = 'case'",
        "update lake.silver.int_disease_weeks set cases = cases + 1 where place_code = 'province'",
    ):
        diseases.lake(statement)
    statuses = diseases.test()
    failing = {name for name, status in statuses.items() if status == "fail"}
    guards = (
        "hidden_cells_cannot_be_computed",
        "a_hidden_week_tells_nothing",
        "no_small_count_is_shown_disease_weeks_cases",
        "no_small_count_is_shown_disease_reporting",
        "weekly_series_has_no_hole_disease_weeks",
        "unique_combination_disease_weeks",
        "never_more_than_disease_reporting",
        "no_hidden_week_of_reports_can_be_worked_out",
        "value_between_disease_reporting",
        "a_count_stands_in_the_column_of_its_resolution",
        "every_accepted_version_is_current_superseded_or_cancelled",
        "sums_agree_int_disease_weeks",
        "only_shown_weeks_are_added_up_disease_weeks",
        "no_hidden_week_can_be_worked_out_disease_years",
        "a_small_outcome_is_hidden_disease_years",
        "unknown_has_a_reason_disease_years",
        "one_latest_per_disease_years",
        "never_more_than_disease_years",
        "total_is_the_sum_of_records_disease_years",
        "hidden_counts_are_not_shown_disease_case_groups",
        "a_hidden_week_has_no_group",
        "no_hidden_count_can_be_worked_out_disease_case_groups",
        "never_more_than_disease_completeness",
        "total_is_the_sum_of_records_disease_completeness",
    )
    assert {guard for guard in guards if any(name.startswith(guard) for name in failing)} == set(guards)
    assert [name for name, status in statuses.items() if status == "error" and "disease" in name] == []


def test_tables_of_the_truth_are_typed(diseases: Diseases) -> None:
    for name in ("disease_counts", "disease_case_lines", "disease_published"):
        assert dict(diseases.truth[name].schema) == dict(TABLES[name])
