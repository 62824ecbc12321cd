"""Separated text (CSV): lines of fields below a header row.

The header is the first of the first lines that names every required column, found by the matcher of `headers.py`; the separator
(comma, semicolon or TAB) is the one most frequent in it. A later line that names them all again (files glued together, with a byte
order mark between them) is a header too: the lines below are read by it, whatever its order. A column that the contract does not know is
named in the reading's shape and not read: its values stay in landing and in the raw text of quarantined rows. A line is one row: a quoted
field may hold separators and quotes, but no newline, since otherwise a row with a lost quote would swallow the rows after it. Rows can
only be read with their header, so a delivery is one block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from core.table_forms import Form
from ingestion.formats.base import Reading, Shape, empty_records, join_readings
from ingestion.formats.csv import LINE, SEPARATORS, Header, fields_of, read_rows, require_columns
from ingestion.formats.headers import HEADER, key_of
from ingestion.formats.lines import IS_BLANK, set_aside
from ingestion.formats.table.columns import part_by_reason, read_columns
from ingestion.formats.table.headings import absent_headers, match_form, required_headers, usual_names

HEADER_LINES = 12
"""The header must be within this many lines that are not blank."""


@dataclass(frozen=True)
class _Found:
    """A header row: how its columns are read, and the remark under which it is skipped."""

    header: Header
    remark: str
    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()


def read_separated(pieces: pl.DataFrame, form: Form, contract: Contract) -> Reading:
    """Read rows; raise DeliveryError if no header of a file names the required columns."""
    lines, unreadable, skipped = set_aside(pieces, {"blank_line": IS_BLANK}, {})
    readings = [Reading(empty_records(contract.column_names), unreadable, skipped)]
    if lines.is_empty():
        return readings[0]
    marked, headers = _with_headers(lines, form, contract)
    for (text,), group in marked.group_by("_header", maintain_order=True):
        if text is None:
            asides = set_aside(
                group.select(*lines.columns, _problem=pl.lit(None, pl.String)), {"above_header": pl.lit(value=True)}, {}
            )
            readings.append(Reading(empty_records(contract.column_names), asides[1], asides[2]))
            continue
        readings.append(_read_section(group, headers[str(text)], form, contract))
    joined = join_readings(readings)
    return replace(joined, records=joined.records.sort("_delivery", "_position"), shapes=_shapes(readings))


def _shapes(readings: list[Reading]) -> Mapping[int, Shape]:
    """Merge the names that the sections of a delivery have."""
    shapes: dict[int, Shape] = {}
    for reading in readings:
        for number, shape in reading.shapes.items():
            before = shapes.get(number, shape)
            shapes[number] = Shape(
                tuple(dict.fromkeys((*before.unknown, *shape.unknown))),
                tuple(dict.fromkeys((*before.absent, *shape.absent))),
            )
    return shapes


def _with_headers(lines: pl.DataFrame, form: Form, contract: Contract) -> tuple[pl.DataFrame, dict[str, _Found]]:
    """Add to each line the text of the header above it (`_header`), and whether it is a header itself (`_is_header`)."""
    find = _Finder(form, contract)
    beginnings = lines.group_by("_delivery", maintain_order=True).head(HEADER_LINES)
    firsts: dict[int, tuple[int, str]] = {}
    for (number,), group in beginnings.group_by("_delivery", maintain_order=True):
        firsts[int(str(number))] = find.first(int(str(number)), group.select("_position", LINE.alias("line")).rows())
    first = pl.DataFrame(
        [(number, position, text) for number, (position, text) in firsts.items()],
        schema={"_delivery": pl.UInt32, "_first": pl.Int64, "_text": pl.String},
        orient="row",
    )
    placed = lines.join(first, on="_delivery", how="left", maintain_order="left")
    folded = LINE.str.strip_chars().str.to_lowercase()
    is_again = folded == pl.col("_text").str.strip_chars().str.to_lowercase()
    required = [name.lower() for name in find.required]
    is_like = (
        pl.all_horizontal(folded.str.contains(name, literal=True) for name in required)
        if required
        else pl.lit(value=False)
    )
    is_maybe = placed.select((is_again | is_like) & (pl.col("_position") > pl.col("_first")))["_raw"]
    others = placed.filter(is_maybe.alias("_maybe")).select(
        "_delivery", "_position", LINE.alias("line"), is_again.alias("again")
    )
    at: dict[tuple[int, int], str] = {(number, position): text for number, (position, text) in firsts.items()}
    for number, position, line, again in others.rows():
        if again:
            at[number, position] = firsts[number][1]
        elif find.is_another(line):
            at[number, position] = line
    rows = pl.DataFrame(
        [(number, position, text) for (number, position), text in at.items()],
        schema={"_delivery": pl.UInt32, "_position": pl.Int64, "_header": pl.String},
        orient="row",
    )
    marked = placed.drop("_first", "_text").join(rows, on=["_delivery", "_position"], how="left", maintain_order="left")
    marked = marked.with_columns(pl.col("_header").is_not_null().alias("_is_header"))
    return marked.with_columns(pl.col("_header").forward_fill().over("_delivery")), find.found


def _told(remark: str) -> str:
    """Return the part of a remark that says what was taken for what: unknown names can be a person's, and appear in the shape alone."""
    return remark.partition("; unknown")[0] if "taken" in remark else HEADER


class _Finder:
    """Finds header rows; each distinct text is matched once."""

    def __init__(self, form: Form, contract: Contract) -> None:
        self._form, self._contract = form, contract
        self.found: dict[str, _Found] = {}
        self.required = required_headers(form, contract)

    def first(self, delivery: int, beginning: list[tuple[int, str]]) -> tuple[int, str]:
        """Return position and text of a file's header; raise DeliveryError if there is none."""
        for position, text in beginning:
            if not self._look(text, delivery).missing and not self._look(text, delivery).twice:
                return position, text
        best = min((self._look(text, delivery) for _, text in beginning), key=lambda found: len(found.missing))
        raise self._refused(best, delivery)

    def is_another(self, text: str) -> bool:
        """Whether a later line names every required column, each exactly."""
        found = self._look(text, 0)
        return not found.missing and not found.twice and found.remark == HEADER

    def _look(self, text: str, delivery: int) -> _Found:
        if text not in self.found:
            self.found[text] = self._match(text, delivery)
        return self.found[text]

    def _match(self, text: str, delivery: int) -> _Found:
        separator = max(SEPARATORS, key=text.count)
        require_columns(text, separator, self._contract.feed, delivery)
        cells = usual_names(fields_of(text, separator) or [text], self._form)
        matched = match_form(cells, self._form)
        keys = [key_of(cell) for cell in cells]
        twice = tuple(path for path in self._form.paths if keys.count(key_of(path)) > 1)
        shape = Shape(unknown=matched.unknown, absent=absent_headers(matched, self._form))
        missing = tuple(path for path in self.required if path not in matched.places)
        return _Found(Header(text, separator, len(cells), matched.places, shape), _told(matched.remark), missing, twice)

    def _refused(self, best: _Found, delivery: int) -> DeliveryError:
        expected = list(self._form.headers)
        wrong = f"{', '.join(best.missing)} missing" if best.missing else f"{', '.join(best.twice)} twice"
        return DeliveryError(
            f"{self._contract.feed}: expected a header with {', '.join(expected)}, got {best.header.width} columns ({wrong}); "
            "correct the header and send the file again",
            reason="missing_column" if best.missing else "column_twice",
            delivery=delivery,
            missing=list(best.missing),
            found=[*best.header.places, *best.header.shape.unknown],
            promised=expected,
        )


def _read_section(lines: pl.DataFrame, found: _Found, form: Form, contract: Contract) -> Reading:
    """Read the rows below one header, of all deliveries that have it."""
    own = ["_delivery", "_position", "_raw"]
    body, _, heads = set_aside(
        lines.with_columns(pl.lit(None, dtype=pl.String).alias("_problem")), {found.remark: pl.col("_is_header")}, {}
    )
    rows = read_rows(body.select(own), found.header, form.paths)
    sent = [pl.col(path).replace(dict.fromkeys(form.nulls)) if form.nulls else pl.col(path) for path in form.paths]
    held = rows.records.select(pl.struct(sent).alias("record"))
    read = rows.records.select(own).hstack(read_columns(held, "record", form, contract))
    kept, refused, passed = part_by_reason(read.rename({"refused": "reason"}), form, contract)
    shapes = dict.fromkeys(lines["_delivery"].unique(maintain_order=True).to_list(), found.header.shape)
    return Reading(kept, pl.concat([rows.unreadable, refused]), pl.concat([heads, rows.skipped, passed]), shapes)
