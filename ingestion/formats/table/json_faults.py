"""What makes an object unreadable although it is valid JSON: a repeated name, a value that is not a text, a rounded number.

Readers disagree on which of two values of one name counts, and a number that was rounded on the way (`1e5`, more digits
than a double holds) identifies nothing. Looking at every value of every object in Python would cost as much as all the rest, so DuckDB and
polars find the objects that may be wrong, and only these are looked at.
"""

import json
import re
from collections.abc import Mapping

import polars as pl

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.table.paths import Structure, quoted

TEXT_IS_NONE = r"^(?:true$|false$|[\[{])"
"""Text that may have been something other than a text or a number in JSON."""

IS_ROUNDED = r"^-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)$"
"""Text that may have been a number with a point or an exponent."""


def find_faults(read: pl.DataFrame, structure: Structure, form: Form, contract: Contract) -> pl.Expr:
    """Return the fault of each record, null if it has none; `read` has the columns and what `signs_of_faults` asks for."""
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


def signs_of_faults(structure: Structure) -> dict[str, str]:
    """Return SQL by name that shows a repeated name: at the top and in nested objects exactly; for lists, how long each list is."""
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
    """Mark records that may repeat a name in one object: a name in a list's objects that occurs more often than there are objects."""
    twice = read["_is_twice"]
    for name, leaves in _lists(structure).items():
        for leaf in leaves:
            twice |= read["_raw"].str.count_matches(f'"{leaf}"', literal=True) > read[f"_length {name}"].fill_null(0)
    return twice


class _NameTwiceError(ValueError):
    """A name is repeated in one object."""


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
