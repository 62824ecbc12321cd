"""`ioc agencies`: a password is printed only by the command that asks for it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.agencies import app
from stack.sftp.accounts import read_accounts

ACCOUNT = "so-nong-nghiep-va-moi-truong"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IOC_HOME", str(tmp_path))
    return tmp_path


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_list_names_accounts_owners_and_folders_and_no_password(home: Path) -> None:
    rows = json.loads(ran("list", "--json").stdout)
    assert {
        "account": ACCOUNT,
        "owner": "Sở Nông nghiệp và Môi trường",
        "feeds": ["environment.station_readings"],
        "folders": ["environment"],
    } in rows
    drawn = [account.password for account in read_accounts(home).values()]
    assert len(drawn) == len(rows)
    assert [password for password in drawn if password in ran("list").stdout + json.dumps(rows)] == []


def test_the_password_is_printed_and_stays_until_it_is_renewed(home: Path) -> None:
    first = ran("password", ACCOUNT).stdout.strip()
    assert first == read_accounts(home)[ACCOUNT].password
    assert json.loads(ran("password", ACCOUNT, "--json").stdout) == {"account": ACCOUNT, "password": first}
    renewed = ran("password", ACCOUNT, "--renew").stdout.strip()
    assert renewed == read_accounts(home)[ACCOUNT].password != first


def test_an_unknown_account_is_told(home: Path) -> None:
    result = ran("password", "boss")
    assert result.exit_code == 1
    assert f"boss: expected an SFTP account ({ACCOUNT}" in " ".join(result.stderr.split())
