"""The page of indicators names each figure, what it is computed from and who is responsible for it."""

from pathlib import Path

import pytest

from codegen.indicators import indicators_page
from core.contract import find_contract
from core.domains import Domain
from transform.lineage import lineage_of

GAUGES = find_contract("environment.river_levels")
MARTS = """
models:
  - name: level_days
    description: Mực nước ngày. / Levels by day. One row per gauge and day.
    columns:
      - {name: gauge_id, data_type: varchar, description: Trạm / Gauge.}
      - {name: highest_m, data_type: double, description: "Cao nhất (m) / Highest | of the day; NULL without any."}
      - {name: latitude, data_type: double, description: Vĩ độ / Latitude.}
"""
FILES = {
    "models/marts/environment/_environment__models.yml": MARTS,
    "models/marts/environment/level_days.sql": "select * from {{ ref('int_levels') }} join ({{ alarms_in_force() }}) using (gauge_id)",
    "macros/alarms.sql": "{% macro alarms_in_force() -%}\n    select * from {{ ref('alarms') }}\n{%- endmacro %}",
    "models/intermediate/environment/int_levels.sql": "select * from {{ ref('stg_levels') }}",
    "models/staging/environment/stg_levels.sql": "select * from {{ source('bronze', 'environment__river_levels') }}",
    "seeds/alarms.csv": "domain,key,verified\nenvironment,a,true\nenvironment,b,false\nhealth,c,false\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "dbt_project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_figure_stands_with_its_formula_its_sources_and_its_owner(project: Path) -> None:
    domain = Domain("environment", "Môi trường", "Environment", ())
    page = indicators_page({GAUGES.feed: GAUGES}, (domain,), project, "Generated").splitlines()
    assert page[page.index("### level_days") :] == [
        "### level_days",
        "",
        "Mực nước ngày. / Levels by day. One row per gauge and day.",
        "",
        f"From `environment.river_levels`, `alarms` (1 of 2 rows unverified). Owner: {GAUGES.owner}.",
        "",
        "| figure | formula |",
        "|---|---|",
        "| `highest_m` | Cao nhất (m) / Highest \\| of the day; NULL without any. |",
    ]


def test_a_circle_of_references_ends() -> None:
    models = {"a": "ref('b')", "b": "ref('a') ref('list') source('bronze', 't')"}
    lineage = lineage_of("a", models, frozenset({"list"}))
    assert (lineage.tables, lineage.lists) == (("t",), ("list",))
