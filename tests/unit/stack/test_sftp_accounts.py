"""The SFTP accounts, and the limit on wrong passwords."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from core.contract import Contract, find_contract, read_contracts
from core.errors import ConfigurationError, ContractError, UnknownNameError
from core.settings import Settings
from stack.sftp.accounts import accounts_path, ensure_accounts, find_account, read_accounts, renew_password
from stack.sftp.logins import CLOSED_SECONDS, WITHIN_SECONDS, WRONG, WrongPasswords

STATIONS = find_contract("environment.station_readings")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def feed(name: str, owner: str, folder: str) -> Contract:
    options = tuple((key, folder if key == "folder" else value) for key, value in STATIONS.connector_options)
    return replace(STATIONS, feed=f"environment.{name}", owner=owner, connector_options=options)


def by_feed(*contracts: Contract) -> dict[str, Contract]:
    return {contract.feed: contract for contract in contracts}


def test_an_owner_has_one_account_with_a_folder_for_each_of_its_feeds(settings: Settings) -> None:
    contracts = by_feed(feed("a", "Sở Y tế", "a"), feed("b", "Sở Y tế", "b"), feed("c", "Đài Khí tượng", "a"))
    accounts = ensure_accounts(settings, contracts)
    assert {name: (one.owner, one.feeds, one.folders) for name, one in accounts.items()} == {
        "so-y-te": ("Sở Y tế", ("environment.a", "environment.b"), ("a", "b")),
        "dai-khi-tuong": ("Đài Khí tượng", ("environment.c",), ("a",)),
    }
    assert read_accounts(settings.home_folder) == accounts


def test_the_accounts_of_the_contracts_can_be_made(settings: Settings) -> None:
    contracts = read_contracts()
    owners = {contract.owner for contract in contracts.values() if contract.connector == "sftp"}
    assert {account.owner for account in ensure_accounts(settings, contracts).values()} == owners != set()


def test_passwords_differ_are_private_drawn_once_and_not_shown_with_the_account(settings: Settings) -> None:
    contracts = by_feed(feed("a", "Sở Y tế", "a"), feed("c", "Đài Khí tượng", "a"))
    drawn = {name: account.password for name, account in ensure_accounts(settings, contracts).items()}
    assert len({*drawn.values()}) == 2
    assert min(map(len, drawn.values())) == 48
    assert {name: one.password for name, one in ensure_accounts(settings, contracts).items()} == drawn
    assert stat.S_IMODE(accounts_path(settings.home_folder).stat().st_mode) == 0o600
    assert drawn["so-y-te"] not in repr(read_accounts(settings.home_folder))


def test_an_account_that_no_contract_names_is_closed_and_the_others_stay(settings: Settings) -> None:
    one, other = feed("a", "Sở Y tế", "a"), feed("c", "Đài Khí tượng", "a")
    before = ensure_accounts(settings, by_feed(one, other))
    assert ensure_accounts(settings, by_feed(other)) == {"dai-khi-tuong": before["dai-khi-tuong"]}


def test_a_renewed_password_is_another_and_only_that_accounts(settings: Settings) -> None:
    before = ensure_accounts(settings, by_feed(feed("a", "Sở Y tế", "a"), feed("c", "Đài Khí tượng", "a")))
    renewed = renew_password(settings, "so-y-te")
    after = read_accounts(settings.home_folder)
    assert renewed.password == after["so-y-te"].password != before["so-y-te"].password
    assert after["dai-khi-tuong"] == before["dai-khi-tuong"]
    with pytest.raises(
        UnknownNameError, match=r"expected an SFTP account \(so-y-te, dai-khi-tuong\), got no such name"
    ):
        renew_password(settings, "so-y-ta")
    with pytest.raises(UnknownNameError):
        find_account({}, "so-y-te")


@pytest.mark.parametrize(
    ("contracts", "message"),
    [
        ([feed("a", "Sở Y tế", "a"), feed("b", "Sở Y tế", "a")], "expected a folder of its own"),
        ([feed("a", "Sở Y tế", "../b")], "expected a folder of its own"),
        ([feed("a", "Sở Y tế", "a/b")], "expected a folder of its own"),
        ([feed("a", "Sở Y tế", ".a")], "expected a folder of its own"),
        ([feed("a", "Sở Y tế", "a"), feed("b", "Sổ Y tế", "b")], "which shares one with"),
        ([feed("a", "IOC SFTP", "a")], "expected an account of its own"),
    ],
)
def test_what_cannot_be_an_account_is_refused(settings: Settings, contracts: list[Contract], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        ensure_accounts(settings, by_feed(*contracts))


def test_a_file_that_is_not_ours_is_told_without_what_is_in_it(settings: Settings) -> None:
    path = accounts_path(settings.home_folder)
    path.parent.mkdir(parents=True)
    path.write_text('[{"name": "so-y-te", "password": "hunter2"}]')
    with pytest.raises(ConfigurationError, match="expected accounts as `ioc up` writes them") as caught:
        read_accounts(settings.home_folder)
    assert "hunter2" not in str(caught.value)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_five_wrong_passwords_within_a_minute_close_the_door_for_a_while() -> None:
    clock = Clock()
    wrong = WrongPasswords(clock)
    assert [wrong.count(("so-y-te", "10.0.0.1")) for _ in range(WRONG)] == [False, False, False, False, True]
    doors = (("so-y-te", "10.0.0.1"), ("so-y-te", "10.0.0.2"), ("dai-khi-tuong", "10.0.0.1"))
    assert [wrong.is_closed(door) for door in doors] == [True, False, False]
    clock.now += CLOSED_SECONDS - 1
    assert wrong.is_closed(doors[0])
    clock.now += 1
    assert not wrong.is_closed(doors[0])
    assert not wrong.count(doors[0])


def test_slow_mistakes_close_nothing_and_are_forgotten() -> None:
    clock = Clock()
    wrong = WrongPasswords(clock)
    for _ in range(3 * WRONG):
        assert not wrong.count("door")
        clock.now += WITHIN_SECONDS / (WRONG - 1)
    clock.now += WITHIN_SECONDS
    wrong.count("other door")
    assert list(wrong._wrong) == ["other door"]
