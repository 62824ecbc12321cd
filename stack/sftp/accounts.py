"""The SFTP accounts: one for each agency that owns a feed sent by SFTP, with a folder for each such feed.

They are kept in `IOC_HOME/sftp/accounts.json`, which only its owner can read. The server reads it at every log-in, so changes take effect
at once. The contracts determine the accounts; a password is generated once and stays until it is renewed.
"""

import fcntl
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from core.agencies import agencies
from core.contract import Contract
from core.errors import ConfigurationError, ContractError, UnknownNameError
from core.settings import Settings
from stack.secrets import SECRET_BYTES, write_private

PLAIN_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Account:
    """An agency's account; `folders` are those of its feeds, in the order of `feeds`."""

    name: str
    owner: str
    feeds: tuple[str, ...]
    folders: tuple[str, ...]
    password: str = field(repr=False)


def accounts_path(home: Path) -> Path:
    """Return the path of the accounts file of a stack."""
    return home / "sftp" / "accounts.json"


def read_accounts(home: Path) -> dict[str, Account]:
    """Read the accounts by name; empty if there is no file yet. Raises ConfigurationError for a file that is not ours."""
    path = accounts_path(home)
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = [Account(**{**row, "feeds": tuple(row["feeds"]), "folders": tuple(row["folders"])}) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"{path}: expected accounts as `ioc up` writes them, got {type(error).__name__}; remove it to generate new passwords"
        ) from error
    return {account.name: account for account in found}


def ensure_accounts(settings: Settings, contracts: Mapping[str, Contract]) -> dict[str, Account]:
    """Bring the accounts in line with the contracts: new ones get a password, those without a contract are removed.

    Raises ContractError if two feeds of an agency share a folder, or a name cannot be an account or a folder.
    """
    wanted = accounts_of(settings, contracts)

    def change(known: dict[str, Account]) -> dict[str, Account]:
        return {
            name: replace(account, password=known[name].password if name in known else token_hex(SECRET_BYTES))
            for name, account in wanted.items()
        }

    return _changed(settings.home_folder, change)


def renew_password(settings: Settings, name: str) -> Account:
    """Generate a new password for an account; the server ends the sessions that logged in with the old one."""

    def change(known: dict[str, Account]) -> dict[str, Account]:
        account = find_account(known, name)
        return {**known, name: replace(account, password=token_hex(SECRET_BYTES))}

    return _changed(settings.home_folder, change)[name]


def find_account(accounts: Mapping[str, Account], name: str) -> Account:
    """Return an account by name; raise UnknownNameError listing the accounts."""
    if name not in accounts:
        raise UnknownNameError(
            f"{name}: expected an SFTP account ({', '.join(accounts) or 'none'}), got no such name; see `ioc agencies list`",
            account=name,
        )
    return accounts[name]


def accounts_of(settings: Settings, contracts: Mapping[str, Contract]) -> dict[str, Account]:
    """Return the accounts that the contracts require, without passwords; raises ContractError like `ensure_accounts`."""
    sent = {feed: contract for feed, contract in contracts.items() if contract.connector == "sftp"}
    accounts = {}
    for name, mine in agencies(sent).items():
        if name == settings.sftp_user:
            raise ContractError(
                f"{mine[0].feed}: expected an account of its own, got {name}, which is IOC_SFTP_USER; change one of them"
            )
        folders = tuple(str(contract.option("folder")) for contract in mine)
        for contract, folder in zip(mine, folders, strict=True):
            if not PLAIN_FOLDER.fullmatch(folder) or folders.count(folder) > 1:
                raise ContractError(
                    f"{contract.feed}: expected a folder of its own, of letters, digits, _ and -, got {folder}; rename it"
                )
        feeds = tuple(contract.feed for contract in mine)
        accounts[name] = Account(name, mine[0].owner, feeds, folders, password="")
    return accounts


def _changed(home: Path, change: Callable[[dict[str, Account]], dict[str, Account]]) -> dict[str, Account]:
    """Change the accounts file; writers take turns, and readers see either the old accounts or the new ones."""
    path = accounts_path(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (path.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read_accounts(home)
        changed = change(known)
        if changed != known or not path.exists():
            unfinished = path.with_suffix(".tmp")
            write_private(
                unfinished, json.dumps([asdict(one) for one in changed.values()], ensure_ascii=False, indent=2)
            )
            unfinished.replace(path)
    return changed
