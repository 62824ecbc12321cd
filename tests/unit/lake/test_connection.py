"""DuckDB imports no module by itself: it would do so in a thread of its own, and could deadlock with another import."""

import subprocess
import sys

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
