"""The dbt project on a real lake: whole marts from known rows, incremental equals full refresh, an unbalanced ledger stops a build."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import yaml

from core.contract import read_contracts
from core.settings import Settings
from lake.connection import connected
from lake.tables import create_tables
from transform.build import DBT_PROJECT, of_domain

from .warehouse import DOMAINS, Warehouse, changes

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

SCHOOLS = (("461978901", 30, 3), ("469900201", 30, 6), ("469900601", 40, 20))
"""Schools of one level: code, pupils who study, drop-outs."""

FEW, COMPANION, LAST_YEAR = ("469900101", 4, 0), ("469900401", 50, 0), (("461978901", 25, 0), ("469900201", 20, 0))
"""Two schools of the next level, one of them too small to be shown; the first two schools in the school year before."""

DAY_1, DAY_2 = date(2026, 11, 20), date(2026, 11, 21)
SENDING = ("education", "environment", "feedback", "fisheries", "health", "public_services", "quality")
"""The domains of which something comes; the others are built once, with every test, of nothing."""

OF_THE_SENDING = of_domain(*SENDING)
MORNING = datetime.fromisoformat("2026-11-20T09:02:00+07:00")
NEXT_MORNING = datetime.fromisoformat("2026-11-21T09:02:00+07:00")


def envelope(position: str, at: str) -> str:
    """Return the columns that bronze adds to the contract's, as SQL."""
    return f"'d1', {position}, 1, 1::ubigint, []::varchar[], timestamptz '{at}', timestamptz '{at}', 'l1'"


def readings(start: str, slots: str, values: str, at: str, station: str = "46_KK01", parameter: str = "PM2.5") -> str:
    """Return the insert of one station's readings: `slots` and `values` are SQL over `slot`."""
    return f"""
        insert into lake.bronze.environment__station_readings
        select '{station}', '{parameter}', timestamptz '{start}' + slot * interval 5 minutes, {values}, 'ug/m3', '00',
            {envelope("slot", at)}
        from {slots} as slots (slot)
    """


def request(case: str, version: str, status: str, at: str, rating: str = "null") -> str:
    """Return the insert of one version of a case, due at 12:00 on the 20th."""
    return f"""
        insert into lake.bronze.feedback__requests (
            service_request_id, version_at, status, status_notes, service_code, description, agency_code, commune_code,
            requested_at, updated_at, expected_at, address, satisfaction_rating, _position, _record_count, _loaded_at
        )
        values ('{case}', '{version}', '{status}', 'gọi 0905123456', 'VSMT', 'nhà ông Giả Lập', '000.00.01.H57', '19753',
            '2026-11-20 07:00:00+07', '{version}', '2026-11-20 12:00:00+07', '1 Giả Lập', {rating}, 1, 1, '{at}')
    """


def fix(vessel: str, fixed_at: str, at: str, latitude: float = 16.5) -> str:
    """Return the insert of one satellite position."""
    return f"""
        insert into lake.bronze.fisheries__vms_positions (
            vessel_id, fixed_at, message_type_code, latitude, longitude, speed_knots, vessel_name,
            _delivery_id, _position, _record_count, _loaded_at
        )
        values ('{vessel}', '{fixed_at}', 'POS', {latitude}, 108.5, 6.5, 'Tàu {vessel}', 'd1', 1, 1, '{at}')
    """


def listed(vessel: str, at: str, expires: str = "2027-01-31") -> str:
    """Return the insert of one vessel on the register's list of the first of November."""
    return f"""
        insert into lake.bronze.fisheries__vessels (
            vessel_id, listed_at, vessel_name, length_m, commune_code, owner_hash, licence_number, licence_expires_date, vms_device,
            _delivery_id, _position, _record_count, _loaded_at
        )
        values ('{vessel}', '2026-11-01 00:00:00+07', 'Tàu {vessel}', 18, '19753', 'hash-of-an-owner', 'GP', '{expires}', 'X/1',
            'd1', 1, 1, '{at}')
    """


def disease(code: str, kind: str, level: str, period: str, start: str, end: str, at: str) -> str:
    """Return the insert of one case, or of a published count of ten."""
    is_case = kind == "case"
    return f"""
        insert into lake.bronze.health__disease_cases (
            record_kind, record_code, disease_code, measure_code, place_level, commune_code, place_name, onset_at, reported_at,
            event_at, period_kind, period_start, period_end, person_count, classification_code, _delivery_id, _position,
            _record_count, _loaded_at
        )
        values ('{kind}', '{code}', 'A91', '{"case" if is_case else "dengue_total"}', '{level}', {"'19753'" if is_case else "null"},
            'HUE', '{start} 00:00:00+07', '{start} 08:00:00+07', '{start} 08:00:00+07', '{period}', '{start}', '{end}',
            {1 if is_case else 10}, {"'xac_dinh'" if is_case else "null"}, 'd1', 1, 1, '{at}')
    """


def dossier(
    dossier_id: str, changed_at: str, status: str, at: str, finished_at: str = "null", changes: str = "null"
) -> str:
    """Return the insert of one version of a dossier, received on 30 October and due at 17:00 on 20 November."""
    return f"""
        insert into lake.bronze.public_services__dossiers (
            dossier_id, changed_at, procedure_code, channel_code, applicant_name, abstract, submitted_at, intake_at, due_at, finished_at,
            status_code, receiving_agency_code, processing_agency_code, has_digitised_components, is_paid_online, component_count,
            digitised_component_count, reused_component_count, fee_amount, result_paper_count, due_changes,
            _position, _record_count, _loaded_at
        )
        values ('{dossier_id}', '{changed_at}', '1.012766', '2', 'hash', 'nhà ông Giả Lập 0905123456', '2026-10-30 08:00:00+07',
            '2026-10-30 09:00:00+07', '2026-11-20 17:00:00+07', {finished_at}, '{status}', '000.00.02.H57', '000.00.01.H57', 1, 1, 2,
            2, 1, 50000.50, 1, {changes}, 1, 1, '{at}')
    """


def books(delivery: str, feed: str, received: int, accepted: int, at: str) -> str:
    """Return the insert of one delivery's balanced ledger row; what was not accepted is in quarantine."""
    return f"""
        insert into lake.ledger.deliveries
        values ('{delivery}', '{feed}', 'k', 's', 1, 'f', '{at}', 'l1', '{at}', 'loaded', {received + 1}, 1, '{{}}', {received},
            {accepted}, 0, {received - accepted}, '{at}', '{at}')
    """


def school(code: str, pupils: int, dropped_out: int, at: str, year: str = "2026-2027") -> list[str]:
    """Return the inserts of a school with one class: of the pupils who study two are Tà Ôi, six Cơ Tu, the others Kinh."""
    common = f"'{year}' as school_year, 'active' as record_status, timestamptz '2026-11-18 08:00:00+07' as exported_at"
    stamp = f"'d1' as _delivery_id, 1 as _record_count, timestamptz '{at}' as _loaded_at"
    return [
        f"insert into lake.bronze.education__schools by name select '{code}' as school_code, 'Trường' as school_name, "
        f"true as is_national_standard, true as has_internet, {pupils} > 30 as has_clean_water, 1 as _position, {common}, {stamp}",
        f"insert into lake.bronze.education__classes by name select '{code}' as school_code, '1A' as class_code, '1A' as class_name, "
        f"{pupils + dropped_out} as pupils_at_start, 1 as _position, {common}, {stamp}",
        f"""insert into lake.bronze.education__students by name
        select '{code}' || number as student_id, '{code}' as school_code, '1A' as class_code, date '2020-03-04' as date_of_birth,
            'Nam' as sex, 'hash-of-a-name' as full_name,
            case when number < 2 then 'Tà Ôi' when number < 8 then 'Cơ Tu' else 'Kinh' end as ethnic_group,
            case when number < {pupils} then 'Đang học' else 'Thôi học' end as status_name, 'gia đình ở xa' as dropout_reason,
            number as _position, {common}, {stamp}
        from range({pupils + dropped_out}) as pupils (number)""",
        f"insert into lake.bronze.education__attendance by name select '{code}' as school_code, '1A' as class_code, "
        f"date '{year[:4]}-11-19' as attendance_date, {pupils} as enrolled_pupils, {pupils - 2} as present_pupils, 1 as absent_with_leave, "
        f"1 as absent_without_leave, 1 as _position, timestamptz '2026-11-19 17:00:00+07' as exported_at, {stamp}",
    ]


def first_day(warehouse: Warehouse) -> None:
    """Write what was there on the first morning."""
    at = "2026-11-20 09:00:00+07"
    warehouse.run(readings("2026-11-20 06:00:00+07", "range(36)", "20.0 + slot // 12", at))
    warehouse.run(readings("2026-11-20 06:00:00+07", "range(8)", "30.0", at, station="46_KK02"))
    # an hour that the first build sees while it runs, and to which nothing is added
    warehouse.run(readings("2026-11-20 09:00:00+07", "range(12)", "25.0", at, station="46_KK03"))
    warehouse.run(
        f"insert into lake.bronze.environment__river_levels select gauge_id, gauge_id, 'as sent', "
        f"timestamptz '2026-11-20 08:00:00+07' + poll * interval 15 minutes, 1.5 + poll, 'rising', "
        f"{envelope('poll', at)} "
        "from (values ('46_TV01'), ('L1602')) as gauges (gauge_id), range(3) as polls (poll)"
    )
    for statement in (
        *school(*SCHOOLS[0], at),
        *school(*SCHOOLS[1], at),
        *school(*SCHOOLS[2], at),
        *school(*FEW, at),
        *school(*COMPANION, at),
        *(statement for one in LAST_YEAR for statement in school(*one, at, year="2025-2026")),
        request("PA-1", "2026-11-20 07:00:00+07", "open", at),
        request("PA-1", "2026-11-20 08:00:00+07", "closed", at),
        request("PA-2", "2026-11-20 07:00:00+07", "open", at),
        dossier("HS-1", "2026-10-30 09:00:00+07", "4", at),
        dossier("HS-2", "2026-10-31 09:00:00+07", "5", at),
        fix("A", "2026-11-19 20:00:00+07", at),
        fix("A", "2026-11-20 04:00:00+07", at, latitude=16.7),
        fix("B", "2026-11-20 08:00:00+07", at),
        fix("P", "2026-11-20 06:00:00+07", at, latitude=19),
        fix("P", "2026-11-20 07:00:00+07", at, latitude=19),
        *(listed(vessel, at) for vessel in ("B", "N", "P")),
        listed("A", at, expires="2026-11-19"),
        disease("C1", "case", "commune", "day", "2026-11-18", "2026-11-18", at),
        disease("H1", "count", "province", "month", "2025-11-01", "2025-11-30", at),
        books("d1", "fisheries.vms_positions", 3, 3, at),
        books("d2", "feedback.requests", 4, 3, at),
        books("d4", "health.claims", 0, 0, at).replace("'loaded'", "'empty'"),
        "insert into lake.quarantine.records "
        f"values ('feedback.requests', 'd2', 4, 'raw', 1, 'agency_code_reference', 5, [], '{at}', 'l1', null, '{at}', '{at}', null)",
        "insert into lake.ledger.rule_results values "
        f"('l1', 'feedback.requests', 'agency_code_reference', 'agency_code', 5, 'correct', true, 4, 1, '{at}')",
        f"""insert into lake.bronze.fisheries__ais_messages (payload, heard_at, mmsi, message_type, latitude, longitude, vessel_name,
            _delivery_id, _position, _loaded_at) values
            ('p1', '2026-11-20 08:30:00+07', '574000001', 1, 16.2, 108.1, null, 'd9', 1, '{at}'),
            ('p2', '2026-11-20 08:31:00+07', '574000001', 5, null, null, 'FISHER', 'd9', 2, '{at}')""",
        f"""insert into lake.bronze.health__claims (facility_code, claim_id, file_kind, sending_id, created_at, visit_type_code,
            main_diagnosis_code, admitted_at, discharged_at, treatment_days, insurer_paid_vnd, _delivery_id, _position, _received_at) values
            ('46001', 'c1', 'XML1', 's1', '2026-11-20 00:00:00+07', '03', 'J18', '2026-11-19 07:00:00+07', '2026-11-20 08:00:00+07', 2,
            100, 'd7', 1, '{at}')""",
    ):
        warehouse.run(statement)


def second_day(warehouse: Warehouse) -> None:
    """Write what came later: new rows, late rows, and a load whose own clock was an hour behind the first one's."""
    at = "2026-11-20 08:00:00+07"
    warehouse.run(readings("2026-11-21 08:00:00+07", "range(12)", "50.0", at))
    warehouse.run(readings("2026-11-20 06:40:00+07", "range(1)", "30.0", at, station="46_KK02"))
    for statement in (
        f"insert into lake.bronze.environment__river_levels values ('46_TV01', 'n', 'r', '2026-11-20 08:20:00+07', 4.0, 'stable', "
        f"{envelope('1', at)})",
        # an hour before others: it tells how fast the river rose until then
        f"insert into lake.bronze.environment__river_levels values ('46_TV01', 'n', 'r', '2026-11-20 07:10:00+07', 1.0, 'stable', "
        f"{envelope('2', at)})",
        request("PA-1", "2026-11-20 13:00:00+07", "closed", at, rating="5"),
        request("PA-3", "2026-11-21 08:00:00+07", "open", at),
        dossier("HS-1", "2026-11-20 23:00:00+07", "9", at, finished_at="'2026-11-20 23:00:00+07'"),
        dossier("HS-2", "2026-11-20 10:00:00+07", "4", at, changes="'20261120100000/20261118170000/20261120170000'"),
        dossier("HS-3", "2026-11-20 08:00:00+07", "7", at),
        fix("A", "2026-11-19 22:00:00+07", at),
        fix("A", "2026-11-20 00:00:00+07", at),
        fix("A", "2026-11-20 02:00:00+07", at),
        fix("B", "2026-11-21 08:00:00+07", at, latitude=17),
        fix("P", "2026-11-20 05:30:00+07", at, latitude=19),
        books("d3", "fisheries.vms_positions", 4, 4, at),
        f"""insert into lake.bronze.fisheries__ais_messages (payload, heard_at, mmsi, message_type, vessel_name,
            _delivery_id, _position, _loaded_at) values ('p3', '2026-11-19 08:31:00+07', '574000001', 5, 'FISHER II', 'd8', 1, '{at}')""",
    ):
        warehouse.run(statement)


@pytest.fixture(scope="module")
def warehouse(stack_settings: Settings) -> Iterator[Warehouse]:
    """An empty lake on which nothing was built."""
    contracts = read_contracts()
    with connected(stack_settings) as connection:
        create_tables(connection, contracts)
        for contract in contracts.values():
            connection.execute(f"delete from lake.bronze.{contract.table}")
        ledger = ("ledger.deliveries", "ledger.rule_results", "ledger.object_results", "ledger.recaptures")
        for table in (*ledger, "quarantine.records", "quarantine.repairs"):
            connection.execute(f"delete from lake.{table}")
        for schema in ("silver", *DOMAINS):
            connection.execute(f"drop schema if exists lake.{schema} cascade")
        yield Warehouse(stack_settings, connection)


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Build the first morning, then the second one on top of it."""
    first_day(warehouse)
    warehouse.dbt("seed", MORNING)
    warehouse.build_models(MORNING, *OF_THE_SENDING)
    second_day(warehouse)
    warehouse.build(NEXT_MORNING)
    return warehouse


def test_incremental_builds_equal_a_full_refresh_in_every_table(built: Warehouse) -> None:
    step_by_step = built.tables()
    built.build_models(NEXT_MORNING, "--full-refresh", *OF_THE_SENDING)
    at_once = built.tables()
    assert len(step_by_step) >= 20
    assert {name for name, rows in step_by_step.items() if not rows} == {
        "lake.cyber.alert_days",  # no log
        "lake.cyber.open_critical_alerts",
        "lake.cyber.threat_indicators",  # nobody publishes any
        "lake.silver.int_cyber__indicators_current",
        "lake.environment.water_quality_months",  # no station of water sends here
        "lake.fisheries.vessel_manual_days",  # nobody reports by hand
        "lake.forest.fire_danger_days",  # no weather, no satellite
        "lake.forest.fire_hotspots",
        "lake.health.disease_completeness",  # no commune sends weekly counts
        "lake.health.disease_years",  # the only case fell ill in the running week
        "lake.hotline.hotline_days",  # nobody calls
        "lake.hotline.hotline_hours",
        "lake.press.press_articles",  # no newspaper
        "lake.press.press_days",
        "lake.press.press_topic_days",
        "lake.press.press_commune_days",
        "lake.silver.int_press__articles_current",
        "lake.public_services.satisfaction_agency_months",  # nobody rates
        "lake.security.incident_commune_months",  # nothing happens
        "lake.security.incident_days",
        "lake.security.incident_kind_months",
        "lake.silver.int_security__incidents_current",
        "lake.silver.int_public_services__ratings_current",
        "lake.traffic.accident_groups",  # no counter, no accident, no closure
        "lake.traffic.accident_months",
        "lake.traffic.road_closures",
        "lake.traffic.traffic_days",
        "lake.traffic.traffic_hours",
        "lake.silver.int_traffic__accidents_current",
        "lake.silver.int_traffic__closures_current",
        "lake.warnings.active_warnings",  # nobody warns
        "lake.warnings.warning_days",
        "lake.water.rain_hours",  # no rain station, no reservoir
        "lake.water.reservoir_levels",
        "lake.quality.schema_drift",  # none on two good days
    }
    assert changes(step_by_step, at_once) == {}


def test_a_second_build_of_the_same_rows_changes_nothing(built: Warehouse) -> None:
    before = built.tables()
    built.build_models(NEXT_MORNING, *OF_THE_SENDING)
    assert changes(before, built.tables()) == {}


def test_air_quality_hours_hold_late_readings_and_the_newest_hour(built: Warehouse) -> None:
    assert built.rows(
        """
        select station_id, hour_at::varchar, local_hour, is_latest, pm2_5_ug_m3, pm2_5_nowcast_ug_m3, vn_aqi, band_label,
            dominant_parameter_code, nowcast_is_short
        from lake.environment.air_quality_hours order by all
        """
    ) == [
        ("46_KK01", "2026-11-19 23:00:00+00", 6, False, 20.0, None, None, None, None, False),
        ("46_KK01", "2026-11-20 00:00:00+00", 7, False, 21.0, 20.512195, 41, "Tốt", "PM2.5", True),
        ("46_KK01", "2026-11-20 01:00:00+00", 8, False, 22.0, 21.063444, 42, "Tốt", "PM2.5", True),
        ("46_KK01", "2026-11-21 01:00:00+00", 8, True, 50.0, None, None, None, None, False),
        ("46_KK02", "2026-11-19 23:00:00+00", 6, True, 30.0, None, None, None, None, False),
        ("46_KK03", "2026-11-20 02:00:00+00", 9, True, 25.0, None, None, None, None, False),
    ]


def test_station_uptime_days_list_every_station_on_every_day(built: Warehouse) -> None:
    listed = built.rows(
        """
        select station_id, local_date, is_latest, expected_slots, received_slots, valid_slots, missing_slots
        from lake.environment.station_uptime_days
        """
    )
    stations = [str(row[0]) for row in built.rows("select station_id from lake.reference.stations")]
    expected: set[tuple[object, ...]] = {
        (station, day, day == DAY_2, slots, 0, 0, slots)
        for station in stations
        for day, slots in ((DAY_1, 288), (DAY_2, 108))
    }
    expected -= {(station, DAY_1, False, 288, 0, 0, 288) for station in ("46_KK01", "46_KK02", "46_KK03")}
    expected -= {("46_KK01", DAY_2, True, 108, 0, 0, 108)}
    expected |= {
        ("46_KK01", DAY_1, False, 288, 36, 36, 252),
        ("46_KK02", DAY_1, False, 288, 9, 9, 279),
        ("46_KK03", DAY_1, False, 288, 12, 12, 276),
        ("46_KK01", DAY_2, True, 108, 12, 12, 96),
    }
    assert len(stations) == 20
    assert set(listed) == expected
    assert len(listed) == 40


def test_river_levels_keep_the_latest_when_an_older_one_arrives(built: Warehouse) -> None:
    columns = "gauge_id, river_name, measured_at::varchar, level_m, trend_label, alarm_level, round(rise_cm_per_hour), is_latest"
    assert built.rows(f"select {columns} from lake.environment.river_levels order by all") == [
        ("46_TV01", "Hương", "2026-11-20 00:10:00+00", 1.0, "Ổn định", 1, None, False),
        ("46_TV01", "Hương", "2026-11-20 01:00:00+00", 1.5, "Đang lên", 1, None, False),
        ("46_TV01", "Hương", "2026-11-20 01:15:00+00", 2.5, "Đang lên", 2, 138.0, False),
        ("46_TV01", "Hương", "2026-11-20 01:20:00+00", 4.0, "Ổn định", 3, 257.0, False),
        ("46_TV01", "Hương", "2026-11-20 01:30:00+00", 3.5, "Đang lên", 3, 188.0, True),
        ("L1602", "as sent", "2026-11-20 01:00:00+00", 1.5, "Đang lên", None, None, False),
        ("L1602", "as sent", "2026-11-20 01:15:00+00", 2.5, "Đang lên", None, None, False),
        ("L1602", "as sent", "2026-11-20 01:30:00+00", 3.5, "Đang lên", None, None, True),
    ]


def test_feedback_cases_close_when_they_closed_and_fall_overdue_with_the_clock(built: Warehouse) -> None:
    assert built.rows(
        """
        select service_request_id, agency_name, service_name, status_code, closed_at::varchar, is_closed, is_on_time, is_overdue,
            hours_to_close, satisfaction_rating, version_count
        from lake.feedback.feedback_cases order by all
        """
    ) == [
        ("PA-1", "UBND phường Phú Xuân", "Vệ sinh môi trường", "closed", "2026-11-20 01:00:00+00", True, True, False, 1.0, 5, 3),
        ("PA-2", "UBND phường Phú Xuân", "Vệ sinh môi trường", "open", None, False, None, True, None, None, 1),
        ("PA-3", "UBND phường Phú Xuân", "Vệ sinh môi trường", "open", None, False, None, True, None, None, 1),
    ]  # fmt: skip


def test_feedback_agency_days_list_all_agencies_with_zeros(built: Warehouse) -> None:
    listed = built.rows(
        "select agency_code, local_date, received_cases, closed_cases, on_time_cases, overdue_cases, median_hours_to_close "
        "from lake.feedback.feedback_agency_days"
    )
    agencies = [str(row[0]) for row in built.rows("select agency_code from lake.reference.agencies")]
    expected: set[tuple[object, ...]] = {
        (agency, day, 0, 0, 0, 0, None) for agency in agencies for day in (DAY_1, DAY_2)
    }
    expected -= {("000.00.01.H57", DAY_1, 0, 0, 0, 0, None)}
    expected |= {("000.00.01.H57", DAY_1, 3, 1, 1, 2, 1.0)}
    assert len(agencies) == 85
    assert set(listed) == expected
    assert len(listed) == 170


def test_dossiers_are_judged_by_the_newest_version_and_keep_every_due_date(built: Warehouse) -> None:
    assert built.rows(
        """
        select dossier_id, state_code, due_date::varchar, first_due_at::date::varchar, closed_date::varchar, is_on_time, is_overdue,
            working_days_late, fee_amount::varchar, version_count
        from lake.public_services.dossiers order by all
        """
    ) == [
        ("HS-1", "processed", "2026-11-20", "2026-11-20", "2026-11-20", True, False, 0, "50000.50", 2),
        ("HS-2", "in_progress", "2026-11-20", "2026-11-18", None, None, True, 1, "50000.50", 2),
        ("HS-3", "returned", "2026-11-20", "2026-11-20", "2026-11-20", None, False, None, "50000.50", 1),
    ]
    assert built.rows("select dossier_id, due_number, due_at::varchar from lake.silver.int_dossier_due_dates order by all") == [
        ("HS-1", 0, "2026-11-20 10:00:00+00"),
        ("HS-2", 0, "2026-11-18 10:00:00+00"),
        ("HS-2", 1, "2026-11-20 10:00:00+00"),
        ("HS-3", 0, "2026-11-20 10:00:00+00"),
    ]  # fmt: skip


def test_a_day_corrected_in_the_calendar_moves_every_figure_that_counts_working_days(built: Warehouse) -> None:
    judged = "dossier_id, due_until_date::varchar, is_overdue, working_days_late"
    late = f"select {judged} from lake.public_services.dossiers where dossier_id = 'HS-2'"
    months = "select sum(in_progress_overdue) from lake.public_services.dossier_agency_months where is_latest"
    assert (built.rows(late), built.rows(months)) == ([("HS-2", "2026-11-20", True, 1)], [(1,)])
    correct = "update lake.reference.working_days set is_working_day = {} where local_date = date '2026-11-20'"
    built.run(correct.format(False))
    built.build_models(NEXT_MORNING, "--select", "config.materialized:view", "int_working_days+")
    assert (built.rows(late), built.rows(months)) == ([("HS-2", "2026-11-23", False, 0)], [(0,)])
    built.run(correct.format(True))
    built.build_models(NEXT_MORNING, "--select", "config.materialized:view", "int_working_days+")
    assert (built.rows(late), built.rows(months)) == ([("HS-2", "2026-11-20", True, 1)], [(1,)])


def test_dossier_months_carry_over_what_is_open_and_list_all_agencies_with_zeros(built: Warehouse) -> None:
    counts = (
        "received_total, carried_over, received, processed_total, processed_on_time, processed_overdue, in_progress_total, "
        "in_progress_in_time, in_progress_overdue, supplementing, returned"
    )
    listed = built.rows(
        f"select agency_code, month_date::varchar, {counts} from lake.public_services.dossier_agency_months"
    )
    busy = {row[1]: row[2:] for row in listed if row[0] == "000.00.01.H57"}
    assert busy == {
        "2026-10-01": (3, 0, 3, 0, 0, 0, 2, 2, 0, 1, 0),
        "2026-11-01": (3, 3, 0, 1, 1, 0, 1, 0, 1, 0, 1),
    }
    assert len(listed) == 85 * 2
    assert {row[2:] for row in listed if row[0] != "000.00.01.H57"} == {(0,) * 11}


def test_points_of_decision_766_are_unknown_where_nothing_tells(built: Warehouse) -> None:
    found = built.rows(
        "select component_code, numerator, denominator, score_points, group_score_points, unknown_reason is null "
        "from lake.public_services.decision_766_scores where agency_code = '000.00.01.H57' and is_latest order by component_code"
    )
    known = {row[0]: row[1:] for row in found}
    assert known["on_time"] == (1, 1, 20.0, 20.0, True)
    assert known["results_digitised"] == (1, 1, 8.0, None, True)
    assert known["online_dossiers"] == (0, 0, None, None, False)
    assert known["satisfaction_rate"] == (None, None, None, None, False)
    assert len(found) == 10


def test_nothing_a_citizen_wrote_leaves_bronze(built: Warehouse) -> None:
    for name, rows in built.tables().items():
        assert "Giả Lập" not in repr(rows), name
        assert "0905123456" not in repr(rows), name


def test_small_counts_of_pupils_are_hidden_with_companions_and_no_difference_gives_them_away(built: Warehouse) -> None:
    columns = "school_code, is_pupil_count_hidden, pupils, is_small_cell, dropped_out_pupils, dropout_percent"
    this_year = "school_year = '2026-2027' and is_reported"
    assert built.rows(f"select {columns} from lake.education.school_years where {this_year} order by all") == [
        (SCHOOLS[0][0], False, 30, True, None, None),
        (FEW[0], True, None, False, 0, None),
        (SCHOOLS[1][0], False, 30, True, None, None),
        (COMPANION[0], True, None, False, 0, None),
        (SCHOOLS[2][0], False, 40, False, 20, 33.33),
    ]
    assert built.rows(
        "select level_code, registered_schools, reported_schools, pupils, pupils_at_start, dropped_out_pupils, is_dropout_alert "
        "from lake.education.level_years where is_latest and reported_schools > 0 order by all"
    ) == [("02", 20, 3, 100, 129, 29, True), ("03", 19, 2, 54, 54, 0, False)]
    assert built.rows(
        "select level_code, group_kind, group_name, is_small_cell, pupils from lake.education.pupil_groups where is_latest order by all"
    ) == [
        ("02", "disability", "Chưa rõ", False, 100),
        ("02", "ethnic_group", "Cơ Tu", False, 18),
        ("02", "ethnic_group", "Kinh", False, 76),
        ("02", "ethnic_group", "Tà Ôi", False, 6),
        ("02", "sex", "Nam", False, 100),
        ("03", "disability", "Chưa rõ", False, 54),
        ("03", "ethnic_group", "Cơ Tu", True, None),
        ("03", "ethnic_group", "Kinh", False, 42),
        ("03", "ethnic_group", "Tà Ôi", True, None),
        ("03", "sex", "Nam", False, 54),
    ]
    assert built.rows(
        "select count(*), count(*) filter (where is_reported), count(enrolled_pupils) from lake.education.attendance_days where is_latest"
    ) == [(60, 5, 3)]
    columns = "level_code, registered_schools, reported_schools, enrolled_pupils, absent_pupils, attendance_percent, is_small_cell"
    reported = "is_latest and reported_schools > 0"
    assert built.rows(f"select {columns} from lake.education.attendance_level_days where {reported} order by all") == [
        ("02", 20, 3, 100, 6, 94.0, False),
        ("03", 19, 2, None, None, None, True),
    ]
    assert built.rows("select count(*) from lake.education.attendance_days where absent_pupils is not null") == [(0,)]


def test_pupils_are_compared_with_the_year_before_over_the_same_schools_and_a_commune_hides_with_its_school(
    built: Warehouse,
) -> None:
    columns = "compared_schools, compared_pupils, compared_pupils_year_before, pupils_change_percent"
    assert built.rows(
        f"select level_code, school_year, {columns} from lake.education.level_years where reported_schools > 0 order by all"
    ) == [
        ("02", "2025-2026", 0, None, None, None),
        ("02", "2026-2027", 2, 60, 45, 33.33),
        ("03", "2026-2027", 0, None, None, None),
    ]
    columns = (
        "commune_code, pupils, is_small_cell, internet_percent, clean_water_schools, clean_water_told_schools, "
        + columns
    )
    reported = "is_latest and reported_schools > 0"
    assert built.rows(f"select {columns} from lake.education.commune_school_years where {reported} order by all") == [
        ("19789", 30, False, 100.0, 0, 1, 1, 30, 25, 20.0),
        ("99001", None, True, 100.0, 0, 1, 0, None, None, None),
        ("99002", 30, False, 100.0, 0, 1, 1, 30, 20, 50.0),
        ("99004", None, True, 100.0, 1, 1, 0, None, None, None),
        ("99006", 40, False, 100.0, 1, 1, 0, None, None, None),
    ]


def test_who_a_pupil_is_leaves_bronze_for_no_mart(built: Warehouse) -> None:
    for name, rows in built.tables().items():
        assert "hash-of-a-name" not in repr(rows), name
        assert "gia đình ở xa" not in repr(rows), name
        assert "2020, 3, 4" not in repr(rows), name
        if not name.startswith("lake.silver."):
            assert f"'{SCHOOLS[0][0]}0'" not in repr(rows), name


def test_vessel_gaps_are_closed_by_late_packets(built: Warehouse) -> None:
    columns = "vessel_id, gap_started_at::varchar, gap_ended_at::varchar, duration_hours, missed_slots, is_silence_6h, is_open"
    assert built.rows(f"select {columns} from lake.fisheries.vessel_gaps order by all") == [
        ("A", "2026-11-19 21:00:00+00", None, 29 + 2 / 60, 13, True, True),
        ("B", "2026-11-20 01:00:00+00", "2026-11-21 01:00:00+00", 24.0, 11, True, False),
        ("P", "2026-11-20 00:00:00+00", None, 26 + 2 / 60, 12, True, True),
    ]


def test_a_silent_operator_is_one_finding_and_its_vessels_are_unknown(built: Warehouse) -> None:
    columns = "kind_code, subject_code, started_at::varchar, ended_at::varchar, is_open"
    assert built.rows(f"select {columns} from lake.fisheries.vessel_alerts order by all") == [
        ("across_boundary", "vms:P", "2026-11-19 22:30:00+00", None, True),
        ("licence_expired_at_sea", "vms:A", "2026-11-19 17:00:00+00", None, True),
        ("operator_silent", "X", "2026-11-20 01:00:00+00", "2026-11-21 01:00:00+00", False),
    ]
    assert built.rows(
        "select vessel_id, finding_code, round(known_silent_hours, 6) from lake.fisheries.vessel_gaps order by all"
    ) == [
        ("A", "unknown", 4.533333),
        ("B", "unknown", 0.0),
        ("P", "unknown", 1.533333),
    ]
    columns = "local_date, at_sea_slots, received_slots, unknown_slots, missed_slots"
    assert built.rows(f"select {columns} from lake.fisheries.vessel_slot_days where vessel_id = 'B' order by all") == [
        (DAY_1, 8, 1, 7, 0),
        (DAY_2, 4, 0, 4, 0),
    ]


def test_a_vessel_is_judged_by_the_register(built: Warehouse) -> None:
    columns = (
        "vessel_key, status_code, is_registered, is_licence_expired, operator_code, zone_code, source_version >= 0"
    )
    assert built.rows(f"select {columns} from lake.fisheries.vessels_last_seen order by all") == [
        ("ais:574000001", "unknown", False, None, None, "inside", True),
        ("vms:A", "unknown", True, True, "X", "inside", True),
        ("vms:B", "at_sea", True, False, "X", "inside", True),
        ("vms:N", "never_heard", True, False, "X", None, False),
        ("vms:P", "unknown", True, False, "X", "across", True),
    ]


def test_no_hash_of_an_owner_leaves_bronze(built: Warehouse) -> None:
    for name, rows in built.tables().items():
        assert "hash-of-an-owner" not in repr(rows), name


def test_vessels_last_seen_hold_the_newest_fix_of_each_vessel_and_source(built: Warehouse) -> None:
    columns = "vessel_key, vessel_name, last_fix_at::varchar, latitude, fixes_24h, is_active_24h, is_silent_6h"
    assert built.rows(f"select {columns} from lake.fisheries.vessels_last_seen order by all") == [
        ("ais:574000001", "FISHER II", "2026-11-20 01:30:00+00", 16.2, 0, False, None),
        ("vms:A", "Tàu A", "2026-11-19 21:00:00+00", 16.7, 0, False, None),
        ("vms:B", "Tàu B", "2026-11-21 01:00:00+00", 17.0, 1, True, False),
        ("vms:N", "Tàu N", None, None, 0, False, None),
        ("vms:P", "Tàu P", "2026-11-20 00:00:00+00", 19.0, 0, False, None),
    ]


def test_the_ledger_totals_and_the_reasons_are_the_books(built: Warehouse) -> None:
    columns = "feed, deliveries, pieces, skipped, received, accepted, duplicate, quarantined, balance, is_balanced"
    assert built.rows(f"select {columns} from lake.quality.ledger_totals order by all") == [
        ("cyber.alerts", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("cyber.indicators", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("education.attendance", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("education.classes", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("education.schools", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("education.students", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("environment.river_levels", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("environment.station_readings", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("feedback.requests", 1, 5, 1, 4, 3, 0, 1, 0, True),
        ("fisheries.ais_messages", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("fisheries.vessels", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("fisheries.vms_positions", 2, 9, 2, 7, 7, 0, 0, 0, True),
        ("forest.hotspots", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("forest.weather", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("health.claims", 1, 1, 1, 0, 0, 0, 0, 0, True),
        ("health.disease_cases", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("hotline.calls", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("press.articles", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("public_services.dossiers", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("public_services.ratings", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("security.incidents", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("traffic.accidents", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("traffic.closures", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("traffic.flows", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("warnings.messages", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("water.landslide_sensors", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("water.rain", 0, 0, 0, 0, 0, 0, 0, 0, True),
        ("water.reservoirs", 0, 0, 0, 0, 0, 0, 0, 0, True),
    ]
    assert built.rows("select feed, reason, error_group, error_group_label, records from lake.quality.quarantine_reasons") == [
        ("feedback.requests", "agency_code_reference", 5, "Sai tham chiếu danh mục", 1)
    ]  # fmt: skip
    assert built.rows("select feed, reason, stage, records, oldest_at::varchar, working_days from lake.quality.quarantine_ages") == [
        ("feedback.requests", "agency_code_reference", "in_time", 1, "2026-11-20 02:00:00+00", 0)
    ]  # fmt: skip


def test_only_touched_rows_are_written_again(built: Warehouse) -> None:
    built.run(readings("2026-11-21 09:00:00+07", "range(12)", "60.0", "2026-11-21 10:00:00+07"))
    before = built.rows("select max(snapshot_id) from lake.environment.air_quality_hours")[0][0]
    built.build_models(NEXT_MORNING + timedelta(hours=1), *of_domain("environment"))
    assert built.rows(
        f"select station_id, hour_at::varchar from lake.environment.air_quality_hours where snapshot_id > {before} order by all"
    ) == [
        ("46_KK01", "2026-11-21 01:00:00+00"),  # it was the latest
        ("46_KK01", "2026-11-21 02:00:00+00"),
        ("46_KK02", "2026-11-19 23:00:00+00"),  # it is the latest
        ("46_KK03", "2026-11-20 02:00:00+00"),  # and so is this
    ]


def test_a_late_packet_takes_a_finding_back(built: Warehouse) -> None:
    at = "2026-11-21 09:00:00+07"
    found = "select kind_code, subject_code from lake.fisheries.vessel_alerts where subject_code = 'vms:L' order by all"
    tracks = "select fixed_at::varchar, round(implied_knots, 3) from lake.silver.int_vessel_tracks where vessel_id = 'L' order by all"
    built.run(fix("L", "2026-11-21 00:00:00+07", at))
    built.run(fix("L", "2026-11-21 08:00:00+07", at, latitude=16.9))
    built.build_models(NEXT_MORNING, *of_domain("fisheries"))
    assert built.rows(found) == [("silent_6h", "vms:L"), ("unknown_vessel", "vms:L")]
    built.run(fix("L", "2026-11-21 04:00:00+07", at, latitude=16.6))
    built.build_models(NEXT_MORNING, *of_domain("fisheries"))
    assert built.rows(found) == [("unknown_vessel", "vms:L")]
    assert built.rows(tracks) == [
        ("2026-11-20 17:00:00+00", None),
        ("2026-11-20 21:00:00+00", 1.5),
        ("2026-11-21 01:00:00+00", 4.5),
    ]


def test_every_guard_fails_on_bad_data(built: Warehouse) -> None:
    for statement in (
        "update lake.education.school_years set dropped_out_pupils = 6 where dropped_out_pupils is null and is_reported "
        f"and school_code = '{SCHOOLS[1][0]}'",
        "update lake.education.pupil_groups set pupils = null, is_small_cell = true where group_name = 'Tà Ôi'",
        "update lake.silver.int_class_pupils set pupils = pupils - 1",
        "update lake.education.level_years set pupils = pupils + 1, classes_over_limit = limited_classes + 1, "
        "compared_schools = reported_schools + 1, pupils_at_start = 3",
        "update lake.education.commune_school_years set pupils = pupils + 1, registered_schools = registered_schools + 1",
        "update lake.education.commune_school_years set is_small_cell = true, compared_pupils_year_before = 4 where commune_code = '99002'",
        f"update lake.education.school_years set pupils_per_class = 4, pupils_year_before = 4 where school_code = '{FEW[0]}'",
        "delete from lake.silver.int_students_current where school_code = '461978901'",
        "update lake.education.attendance_days set present_pupils = enrolled_pupils + 1 where school_code = '461978901'",
        "update lake.education.attendance_days set absent_pupils = 2, is_small_cell = false where school_code = '469900201'",
        "delete from lake.silver.int_pupils_placed where school_code = '469900201' and is_dropped_out",
        "update lake.environment.air_quality_hours set vn_aqi = vn_aqi + 1 where vn_aqi is not null",
        "insert into lake.environment.air_quality_hours select * from lake.environment.air_quality_hours limit 1",
        "delete from lake.environment.station_uptime_days where station_id = '46_KK05' and is_latest",
        "update lake.environment.station_uptime_days set valid_slots = received_slots + 1, uptime_percent = 101 where is_latest",
        "update lake.environment.river_levels set is_latest = true",
        "update lake.feedback.feedback_agency_days set received_cases = received_cases + 1, overdue_cases = overdue_cases + 1",
        "delete from lake.silver.int_feedback_requests_current where service_request_id = 'PA-1'",
        "delete from lake.feedback.feedback_on_map where place_code = '19753'",
        "insert into lake.fisheries.vessel_gaps select * replace (gap_started_at - interval 1 day as gap_started_at) "
        "from lake.fisheries.vessel_gaps where is_open",
        "update lake.fisheries.vessel_gaps set finding_code = 'silent_6h', known_silent_hours = 1 where is_open",
        "update lake.fisheries.vessel_slot_days set received_slots = received_slots + 1, is_latest = not is_latest",
        "update lake.fisheries.vessel_boundary_events set previous_zone_code = zone_code",
        "insert into lake.fisheries.vessel_alerts select * from lake.fisheries.vessel_alerts limit 1",
        "delete from lake.silver.int_vessels_current where vessel_id = 'N'",
        "delete from lake.silver.int_vessel_tracks where vessel_id = 'P'",
        "delete from lake.reference.maritime_boundaries where vertex_number > 2",
        "update lake.public_services.dossier_agency_months set received = received + 2 where is_latest",
        "update lake.public_services.dossier_agency_months set carried_over = carried_over + 1 where is_latest",
        "update lake.public_services.dossier_agency_months set processed_on_time = processed_on_time + 1 where is_latest",
        "update lake.public_services.dossier_agency_months set in_progress_overdue = in_progress_overdue + 1 where is_latest",
        "update lake.public_services.dossier_agency_months set returned = returned + 1 where is_latest",
        "update lake.public_services.dossier_agency_months set received_online = received_online + 1 where is_latest",
        "update lake.public_services.decision_766_scores set score_points = max_points where score_points is null",
        "delete from lake.silver.int_dossiers_current where dossier_id = 'HS-1'",
        "delete from lake.silver.int_station_hours where station_id = '46_KK02'",
        "delete from lake.environment.air_quality_hours where station_id = '46_KK02'",
        "update lake.environment.station_uptime_days set received_slots = 0 where station_id = '46_KK02'",
        "delete from lake.environment.river_levels where gauge_id = 'L1602'",
        "delete from lake.feedback.feedback_cases where service_request_id in ('PA-2', 'PA-3')",
        "delete from lake.silver.int_vessel_positions where vessel_id in ('P', '574000001')",
        "delete from lake.fisheries.vessels_last_seen where vessel_key = 'vms:A'",
        "update lake.health.facility_days set visits = visits + 1",
        "update lake.health.insurance_spend_months set spent_vnd = coalesce(spent_vnd, 0) + 1",
        "delete from lake.health.icd10_months",
        "update lake.health.check_in_hours set check_ins = coalesce(check_ins, 0) + 1",
        "update lake.silver.int_disease_weeks_counted set cases = cases + 1",
        "insert into lake.silver.int_disease_weeks_counted "
        "select * replace ('count' as source_code, true as has_count, week_start_date - 7 as week_start_date) "
        "from lake.silver.int_disease_weeks_counted",
        "delete from lake.health.disease_reporting",
        "delete from lake.health.disease_history",
        "update lake.silver.int_class_pupils set dropped_out_pupils = dropped_out_pupils + 1",
        "delete from lake.public_services.dossiers where dossier_id in ('HS-2', 'HS-3')",
        "delete from lake.silver.int_station_days where station_id = '46_KK02'",
        "delete from lake.silver.int_parameter_days where station_id = '46_KK02'",
        "update lake.environment.parameter_capture_days set received_slots = 0 where station_id = '46_KK02'",
        "update lake.quality.feed_score_days set level_reason = 'so'",
        "update lake.quality.incident_months set closed_in_15_days = records",
        "update lake.quality.ledger_totals set received = received + 5",
        "update lake.quality.quarantine_reasons set records = records + 1",
        "update lake.quality.feed_scores set score = null",
        "update lake.quality.column_score_days set level = 'green' where percent < 100",
        "delete from lake.quality.agency_league_months where owner = 'Sở Y tế'",
        "update lake.quality.ledger_totals set accepted = accepted + 1, skipped = skipped + 1, open = open + 1",
    ):
        built.run(statement)
    statuses = built.test(NEXT_MORNING, *SENDING)
    failing = {name for name, status in statuses.items() if status == "fail"}
    guards = (
        "hidden_counts_are_not_shown_school_years",
        "no_hidden_count_can_be_worked_out_school_years",
        "no_hidden_count_can_be_worked_out_pupil_groups",
        "pupils_of_classes_add_up_to_the_school",
        "pupils_of_schools_add_up_to_the_level",
        "no_hidden_school_can_be_worked_out_of_its_level",
        "no_hidden_school_can_be_worked_out_of_its_commune",
        "hidden_pupils_have_no_figure",
        "few_are_not_shown_school_years",
        "few_are_not_shown_level_years",
        "few_are_not_shown_commune_school_years",
        "hidden_counts_are_not_shown_commune_school_years",
        "schools_of_communes_add_up_to_the_year",
        "never_more_than_level_years_limited_classes__classes_over_limit",
        "never_more_than_level_years_reported_schools__compared_schools",
        "never_more_than_attendance_days",
        "no_hidden_count_can_be_worked_out_attendance_days",
        "every_key_has_one_row_int_pupils_placed",
        "every_accepted_version_is_current_superseded_or_cancelled_int_students",
        "vn_aqi_is_the_worst_sub_index",
        "unique_combination_air_quality_hours",
        "every_pair_has_a_row_station_uptime_days",
        "never_more_than_station_uptime_days_received_slots",
        "value_between_station_uptime_days_uptime_percent",
        "one_latest_per_river_levels",
        "sums_agree_feedback_agency_days_received_cases",
        "total_is_the_sum_of_closed_and_overdue",
        "every_accepted_version_is_current_superseded_or_cancelled",
        "total_is_the_sum_of_carried_over_and_new",
        "total_is_the_sum_of_its_states",
        "total_is_the_sum_of_processed",
        "total_is_the_sum_of_in_progress",
        "total_is_the_sum_of_channels",
        "total_is_the_sum_of_processed_and_overdue",
        "what_is_open_is_carried_over",
        "the_running_month_shows_what_is_open_now",
        "unknown_has_a_reason",
        "relationships_int_dossier_due_dates",
        "at_most_one_open_gap_per_vessel",
        "no_silence_of_a_vessel_is_its_operators",
        "slots_at_sea_are_received_unknown_or_missed",
        "the_latest_day_is_one_for_all",
        "zones_alternate_and_follow_each_other",
        "unique_combination_vessel_alerts",
        "every_accepted_version_is_current_superseded_or_cancelled_int_vessels_current",
        "as_many_rows_as_int_vessel_tracks",
        "at_least_rows_int_boundary_edges",
        "a_score_is_never_made_of_nothing",
        "same_keys_as_int_station_hours",
        "same_keys_as_air_quality_hours",
        "same_keys_as_station_uptime_days",
        "same_keys_as_int_station_days",
        "same_keys_as_int_parameter_days",
        "same_keys_as_parameter_capture_days",
        "every_level_below_green_says_why_feed_score_days",
        "never_more_than_incident_months",
        "as_many_rows_as_river_levels",
        "as_many_rows_as_feedback_cases",
        "total_is_the_sum_of_records_feedback_agency_days",
        "every_vms_position_is_kept_once",
        "every_ais_position_is_kept_once",
        "same_keys_as_vessels_last_seen",
        "total_is_the_sum_of_records_facility_days",
        "total_is_the_sum_of_records_insurance_spend_months",
        "same_keys_as_icd10_months",
        "total_is_the_sum_of_records_check_in_hours",
        "every_weekly_count_of_a_commune_has_its_week",
        "every_case_of_a_week_without_a_count_is_counted",
        "same_keys_as_disease_reporting",
        "every_count_above_the_communes_is_shown",
        "every_pupil_who_dropped_out_is_counted_in_a_class",
        "every_pupil_who_studies_is_counted_in_a_class",
        "as_many_rows_as_dossiers",
        "every_commune_is_on_the_map_feedback_on_map",
        "total_is_the_sum_of_records_dossier_agency_months",
        "sums_agree_ledger_totals_received",
        "sums_agree_quarantine_reasons_records",
        "an_identifier_is_at_100_or_red_column_score_days",
        "every_owner_stands_in_every_month_agency_league_months",
        "received_is_accepted_plus_duplicate_plus_quarantined",
        "pieces_are_received_plus_skipped",
        "quarantined_is_open_plus_replayed",
    )
    assert {guard for guard in guards if any(name.startswith(guard) for name in failing)} == set(guards)
    assert [name for name, status in statuses.items() if status == "error"] == []
    built.dbt("seed", NEXT_MORNING)


def test_unit_tests_of_the_formulas_pass(built: Warehouse) -> None:
    statuses = built.unit_test(NEXT_MORNING)
    written = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (DBT_PROJECT / "models").rglob("*__unit_tests.yml")
    ]
    assert len(statuses) == sum(len(document["unit_tests"]) for document in written) > 0
    assert {name: status for name, status in statuses.items() if status != "pass"} == {}


def test_a_build_without_a_clock_stops(built: Warehouse) -> None:
    assert built.dbt("run", None, "--select", "vessel_gaps") == {"vessel_gaps": "error"}


def test_no_secret_is_written_by_dbt(built: Warehouse) -> None:
    secrets = [built.settings.reveal(name) for name in ("postgres_password", "s3_secret_key")]
    written = [path for path in built.folder.rglob("*") if path.is_file()]
    assert {"dbt.log", "run_results.json"} <= {path.name for path in written}
    for path in written:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path.name
