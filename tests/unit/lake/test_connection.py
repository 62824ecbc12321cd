"""DuckDB imports no module by itself: it would do so in a thread of its own, and could deadlock with another import.

It loads no extension whose signature was not checked.
"""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from core.errors import ServiceError
from lake.connection import connect
from stack.separate import separate_stack

SCRIPT = """
import sys
import polars
from lake.connection import IMPORTED_BY_DUCKDB, connect
from core.settings import Settings
import duckdb

class Opened(Exception):
    pass

def open_and_look(*arguments, **options):
    raise Opened

opens, duckdb.connect = duckdb.connect, open_and_look
try:
    connect(Settings())
except Opened:
    pass
before = set(sys.modules)
with opens() as connection:
    connection.execute("select ?, ?, ?", [1, "x", [1.5, None]]).fetchall()
    connection.register("frame", polars.DataFrame({"number": [1, 2], "text": ["x", None]}))
    connection.execute("select * from frame where number > 1").pl()
    connection.execute("select uuid(), 1.5::decimal, timestamp '2026-11-20', interval 1 day, time '12:00'").fetchall()
print(sorted(set(sys.modules) - before))
"""


def test_duckdb_finds_what_it_would_import(tmp_path: object) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=str(tmp_path)
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "[]\n", "")


def test_an_extension_that_was_replaced_is_refused(tmp_path: Path) -> None:
    settings = separate_stack(tmp_path, 20_000)
    for _ in range(2):
        connect(settings, catalogs=()).close()
    (extension,) = (tmp_path / "duckdb_extensions").rglob("ducklake.duckdb_extension")
    signed = extension.read_bytes()
    extension.unlink()
    extension.write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    with pytest.raises(ServiceError, match="its signature is either missing or invalid"):
        connect(settings, catalogs=())


def test_an_open_connection_loads_no_extension_without_a_signature(tmp_path: Path) -> None:
    connection = connect(separate_stack(tmp_path, 20_000), catalogs=())
    (extension,) = (tmp_path / "duckdb_extensions").rglob("icu.duckdb_extension")
    unsigned = tmp_path / "other.duckdb_extension"
    signed = extension.read_bytes()
    unsigned.write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    with pytest.raises(duckdb.Error, match="its signature is either missing or invalid"):
        connection.load_extension(str(unsigned))
    with pytest.raises(duckdb.Error, match="Cannot change allow_unsigned_extensions"):
        connection.execute("set allow_unsigned_extensions = true")
