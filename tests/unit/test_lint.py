"""The linters of models and contracts see what they are there for; each runs as `make check` runs it."""

import json
import subprocess
import sys
from pathlib import Path

from core.settings import PROJECT

CONTRACT = PROJECT / "contracts" / "environment" / "river_levels.odcs.yaml"


def lint_model(text: str) -> list[tuple[int, str]]:
    """Return line and rule of each finding in a model."""
    program = Path(sys.executable).parent / "sqlfluff"
    arguments = (str(program), "lint", "--format=json", "--stdin-filename=dbt_project/models/made_up.sql", "-")
    finished = subprocess.run(arguments, input=text, cwd=PROJECT, capture_output=True, text=True, check=False)
    findings = [finding for one in json.loads(finished.stdout) for finding in one["violations"]]
    assert finished.returncode == (1 if findings else 0), finished.stderr
    return sorted((finding["start_line_no"], finding["code"]) for finding in findings)


def lint_contracts(folder: Path) -> tuple[int, list[str]]:
    """Return the exit code and the lines that the linter of contracts prints."""
    arguments = (
        str(PROJECT / "lint" / ".venv" / "bin" / "python"),
        str(PROJECT / "lint" / "contracts.py"),
        str(folder),
    )
    finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    return finished.returncode, finished.stdout.splitlines()


def test_a_model_is_read_with_the_projects_own_macros_and_variables() -> None:
    text = """\
with final as (

    select {{ local_date('measured_at') }} as local_date, {{ 60 // var('slots_per_hour') }} as minutes
    from {{ ref('stg_environment__river_levels') }}
    {%- if is_incremental() %}
    where _source_version > {{ built_version() }}
    {%- else %}
    where measured_at is not null
    {%- endif %}

)

select * from final
"""
    assert lint_model(text) == []


def test_a_model_out_of_style_is_told_by_rule() -> None:
    text = """\
with final as (

    SELECT levels.level_m::integer as level_m, g.river_name
    from {{ ref('stg_environment__river_levels') }} levels
    join {{ ref('gauges') }} as g using (gauge_id)
    {%- if not is_incremental() %}
    where g.river_name != ''
    {%- endif %}

)

select level_m from final
"""
    assert lint_model(text) == [
        (3, "CP01"),
        (3, "CV11"),
        (4, "AL01"),
        (5, "AL06"),
        (5, "AM05"),
        (7, "CV01"),
        (12, "CV13"),
    ]


def test_a_contract_outside_the_standard_is_told_by_its_place(tmp_path: Path) -> None:
    right, wrong = tmp_path / "environment" / "right.odcs.yaml", tmp_path / "environment" / "wrong.odcs.yaml"
    right.parent.mkdir()
    text = CONTRACT.read_text(encoding="utf-8")
    right.write_text(text, encoding="utf-8")
    wrong.write_text(text.replace("classification: open", "clasification: open", 1), encoding="utf-8")
    code, lines = lint_contracts(tmp_path)
    assert code == 1
    place = f"{wrong}: data.schema.environment__river_levels.properties.gauge_id: unknown fields are ignored: 'clasification'"
    assert [line.partition(". ")[0] for line in lines] == [place]


def test_a_folder_without_contracts_is_a_finding(tmp_path: Path) -> None:
    code, lines = lint_contracts(tmp_path)
    assert (code, lines) == (
        1,
        [f"{tmp_path}: expected contracts in <domain>/<feed>.odcs.yaml, got none; name the folder that holds them"],
    )
