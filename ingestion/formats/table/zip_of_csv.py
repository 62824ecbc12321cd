"""Archives (.zip) of CSV files: each a table with a header; a feed takes the rows of one and looks into others.

A piece is a line: `zip/<member>!<line>`, a tab, and the line; a member that is not CSV, or is empty, is one piece without text. Members
and headers are found by the matcher of `headers.py`, so that `Roles.csv` and `role.csv` are `roles.csv`. Columns without a name at
the end of a header are ignored, with whatever their rows hold there.

Only the members that a feed needs are read. A member that it looks into must be readable to its last line, since a line lost there
would change rows that are sound: otherwise the archive is refused with the names of member and line. Only a member that is not in the
archive at all, and that the archive does not declare, counts as a table without rows.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from core.errors import DeliveryError
from ingestion.formats.base import (
    SKIPPED_SCHEMA,
    Pieces,
    Reading,
    Shape,
    empty_records,
    join_raws,
    require_pieces,
)
from ingestion.formats.csv import SEPARATORS, fields_of, require_columns
from ingestion.formats.headers import Matched, match_header
from ingestion.formats.lines import set_aside, split_lines

MARK = "zip/"
NAME_LIMIT = 60
PLACE = rf"^{MARK}(.*)!\d+\t"
IS_PLACED = pl.col("_raw").str.contains(PLACE)
LINE = pl.col("_raw").str.splitn("\t", 2).struct.field("field_1").fill_null("")
IS_BLANK = LINE.str.strip_chars_start(" \r") == ""


@dataclass(frozen=True)
class Table:
    """The columns of a member that are read, those without which it is of no use, and others that it may have."""

    columns: Sequence[str]
    required: Collection[str]
    known: Collection[str]


def split_zip(members: Mapping[str, bytes]) -> Pieces:
    """Cut the CSV files of an archive into lines, all one block; raise DeliveryError if there are none, or a name is repeated."""
    named = {name: name.rsplit("/", 1)[-1] for name in members}
    distinct = {name.casefold() for name in named.values()}
    if not any(name.endswith(".csv") for name in distinct) or len(distinct) != len(named):
        raise DeliveryError(
            f"delivery: expected an archive of CSV files, each once, got {len(named)} files, of which none is one or some have the same "
            "name; pack the files of one export and send them again",
            reason="not_csv_archive",
        )
    parts: list[list[str] | pl.Series] = []
    problems: dict[int, str] = {}
    length = 0
    for name, content in members.items():
        line = 0
        for block in _lines(named[name], content):
            problems |= {length + index: problem for index, problem in block.problems.items()}
            parts.append(
                [
                    f"{MARK}{' '.join(named[name].split())}!{number}\t{raw}"
                    for number, raw in enumerate(block.raws, line + 1)
                ]
            )
            line += len(block.raws)
            length += len(block.raws)
            require_pieces(length)
    return Pieces(1, join_raws(parts), problems)


def _lines(name: str, content: bytes) -> list[Pieces]:
    """Cut a member into lines; one in UTF-16 becomes a piece with a problem, since not every feed needs it."""
    if not content or not name.lower().endswith(".csv"):
        return [Pieces(1, [""])]
    try:
        return list(split_lines(io.BytesIO(content)))
    except DeliveryError as error:
        if error.values.get("reason") != "not_utf8":
            raise
        return [Pieces(1, [""], {0: "not_utf8"})]


class Archive:
    """The members of one delivery, each read when it is asked for. `promised` are those that the archive says it holds."""

    def __init__(self, pieces: pl.DataFrame, tables: Mapping[str, Table], feed: str, delivery: int) -> None:
        self._tables, self._feed, self._delivery = tables, feed, delivery
        named = pieces.with_columns(pl.col("_raw").str.extract(PLACE).fill_null("").alias("member"))
        self.members = {str(name): lines for (name,), lines in named.group_by("member", maintain_order=True)}
        self.promised: Collection[str] = ()
        self._looked_into: dict[str, pl.DataFrame] = {}

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """For each table, the name of the member that holds it."""
        names = [name for name in self.members if not name.startswith(".")]
        places = match_header(names, {name: name for name in self._tables}).places
        return {table: names[place] for table, place in places.items()}

    def has(self, name: str) -> bool:
        """Whether the archive holds a member for a table."""
        return name in self._names

    def read(self, name: str) -> Reading:
        """Read the feed's own member; raise DeliveryError if it is not there, or its header lacks a column."""
        if name not in self._names:
            raise self._refused(
                "missing_member", f"expected an archive with {name}, got {len(self.members)} other files", "add it"
            )
        return self._read(name)

    def look_into(self, name: str) -> pl.DataFrame:
        """Return the rows of a further member; raise DeliveryError if it was sent and cannot be read, or is declared and missing."""
        if name not in self._looked_into:
            self._looked_into[name] = self._whole(name)
        return self._looked_into[name]

    def skipped(self, name: str) -> pl.DataFrame:
        """Count the lines of all members but the feed's own, each as skipped under its member's name."""
        rows = [
            (self._delivery, f"member {member[:NAME_LIMIT]}", lines.height)
            for member, lines in self.members.items()
            if member != self._names[name]
        ]
        return pl.DataFrame(rows, schema=SKIPPED_SCHEMA, orient="row")

    def _whole(self, name: str) -> pl.DataFrame:
        if name not in self._names:
            if name in self.promised:
                raise self._refused(
                    "missing_member", f"expected {name}, which the archive says it holds, got none", "add it"
                )
            return empty_records(self._tables[name].columns)
        reading = self._read(name)
        if reading.unreadable.height:
            reason, raw = reading.unreadable.sort("_position").select("reason", "_raw").row(0)
            place = raw.partition("\t")[0].removeprefix(MARK)
            raise self._refused(
                "unreadable_member",
                f"expected {name} without broken lines, since others are read by it, got {reading.unreadable.height}, first {place[:80]} "
                f"({reason})",
                "correct it",
            )
        if not reading.shapes:
            raise self._refused("unreadable_member", f"expected {name} with a header, got an empty file", "export it")
        return reading.records

    def _read(self, name: str) -> Reading:
        table, delivery = self._tables[name], self._delivery
        pieces = self.members[self._names[name]].drop("member")
        lines, unreadable, skipped = set_aside(pieces, {"blank_line": IS_BLANK}, {})
        if lines.is_empty():
            if unreadable.height:
                problem = str(unreadable["reason"][0])
                raise self._refused(problem, f"expected {name} in UTF-8, got {problem}", "save it as UTF-8")
            return Reading(empty_records(table.columns), unreadable, skipped)
        text = str(lines.select(LINE.alias("line"))["line"][0])
        header = self._header(name, text)
        cut = header.cut(lines)
        rows, broken, heads = set_aside(
            cut,
            {header.matched.remark: LINE.str.strip_chars().str.to_lowercase() == text.strip().lower()},
            {
                "broken_quotes": pl.col("count").is_null(),
                "wrong_column_count": ~pl.col("count").is_between(header.named, header.width),
            },
        )
        records = cut.join(rows.select("_position"), on="_position", how="semi", maintain_order="left").select(
            "_delivery", "_position", "_raw", pl.lit(1, dtype=pl.Int64).alias("_record_count"), *table.columns
        )
        shapes = {delivery: Shape(unknown=header.matched.unknown)}
        return Reading(records, pl.concat([unreadable, broken]), pl.concat([skipped, heads]), shapes)

    def _header(self, name: str, text: str) -> "_Header":
        table = self._tables[name]
        separator = max(SEPARATORS, key=text.count)
        require_columns(text, separator, self._feed, self._delivery)
        cells = fields_of(text, separator) or [text]
        matched = match_header(cells, {column: column for column in table.columns}, table.known)
        missing = [column for column in table.required if column not in matched.places]
        if missing:
            raise self._refused(
                "missing_column",
                f"expected {name} with a header that names {', '.join(missing)}, got one without",
                "correct it",
            )
        if matched.twice:
            raise self._refused(
                "column_twice",
                f"expected each column of {name} once, got {', '.join(matched.twice)} twice",
                "correct it",
            )
        named = max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)
        return _Header(separator, named, len(cells), matched, table.columns)

    def _refused(self, reason: str, what: str, remedy: str) -> DeliveryError:
        return DeliveryError(
            f"{self._feed}: {what}; {remedy} and send the archive again", reason=reason, delivery=self._delivery
        )


@dataclass(frozen=True)
class _Header:
    """The header of a member: how many columns it has, how many up to the last named one, and where the expected ones are."""

    separator: str
    named: int
    width: int
    matched: Matched
    columns: Sequence[str]

    def cut(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Add the columns, as text or null, and `count`: how many fields a line has, null if its quotes are broken."""
        rows = [self._fields(line) for line in lines.select(LINE.alias("line"))["line"]]
        return lines.with_columns(
            pl.lit(None, dtype=pl.String).alias("_problem"),
            pl.Series("count", [None if row is None else len(row) for row in rows], dtype=pl.Int64),
            *(pl.Series(name, self._column(name, rows), dtype=pl.String) for name in self.columns),
        )

    def _column(self, name: str, rows: list[list[str] | None]) -> list[str | None]:
        place = self.matched.places.get(name)
        if place is None:
            return [None] * len(rows)
        return [row[place] or None if row and place < len(row) else None for row in rows]

    def _fields(self, line: str) -> list[str] | None:
        """Split a line; empty fields after the last named column are dropped, and of too many fields one is kept."""
        fields = fields_of(line, self.separator) if '"' in line else line.split(self.separator, self.width)
        if fields is None:
            return None
        if any(field.strip(f"{self.separator} ") for field in fields[self.width :]):
            return fields[: self.width + 1]
        del fields[self.width :]
        while len(fields) > self.named and not fields[-1].strip():
            fields.pop()
        return fields
