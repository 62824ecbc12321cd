"""Audits on real catalogs: good marts pass, every check has bad data that fails it with numbers, a verdict is about one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from ingestion.contract import read_contracts
from ingestion.errors import AuditError, UnknownNameError
from ingestion.reference import SEEDS, Reference
from ingestion.settings import PROJECT, Settings
from lake.connection import connect
from lake.releases import latest_snapshot, record_release
from lake.tables import create_tables
from quality.audit import SUITES, Verdict, audit, find_verdict, record_verdict
from quality.suites.check import AuditFacts

pytestmark = pytest.mark.stack

CLOCK = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)

GOOD_ROWS = {
    "environment.air_quality_hours": """
        select station_id, timestamptz '2026-03-01 05:00:00+00' - interval (hours) hour as hour_at, 40 as vn_aqi,
            'good' as band_code, 20.0 as pm2_5_ug_m3, 40.0 as pm10_ug_m3
        from read_csv('{seeds}/stations.csv'), range(1, 25) as ages(hours)
        where kind = 'air'
    """,
    "environment.station_uptime_days": """
        select station_id, date '2026-03-01' - days::integer as local_date, days = 0 as is_latest, 144 as expected_slots,
            140 as received_slots, 97.2 as data_capture_percent,
            timestamptz '2026-03-01 04:55:00+00' - interval (days) day as last_reading_at
        from read_csv('{seeds}/stations.csv'), range(2) as ages(days)
    """,
    "environment.river_levels": """
        select gauge_id, timestamptz '2026-03-01 04:45:00+00' - interval (15 * polls) minute as measured_at, 1.5 as level_m
        from read_csv('{seeds}/gauges.csv'), range(8) as ages(polls)
    """,
    "feedback.feedback_cases": """
        select 'PA-' || number as service_request_id, 'UBND phường Phú Xuân' as agency_name, 'VSMT' as service_code,
            'Vệ sinh môi trường' as service_name, '19753' as commune_code, 'Phường Phú Xuân' as commune_name,
            'co_thoi_gian' as flow_code, 'app' as channel_code, 'open' as status_code, 16.47 as latitude, 107.58 as longitude,
            number % 10 = 0 as is_overdue, 24.0 as hours_to_close,
            timestamptz '2026-03-01 04:30:00+00' - interval (number) minute as last_changed_at
        from range(100) as cases(number)
    """,
    "feedback.feedback_agency_days": """
        select agency_code, date '2026-03-01' - days::integer as local_date, 1 as received_cases
        from read_csv('{seeds}/agencies.csv'), range(10) as ages(days)
    """,
    "fisheries.vessels_last_seen": """
        select source_code || ':' || number as vessel_key, source_code, 16.5 as latitude, 108.2 as longitude, 7.5 as speed_knots,
            90.0 as course_degrees, true as is_in_east_sea, false as is_silent_6h,
            timestamptz '2026-03-01 04:00:00+00' - interval (number) minute as last_fix_at
        from range(50) as vessels(number), (values ('vms'), ('ais')) as sources(source_code)
    """,
    "fisheries.vessel_gaps": """
        select 'vms:' || number as vessel_key, timestamptz '2026-02-28 20:00:00+00' as gap_started_at,
            date '2026-03-01' as gap_started_date, 4.0 as duration_hours
        from range(20) as vessels(number)
    """,
    "quality.feed_scores": """
        select feed, 95.0 as score, 'green' as level, 100.0 as identifier_percent, 5.0 as age_minutes, freshness_limit_minutes
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.ledger_totals": """
        select feed, 10 as deliveries, 0 as unreadable_deliveries, 1000 as received, 5 as duplicate, 5 as quarantined
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.quarantine_reasons": """
        select feed, 'not_from_the_future' as reason, timestamptz '2026-02-28 00:00:00+00' as oldest_at,
            timestamptz '2026-03-01 00:00:00+00' as newest_at
        from read_csv('{seeds}/feeds.csv')
    """,
}
"""Rows of a usual day, by mart; columns that no check looks at stay empty."""


@dataclass(frozen=True)
class Damage:
    """A change of one mart, and all checks that then fail: what each says, and what it observes."""

    mart: str
    statement: str
    failures: dict[str, str]


DAMAGES = [
    Damage("environment.air_quality_hours", "delete from {mart}", {}),
    Damage("environment.air_quality_hours", "delete from {mart} where hour_at < timestamptz '2026-02-28 12:00:00+00'", {}),
    Damage("environment.air_quality_hours", "delete from {mart} where station_id = '46_KK01'", {}),
    Damage(
        "environment.air_quality_hours",
        "delete from {mart} where station_id = '46_KK01' and hour_at in ('2026-03-01 01:00:00+00', '2026-03-01 00:00:00+00', "
        "'2026-02-28 23:00:00+00', '2026-02-28 22:00:00+00', '2026-02-28 21:00:00+00')",
        {},
    ),
    Damage("environment.air_quality_hours", "update {mart} set vn_aqi = 501 where hour_at = '2026-03-01 01:00:00+00'", {}),
    Damage("environment.air_quality_hours", "update {mart} set vn_aqi = 301 where station_id <= '46_KK02'", {}),
    Damage("environment.air_quality_hours", "update {mart} set vn_aqi = null where station_id <= '46_KK08'", {}),
    Damage("environment.air_quality_hours", "update {mart} set band_code = 'awful' where station_id = '46_KK03'", {}),
    Damage("environment.air_quality_hours", "update {mart} set band_code = 'hazardous' where station_id <= '46_KK03'", {}),
    Damage("environment.air_quality_hours", "update {mart} set pm2_5_ug_m3 = 500.5 where station_id = '46_KK04'", {}),
    Damage("environment.air_quality_hours", "update {mart} set pm10_ug_m3 = -1 where station_id = '46_KK04'", {}),
    Damage("environment.station_uptime_days", "delete from {mart}", {}),
    Damage("environment.station_uptime_days", "delete from {mart} where local_date < date '2026-03-01'", {}),
    Damage("environment.station_uptime_days", "delete from {mart} where station_id = '46_KK05'", {}),
    Damage("environment.station_uptime_days", "update {mart} set data_capture_percent = 74", {}),
    Damage("environment.station_uptime_days", "update {mart} set received_slots = 0 where station_id <= '46_KK03'", {}),
    Damage("environment.station_uptime_days", "update {mart} set last_reading_at = last_reading_at - interval 1 hour", {}),
    Damage("environment.river_levels", "delete from {mart}", {}),
    Damage("environment.river_levels", "delete from {mart} where measured_at < timestamptz '2026-03-01 04:00:00+00'", {}),
    Damage("environment.river_levels", "delete from {mart} where gauge_id = '46_TV03'", {}),
    Damage("environment.river_levels", "update {mart} set level_m = 150 where gauge_id = '46_TV02'", {}),
    Damage("environment.river_levels", "update {mart} set level_m = 5 where measured_at >= '2026-03-01 04:00:00+00'", {}),
    Damage("environment.river_levels", "update {mart} set measured_at = measured_at + interval 1 hour", {}),
    Damage("feedback.feedback_cases", "delete from {mart}", {}),
    Damage("feedback.feedback_cases", "delete from {mart} where last_changed_at < '2026-03-01 03:11:00+00'", {}),
    Damage("feedback.feedback_cases", "update {mart} set channel_code = '0912 345 678' where service_request_id = 'PA-7'", {}),
    Damage("feedback.feedback_cases", "update {mart} set service_name = 'hoi@example.vn' where service_request_id = 'PA-8'", {}),
    Damage("feedback.feedback_cases", "update {mart} set latitude = longitude, longitude = latitude", {}),
    Damage("feedback.feedback_cases", "update {mart} set latitude = null, commune_code = null where is_overdue = false", {}),
    Damage("feedback.feedback_cases", "update {mart} set service_code = 'unknown' where latitude > 0", {}),
    Damage("feedback.feedback_cases", "update {mart} set is_overdue = true", {}),
    Damage("feedback.feedback_cases", "update {mart} set hours_to_close = -1 where is_overdue", {}),
    Damage("feedback.feedback_cases", "update {mart} set last_changed_at = last_changed_at - interval 4 hour", {}),
    Damage("feedback.feedback_agency_days", "delete from {mart}", {}),
    Damage("feedback.feedback_agency_days", "delete from {mart} where local_date < '2026-02-23'", {}),
    Damage("feedback.feedback_agency_days", "delete from {mart} where agency_code = '000.00.02.H57'", {}),
    Damage("feedback.feedback_agency_days", "update {mart} set received_cases = 0 where local_date = '2026-02-28'", {}),
    Damage("feedback.feedback_agency_days", "update {mart} set received_cases = 6 where local_date = '2026-02-28'", {}),
    Damage("fisheries.vessels_last_seen", "delete from {mart}", {}),
    Damage("fisheries.vessels_last_seen", "delete from {mart} where last_fix_at < '2026-03-01 03:21:00+00'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set source_code = 'ais'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set latitude = 91 where vessel_key = 'ais:3'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set longitude = 181 where vessel_key = 'ais:3'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set speed_knots = 102.3 where vessel_key <= 'ais:2'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set course_degrees = 511 where vessel_key = 'ais:3'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set is_in_east_sea = false where source_code = 'ais'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set is_silent_6h = true where vessel_key <> 'ais:3'", {}),
    Damage("fisheries.vessels_last_seen", "update {mart} set last_fix_at = last_fix_at - interval 6 hour", {}),
    Damage("fisheries.vessel_gaps", "update {mart} set duration_hours = -2 where vessel_key = 'vms:1'", {}),
    Damage("fisheries.vessel_gaps", "update {mart} set duration_hours = 721 where vessel_key = 'vms:1'", {}),
    Damage("fisheries.vessel_gaps", "update {mart} set vessel_key = 'vms:1'", {}),
    Damage("quality.feed_scores", "delete from {mart}", {}),
    Damage("quality.feed_scores", "delete from {mart} where feed = 'feedback.requests'", {}),
    Damage("quality.feed_scores", "update {mart} set score = null, level = 'unknown' where feed = 'feedback.requests'", {}),
    Damage("quality.feed_scores", "update {mart} set identifier_percent = 99.9 where feed = 'feedback.requests'", {}),
    Damage("quality.feed_scores", "update {mart} set age_minutes = 10000 where feed = 'feedback.requests'", {}),
    Damage("quality.ledger_totals", "delete from {mart}", {}),
    Damage("quality.ledger_totals", "delete from {mart} where feed = 'feedback.requests'", {}),
    Damage("quality.ledger_totals", "update {mart} set quarantined = 51 where feed = 'feedback.requests'", {}),
    Damage("quality.ledger_totals", "update {mart} set duplicate = 501 where feed = 'feedback.requests'", {}),
    Damage("quality.ledger_totals", "update {mart} set unreadable_deliveries = 1 where feed = 'feedback.requests'", {}),
    Damage("quality.quarantine_reasons", "update {mart} set oldest_at = '2026-01-29 23:59:00+00'", {}),
]


def create_good_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every mart with the columns and types of its enforced contract, and fill it with a usual day."""
    for mart, rows in GOOD_ROWS.items():
        domain, table = mart.split(".")
        models = PROJECT / "dbt_project" / "models" / "marts" / domain / f"_{domain}__models.yml"
        described = {model["name"]: model for model in yaml.safe_load(models.read_text(encoding="utf-8"))["models"]}
        columns = ", ".join(f"{column['name']} {column['data_type']}" for column in described[table]["columns"])
        connection.execute(f"create schema if not exists marts.{domain}")
        connection.execute(f"create table marts.{mart} ({columns})")
        connection.execute(f"insert into marts.{mart} by name {rows.format(seeds=SEEDS)}")


def failed(verdict: Verdict) -> dict[str, str]:
    """Give what failed and what was observed."""
    return {check.expectation: check.observed for check in verdict.checks if not check.passed}
