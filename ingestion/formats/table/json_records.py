"""JSON: a list, an object that holds the list, or one object a line; which of them a delivery is, its beginning tells.

A piece is one object, the exact text of it. A list that ends in the middle (a line that broke) gives its complete objects, and one
unreadable piece for the rest. An answer with an error code is refused whole, and so is a document that holds records where nobody
promised them: cut at its newlines it would become as many broken records as it has lines.

Numbers may come as numbers or as text. What is neither (true, an object, a list) where a text was promised makes its record
unreadable, and so does a name that stands twice in one object: readers disagree which of the two counts. A number is no identifier
where it was rounded on the way (`1e5`, more digits than a double holds).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec
import polars as pl

from core.contract import Contract
from core.errors import DeliveryError
from core.table_forms import Form
from ingestion.formats.base import Pieces, Reading
from ingestion.formats.documents import (
    BROKEN_JSON,
    array_pieces,
    read_document,
    require_members,
    salvaged_pieces,
    too_deep,
    whole_piece,
)
from ingestion.formats.lines import IS_BLANK, as_unreadable, cut_piece, set_aside, split_lines
from ingestion.formats.members import member_shapes
from ingestion.formats.table.columns import read_columns
from ingestion.formats.table.paths import Structure, quoted, structure_of, type_of

TEXT_IS_NONE = r"^(?:true$|false$|[\[{])"
"""A text that JSON may have held as something else than a text or a number."""

IS_ROUNDED = r"^-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)$"
"""A text that may have been a number with a point or an exponent."""

FIRST_LINE = 1024
"""A document written over several lines begins with a short one, in bytes."""


def split_json(content: BinaryIO, beginning: bytes, form: Form) -> Iterator[Pieces]:
    """Cut a delivery into objects.

    Raises DeliveryError for an answer that refuses (`source_refused`), a document whose records stand elsewhere (`no_list`,
    `wrapped_otherwise`), or one too large.
    """
    first = beginning.lstrip()[:1]
    if first == b"[" and not form.document:
        yield array_pieces(read_document(content, beginning))
    elif first == b"[" or form.document or _first_name(beginning) in {*form.records[:1], *form.error_path[:1]}:
        yield _cut_answer(read_document(content, beginning), form)
    else:
        document, is_whole = _alone(content, beginning)
        members = _members(document) if is_whole else None
        if is_whole and _holds_the_list(document, members, form):
            yield _cut_answer(document, form)
        elif members is not None:
            _require_a_record(members, form)
            text, problem = cut_piece(document.strip())
            yield Pieces(1, [text], {0: problem} if problem else {})
        else:
            yield from split_lines(content, document)


def read_json(pieces: pl.DataFrame, form: Form, contract: Contract) -> Reading:
    """Read objects into records."""
    is_document = (pl.col("_position") == 1) if form.document else pl.lit(value=False)
    readable, unreadable, skipped = set_aside(
        pieces,
        {"blank_line": IS_BLANK, "header": is_document},
        {
            f"not_a_{form.item}": ~pl.col("_raw").str.strip_chars_start().str.starts_with("{"),
            "nul_byte": pl.col("_raw").str.contains("\\u0000", literal=True),
        },
    )
    structure = structure_of(form.paths)
    held = _with_document(readable, pieces, form)
    document = ", document" if form.document else ""
    records = f"select _raw, try(json_transform(_raw, '{_as_sql(structure)}')) as record{document}"
    read = held.hstack(read_columns(held, records, form, contract, _counts(structure)))
    reason = (
        pl.when(~pl.col("is_read"))
        .then(pl.lit("not_json"))
        .when(pl.col("refused").is_not_null())
        .then(pl.col("refused"))
    )
    marked = read.with_columns(reason.alias("reason"))
    marked = marked.with_columns(
        pl.when(pl.col("reason").is_null())
        .then(_odd(marked, structure, form, contract))
        .otherwise(pl.col("reason"))
        .alias("reason")
    )
    kept = marked.filter(pl.col("reason").is_null()).select(
        "_delivery", "_position", "_raw", pl.lit(1, dtype=pl.Int64).alias("_record_count"), *contract.column_names
    )
    broken = as_unreadable(marked.filter(pl.col("reason").is_not_null()))
    return Reading(kept, pl.concat([unreadable, broken]), skipped, member_shapes(readable, form.columns, _known(form)))


def _known(form: Form) -> tuple[str, ...]:
    return (*form.known, *structure_of(form.paths))


def _as_sql(structure: Structure) -> str:
    return json.dumps(structure).replace("'", "''")


def _first_name(beginning: bytes) -> str:
    found = re.match(rb'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:', beginning)
    return found[1].decode(errors="replace") if found else ""


def _alone(content: BinaryIO, beginning: bytes) -> tuple[bytes, bool]:
    """Return what was read of a delivery, and whether that is all of it and one object, over several lines or on a single one.

    A first line that is whole, or broken with a whole one behind it, is the first of many lines.
    """
    first, newline, rest = beginning.strip().partition(b"\n")
    second = rest.lstrip().partition(b"\n")[0]
    if newline and (len(first) > FIRST_LINE or _members(first) is not None or _members(second) is not None):
        return beginning, False
    if not newline and _members(first) is None:
        return beginning, False
    return read_document(content, beginning), True


def _holds_the_list(document: bytes, members: Mapping[str, msgspec.Raw] | None, form: Form) -> bool:
    """Tell whether a lone object has the list that the form promises, as far as a broken one tells."""
    if not form.records:
        return False
    if members is not None:
        return form.records[0] in members
    return re.search(rb'"%s"\s*:\s*\[' % re.escape(form.records[-1].encode()), document) is not None


def _cut_answer(document: bytes, form: Form) -> Pieces:
    _refuse_an_error(document, form)
    return _cut_list(document, form)


def _refuse_an_error(document: bytes, form: Form) -> None:
    if not form.error_path:
        return
    name = form.error_path[-1]
    found = re.search(rb'"%s"\s*:\s*"?(-?\w+)' % re.escape(name.encode()), document)
    if found and found[1].decode(errors="replace") != form.error_fine:
        code = found[1][:10].decode(errors="replace")
        raise DeliveryError(
            f"delivery: expected an answer with {name} {form.error_fine}, got {code}; ask the agency why it refuses",
            reason="source_refused",
        )


def _cut_list(document: bytes, form: Form) -> Pieces:
    """Cut the list that stands at the declared path, below what stands beside it where that is a part of each record."""
    if form.document and document.count(b'"%s"' % form.records[-1].encode()) != 1:
        raise _no_list(document, form)
    require_members(document)
    try:
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except RecursionError as error:
        raise too_deep() from error
    except BROKEN_JSON:
        return _salvage(document, form)
    beside = dict(members)
    held: object = beside.pop(form.records[0], None)
    for name in form.records[1:]:
        try:
            held = msgspec.json.decode(bytes(held), type=dict[str, msgspec.Raw]).get(name) if held is not None else None  # type: ignore[call-overload]
        except BROKEN_JSON:
            held = None
    array = bytes(held) if isinstance(held, msgspec.Raw) else b""
    if not array.startswith(b"["):
        raise _no_list(document, form)
    return _below(msgspec.json.encode(beside), array_pieces(array), form)


def _salvage(document: bytes, form: Form) -> Pieces:
    """Cut what is left of a document that broke off."""
    beginning = re.search(rb'"%s"\s*:\s*(?=\[)' % re.escape(form.records[-1].encode()), document)
    if beginning is None:
        if form.document:
            raise _no_list(document, form)
        return whole_piece(document)
    rest = document[beginning.end() :]
    require_members(rest)
    values = salvaged_pieces(rest.decode("utf-8", errors="surrogateescape"), closing="}" * len(form.records))
    if not form.document:
        return values
    header = document[: beginning.start()].rstrip(b", \t\r\n") + b"}"
    try:
        msgspec.json.decode(header)
    except BROKEN_JSON as error:
        raise _no_list(document, form) from error
    return _below(header.lstrip(), values, form)


def _below(header: bytes, values: Pieces, form: Form) -> Pieces:
    """Put what stands beside the list before its pieces, as a piece of its own."""
    if not form.document:
        return values
    text, problem = cut_piece(header)
    problems = {index + 1: name for index, name in values.problems.items()}
    return Pieces(1, [text, *values.raws], problems | ({0: problem} if problem else {}))


def _no_list(document: bytes, form: Form) -> DeliveryError:
    wanted = f"one list {'.'.join(form.records)}"
    try:
        found = f"an object of {len(msgspec.json.decode(document, type=dict[str, msgspec.Raw]))} other members"
    except BROKEN_JSON:
        found = "another document"
    return DeliveryError(
        f"delivery: expected JSON with {wanted}, got {found}; export the records at that place", reason="no_list"
    )


def _members(text: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except BROKEN_JSON:
        return None


def _require_a_record(members: Mapping[str, msgspec.Raw], form: Form) -> None:
    """Raise DeliveryError where a lone object is no record, but holds a list of objects."""
    names = structure_of(form.paths)
    if any(name in names for name in members):
        return
    for value in members.values():
        if re.match(rb"\[\s*\{", bytes(value)):
            count = msgspec.json.decode(bytes(value), type=list[msgspec.Raw])
            wanted = (
                f"a list of records, an object with the list {'.'.join(form.records)}"
                if form.records
                else "a list of records"
            )
            raise DeliveryError(
                f"delivery: expected {wanted} or one record a line, got an object that holds a list of {len(count)} under another name; "
                "send the list itself",
                reason="wrapped_otherwise",
            )


def _with_document(readable: pl.DataFrame, pieces: pl.DataFrame, form: Form) -> pl.DataFrame:
    """Put the members beside the list to every record of it."""
    if not form.document:
        return readable
    structure = structure_of(form.document)
    headers = pieces.filter((pl.col("_position") == 1) & pl.col("_problem").is_null()).select("_delivery", "_raw")
    read = [_header(raw, form) for raw in headers["_raw"]]
    known = headers.select("_delivery").with_columns(pl.Series("document", read, dtype=type_of(structure)))
    return readable.join(known, on="_delivery", how="left", maintain_order="left")


def _header(raw: str, form: Form) -> dict[str, str | None] | None:
    try:
        members = msgspec.json.decode(raw)
    except (*BROKEN_JSON, UnicodeEncodeError):
        return None
    return {name: _text(members.get(name)) for name in form.document}


def _text(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _odd(read: pl.DataFrame, structure: Structure, form: Form, contract: Contract) -> pl.Expr:
    """Find records in which a name stands twice, or something else than a text or a number where one was promised."""
    texts = {c.name: c for c in contract.columns if c.name in form.columns and c.logical_type == "string"}
    candidates = _with_a_name_twice(read, structure)
    plain = [path for path in form.sources if "[]" not in path]
    if plain:
        candidates |= read["_raw"].str.contains(
            f'"(?:{"|".join(re.escape(path.rpartition(".")[2]) for path in plain)})"\\s*:\\s*[\\[{{]'
        )
    for name, column in texts.items():
        candidates |= read[name].str.contains(TEXT_IS_NONE).fill_null(value=False)
        if column.is_key or column.is_identifier:
            leaf = re.escape(form.columns[name].rpartition(".")[2])
            is_rounded = read[name].str.contains(IS_ROUNDED).fill_null(value=False)
            candidates |= is_rounded & read["_raw"].str.contains(rf'"{leaf}"\s*:\s*-?\d')
    rows = candidates.arg_true().to_list()
    if not rows:
        return pl.lit(None, dtype=pl.String)
    paths = {column.name: form.columns[column.name].split(".") for column in texts.values()}
    paths |= {path: path.split(".") for path in plain}
    exact = {name for name, column in texts.items() if column.is_key or column.is_identifier}
    found: list[str | None] = [None] * read.height
    for row in rows:
        found[row] = _fault_of(str(read["_raw"][row]), paths, set(texts), exact)
    return pl.lit(pl.Series(found, dtype=pl.String))


def _counts(structure: Structure) -> dict[str, str]:
    """Write SQL for what tells of a name that stands twice: at the top and in objects exactly, and how long each list of objects is."""
    keys = ["json_keys(_raw)"]
    keys += [f"json_keys(_raw, '$.\"{name}\"')" for name, entry in structure.items() if isinstance(entry, dict)]
    differs = " or ".join(f"coalesce(len({names}) <> list_unique({names}), false)" for names in keys)
    lengths = {f"_length {name}": f"len(record.{quoted(name)})" for name in _lists(structure)}
    return {"_is_twice": f"record is not null and coalesce(try({differs}), false)", **lengths}


def _lists(structure: Structure) -> dict[str, Structure]:
    return {
        name: entry[0] for name, entry in structure.items() if isinstance(entry, list) and isinstance(entry[0], dict)
    }


def _with_a_name_twice(read: pl.DataFrame, structure: Structure) -> pl.Series:
    """Mark records that may hold a name twice in one object: where a list's objects hold it more often than there are objects."""
    twice = read["_is_twice"]
    for name, leaves in _lists(structure).items():
        for leaf in leaves:
            twice |= read["_raw"].str.count_matches(f'"{leaf}"', literal=True) > read[f"_length {name}"].fill_null(0)
    return twice


class _NameTwiceError(ValueError):
    """A name stands twice in one object."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NameTwiceError
    return members


def _fault_of(raw: str, paths: Mapping[str, list[str]], texts: set[str], exact: set[str]) -> str | None:
    try:
        record = json.loads(raw, object_pairs_hook=_once)
    except _NameTwiceError:
        return "name_twice"
    except (ValueError, RecursionError):
        return "not_json"
    for name, path in paths.items():
        value: object = record
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict | list) or (isinstance(value, bool) and name in texts):
            return f"{name}_no_text"
        if name in exact and isinstance(value, float):
            return f"{name}_rounded"
    return None
