"""What dbt has parsed in one home is good in another: it parses everything again only if the connection differs."""

from pathlib import Path

import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from jinja2 import Template

from stack.separate import separate_stack
from transform.build import DBT_PROJECT, dbt_environment, dbt_target

PROFILES = Template((DBT_PROJECT / "profiles.yml").read_text(encoding="utf-8"))


def connection_in(home: Path, first_port: int) -> list[tuple[str, object]]:
    """Return what dbt compares of the connection in a home."""
    settings = separate_stack(home, first_port)
    environment = dbt_environment(settings, dbt_target(settings, "environment"))
    profile = PROFILES.render(env_var=lambda name, default="": environment.get(name, default))
    output = yaml.safe_load(profile)["ioc_lakehouse"]["outputs"]["duckdb"]
    return list(DuckDBCredentials.from_dict(output).connection_info())


def test_the_connection_is_the_same_in_every_home(tmp_path: Path) -> None:
    connection = connection_in(tmp_path / "one", 20_000)
    assert "extension_directory" in str(connection)
    assert connection == connection_in(tmp_path / "other", 21_000)
