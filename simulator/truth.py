"""What is true after the faults: the rows that must come out, and the counts that must balance.

Recorded while the feeds are written, from what was meant, and without a line of the pipeline's code: so a mistake there shows
as a difference here. Each emitter counts every record it writes, with its outcome; the ledger is the sum of these counts.
Times are UTC; a table's columns and types are in TABLES.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from simulator.faults import ERROR_GROUPS, Fault, FaultKind

TIME = pl.Datetime("us", "UTC")

TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    "readings": {
        "station_id": pl.String(),
        "parameter_code": pl.String(),
        "measured_at": TIME,
        "value": pl.Float64(),
        "unit": pl.String(),
        "status_code": pl.String(),
        "value_in_reference_unit": pl.Float64(),
    },
    "river_levels": {"gauge_id": pl.String(), "measured_at": TIME, "level_m": pl.Float64(), "trend_code": pl.String()},
    "feedback_versions": {
        "service_request_id": pl.String(),
        "version_at": TIME,
        "status": pl.String(),
        "agency_code": pl.String(),
    },
    "feedback_cases": {
        "service_request_id": pl.String(),
        "agency_code": pl.String(),
        "commune_code": pl.String(),
        "service_code": pl.String(),
        "status": pl.String(),
        "requested_at": TIME,
        "version_at": TIME,
        "expected_at": TIME,
        "closed_at": TIME,
        "closed_by_at": TIME,
        "satisfaction_rating": pl.Int32(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
    },
    "vms_positions": {
        "vessel_id": pl.String(),
        "fixed_at": TIME,
        "message_type_code": pl.String(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "speed_knots": pl.Float64(),
        "course_degrees": pl.Float64(),
    },
    "vessel_events": {"vessel_id": pl.String(), "event": pl.String(), "started_at": TIME, "ended_at": TIME},
    "vessel_gaps": {"vessel_id": pl.String(), "started_at": TIME, "ended_at": TIME, "hours": pl.Float64()},
    "vessels": {
        "vessel_id": pl.String(),
        "vessel_name": pl.String(),
        "call_sign": pl.String(),
        "mmsi": pl.String(),
        "length_m": pl.Float64(),
        "ais_class": pl.String(),
        "home_port": pl.String(),
    },
    "vessel_registry": {
        "vessel_id": pl.String(),
        "listed_at": TIME,
        "vessel_name": pl.String(),
        "mmsi": pl.String(),
        "length_m": pl.Float64(),
        "commune_code": pl.String(),
        "licence_expires_date": pl.Date(),
        "operator_code": pl.String(),
    },
    "ais_positions": {
        "mmsi": pl.String(),
        "heard_at": TIME,
        "message_type": pl.Int32(),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "speed_knots": pl.Float64(),
        "course_degrees": pl.Float64(),
    },
    "ais_statics": {
        "mmsi": pl.String(),
        "heard_at": TIME,
        "message_type": pl.Int32(),
        "vessel_name": pl.String(),
        "call_sign": pl.String(),
        "ship_type_code": pl.String(),
    },
    "health_claims": {
        "facility_code": pl.String(),
        "claim_id": pl.String(),
        "citizen_number": pl.String(),
        "visit_type_code": pl.String(),
        "icd10_code": pl.String(),
        "admitted_at": TIME,
        "discharged_at": TIME,
        "treatment_days": pl.Int32(),
        "outcome_code": pl.String(),
        "discharge_code": pl.String(),
        "year": pl.Int32(),
        "month": pl.Int32(),
        "insurer_paid_vnd": pl.Decimal(18, 2),
        "commune_code": pl.String(),
        "medicine_vnd": pl.Decimal(18, 2),
        "total_vnd": pl.Decimal(18, 2),
    },
    "health_check_ins": {
        "facility_code": pl.String(),
        "claim_id": pl.String(),
        "visit_type_code": pl.String(),
        "checked_in_at": TIME,
    },
    "disease_counts": {
        "disease_code": pl.String(),
        "measure_code": pl.String(),
        "commune_code": pl.String(),
        "week_start_date": pl.Date(),
        "persons": pl.Int64(),
    },
    "disease_case_lines": {
        "case_code": pl.String(),
        "disease_code": pl.String(),
        "onset_date": pl.Date(),
        "reported_at": TIME,
        "commune_code": pl.String(),
        "age_years": pl.Int32(),
        "classification_code": pl.String(),
        "outcome_code": pl.String(),
    },
    "disease_published": {
        "place_level": pl.String(),
        "place_name": pl.String(),
        "period_kind": pl.String(),
        "period_start_date": pl.Date(),
        "period_end_date": pl.Date(),
        "cases": pl.Int64(),
    },
    "registered_schools": {"school_code": pl.String(), "level_code": pl.String(), "commune_code": pl.String()},
    "schools_told": {
        "school_year": pl.String(),
        "school_code": pl.String(),
        "is_national_standard": pl.Boolean(),
        "accreditation_level": pl.Int32(),
        "has_internet": pl.Boolean(),
        "has_clean_water": pl.Boolean(),
    },
    "school_classes": {
        "school_year": pl.String(),
        "school_code": pl.String(),
        "class_code": pl.String(),
        "pupils_at_start": pl.Int32(),
    },
    "pupils": {
        "school_year": pl.String(),
        "school_code": pl.String(),
        "class_code": pl.String(),
        "student_id": pl.String(),
        "status_name": pl.String(),
        "sex": pl.String(),
        "ethnic_group": pl.String(),
        "disability": pl.String(),
        "exported_at": TIME,
    },
    "class_days": {
        "school_code": pl.String(),
        "class_code": pl.String(),
        "attendance_date": pl.Date(),
        "enrolled_pupils": pl.Int64(),
        "present_pupils": pl.Int64(),
        "exported_at": TIME,
    },
    "dossier_versions": {"dossier_id": pl.String(), "changed_at": TIME, "status_code": pl.String(), "due_at": TIME},
    "dossiers": {
        "dossier_id": pl.String(),
        "procedure_code": pl.String(),
        "level_code": pl.String(),
        "channel_code": pl.String(),
        "processing_agency_code": pl.String(),
        "receiving_agency_code": pl.String(),
        "status_code": pl.String(),
        "last_changed_at": TIME,
        "submitted_at": TIME,
        "received_at": TIME,
        "due_at": TIME,
        "finished_at": TIME,
        "returned_at": TIME,
        "refused_at": TIME,
        "supplement_count": pl.Int64(),
        "fee_amount": pl.Float64(),
        "is_paid_online": pl.Boolean(),
        "component_count": pl.Int32(),
        "digitised_component_count": pl.Int32(),
        "reused_component_count": pl.Int32(),
        "has_digitised_components": pl.Boolean(),
        "result_paper_count": pl.Int32(),
        "has_result_paper": pl.Boolean(),
    },
    "dossier_ratings": {
        "dossier_id": pl.String(),
        "agency_code": pl.String(),
        "rated_at": TIME,
        "rating": pl.Int32(),
    },
    "calls": {
        "call_id": pl.String(),
        "started_at": TIME,
        "direction_code": pl.String(),
        "outcome_code": pl.String(),
        "wait_seconds": pl.Int64(),
        "talk_seconds": pl.Int64(),
        "satisfaction_rating": pl.Int64(),
    },
    "warnings": {
        "identifier": pl.String(),
        "sent_at": TIME,
        "status": pl.String(),
        "scope": pl.String(),
        "type_code": pl.String(),
        "event": pl.String(),
        "level": pl.Int64(),
        "severity": pl.String(),
        "onset_at": TIME,
        "expires_at": TIME,
        "follows": pl.String(),
    },
    "warning_places": {"identifier": pl.String(), "commune_code": pl.String()},
    "incident_versions": {
        "incident_id": pl.String(),
        "updated_at": TIME,
        "kind_code": pl.String(),
        "commune_code": pl.String(),
        "reported_at": TIME,
        "first_response_at": TIME,
        "status_code": pl.String(),
        "severity": pl.Int64(),
    },
    "traffic_flows": {
        "section_code": pl.String(),
        "lane_number": pl.Int64(),
        "vehicle_type": pl.String(),
        "started_at": TIME,
        "vehicles": pl.Int64(),
        "speed_kmh": pl.Float64(),
        "is_congested": pl.Boolean(),
    },
    "accident_versions": {
        "accident_id": pl.String(),
        "updated_at": TIME,
        "occurred_at": TIME,
        "commune_code": pl.String(),
        "deaths": pl.Int64(),
        "injured": pl.Int64(),
        "cause_code": pl.String(),
    },
    "closure_versions": {
        "situation_id": pl.String(),
        "version_at": TIME,
        "management_code": pl.String(),
        "status_code": pl.String(),
        "starts_at": TIME,
        "ends_at": TIME,
        "cause_code": pl.String(),
        "road_number": pl.String(),
        "way_round": pl.String(),
    },
    "press_articles": {
        "article_url": pl.String(),
        "title": pl.String(),
        "source": pl.String(),
        "published_at": TIME,
        "is_zone_assumed": pl.Boolean(),
        "topics": pl.List(pl.String()),
        "commune_code": pl.String(),
        "is_place_ambiguous": pl.Boolean(),
    },
    "cyber_events": {
        "source_id": pl.String(),
        "event_kind_code": pl.String(),
        "observed_at": TIME,
        "alert_id": pl.String(),
        "status_code": pl.String(),
        "severity_level": pl.String(),
        "was_blocked": pl.Boolean(),
        "signature": pl.String(),
        "machine": pl.String(),
        "attacker": pl.String(),
        "host": pl.String(),
    },
    "threat_indicators": {
        "indicator_id": pl.String(),
        "modified_at": TIME,
        "observable": pl.String(),
        "valid_from": TIME,
        "valid_until": TIME,
        "is_revoked": pl.Boolean(),
    },
    "rain_readings": {
        "station_id": pl.String(),
        "measured_at": TIME,
        "reading_mm": pl.Float64(),
        "status_code": pl.String(),
    },
    "reservoir_readings": {
        "channel_id": pl.String(),
        "measured_at": TIME,
        "value": pl.Float64(),
        "channel_status": pl.String(),
    },
    "slope_readings": {
        "sensor_id": pl.String(),
        "measured_at": TIME,
        "value": pl.Float64(),
        "status_code": pl.String(),
    },
    "faults": {
        "feed": pl.String(),
        "fault": pl.String(),
        "object_id": pl.String(),
        "event_at": TIME,
        "source_name": pl.String(),
        "outcome": pl.String(),
        "error_group": pl.Int32(),
        "records": pl.Int64(),
    },
    "ledger": {
        "feed": pl.String(),
        "deliveries": pl.Int64(),
        "received": pl.Int64(),
        "accepted": pl.Int64(),
        "duplicate": pl.Int64(),
        "quarantined": pl.Int64(),
    },
    "quarantine": {"feed": pl.String(), "error_group": pl.Int32(), "records": pl.Int64()},
}
"""Columns of each table of the truth, in their order. `deliveries` of the feedback and the dossiers depend on when they are fetched,
and are 0."""


@dataclass
class Books:
    """The counts of one feed: records by outcome, deliveries, faults."""

    feed: str
    outcomes: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[int] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def deliver(self) -> None:
        """Count one delivery."""
        self.outcomes["deliveries"] += 1

    def accept(self, records: int = 1) -> None:
        """Count records that must come out."""
        self.outcomes["accepted"] += records

    def repeat(self, records: int = 1) -> None:
        """Count records that are there already, with the same content."""
        self.outcomes["duplicate"] += records

    def quarantine(self, fault: FaultKind, records: int = 1) -> None:
        """Count records that must be quarantined for a fault."""
        self.quarantined[ERROR_GROUPS[fault]] += records

    def note(
        self, fault: FaultKind, object_id: str, event_at: datetime, source_name: str, *, outcome: str, records: int = 1
    ) -> None:
        """Record a fault."""
        group = ERROR_GROUPS[fault] if outcome == "quarantined" else None
        self.faults.append(Fault(self.feed, fault, object_id, event_at, source_name, outcome, group, records))

    def ledger_row(self) -> tuple[str, int, int, int, int, int]:
        """Return the feed's row of the table `ledger`."""
        accepted, duplicate = self.outcomes["accepted"], self.outcomes["duplicate"]
        quarantined = sum(self.quarantined.values())
        return (
            self.feed,
            self.outcomes["deliveries"],
            accepted + duplicate + quarantined,
            accepted,
            duplicate,
            quarantined,
        )


@dataclass(frozen=True)
class Emission:
    """What one feed emitted: its counts, and the rows of its tables of the truth, by table, or whole tables that TABLES does not have."""

    books: Books
    rows: Mapping[str, list[tuple[object, ...]]]
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def frame_of(table: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """Return a table of the truth with its rows, in their order."""
    return pl.DataFrame(rows, schema=dict(TABLES[table]), orient="row")


def frames_of_books(books: list[Books]) -> dict[str, pl.DataFrame]:
    """Return the tables `faults`, `ledger` and `quarantine` of all feeds."""
    faults: list[tuple[object, ...]] = [
        (
            fault.feed,
            fault.fault.value,
            fault.object_id,
            fault.event_at,
            fault.source_name,
            fault.outcome,
            fault.error_group,
            fault.records,
        )
        for book in books
        for fault in book.faults
    ]
    quarantine: list[tuple[object, ...]] = [
        (book.feed, group, records) for book in books for group, records in sorted(book.quarantined.items())
    ]
    return {
        "faults": frame_of("faults", faults),
        "ledger": frame_of("ledger", [book.ledger_row() for book in books]),
        "quarantine": frame_of("quarantine", quarantine),
    }


def write_truth(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write each table as `<folder>/<table>.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in sorted(tables.items()):
        frame.write_parquet(folder / f"{name}.parquet")


def read_truth(folder: Path) -> dict[str, pl.DataFrame]:
    """Read the tables that `write_truth` wrote, by name."""
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
