"""The linters of models and contracts see what they are there for; each runs as `make check` runs it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


CONSTRUCTS = {
    "greatest(level_m, 0) as level_m": "`GREATEST(level_m, 0)`: write the macro greatest_known",
    "100.0 * level_m / 3 as level_m": "`100.0 * level_m / 3`: DuckDB divides as doubles",
    "level_m // 2 as level_m": "expected SQL that Trino can read",
    "median(level_m) as level_m": "write the macro median_over or percentile",
    "epoch(measured_at) as level_m": "`EPOCH(measured_at)`: write the macro hours_between or local_slot_number",
    "length(river_name) as level_m": "Length is not in the shared SQL; add a macro to macros/engine/ for it",
    "* exclude (river_name)": "Trino has neither exclude nor replace",
    "measured_at - interval '5 minutes' as level_m": "`interval '5 minutes'`: write the number as text",
    "extract(isoyear from read_date) as level_m": "iso_year and iso_weekday are macros",
    "read_date + 1 as level_m": "`read_date + 1`: days_after or days_between",
    "cast(measured_at as timestamptz) as level_m": "instant_type",
    "count(*) filter (where level_m > 1) over (order by river_name) as level_m": "Trino has no filter over a window",
    "count(is_high) as told, count(*) filter (where is_high) as high": "Trino counts the same for both",
    "stddev_samp(cases) as level_m": "`STDDEV_SAMP(cases)`: its last digits depend on the order of the rows",
    "sum(1e0 * cases) as level_m": "write it in the macro six_decimals",
    "unnest(levels) as level_m": "parts_of, members_of or numbers_from_to",
}
"""What a model must not say, and what the finding tells of it."""


def lint_portable_sql(folder: Path, model: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines that the linter of the shared SQL prints of a project with one model."""
    (folder / "models" / "marts" / "environment").mkdir(parents=True, exist_ok=True)
    (folder / "models" / "marts" / "environment" / "made_up.sql").write_text(model, encoding="utf-8")
    shutil.copytree(PROJECT / "dbt_project" / "macros", folder / "macros")
    shutil.copy(PROJECT / "dbt_project" / "dbt_project.yml", folder)
    arguments = (
        str(PROJECT / "lint" / ".venv" / "bin" / "python"),
        str(PROJECT / "lint" / "portable_sql.py"),
        str(folder),
    )
    finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    return finished.returncode, finished.stdout.splitlines()


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_what_engines_do_not_share_is_told_with_the_macro_for_it(tmp_path: Path, construct: str) -> None:
    code, lines = lint_portable_sql(tmp_path, f"select {construct} from {{{{ ref('gauges') }}}}")
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("models/marts/environment/made_up.sql: ")
    assert CONSTRUCTS[construct] in lines[0]


def test_a_key_of_using_cannot_be_named_by_its_table_nor_an_alias_be_grouped_by(tmp_path: Path) -> None:
    model = """\
select levels.gauge_id, level_m + 1 as step, count(*) as readings
from {{ ref('stg_environment__river_levels') }} as levels
inner join {{ ref('gauges') }} as gauges using (gauge_id)
group by gauge_id, step
"""
    code, lines = lint_portable_sql(tmp_path, model)
    assert code == 1
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "`using (gauge_id)` and `levels.gauge_id`",
        "`group by step`",
    ]


def test_both_texts_of_an_incremental_model_are_read(tmp_path: Path) -> None:
    model = """\
{{ config(materialized='incremental') }}
select {% if is_incremental() %}least(level_m, 1){% else %}level_m{% endif %} as level_m from {{ ref('gauges') }}
"""
    code, lines = lint_portable_sql(tmp_path, model)
    assert (code, len(lines)) == (1, 1)
    assert "least_known" in lines[0]


def test_what_engines_write_differently_passes_through_its_macro(tmp_path: Path) -> None:
    model = "select {{ greatest_known('level_m', 0) }} as level_m from {{ ref('gauges') }}"
    code, lines = lint_portable_sql(tmp_path, model)
    assert (code, lines) == (0, ["1 models are in the SQL that DuckDB and Trino share"])


def test_a_sum_of_a_double_is_rounded_and_a_count_by_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    columns = (
        "models: [{name: made_up, columns: [{name: level_m, data_type: double}, {name: cases, data_type: bigint}]}]"
    )
    (tmp_path / "models" / "made_up.yml").write_text(columns, encoding="utf-8")
    model = """\
select
    sum(level_m) as told,
    {{ six_decimals('sum(level_m)') }} as rounded,
    sum(case when level_m > 1 then cases end) as counted
from {{ ref('gauges') }}
"""
    code, lines = lint_portable_sql(tmp_path, model)
    assert (code, len(lines)) == (1, 1)
    assert "`SUM(level_m)`: its last digits depend on the order of the rows" in lines[0]
