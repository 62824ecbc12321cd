"""The people of the tests: one account per role in Superset, and API clients for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import httpx

from cli.dashboards import superset_client
from core.settings import Settings

ROLES = ("leader", "analyst", "engineer")
PASSWORD = "only-for-this-test"

_addresses = (f"127.{number // 65_536 + 7}.{number // 256 % 256}.{number % 256}" for number in count(1))


def make_account(settings: Settings, name: str, role: str, password: str = PASSWORD) -> int:
    """Create an account as the administrator; return its id in Superset."""
    with superset_client(settings) as client:
        roles = client.get("/api/v1/security/roles/?q=(page_size:100)").json()["result"]
        user = {
            "username": name,
            "first_name": name,
            "last_name": name,
            "email": f"{name}@ioc.invalid",
            "active": True,
            "roles": [entry["id"] for entry in roles if entry["name"] == role],
            "password": password,
        }
        answer = client.post("/api/v1/security/users/", json=user)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


@contextmanager
def asking_as(settings: Settings, role: str) -> Iterator[httpx.Client]:
    """Yield an API client logged in with this role: `admin` is the administrator, `nobody` has not logged in."""
    if role == "nobody":
        with stranger(settings) as client:
            yield client
        return
    name, password = (None, None) if role == "admin" else (role, PASSWORD)
    with superset_client(settings, name, password) as client:
        client.headers["Connection"] = "close"  # Superset closes idle connections while the next request is on its way
        yield client


def stranger(settings: Settings) -> httpx.Client:
    """Return a client that has not logged in, has an address of its own, and sends the header that forms need."""
    address = settings.superset_address
    return httpx.Client(
        base_url=address,
        timeout=60,
        headers={"Referer": address, "Connection": "close"},
        transport=httpx.HTTPTransport(local_address=next(_addresses)),
    )
