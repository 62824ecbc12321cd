"""README's "Add a feed", taken at its word: four files in a copy of the project, and a new feed runs from bytes to staging model."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.settings import PROJECT, Settings
from stack.control import down

pytestmark = pytest.mark.stack

FEED, TABLE = "environment.noise_levels", "environment__noise_levels"
STATE = (
    ".git",
    ".venv",
    ".ioc",
    ".uv",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "target",
)

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: environment.noise_levels
name: Noise levels
version: 1.0.0
status: active
domain: environment
description: {purpose: How loud it is at the microphones of the city.}
team: {name: Sở Nông nghiệp và Môi trường}
slaProperties:
  - {property: frequency, value: 15, unit: minutes}
  - {property: freshness, value: 60, unit: minutes}
  - {property: freshnessLimit, value: 180, unit: minutes}
customProperties:
  - {property: labelVi, value: Tiếng ồn}
  - {property: connector, value: folder}
  - {property: connectorOptions, value: {folder: noise_levels, pattern: "*.csv"}}
  - {property: format, value: csv}
  - {property: eventTime, value: measured_at}
  - {property: isRefetchable, value: false}
  - property: slots
    value: {by: object, object: microphone_id, time: measured_at, lost: Nothing is kept.}
  - {property: privacyClass, value: open}
schema:
  - name: environment__noise_levels
    physicalType: table
    dataGranularityDescription: One row per microphone and time of measurement.
    properties:
      - name: microphone_id
        businessName: Mã micro
        description: Microphone.
        logicalType: string
        physicalType: VARCHAR
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        classification: open
      - name: measured_at
        businessName: Thời điểm đo
        description: When it was measured.
        logicalType: timestamp
        logicalTypeOptions: {format: iso8601, timezone: true}
        physicalType: TIMESTAMPTZ
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        classification: open
      - name: level_db
        businessName: Mức ồn (dB)
        description: A-weighted sound level, dB.
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 194}
        physicalType: DOUBLE
        required: true
        classification: open
"""
SAMPLE = (
    "microphone_id,measured_at,level_db\n"
    "M1,2026-11-20T08:00:00+07:00,61.5\n"
    "M1,2026-11-20T08:00:00+07:00,61.5\n"
    "M2,2026-11-20T08:00:00+07:00,610\n"
    "M3,2026-11-20T08:00:00+07:00\n"
)
EXPECTED = {
    "delivery": "noise.csv",
    "records": [
        {
            "position": position,
            "record_count": 1,
            "microphone_id": name,
            "measured_at": "2026-11-20T01:00:00Z",
            "level_db": level,
        }
        for position, name, level in [(2, "M1", 61.5), (3, "M1", 61.5), (4, "M2", 610.0)]
    ],
    "unreadable": [{"position": 5, "reason": "wrong_column_count", "error_group": 4}],
    "skipped": {"header": 1},
}
STAGING = """\
with source as (

    select * from {{ source('bronze', 'environment__noise_levels') }}

),

renamed as (

    select microphone_id, measured_at, level_db from source

)

select * from renamed
"""
ENTRY = """\
  - name: stg_environment__noise_levels
    description: Noise levels as loaded. One row per microphone and time of measurement.
    columns:
      - {name: microphone_id, data_tests: [not_null]}
"""


class Checkout:
    """A copy of the project, and the commands a person runs in it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self._environment = {**settings.child_environment(), "PYTHONPATH": f"{folder}:{folder / 'dags'}"}

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def ioc(self, *arguments: str) -> str:
        """Run `ioc` of the copy; it must succeed."""
        finished = self.python("-c", "from cli.main import run; run()", *arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def pytest(self, path: str, name: str) -> subprocess.CompletedProcess[str]:
        """Run the tests of a file whose names match."""
        return self.python("-m", "pytest", "-vv", "-n", "0", "-p", "no:cacheprovider", path, "-k", name)

    def missing_places(self) -> str:
        """Run the test that keeps the four places together, for this feed; give the list it complains of."""
        found = self.pytest("tests/test_conventions.py", f"four_places and {FEED}")
        assert found.returncode in (0, 1), found.stdout + found.stderr
        return next((line for line in found.stdout.splitlines() if "AssertionError" in line), "")

    def write(self, path: str, text: str) -> None:
        """Add one file, or append to it where it is there."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.fixture
def checkout(new_settings: Callable[[], Settings], tmp_path: Path) -> Iterator[Checkout]:
    """Give a copy of the project with a stack of its own, which `ioc up` starts."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*STATE), symlinks=True)
    settings = new_settings()
    try:
        yield Checkout(folder, settings)
    finally:
        down(settings)
        shutil.rmtree(folder)


def test_four_files_add_a_feed(checkout: Checkout) -> None:
    checkout.write("contracts/environment/noise_levels.odcs.yaml", CONTRACT)
    checkout.ioc("contracts", "generate")
    assert "'golden sample', 'staging model', 'yml entry'" in checkout.missing_places()
    checkout.write("tests/golden/environment/noise_levels/noise.csv", SAMPLE)
    checkout.write("tests/golden/environment/noise_levels/expected.json", json.dumps(EXPECTED))
    assert "['staging model', 'yml entry']" in checkout.missing_places()
    staging = "dbt_project/models/staging/environment"
    checkout.write(f"{staging}/stg_{TABLE}.sql", STAGING)
    assert "['yml entry']" in checkout.missing_places()
    checkout.write(f"{staging}/_environment__models.yml", ENTRY)
    assert checkout.missing_places() == ""

    golden = checkout.pytest("tests/unit/ingestion/formats/test_golden.py", FEED)
    assert (golden.returncode, "1 passed" in golden.stdout) == (0, True), golden.stdout
    dags = checkout.python("-c", f"import ingest; print(ingest.ingest__{TABLE}.dag_id)")
    assert dags.stdout.split()[-1:] == [f"ingest__{TABLE}"], dags.stderr

    checkout.ioc("up", "--only", "postgres", "--only", "seaweedfs")
    checkout.ioc("land", FEED, "tests/golden/environment/noise_levels/noise.csv")
    (row,) = json.loads(checkout.ioc("load", FEED, "--json"))
    assert {name: row[name] for name in ("pieces", "skipped", "received", "accepted", "duplicate", "quarantined")} == {
        "pieces": 5,
        "skipped": 1,
        "received": 4,
        "accepted": 1,
        "duplicate": 1,
        "quarantined": 2,
    }
    checkout.ioc("build", "environment")
    shown = checkout.python(
        "-c",
        "from core.settings import Settings\n"
        "from lake.connection import connected\n"
        "from transform.build import dbt_target\n"
        f"(compiled,) = (dbt_target(Settings(), 'environment') / 'compiled').rglob('staging/*/stg_{TABLE}.sql')\n"
        "with connected(Settings()) as connection:\n"
        "    connection.execute(\"attach 'ducklake:lake_catalog' as instant (read_only)\")\n"
        "    print(connection.execute(f'select microphone_id, level_db from ({compiled.read_text()})').fetchall())",
    )
    assert shown.stdout.strip() == "[('M1', 61.5)]", shown.stderr
