"""OneRoster 1.1 and 1.2: a zip of CSV files, of which each feed takes the rows of one.

    education.schools     orgs.csv       organisations of type school
    education.classes     classes.csv
    education.students    users.csv      users with the role student, by users.csv (1.1) or roles.csv (1.2)

The other files are looked into where a row needs them (a pupil's class stands in enrollments.csv, the birth date in demographics.csv, the
school year in academicSessions.csv); their own rows are skipped under the name of their file. So the same zip is landed once for each feed.
A code is the `identifier` or `classCode` that an organisation, class or user has, else its `sourcedId`. `schoolYear` names the year in
which a school year ends. A pupil in several classes is counted in the first, the primary one before others. An empty `status`
means active (bulk files leave it out); `tobedeleted`, of a pupil or of the last enrolment left, comes
as `record_status`, so that a cancel keeps its history. A pupil of this
form is studying: the standard knows no other state. The version is `dateLastModified`, else the day in the archive's name.

A piece is a line, with the name of its file before it. Headers are matched as `headers.py` says: real files spell `dataLastModified` and
`prefferedGivenName`.
"""

import io
from collections.abc import Mapping

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats.base import (
    Envelope,
    Pieces,
    Reading,
    Shape,
    empty_reading,
    empty_records,
    join_raws,
    join_readings,
    require_pieces,
)
from ingestion.formats.csv import SEPARATORS, Header, fields_of, read_rows, require_columns
from ingestion.formats.headers import match_header
from ingestion.formats.lines import set_aside, split_lines
from ingestion.formats.moet import exported_at

SECTION = pl.col("_raw").str.splitn("\t", 2).struct.field("field_0")
LINE = pl.col("_raw").str.splitn("\t", 2).struct.field("field_1").fill_null("")

MARK = "oneroster/"
"""Before the name of the file, so that a line tells which wire form it is of."""

COMMON = ("sourcedId", "status", "dateLastModified")
FILES: Mapping[str, tuple[str, ...]] = {
    "orgs.csv": (*COMMON, "name", "type", "identifier", "parentSourcedId"),
    "academicSessions.csv": (*COMMON, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "classes.csv": (
        *COMMON, "title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
        "termSourcedIds", "subjects", "subjectCodes", "periods",
    ),
    "enrollments.csv": (
        *COMMON, "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate",
    ),
    "users.csv": (
        *COMMON, "enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName",
        "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier",
        "preferredGivenName", "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns",
    ),
    "roles.csv": (
        *COMMON, "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId",
    ),
    "demographics.csv": (
        *COMMON, "birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity",
        "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus",
    ),
}  # fmt: skip
"""Columns of the files that are read, OneRoster 1.1 and 1.2 together."""

FILE_OF_FEED: Mapping[str, str] = {
    "education.schools": "orgs.csv",
    "education.classes": "classes.csv",
    "education.students": "users.csv",
}
OTHERS_ASIDE: Mapping[str, str] = {"education.schools": "not_a_school", "education.students": "not_a_student"}
SEXES = {"male": "Nam", "female": "Nữ", "other": "Khác"}
STUDYING = "Đang học"
SESSIONS, CLASSES, ORGS = "academicSessions.csv", "classes.csv", "orgs.csv"


def member_pieces(members: Mapping[str, bytes]) -> Pieces:
    """Cut the files of an archive into lines, all one block; raise DeliveryError where no CSV is among them, or one stands twice."""
    names = [name.rsplit("/", 1)[-1] for name in members]
    if not any(name.lower().endswith(".csv") for name in names) or len(set(names)) != len(names):
        raise DeliveryError(
            f"delivery: a OneRoster archive of CSV files, each once, was promised, one of {len(names)} other files came",
            reason="not_oneroster",
        )
    parts: list[list[str] | pl.Series] = []
    problems: dict[int, str] = {}
    length = 0
    for name, content in zip(names, members.values(), strict=True):
        before = f"{MARK}{' '.join(name.split())}\t"
        blocks = split_lines(io.BytesIO(content)) if name.lower().endswith(".csv") else iter([Pieces(1, [""])])
        for block in blocks:
            problems |= {length + index: problem for index, problem in block.problems.items()}
            parts.append([before + raw for raw in block.raws])
            length += len(block.raws)
            require_pieces(length)
    return Pieces(1, join_raws(parts), problems)


def read_archives(pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
    """Read the lines of archives; raise DeliveryError where one has no file for the feed, or its header lacks a column."""
    readings = [
        _read_archive(lines, contract, int(str(number)), envelopes[int(str(number))].source_name)
        for (number,), lines in pieces.group_by("_delivery", maintain_order=True)
    ]
    return join_readings([empty_reading(contract.column_names), *readings])


def _read_archive(lines: pl.DataFrame, contract: Contract, delivery: int, source_name: str) -> Reading:
    mine = FILE_OF_FEED.get(contract.feed, "")
    named = lines.with_columns(SECTION.str.strip_prefix(MARK).alias("file"))
    files = {str(name): rows for (name,), rows in named.group_by("file", maintain_order=True)}
    if mine not in files:
        raise DeliveryError(
            f"{contract.feed}: an archive with {mine or 'a file for this feed'} was promised, "
            f"{len(files)} other files came",
            reason="missing_member",
            delivery=delivery,
        )
    tables = {name: _read_file(name, rows, contract.feed, delivery) for name, rows in files.items() if name in FILES}
    table = tables.pop(mine)
    rows = table.records
    is_other = _is_other(contract.feed, rows, {name: other.records for name, other in tables.items()})
    others = rows.filter(is_other)
    records = _RECORDS[contract.feed](rows.filter(~is_other), {name: other.records for name, other in tables.items()})
    version = _version(records["dateLastModified"], exported_at(source_name))
    skipped = [(delivery, f"member {name[:60]}", found.height) for name, found in files.items() if name != mine]
    skipped += [(delivery, OTHERS_ASIDE[contract.feed], others.height)] if others.height else []
    return Reading(
        records.with_columns(
            version.alias(contract.version or "version"),
            pl.col("status").fill_null("active").alias("record_status"),
        ).select(
            "_delivery",
            "_position",
            "_raw",
            "_record_count",
            *(
                pl.col(name) if name in records.columns or name in ("record_status", contract.version)
                else pl.lit(None, dtype=pl.String).alias(name)
                for name in contract.column_names
            ),
        ),
        table.unreadable,
        pl.concat([table.skipped, pl.DataFrame(skipped, schema=dict(table.skipped.schema), orient="row")]),
        table.shapes,
    )  # fmt: skip


def _read_file(name: str, rows: pl.DataFrame, feed: str, delivery: int) -> Reading:
    """Read one file into the standard's columns."""
    lines, unreadable, skipped = set_aside(rows.drop("file"), {"blank_line": _IS_BLANK}, {})
    columns = FILES[name]
    if lines.is_empty():
        return Reading(empty_records(columns), unreadable, skipped)
    text = str(lines.select(LINE.alias("line"))["line"][0])
    separator = max(SEPARATORS, key=text.count)
    require_columns(text, separator, feed, delivery)
    cells = fields_of(text, separator) or [text]
    matched = match_header(cells, {column: column for column in columns})
    if "sourcedId" not in matched.places:
        raise DeliveryError(
            f"{feed}: a header with the columns of OneRoster's {name} was promised, one without sourcedId came",
            reason="missing_column",
            delivery=delivery,
        )
    body, _, heads = set_aside(
        lines.with_columns(pl.lit(None, dtype=pl.String).alias("_problem")),
        {matched.remark: LINE.str.strip_chars().str.to_lowercase() == text.strip().lower()},
        {},
    )
    read = read_rows(body, Header(text, separator, len(cells), matched.places), columns, LINE)
    asides = pl.concat([skipped, heads, read.skipped])
    return Reading(
        read.records, pl.concat([unreadable, read.unreadable]), asides, {delivery: Shape(unknown=matched.unknown)}
    )


_IS_BLANK = LINE.str.strip_chars_start(" \r") == ""


Tables = Mapping[str, pl.DataFrame]


def _is_other(feed: str, rows: pl.DataFrame, others: Tables) -> pl.Series:
    """Tell which rows of a feed's file are something else: no school, no pupil."""
    if feed == "education.schools":
        return (rows["type"].fill_null("school").str.to_lowercase() != "school").alias("is_other")
    if feed == "education.students":
        roles = _looked_up(others, "roles.csv", "userSourcedId", "role")
        known = rows.join(roles, left_on="sourcedId", right_on="key", how="left", maintain_order="left")
        return (
            pl.Series(known["role"]).fill_null(known["value"]).fill_null("student").str.to_lowercase() != "student"
        ).alias("is_other")
    return pl.repeat(value=False, n=rows.height, eager=True).alias("is_other")


def _looked_up(tables: Tables, name: str, key: str, value: str) -> pl.DataFrame:
    """Give `key` and `value` of a file's rows, each key once; without rows where the archive has no such file."""
    table = tables.get(name, empty_records(FILES[name]))
    pairs = table.select(pl.col(key).alias("key"), pl.col(value).alias("value"))
    return pairs.drop_nulls().unique("key", keep="first", maintain_order=True)


def _with(rows: pl.DataFrame, column: str, pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add what a column points to as a new column."""
    return rows.join(
        pairs.rename({"key": column, "value": name}), on=column, how="left", maintain_order="left", validate="m:1"
    )


def _school_codes(tables: Tables) -> pl.DataFrame:
    return _looked_up(tables, ORGS, "sourcedId", "identifier")


def _school_years(tables: Tables) -> pl.DataFrame:
    years = _looked_up(tables, SESSIONS, "sourcedId", "schoolYear")
    ends = pl.col("value").cast(pl.Int32, strict=False)
    return years.with_columns(pl.format("{}-{}", ends - 1, ends).alias("value")).drop_nulls()


def _schools(rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    years = _school_years(tables)["value"]
    return rows.with_columns(
        pl.coalesce("identifier", "sourcedId").alias("school_code"),
        pl.col("name").alias("school_name"),
        pl.lit(years.max() if len(years) else None, dtype=pl.String).alias("school_year"),
    )


def _classes(rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    dated = rows.with_columns(pl.col("termSourcedIds").str.split(",").list.first().str.strip_chars().alias("term"))
    known = _with(
        _with(dated, "schoolSourcedId", _school_codes(tables), "org"), "term", _school_years(tables), "school_year"
    )
    grade = pl.col("grades").str.extract(r"^0?(\d{1,2})$")
    return known.with_columns(
        pl.coalesce("classCode", "sourcedId").alias("class_code"),
        pl.coalesce("org", "schoolSourcedId").alias("school_code"),
        pl.col("title").alias("class_name"),
        grade.alias("grade"),
    )


def _students(rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    enrolled = tables.get("enrollments.csv", empty_records(FILES["enrollments.csv"])).filter(
        pl.col("role").str.to_lowercase() == "student"
    )
    first = enrolled.sort(
        pl.col("status").fill_null("active") == "tobedeleted",
        pl.col("primary").fill_null("").str.to_lowercase() != "true",
        "_position",
    ).unique("userSourcedId", keep="first", maintain_order=True)
    classes = _classes(tables.get(CLASSES, empty_records(FILES[CLASSES])), tables).unique("sourcedId", keep="first")
    placed = first.join(
        classes.select("sourcedId", "class_code", "school_year", "grade"),
        left_on="classSourcedId",
        right_on="sourcedId",
        how="left",
    )
    schools = _with(placed, "schoolSourcedId", _school_codes(tables), "org")
    enrolments = schools.select(
        pl.col("userSourcedId").alias("sourcedId"),
        pl.coalesce("class_code", "classSourcedId").alias("class_code"),
        pl.coalesce("org", "schoolSourcedId").alias("school_code"),
        "school_year",
        "grade",
        (pl.col("status") == "tobedeleted").alias("has_left"),
    )
    known = rows.join(enrolments, on="sourcedId", how="left", maintain_order="left", validate="m:1")
    known = _with(known, "sourcedId", _looked_up(tables, "demographics.csv", "sourcedId", "birthDate"), "date_of_birth")
    known = _with(known, "sourcedId", _looked_up(tables, "demographics.csv", "sourcedId", "sex"), "sent_sex")
    name = pl.concat_str("familyName", "middleName", "givenName", separator=" ", ignore_nulls=True)
    sex = pl.col("sent_sex").str.to_lowercase()
    return known.with_columns(
        pl.coalesce("identifier", "sourcedId").alias("student_id"),
        pl.when(name != "").then(name).alias("full_name"),
        pl.when(sex != "unspecified").then(sex.replace(SEXES)).alias("sex"),
        pl.lit(STUDYING).alias("status_name"),
        pl.when("has_left").then(pl.lit("tobedeleted")).otherwise("status").alias("status"),
    )


_RECORDS = {"education.schools": _schools, "education.classes": _classes, "education.students": _students}


def _version(modified: pl.Series, exported: str | None) -> pl.Series:
    """Give the time of the last change; a day alone is its local midnight, and none at all is that of the export."""
    is_day = modified.str.contains(r"^\d{4}-\d\d-\d\d$").fill_null(value=False)
    days = pl.Series(
        [f"{text}T00:00:00+07:00" if day else text for text, day in zip(modified, is_day, strict=True)], dtype=pl.String
    )
    return days.fill_null(pl.Series([exported], dtype=pl.String)) if exported else days
