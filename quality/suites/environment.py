"""What is usual in the marts of the environment.

A silent station or gauge is a warning; a station that is missing from the uptime days altogether is an error of the build, because
stations that sent nothing are listed there with zeros. Gauges may be absent: having no river feed is a legitimate state.
"""

from quality.suites.check import (
    AuditFacts,
    Check,
    covers,
    has_mean,
    has_no_rows,
    has_not_shrunk,
    is_between,
    is_filled,
    is_not_empty,
    is_one_of,
)

AIR, UPTIME, RIVER = "air_quality_hours", "station_uptime_days", "river_levels"
PARAMETERS, DAYS, LIMITS = "parameter_capture_days", "air_quality_days", "air_limit_days"
WATER = "water_quality_months"

SPARSE_STATIONS = """
    select station_id
    from {batch}
    group by station_id
    having count(*) < 0.8 * (date_diff('hour', min(hour_at), max(hour_at)) + 1)
"""
SILENT_STATIONS = "select station_id from {batch} where is_latest and expected_slots > 0 and received_slots = 0"
STUCK_SENSORS = "select station_id, parameter_code from {batch} where is_latest and is_stuck"
JUMPS = """
    select gauge_id
    from {batch}
    window by_gauge as (partition by gauge_id order by measured_at)
    qualify abs(level_m - lag(level_m) over by_gauge) > 3
        and date_diff('minute', lag(measured_at) over by_gauge, measured_at) <= 60
"""
"""Three metres within an hour: faster than a flood wave rises at a gauge, so a change of unit or zero (design value)."""


def expectations(facts: AuditFacts) -> list[Check]:
    """Return the checks of the environment's marts. Concentrations are in µg/m³, levels in metres."""
    bands = facts.objects_of("vn_aqi_bands.band_code")
    return [
        *_air(facts, bands),
        *has_not_shrunk(DAYS, facts),
        is_between(DAYS, "vn_aqi", 0, 500, "critical"),
        is_filled(DAYS, "vn_aqi", 0.5, "warning"),
        is_one_of(DAYS, "band_code", bands, "critical"),
        *has_not_shrunk(LIMITS, facts),
        is_between(LIMITS, "share_of_limit_percent", 0, 500, "warning"),
        covers(UPTIME, "station_id", facts.objects_of("stations.station_id"), "critical"),
        has_mean(UPTIME, "data_capture_percent", 75, 100, "warning"),
        has_no_rows(UPTIME, "every station sent something on the newest day", SILENT_STATIONS, 7, "warning"),
        has_no_rows(PARAMETERS, "no sensor repeats one value on the newest day", STUCK_SENSORS, 6, "warning"),
        *has_not_shrunk(WATER, facts),
        is_one_of(WATER, "water_class", ("A", "B", "C"), "warning"),
        is_not_empty(RIVER, "warning"),
        is_between(RIVER, "level_m", -5, 30, "warning"),
        has_no_rows(RIVER, "no level jumps by 3 m within an hour", JUMPS, 6, "warning"),
    ]


def _air(facts: AuditFacts, bands: list[str]) -> list[Check]:
    stations = facts.reference.list_of("stations")
    air_stations = [str(row["station_id"]) for row in stations.iter_rows(named=True) if row["kind"] == "air"]
    return [
        covers(AIR, "station_id", air_stations, "warning"),
        has_no_rows(AIR, "each station has 80 % of its hours", SPARSE_STATIONS, 1, "warning"),
        is_between(AIR, "vn_aqi", 0, 500, "critical"),
        is_between(AIR, "vn_aqi", 0, 300, "warning", share=0.95),
        is_filled(AIR, "vn_aqi", 0.5, "warning"),
        is_one_of(AIR, "band_code", bands, "critical"),
        is_one_of(AIR, "band_code", ("good", "moderate", "poor"), "warning", share=0.8),
        is_between(AIR, "pm2_5_ug_m3", 0, 500, "warning"),
        is_between(AIR, "pm10_ug_m3", 0, 1000, "warning"),
    ]
