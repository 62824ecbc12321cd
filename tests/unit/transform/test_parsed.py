"""What dbt has parsed in one home is good in another: it parses everything again only if the connection or the code differs."""

from pathlib import Path

import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from jinja2 import Template

from stack.separate import separate_stack
from transform.build import (
    DBT_PROJECT,
    PARSED,
    PARSED_OF,
    code_digest,
    dbt_environment,
    dbt_target,
    forget_what_other_code_parsed,
    share_what_was_parsed,
)

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


def test_what_was_parsed_of_the_same_code_is_kept_and_shared(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    forget_what_other_code_parsed(first)
    (first / PARSED).write_bytes(b"parsed")
    share_what_was_parsed(first, second)
    for target in (first, second):
        forget_what_other_code_parsed(target)
        assert (target / PARSED).read_bytes() == b"parsed"


def test_what_was_parsed_of_other_code_is_read_again(tmp_path: Path) -> None:
    (tmp_path / PARSED).write_bytes(b"parsed")
    forget_what_other_code_parsed(tmp_path)
    assert not (tmp_path / PARSED).exists()
    (tmp_path / PARSED).write_bytes(b"parsed")
    (tmp_path / PARSED_OF).write_text("other code", encoding="utf-8")
    forget_what_other_code_parsed(tmp_path)
    assert not (tmp_path / PARSED).exists()
    assert (tmp_path / PARSED_OF).read_text(encoding="utf-8") == code_digest()
