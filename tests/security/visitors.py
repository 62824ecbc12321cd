"""Somebody with an account, logged in by the form and by the API, and what can be done with their cookies and tokens."""

import re
from dataclasses import dataclass
from uuid import uuid4

import httpx

from core.settings import Settings
from tests.people import PASSWORD, asking_as, make_account, stranger

WHO_AM_I = "/api/v1/me/"


@dataclass(frozen=True)
class Visitor:
    """An account, its cookie from before and after the log-in, and its tokens."""

    settings: Settings
    number: int
    name: str
    planted: str
    cookie: str
    access: str
    refresh: str


def welcome(settings: Settings, role: str = "leader") -> Visitor:
    """Create an account and log in by the form and by the API."""
    name, number = new_account(settings, role)
    with stranger(settings) as client:
        client.get("/login/")
        planted = client.cookies["session"]
        answer = log_in_by_form(client, name, PASSWORD)
        assert answer.status_code == 302, answer.text
        cookie = client.cookies["session"]
    with stranger(settings) as client:
        tokens = log_in_by_api(client, name, PASSWORD).json()
    return Visitor(settings, number, name, planted, cookie, tokens["access_token"], tokens["refresh_token"])


def new_account(settings: Settings, role: str = "leader") -> tuple[str, int]:
    """Create an account with a unique name; return the name and its id in Superset."""
    name = f"visitor{uuid4().hex[:8]}"
    return name, make_account(settings, name, role)


def log_in_by_api(client: httpx.Client, name: object, password: object, **more: object) -> httpx.Response:
    question = {"username": name, "password": password, "provider": "db", "refresh": True, **more}
    return client.post("/api/v1/security/login", json=question)


def log_in_by_form(client: httpx.Client, name: str, password: str) -> httpx.Response:
    token = csrf_token(client)
    return client.post("/login/", data={"username": name, "password": password, "csrf_token": token})


def csrf_token(client: httpx.Client) -> str:
    found = re.search(r'csrf_token[^>]*value="([^"]+)"', client.get("/login/").text)
    assert found, "the log-in page holds a token"
    return found[1]


def is_let_in(client: httpx.Client) -> bool:
    """Whether Superset recognises the client as logged in."""
    answer = client.get(WHO_AM_I)
    assert answer.status_code in {200, 401, 422}, answer.text
    return answer.is_success and not answer.json()["result"].get("is_anonymous")


def asks(
    settings: Settings, *, cookies: dict[str, str] | None = None, headers: dict[str, str] | None = None, query: str = ""
) -> int:
    """Request the current user with these credentials alone; return the status."""
    with stranger(settings) as client:
        for name, value in (cookies or {}).items():
            client.cookies.set(name, value)
        return client.get(WHO_AM_I + query, headers=headers).status_code


def refreshes(settings: Settings, token: str) -> int:
    """Request a new access token; return the status."""
    with stranger(settings) as client:
        return client.post("/api/v1/security/refresh", headers={"Authorization": f"Bearer {token}"}).status_code


def log_out(visitor: Visitor, *, by: str = "cookie") -> None:
    with stranger(visitor.settings) as client:
        if by == "cookie":
            client.cookies.set("session", visitor.cookie)
            answer = client.get("/logout/")
        else:
            answer = client.get("/logout/", headers={"Authorization": f"Bearer {visitor.access}"})
        assert answer.status_code == 302, answer.text


def change(visitor: Visitor, **what: object) -> None:
    """Change the account as the administrator."""
    with asking_as(visitor.settings, "admin") as client:
        answer = client.put(f"/api/v1/security/users/{visitor.number}", json=what)
        assert answer.status_code == 200, answer.text
