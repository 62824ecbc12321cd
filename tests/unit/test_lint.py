"""The linter of the models sees what it is there for, with the settings of `make check`."""

import json
import subprocess
import sys
from pathlib import Path

from core.settings import PROJECT


def lint_model(text: str) -> list[tuple[int, str]]:
    """Return line and rule of each finding in a model."""
    program = Path(sys.executable).parent / "sqlfluff"
    arguments = (str(program), "lint", "--format=json", "--stdin-filename=dbt_project/models/made_up.sql", "-")
    finished = subprocess.run(arguments, input=text, cwd=PROJECT, capture_output=True, text=True, check=False)
    findings = [finding for one in json.loads(finished.stdout) for finding in one["violations"]]
    assert finished.returncode == (1 if findings else 0), finished.stderr
    return sorted((finding["start_line_no"], finding["code"]) for finding in findings)


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
