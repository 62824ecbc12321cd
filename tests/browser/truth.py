"""A small city in the marts, with numbers that can be counted by hand. Columns not given are NULL, or false if boolean."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import yaml

from core.settings import PROJECT, Settings
from lake.connection import connected
from lake.tables import create_tables
from quality.marts import keys_of
from tests.publishing import publish_candidates

CLOCK = datetime(2026, 3, 10, 5, 0, tzinfo=UTC)
"""Noon in Vietnam; the current time of the stack of these tests."""

AT_NINE, AT_ELEVEN = "2026-03-10T02:00:00+00:00", "2026-03-10T04:00:00+00:00"
AROUND_MIDNIGHT = (
    "2026-03-08T23:59:59+07:00",
    "2026-03-09T00:00:00+07:00",
    "2026-03-09T06:59:59+07:00",
    "2026-03-09T16:59:59+00:00",
    "2026-03-09T17:00:00+00:00",
    "2026-03-09T12:30:00-05:00",
    AT_NINE,
)
"""Times in several offsets: by Vietnamese dates, one on 8 March, three on the 9th and three on the 10th."""

PLACE: Mapping[str, object] = {"latitude": 16.46, "longitude": 107.58}


def square(west: float, south: float = 16.3, size: float = 0.1) -> str:
    """Return a square as the ring of a shape."""
    east, north = round(west + size, 5), round(south + size, 5)
    return json.dumps([[west, south], [east, south], [east, north], [west, north], [west, south]])


def area(code: str, name: str, west: float) -> dict[str, object]:
    """Return what a map draws of a commune, a square of a tenth of a degree."""
    shape = {"place_level": "commune", "place_code": code, "place_name": name, "commune_code": code}
    return shape | {"shape_number": 1, "shape": square(west), "area_km2": 118.0}


def point(level: str, code: str, name: str, west: float) -> dict[str, object]:
    """Return what a map draws of a place without a boundary."""
    shape = {"place_level": level, "place_code": code, "place_name": name, "shape_number": 1}
    return shape | {"shape": square(west, 16.35, 0.02), "area_km2": 0.0}


AREAS = (
    area("19753", "Phường Phú Xuân", 107.3),
    area("19789", "Phường Thuận Hoá", 107.4),
    area("99001", "Phường Giả lập 01", 107.5),
)
ISLAND = AREAS[0] | {"shape_number": 2, "shape": square(107.3, 16.45, 0.05), "area_km2": 29.5}
"""The second part of the first commune."""

ROWS: Mapping[str, Sequence[Mapping[str, object]]] = {
    "environment.air_quality_days": [
        {"station_id": "46_KK01", "station_name": "Trạm 1", "local_date": "2026-03-09", "is_latest": True, "vn_aqi": 79}
    ],
    "environment.air_limit_days": [
        {
            "station_name": "Trạm 1",
            "parameter_label": "PM2.5",
            "averaging": "24h",
            "local_date": "2026-03-09",
            "is_over": False,
        }
        | {"share_of_limit_percent": 80.0}
    ],
    "environment.water_quality_months": [
        {"station_name": "Trạm nước 1", "month_date": "2026-03-01", "station_class": "B", "parameter_label": "DO"}
    ],
    "environment.parameter_capture_days": [
        {
            "station_name": "Trạm 1",
            "parameter_label": "PM2.5",
            "local_date": "2026-03-10",
            "is_latest": True,
            "capture_percent": 90.0,
        }
    ],
    "feedback.feedback_months": [{"month_date": "2026-03-01", "is_latest": True, "received_cases": 7}],
    "feedback.feedback_agency_months": [
        {"agency_name": "Sở 1", "month_date": "2026-03-01", "is_latest": True, "received_cases": 7}
    ],
    "feedback.feedback_commune_months": [
        {"commune_name": "Phường Phú Xuân", "month_date": "2026-03-01", "is_latest": True, "received_cases": 7}
    ],
    "public_services.dossier_months": [{"month_date": "2026-03-01", "is_latest": True, "received": 3}],
    "public_services.dossier_procedure_months": [
        {"procedure_name": "Thủ tục 1", "month_date": "2026-03-01", "is_latest": True, "received": 3}
    ],
    "health.patient_commune_months": [
        {
            "commune_name": "Phường Phú Xuân",
            "care_name": "Ngoại trú",
            "month_date": "2026-03-01",
            "is_latest": True,
            "visits": 9,
        }
    ],
    "health.disease_years": [
        {"disease_name": "Sốt xuất huyết Dengue", "iso_year": 2026, "is_latest": True, "cases": 300}
    ],
    "health.disease_completeness": [
        {
            "place_level": "province",
            "place_name": "Toàn thành phố",
            "iso_year": 2026,
            "is_latest": True,
            "completeness_percent": 95.0,
        }
    ],
    "health.disease_case_groups": [
        {
            "disease_name": "Sốt xuất huyết Dengue",
            "week_start_date": "2026-03-02",
            "group_kind": "age",
            "group_name": "15-24",
            "cases": 9,
        }
    ],
    "education.commune_school_years": [
        {
            "commune_name": "Phường Phú Xuân",
            "school_year": "2025-2026",
            "is_latest": True,
            "registered_schools": 4,
            "pupils": 200,
        }
    ],
    "fisheries.fleet_communes": [{"commune_name": "Phường Phú Xuân", "registered_vessels": 11}],
    "fisheries.fleet_places": [{"place_code": "at_sea", "place_name": "Trên biển", "vessels": 4}],
    "fisheries.fleet_vessels": [
        {
            "registration_number": "TTH-90001-TS",
            "licence_expires_date": "2026-03-20",
            "licence_days_left": 10,
            "is_licence_ending": True,
        }
    ],
    "fisheries.violation_months": [
        {
            "month_date": "2026-03-01",
            "commune_name": "Phường Phú Xuân",
            "kind_label": "Mất kết nối quá 6 giờ",
            "violations": 2,
        }
    ],
    "quality.database_score_days": [
        {"domain": "environment", "local_date": "2026-03-10", "is_latest": True, "score": 94.0}
    ],
    "quality.object_coverage_days": [
        {
            "feed": "environment.x",
            "label_vi": "Trạm",
            "local_date": "2026-03-10",
            "is_latest": True,
            "coverage_percent": 90.0,
        }
    ],
    "quality.incident_months": [
        {"feed": "environment.x", "label_vi": "Trạm", "month_date": "2026-03-01", "records": 1}
    ],
    "quality.repeat_offenders": [
        {"feed": "environment.x", "label_vi": "Trạm", "object_id": "A1", "red_days": 3, "known_days": 9}
    ],
    "environment.air_quality_on_map": [
        shape | {"hour_at": hour, "current_until_at": until, "vn_aqi": index, "band_label": band}
        for shape, hour, until, index, band in (
            (AREAS[0], AT_ELEVEN, "2026-03-10T07:00:00+00:00", 42, "Tốt"),
            (AREAS[1], AT_NINE, AT_ELEVEN, 160, "Xấu"),
            (AREAS[2], None, None, None, None),
            (point("station", "KK1", "Trạm 1", 107.35), AT_ELEVEN, "2026-03-10T07:00:00+00:00", 42, "Tốt"),
        )
    ],
    "feedback.feedback_on_map": [
        shape | {"received_cases": received, "due_cases": received, "on_time_of_due_percent": percent}
        for shape, received, percent in (
            (AREAS[0], 40, 97.5),
            (ISLAND, 40, 97.5),
            (AREAS[1], 1250, 60.0),
            (AREAS[2], 0, None),
        )
    ]
    + [point("case", "PA6", "Cây xanh", 107.35) | {"overdue_age_label": "Dưới 1 ngày"}],
    "education.schools_on_map": [
        shape | {"school_year": "2025-2026", "pupils": pupils, "level_name": level}
        for shape, pupils, level in (
            (AREAS[0], 200, None),
            (AREAS[2], None, None),
            (point("school", "S0", "Trường 0", 107.35), 100, "Tiểu học"),
        )
    ],
    "fisheries.vessels_on_map": [
        AREAS[0] | {"registered_vessels": 3, "silent_vessels": 1},
        AREAS[2] | {"registered_vessels": None},
        point("vessel", "vms:T5", "T5", 108.1) | {"status_label": "Trên biển", "hours_since_fix": 3.0},
    ],
    "health.diseases_on_map": [
        shape
        | {
            "disease_code": "A91",
            "disease_name": "Sốt xuất huyết Dengue",
            "week_start_date": "2026-03-02",
            "cases": cases,
        }
        | {"is_above_threshold": is_above}
        for shape, cases, is_above in ((AREAS[0], 30, True), (AREAS[1], 15, False), (AREAS[2], None, None))
    ],
    "health.patients_on_map": [
        AREAS[0] | {"month_date": "2026-03-01", "outpatient_visits": 12},
        AREAS[2],
        point("facility", "46001", "Bệnh viện", 107.35) | {"facility_visits": 31},
    ],
    "public_services.dossiers_on_map": [
        AREAS[0] | {"month_date": "2026-03-01", "received_total": 5, "due_total": 4, "on_time_of_due_percent": 99.0},
        AREAS[2],
    ],
    "environment.environment_headlines": [
        {
            "headline_id": "worst_air",
            "domain": "environment",
            "place": 1,
            "label_vi": "VN_AQI cao nhất",
            "label_en": "Highest VN_AQI",
        }
        | {
            "value": 148.0,
            "level": "red",
            "shown_vi": "148",
            "limits_vi": "xanh ≤ 50, đỏ > 100",
            "dashboard": "moi-truong",
        }
        | {"trend_vi": "▲ 69 so với cùng giờ hôm trước (79)", "newest_event_at": AT_ELEVEN},
        {
            "headline_id": "alarmed_gauges",
            "domain": "environment",
            "place": 2,
            "label_vi": "Trạm thủy văn trên báo động",
        }
        | {
            "value": 3.0,
            "level": "red",
            "shown_vi": "3 trạm",
            "limits_vi": "xanh ≤ 0, đỏ > 0",
            "dashboard": "moi-truong",
        }
        | {"newest_event_at": AT_NINE, "current_until_at": AT_ELEVEN},
        {"headline_id": "station_uptime", "domain": "environment", "place": 3, "label_vi": "Trạm quan trắc hoạt động"}
        | {"dashboard": "moi-truong"},
    ],
    "feedback.feedback_headlines": [
        {"headline_id": "feedback_overdue", "domain": "feedback", "place": 2, "label_vi": "Phản ánh quá hạn chưa xử lý"}
        | {"value": 2.0, "level": "yellow", "shown_vi": "2 phản ánh", "limits_vi": "xanh ≤ 0", "dashboard": "phan-anh"}
        | {"newest_event_at": AT_ELEVEN},
    ],
    "education.school_years": [
        {
            "school_year": "2025-2026",
            "is_latest": True,
            "school_code": f"S{n}",
            "school_name": f"Trường {n}",
            "level_name": "Tiểu học",
            "classes": 4 if pupils else 0,
            "pupils": pupils,
            "is_reported": pupils is not None,
            "is_national_standard": n == 0,
            "newest_export_at": AT_NINE,
        }
        | dict(PLACE)
        for n, pupils in enumerate([100, 60, 40, None])
    ],
    "education.level_years": [
        {
            "school_year": "2025-2026",
            "is_latest": True,
            "level_code": "02",
            "level_name": "Tiểu học",
            "registered_schools": 4,
            "reported_schools": 3,
            "pupils": 200,
            "pupils_at_start": 208,
            "dropped_out_pupils": 8,
            "newest_export_at": AT_NINE,
        }
    ],
    "education.pupil_groups": [
        {
            "school_year": "2025-2026",
            "is_latest": True,
            "level_name": "Tiểu học",
            "group_kind": kind,
            "group_name": name,
            "pupils": 200,
            "newest_export_at": AT_NINE,
        }
        for kind, name in (("ethnic_group", "Kinh"), ("disability", "Không"))
    ],
    "education.attendance_days": [
        {
            "school_code": "S0",
            "school_name": "Trường 0",
            "attendance_date": "2026-03-10",
            "is_latest": True,
            "is_reported": True,
            "enrolled_pupils": 100,
            "present_pupils": 97,
            "newest_export_at": AT_NINE,
        }
    ],
    "education.attendance_level_days": [
        {
            "level_code": "02",
            "level_name": "Tiểu học",
            "attendance_date": "2026-03-10",
            "is_latest": True,
            "enrolled_pupils": 100,
            "present_pupils": 97,
            "newest_export_at": AT_NINE,
        }
    ],
    "environment.air_quality_hours": [
        {
            "station_id": f"KK{n}",
            "station_name": f"Trạm {n}",
            "hour_at": AT_ELEVEN,
            "is_latest": True,
            "current_until_at": "2026-03-10T06:00:00+00:00",
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
            "current_until_at": "2026-03-10T07:00:00+00:00",
        }
    ],
    "feedback.feedback_cases": [
        {
            "service_request_id": f"PA{n}",
            "agency_code": "A1",
            "agency_name": "Cơ quan A1",
            "commune_name": "Phường Phú Xuân" if n < 3 else "Phường Thuận Hoá",
            "service_name": "Cây xanh",
            "status_label": "Đã đóng" if n < 4 else "Mở",
        }
        | {
            "is_satisfied": None,
            "requested_at": AROUND_MIDNIGHT[n],
            "last_changed_at": AT_NINE if n < 3 else AT_ELEVEN,
            "is_closed": n < 4,
            "is_within_competence": True,
            "is_handled": n < 4,
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
            "within_competence_cases": 0,
            "handled_cases": 0,
            "due_closed_cases": 0,
            "due_cases": 0,
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
            "vessel_code": f"T{n}",
            "last_fix_at": AT_NINE,
            "hours_since_fix": 3.0,
        }
        | {"is_silent_6h": n < 2, "is_active_24h": True, "is_in_east_sea": True}
        | {"status_code": "silent_6h" if n < 2 else "unknown" if n < 5 else "at_sea", "status_label": "Trên biển"}
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
    "fisheries.vessel_slot_days": [
        {"vessel_key": f"vms:T{n}", "vessel_id": f"T{n}", "local_date": "2026-03-10", "is_latest": True}
        | {"at_sea_slots": 4, "received_slots": received, "unknown_slots": 0, "missed_slots": 4 - received}
        | {"compliance_percent": 25.0 * received}
        for n, received in enumerate([4, 2])
    ],
    "fisheries.vessel_boundary_events": [
        {"vessel_key": "vms:T0", "vessel_id": "T0", "zone_label": "Gần ranh giới", "started_at": AT_NINE}
        | {"confirmed_at": AT_ELEVEN, "boundary_distance_nm": 3.0}
    ],
    "fisheries.vessel_alerts": [
        {"kind_code": kind, "kind_label": label, "severity_code": "critical", "severity_label": "Nghiêm trọng"}
        | {"subject_code": subject, "started_at": AT_NINE, "is_open": True, "evidence": "3,0 giờ"}
        for kind, label, subject in [
            ("operator_silent", "Nhà cung cấp VMS im lặng", "X"),
            ("across_boundary", "Vượt ranh giới", "vms:T0"),
            ("silent_10d", "Mất kết nối quá 10 ngày", "vms:T1"),
        ]
    ],
    "health.facility_days": [
        {
            "facility_code": "46001",
            "facility_name": "Bệnh viện",
            "latitude": 16.47,
            "longitude": 107.58,
            "beds": 10,
            "local_date": "2026-03-10",
            "is_latest": True,
            "visits": 31,
            "admissions": 6,
            "is_reported": True,
            "discharges": 8,
            "inpatients": 7,
            "bed_occupancy_percent": 70.0,
        }
    ],
    "health.stay_months": [
        {
            "place_level": "province",
            "place_code": "province",
            "place_name": "Toàn thành phố",
            "month_date": "2026-03-01",
            "is_latest": True,
            "discharges": 8,
            "counted_stays": 8,
            "treatment_days": 28,
        }
    ],
    "health.insurance_spend_months": [
        {
            "facility_code": "46001",
            "facility_name": "Bệnh viện",
            "month_date": "2026-03-01",
            "is_latest": True,
            "claims": 8,
            "spent_vnd": 90_000_000,
            "spent_in_year_vnd": 90_000_000,
            "ceiling_vnd": 120_000_000,
            "year_elapsed_percent": 19.0,
            "spent_in_last_year_vnd": 80_000_000,
        }
    ],
    "health.icd10_months": [
        {
            "month_date": "2026-03-01",
            "icd10_code": "J18",
            "icd10_label": "Viêm phổi",
            "is_hidden": False,
            "is_latest": True,
            "visits": 9,
            "patients": 9,
            "place": 1,
        }
    ],
    "health.check_in_hours": [
        {
            "facility_code": "46001",
            "facility_name": "Bệnh viện",
            "hour_at": AT_ELEVEN,
            "check_ins": 4,
            "waiting": 3,
            "waiting_estimate": 2,
            "is_latest": True,
            "newest_check_in_at": AT_ELEVEN,
        }
    ],
    "health.disease_weeks": [
        {
            "disease_code": "A91",
            "disease_name": "Sốt xuất huyết Dengue",
            "place_level": level,
            "place_code": code,
            "place_name": name,
            "week_start_date": "2026-03-02",
            "is_complete": True,
            "is_latest": True,
            "cases": cases,
            "population": 100_000,
            "reported_population": 100_000,
            "places": 1,
            "reported_places": 1,
            "cases_per_100k": float(cases),
            "cases_change": 2,
            "epidemic_threshold": 20.0,
            "is_above_threshold": cases > 20,
            **place,
        }
        for level, code, name, cases, place in (
            ("province", "province", "Toàn thành phố", 45, {}),
            ("commune", "19753", "Phường Phú Xuân", 30, PLACE),
            ("commune", "19789", "Phường Thuận Hoá", 15, PLACE),
        )
    ],
    "health.disease_reporting": [
        {
            "disease_code": "A91",
            "disease_name": "Sốt xuất huyết Dengue",
            "week_start_date": "2026-03-02",
            "reported_cases": 40,
            "on_time_from_onset_cases": 30,
            "on_time_from_onset_percent": 75.0,
            "median_hours_from_onset": 12.0,
            "last_reported_at": AT_NINE,
        }
    ],
    "health.disease_history": [
        {
            "disease_code": "A91",
            "place_level": "province",
            "place_name": "HUE",
            "period_kind": "month",
            "period_start_date": "2025-03-01",
            "series_code": "s",
            "cases_of_month": 12,
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
            "processed_on_time": received - carried,
            "processed_overdue": carried,
            "due_total": received,
            "online_in_online_procedures": received - 1 if received else 0,
            "received_in_online_procedures": received,
            "in_progress_total": 0,
            "in_progress_overdue": 0,
            "supplementing": 0,
            "returned": 0,
        }
        | dict(PLACE)
        for code, received, carried in [("A1", 5, 2), ("A2", 0, 0)]
    ],
    "hotline.hotline_days": [
        {"local_date": "2026-03-10", "is_latest": True, "total_calls": 12, "incoming_calls": 10, "outgoing_calls": 2}
        | {"ivr_resolved_calls": 2, "offered_calls": 8, "answered_calls": 6, "abandoned_calls": 1, "missed_calls": 1}
        | {"answered_percent": 75.0, "service_level_seconds": 20.0, "judged_calls": 8, "in_time_calls": 5}
        | {"service_level_percent": 62.5, "rated_calls": 5, "satisfied_calls": 4, "satisfied_percent": 80.0}
        | {"newest_call_at": AT_ELEVEN}
    ],
    "hotline.hotline_hours": [
        {"hour_at": AT_ELEVEN, "local_hour": 11, "total_calls": 12, "incoming_calls": 10, "offered_calls": 8}
        | {"answered_calls": 6, "lost_calls": 2, "judged_calls": 8, "in_time_calls": 5, "service_level_percent": 62.5}
    ],
    "public_services.satisfaction_agency_months": [
        {
            "agency_code": "A1",
            "agency_name": "Cơ quan A1",
            "agency_group": "Sở",
            "month_date": "2026-03-01",
            "is_latest": True,
        }
        | {"rated_dossiers": 20, "satisfied_dossiers": 15, "satisfied_percent": 75.0, "is_small_cell": False}
        | {"newest_rating_at": AT_ELEVEN}
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
    "forest.fire_danger_days": [
        {"commune_code": f"9900{n}", "commune_name": f"Xã {n}", "local_date": "2026-03-10", "is_latest": True}
        | {"current_until_at": "2026-03-11T07:00:00+00:00", "observed_at": "2026-03-09T17:00:00+00:00"}
        | {"fire_index": index, "level_number": number, "level_label": label, "dry_days": 20}
        for n, (index, number, label) in enumerate(
            [
                (4000.0, 1, "Cấp I - thấp"),
                (16000.0, 4, "Cấp IV - nguy hiểm"),
                (21000.0, 5, "Cấp V - cực kỳ nguy hiểm"),
                (None, None, None),
            ]
        )
    ],
    "forest.fire_hotspots": [
        {"latitude": 16.4, "longitude": 107.3 + n / 10, "acquired_at": at, "satellite": "N", "is_alerting": alerting}
        | {"commune_code": "19753", "commune_name": "Phường Phú Xuân", "confidence_label": "Cao", "power_mw": 4.0}
        | {"current_until_at": "2026-03-11T04:00:00+00:00"}
        for n, (at, alerting) in enumerate(
            [(AT_NINE, True), (AT_ELEVEN, True), (AT_ELEVEN, False), ("2026-03-08T04:00:00+00:00", True)]
        )
    ],
    "forest.fire_danger_on_map": [
        dict(shape)
        | {"local_date": "2026-03-10", "current_until_at": "2026-03-11T07:00:00+00:00", "level_label": label}
        for shape, label in zip(AREAS, ["Cấp I - thấp", "Cấp V - cực kỳ nguy hiểm", None], strict=True)
    ]
    + [
        point("hotspot", "16.4 107.35", "Điểm nóng", 107.35)
        | {"commune_code": "19753", "confidence_label": "Cao", "acquired_at": AT_ELEVEN}
    ],
    "warnings.active_warnings": [
        {
            "event_key": "cháy rừng",
            "event": "Cháy rừng",
            "area_key": f"9900{n}",
            "commune_code": f"9900{n}",
            "area_name": f"Xã {n}",
        }
        | {
            "risk_level": level,
            "risk_label": label,
            "severity_label": "Nghiêm trọng",
            "is_updated": False,
            "other_messages": 0,
        }
        | {"sent_at": AT_NINE, "effective_at": AT_NINE, "expires_at": "2026-03-11T04:00:00+00:00", "age_hours": 2.0}
        for n, (level, label) in enumerate([(1, "Cấp 1"), (3, "Cấp 3"), (4, "Cấp 4"), (None, "Không nêu cấp")])
    ],
    "warnings.warnings_on_map": [
        dict(shape)
        | {"warnings": count, "level_label": label, "current_until_at": until or AT_ELEVEN, "expires_at": until}
        for shape, (count, label, until) in zip(
            AREAS,
            [(1, "Cấp 1", "2026-03-11T04:00:00+00:00"), (1, "Cấp 4", "2026-03-11T04:00:00+00:00"), (None, None, None)],
            strict=True,
        )
    ],
    "warnings.warning_days": [
        {"local_date": "2026-03-10", "is_latest": True, "issued": 5, "updated": 2, "cancelled": 1, "expired": 3}
        | {"leads_known": 4, "median_lead_hours": 2.5, "newest_message_at": AT_ELEVEN}
    ],
    "security.incident_days": [
        {"local_date": "2026-03-10", "is_latest": True, "incidents": 12, "serious_incidents": 2, "judged_incidents": 10}
        | {"handled_incidents": 8, "handled_percent": 80.0, "known_responses": 9, "median_response_minutes": 11.5}
        | {"newest_update_at": AT_ELEVEN}
    ],
    "security.incident_kind_months": [
        {
            "month_date": "2026-03-01",
            "is_latest": True,
            "kind_code": code,
            "kind_name": name,
            "concerns_persons": persons,
        }
        | {"is_small_cell": incidents is None, "incidents": incidents, "handled_percent": handled}
        | {"median_response_minutes": minutes}
        for code, name, persons, incidents, handled, minutes in [
            ("trom_cap", "Trộm cắp tài sản", False, 9, 77.8, 12.0),
            ("mat_tich", "Người mất tích", True, None, None, None),
        ]
    ],
    "security.incident_commune_months": [
        {"commune_code": "19753", "commune_name": "Phường Phú Xuân", "month_date": "2026-03-01", "is_latest": True}
        | {"kind_code": "trom_cap", "kind_name": "Trộm cắp tài sản", "concerns_persons": False, "is_small_cell": False}
        | {"incidents": 9, "judged_incidents": 9, "handled_incidents": 7}
    ],
    "security.incidents_on_map": [
        dict(shape)
        | {"month_date": "2026-03-01", "incidents": 9, "judged_incidents": 9, "handled_incidents": 7}
        | {"handled_percent": percent}
        for shape, percent in zip(AREAS, [95.0, 80.0, None], strict=True)
    ],
    "traffic.traffic_hours": [
        {"section_code": "A", "section_name": "Đoạn A", "hour_at": at, "local_date": "2026-03-10", "known_slots": 12}
        | {"vehicles": 900, "pcu": pcu, "volume_capacity_ratio": ratio, "service_level": "C", "congestion_minutes": 0}
        | {"newest_slot_at": at}
        for at, pcu, ratio in [(AT_NINE, 500.0, 0.6), (AT_ELEVEN, 700.0, 0.7)]
    ],
    "traffic.traffic_days": [
        {"section_code": code, "section_name": f"Đoạn {code}", "local_date": "2026-03-10", "is_latest": True}
        | {"expected_slots": 133, "known_slots": known, "vehicles": vehicles, "congestion_minutes": minutes}
        | {"peak_volume_capacity_ratio": ratio, "peak_hour": 7, "peak_service_level": level}
        for code, known, vehicles, minutes, ratio, level in [
            ("A", 133, 9000, 25, 0.95, "E"),
            ("B", 0, None, None, None, None),
            ("C", 120, 4000, 20, 0.4, "B"),
        ]
    ],
    "traffic.traffic_on_map": [
        dict(shape) | {"month_date": "2026-03-01" if accidents else None, "accidents": accidents}
        for shape, accidents in zip(AREAS, [1, 9, None], strict=True)
    ]
    + [
        point("section", "A", "Đoạn A", 107.35)
        | {"slot_at": AT_ELEVEN, "current_until_at": "2026-03-10T07:00:00+00:00", "service_level": "F"}
        | {"speed_kmh": 12.0, "volume_capacity_ratio": 1.1, "is_congested": True}
    ],
    "traffic.accident_months": [
        {
            "month_date": "2026-03-01",
            "is_latest": True,
            "last_date": "2026-03-10",
            "accidents": 8,
            "deaths": 3,
            "injured": 6,
        }
        | {"accidents_last_year": 10, "deaths_last_year": None, "accidents_change_percent": -20.0}
    ],
    "traffic.accident_groups": [
        {"month_date": "2026-03-01", "is_latest": True, "commune_code": "19753", "commune_name": "Phường Phú Xuân"}
        | {"cause_code": code, "cause_name": name, "accidents": 4, "newest_update_at": AT_ELEVEN}
        for code, name in [("toc_do", "Chạy quá tốc độ"), ("unknown", "Chưa xác định")]
    ],
    "traffic.road_closures": [
        {
            "situation_id": f"S{n}",
            "version_at": AT_NINE,
            "current_until_at": "2026-03-17T02:00:00+00:00",
            "road_number": road,
        }
        | {"management_code": "roadClosed", "management_name": "Cấm đường", "is_closed": True, "cause_name": "Sạt lở"}
        | {"is_suspended": n == 2, "starts_at": AT_NINE, "ends_at": until, "way_round": "Theo ĐT14B"}
        for n, (road, until) in enumerate([("QL49", None), (None, AT_ELEVEN), ("QL1A", None)])
    ],
    "cyber.alert_days": [
        {"local_date": "2026-03-10", "is_latest": True, "agency_code": "A1", "agency_name": "Cơ quan A1"}
        | {"severity_level": level, "severity_rank": rank, "severity_label": label, "alerts": 6, "blocked_alerts": 3}
        | {"let_through_alerts": 2, "unknown_action_alerts": 1, "machines": 4, "responded_alerts": 5}
        | {"known_responses": 5, "median_response_minutes": 12.5, "newest_alert_at": AT_ELEVEN}
        for level, rank, label in (("critical", 4, "Nghiêm trọng"), ("low", 1, "Thấp"))
    ],
    "cyber.open_critical_alerts": [
        {
            "source_id": "ids",
            "alert_id": f"a{n}",
            "source_name": "Cảm biến",
            "agency_code": "A1",
            "signature": "Quét cổng",
        }
        | {"agency_name": "Cơ quan A1", "was_blocked": False, "observed_at": AT_NINE, "open_hours": hours}
        | {"is_overdue": hours > 24}
        for n, hours in enumerate((2.0, 30.0))
    ],
    "cyber.log_source_states": [
        {"source_id": f"s{n}", "source_name": f"Nguồn {n}", "agency_code": "A1", "agency_name": "Cơ quan A1"}
        | {"is_listed": is_listed, "last_heard_at": at, "last_alert_at": at, "silent_minutes": minutes}
        | {"is_silent": minutes > 60}
        for n, (is_listed, at, minutes) in enumerate([(True, AT_ELEVEN, 5.0), (False, AT_NINE, 125.0)])
    ],
    "cyber.threat_indicators": [
        {
            "indicator_id": f"indicator--{n}",
            "indicator_name": f"Dấu hiệu {n}",
            "pattern_type": "stix",
            "is_revoked": False,
        }
        | {"observable_kind_code": kind, "is_compared": kind is not None, "modified_at": AT_NINE, "valid_from": AT_NINE}
        | {
            "is_in_force": True,
            "matched_alerts": alerts,
            "machines": alerts,
            "last_matched_at": AT_ELEVEN if alerts else None,
        }
        for n, (kind, alerts) in enumerate([("ipv4-addr", 3), ("domain-name", 0), (None, None)])
    ],
    "cyber.alert_agencies": [
        {"agency_code": "A1", "agency_name": "Cơ quan A1", "alerts": 12, "critical_alerts": 6, "machines": 4}
        | {"judged_alerts": 10, "blocked_alerts": 6, "blocked_percent": 60.0, "responded_alerts": 10}
        | {"responded_percent": 83.3, "median_response_minutes": 12.5, "open_critical_alerts": 2}
        | {"overdue_critical_alerts": 1, "log_sources": 2, "silent_log_sources": 1}
    ],
    "press.press_articles": [
        {
            "article_url": f"https://a.example/{n}",
            "title": f"Tin {n}",
            "source": "a.example",
            "local_date": "2026-03-10",
        }
        | {"first_published_at": AT_NINE, "changed_at": AT_ELEVEN, "is_repetition": n == 2, "topic_labels": "Cháy nổ"}
        for n in (1, 2)
    ],
    "press.press_days": [
        {
            "local_date": "2026-03-10",
            "is_latest": True,
            "articles": 9,
            "stories": 7,
            "repeated_articles": 2,
            "sources": 3,
        }
        | {"zone_assumed_articles": 1, "newest_article_at": AT_ELEVEN, "current_until_at": "2026-03-10T16:00:00+00:00"}
    ],
    "press.press_topic_days": [
        {
            "topic_code": label,
            "topic_label": label,
            "topic_label_en": label,
            "local_date": "2026-03-10",
            "is_latest": True,
        }
        | {"articles": 6, "stories": 5, "sources": 2, "share_percent": 66.7, "mean_before": 1.0, "burst_limit": 2.5}
        | {"is_burst": is_burst, "newest_article_at": AT_ELEVEN, "current_until_at": "2026-03-10T16:00:00+00:00"}
        for label, is_burst in (("Cháy nổ", True), ("Thiên tai", None))
    ],
    "press.press_commune_days": [
        {
            "commune_code": "19753",
            "commune_name": "Phường Phú Xuân",
            "local_date": "2026-03-10",
            "articles": 3,
            "stories": 2,
        }
        | {"sources": 2, "newest_article_at": AT_ELEVEN}
    ],
    "press.press_on_map": [
        dict(shape)
        | {"local_date": "2026-03-10", "articles": articles, "stories": articles}
        | {"current_until_at": "2026-03-10T16:00:00+00:00"}
        for shape, articles in zip(AREAS, [3, 1, None], strict=True)
    ],
    "water.rain_hours": [
        {
            "station_id": f"MU{n}",
            "station_name": f"Trạm {n}",
            "commune_code": "19753",
            "commune_name": "Phường Phú Xuân",
        }
        | {"hour_end_at": at, "local_date": "2026-03-10", "is_latest": at == AT_ELEVEN, "rain_1h_mm": 4.5}
        | {"rain_24h_mm": rain, "current_until_at": "2026-03-10T07:00:00+00:00"}
        for n, (at, rain) in enumerate([(AT_ELEVEN, 120.5), (AT_ELEVEN, None), (AT_NINE, 160.0)])
    ],
    "water.reservoir_levels": [
        {
            "reservoir_id": f"HC{n}",
            "reservoir_name": f"Hồ {n}",
            "commune_code": "19753",
            "commune_name": "Phường Phú Xuân",
        }
        | {"measured_at": AT_ELEVEN, "local_date": "2026-03-10", "is_latest": True, "upstream_level_m": level}
        | {"fill_percent": percent, "is_spilling": is_spilling, "stage_label": stage}
        | {"current_until_at": "2026-03-10T07:00:00+00:00"}
        for n, (level, percent, is_spilling, stage) in enumerate(
            [
                (45.5, 102.0, True, "Trên mực nước dâng bình thường"),
                (30.0, 40.0, False, "Bình thường"),
                (None, None, None, None),
            ]
        )
    ],
    "water.landslide_risks": [
        {
            "commune_code": f"9900{n}",
            "commune_name": f"Xã {n}",
            "region_code": "KV3",
            "rain_24h_mm": rain,
            "risk_level": level,
        }
        | {"risk_label": label, "unknown_reason": reason, "sensors": 0, "known_sensors": 0, "hour_end_at": AT_ELEVEN}
        | {"current_until_at": "2026-03-10T07:00:00+00:00"}
        for n, (rain, level, label, reason) in enumerate(
            [
                (150.0, 1, "Cấp 1", None),
                (20.0, 0, "Dưới cấp 1", None),
                (None, None, None, "Chưa biết lượng mưa 24 giờ"),
            ]
        )
    ],
    "water.landslide_road_segments": [
        {"segment_id": f"DD{n}", "segment_name": f"Đoạn {n}", "commune_code": "99000", "is_to_close": is_to_close}
        | {"detour_vi": "Đi đường khác", "detour_en": "Another road", "current_until_at": "2026-03-10T07:00:00+00:00"}
        for n, is_to_close in enumerate([True, False, None])
    ],
    "water.slope_movements": [
        {
            "sensor_id": "SL1",
            "sensor_name": "Cảm biến 1",
            "quantity_code": "DISP",
            "unit": "mm",
            "commune_code": "99000",
        }
        | {"measured_at": AT_ELEVEN, "current_until_at": "2026-03-10T07:00:00+00:00", "value": 40.0, "moved_24h": 35.0}
        | {"movement_level": 2}
    ],
    "water.landslide_on_map": [
        dict(shape) | {"risk_label": label, "current_until_at": "2026-03-10T07:00:00+00:00"}
        for shape, label in zip(AREAS, ["Dưới cấp 1", "Cấp 3", None], strict=True)
    ]
    + [
        point("reservoir", "HC0", "Hồ 0", 107.35)
        | {"point_label": "Hồ đang tràn", "current_until_at": "2026-03-10T07:00:00+00:00"}
    ],
    "quality.feed_scores": [
        {
            "feed": feed,
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
        for domain, feed in (
            ("education", "education.x"),
            ("environment", "environment.x"),
            ("feedback", "feedback.x"),
            ("fisheries", "fisheries.x"),
            ("forest", "forest.x"),
            ("health", "health.claims"),
            ("health", "health.disease_cases"),
            ("hotline", "hotline.x"),
            ("press", "press.x"),
            ("traffic", "traffic.x"),
            ("cyber", "cyber.x"),
            ("public_services", "public_services.x"),
            ("warnings", "warnings.x"),
            ("security", "security.x"),
            ("water", "water.x"),
        )
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
    "quality.feed_score_days": [
        {"feed": "environment.x", "label_vi": "Trạm", "local_date": "2026-03-10", "scored_at": AT_ELEVEN}
        | dict.fromkeys(("correct", "complete", "clean", "live", "score"), 96.0)
    ],
    "quality.agency_league_months": [
        {
            "owner": "Sở Thử nghiệm",
            "month_date": "2026-03-01",
            "is_latest": True,
            "league_rank": 1,
            "level_label": "Xanh",
        }
        | dict.fromkeys(("correct", "complete", "clean", "live", "score"), 96.0)
        | {"correct_evaluated": 100, "correct_failed": 4, "expected_slots": 25, "missing_slots": 1}
    ],
    "quality.missing_slots": [
        {"feed": "environment.x", "label_vi": "Trạm", "object_id": "A1", "slot_start_at": AT_ELEVEN, "age_hours": 2.0}
        | {"is_refetchable": True}
    ],
    "quality.quarantine_ages": [
        {"feed": "environment.x", "label_vi": "Trạm", "stage": "overdue", "stage_label": "Quá hạn", "records": 3}
        | {"oldest_at": AT_ELEVEN}
    ],
    "quality.schema_drift": [
        {
            "feed": "environment.x",
            "label_vi": "Trạm",
            "column_name": "#1",
            "kind": "added",
            "kind_label": "Cột mới",
            "came": "#1",
            "deliveries": 1,
            "stopped_deliveries": 0,
            "records": 1,
        }
        | {"last_seen_at": AT_ELEVEN}
    ],
}

NUMBERS: Mapping[str, Mapping[str, str]] = {
    "tong-quan": {},  # tables: tests of their own
    "dien-thoai": {},
    "giao-duc": {
        "Trường đã báo cáo (%)": "75,0",
        "Số học sinh đang học": "200",
        "Tỷ lệ thôi học (%)": "3,85",
        "Chuyên cần (%)": "97,0",
        "Dữ liệu mới nhất lúc": "09:00 10/03/2026",
    },
    "moi-truong": {
        "Trạm không có số liệu hôm nay": "2",
        "Tuổi dữ liệu (phút)": "60",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "phan-anh": {"Số phản ánh": "7", "Quá hạn chưa xử lý": "2", "Đúng hạn (%)": "75,0", "Tuổi dữ liệu (giờ)": "1,0"},
    "tau-ca": {
        "Số tàu theo dõi": "11",
        "Mất kết nối VMS quá 6 giờ": "2",
        "Tàu không thể biết": "3",
        "Cảnh báo nghiêm trọng": "3",
        "Tuân thủ 2 giờ (%)": "75,0",
        "Dữ liệu mới nhất lúc": "09:00 10/03/2026",
    },
    "chay-rung": {
        "Xã, phường từ cấp IV": "2",
        "Chỉ số P cao nhất": "21.000",
        "Xã, phường chưa rõ cấp": "1",
        "Điểm nóng trong 24 giờ": "2",
        "Dữ liệu mới nhất lúc": "00:00 10/03/2026",
    },
    "canh-bao": {
        "Cảnh báo đang hiệu lực": "4",
        "Từ cấp 3": "2",
        "Cấp 1 và 2": "1",
        "Không nêu cấp": "1",
        "Xã, phường đang có cảnh báo": "4",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "kham-chua-benh": {
        "Lượt khám": "31",
        "Số ngày điều trị trung bình": "3,5",
        "Chi BHYT so với tiến độ năm (%)": "394,7",
        "Đang chờ khám (ước tính)": "2",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "dich-vu-cong": {
        "Tiếp nhận trong tháng": "3",
        "Tồn kỳ trước": "2",
        "Quá hạn chưa xử lý": "1",
        "Xử lý đúng hạn (%)": "60,0",
        "Hồ sơ trực tuyến (%)": "80,0",
    },
    "tong-dai": {
        "Số cuộc gọi": "12",
        "Gọi đến": "10",
        "Được trả lời (%)": "75,0",
        "Trả lời kịp thời (%)": "62,5",
        "Hài lòng (%)": "80,0",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
        "Tuổi dữ liệu (giờ)": "1,0",
    },
    "an-ninh": {
        "Vụ việc tiếp nhận": "12",
        "Vụ việc nghiêm trọng": "2",
        "Đã xử lý (%)": "80,0",
        "Thời gian phản ứng (phút)": "11,5",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "an-toan-thong-tin": {
        "Nghiêm trọng quá 24 giờ": "1",
        "Nguồn nhật ký im lặng": "1",
        "Cảnh báo": "12",
        "Bị chặn (%)": "60,0",
        "Thời gian tiếp nhận (phút)": "12,5",
        "Dấu hiệu đang hiệu lực": "3",
        "Không đối chiếu được": "1",
    },
    "nuoc-va-sat-lo": {
        "Cấp rủi ro sạt lở cao nhất đã biết": "1",
        "Xã, phường chưa rõ cấp rủi ro": "1",
        "Đoạn đường cần đóng": "1",
        "Đoạn đường chưa rõ": "1",
        "Mưa lớn nhất trong 24 giờ (mm)": "120,5",
        "Trạm chưa rõ mưa 24 giờ": "1",
        "Hồ chứa đang tràn": "1",
        "Hồ chứa chưa rõ": "1",
    },
    "giao-thong": {
        "Phút ùn tắc trong ngày": "45",
        "Đoạn đường đang ùn tắc": "1",
        "Đường đang cấm": "1",
        "Số người chết trong tháng": "3",
        "Đoạn đường cần đóng vì sạt lở": "1",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "bao-chi": {
        "Tin khác nhau": "7",
        "Số bài": "9",
        "Số nguồn": "3",
        "Chủ đề tăng đột biến": "1",
        "Dữ liệu mới nhất lúc": "11:00 10/03/2026",
    },
    "dich-benh": {
        "Số ca sốt xuất huyết": "45",
        "Xã, phường vượt ngưỡng dịch": "1",
        "Báo cáo trong hạn, tính từ khởi phát (%)": "75,0",
        "Dữ liệu mới nhất lúc": "09:00 10/03/2026",
        "Tuổi dữ liệu (ngày)": "0,1",
    },
    "dung-du-sach-song": {
        "Tuổi dữ liệu (phút)": "60",
        "Điểm tin cậy": "94",
        "Sống (%)": "80,0",
        "Điểm trung bình": "94,0",
        "Chênh lệch sổ cái": "0",
    },
}
"""What the big numbers of each page must show for these rows."""


def publish_truth(settings: Settings) -> None:
    """Write the rows to candidates with the columns described in dbt, and publish every domain."""
    with connected(settings) as connection:
        create_tables(connection, {})
        for path in sorted((PROJECT / "dbt_project" / "models" / "marts").glob("*/_*__models.yml")):
            _write_domain(connection, path)
        for domain in {mart.split(".")[0] for mart in ROWS}:
            publish(connection, domain)


def publish(connection: duckdb.DuckDBPyConnection, domain: str) -> None:
    """Publish the current candidates of a domain."""
    publish_candidates(connection, domain, CLOCK, keys_of(domain))


def _write_domain(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    domain = path.parent.name
    connection.execute(f"create schema if not exists lake.{domain}")
    for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
        types = {column["name"]: column["data_type"] for column in model["columns"]}
        typed = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"create table lake.{domain}.{model['name']} ({typed})")
        for row in ROWS.get(f"{domain}.{model['name']}", []):
            full = {name: False for name, kind in types.items() if kind == "boolean"} | dict(row)
            columns = ", ".join(f'"{name}"' for name in full)
            marks = ", ".join("?" for _ in full)
            connection.execute(
                f"insert into lake.{domain}.{model['name']} ({columns}) values ({marks})", [*full.values()]
            )
