"""`ioc users`: an account from its first password to its end, on a running Superset."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from cli import users
from cli.verbs import app
from core.settings import Settings
from tests.people import stranger
from tests.security.visitors import is_let_in, log_in_by_api, log_in_by_form

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Said:
    """The output of the command."""

    exit_code: int
    rows: list[dict[str, object]]
    message: str


@pytest.fixture
def ioc(superset_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    monkeypatch.setattr(users, "Settings", lambda: superset_settings)

    def run(*arguments: str) -> Said:
        said = CliRunner().invoke(app, ["users", *arguments, "--json"])
        rows = json.loads(said.stdout) if said.exit_code == 0 else []
        return Said(said.exit_code, rows, "" if said.exit_code == 0 else json.loads(said.stderr)["message"])

    return run


def may_log_in(settings: Settings, name: str, password: object) -> bool:
    with stranger(settings) as client:
        return log_in_by_api(client, name, password).status_code == 200


def test_an_account_lives_from_its_first_password_to_its_end(
    superset_settings: Settings, ioc: Callable[..., Said]
) -> None:
    name = f"nguyen.van.an-{uuid4().hex[:6]}"
    added = ioc("add", name, "--role", "analyst", "--full-name", "Nguyễn Văn An")
    (account,) = added.rows
    assert (account["name"], account["role"]) == (name, "analyst")
    assert may_log_in(superset_settings, name, account["password"])
    (listed,) = [row for row in ioc("list").rows if row["name"] == name]
    assert (listed["role"], listed["full_name"], listed["is_active"]) == ("analyst", "Nguyễn Văn An", True)
    assert listed["last_login_at"] is not None

    (renewed,) = ioc("reset", name).rows
    assert not may_log_in(superset_settings, name, account["password"])
    with stranger(superset_settings) as client:
        log_in_by_form(client, name, str(renewed["password"]))
        assert is_let_in(client)
        (ended,) = ioc("disable", name.upper()).rows
        assert ended["is_active"] is False
        assert not is_let_in(client)
    assert not may_log_in(superset_settings, name, renewed["password"])

    (again,) = ioc("reset", name).rows
    assert may_log_in(superset_settings, name, again["password"])
    refused = ioc("add", name.upper(), "--role", "leader")
    assert refused.exit_code == 1
    assert "expected a new name" in refused.message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "somebody", "--role", "boss"), 'expected a role of leader, analyst, engineer, got "boss"'),
        (("add", "somebody", "--role", "Admin"), 'expected a role of leader, analyst, engineer, got "Admin"'),
        (("reset", "somebody"), 'expected a name from `ioc users list`, got "somebody"'),
        (("disable", "somebody"), 'expected a name from `ioc users list`, got "somebody"'),
        (("disable", "admin"), 'expected an account of a person, got "admin"'),
        (("reset", "ADMIN"), 'expected an account of a person, got "ADMIN"'),
        (("reset", "ioc-reporter"), 'expected an account of a person, got "ioc-reporter"'),
    ],
)
def test_what_cannot_be_is_said(ioc: Callable[..., Said], arguments: tuple[str, ...], message: str) -> None:
    said = ioc(*arguments)
    assert said.exit_code == 1
    assert message in said.message
