"""What the dossiers' aim leaves room for: 200,000 of them from a file to a Parquet file by DuckDB alone, one more step each time.

No bytes are verified, no record is checked, compared, counted or kept as it came, and nothing is committed: a load does all that too.
At 200,000 records/s two cores have 10 microseconds for a record.
"""

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb

from bench.dossier_records import lines
from bench.figure import timed
from core.contract import Column, Contract, find_contract
from core.reference import Reference
from ingestion.formats.table.columns import column_texts
from ingestion.formats.table.paths import structure_of

RECORDS = 200_000
TRIES = 3


def measure() -> Iterator[str]:
    """Yield a line for each step: records/s and processor microseconds per record, of the best of several tries."""
    contract = find_contract("public_services.dossiers")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("pragma disable_progress_bar")
        source = Path(folder, "records.ndjson")
        source.write_bytes(lines(Reference(), RECORDS))
        for step, query in _steps(contract, source):
            copy = partial(connection.execute, f"copy ({query}) to '{folder}/out.parquet'")
            seconds, busy = min(timed(copy)[1:] for _ in range(TRIES))
            yield f"| {step} | {RECORDS / seconds:,.0f} records/s | {busy / RECORDS * 1e6:.1f} us |"


def _steps(contract: Contract, source: Path) -> Iterator[tuple[str, str]]:
    (form,) = contract.forms
    texts = column_texts(form)
    typed = {column.name: _typed(column, texts[column.name]) for column in contract.columns}
    hashed = {column.name: _hashed(column, typed[column.name]) for column in contract.columns}
    raw = f"read_csv('{source}', columns={{'_raw': 'varchar'}}, delim='\\x01', quote='', escape='', header=false)"
    dossiers = f"(select json_transform(_raw, '{json.dumps(structure_of(form.paths))}') as record from {raw})"
    yield "lines", f"select sum(strlen(_raw)) as bytes from {raw}"
    yield (
        "and JSON, columns derived and typed",
        _select({name: f"count({sql})" for name, sql in typed.items()}, dossiers),
    )
    yield "and written to Parquet", _select(typed, dossiers)
    yield "and personal values hashed", _select(hashed, dossiers)


def _select(columns: dict[str, str], source: str) -> str:
    shown = ", ".join(f'{sql} as "{name}"' for name, sql in columns.items())
    return f"select {shown} from {source}"


def _typed(column: Column, text: str) -> str:
    if column.physical_type == "TIMESTAMPTZ":
        return f"try_strptime({text}, '%Y%m%d%H%M%S')"
    return f"try_cast({text} as {column.physical_type})"


def _hashed(column: Column, value: str) -> str:
    """Hash as often as HMAC does."""
    return f"sha256('outer' || sha256('inner' || {value}))" if column.classification == "personal" else value


if __name__ == "__main__":
    for line in measure():
        print(line, flush=True)
