"""Claims through every layer: simulated facilities against the truth, sendings that replace each other, identities on bad data."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.contract import read_contracts
from core.reference import SEEDS, Reference
from core.settings import Settings
from ingestion.collect.landing import Landing
from ingestion.load.ledger import LedgerRow
from ingestion.load.load import Loader
from lake.connection import connected
from lake.tables import create_tables
from quality.suites.health_claims import MARTS
from simulator.chance import chance
from simulator.claim_files import Dossier, list_file, message, summary_file
from simulator.comparisons import health_claims
from simulator.emitters.giamdinhhs import emit_claims
from simulator.entities import read_city
from simulator.faults import CLAIMS, DEMO_FAULTS, NO_FAULTS, FaultProfile
from simulator.local_time import midnight
from simulator.truth import Emission, frame_of
from stack.control import DATA_SERVICES, down, up
from transform.build import of_domain

from .conftest import Lake
from .warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

DAY = date(2026, 11, 20)
SEED = 46
CLOCK = (midnight(DAY) + timedelta(days=1)).astimezone(UTC)
HEALTH = of_domain("health")


@dataclass(frozen=True)
class Province:
    """The simulated facilities, loaded and built."""

    warehouse: Warehouse
    emission: Emission
    rows: list[LedgerRow]

    def differences(self) -> dict[str, tuple[str, ...]]:
        """Compare every mart of the claims with the truth."""
        truth = {name: frame_of(name, rows) for name, rows in self.emission.rows.items()}

        def query(sql: str) -> pl.DataFrame:
            return self.warehouse.connection.execute(sql.replace("from health.", "from lake.health.")).pl()

        compared = health_claims.comparisons(truth, query, CLOCK)
        assert len(compared) == 7
        assert all(one.rows > 20 for one in compared)
        return {one.mart: one.differences[:3] for one in compared if one.differences}


def province(settings: Settings, folder: Path, profile: FaultProfile) -> Iterator[Province]:
    """Emit, load and build the claims of a province."""
    settings = settings.model_copy(update={"now": CLOCK})
    contracts = read_contracts()
    emission = emit_claims(read_city(SEEDS, chance(SEED, "vessels")), DAY, SEED, profile, folder)
    up(settings, DATA_SERVICES)
    try:
        landing = Landing(settings)
        with connected(settings) as connection:
            create_tables(connection, contracts)
            for path in sorted(folder.iterdir()):
                landing.land(contracts[CLAIMS], path.name, path.read_bytes(), CLOCK)
            rows = Loader(settings, connection, landing, Reference()).load_new(contracts[CLAIMS])
            warehouse = Warehouse(settings, connection)
            statuses = warehouse.dbt("build", CLOCK, *HEALTH)
            assert {name: status for name, status in statuses.items() if status not in ("success", "pass")} == {}
            yield Province(warehouse, emission, rows)
    finally:
        down(settings)


@pytest.fixture(scope="module")
def faulty(new_settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:  # type: ignore[no-untyped-def]
    yield from province(new_settings(), tmp_path_factory.mktemp("claims"), DEMO_FAULTS)


def test_the_marts_of_faulty_claims_equal_the_truth(faulty: Province) -> None:
    assert faulty.differences() == {}


def test_the_books_equal_the_truth(faulty: Province) -> None:
    counted = [
        sum(getattr(row, name) for row in faulty.rows) for name in ("received", "accepted", "duplicate", "quarantined")
    ]
    assert (CLAIMS, len(faulty.rows), *counted) == faulty.emission.books.ledger_row()
    found = faulty.warehouse.rows(
        "select error_group, sum(record_count)::bigint from lake.quarantine.records group by all order by all"
    )
    assert found == sorted(faulty.emission.books.quarantined.items())
    assert {group for group, _ in found} == {1, 4, 5, 6}


@pytest.mark.long("the faulty claims and `make demo` compare the same marts")
def test_the_marts_of_claims_without_faults_equal_the_truth(new_settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for spotless in province(new_settings(), tmp_path, NO_FAULTS):
        assert spotless.differences() == {}
        assert spotless.warehouse.rows("select count(*) from lake.quarantine.records") == [(0,)]


def test_subtracting_what_is_shown_from_the_totals_finds_no_small_cell(faulty: Province) -> None:
    shown = faulty.warehouse.rows(
        "select month_date, sum(visits), sum(patients), count(*) filter (is_hidden) from lake.health.icd10_months group by month_date"
    )
    assert sum(int(str(row[3])) for row in shown) > 10, "there is something to attack"
    totals = {
        month: (int(str(visits)), int(str(patients)))
        for month, visits, patients in faulty.warehouse.rows(
            "select date_trunc('month', discharged_date)::date, count(*), count(distinct (icd10_code, patient_id)) "
            "from lake.silver.int_health_claims_current group by 1"
        )
    }
    for month, visits, patients, hidden in shown:
        all_visits, all_patients = totals[month]
        rest = all_patients - int(str(patients or 0))
        assert hidden == 0 or (int(str(hidden)) >= 2 and rest >= 5), month
        assert all_visits - int(str(visits or 0)) >= rest


def test_subtracting_the_communes_shown_from_the_totals_finds_no_small_cell(faulty: Province) -> None:
    shown = faulty.warehouse.rows(
        "select month_date, care_kind, sum(visits), sum(patients), count(*) filter (is_small_cell), count(*) filter (visits > 0) "
        "from lake.health.patient_commune_months group by all"
    )
    for count in (4, 5):
        assert sum(int(str(row[count])) for row in shown) > 10, "there is something to attack"
    totals = {
        (month, kind): (int(str(visits)), int(str(patients)))
        for month, kind, visits, patients in faulty.warehouse.rows(
            "select date_trunc('month', discharged_date)::date, if(is_inpatient, 'inpatient', 'outpatient'), count(*), "
            "count(distinct (commune_code, patient_id)) from lake.silver.int_health_claims_current group by all"
        )
    }
    for month, kind, visits, patients, hidden, _ in shown:
        all_visits, all_patients = totals[month, kind]
        rest = all_patients - int(str(patients or 0))
        assert (hidden == 0 and rest == 0) or (int(str(hidden)) >= 2 and (rest >= 5 or not patients)), (month, kind)
        assert all_visits - int(str(visits or 0)) >= rest


def test_hiv_and_tuberculosis_leave_no_trace_in_silver_or_marts(faulty: Province) -> None:
    bronze = faulty.warehouse.rows(
        "select file_kind, count(*) from lake.bronze.health__claims where file_kind in ('XML6', 'XML15') group by all order by all"
    )
    assert [kind for kind, _ in bronze] == ["XML15", "XML6"]
    staged = f"select count(*) > 0, count(*) filter (file_kind in ('XML6', 'XML15')) from {faulty.warehouse.staged('stg_health__claims')}"
    assert faulty.warehouse.rows(staged) == [(True, 0)]
    assert faulty.warehouse.rows(
        "select count(*) from lake.health.icd10_months where icd10_code in ('A15', 'B20')"
    ) != [(0,)]
    below_province = faulty.warehouse.rows(
        "select table_name from information_schema.columns where table_catalog = 'lake' and table_schema = 'health' "
        "group by table_name having bool_or(column_name = 'facility_code') and bool_or(column_name = 'icd10_code')"
    )
    assert below_province == []


def test_a_build_again_changes_nothing(faulty: Province) -> None:
    before = {mart: faulty.warehouse.rows(f"from lake.health.{mart} order by all") for mart in MARTS}
    faulty.warehouse.build_models(CLOCK, *HEALTH)
    assert {mart: faulty.warehouse.rows(f"from lake.health.{mart} order by all") for mart in MARTS} == before


def test_every_guard_of_the_claims_fails_on_bad_data(faulty: Province) -> None:
    for statement in (
        "update lake.silver.int_health_claims_current set medicine_vnd = medicine_vnd + 0.01 where medicine_lines_vnd is not null",
        "update lake.silver.int_health_claims_current set insured_total_vnd = insured_total_vnd + 1",
        "delete from lake.silver.int_health_claims_current where facility_code = '46001'",
        "update lake.silver.int_health_claims_current set discharged_at = admitted_at - interval 1 day where facility_code = '46002'",
        "update lake.silver.int_health_claims_current set total_vnd = total_vnd + 5 where service_lines_vnd is not null",
        "update lake.health.insurance_spend_months set spent_vnd = spent_vnd + 1",
        "update lake.health.stay_months set deaths = 1 where is_latest",
        "update lake.health.stay_months set counted_stays = 4, mean_stay_days = 9 where place_code = 'province'",
        "update lake.health.stay_months set transfers_out = 5 where place_code = 'province' and is_latest",
        "update lake.health.facility_days set outpatient_visits = visits + 1 where is_latest",
        "update lake.health.insurance_spend_months set priced_claims = 4 where medicine_vnd is not null",
        "update lake.health.insurance_spend_months set spent_in_year_vnd = 1 where is_small_cell",
        "update lake.health.patient_commune_months set patients = 4",
        "update lake.health.patient_commune_months set visits = 9 where is_small_cell",
        "update lake.health.patient_commune_months set is_small_cell = false where care_kind = 'inpatient'",
        "delete from lake.health.check_in_hours where facility_code = '46012' and is_latest",
        "update lake.health.icd10_months set patients = 3 where is_hidden",
    ):
        faulty.warehouse.run(statement)
    statuses = faulty.warehouse.test(CLOCK, "health")
    failing = {name for name, status in statuses.items() if status == "fail"}
    guards = (
        "medicine_is_the_sum_of_its_lines",
        "total_is_the_sum_of_all_lines",
        "insurer_pays_what_the_patient_does_not",
        "every_accepted_version_is_current_superseded_or_cancelled",
        "never_more_than_int_health_claims_current",
        "spending_of_a_year_is_the_sum_of_its_months",
        "a_small_outcome_is_hidden",
        "a_length_of_few_stays_is_hidden",
        "no_outcome_can_be_worked_out",
        "never_more_than_facility_days",
        "what_few_claims_cost_is_hidden",
        "no_hidden_spending_can_be_worked_out",
        "no_small_count_is_shown_patient_commune_months",
        "hidden_patients_are_not_shown",
        "hidden_visits_are_not_shown",
        "no_commune_of_few_inpatients_can_be_worked_out",
        "every_pair_has_a_row_check_in_hours",
        "a_hidden_cell_shows_nothing",
    )
    assert {guard for guard in guards if any(name.startswith(guard) for name in failing)} == set(guards)
    assert [name for name, status in statuses.items() if status == "error"] == []


CLAIM: dict[str, object] = {
    "MA_LK": "A",
    "STT": 1,
    "MA_LOAI_KCB": "01",
    "MA_BENH_CHINH": "J00",
    "NGAY_VAO": "202611200800",
    "NGAY_RA": "202611200900",
    "NGAY_TTOAN": "202611200910",
    "SO_NGAY_DTRI": 0,
    "T_THUOC": "30.50",
    "T_TONGCHI_BV": "30.50",
    "T_TONGCHI_BH": "30.50",
    "T_BNCCT": "0.30",
    "T_BHTT": "30.20",
}
LINE: dict[str, object] = {
    "MA_LK": "A",
    "STT": 1,
    "THANH_TIEN_BV": "30.50",
    "NGAY_YL": "202611200810",
    "NGAY_TH_YL": "202611200820",
}
ABSENT = "absent"


def dossier(line: dict[str, object] | None = None, **changes: object) -> Dossier:
    fields = {name: value for name, value in (CLAIM | changes).items() if value != ABSENT}
    return [("XML1", summary_file(fields)), ("XML2", list_file("XML2", [LINE | (line or {})]))]


def test_a_good_claim_breaks_no_rule(lake: Lake) -> None:
    lake.land(CLAIMS, "a.xml", message("46001", "20261120", [dossier()]))
    (row,) = lake.load(CLAIMS)
    assert (row.pieces, row.accepted, row.skipped_reasons) == (3, 2, {"head": 1})
    assert lake.query(
        "select insurer_paid_vnd, medicine_lines_vnd from lake.bronze.health__claims where file_kind = 'XML1'"
    ) == [(Decimal("30.20"), Decimal("30.50"))]


@pytest.mark.parametrize(
    ("bad", "kind", "rule", "group"),
    [
        (dossier(T_THUOC="30.51"), "XML1", "medicine_is_the_sum_of_its_lines", 6),
        (dossier(T_TONGCHI_BV="30.49"), "XML1", "total_is_the_sum_of_all_lines", 6),
        (dossier(T_BHTT="30.21"), "XML1", "insurer_pays_what_the_patient_does_not", 6),
        (dossier(SO_NGAY_DTRI=1), "XML1", "no_days_without_a_bed", 6),
        (dossier(MA_LOAI_KCB="07", SO_NGAY_DTRI=2), "XML1", "no_days_without_a_bed", 6),
        (dossier(NGAY_RA="202611200759"), "XML1", "admitted_before_discharged", 6),
        (dossier(NGAY_TTOAN="202611200859"), "XML1", "discharged_before_settled", 6),
        (dossier(NGAY_RA="203611200900", NGAY_TTOAN=""), "XML1", "not_from_the_future", 6),
        (dossier(NGAY_VAO="20261120"), "XML1", "admitted_at_format", 4),
        (dossier(NGAY_VAO="202611200860"), "XML1", "admitted_at_format", 4),
        (dossier(T_BHTT="30,20"), "XML1", "insurer_paid_vnd_format", 4),
        (dossier(T_BHTT="30.205"), "XML1", "insurer_paid_vnd_format", 4),
        (dossier(T_BHTT="-1", T_BNCCT="31.50"), "XML1", "insurer_paid_vnd_range", 2),
        (dossier(MA_BENH_CHINH="khám"), "XML1", "main_diagnosis_code_pattern", 4),
        (dossier(MA_LOAI_KCB="10"), "XML1", "visit_type_code_allowed", 5),
        (dossier(KET_QUA_DTRI="9"), "XML1", "outcome_code_allowed", 5),
        (dossier(NGAY_RA=ABSENT), "XML1", "mandatory_fields_present", 1),
        (dossier({"NGAY_TH_YL": "202611200809"}), "XML2", "ordered_before_done", 6),
        (dossier({"NGAY_YL": "20261120"}), "XML2", "line_times_have_twelve_digits", 4),
        (dossier({"STT": 2}), "XML2", "numbering_starts_at_one", 6),
        (dossier({"THANH_TIEN_BV": "x"}), "XML2", "line_amounts_are_numbers", 4),
        (dossier({"MA_LK": "B"}), "XML2", "lines_have_their_claim", 5),
        (dossier()[1:], "XML2", "lines_have_their_claim", 5),
        ([("XML1", b"!!"), dossier()[1]], "XML2", "lines_have_their_claim", 5),
        ([dossier()[0], ("XML2", list_file("XML2", [LINE, LINE]))], "XML2", "lines_come_once", 3),
        (dossier({"NGAY_KQ": "202611200819"}), "XML2", "results_after_their_tests", 6),
    ],
)  # fmt: skip
def test_each_rule_quarantines_its_own_file_and_lets_the_siblings_load(
    lake: Lake, bad: Dossier, kind: str, rule: str, group: int
) -> None:
    good = [(name, str(content).replace("<MA_LK>A<", "<MA_LK>GOOD<")) for name, content in dossier()]
    lake.land(CLAIMS, "a.xml", message("46001", "20261120", [bad, good]))
    lake.load(CLAIMS)
    found = lake.query("select reason, error_group, raw from lake.quarantine.records where reason <> 'bad_base64'")
    assert [(reason, error_group) for reason, error_group, _ in found] == [(rule, group)]
    assert f"<LOAIHOSO>{kind}</LOAIHOSO>" in str(found[0][2])
    kept = {str(name) for (name,) in lake.query("select file_kind from lake.bronze.health__claims")}
    assert kept == {"XML1", "XML2"}
    assert lake.query("select count(*) from lake.bronze.health__claims") == [
        (2 + sum(name != kind and content != b"!!" for name, content in bad),)
    ]


@pytest.mark.parametrize(
    ("odd", "kind", "rule"),
    [
        (dossier(T_BNTT="0.01"), "XML1", "total_is_the_sum_of_who_pays"),
        (dossier(T_NGUONKHAC="5"), "XML1", "total_is_the_sum_of_who_pays"),
        (dossier(T_TONGCHI_BH="30.51", T_BHTT="30.21"), "XML1", "insured_part_within_the_total"),
        (dossier({"THANH_TIEN_BH": "30.49"}), "XML1", "insured_total_is_the_sum_of_its_lines"),
        (dossier(T_VTYT="0.01"), "XML1", "supplies_within_the_services"),
        (dossier(NGAY_VAO_NOI_TRU="202611200759"), "XML1", "inpatient_within_the_visit"),
        (dossier(NGAY_VAO_NOI_TRU="202611200901"), "XML1", "inpatient_within_the_visit"),
        (dossier(MA_LOAI_KCB="09", NGAY_RA="202611201200", NGAY_TTOAN="202611201200"), "XML1", "short_stay_is_under_four_hours"),
        (dossier({"NGAY_YL": "202611200759"}), "XML2", "nothing_before_admission"),
        (dossier({"SO_LUONG": "2", "DON_GIA": "10"}), "XML2", "amount_is_quantity_times_price"),
    ],
)  # fmt: skip
def test_what_is_odd_but_may_be_is_accepted_and_warned_of(lake: Lake, odd: Dossier, kind: str, rule: str) -> None:
    lake.land(CLAIMS, "a.xml", message("46001", "20261120", [odd]))
    (row,) = lake.load(CLAIMS)
    assert (row.accepted, row.quarantined) == (2, 0)
    warned = lake.query("select file_kind, _warnings from lake.bronze.health__claims where len(_warnings) > 0")
    assert (kind, [rule]) in [(name, [one for one in rules if one == rule]) for name, rules in warned]  # type: ignore[attr-defined]


def test_a_claim_summed_from_lines_that_came_twice_is_quarantined_with_them(lake: Lake) -> None:
    twice = ("XML2", list_file("XML2", [LINE, LINE]))
    doubled: dict[str, Any] = {"T_THUOC": "61", "T_TONGCHI_BV": "61", "T_TONGCHI_BH": "61", "T_BHTT": "60.70"}
    lake.land(CLAIMS, "a.xml", message("46001", "20261120", [[dossier(**doubled)[0], twice]]))
    lake.land(CLAIMS, "b.xml", message("46002", "20261120", [[dossier()[0], twice]]))
    lake.load(CLAIMS)
    found = lake.query("select reason from lake.quarantine.records order by all")
    assert [reason for (reason,) in found] == ["lines_come_once", "lines_come_once", "medicine_is_the_sum_of_its_lines"]
    assert lake.query("select facility_code, file_kind, total_vnd from lake.bronze.health__claims") == [
        ("46002", "XML1", Decimal("30.50"))
    ]


def test_an_unknown_facility_and_an_unknown_kind_are_quarantined_by_reference(lake: Lake) -> None:
    lake.land(CLAIMS, "a.xml", message("46999", "20261120", [dossier()]))
    lake.land(CLAIMS, "b.xml", message("46001", "20261120", [[*dossier(), ("XML99", "<a/>")]]))
    lake.load(CLAIMS)
    reasons = lake.query("select reason, error_group, count(*) from lake.quarantine.records group by all order by all")
    assert reasons == [("facility_code_reference", 5, 2), ("file_kind_allowed", 5, 1)]


def test_a_wrong_count_is_a_finding_of_logic_that_loses_nothing(lake: Lake) -> None:
    lake.land(CLAIMS, "a.xml", message("46001", "20261120", [dossier()], declared=2))
    (row,) = lake.load(CLAIMS)
    assert (row.accepted, row.quarantined) == (2, 1)
    assert lake.query("select rule, axis, failed from lake.ledger.rule_results where failed > 0") == [
        ("claim_count_differs", "correct", 1)
    ]


def test_of_two_sendings_on_one_day_the_later_arrival_replaces_all_files_of_the_former(lake: Lake) -> None:
    corrected = dossier(T_THUOC="0", T_TONGCHI_BV="0", T_TONGCHI_BH="20", T_BNCCT="0", T_BHTT="20")[:1]
    lake.land(CLAIMS, "1.xml", message("46001", "20261120", [dossier()]))
    lake.load(CLAIMS)
    later = datetime(2026, 11, 20, 9, tzinfo=UTC)
    lake.landing.land(
        lake.contracts[CLAIMS], "0_again.xml", message("46001", "20261120", [corrected, corrected]), later
    )
    (row,) = lake.load(CLAIMS)
    assert (row.accepted, row.duplicate, row.quarantined) == (1, 1, 0)
    warehouse = Warehouse(lake.settings, lake.connection)
    warehouse.dbt("seed", later, *HEALTH)
    warehouse.build_models(later, "--select", "+insurance_spend_months")
    assert lake.query(
        "select insurer_paid_vnd, medicine_lines_vnd, version_number from lake.silver.int_health_claims_current"
    ) == [(Decimal("20.00"), None, 2)]
    assert lake.query("select sum(spent_vnd), sum(claims) from lake.health.insurance_spend_months") == [(None, 1)]
