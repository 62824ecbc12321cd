"""Audits on real catalogs: good marts pass, every check has bad data that fails it with numbers, a verdict is about one snapshot."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import zip_longest

import duckdb
import pytest
import yaml

from core.contract import read_contracts
from core.domains import domain_names
from core.errors import AuditError, UnknownNameError
from core.reference import SEEDS, Reference
from core.settings import PROJECT, Settings
from lake.connection import connect
from lake.snapshots import newest_snapshot
from lake.tables import create_tables
from lake.transaction import transaction
from quality.audit import audit, checks_of, suite_digest
from quality.marts import keys_of
from quality.suites.check import AuditFacts
from quality.suites.floor import floor
from quality.verdicts import Verdict, find_verdict, record_verdict
from stack.control import down, up
from tests.publishing import publish_candidates
from transform.build import Build

pytestmark = pytest.mark.stack

CLOCK = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)

COMMUNES_ON_A_MAP = """
    select 'commune' as place_level, commune_code as place_code, 1 as shape_number
    from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
"""
MAPS = (
    "education.schools_on_map",
    "environment.air_quality_on_map",
    "feedback.feedback_on_map",
    "fisheries.vessels_on_map",
    "health.patients_on_map",
    "public_services.dossiers_on_map",
    "water.landslide_on_map",
)
"""The marts that are drawn as maps, but for the one of each disease."""

GOOD_ROWS = {
    **dict.fromkeys(MAPS, COMMUNES_ON_A_MAP),
    "education.school_years": """
        select '2025-2026' as school_year, true as is_latest, school_code, level_code, true as is_reported, 4 as classes,
            false as has_unknown_class,
            48 as pupils, 12.0 as pupils_per_class, false as is_over_class_limit, false as is_small_cell,
            0 as dropped_out_pupils, 0.0 as dropout_percent,
            timestamptz '2026-02-27 01:00:00+00' as newest_export_at
        from read_csv('{seeds}/registered_schools.csv', types = {{'school_code': 'varchar', 'level_code': 'varchar'}})
    """,
    "education.level_years": """
        select '2025-2026' as school_year, level_code, 12 as registered_schools, 11 as reported_schools, 91.67 as coverage_percent
        from read_csv('{seeds}/education_levels.csv', types = {{'level_code': 'varchar'}})
    """,
    "education.commune_school_years": """
        select '2025-2026' as school_year, commune_code, 480 as pupils, 0.5 as pupils_change_percent
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
        order by commune_code limit 5
    """,
    "education.pupil_groups": """
        select '2025-2026' as school_year, level_code, 'ethnic_group' as group_kind, 'Kinh' as group_name, false as is_small_cell,
            400 as pupils
        from read_csv('{seeds}/education_levels.csv', types = {{'level_code': 'varchar'}})
    """,
    "education.attendance_days": """
        select school_code, date '2026-02-27' - days::integer as attendance_date, true as is_reported, 48 as enrolled_pupils,
            46 as present_pupils, 95.83 as attendance_percent, timestamptz '2026-02-27 10:00:00+00' as newest_export_at
        from read_csv('{seeds}/registered_schools.csv', types = {{'school_code': 'varchar'}}), range(5) as ages(days)
    """,
    "education.attendance_level_days": """
        select level_code, date '2026-02-27' - days::integer as attendance_date, 480 as enrolled_pupils, 460 as present_pupils,
            95.83 as attendance_percent, timestamptz '2026-02-27 10:00:00+00' as newest_export_at
        from read_csv('{seeds}/education_levels.csv', types = {{'level_code': 'varchar'}}), range(5) as ages(days)
    """,
    "health.diseases_on_map": """
        select 'A91' as disease_code, 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "environment.air_quality_hours": """
        select station_id, timestamptz '2026-03-01 05:00:00+00' - interval (hours) hour as hour_at, 40 as vn_aqi,
            'good' as band_code, 20.0 as pm2_5_ug_m3, 40.0 as pm10_ug_m3
        from read_csv('{seeds}/stations.csv'), range(1, 25) as ages(hours)
        where kind = 'air'
    """,
    "environment.air_quality_days": """
        select station_id, date '2026-02-28' as local_date, 40 as vn_aqi, 'good' as band_code
        from read_csv('{seeds}/stations.csv')
        where kind = 'air'
    """,
    "environment.air_limit_days": """
        select station_id, 'PM2.5' as parameter_code, '24h' as averaging, date '2026-02-28' as local_date, 80.0 as share_of_limit_percent
        from read_csv('{seeds}/stations.csv')
        where kind = 'air'
    """,
    "environment.station_uptime_days": """
        select station_id, date '2026-03-01' - days::integer as local_date, days = 0 as is_latest, 144 as expected_slots,
            140 as received_slots, 97.2 as data_capture_percent,
            timestamptz '2026-03-01 04:55:00+00' - interval (days) day as last_reading_at
        from read_csv('{seeds}/stations.csv'), range(2) as ages(days)
    """,
    "environment.parameter_capture_days": """
        select station_id, 'CO' as parameter_code, date '2026-03-01' - days::integer as local_date, days = 0 as is_latest,
            144 as expected_slots, 140 as received_slots, false as is_stuck
        from read_csv('{seeds}/stations.csv'), range(2) as ages(days)
    """,
    "environment.water_quality_months": """
        select station_id, 'COD' as parameter_code, date '2026-01-01' as month_date, 'B' as water_class
        from read_csv('{seeds}/stations.csv')
        where kind = 'water'
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
    "feedback.feedback_agency_months": """
        select agency_code, date '2026-03-01' as month_date, 1 as received_cases from read_csv('{seeds}/agencies.csv')
    """,
    "feedback.feedback_commune_months": """
        select commune_code, date '2026-03-01' as month_date, 1 as received_cases
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "feedback.feedback_months": "select date '2026-03-01' as month_date, 850 as received_cases",
    "fisheries.vessels_last_seen": """
        select source_code || ':' || number as vessel_key, source_code, 16.5 as latitude, 108.2 as longitude, 7.5 as speed_knots,
            90.0 as course_degrees, true as is_in_east_sea, false as is_silent_6h, true as is_registered, 'at_sea' as status_code,
            timestamptz '2026-03-01 04:00:00+00' - interval (number) minute as last_fix_at
        from range(50) as vessels(number), (values ('vms'), ('ais')) as sources(source_code)
    """,
    "fisheries.vessel_gaps": """
        select 'vms:' || number as vessel_key, timestamptz '2026-02-28 20:00:00+00' as gap_started_at,
            date '2026-03-01' as gap_started_date, 4.0 as duration_hours
        from range(20) as vessels(number)
    """,
    "fisheries.vessel_slot_days": """
        select 'vms:' || number as vessel_key, date '2026-02-28' as local_date, 12 as at_sea_slots, 11 as received_slots,
            91.7 as compliance_percent
        from range(50) as vessels(number)
    """,
    "fisheries.vessel_boundary_events": """
        select 'vms:' || number as vessel_key, 'near' as zone_code, date '2026-02-28' as started_date,
            timestamptz '2026-02-28 04:00:00+00' + interval (number) minute as started_at
        from range(20) as vessels(number)
    """,
    "fisheries.vessel_alerts": """
        select 'silent_6h' as kind_code, 'vms:' || number as subject_code, 'X' as operator_code, number < 40 as is_open,
            '6,5 giờ không có vị trí' as evidence
        from range(60) as vessels(number)
    """,
    "fisheries.fleet_vessels": """
        select number::varchar as vessel_code, 'at_sea' as status_code from range(50) as vessels(number)
    """,
    "fisheries.fleet_communes": """
        select commune_code, 10 as obliged_vessels, 9 as equipped_vessels, 90.0 as equipped_percent
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "fisheries.fleet_places": "select port_code as place_code, 'port' as place_kind, 3 as vessels from read_csv('{seeds}/ports.csv')",
    "fisheries.violation_months": """
        select commune_code, date '2026-02-01' as month_date, 'silent_6h' as kind_code, 2 as violations
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "fisheries.vessel_manual_days": """
        select 'vms:' || number as vessel_key, date '2026-02-28' as local_date, 75.0 as in_time_percent
        from range(20) as vessels(number)
    """,
    "health.disease_weeks": """
        with places as (
            select commune_code as place_code, 'commune' as place_level from read_csv('{seeds}/communes.csv')
            union all select 'province', 'province'
        )
        select 'A91' as disease_code, place_level, place_code, date '2026-02-23' - 7 * weeks::integer as week_start_date,
            place_code in ('19753', '19789') as is_small_cell, 1 as reported_places,
            case when place_level = 'province' then 390 when place_code not in ('19753', '19789') then 10 end as cases,
            case when place_level = 'province' then 0 end as deaths, 50.0 as cases_per_100k, false as is_above_threshold,
            false as is_more_deaths_than_cases, 0 as cases_4_weeks, 0 as cases_4_weeks_before, null::bigint as cluster_cases
        from places, range(5) as ages(weeks)
    """,
    "health.disease_years": """
        select 'A91' as disease_code, year as iso_year, 500 as cases, 5 as deaths, 1.0 as fatality_percent, 10.0 as cases_change_percent
        from range(2022, 2027) as years(year)
    """,
    "health.disease_case_groups": """
        select 'A91' as disease_code, date '2026-02-23' - 7 * weeks::integer as week_start_date, 'age' as group_kind, group_code,
            group_code in ('under_5', 'from_5') as is_small_cell, case when group_code not in ('under_5', 'from_5') then 10 end as cases,
            25 as reported_cases
        from (values ('under_5'), ('from_5'), ('from_15'), ('from_50')) as groups (group_code), range(5) as ages(weeks)
    """,
    "health.disease_completeness": """
        select commune_code as place_code, 2026 as iso_year, 95.0 as completeness_percent
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "health.disease_reporting": """
        select 'A91' as disease_code, date '2026-02-23' - 7 * weeks::integer as week_start_date, 20 as reported_cases,
            18 as on_time_from_onset_cases, 90.0 as on_time_from_onset_percent, 12.0 as median_hours_from_onset,
            timestamptz '2026-03-01 04:00:00+00' - interval (7 * weeks) day as last_reported_at
        from range(5) as ages(weeks)
    """,
    "health.disease_history": """
        select 'A91' as disease_code, 'province' as place_level, 'HUE' as place_name, 's' as series_code, 'month' as period_kind,
            make_date(2024, months::integer, 1) as period_start_date, 10 as cases_of_month, null as cases_of_year
        from range(1, 13) as numbers(months)
        union all select 'A91', 'province', 'HUE', 's', 'year', date '2024-01-01', null, 120
    """,
    "health.facility_days": """
        select facility_code, facility_name, commune_code, beds, date '2026-03-01' - days::integer as local_date, days = 0 as is_latest,
            40 as visits, 4 as admissions, 5 as discharges,
            case when beds > 0 then case when days = 3 then 110.0 else 70.0 end end as bed_occupancy_percent,
            case when beds > 0 then case when days = 3 then 'red' else 'green' end end as bed_occupancy_level
        from read_csv('{seeds}/facilities.csv', types = {{'facility_code': 'varchar', 'commune_code': 'varchar'}}), range(31) as ages(days)
    """,
    "health.stay_months": """
        with places as (
            select facility_code as place_code, 'facility' as place_level
            from read_csv('{seeds}/facilities.csv', types = {{'facility_code': 'varchar'}})
            union all select 'province', 'province'
        )
        select place_level, place_code, make_date(2026, months::integer, 1) as month_date, 20 as discharges, 20 as counted_stays,
            4.0 as mean_stay_days, 0 as transfers_out, case when months = 3 then 0 end as deaths, 0 as dying_discharges
        from places, range(1, 4) as numbers(months)
    """,
    "health.insurance_spend_months": """
        select facility_code, facility_name, make_date(2026, months::integer, 1) as month_date, months = 3 as is_latest, 100 as claims,
            insurance_ceiling_vnd / 20 as spent_vnd, months * insurance_ceiling_vnd / 20 as spent_in_year_vnd,
            insurance_ceiling_vnd as ceiling_vnd, 5.0 * months as spent_in_year_percent, 60.0 as pace_percent,
            100 as priced_claims, 2000000.0 as total_vnd, 500000.0 as medicine_vnd, 25.0 as medicine_percent,
            'green' as spend_level
        from read_csv('{seeds}/facilities.csv', types = {{'facility_code': 'varchar'}}), range(1, 4) as numbers(months)
    """,
    "health.icd10_months": """
        select make_date(2026, months::integer, 1) as month_date, icd10_code, label_vi as icd10_label, chapter_code,
            icd10_code in ('A15', 'B20') as is_hidden, case when not is_hidden then 12 end as visits,
            case when not is_hidden then 10 end as patients, months = 3 as is_latest
        from read_csv('{seeds}/icd10.csv'), range(1, 4) as numbers(months)
    """,
    "health.patient_commune_months": """
        with places as (
            select commune_code from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
            union all select unnest(['outside', 'unknown'])
        )
        select commune_code, make_date(2026, months::integer, 1) as month_date, months = 3 as is_latest, care_kind,
            commune_code in ('19753', 'unknown') as is_small_cell, case when not is_small_cell then 12 end as visits,
            case when not is_small_cell then 10 end as patients
        from places, range(1, 4) as numbers(months), (values ('outpatient'), ('inpatient')) as kinds(care_kind)
    """,
    "health.check_in_hours": """
        select facility_code, facility_name, timestamptz '2026-03-01 05:00:00+00' - interval (hours) hour as hour_at, 6 as check_ins,
            15 as waiting, hours = 1 as is_latest, timestamptz '2026-03-01 04:00:00+00' as newest_check_in_at
        from read_csv('{seeds}/facilities.csv', types = {{'facility_code': 'varchar'}}), range(1, 25) as ages(hours)
    """,
    "public_services.dossiers": """
        select 'HS-' || number as dossier_id, 'Đất đai' as field_name, 'Thủ tục' as procedure_name, 'UBND phường Phú Xuân' as agency_name,
            'Công dân' as applicant_kind, '000.00.01.H57' as receiving_agency_code, 'UBND phường Phú Xuân' as receiving_agency_name,
            number % 20 = 0 as is_overdue, case when number % 20 <> 0 then true end as is_on_time, 0 as working_days_late,
            50000.0 as fee_amount, timestamptz '2026-03-01 04:30:00+00' - interval (number) minute as last_changed_at
        from range(100) as dossiers(number)
    """,
    "public_services.dossier_agency_months": """
        select agency_code, date '2026-03-01' - to_months(months::integer) as month_date, 10 as received
        from read_csv('{seeds}/agencies.csv'), range(4) as ages(months)
    """,
    "public_services.dossier_procedure_months": """
        select procedure_code, date '2026-03-01' as month_date, 3 as received
        from read_csv('{seeds}/procedures.csv', types = {{'procedure_code': 'varchar'}})
    """,
    "hotline.hotline_days": """
        select date '2026-03-01' as local_date, true as is_latest, 400 as total_calls,
            timestamptz '2026-03-01 04:30:00+00' as newest_call_at
    """,
    "hotline.hotline_hours": "select timestamptz '2026-03-01 04:00:00+00' as hour_at, 40 as total_calls",
    "warnings.active_warnings": """
        select 'cháy rừng' as event_key, commune_code as area_key, 'Cháy rừng' as event, commune_name as area_name, commune_code,
            'ma_dvhc' as placed_by_code, 3 as risk_level, 'Cấp 3' as risk_label, false as is_updated, false as is_expiry_assumed,
            timestamptz '2026-03-01 04:00:00+00' as sent_at, timestamptz '2026-03-01 04:00:00+00' as effective_at,
            timestamptz '2026-03-01 20:00:00+00' as expires_at, 1.0 as age_hours, 0 as other_messages
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "warnings.warning_days": """
        select date '2026-03-01' as local_date, true as is_latest, 5 as issued, 2 as updated, 1 as cancelled, 3 as expired,
            4 as leads_known, 2.5 as median_lead_hours, timestamptz '2026-03-01 04:00:00+00' as newest_message_at
    """,
    "public_services.satisfaction_agency_months": """
        select agency_code, date '2026-03-01' as month_date, 8 as rated_dossiers, 6 as satisfied_dossiers, false as is_small_cell,
            timestamptz '2026-03-01 04:30:00+00' as newest_rating_at
        from read_csv('{seeds}/agencies.csv')
    """,
    "public_services.dossier_months": "select date '2026-03-01' as month_date, 850 as received",
    "public_services.decision_766_scores": """
        select agency_code, component_code, group_code, case when no_source_reason is null then 5 end as denominator,
            case when no_source_reason is null then max_points / 2 end as score_points
        from read_csv('{seeds}/agencies.csv') as agencies, read_csv('{seeds}/decision_766_targets.csv') as targets
    """,
    "quality.feed_scores": """
        select feed, 95.0 as score, 'green' as level, 100.0 as identifier_percent, 5.0 as age_minutes, freshness_limit_minutes
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.feed_score_days": """
        select feed, date '2026-02-27' + day::integer as local_date, 95.0 as score, 'green' as level
        from read_csv('{seeds}/feeds.csv'), range(2) as days (day)
    """,
    "quality.object_score_days": """
        select feed, feed as object_id, date '2026-02-28' as local_date, 'green' as level from read_csv('{seeds}/feeds.csv')
    """,
    "quality.column_score_days": """
        select feed, 'id_required' as rule, date '2026-02-28' as local_date, true as is_identifier, 100.0 as percent
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.agency_league_months": """
        select distinct owner, date '2026-02-01' as month_date, 1 as league_rank from read_csv('{seeds}/feeds.csv')
    """,
    "quality.database_score_days": """
        select distinct domain, date '2026-02-28' as local_date, 95.0 as score, 'green' as level from read_csv('{seeds}/feeds.csv')
    """,
    "quality.incident_months": """
        select feed, date '2026-02-01' as month_date, 10 as records, 100.0 as closed_in_15_days_percent from read_csv('{seeds}/feeds.csv')
    """,
    "quality.object_coverage_days": """
        select feed, date '2026-02-28' as local_date, true as is_latest, 100.0 as coverage_percent from read_csv('{seeds}/feeds.csv')
    """,
    "quality.repeat_offenders": """
        select feed, 'a' as object_id, 1 as red_days, false as is_repeat from read_csv('{seeds}/feeds.csv')
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
    "quality.slot_days": """
        select feed, feed as object_id, date '2026-02-28' as local_date, 288 as expected_slots, 280 as received_slots, 8 as missing_slots,
            true as is_closed
        from read_csv('{seeds}/feeds.csv')
    """,
    "forest.fire_danger_days": """
        select commune_code, date '2026-03-01' - days::integer as local_date, days = 0 as is_latest, 1 as level_number,
            timestamptz '2026-02-28 17:00:00+00' - interval (days) day as observed_at
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}}), range(2) as ages(days)
    """,
    "forest.fire_hotspots": """
        select 16.0 + number / 100 as latitude, 107.5 as longitude, timestamptz '2026-03-01 03:00:00+00' as acquired_at, 'N' as satellite
        from range(10) as spots(number)
    """,
    "forest.fire_danger_on_map": """
        select 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "warnings.warnings_on_map": """
        select 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "security.incident_days": """
        select date '2026-03-01' as local_date, true as is_latest, 40 as incidents, timestamptz '2026-03-01 04:30:00+00' as newest_update_at
    """,
    "security.incident_kind_months": """
        select kind_code, date '2026-03-01' as month_date, true as is_latest, false as is_small_cell, 9 as incidents
        from read_csv('{seeds}/incident_kinds.csv')
    """,
    "security.incident_commune_months": """
        select commune_code, kind_code, date '2026-03-01' as month_date, true as is_latest, false as is_small_cell, 5 as incidents
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}}), read_csv('{seeds}/incident_kinds.csv')
    """,
    "security.incidents_on_map": """
        select 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "traffic.traffic_hours": """
        select section_code, timestamptz '2026-03-01 04:00:00+00' as hour_at, date '2026-03-01' as local_date, 11 as local_hour,
            12 as known_slots, 100 as vehicles, 60 as pcu, 12 as judged_slots, 0 as congestion_minutes,
            timestamptz '2026-03-01 04:30:00+00' as newest_slot_at
        from read_csv('{seeds}/road_sections.csv')
    """,
    "traffic.traffic_days": """
        select section_code, date '2026-03-01' as local_date, true as is_latest, 132 as expected_slots, 132 as known_slots,
            132 as judged_slots, timestamptz '2026-03-01 04:30:00+00' as newest_slot_at
        from read_csv('{seeds}/road_sections.csv')
    """,
    "traffic.traffic_on_map": """
        select 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "traffic.accident_months": """
        select date '2026-03-01' as month_date, true as is_latest, date '2026-03-01' as last_date, 2 as accidents, 1 as deaths,
            1 as injured, timestamptz '2026-03-01 04:30:00+00' as newest_update_at
    """,
    "traffic.accident_groups": """
        select date '2026-03-01' as month_date, true as is_latest, '19753' as commune_code, 'toc_do' as cause_code,
            'Tốc độ' as cause_name, 2 as accidents, timestamptz '2026-03-01 04:30:00+00' as newest_update_at
    """,
    "traffic.road_closures": """
        select 'S1' as situation_id, timestamptz '2026-03-01 04:30:00+00' as version_at,
            timestamptz '2026-03-08 04:30:00+00' as current_until_at, 'roadClosed' as management_code, 'Cấm đường' as management_name,
            true as is_closed, 'Sạt lở' as cause_name, false as is_suspended,
            timestamptz '2026-03-01 04:00:00+00' as starts_at, 'Chưa nêu' as way_round
    """,
    "press.press_articles": """
        select 'https://a.example/' || number as article_url, 'Tin ' || number as title, 'a.example' as source,
            timestamptz '2026-03-01 04:30:00+00' - interval (number) minute as changed_at, false as is_repetition
        from range(20) as articles(number)
    """,
    "press.press_days": "select date '2026-03-01' as local_date, true as is_latest, 20 as articles, 20 as stories, 1 as sources",
    "press.press_topic_days": "select 'fire' as topic_code, date '2026-03-01' as local_date, true as is_latest, 2 as articles",
    "press.press_commune_days": "select '19753' as commune_code, date '2026-03-01' as local_date, 2 as articles, 2 as stories",
    "press.press_on_map": """
        select 'commune' as place_level, commune_code as place_code, 1 as shape_number
        from read_csv('{seeds}/communes.csv', types = {{'commune_code': 'varchar'}})
    """,
    "cyber.alert_days": """
        select date '2026-03-01' as local_date, 'none' as agency_code, severity_level, 5 as alerts
        from (select distinct severity_level from read_csv('{seeds}/alert_severities.csv'))
    """,
    "cyber.open_critical_alerts": "select 'ids' as source_id, 'a1' as alert_id, 2.0 as open_hours, false as is_overdue",
    "cyber.log_source_states": """
        select source_id, timestamptz '2026-03-01 04:30:00+00' as last_heard_at, false as is_silent from read_csv('{seeds}/log_sources.csv')
    """,
    "cyber.alert_agencies": "select distinct agency_code, 5 as alerts from read_csv('{seeds}/log_sources.csv')",
    "cyber.threat_indicators": """
        select 'indicator--' || number as indicator_id, timestamptz '2026-03-01 04:00:00+00' as modified_at, true as is_in_force
        from range(9) as indicators(number)
    """,
    "water.rain_hours": """
        select station_id, timestamptz '2026-03-01 04:00:00+00' as hour_end_at, date '2026-03-01' as local_date, true as is_latest,
            12.5 as rain_24h_mm
        from read_csv('{seeds}/rain_stations.csv')
    """,
    "water.reservoir_levels": """
        select reservoir_id, timestamptz '2026-03-01 04:30:00+00' as measured_at, true as is_latest, 40.5 as upstream_level_m
        from read_csv('{seeds}/reservoirs.csv')
    """,
    "water.slope_movements": """
        select sensor_id, timestamptz '2026-03-01 04:30:00+00' as measured_at, 1.5 as value
        from read_csv('{seeds}/landslide_sensors.csv')
    """,
    "water.landslide_risks": """
        select commune_code, 0 as risk_level, 0 as sensors, 0 as known_sensors
        from read_csv('{seeds}/landslide_zones.csv', types = {{'commune_code': 'varchar'}})
    """,
    "water.landslide_road_segments": """
        select segment_id, false as is_to_close from read_csv('{seeds}/landslide_roads.csv')
    """,
    "quality.missing_slots": """
        select feed, feed as object_id, timestamptz '2026-02-27 00:00:00+00' as slot_start_at, true as is_refetchable, 53.0 as age_hours,
            1 as recapture_attempts
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.suspicious_deliveries": """
        select feed, 'small' as kind, 'd1' as delivery_id
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.quarantine_ages": """
        select feed, 'not_from_the_future' as reason, 'review_due' as stage
        from read_csv('{seeds}/feeds.csv')
    """,
    "quality.schema_drift": """
        select feed, 'ghi_chu' as column_name, 'added' as kind, 0 as stopped_deliveries,
            timestamptz '2026-03-01 00:00:00+00' as last_seen_at
        from read_csv('{seeds}/feeds.csv')
    """,
} | {
    f"{domain}.{domain}_headlines": f"""
        select headline_id, domain from read_csv('{{seeds}}/headlines.csv') where domain = '{domain}'
    """
    for domain in domain_names()
}
"""Rows of a usual day, by mart; columns that no check looks at stay empty."""


@dataclass(frozen=True)
class Damage:
    """A change of one mart, and all checks that then fail: what each says, and what it observes."""

    mart: str
    statement: str
    failures: dict[str, str]


AIR_STATIONS = [f"46_KK{number:02}" for number in range(1, 15)]
STATIONS = [*AIR_STATIONS, *[f"46_NM{number:02}" for number in range(1, 7)]]
FEEDS = list(read_contracts())
OWNERS = sorted({contract.owner for contract in read_contracts().values()})
DATABASES = sorted({contract.domain for contract in read_contracts().values()})
FACILITIES = sorted(map(str, Reference().values_of("facilities.facility_code")))
COMMUNES = sorted(map(str, Reference().values_of("communes.commune_code")))
PLACES = [*COMMUNES, "province"]


def missing(objects: list[str]) -> str:
    """Write what a coverage check observes: all objects counted, the first twenty named."""
    return f"{len(objects)} missing: {', '.join(objects[:20])}{', …' if len(objects) > 20 else ''}"


SCHOOLS = sorted(map(str, Reference().values_of("registered_schools.school_code")))

DAMAGES = [
    Damage(
        "education.school_years",
        "delete from {mart}",
        {
            "school_years has rows": "0 rows",
            "school_years did not shrink": "0 rows",
            "school_code covers its reference list": missing(SCHOOLS),
            "education.students is live": "nothing",
        },
    ),
    Damage(
        "education.school_years",
        "update {mart} set pupils = null where level_code <> '02'",
        {"pupils is filled": "40 of 60 rows failing"},
    ),
    Damage(
        "education.school_years",
        "update {mart} set has_unknown_class = true, is_over_class_limit = true where level_code = '04'",
        {
            "has_unknown_class is usual": "10 of 60 rows failing",
            "is_over_class_limit is usual": "10 of 60 rows failing",
        },
    ),
    Damage(
        "education.school_years",
        "update {mart} set pupils_per_class = 61, dropout_percent = 26 where level_code = '04'",
        {
            "pupils_per_class is in its usual range": "10 of 60 rows failing",
            "dropout_percent is in its usual range": "10 of 60 rows failing",
        },
    ),
    Damage(
        "education.level_years",
        "delete from {mart}",
        {"level_years has rows": "0 rows", "level_years did not shrink": "0 rows"},
    ),
    Damage(
        "education.level_years",
        "update {mart} set coverage_percent = 79 where level_code = '04'",
        {"four of five schools of every level reported": "1 row"},
    ),
    Damage(
        "education.commune_school_years",
        "delete from {mart}",
        {"commune_school_years has rows": "0 rows", "commune_school_years did not shrink": "0 rows"},
    ),
    Damage(
        "education.commune_school_years",
        "update {mart} set pupils_change_percent = -31 where commune_code = (select min(commune_code) from {mart})",
        {"pupils_change_percent is in its usual range": "1 of 5 rows failing"},
    ),
    Damage(
        "education.pupil_groups",
        "update {mart} set group_name = '4626000017' where level_code = '04'",
        {"no number of a pupil is shown": "1 row"},
    ),
    Damage(
        "education.pupil_groups",
        "update {mart} set pupils = 4 where level_code = '04'",
        {"pupils is in range": "1 of 5 rows failing"},
    ),
    Damage(
        "education.attendance_days",
        "delete from {mart}",
        {
            "attendance_days has rows": "0 rows",
            "attendance_days did not shrink": "0 rows",
            "school_code covers its reference list": missing(SCHOOLS),
            "education.attendance is live": "nothing",
        },
    ),
    Damage(
        "education.attendance_days",
        "update {mart} set enrolled_pupils = null where attendance_date < date '2026-02-25'",
        {"enrolled_pupils is filled": "120 of 300 rows failing"},
    ),
    Damage(
        "education.attendance_days",
        "update {mart} set attendance_percent = 79 where attendance_date < date '2026-02-25'",
        {"attendance_percent is in its usual range": "120 of 300 rows failing"},
    ),
    Damage("education.attendance_level_days", "delete from {mart}", {"attendance_level_days has rows": "0 rows"}),
    Damage(
        "education.attendance_level_days",
        "update {mart} set attendance_percent = 79 where level_code = '04'",
        {"attendance_percent is in its usual range": "5 of 25 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "delete from {mart}",
        {
            "air_quality_hours has rows": "0 rows",
            "air_quality_hours did not shrink": "0 rows",
            "station_id covers its reference list": missing(AIR_STATIONS),
        },
    ),
    Damage(
        "environment.air_quality_hours",
        "delete from {mart} where hour_at < timestamptz '2026-02-28 12:00:00+00'",
        {"air_quality_hours did not shrink": "238 rows"},
    ),
    Damage(
        "environment.air_quality_hours",
        "delete from {mart} where station_id = '46_KK01'",
        {"station_id covers its reference list": "1 missing: 46_KK01"},
    ),
    Damage(
        "environment.air_quality_hours",
        "delete from {mart} where station_id = '46_KK01' and hour(hour_at) between 12 and 16",
        {"each station has 80 % of its hours": "1 row"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set vn_aqi = 501 where hour_at = timestamptz '2026-03-01 01:00:00+00'",
        {"vn_aqi is in range": "14 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set vn_aqi = 301 where station_id <= '46_KK02'",
        {"vn_aqi is in its usual range": "48 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set vn_aqi = null where station_id <= '46_KK08'",
        {"vn_aqi is filled": "192 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set band_code = 'awful' where station_id = '46_KK03'",
        {"band_code is known": "24 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set band_code = 'hazardous' where station_id <= '46_KK03'",
        {"band_code is usual": "72 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set pm2_5_ug_m3 = 500.5 where station_id = '46_KK04'",
        {"pm2_5_ug_m3 is in its usual range": "24 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_hours",
        "update {mart} set pm10_ug_m3 = -1 where station_id = '46_KK04'",
        {"pm10_ug_m3 is in its usual range": "24 of 336 rows failing"},
    ),
    Damage(
        "environment.air_quality_days",
        "delete from {mart} where station_id > '46_KK02'",
        {"air_quality_days did not shrink": "2 rows"},
    ),
    Damage(
        "environment.air_quality_days",
        "update {mart} set vn_aqi = 501 where station_id = '46_KK01'",
        {"vn_aqi is in range": "1 of 14 rows failing"},
    ),
    Damage(
        "environment.air_quality_days",
        "update {mart} set vn_aqi = null where station_id <= '46_KK08'",
        {"vn_aqi is filled": "8 of 14 rows failing"},
    ),
    Damage(
        "environment.air_quality_days",
        "update {mart} set band_code = 'awful' where station_id = '46_KK03'",
        {"band_code is known": "1 of 14 rows failing"},
    ),
    Damage(
        "environment.air_limit_days",
        "delete from {mart} where station_id > '46_KK02'",
        {"air_limit_days did not shrink": "2 rows"},
    ),
    Damage(
        "environment.air_limit_days",
        "update {mart} set share_of_limit_percent = 501 where station_id = '46_KK01'",
        {"share_of_limit_percent is in its usual range": "1 of 14 rows failing"},
    ),
    Damage(
        "environment.station_uptime_days",
        "delete from {mart}",
        {
            "station_uptime_days has rows": "0 rows",
            "station_uptime_days did not shrink": "0 rows",
            "station_id covers its reference list": missing(STATIONS),
            "mean data_capture_percent is usual": "nothing",
            "environment.station_readings is live": "nothing",
        },
    ),
    Damage(
        "environment.station_uptime_days",
        "delete from {mart} where local_date < date '2026-03-01'",
        {"station_uptime_days did not shrink": "20 rows"},
    ),
    Damage(
        "environment.station_uptime_days",
        "delete from {mart} where station_id = '46_KK05'",
        {"station_id covers its reference list": "1 missing: 46_KK05"},
    ),
    Damage(
        "environment.station_uptime_days",
        "update {mart} set data_capture_percent = 74",
        {"mean data_capture_percent is usual": "74"},
    ),
    Damage(
        "environment.station_uptime_days",
        "update {mart} set received_slots = 0 where station_id <= '46_KK03'",
        {"every station sent something on the newest day": "3 rows"},
    ),
    Damage(
        "environment.station_uptime_days",
        "update {mart} set last_reading_at = last_reading_at - interval 1 hour",
        {"environment.station_readings is live": "2026-03-01T03:55:00+00:00"},
    ),
    Damage(
        "environment.parameter_capture_days",
        "delete from {mart}",
        {
            "parameter_capture_days has rows": "0 rows",
            "parameter_capture_days did not shrink": "0 rows",
            "station_id covers its reference list": missing(STATIONS),
        },
    ),
    Damage(
        "environment.parameter_capture_days",
        "delete from {mart} where local_date < date '2026-03-01'",
        {"parameter_capture_days did not shrink": "20 rows"},
    ),
    Damage(
        "environment.parameter_capture_days",
        "update {mart} set is_stuck = true where station_id <= '46_KK02'",
        {"no sensor repeats one value on the newest day": "2 rows"},
    ),
    Damage(
        "environment.water_quality_months",
        "delete from {mart} where station_id > '46_NM02'",
        {"water_quality_months did not shrink": "2 rows"},
    ),
    Damage(
        "environment.water_quality_months",
        "update {mart} set water_class = 'D' where station_id = '46_NM01'",
        {"water_class is usual": "1 of 6 rows failing"},
    ),
    Damage(
        "environment.river_levels",
        "delete from {mart}",
        {
            "river_levels has rows": "0 rows",
            "river_levels did not shrink": "0 rows",
            "gauge_id covers its reference list": missing(["46_TV01", "46_TV02", "46_TV03"]),
            "environment.river_levels is live": "nothing",
        },
    ),
    Damage(
        "environment.river_levels",
        "update {mart} set gauge_id = '46_TV02' where gauge_id = '46_TV03'",
        {"gauge_id covers its reference list": "1 missing: 46_TV03", "every key is unique": "8 rows"},
    ),
    Damage(
        "environment.river_levels",
        "update {mart} set level_m = 150 where gauge_id = '46_TV02'",
        {"level_m is in its usual range": "8 of 24 rows failing"},
    ),
    Damage(
        "environment.river_levels",
        "update {mart} set level_m = 5 where measured_at >= timestamptz '2026-03-01 04:00:00+00'",
        {"no level jumps by 3 m within an hour": "3 rows"},
    ),
    Damage(
        "environment.river_levels",
        "update {mart} set measured_at = measured_at + interval 1 hour",
        {"environment.river_levels is live": "2026-03-01T05:45:00+00:00"},
    ),
    Damage(
        "feedback.feedback_cases",
        "delete from {mart}",
        {
            "feedback_cases has rows": "0 rows",
            "feedback_cases did not shrink": "0 rows",
            "feedback.requests is live": "nothing",
        },
    ),
    Damage(
        "feedback.feedback_cases",
        "delete from {mart} where last_changed_at < timestamptz '2026-03-01 03:12:00+00'",
        {"feedback_cases did not shrink": "79 rows"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set channel_code = '0912 345 678' where service_request_id = 'PA-7'",
        {"no phone number or mail address is shown": "1 row"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set service_name = 'hoi@example.vn' where service_request_id in ('PA-8', 'PA-9')",
        {"no phone number or mail address is shown": "2 rows"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set latitude = longitude, longitude = latitude",
        {
            "latitude is in its usual range": "100 of 100 rows failing",
            "longitude is in its usual range": "100 of 100 rows failing",
        },
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set latitude = null, commune_code = null where not is_overdue",
        {"latitude is filled": "90 of 100 rows failing", "commune_code is filled": "90 of 100 rows failing"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set service_code = 'unknown'",
        {"service_code is usual": "100 of 100 rows failing"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set is_overdue = true",
        {"is_overdue is usual": "100 of 100 rows failing"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set hours_to_close = -1 where is_overdue",
        {"hours_to_close is in its usual range": "10 of 100 rows failing"},
    ),
    Damage(
        "feedback.feedback_cases",
        "update {mart} set last_changed_at = last_changed_at - interval 4 hour",
        {"feedback.requests is live": "2026-03-01T00:30:00+00:00"},
    ),
    Damage(
        "feedback.feedback_agency_days",
        "delete from {mart}",
        {
            "feedback_agency_days has rows": "0 rows",
            "feedback_agency_days did not shrink": "0 rows",
            "agency_code covers its reference list": missing([f"000.00.{number:02}.H57" for number in range(1, 86)]),
        },
    ),
    Damage(
        "feedback.feedback_agency_days",
        "delete from {mart} where local_date < date '2026-02-23'",
        {"feedback_agency_days did not shrink": "595 rows"},
    ),
    Damage(
        "feedback.feedback_agency_days",
        "delete from {mart} where agency_code = '000.00.02.H57'",
        {"agency_code covers its reference list": "1 missing: 000.00.02.H57"},
    ),
    Damage(
        "feedback.feedback_agency_days",
        "update {mart} set received_cases = 0 where local_date = date '2026-02-28'",
        {"no day's intake is a fifth or five times its week's": "1 row"},
    ),
    Damage(
        "feedback.feedback_agency_days",
        "update {mart} set received_cases = 6 where local_date >= date '2026-02-27'",
        {"no day's intake is a fifth or five times its week's": "1 row"},
    ),
    Damage(
        "feedback.feedback_agency_months",
        "delete from {mart} where agency_code = '000.00.02.H57'",
        {"agency_code covers its reference list": "1 missing: 000.00.02.H57"},
    ),
    Damage(
        "feedback.feedback_commune_months",
        "delete from {mart} where commune_code = '19753'",
        {"commune_code covers its reference list": "1 missing: 19753"},
    ),
    Damage("feedback.feedback_months", "delete from {mart}", {"feedback_months has rows": "0 rows"}),
    Damage(
        "public_services.dossier_procedure_months",
        "delete from {mart} where procedure_code = '9.900004'",
        {"procedure_code covers its reference list": "1 missing: 9.900004"},
    ),
    Damage("public_services.dossier_months", "delete from {mart}", {"dossier_months has rows": "0 rows"}),
    Damage(
        "public_services.satisfaction_agency_months",
        "update {mart} set newest_rating_at = newest_rating_at - interval 9 day",
        {"public_services.ratings is live": "2026-02-20T04:30:00+00:00"},
    ),
    Damage(
        "public_services.dossiers",
        "delete from {mart}",
        {
            "dossiers has rows": "0 rows",
            "dossiers did not shrink": "0 rows",
            "public_services.dossiers is live": "nothing",
        },
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set applicant_kind = 'Nguyễn Giả Định 046099000001' where dossier_id = 'HS-1'",
        {"no number or mail address of an applicant is shown": "1 row"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set working_days_late = 3 where dossier_id = 'HS-1'",
        {"nothing is late and in time at once, or neither": "1 row"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set is_on_time = false where dossier_id = 'HS-1'",
        {"nothing is late and in time at once, or neither": "1 row"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set applicant_kind = 'Khác' where dossier_id < 'HS-2'",
        {"applicant_kind is usual": "12 of 100 rows failing"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set is_overdue = true, is_on_time = null where dossier_id < 'HS-2'",
        {"is_overdue is usual": "16 of 100 rows failing"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set working_days_late = 61, is_on_time = null where dossier_id in ('HS-1', 'HS-2')",
        {"working_days_late is in its usual range": "2 of 100 rows failing"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set fee_amount = 60000000 where dossier_id in ('HS-1', 'HS-2')",
        {"fee_amount is in its usual range": "2 of 100 rows failing"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set receiving_agency_code = null where dossier_id >= 'HS-7'",
        {"receiving_agency_code is filled": "33 of 100 rows failing"},
    ),
    Damage(
        "public_services.dossiers",
        "update {mart} set last_changed_at = last_changed_at - interval 2 day",
        {"public_services.dossiers is live": "2026-02-27T04:30:00+00:00"},
    ),
    Damage(
        "public_services.dossier_agency_months",
        "delete from {mart}",
        {
            "dossier_agency_months has rows": "0 rows",
            "dossier_agency_months did not shrink": "0 rows",
            "agency_code covers its reference list": missing([f"000.00.{number:02}.H57" for number in range(1, 86)]),
        },
    ),
    Damage(
        "public_services.dossier_agency_months",
        "delete from {mart} where month_date = date '2026-03-01'",
        {"dossier_agency_months did not shrink": "255 rows"},
    ),
    Damage(
        "public_services.dossier_agency_months",
        "delete from {mart} where agency_code = '000.00.02.H57'",
        {"agency_code covers its reference list": "1 missing: 000.00.02.H57"},
    ),
    Damage(
        "public_services.dossier_agency_months",
        "update {mart} set received = 3 where month_date = date '2026-02-01'",
        {"no month's intake is a third or three times the one before": "1 row"},
    ),
    Damage(
        "public_services.decision_766_scores",
        "delete from {mart}",
        {
            "decision_766_scores has rows": "0 rows",
            "decision_766_scores did not shrink": "0 rows",
            "agency_code covers its reference list": missing([f"000.00.{number:02}.H57" for number in range(1, 86)]),
            "component_code covers its reference list": missing(
                sorted(
                    (
                        "components_digitised",
                        "components_reused",
                        "on_time",
                        "online_dossiers",
                        "online_payments",
                        "procedures_updated_on_time",
                        "results_digitised",
                        "satisfaction_other",
                        "satisfaction_rate",
                        "transparency_other",
                    )
                )
            ),
        },
    ),
    Damage(
        "public_services.decision_766_scores",
        "update {mart} set score_points = 6 where component_code = 'satisfaction_other'",
        {"no points are given for what is unknown": "85 rows"},
    ),
    Damage(
        "public_services.decision_766_scores",
        "update {mart} set denominator = 0 where component_code = 'on_time'",
        {"no points are given for what is unknown": "85 rows"},
    ),
    Damage(
        "public_services.decision_766_scores",
        "update {mart} set score_points = 21 where component_code = 'on_time' and agency_code = '000.00.02.H57'",
        {"score_points is in range": "1 of 850 rows failing"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "delete from {mart}",
        {
            "vessels_last_seen has rows": "0 rows",
            "vessels_last_seen did not shrink": "0 rows",
            "source_code covers its reference list": missing(["ais", "vms"]),
            "fisheries.vms_positions is live": "nothing",
            "fisheries.ais_messages is live": "nothing",
        },
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "delete from {mart} where last_fix_at < timestamptz '2026-03-01 03:22:00+00'",
        {"vessels_last_seen did not shrink": "78 rows"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set source_code = 'ais'",
        {
            "source_code covers its reference list": "1 missing: vms",
            "fisheries.vms_positions is live": "nothing",
        },
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set latitude = 91, longitude = 181, course_degrees = 511 where vessel_key = 'ais:3'",
        {
            "latitude is in range": "1 of 100 rows failing",
            "longitude is in range": "1 of 100 rows failing",
            "course_degrees is in range": "1 of 100 rows failing",
        },
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set speed_knots = 102.3 where vessel_key in ('ais:3', 'ais:4')",
        {
            "speed_knots is in range": "2 of 100 rows failing",
            "speed_knots is in its usual range": "2 of 100 rows failing",
        },
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set is_in_east_sea = false where source_code = 'ais'",
        {"is_in_east_sea is usual": "50 of 100 rows failing"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set is_silent_6h = true where vessel_key <> 'ais:3'",
        {"is_silent_6h is usual": "99 of 100 rows failing"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set last_fix_at = last_fix_at - interval 6 hour",
        {
            "fisheries.vms_positions is live": "2026-02-28T22:00:00+00:00",
            "fisheries.ais_messages is live": "2026-02-28T22:00:00+00:00",
        },
    ),
    Damage(
        "fisheries.vessel_gaps",
        "update {mart} set duration_hours = -2 where vessel_key = 'vms:1'",
        {
            "duration_hours is in range": "1 of 20 rows failing",
            "duration_hours is in its usual range": "1 of 20 rows failing",
        },
    ),
    Damage(
        "fisheries.vessel_gaps",
        "update {mart} set duration_hours = 721 where vessel_key = 'vms:1'",
        {"duration_hours is in its usual range": "1 of 20 rows failing"},
    ),
    Damage(
        "fisheries.vessel_gaps",
        "update {mart} set vessel_key = 'vms:1'",
        {"no vessel has more than 12 silences a day": "1 row", "every key is unique": "1 row"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set is_registered = false where source_code = 'ais'",
        {"is_registered is usual": "50 of 100 rows failing"},
    ),
    Damage(
        "fisheries.vessels_last_seen",
        "update {mart} set status_code = 'unknown' where vessel_key <> 'ais:3'",
        {"status_code is usual": "99 of 100 rows failing"},
    ),
    Damage(
        "fisheries.vessel_slot_days",
        "delete from {mart}",
        {
            "vessel_slot_days has rows": "0 rows",
            "vessel_slot_days did not shrink": "0 rows",
            "mean compliance_percent is usual": "nothing",
        },
    ),
    Damage(
        "fisheries.vessel_slot_days",
        "update {mart} set at_sea_slots = 13, compliance_percent = 101 where vessel_key = 'vms:1'",
        {
            "at_sea_slots is in range": "1 of 50 rows failing",
            "compliance_percent is in range": "1 of 50 rows failing",
        },
    ),
    Damage(
        "fisheries.vessel_slot_days",
        "update {mart} set compliance_percent = 49",
        {"mean compliance_percent is usual": "49"},
    ),
    Damage(
        "fisheries.vessel_boundary_events",
        "update {mart} set zone_code = 'beyond' where vessel_key = 'vms:1'",
        {"zone_code is known": "1 of 20 rows failing"},
    ),
    Damage(
        "fisheries.vessel_boundary_events",
        "update {mart} set vessel_key = 'vms:1'",
        {"no vessel changes its zone more than 6 times a day": "1 row", "every key is unique": "1 row"},
    ),
    Damage(
        "fisheries.vessel_alerts",
        "update {mart} set kind_code = 'mutiny', evidence = null where subject_code = 'vms:1'",
        {"kind_code is known": "1 of 60 rows failing", "evidence is filled": "1 of 60 rows failing"},
    ),
    Damage(
        "fisheries.vessel_alerts",
        "update {mart} set is_open = true",
        {"no operator has more than 50 open silences": "1 row"},
    ),
    Damage(
        "fisheries.fleet_vessels",
        "delete from {mart}",
        {"fleet_vessels has rows": "0 rows", "fleet_vessels did not shrink": "0 rows"},
    ),
    Damage(
        "fisheries.fleet_places",
        "delete from {mart}",
        {"fleet_places has rows": "0 rows", "fleet_places did not shrink": "0 rows"},
    ),
    Damage(
        "fisheries.fleet_communes",
        "update {mart} set equipped_percent = 101 where commune_code = '19753'",
        {"equipped_percent is in range": "1 of 40 rows failing"},
    ),
    Damage(
        "fisheries.violation_months",
        "update {mart} set violations = -1 where commune_code = '19753'",
        {"violations is in range": "1 of 40 rows failing"},
    ),
    Damage(
        "fisheries.vessel_manual_days",
        "update {mart} set in_time_percent = 101 where vessel_key = 'vms:1'",
        {"in_time_percent is in range": "1 of 20 rows failing"},
    ),
    Damage(
        "health.disease_weeks",
        "delete from {mart}",
        {
            "disease_weeks has rows": "0 rows",
            "disease_weeks did not shrink": "0 rows",
            "place_code covers its reference list": missing(PLACES),
        },
    ),
    Damage(
        "health.disease_weeks",
        "delete from {mart} where place_code = 'province'",
        {"place_code covers its reference list": "1 missing: province"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set disease_code = 'Z99' where place_code = '99001' and week_start_date = date '2026-02-23'",
        {"disease_code is known": "1 of 205 rows failing"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set cases = 3 where place_code = '99001' and week_start_date = date '2026-02-23'",
        {"no number of 1 to 4 persons is shown": "1 row"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set cases = 5 where place_code = '19753' and week_start_date = date '2026-02-23'",
        {"no hidden number can be computed": "1 row"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set cases = 379 where place_code = 'province' and week_start_date = date '2026-02-23'",
        {"communes are not more than the province": "1 row", "no hidden number can be computed": "1 row"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set is_more_deaths_than_cases = true where place_code = '99001' and week_start_date = date '2026-02-23'",
        {"no week has more deaths than cases": "1 row"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set cases_per_100k = 1001 where place_code = '99001' and week_start_date = date '2026-02-23'",
        {"cases_per_100k is in its usual range": "1 of 205 rows failing"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set is_above_threshold = true",
        {"is_above_threshold is usual": "205 of 205 rows failing"},
    ),
    Damage(
        "health.disease_weeks",
        "update {mart} set cases_4_weeks = 4 where place_code = '99001' and week_start_date = date '2026-02-23'",
        {"no total of 1 to 4 persons is shown": "1 row"},
    ),
    Damage(
        "health.disease_years",
        "delete from {mart}",
        {"disease_years has rows": "0 rows", "disease_years did not shrink": "0 rows"},
    ),
    Damage(
        "health.disease_years",
        "update {mart} set disease_code = 'Z99' where iso_year = 2022",
        {"disease_code is known": "1 of 5 rows failing"},
    ),
    Damage(
        "health.disease_years",
        "update {mart} set deaths = 3 where iso_year = 2022",
        {"no number of 1 to 4 persons is shown": "1 row"},
    ),
    Damage(
        "health.disease_years",
        "update {mart} set deaths = 496 where iso_year = 2022",
        {"no death tells of 1 to 4 who live": "1 row"},
    ),
    Damage(
        "health.disease_years",
        "update {mart} set fatality_percent = 21 where iso_year = 2022",
        {"fatality_percent is in its usual range": "1 of 5 rows failing"},
    ),
    Damage(
        "health.disease_years",
        "update {mart} set cases_change_percent = 901 where iso_year < 2024",
        {"cases_change_percent is in its usual range": "2 of 5 rows failing"},
    ),
    Damage(
        "health.disease_case_groups",
        "delete from {mart}",
        {"disease_case_groups has rows": "0 rows", "disease_case_groups did not shrink": "0 rows"},
    ),
    Damage(
        "health.disease_case_groups",
        "update {mart} set cases = 4 where group_code = 'from_50' and week_start_date = date '2026-02-23'",
        {"no group of 1 to 4 persons is shown": "1 row"},
    ),
    Damage(
        "health.disease_case_groups",
        "update {mart} set is_small_cell = false where group_code = 'under_5' and week_start_date = date '2026-02-23'",
        {"no hidden group can be computed": "1 row"},
    ),
    Damage(
        "health.disease_completeness",
        "delete from {mart}",
        {"disease_completeness has rows": "0 rows", "disease_completeness did not shrink": "0 rows"},
    ),
    Damage(
        "health.disease_completeness",
        "update {mart} set place_code = 'x' where place_code = '99001'",
        {"place_code is known": "1 of 40 rows failing"},
    ),
    Damage(
        "health.disease_completeness",
        "update {mart} set completeness_percent = 79 where place_code < '99010'",
        {"completeness_percent is in its usual range": "11 of 40 rows failing"},
    ),
    Damage(
        "health.disease_reporting",
        "delete from {mart}",
        {
            "disease_reporting has rows": "0 rows",
            "disease_reporting did not shrink": "0 rows",
            "health.disease_cases is live": "nothing",
        },
    ),
    Damage(
        "health.disease_reporting",
        "update {mart} set reported_cases = 4 where week_start_date = date '2026-02-23'",
        {"no week with 1 to 4 reports is shown": "1 row"},
    ),
    Damage(
        "health.disease_reporting",
        "update {mart} set on_time_from_onset_percent = 49 where week_start_date >= date '2026-02-16'",
        {"on_time_from_onset_percent is in its usual range": "2 of 5 rows failing"},
    ),
    Damage(
        "health.disease_reporting",
        "update {mart} set median_hours_from_onset = 169 where week_start_date = date '2026-02-23'",
        {"median_hours_from_onset is in its usual range": "1 of 5 rows failing"},
    ),
    Damage(
        "health.disease_reporting",
        "update {mart} set last_reported_at = last_reported_at - interval 20 day",
        {"health.disease_cases is live": "2026-02-09T04:00:00+00:00"},
    ),
    Damage(
        "health.disease_history",
        "delete from {mart}",
        {"disease_history has rows": "0 rows", "disease_history did not shrink": "0 rows"},
    ),
    Damage(
        "health.disease_history",
        "update {mart} set cases_of_month = 13 where period_kind = 'month'",
        {"twelve months are not more than their year": "1 row"},
    ),
    Damage(
        "health.facility_days",
        "delete from {mart}",
        {
            "facility_days has rows": "0 rows",
            "facility_days did not shrink": "0 rows",
            "facility_code covers its reference list": missing(FACILITIES),
        },
    ),
    Damage(
        "health.facility_days",
        "delete from {mart} where local_date < date '2026-02-06'",
        {"facility_days did not shrink": "288 rows"},
    ),
    Damage(
        "health.facility_days",
        "delete from {mart} where facility_code = '46012'",
        {"facility_code covers its reference list": "1 missing: 46012"},
    ),
    Damage(
        "health.facility_days",
        "update {mart} set bed_occupancy_percent = 201 where facility_code = '46001' and local_date = date '2026-02-28'",
        {"bed_occupancy_percent is in its usual range": "1 of 372 rows failing"},
    ),
    Damage(
        "health.facility_days",
        "update {mart} set bed_occupancy_level = 'red' where facility_code = '46001'",
        {"bed_occupancy_level is usual": "36 of 372 rows failing"},
    ),
    Damage(
        "health.facility_days",
        "update {mart} set visits = 0, discharges = 0 where facility_code = '46007' and local_date > date '2026-02-22'",
        {"every facility sent something of the last seven days": "1 row"},
    ),
    Damage(
        "health.stay_months",
        "delete from {mart}",
        {
            "stay_months has rows": "0 rows",
            "stay_months did not shrink": "0 rows",
            "place_code covers its reference list": missing([*FACILITIES, "province"]),
        },
    ),
    Damage(
        "health.stay_months",
        "update {mart} set transfers_out = 4 where place_code = '46001' and month_date = date '2026-02-01'",
        {"no outcome and no length of few stays is shown": "1 row"},
    ),
    Damage(
        "health.stay_months",
        "update {mart} set discharges = 4 where place_code <= '46002' and month_date = date '2026-02-01'",
        {"no outcome and no length of few stays is shown": "2 rows"},
    ),
    Damage(
        "health.stay_months",
        "update {mart} set counted_stays = 4 where place_code = '46001'",
        {"no outcome and no length of few stays is shown": "3 rows"},
    ),
    Damage(
        "health.stay_months",
        "update {mart} set mean_stay_days = 61 where place_code = '46001'",
        {"mean_stay_days is in its usual range": "3 of 39 rows failing"},
    ),
    Damage(
        "health.insurance_spend_months",
        "delete from {mart}",
        {
            "insurance_spend_months has rows": "0 rows",
            "insurance_spend_months did not shrink": "0 rows",
            "facility_code covers its reference list": missing(FACILITIES),
        },
    ),
    Damage(
        "health.insurance_spend_months",
        "delete from {mart} where facility_code = '46003'",
        {"facility_code covers its reference list": "1 missing: 46003"},
    ),
    Damage(
        "health.insurance_spend_months",
        "update {mart} set spent_vnd = -0.01 where facility_code = '46003'",
        {"spent_vnd is in range": "3 of 36 rows failing"},
    ),
    Damage(
        "health.insurance_spend_months",
        "update {mart} set spent_vnd = 1000000000000.01 where facility_code = '46003' and is_latest",
        {"spent_vnd is in range": "1 of 36 rows failing"},
    ),
    Damage(
        "health.insurance_spend_months",
        "update {mart} set pace_percent = 121 where is_latest",
        {"pace_percent is in its usual range": "12 of 36 rows failing"},
    ),
    Damage(
        "health.insurance_spend_months",
        "update {mart} set priced_claims = 4 where facility_code = '46003' and is_latest",
        {"what few claims cost is not shown": "1 row"},
    ),
    Damage(
        "health.insurance_spend_months",
        "update {mart} set medicine_percent = 81 where facility_code = '46003'",
        {"medicine_percent is in its usual range": "3 of 36 rows failing"},
    ),
    Damage(
        "health.icd10_months",
        "delete from {mart}",
        {"icd10_months has rows": "0 rows", "icd10_months did not shrink": "0 rows"},
    ),
    Damage(
        "health.icd10_months",
        "update {mart} set patients = 4 where icd10_code = 'A09' and is_latest",
        {"no cell of fewer than five persons is shown": "1 row"},
    ),
    Damage(
        "health.icd10_months",
        "update {mart} set visits = 9 where icd10_code = 'A09'",
        {"no cell of fewer than five persons is shown": "3 rows"},
    ),
    Damage(
        "health.icd10_months",
        "update {mart} set is_hidden = false, visits = 12, patients = 10 where icd10_code = 'B20' and is_latest",
        {"no hidden cell stands alone": "1 row"},
    ),
    Damage(
        "health.patient_commune_months",
        "delete from {mart}",
        {
            "patient_commune_months has rows": "0 rows",
            "patient_commune_months did not shrink": "0 rows",
            "commune_code covers its reference list": missing([*COMMUNES, "outside", "unknown"]),
        },
    ),
    Damage(
        "health.patient_commune_months",
        "update {mart} set patients = 4 where commune_code = '19789' and is_latest",
        {"no cell of fewer than five persons is shown": "2 rows"},
    ),
    Damage(
        "health.patient_commune_months",
        "update {mart} set is_small_cell = false, visits = 12, patients = 10 "
        "where commune_code = '19753' and is_latest and care_kind = 'inpatient'",
        {"no hidden cell stands alone": "1 row"},
    ),
    Damage(
        "health.check_in_hours",
        "delete from {mart}",
        {
            "check_in_hours has rows": "0 rows",
            "check_in_hours did not shrink": "0 rows",
            "facility_code covers its reference list": missing(FACILITIES),
            "health.claims is live": "nothing",
        },
    ),
    Damage(
        "health.check_in_hours",
        "delete from {mart} where facility_code = '46009'",
        {"facility_code covers its reference list": "1 missing: 46009"},
    ),
    Damage(
        "health.check_in_hours",
        "update {mart} set waiting = 2001 where facility_code = '46009'",
        {"waiting is in its usual range": "24 of 288 rows failing"},
    ),
    Damage(
        "health.check_in_hours",
        "update {mart} set newest_check_in_at = newest_check_in_at - interval 2 day",
        {"health.claims is live": "2026-02-27T04:00:00+00:00"},
    ),
    Damage(
        "quality.feed_scores",
        "delete from {mart}",
        {
            "feed_scores has rows": "0 rows",
            "feed_scores did not shrink": "0 rows",
            "feed covers its reference list": missing(FEEDS),
        },
    ),
    Damage(
        "quality.feed_scores",
        "delete from {mart} where feed = 'feedback.requests'",
        {"feed covers its reference list": "1 missing: feedback.requests"},
    ),
    Damage(
        "quality.feed_scores",
        "update {mart} set score = null, level = 'unknown' where feed = 'feedback.requests'",
        {"score is filled": f"1 of {len(FEEDS)} rows failing", "level is usual": f"1 of {len(FEEDS)} rows failing"},
    ),
    Damage(
        "quality.feed_scores",
        "update {mart} set identifier_percent = 99.9 where feed = 'feedback.requests'",
        {"identifier_percent is in its usual range": f"1 of {len(FEEDS)} rows failing"},
    ),
    Damage(
        "quality.feed_scores",
        "update {mart} set age_minutes = freshness_limit_minutes + 1 where feed = 'feedback.requests'",
        {"every feed is within its freshness limit": "1 row"},
    ),
    Damage(
        "quality.feed_score_days",
        "delete from {mart}",
        {
            "feed_score_days has rows": "0 rows",
            "feed_score_days did not shrink": "0 rows",
            "feed covers its reference list": missing(FEEDS),
        },
    ),
    Damage(
        "quality.feed_score_days",
        "update {mart} set local_date = local_date + 1 where local_date = '2026-02-28'",
        {"the history has no hole": f"{len(FEEDS)} rows"},
    ),
    Damage(
        "quality.object_score_days",
        "delete from {mart}",
        {
            "object_score_days did not shrink": "0 rows",
            "feed covers its reference list": missing([feed for feed in FEEDS if read_contracts()[feed].object_column]),
        },
    ),
    Damage(
        "quality.object_score_days",
        "update {mart} set level = 'red' where feed = 'feedback.requests'",
        {"no object is red": "1 row"},
    ),
    Damage(
        "quality.column_score_days",
        "delete from {mart}",
        {"column_score_days did not shrink": "0 rows", "feed covers its reference list": missing(FEEDS)},
    ),
    Damage(
        "quality.column_score_days",
        "update {mart} set percent = 99.9 where feed = 'feedback.requests'",
        {"every identifier column is at 100 %": "1 row"},
    ),
    Damage("quality.agency_league_months", "delete from {mart}", {"owner covers its reference list": missing(OWNERS)}),
    Damage(
        "quality.agency_league_months",
        "update {mart} set league_rank = null where owner = 'Sở Y tế'",
        {"league_rank is filled": f"1 of {len(OWNERS)} rows failing"},
    ),
    Damage(
        "quality.database_score_days",
        "delete from {mart} where domain not in ('environment', 'health')",
        {
            "domain covers its reference list": missing(
                [name for name in DATABASES if name not in ("environment", "health")]
            ),
            "database_score_days did not shrink": "2 rows",
        },
    ),
    Damage(
        "quality.incident_months",
        "update {mart} set closed_in_15_days_percent = 99 where feed = 'feedback.requests'",
        {"closed_in_15_days_percent is in its usual range": f"1 of {len(FEEDS)} rows failing"},
    ),
    Damage(
        "quality.object_coverage_days",
        "update {mart} set coverage_percent = 89 where feed = 'feedback.requests'",
        {"every feed hears 90 % of its objects": "1 row"},
    ),
    Damage(
        "quality.repeat_offenders",
        "update {mart} set is_repeat = true where feed = 'feedback.requests'",
        {"no object is red on three days of thirty": "1 row"},
    ),
    Damage(
        "quality.ledger_totals",
        "delete from {mart}",
        {
            "ledger_totals has rows": "0 rows",
            "ledger_totals did not shrink": "0 rows",
            "feed covers its reference list": missing(FEEDS),
        },
    ),
    Damage(
        "quality.ledger_totals",
        "update {mart} set feed = 'feedback.nothing' where feed = 'feedback.requests'",
        {"feed covers its reference list": "1 missing: feedback.requests"},
    ),
    Damage(
        "quality.ledger_totals",
        "update {mart} set quarantined = 51 where feed = 'feedback.requests'",
        {"no feed quarantines more than 5 %": "1 row"},
    ),
    Damage(
        "quality.ledger_totals",
        "update {mart} set duplicate = 501 where feed = 'feedback.requests'",
        {"no feed repeats more than half": "1 row"},
    ),
    Damage(
        "quality.ledger_totals",
        "update {mart} set unreadable_deliveries = 1 where feed = 'feedback.requests'",
        {"no feed has more than 1 % unreadable deliveries": "1 row"},
    ),
    Damage(
        "quality.quarantine_reasons",
        "update {mart} set oldest_at = timestamptz '2026-01-29 23:59:00+00'",
        {"no reason keeps records for more than 30 days": f"{len(FEEDS)} rows"},
    ),
    Damage(
        "quality.slot_days",
        "update {mart} set received_slots = 259 where feed = 'feedback.requests'",
        {"every feed has 90 % of its slots": "1 row"},
    ),
    Damage(
        "quality.missing_slots",
        "update {mart} set recapture_attempts = 0 where feed = 'feedback.requests'",
        {"what can be fetched again was asked for within a day": "1 row"},
    ),
    Damage(
        "quality.suspicious_deliveries",
        "update {mart} set kind = 'pages_missing' where feed = 'feedback.requests'",
        {"no list misses a page": "1 row"},
    ),
    Damage(
        "quality.quarantine_ages",
        "update {mart} set stage = 'overdue' where feed = 'feedback.requests'",
        {"stage is usual": f"1 of {len(FEEDS)} rows failing"},
    ),
    Damage(
        "quality.schema_drift",
        "update {mart} set stopped_deliveries = 1 where feed = 'feedback.requests'",
        {"no column stopped a delivery in 7 days": "1 row"},
    ),
]


def rounds() -> list[tuple[Damage, ...]]:
    """Put damages of different marts of a domain together, so that one audit sees several."""
    of_mart: dict[str, list[Damage]] = {}
    for damage in DAMAGES:
        of_mart.setdefault(damage.mart, []).append(damage)
    together = []
    for domain in domain_names():
        columns = [damages for mart, damages in of_mart.items() if mart.startswith(f"{domain}.")]
        together += [tuple(filter(None, row)) for row in zip_longest(*columns)]
    return together


@cache
def tables_of_marts(domain: str) -> dict[str, str]:
    """Return the marts of a domain, each with the columns and types of its enforced contract."""
    files = sorted((PROJECT / "dbt_project" / "models" / "marts" / domain).glob("_*__models.yml"))
    models = [m for file in files for m in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["models"]]
    return {
        f"{domain}.{model['name']}": ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
        for model in models
    }


def create_good_marts(connection: duckdb.DuckDBPyConnection, domain: str) -> None:
    """Create every candidate of a domain again, in one commit, and fill it with a usual day."""
    connection.execute(f"create schema if not exists lake.{domain}")
    with transaction(connection, "lake", "good marts", {}):
        for mart, columns in tables_of_marts(domain).items():
            connection.execute(f"create or replace table lake.{mart} ({columns})")
            connection.execute(f"insert into lake.{mart} by name {GOOD_ROWS[mart].format(seeds=SEEDS)}")


def failed(verdict: Verdict) -> dict[tuple[str, str], str]:
    """Return what failed, by mart and check, and what was observed."""
    return {(check.mart, check.expectation): check.observed for check in verdict.checks if not check.passed}


def critical_checks(domain: str) -> set[tuple[str, str]]:
    """Return mart and words of the checks that block a domain, once its marts have been released."""
    return {
        (check.mart, check.says) for check in checks_of(domain, released_once(domain)) if check.severity == "critical"
    }


def released_once(domain: str) -> AuditFacts:
    """Return what a suite may know if each mart of a domain was released with one row."""
    contracts = read_contracts()
    return AuditFacts(CLOCK, contracts, Reference(), dict.fromkeys(keys_of(domain), 100), contracts)


def built(domain: str, snapshot: int) -> Build:
    """Return a build whose candidates are in a snapshot."""
    return Build(domain, snapshot_id=snapshot, written=snapshot, code="code", built=1, tested=1)


@dataclass(frozen=True)
class Marts:
    """A connection to candidates of their own, the snapshot in which they are good, and the verdicts on that snapshot."""

    connection: duckdb.DuckDBPyConnection
    good: int
    verdicts: dict[str, Verdict]

    def audit(self, domain: str, snapshot: int) -> Verdict:
        """Judge a domain's candidates as they stand in a snapshot."""
        return audit(self.connection, built(domain, snapshot), CLOCK)

    def damage(self, *damages: Damage) -> int:
        """Commit damages to the candidates; return the snapshot that holds them."""
        for damage in damages:
            self.connection.execute(damage.statement.format(mart=f"lake.{damage.mart}"))
        return newest_snapshot(self.connection)

    def mend(self, *marts: str) -> None:
        """Restore the candidates."""
        for mart in marts:
            self.connection.execute(f"delete from lake.{mart}")
            self.connection.execute(f"insert into lake.{mart} select * from lake.{mart} at (version => {self.good})")


@pytest.fixture(scope="module")
def marts(new_settings: Callable[[], Settings]) -> Iterator[Marts]:
    """Good candidates in catalogs of their own, since other tests build marts too; each domain audited and published once."""
    settings = new_settings()
    try:
        up(settings, {"postgres", "seaweedfs"})
        connection = connect(settings)
        create_tables(connection, read_contracts())
        for domain in domain_names():
            create_good_marts(connection, domain)
        good = newest_snapshot(connection)
        verdicts = {domain: audit(connection, built(domain, good), CLOCK) for domain in domain_names()}
        for domain in domain_names():
            publish_candidates(connection, domain, CLOCK, keys_of(domain))
        yield Marts(connection, good, verdicts)
        connection.close()
    finally:
        down(settings)


@pytest.mark.parametrize("domain", domain_names())
def test_good_marts_pass_every_check(marts: Marts, domain: str) -> None:
    verdict = marts.verdicts[domain]
    assert (verdict.passed, verdict.reason, failed(verdict)) == (True, "", {})
    assert (verdict.snapshot_id, verdict.suite) == (marts.good, suite_digest(domain))
    assert {check.mart for check in verdict.checks} == set(keys_of(domain))


def test_every_check_has_bad_data() -> None:
    damaged = {(damage.mart.split(".")[1], says) for damage in DAMAGES for says in damage.failures}
    checks = {
        (check.mart, check.says) for domain in domain_names() for check in checks_of(domain, released_once(domain))
    }
    floors = {(check.mart, check.says) for domain in domain_names() for check in floor(domain, released_once(domain))}
    assert damaged <= checks
    assert checks - floors <= damaged
    assert {kind(says) for _, says in floors & damaged} == {kind(says) for _, says in floors}


def kind(says: str) -> str:
    """Strip the names of marts, columns and feeds from a check's words: each kind of the floor has bad data somewhere."""
    return re.sub(r"^[\w.]+ (?=has|did|covers|is)", "", says)


@pytest.mark.parametrize("damages", rounds(), ids=lambda damages: damages[0].mart + ":" + "+".join(damages[0].failures))
def test_bad_data_fails_its_checks_with_numbers_and_no_other(marts: Marts, damages: tuple[Damage, ...]) -> None:
    domain = damages[0].mart.split(".")[0]
    expected = {
        (damage.mart.split(".")[1], says): observed for damage in damages for says, observed in damage.failures.items()
    }
    try:
        verdict = marts.audit(domain, marts.damage(*damages))
    finally:
        marts.mend(*[damage.mart for damage in damages])
    assert failed(verdict) == expected
    blocking = critical_checks(domain) & set(expected)
    assert verdict.passed == (not blocking)
    named = {check for check in expected if f"{check[0]}: {check[1]} (" in verdict.reason}
    assert named == (blocking or set(expected))
    assert all(expected[check] in verdict.reason for check in named)


def test_silences_may_be_absent_and_quarantine_missing_slots_and_findings_empty(marts: Marts) -> None:
    empty = (
        "fisheries.vessel_gaps",
        "fisheries.vessel_boundary_events",
        "fisheries.vessel_alerts",
        "quality.quarantine_reasons",
        "quality.missing_slots",
        "quality.suspicious_deliveries",
        "quality.quarantine_ages",
        "quality.schema_drift",
    )
    try:
        snapshot = marts.damage(*[Damage(mart, "delete from {mart}", {}) for mart in empty])
        verdicts = [marts.audit(domain, snapshot) for domain in ("fisheries", "quality")]
    finally:
        marts.mend(*empty)
    assert [(verdict.passed, failed(verdict)) for verdict in verdicts] == [(True, {}), (True, {})]


def test_a_later_bad_commit_does_not_change_the_verdict_on_an_earlier_snapshot(marts: Marts) -> None:
    damage = Damage("environment.air_quality_hours", "update {mart} set vn_aqi = -1", {})
    try:
        bad = marts.damage(damage)
        assert failed(marts.audit("environment", bad)) == {
            ("air_quality_hours", "vn_aqi is in range"): "336 of 336 rows failing",
            ("air_quality_hours", "vn_aqi is in its usual range"): "336 of 336 rows failing",
        }
        again = marts.audit("environment", marts.good)
    finally:
        marts.mend(damage.mart)
    assert (again.passed, failed(again)) == (True, {})


def test_a_check_that_cannot_be_evaluated_blocks_even_where_it_only_warns(marts: Marts) -> None:
    rename = "alter table {mart} rename column %s to %s"
    mart = "quality.quarantine_reasons"
    try:
        verdict = marts.audit("quality", marts.damage(Damage(mart, rename % ("oldest_at", "since"), {})))
    finally:
        marts.damage(Damage(mart, rename % ("since", "oldest_at"), {}))
    assert verdict.passed is False
    assert failed(verdict) == {
        (
            "quarantine_reasons",
            "no reason keeps records for more than 30 days",
        ): 'not evaluated: Referenced column "oldest_at" not found'
    }
    assert verdict.reason.startswith("1 of ")


def test_marts_that_do_not_exist_in_a_snapshot_fail_every_check(marts: Marts) -> None:
    before = marts.audit("fisheries", 1)
    never = marts.audit("fisheries", 999_999)
    assert {check.observed for check in never.checks} == {"not evaluated: No snapshot found at version 999999"}
    assert {check.observed for check in before.checks} == {
        f"not evaluated: Table with name {mart} does not exist" for mart in keys_of("fisheries")
    }
    assert (before.passed, never.passed) == (False, False)
    assert len(before.failures("critical")) == len(before.checks) > 0


def test_a_table_that_no_suite_knows_blocks_its_domain(marts: Marts) -> None:
    try:
        marts.connection.execute("create table lake.feedback.cases_by_hand as select 1 as one")
        verdict = marts.audit("feedback", newest_snapshot(marts.connection))
    finally:
        marts.connection.execute("drop table lake.feedback.cases_by_hand")
    assert failed(verdict) == {("cases_by_hand", "the table is a mart of the suite"): "no mart of it"}
    assert verdict.passed is False


def test_an_audit_leaves_the_connection_and_the_marts_as_they_were(marts: Marts) -> None:
    before = newest_snapshot(marts.connection)
    marts.connection.execute("create or replace temp table mine as select 1 as one")
    marts.audit("quality", marts.good)
    assert marts.connection.execute("select * from mine").fetchall() == [(1,)]
    assert newest_snapshot(marts.connection) == before


def test_an_unknown_domain_is_refused(marts: Marts) -> None:
    with pytest.raises(UnknownNameError, match=f"there are {', '.join(domain_names())}"):
        marts.audit("poetry", marts.good)


def test_a_verdict_is_kept_and_the_last_on_a_snapshot_is_in_force_though_a_clock_went_back(marts: Marts) -> None:
    assert find_verdict(marts.connection, "feedback", marts.good) is None
    good = marts.verdicts["feedback"]
    broken = tuple(replace(check, passed=False, severity="critical") for check in good.checks)
    bad = replace(good, passed=False, checks=broken)
    for verdict in (good, bad):
        record_verdict(marts.connection, verdict)
        assert find_verdict(marts.connection, "feedback", marts.good) == verdict
    record_verdict(marts.connection, replace(good, audited_at=CLOCK + timedelta(minutes=1)))
    record_verdict(marts.connection, bad)
    in_force = find_verdict(marts.connection, "feedback", marts.good)
    assert in_force is not None
    assert not in_force.passed
    assert find_verdict(marts.connection, "feedback", marts.good + 1) is None
    assert find_verdict(marts.connection, "environment", marts.good) is None
    rows = marts.connection.execute("select passed, reason from lake.operations.audits").fetchall()
    assert sorted(rows) == sorted([(True, ""), (False, bad.reason), (True, ""), (False, bad.reason)])


def test_a_verdict_changed_by_hand_is_refused_when_it_is_read(marts: Marts) -> None:
    record_verdict(marts.connection, replace(marts.verdicts["quality"], snapshot_id=7, passed=False, checks=()))
    marts.connection.execute("update lake.operations.audits set passed = true where snapshot_read = 7")
    with pytest.raises(AuditError, match="to have checks and no failed critical one, got 0 checks"):
        find_verdict(marts.connection, "quality", 7)
