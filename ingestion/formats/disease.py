"""Infectious diseases: one feed in three wire forms, told apart by what is inside.

* **Case lines**, CSV: a header with `ma_ca` and its eight companions, one sick person a line.
* **DHIS2 `dataValueSets`**, JSON: an object with the list `dataValues`, one count an element; `dataElement` is a disease and a measure
  joined by `_`, `period` a day, ISO week, month or year. `period`, `orgUnit` and `completeDate` beside the list hold for elements
  that have none.
* **OpenDengue extract**, CSV: a header with `calendar_start_date`, one count of dengue a line, `NA` for nothing, `T_res` the resolution.

Anything else is refused whole with its reason: DHIS2 answers of other resources (`analytics`, `organisationUnits`) hold no data values.

A piece is a line, or the exact text of an element; what stands beside the list of elements is the first piece, and is skipped as a header.
A list that broke off keeps its complete elements. A week of DHIS2 is an ISO week; another first day (`2026SunW3`) is not promised. What
DHIS2 marks `deleted` is quarantined: nothing here takes a count back. A commune code of four digits gets the zero back that a
spreadsheet took. A day written `20/11/2026` is read day first.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO, TypeVar

import msgspec
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from core.local_time import ZONE
from core.slots import Slots, SlotsBy
from ingestion.formats import base
from ingestion.formats.base import Envelope, Pieces, Reading, join_readings
from ingestion.formats.csv import Csv, split_whole
from ingestion.formats.documents import BROKEN_JSON, array_pieces, read_document, require_members
from ingestion.formats.lines import IS_BLANK, as_unreadable, cut_piece, empty_as_null, set_aside, without_mark

CASE_FIELDS = {
    "record_code": "ma_ca",
    "disease_code": "icd10",
    "onset_at": "ngay_khoi_phat",
    "reported_at": "ngay_bao_cao",
    "commune_code": "ma_xa",
    "age_years": "tuoi",
    "sex_code": "gioi",
    "classification_code": "phan_loai",
    "outcome_code": "ket_qua",
}
OPTIONAL_CASE_FIELDS = {"age_years", "sex_code", "outcome_code"}

DENGUE_FIELDS = {
    "country_name": "adm_0_name",
    "province_name": "adm_1_name",
    "country_code": "ISO_A0",
    "first_day": "calendar_start_date",
    "last_day": "calendar_end_date",
    "person_count": "dengue_total",
    "definition": "case_definition_standardised",
    "place_resolution": "S_res",
    "time_resolution": "T_res",
    "source_code": "UUID",
}
DENGUE = "A91"
PLACE_LEVELS = {"Admin0": "country", "Admin1": "province"}
PERIOD_KINDS = {"Week": "week", "Month": "month", "Year": "year"}

DATA_VALUES = re.compile(rb'"dataValues"\s*:\s*(?=\[)')

Text = str | int | float | bool | None
Kind = TypeVar("Kind", bound=msgspec.Struct)

NO_SLOTS = Slots(SlotsBy.UNKNOWN, reason="the feed owes slots, not one of its forms")
"""What the contracts of single forms say of slots: nothing, since the feed owes them."""


class DataValue(msgspec.Struct, rename="camel"):
    """One element of `dataValues`; what else stands in it (user names, comments) is left in landing."""

    data_element: Text = None
    period: Text = None
    org_unit: Text = None
    category_option_combo: Text = None
    attribute_option_combo: Text = None
    value: Text = None
    last_updated: Text = None
    deleted: bool | None = None


class SetHeader(msgspec.Struct, rename="camel"):
    """What stands beside `dataValues` and holds for all of them."""

    period: Text = None
    org_unit: Text = None
    complete_date: Text = None


VALUE_FIELDS = {name: pl.String for name in DataValue.__struct_fields__ if name != "deleted"}


class Disease:
    """Case lines, DHIS2 data values, OpenDengue counts."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a delivery into one block; raise DeliveryError for JSON without `dataValues`, or a document too large."""
        beginning = without_mark(content.read(base.BLOCK_BYTES))
        if beginning.lstrip()[:1] in (b"{", b"["):
            yield _cut_values(read_document(content, beginning))
        else:
            yield from split_whole(content, beginning)

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
        """Read records; raise DeliveryError where a header lacks a column that its form needs."""
        filled = pieces.filter(~IS_BLANK | pl.col("_problem").is_not_null())
        firsts = filled.group_by("_delivery", maintain_order=True).agg(pl.col("_raw").first().alias("first"))
        is_set = pl.col("first").str.starts_with("{")
        is_dengue = ~is_set & pl.col("first").str.to_lowercase().str.contains("calendar_start_date", literal=True)

        def of(form: pl.Expr) -> pl.DataFrame:
            return pieces.join(firsts.filter(form), on="_delivery", how="semi", maintain_order="left")

        dengue, cases = _view(contract, DENGUE_FIELDS, set()), _view(contract, CASE_FIELDS, OPTIONAL_CASE_FIELDS)
        empty = pieces.join(firsts, on="_delivery", how="anti", maintain_order="left")
        lines = pl.concat([empty, of(~is_set & ~is_dengue)])
        readings = [
            _read_values(of(is_set)),
            _with_records(Csv().read(of(is_dengue), dengue, envelopes), _dengue_records),
            _with_records(Csv().read(lines, cases, envelopes), _case_records),
        ]
        own = ["_delivery", "_position", "_raw", "_record_count"]
        return join_readings(
            [replace(reading, records=reading.records.select(*own, *contract.column_names)) for reading in readings]
        )


def _cut_values(document: bytes) -> Pieces:
    """Cut a data value set into what stands beside `dataValues`, and its elements."""
    if document.count(b'"dataValues"') != 1:
        raise _another_document(document)
    require_members(document)
    try:
        fields = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except BROKEN_JSON:
        return _cut_broken_values(document)
    values = bytes(fields.pop("dataValues", msgspec.Raw(b"")))
    if not values.startswith(b"["):
        raise _another_document(document)
    return _below_header(msgspec.json.encode(fields), array_pieces(values))


def _cut_broken_values(document: bytes) -> Pieces:
    found = DATA_VALUES.search(document)
    header = document[: found.start()].rstrip(b", \t\r\n") + b"}" if found else b""
    try:
        msgspec.json.decode(header, type=SetHeader)
    except BROKEN_JSON as error:
        raise _another_document(document) from error
    return _below_header(header.lstrip(), array_pieces(document[found.end() :] if found else b""))


def _below_header(header: bytes, values: Pieces) -> Pieces:
    text, problem = cut_piece(header)
    problems = {index + 1: name for index, name in values.problems.items()}
    return Pieces(1, [text, *values.raws], problems | ({0: problem} if problem else {}))


def _another_document(document: bytes) -> DeliveryError:
    try:
        found = f"an object of {len(msgspec.json.decode(document, type=dict[str, msgspec.Raw]))} other members"
    except BROKEN_JSON:
        found = "another document"
    return DeliveryError(
        f"delivery: case lines or one list dataValues was promised, JSON of {found} came; export the resource dataValueSets",
        reason="no_data_values",
    )


def _read_values(pieces: pl.DataFrame) -> Reading:
    readable, unreadable, skipped = set_aside(
        pieces,
        {"header": pl.col("_position") == 1},
        {
            "not_a_value": ~pl.col("_raw").str.strip_chars_start().str.starts_with("{"),
            "nul_byte": pl.col("_raw").str.contains("\\u0000", literal=True),
        },
    )
    is_header = (pl.col("_position") == 1) & pl.col("_problem").is_null()
    headers = {number: _decoded(raw, SetHeader) for number, raw in pieces.filter(is_header)["_delivery", "_raw"].rows()}
    values = [_decoded(raw, DataValue) for raw in readable["_raw"]]
    reasons = ["not_a_value" if value is None else "deleted_value" if value.deleted else None for value in values]
    rows = [
        [None] * len(VALUE_FIELDS) if value is None else _row(value, headers.get(number) or SetHeader())
        for number, value in zip(readable["_delivery"], values, strict=True)
    ]
    fields = pl.DataFrame(rows, schema=VALUE_FIELDS, orient="row")
    marked = readable.with_columns(pl.Series("reason", reasons, dtype=pl.String), *fields.get_columns())
    broken = as_unreadable(marked.filter(pl.col("reason").is_not_null()))
    records = _value_records(marked.filter(pl.col("reason").is_null()))
    return Reading(records, pl.concat([unreadable, broken]), skipped)


def _decoded(raw: str, kind: type[Kind]) -> Kind | None:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _row(value: DataValue, header: SetHeader) -> list[str | None]:
    filled = msgspec.structs.replace(
        value,
        period=header.period if value.period is None else value.period,
        org_unit=header.org_unit if value.org_unit is None else value.org_unit,
        last_updated=header.complete_date if value.last_updated is None else value.last_updated,
    )
    texts = (getattr(filled, name) for name in VALUE_FIELDS)
    return [None if text is None else str(text).strip() or None for text in texts]


def _value_records(values: pl.DataFrame) -> pl.DataFrame:
    element = pl.col("data_element").str.splitn("_", 2).struct
    update = pl.col("last_updated").str.replace(r"([+-][0-9]{2})([0-9]{2})$", "${1}:${2}")
    placed = values.with_columns(
        *_period_of(pl.col("period")),
        commune_code=_padded(pl.col("org_unit")),
        options=pl.concat_str("category_option_combo", "attribute_option_combo", separator="/", ignore_nulls=True),
    )
    return placed.select(
        *_envelope(),
        record_kind=pl.lit("count"),
        record_code=_joined(
            pl.lit("count"),
            pl.col("data_element"),
            pl.col("commune_code"),
            pl.coalesce(pl.col("period_kind") + pl.col("period_start").cast(pl.String), pl.col("period")),
            pl.col("options"),
        ),
        disease_code=element.field("field_0"),
        measure_code=element.field("field_1"),
        series_code=empty_as_null(pl.col("options")),
        place_level=pl.lit("commune"),
        commune_code=pl.col("commune_code"),
        **_nothing("place_name", "country_code", "onset_at"),
        reported_at=update,
        event_at=_end_of(pl.col("period_end")),
        period=pl.col("period"),
        period_kind=pl.col("period_kind"),
        period_start=pl.col("period_start"),
        period_end=pl.col("period_end"),
        person_count=pl.col("value"),
        **_nothing("age_years", "sex_code", "classification_code", "outcome_code"),
    )


def _period_of(text: pl.Expr) -> list[pl.Expr]:
    """Give kind, first and last day of a DHIS2 period; the days are null where the calendar has no such period."""
    is_week, is_day = text.str.contains("^[0-9]{4}W[0-9]{1,2}$"), text.str.contains("^[0-9]{8}$")
    is_month, is_year = text.str.contains("^[0-9]{6}$"), text.str.contains("^[0-9]{4}$")
    year = text.str.slice(0, 4).cast(pl.Int32, strict=False)
    week = text.str.extract("W([0-9]{1,2})$").cast(pl.Int64, strict=False)
    fourth = (text.str.slice(0, 4) + pl.lit("0104")).str.to_date("%Y%m%d", strict=False)  # it lies in week 1, ISO 8601
    monday = fourth.dt.truncate("1w") + pl.duration(days=(week - 1) * 7)
    is_real = (monday.dt.iso_year() == year) & (monday.dt.week() == week)
    start = (
        pl.when(is_week)
        .then(pl.when(is_real).then(monday))
        .when(is_day)
        .then(text.str.to_date("%Y%m%d", strict=False))
        .when(is_month)
        .then((text + pl.lit("01")).str.to_date("%Y%m%d", strict=False))
        .when(is_year)
        .then((text + pl.lit("0101")).str.to_date("%Y%m%d", strict=False))
    )
    end = (
        pl.when(is_week)
        .then(start + pl.duration(days=6))
        .when(is_month)
        .then(start.dt.month_end())
        .when(is_year)
        .then(start.dt.offset_by("11mo").dt.month_end())
        .otherwise(start)
    )
    kind = (
        pl.when(is_week)
        .then(pl.lit("week"))
        .when(is_day)
        .then(pl.lit("day"))
        .when(is_month)
        .then(pl.lit("month"))
        .when(is_year)
        .then(pl.lit("year"))
    )
    return [kind.alias("period_kind"), start.alias("period_start"), end.alias("period_end")]


def _dengue_records(lines: pl.DataFrame) -> pl.DataFrame:
    known = lines.with_columns(pl.col(name).replace("NA", None) for name in DENGUE_FIELDS)
    level = pl.col("place_resolution").replace(PLACE_LEVELS)
    kind = pl.col("time_resolution").replace(PERIOD_KINDS)
    place = pl.when(level == "country").then(pl.col("country_name")).otherwise(pl.col("province_name"))
    end = pl.col("last_day").str.to_date("%Y-%m-%d", strict=False)
    series = pl.concat_str("definition", "source_code", separator="/", ignore_nulls=True)
    period = pl.when(kind.is_not_null()).then(pl.col("first_day") + pl.lit("/") + pl.col("last_day"))
    return known.select(
        *_envelope(),
        record_kind=pl.lit("count"),
        record_code=_joined(
            pl.lit("count/dengue_total"),
            pl.col("country_code"),
            place,
            kind,
            pl.col("first_day"),
            pl.col("last_day"),
            series,
        ),
        disease_code=pl.lit(DENGUE),
        measure_code=pl.lit("dengue_total"),
        series_code=empty_as_null(series),
        place_level=level,
        **_nothing("commune_code"),
        place_name=place,
        country_code=pl.col("country_code"),
        **_nothing("onset_at", "reported_at"),
        event_at=_end_of(end),
        period=period,
        period_kind=kind,
        period_start=pl.col("first_day").str.to_date("%Y-%m-%d", strict=False),
        period_end=end,
        person_count=pl.col("person_count"),
        **_nothing("age_years", "sex_code", "classification_code", "outcome_code"),
    )


def _case_records(lines: pl.DataFrame) -> pl.DataFrame:
    texts = lines.with_columns(pl.col(name).str.strip_chars() for name in CASE_FIELDS)
    onset = _iso_time(pl.col("onset_at")).str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2})$", "${1}T00:00:00+07:00")
    report = _iso_time(pl.col("reported_at"))
    onset_day = _instant(onset).dt.convert_time_zone(ZONE).dt.date()
    return texts.select(
        *_envelope(),
        record_kind=pl.lit("case"),
        record_code=pl.col("record_code"),
        disease_code=pl.col("disease_code").str.splitn(".", 2).struct.field("field_0"),
        measure_code=pl.lit("case"),
        **_nothing("series_code"),
        place_level=pl.lit("commune"),
        commune_code=_padded(pl.col("commune_code")),
        **_nothing("place_name", "country_code"),
        onset_at=onset,
        reported_at=report,
        event_at=_instant(report),
        **_nothing("period"),
        period_kind=pl.lit("day"),
        period_start=onset_day,
        period_end=onset_day,
        person_count=pl.lit("1"),
        age_years=pl.col("age_years"),
        sex_code=pl.col("sex_code"),
        classification_code=pl.col("classification_code"),
        outcome_code=pl.col("outcome_code"),
    )


def _iso_time(text: pl.Expr) -> pl.Expr:
    """Write a day-first date in ISO order, and give a local time without a zone that of the province."""
    day_last = text.str.replace("^([0-9]{2})/([0-9]{2})/([0-9]{4})", "${3}-${2}-${1}")
    return day_last.str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2})$", "${1}T${2}:00+07:00")


def _instant(text: pl.Expr) -> pl.Expr:
    return text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)


def _end_of(last_day: pl.Expr) -> pl.Expr:
    """Give the instant at which a local day ends."""
    midnight = last_day.cast(pl.Datetime("us")) + pl.duration(days=1)
    return midnight.dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")


def _padded(code: pl.Expr) -> pl.Expr:
    return pl.when(code.str.contains("^[0-9]{4}$")).then(pl.lit("0") + code).otherwise(code)


def _joined(*parts: pl.Expr) -> pl.Expr:
    return pl.concat_str([part.fill_null("") for part in parts], separator="|")


def _nothing(*names: str) -> dict[str, pl.Expr]:
    return {name: pl.lit(None, dtype=pl.String) for name in names}


def _envelope() -> list[pl.Expr]:
    return [pl.col("_delivery"), pl.col("_position"), pl.col("_raw"), pl.lit(1, dtype=pl.Int64).alias("_record_count")]


def _view(contract: Contract, fields: Mapping[str, str], optional: set[str]) -> Contract:
    """Make the contract of one CSV form: its columns and their names on the wire, as the CSV format wants to be told."""
    pattern = contract.columns[0]
    columns = tuple(
        replace(pattern, name=name, wire_name=wire, is_required=name not in optional, is_key=True)
        for name, wire in fields.items()
    )
    return replace(
        contract,
        columns=columns,
        rules=(),
        event_time=columns[0].name,
        version=None,
        object_column=None,
        slots=NO_SLOTS,
    )


def _with_records(reading: Reading, make: Callable[[pl.DataFrame], pl.DataFrame]) -> Reading:
    return replace(reading, records=make(reading.records))
