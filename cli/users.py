"""Verbs for people's accounts in Superset: list them, add one, reset a password, disable one.

They use Superset's own API, as the administrator. Passwords are generated here and shown once, so that nobody chooses a weak one and none
ends up in a shell's history. An account is disabled, never deleted, so that its actions keep a name.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import httpx
import typer

from cli.dashboards import answer_of, superset_client
from cli.output import AsJson, Row, ends_well, show
from core.errors import ConfigurationError, UnknownNameError
from core.settings import Settings

ROLES = ("leader", "analyst", "engineer")
"""The roles of superset/roles.py."""

PASSWORD_BYTES = 16
PAGE_SIZE = 100

app = typer.Typer(help="The accounts of people in Superset.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The person's login name.")]
User = Mapping[str, object]


@app.command("list")
@ends_well
def list_users(as_json: AsJson = False) -> None:
    """List the accounts, their roles, and their last logins."""
    with superset_client(Settings()) as client:
        show([_row(user) for user in _users(client).values()], "Accounts", as_json=as_json)


@app.command()
@ends_well
def add(
    name: Name,
    role: Annotated[str, typer.Option(help=f"{', '.join(ROLES)}; docs/accounts.md says what each may do.")],
    full_name: Annotated[str, typer.Option(help="The person's name, as shown on pages.")] = "",
    email: Annotated[str, typer.Option(help="Also accepted for logging in.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create an account, and show its password once."""
    if role not in ROLES:
        raise UnknownNameError(
            f'users: expected a role of {", ".join(ROLES)}, got "{role}"; see `ioc users add --help`', role=role
        )
    with superset_client(Settings()) as client:
        if name.casefold() in _users(client):
            raise ConfigurationError(
                f'users: expected a new name, got "{name}", which has an account; `ioc users reset {name}` renews its password'
            )
        roles = answer_of(client, "GET", f"/api/v1/security/roles/?q=(page_size:{PAGE_SIZE})")["result"]
        first_name, _, last_name = (full_name or name).partition(" ")
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        account = {
            "username": name,
            "first_name": first_name,
            "last_name": last_name or first_name,
            "email": email or f"{name}@ioc.invalid",
            "active": True,
            "roles": [entry["id"] for entry in roles if entry["name"] == role],
            "password": password,
        }
        answer_of(client, "POST", "/api/v1/security/users/", account, subject="users")
    show([{"name": name, "role": role, "password": password}], "Shown this once", as_json=as_json)


@app.command()
@ends_well
def reset(name: Name, as_json: AsJson = False) -> None:
    """Generate a new password and show it once; ends the account's sessions and enables it again if disabled."""
    settings, password = Settings(), secrets.token_urlsafe(PASSWORD_BYTES)
    with superset_client(settings) as client:
        _change(client, settings, name, {"password": password, "active": True})
    show([{"name": name, "password": password}], "Shown this once", as_json=as_json)


@app.command()
@ends_well
def disable(name: Name, as_json: AsJson = False) -> None:
    """Disable an account and end its sessions."""
    settings = Settings()
    with superset_client(settings) as client:
        _change(client, settings, name, {"active": False})
        show([_row(_users(client)[name.casefold()])], "Disabled", as_json=as_json)


def _users(client: httpx.Client) -> dict[str, User]:
    """Return every account by its name in lower case, since Superset ignores case."""
    found: dict[str, User] = {}
    while True:
        question = f"(order_column:username,order_direction:asc,page:{len(found) // PAGE_SIZE},page_size:{PAGE_SIZE})"
        page = answer_of(client, "GET", f"/api/v1/security/users/?q={question}")
        found |= {str(user["username"]).casefold(): user for user in page["result"]}
        if len(page["result"]) < PAGE_SIZE:
            return found


def _change(client: httpx.Client, settings: Settings, name: str, changes: Mapping[str, object]) -> None:
    ours = {
        settings.superset_admin_user.casefold(): ("the administrator", "IOC_SUPERSET_ADMIN_PASSWORD"),
        settings.superset_reporter_user.casefold(): ("which prints reports", "IOC_SUPERSET_REPORTER_PASSWORD"),
    }
    if name.casefold() in ours:
        what, variable = ours[name.casefold()]
        raise ConfigurationError(
            f'users: expected an account of a person, got "{name}", {what}; its password is {variable}'
        )
    user = _users(client).get(name.casefold())
    if user is None:
        raise UnknownNameError(f'users: expected a name from `ioc users list`, got "{name}"; correct it', name=name)
    answer_of(client, "PUT", f"/api/v1/security/users/{user['id']}", changes, subject="users")


def _row(user: User) -> Row:
    roles, last_login = user["roles"], user.get("last_login")
    return {
        "name": str(user["username"]),
        "role": ", ".join(sorted(str(role["name"]) for role in roles)) if isinstance(roles, list) else None,
        "full_name": f"{user['first_name']} {user['last_name']}",
        "is_active": bool(user["active"]),
        "last_login_at": datetime.fromisoformat(str(last_login)).astimezone() if last_login else None,
    }
