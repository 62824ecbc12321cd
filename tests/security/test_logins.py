"""Log-ins by the API and by the form: wrong names and passwords, limits on attempts, passwords that are too short."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from core.settings import Settings
from stack.superset import THREADS
from tests.people import PASSWORD, asking_as, stranger
from tests.security.visitors import (
    Visitor,
    csrf_token,
    is_let_in,
    log_in_by_api,
    log_in_by_form,
    new_account,
    welcome,
)

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

WRONG = (
    ("leader", "wrong-password-1"),
    ("leader", ""),
    ("leader", "leader"),
    ("leader", PASSWORD.upper()),
    ("leader", f"{PASSWORD} "),
    ("leader", f" {PASSWORD}"),
    ("leader", PASSWORD[:-1]),
    ("leader", PASSWORD * 2),
    ("leader", f"{PASSWORD}\0"),
    ("leader", "\0"),
    ("leader", "' or '1'='1"),
    ("leader", "x" * 100_000),
    ("", PASSWORD),
    (" leader", PASSWORD),
    ("leader ", PASSWORD),
    ("leader\n", PASSWORD),
    ("leader\0", PASSWORD),
    ("leader\u200b", PASSWORD),
    ("ｌｅａｄｅｒ", PASSWORD),
    ("lеader", PASSWORD),
    ("leader'--", PASSWORD),
    ("leader' or '1'='1", PASSWORD),
    ("' union select 1, 'leader' --", PASSWORD),
    ("leader; drop table ab_user", PASSWORD),
    ("lead%", PASSWORD),
    ("leade_", PASSWORD),
    ("*", PASSWORD),
    ("leader)(|(uid=*", PASSWORD),
    ("{{ 7 * 7 }}", PASSWORD),
    ("nobody", PASSWORD),
    ("Public", PASSWORD),
    ("1", PASSWORD),
    ("admin", "admin"),
    ("admin", PASSWORD),
)
NO_TEXT: tuple[tuple[object, object], ...] = (
    ({"$ne": None}, {"$ne": None}),
    (["leader"], PASSWORD),
    ("leader", [PASSWORD]),
    ("leader", None),
    (None, None),
    (True, True),
    (1, 1),
    ("leader", 0),
)
PROVIDERS = ("ldap", "oauth", "saml", "remote_user", "", "db'--", "DB")


TRIES_AT_AN_ACCOUNT = 8


@pytest.fixture(scope="module")
def targets(people: Settings) -> Iterator[str]:
    """Names of accounts to try, changed often enough that none reaches its limit."""

    def names() -> Iterator[str]:
        while True:
            yield from [new_account(people)[0]] * TRIES_AT_AN_ACCOUNT

    return names()


@pytest.mark.parametrize(("name", "password"), WRONG)
def test_the_api_lets_nobody_in_by_a_wrong_name_or_password(
    people: Settings, targets: Iterator[str], name: str, password: str
) -> None:
    with stranger(people) as client:
        answer = log_in_by_api(client, name.replace("leader", next(targets)), password)
        assert answer.status_code in {400, 401}, answer.text
        assert not is_let_in(client)


@pytest.mark.parametrize(("name", "password"), [pair for pair in WRONG if pair == tuple(map(str.strip, pair))])
def test_the_form_lets_nobody_in_by_a_wrong_name_or_password(
    people: Settings, targets: Iterator[str], name: str, password: str
) -> None:
    """Superset's form strips blanks, as around a copied name."""
    with stranger(people) as client:
        answer = log_in_by_form(client, name.replace("leader", next(targets)), password)
        assert answer.status_code in {200, 302}, answer.text
        assert not is_let_in(client)


@pytest.mark.parametrize(("name", "password"), NO_TEXT)
def test_a_name_or_a_password_that_is_no_text_is_refused(people: Settings, name: object, password: object) -> None:
    with stranger(people) as client:
        assert log_in_by_api(client, name, password).status_code == 400


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_other_provider_lets_in(people: Settings, provider: str) -> None:
    with stranger(people) as client:
        answer = log_in_by_api(client, "leader", PASSWORD, provider=provider)
        assert answer.status_code in {400, 401, 500}, answer.text
        assert "access_token" not in answer.text


def test_the_form_asks_for_its_token(people: Settings) -> None:
    with stranger(people) as client, stranger(people) as other:
        for token in ("", "x", csrf_token(other)):
            client.post("/login/", data={"username": "leader", "password": PASSWORD, "csrf_token": token})
            assert not is_let_in(client)
        client.post("/login/", data={"username": "leader", "password": PASSWORD})
        assert not is_let_in(client)


Door = Callable[[httpx.Client, str, str], httpx.Response]
DOORS: tuple[Door, ...] = (log_in_by_api, log_in_by_form)


@pytest.mark.parametrize("door", DOORS, ids=["api", "form"])
def test_the_right_password_waits_after_ten_wrong_ones(people: Settings, door: Door) -> None:
    """Whether the wrong ones came by the form or the API, from any address, however the name was written."""
    visitor = welcome(people)
    names = (visitor.name, visitor.name.upper(), f"{visitor.name}@ioc.invalid")
    for attempt in range(10):
        with stranger(people) as client:
            client.headers["X-Forwarded-For"] = f"10.0.0.{attempt}"
            answer = DOORS[attempt % 2](client, names[attempt % 3], f"wrong-password-{attempt}")
            assert answer.status_code in {302, 401}, answer.text
    with stranger(people) as client:
        answer = door(client, visitor.name, PASSWORD)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "900"
        assert not is_let_in(client)
    with stranger(people) as client:  # others need not wait, and open sessions stay open
        assert log_in_by_api(client, "leader", PASSWORD).status_code == 200
        client.cookies.set("session", visitor.cookie)
        assert is_let_in(client)


SPOOFED = (
    "X-Forwarded-For",
    "X-Real-IP",
    "Forwarded",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Client-IP",
)


def test_a_header_does_not_dodge_the_limits(people: Settings) -> None:
    tried, _ = new_account(people)
    with stranger(people) as client:
        for number in range(50):
            name = tried if number < 12 else f"nobody{number}"
            client.headers.update(dict.fromkeys(SPOOFED, f"10.9.8.{number}"))
            expected = 429 if 10 <= number < 12 else 401
            assert log_in_by_api(client, name, f"wrong-password-{number}").status_code == expected, number
        assert {log_in_by_api(client, "nobody", PASSWORD).status_code for _ in range(3)} == {401, 429}
    with stranger(people) as client:
        assert log_in_by_api(client, "leader", PASSWORD).status_code == 200


def test_many_at_once_do_not_dodge_the_limit(people: Settings) -> None:
    """As many as there are threads may be in flight when the tenth wrong one is counted."""
    rushed, _ = new_account(people)

    def attempt(number: int) -> int:
        with stranger(people) as client:
            return log_in_by_api(client, rushed, f"wrong-password-{number}").status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(attempt, range(30)))
    assert statuses.count(401) < 10 + THREADS
    assert statuses.count(401) + statuses.count(429) == 30


@pytest.fixture(scope="module")
def visitor_with_permissions(people: Settings) -> Visitor:
    return welcome(people, "engineer")


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "a" * 40, "121212121212121", " " * 20])
def test_no_way_leads_to_a_weak_password(people: Settings, visitor_with_permissions: Visitor, password: str) -> None:
    visitor = visitor_with_permissions
    with asking_as(people, "admin") as client:
        new = {"first_name": "x", "last_name": "x", "active": True, "roles": [1], "password": password}
        made = client.post("/api/v1/security/users/", json={**new, "username": "weak", "email": "weak@ioc.invalid"})
        changed = client.put(f"/api/v1/security/users/{visitor.number}", json={"password": password})
    with stranger(people) as client:
        client.cookies.set("session", visitor.cookie)
        token = str(client.get("/api/v1/security/csrf_token/").json()["result"])
        client.headers["X-CSRFToken"] = token
        mine = client.put("/api/v1/me/", json={"password": password})
        form = {"password": password, "conf_password": password, "csrf_token": token}
        client.post("/resetmypassword/form", data=form)
    assert {made.status_code, changed.status_code, mine.status_code} <= {400, 403, 422}
    with stranger(people) as client:
        assert log_in_by_api(client, visitor.name, PASSWORD).status_code == 200


def test_a_disabled_account_is_not_let_in(people: Settings) -> None:
    leaver, number = new_account(people)
    with asking_as(people, "admin") as client:
        assert client.put(f"/api/v1/security/users/{number}", json={"active": False}).status_code == 200
    for door in DOORS:
        with stranger(people) as client:
            door(client, leaver, PASSWORD)
            assert not is_let_in(client)
