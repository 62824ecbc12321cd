"""A small city in the marts, with numbers one can count by hand. Columns not named are NULL, or false where they are booleans."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import yaml

from ingestion.settings import PROJECT, Settings
from lake.connection import connected
from lake.releases import latest_snapshot, record_release
from lake.tables import create_tables

CLOCK = datetime(2026, 3, 10, 5, 0, tzinfo=UTC)
"""Noon in Vietnam; what the stack of these tests calls now."""

AT_NINE, AT_ELEVEN = "2026-03-10T02:00:00+00:00", "2026-03-10T04:00:00+00:00"
PLACE: Mapping[str, object] = {"latitude": 16.46, "longitude": 107.58}

ROWS: Mapping[str, Sequence[Mapping[str, object]]] = {
    "environment.air_quality_hours": [
        {
            "station_id": f"KK{n}",
            "station_name": f"Trạm {n}",
            "hour_at": AT_ELEVEN,
            "is_latest": True,
            "vn_aqi": aqi,
            "band_label": band,
        }
        | dict(PLACE)
        for n, (aqi, band) in enumerate([(42, "Tốt"), (87, "Trung bình"), (163, "Xấu")])
    ],
    "environment.station_uptime_days": [
        {
            "station_id": f"KK{n}",
            "station_name": f"Trạm {n}",
            "kind": "air",
            "local_date": "2026-03-10",
            "is_latest": True,
        }
        | {"expected_slots": 144, "received_slots": slots, "valid_slots": slots, "missing_slots": 144 - slots}
        | ({"last_reading_at": AT_ELEVEN} if slots else {})
        for n, slots in enumerate([144, 100, 0, 0])
    ],
    "environment.river_levels": [
        {
            "gauge_id": "TV1",
            "gauge_name": "Kim Long",
            "measured_at": AT_ELEVEN,
            "level_m": 1.5,
            "alarm_level": 1,
            "is_latest": True,
        }
    ],
    "feedback.feedback_cases": [
        {
            "service_request_id": f"PA{n}",
            "agency_code": "A1",
            "service_name": "Cây xanh",
            "status_label": "Đã đóng" if n < 4 else "Mở",
        }
        | {
            "is_satisfied": None,
            "requested_at": AT_NINE,
            "last_changed_at": AT_ELEVEN,
            "is_closed": n < 4,
            "is_overdue": n >= 5,
        }
        | {"is_on_time": n < 3 if n < 4 else None, "hours_to_close": 1.0 if n < 4 else None}
        | dict(PLACE)
        for n in range(7)
    ],
    "feedback.feedback_agency_days": [
        {"agency_code": code, "agency_name": f"Cơ quan {code}", "local_date": "2026-03-10", "received_cases": received}
        | {
            "closed_cases": 0,
            "on_time_cases": 0,
            "overdue_cases": 0,
            "due_closed_cases": 0,
            "rated_cases": 0,
            "satisfied_cases": 0,
        }
        for code, received in [("A1", 7), ("A2", 0)]
    ],
    "fisheries.vessels_last_seen": [
        {
            "vessel_key": f"vms:T{n}",
            "source_code": "vms",
            "vessel_id": f"T{n}",
            "last_fix_at": AT_NINE,
            "hours_since_fix": 3.0,
        }
        | {"is_silent_6h": n < 2, "is_active_24h": True, "is_in_east_sea": True}
        | dict(PLACE)
        for n in range(11)
    ],
    "fisheries.vessel_gaps": [
        {
            "vessel_key": "vms:T0",
            "vessel_id": "T0",
            "gap_started_at": AT_NINE,
            "duration_hours": 7.0,
            "missed_slots": 3,
            "is_open": True,
        }
    ],
    "public_services.dossiers": [
        {
            "dossier_id": f"HS{n}",
            "agency_code": "A1",
            "channel_code": "2" if n < 4 else "1",
            "received_at": AT_NINE,
            "last_changed_at": AT_ELEVEN,
            "is_online_procedure": True,
            "is_on_time": n < 3 if n < 4 else None,
            "is_overdue": n == 4,
        }
        for n in range(5)
    ],
    "public_services.dossier_agency_months": [
        {
            "agency_code": code,
            "agency_name": f"Cơ quan {code}",
            "agency_group": "Sở",
            "month_date": "2026-03-01",
            "is_latest": True,
        }
        | {
            "received_total": received,
            "carried_over": carried,
            "received": received - carried,
            "processed_total": received,
            "processed_on_time": received,
            "processed_overdue": 0,
            "in_progress_total": 0,
            "in_progress_overdue": 0,
            "supplementing": 0,
            "returned": 0,
        }
        | dict(PLACE)
        for code, received, carried in [("A1", 5, 2), ("A2", 0, 0)]
    ],
    "public_services.decision_766_scores": [
        {
            "agency_code": "A1",
            "month_date": "2026-03-01",
            "is_latest": True,
            "group_label": "Tiến độ",
            "component_label": "Đúng hạn",
            "max_points": 20.0,
            "target_percent": 98.0,
            "numerator": 49,
            "denominator": 100,
        }
    ],
    "quality.feed_scores": [
        {
            "feed": f"{domain}.x",
            "domain": domain,
            "label_vi": domain,
            "level": "green",
            "level_label": "Xanh",
            "last_event_at": AT_ELEVEN,
        }
        | {
            "correct": 100.0,
            "complete": 96.0,
            "clean": 100.0,
            "live": 80.0,
            "score": 94.0,
            "age_minutes": 60.0,
            "scored_at": AT_ELEVEN,
        }
        for domain in ("environment", "feedback", "fisheries", "public_services")
    ],
    "quality.ledger_totals": [
        {
            "feed": "environment.x",
            "label_vi": "Trạm",
            "received": 10,
            "accepted": 8,
            "duplicate": 1,
            "quarantined": 1,
            "balance": 0,
        }
        | {"is_balanced": True, "last_loaded_at": AT_ELEVEN}
    ],
    "quality.quarantine_reasons": [
        {
            "feed": "environment.x",
            "label_vi": "Trạm",
            "reason": "unit",
            "error_group": 4,
            "error_group_label": "Sai định dạng",
            "records": 1,
        }
        | {"newest_at": AT_ELEVEN}
    ],
}

NUMBERS = {
    "moi-truong": {
        "Trạm không có số liệu hôm nay": "2",
        "Tuổi dữ liệu (phút)": "60",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "phan-anh": {"Số phản ánh": "7", "Quá hạn chưa xử lý": "2", "Đúng hạn (%)": "75,0", "Tuổi dữ liệu (giờ)": "1,0"},
    "dich-vu-cong": {
        "Tiếp nhận trong tháng": "3",
        "Tồn kỳ trước": "2",
        "Quá hạn chưa xử lý": "1",
        "Xử lý đúng hạn (%)": "75,0",
        "Hồ sơ trực tuyến (%)": "80,0",
    },
    "tau-ca": {"Số tàu theo dõi": "11", "Mất kết nối VMS quá 6 giờ": "2", "Dữ liệu mới nhất lúc": "09:00 10/03/2026"},
    "dung-du-sach-song": {"Sống (%)": "80,0", "Điểm trung bình": "94,0", "Chênh lệch sổ cái": "0"},
}
"""What the big numbers of each page must say about these rows."""


def publish_truth(settings: Settings) -> None:
    """Write the rows into the marts, shaped as dbt describes them, and release every domain."""
    with connected(settings) as connection:
        create_tables(connection, {})
        for path in sorted((PROJECT / "dbt_project" / "models" / "marts").glob("*/_*__models.yml")):
            _write_domain(connection, path)
            publish(connection, path.parent.name)


def publish(connection: duckdb.DuckDBPyConnection, domain: str) -> None:
    """Release a domain as it stands now."""
    record_release(
        connection,
        domain,
        latest_snapshot(connection),
        action="publish",
        reason="by hand",
        scores={},
        last_event_at=CLOCK,
        published_at=CLOCK,
    )


def _write_domain(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    domain = path.parent.name
    connection.execute(f"create schema if not exists marts.{domain}")
    for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
        types = {column["name"]: column["data_type"] for column in model["columns"]}
        typed = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"create table marts.{domain}.{model['name']} ({typed})")
        for row in ROWS.get(f"{domain}.{model['name']}", []):
            full = {name: False for name, kind in types.items() if kind == "boolean"} | dict(row)
            columns = ", ".join(f'"{name}"' for name in full)
            marks = ", ".join("?" for _ in full)
            connection.execute(
                f"insert into marts.{domain}.{model['name']} ({columns}) values ({marks})", [*full.values()]
            )
