"""What sqlfluff puts in dbt's place when it renders a model: the project's own variables, and DuckDB as the engine.

Its own stand-in answers every variable with the same text, with which a model cannot count. sqlfluff runs this module anew for each model.
"""

from pathlib import Path
from typing import Any

import yaml
from jinja2 import pass_context
from jinja2.runtime import Context

PROJECT_FILE = Path(__file__).resolve().parents[2] / "dbt_project" / "dbt_project.yml"
_VARIABLES: dict[str, object] = yaml.load(PROJECT_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["vars"]


def var(name: str) -> object:
    """Return a variable of the project, as dbt does; raises KeyError where there is none."""
    return _VARIABLES[name]


class adapter:  # noqa: N801  dbt's name
    """dbt's adapter: it finds the macro by which an engine says something."""

    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str) -> Any:
        """Return DuckDB's macro of a name."""
        return context.resolve(f"duckdb__{name}")
