"""The second incremental build over 30 days of history against the one over 1 day. Aim: at most 1.2 times the cost.

Cost is the time that dbt reports for its models and tests, without start-up. The history is written straight into bronze; each increment is
a new hour of readings, positions and cases. Three increments are measured, and the median counts.
"""

import statistics
from datetime import UTC, date, datetime, timedelta

import duckdb

from bench.figure import Figure, small_stack
from core.settings import Settings
from transform.build import build

FIRST_DAY = date(2026, 10, 1)
INCREMENTS = 3
DOMAINS = ("environment", "feedback", "fisheries")
ENVELOPE = "'d', 1, 1, 1::ubigint, []::varchar[], {at}, {at}, 'l'"


def measure() -> Figure:
    """Measure both histories, each on a stack of its own."""
    costs = {days: cost_of_increment(days) for days in (1, 30)}
    ratio = costs[30] / costs[1]
    return Figure(
        "second incremental build, 30 days of history against 1 day",
        f"{costs[30]:.1f} s against {costs[1]:.1f} s, {ratio:.2f} ×",
        "≤ 1.2 ×",
        ratio <= 1.2,
        "the build over 1 day",
    )


def cost_of_increment(days: int) -> float:
    """Return the seconds of dbt's models for one increment after `days` days of history (median)."""
    with small_stack() as (settings, connection):
        for number in range(days):
            write_span(connection, midnight(FIRST_DAY + timedelta(days=number)), 24)
        end = midnight(FIRST_DAY + timedelta(days=days))
        build_all(connection, settings, end)
        seconds = []
        for number in range(INCREMENTS + 1):
            start = end + timedelta(hours=number)
            write_span(connection, start, 1)
            seconds.append(build_all(connection, settings, start + timedelta(hours=1)))
        return statistics.median(seconds[1:])


def build_all(connection: duckdb.DuckDBPyConnection, settings: Settings, now: datetime) -> float:
    """Build every domain with its clock at `now`; return the seconds of the models and tests."""
    timed = settings.model_copy(update={"now": now})
    return sum(build(connection, timed, domain).seconds for domain in DOMAINS)


def midnight(day: date) -> datetime:
    """Return the instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=7)


def write_span(connection: duckdb.DuckDBPyConnection, start: datetime, hours: int) -> None:
    """Write some hours of a city into bronze, in one transaction."""
    begin = f"timestamptz '{start.isoformat()}'"
    envelope = ENVELOPE.format(at=f"{begin} + interval {hours} hours")
    connection.execute("begin transaction")
    connection.execute(
        f"""
        insert into lake.bronze.environment__station_readings
        select '46_KK' || lpad(station::varchar, 2, '0'), parameter, {begin} + slot * interval 5 minutes,
            10 + (hash(station, parameter, slot) % 400) / 10.0, 'ug/m3', '00', {envelope}
        from range(1, 15) as stations(station), unnest(['PM2.5', 'PM10', 'O3', 'NO2', 'SO2', 'CO']) as parameters(parameter),
            range({hours * 12}) as slots(slot)
        """
    )
    connection.execute(
        f"""
        insert into lake.bronze.fisheries__vms_positions
        select 'QNA-' || vessel, {begin} + slot * interval 1 hour + vessel * interval 10 seconds, 'POS', 16 + vessel / 100.0,
            108 + slot / 100.0, 6.5, 120.0, 'TAU ' || vessel, 'CS' || vessel, 'QNA-' || vessel, null, 'VNM', null, {envelope}
        from range(200) as vessels(vessel), range({hours}) as slots(slot)
        """
    )
    connection.execute(
        f"""
        insert into lake.bronze.feedback__requests
            (service_request_id, version_at, status, agency_code, requested_at, updated_at, _delivery_id, _position, _record_count,
            _loaded_at)
        select '{start:%Y%m%d%H}-' || number, {begin} + number * interval 1 minute, 'open', agency.agency_code,
            {begin} + number * interval 1 minute, {begin} + number * interval 1 minute, 'd', number, 1, {begin}
        from range({hours * 12}) as numbers(number)
        cross join (select min(agency_code) as agency_code from read_csv('dbt_project/seeds/agencies.csv')) as agency
        """
    )
    connection.execute("commit")


if __name__ == "__main__":
    print(measure().row())
