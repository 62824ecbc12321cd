"""OneRoster 1.1 and 1.2: a zip of CSV files, of which each feed takes the rows of one file.

    education.schools     orgs.csv       organisations of type school
    education.classes     classes.csv
    education.students    users.csv      users with the role student, by users.csv (1.1) or roles.csv (1.2)

The other files are looked into as needed (a pupil's class is in enrollments.csv, the birth date in demographics.csv, the
school year in academicSessions.csv); their own rows are skipped under the name of their file. So the same zip is landed once for each feed.
A code is the `identifier` or `classCode` that an organisation, class or user has, else its `sourcedId`. `schoolYear` is the year in
which a school year ends. A pupil in several classes is counted in the first, the primary one before others. An empty `status`
means active (bulk files leave it out); `tobedeleted`, of a pupil or of the last enrolment left, becomes
the `record_status`, so that a cancelled record keeps its history. A pupil in
this form counts as studying: the standard has no other state. The version is `dateLastModified`, else the day in the archive's name.

`table/zip_of_csv.py` says how members and headers are found: real files spell `dataLastModified` and `prefferedGivenName`. `manifest.csv`
lists the files of an archive. A user without a role in `users.csv` or `roles.csv` is quarantined: it could be a teacher.
"""

from collections.abc import Mapping

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from ingestion.formats.base import SKIPPED_SCHEMA, UNREADABLE_SCHEMA, Envelope, Reading, empty_reading, join_readings
from ingestion.formats.moet import exported_at
from ingestion.formats.table.zip_of_csv import Archive, Table

COMMON = ("sourcedId", "status", "dateLastModified")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "manifest.csv": ("propertyName", "value"),
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

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "manifest.csv": (),
    "enrollments.csv": ("userSourcedId", "classSourcedId", "role"),
    "roles.csv": ("userSourcedId", "role"),
}
"""Columns without which a file is of no use, if they are not just `sourcedId`."""

FILES = {name: Table(columns, REQUIRED.get(name, ("sourcedId",))) for name, columns in COLUMNS.items()}
FILE_OF_FEED: Mapping[str, str] = {
    "education.schools": "orgs.csv",
    "education.classes": "classes.csv",
    "education.students": "users.csv",
}
KINDS: Mapping[str, str] = {
    "education.schools": "school",
    "education.classes": "class",
    "education.students": "student",
}
"""The kind of rows that belong to a feed; its file holds others too."""
SEXES = {"male": "Nam", "female": "Nữ", "other": "Khác"}
STUDYING = "Đang học"
SESSIONS, CLASSES, ORGS, ROLES = "academicSessions.csv", "classes.csv", "orgs.csv", "roles.csv"
ENROLLMENTS, DEMOGRAPHICS, MANIFEST = "enrollments.csv", "demographics.csv", "manifest.csv"
ROLE_MISSING = "role_missing"
MISSING_GROUP = 1


def read_archives(pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:
    """Read the lines of archives; raise DeliveryError if one has no file for the feed, or its header lacks a column."""
    readings = [
        _read_archive(lines, contract, int(str(number)), envelopes[int(str(number))].source_name)
        for (number,), lines in pieces.group_by("_delivery", maintain_order=True)
    ]
    return join_readings([empty_reading(contract.column_names), *readings])


def _read_archive(lines: pl.DataFrame, contract: Contract, delivery: int, source_name: str) -> Reading:
    if contract.feed not in FILE_OF_FEED:
        raise DeliveryError(
            f"{contract.feed}: expected a workbook, got a OneRoster archive, which does not hold this feed; send the workbook",
            reason="missing_member",
            delivery=delivery,
        )
    mine, kind = FILE_OF_FEED[contract.feed], KINDS[contract.feed]
    archive = Archive(lines, FILES, contract.feed, delivery)
    archive.promised = _promised(archive)
    table = archive.read(mine)
    rows = table.records.with_columns(_kinds(contract.feed, table.records, archive).alias("kind"))
    records = _RECORDS[contract.feed](rows.filter(pl.col("kind") == kind), archive)
    unknown = rows.filter(pl.col("kind").is_null()).with_columns(
        pl.lit(ROLE_MISSING).alias("reason"), pl.lit(MISSING_GROUP, dtype=pl.Int32).alias("error_group")
    )
    others = rows.filter(pl.col("kind") != kind).height
    skipped = pl.DataFrame([(delivery, f"not_a_{kind}", others)] if others else [], schema=SKIPPED_SCHEMA, orient="row")
    version = _version(records["dateLastModified"], exported_at(source_name))
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
        pl.concat([table.unreadable, unknown.select(UNREADABLE_SCHEMA.keys())]),
        pl.concat([table.skipped, archive.skipped(mine), skipped]),
        table.shapes,
    )  # fmt: skip


def _promised(archive: Archive) -> set[str]:
    """Return the files that the archive's manifest declares: a line `file.roles,bulk` each."""
    if not archive.has(MANIFEST):
        return set()
    listed = archive.read(MANIFEST).records.filter(pl.col("value").str.to_lowercase().is_in(["bulk", "delta"]))
    return {
        f"{name.removeprefix('file.')}.csv" for name in listed["propertyName"].drop_nulls() if name.startswith("file.")
    }


def _kinds(feed: str, rows: pl.DataFrame, archive: Archive) -> pl.Series:
    """Return what each row of a feed's file is: a school, a student …; null for a user whose role no file states."""
    if feed == "education.schools":
        return rows["type"].fill_null("school").str.to_lowercase()
    if feed == "education.students":
        roles = _looked_up(archive, ROLES, "userSourcedId", "role")
        known = rows.join(roles, left_on="sourcedId", right_on="key", how="left", maintain_order="left")
        return pl.Series(known["role"]).fill_null(known["value"]).str.to_lowercase()
    return pl.repeat(KINDS[feed], n=rows.height, eager=True)


def _looked_up(archive: Archive, name: str, key: str, value: str) -> pl.DataFrame:
    """Return `key` and `value` of a file's rows, each key once; without rows if the archive has no such file."""
    pairs = archive.look_into(name).select(pl.col(key).alias("key"), pl.col(value).alias("value"))
    return pairs.drop_nulls().unique("key", keep="first", maintain_order=True)


def _with(rows: pl.DataFrame, column: str, pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add what a column points to as a new column."""
    return rows.join(
        pairs.rename({"key": column, "value": name}), on=column, how="left", maintain_order="left", validate="m:1"
    )


def _school_codes(archive: Archive) -> pl.DataFrame:
    return _looked_up(archive, ORGS, "sourcedId", "identifier")


def _school_years(archive: Archive) -> pl.DataFrame:
    years = _looked_up(archive, SESSIONS, "sourcedId", "schoolYear")
    ends = pl.col("value").cast(pl.Int32, strict=False)
    return years.with_columns(pl.format("{}-{}", ends - 1, ends).alias("value")).drop_nulls()


def _schools(rows: pl.DataFrame, archive: Archive) -> pl.DataFrame:
    years = _school_years(archive)["value"]
    return rows.with_columns(
        pl.coalesce("identifier", "sourcedId").alias("school_code"),
        pl.col("name").alias("school_name"),
        pl.lit(years.max() if len(years) else None, dtype=pl.String).alias("school_year"),
    )


def _classes(rows: pl.DataFrame, archive: Archive) -> pl.DataFrame:
    dated = rows.with_columns(pl.col("termSourcedIds").str.split(",").list.first().str.strip_chars().alias("term"))
    known = _with(
        _with(dated, "schoolSourcedId", _school_codes(archive), "org"), "term", _school_years(archive), "school_year"
    )
    grade = pl.col("grades").str.extract(r"^0?(\d{1,2})$")
    return known.with_columns(
        pl.coalesce("classCode", "sourcedId").alias("class_code"),
        pl.coalesce("org", "schoolSourcedId").alias("school_code"),
        pl.col("title").alias("class_name"),
        grade.alias("grade"),
    )


def _students(rows: pl.DataFrame, archive: Archive) -> pl.DataFrame:
    enrolled = archive.look_into(ENROLLMENTS).filter(pl.col("role").str.to_lowercase() == "student")
    first = enrolled.sort(
        pl.col("status").fill_null("active") == "tobedeleted",
        pl.col("primary").fill_null("").str.to_lowercase() != "true",
        "_position",
    ).unique("userSourcedId", keep="first", maintain_order=True)
    classes = _classes(archive.look_into(CLASSES), archive).unique("sourcedId", keep="first")
    placed = first.join(
        classes.select("sourcedId", "class_code", "school_year", "grade"),
        left_on="classSourcedId",
        right_on="sourcedId",
        how="left",
    )
    schools = _with(placed, "schoolSourcedId", _school_codes(archive), "org")
    enrolments = schools.select(
        pl.col("userSourcedId").alias("sourcedId"),
        pl.coalesce("class_code", "classSourcedId").alias("class_code"),
        pl.coalesce("org", "schoolSourcedId").alias("school_code"),
        "school_year",
        "grade",
        (pl.col("status") == "tobedeleted").alias("has_left"),
    )
    known = rows.join(enrolments, on="sourcedId", how="left", maintain_order="left", validate="m:1")
    known = _with(known, "sourcedId", _looked_up(archive, DEMOGRAPHICS, "sourcedId", "birthDate"), "date_of_birth")
    known = _with(known, "sourcedId", _looked_up(archive, DEMOGRAPHICS, "sourcedId", "sex"), "sent_sex")
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
    """Return the time of the last change; a day alone means its local midnight, and none at all the time of the export."""
    is_day = modified.str.contains(r"^\d{4}-\d\d-\d\d$").fill_null(value=False)
    days = pl.Series(
        [f"{text}T00:00:00+07:00" if day else text for text, day in zip(modified, is_day, strict=True)], dtype=pl.String
    )
    return days.fill_null(pl.Series([exported], dtype=pl.String)) if exported else days
