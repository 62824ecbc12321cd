"""Sessions and tokens that are forged, expired, copied before a log-out, planted or taken from another open nothing.

Each attempt is a line of a table: what somebody holds, and how it was made. Another test shows that the same things do work when they are
valid, so that the refusals prove something.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

import jwt
import pytest
from itsdangerous import URLSafeTimedSerializer

from core.settings import Settings
from tests.people import PASSWORD, asking_as, stranger
from tests.security.visitors import (
    Visitor,
    asks,
    change,
    csrf_token,
    log_in_by_api,
    log_in_by_form,
    log_out,
    refreshes,
    welcome,
)

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

KEYS_OF_OTHERS = (
    "\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",  # Superset's own defaults over the years, CVE-2023-27524
    "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
    "thisISaSECRET_1234",
    "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
    "TEST_NON_DEV_SECRET",
    "test-secret-change-me",
    "secret",
    "x" * 42,
)


@pytest.fixture(scope="module")
def visitor(people: Settings) -> Visitor:
    """Somebody who stays logged in."""
    return welcome(people)


@pytest.fixture(scope="module")
def key(people: Settings) -> str:
    return people.reveal("superset_secret_key")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def read(token: str) -> dict[str, object]:
    """Return the claims of a token."""
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


def signer(key: str) -> URLSafeTimedSerializer:
    """Return a signer like the one Flask uses for its cookies."""
    return URLSafeTimedSerializer(
        key, salt="cookie-session", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1}
    )


def unsigned(claims: dict[str, object], algorithm: str = "none") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def with_other_claims(token: str, **claims: object) -> str:
    """Change the claims of a token, keeping its header and signature."""
    head, _, signature = token.split(".")
    body = urlsafe_b64encode(json.dumps({**read(token), **claims}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def test_what_is_good_opens(visitor: Visitor, key: str) -> None:
    """Without this, the attempts below could be refused for other reasons."""
    assert asks(visitor.settings, cookies={"session": visitor.cookie}) == 200
    assert asks(visitor.settings, headers=bearer(visitor.access)) == 200
    assert refreshes(visitor.settings, visitor.refresh) == 200
    again = jwt.encode(read(visitor.access), key, "HS256")
    assert asks(visitor.settings, headers=bearer(again)) == 200
    session = signer(key).loads(visitor.cookie)
    assert asks(visitor.settings, cookies={"session": str(signer(key).dumps(session))}) == 200


TOKENS: dict[str, Callable[[Visitor, str], str]] = {
    "none": lambda visitor, key: "",
    "null": lambda visitor, key: "null",
    "no token": lambda visitor, key: "a.b.c",
    "without a signature": lambda visitor, key: visitor.access.rpartition(".")[0] + ".",
    "another's signature": lambda visitor, key: (
        f"{visitor.access.rpartition('.')[0]}.{visitor.refresh.rpartition('.')[2]}"
    ),
    "alg none": lambda visitor, key: unsigned(read(visitor.access)),
    "alg None": lambda visitor, key: unsigned(read(visitor.access), "None"),
    "alg NONE": lambda visitor, key: unsigned(read(visitor.access), "NONE"),
    "alg HS256, unsigned": lambda visitor, key: unsigned(read(visitor.access), "HS256"),
    "of the administrator, with the visitor's signature": lambda visitor, key: with_other_claims(
        visitor.access, sub="1"
    ),
    "longer, with the old signature": lambda visitor, key: with_other_claims(visitor.access, exp=4_000_000_000),
    "another algorithm": lambda visitor, key: jwt.encode(read(visitor.access), key.ljust(64, "x"), "HS512"),
    "another key": lambda visitor, key: jwt.encode(read(visitor.access), "x" * 42, "HS256"),
    "a key named by itself": lambda visitor, key: jwt.encode(
        read(visitor.access), "x" * 42, "HS256", headers={"kid": "/dev/null", "jku": "http://127.0.0.1/"}
    ),
    "expired": lambda visitor, key: jwt.encode({**read(visitor.access), "exp": int(time.time()) - 5}, key, "HS256"),
    "not yet good": lambda visitor, key: jwt.encode({**read(visitor.access), "nbf": 4_000_000_000}, key, "HS256"),
    "the token for refreshing": lambda visitor, key: visitor.refresh,
    "our key, without a seal": lambda visitor, key: jwt.encode(
        {name: value for name, value in read(visitor.access).items() if name != "ioc_seal"}, key, "HS256"
    ),
    "our key, for another account": lambda visitor, key: jwt.encode({**read(visitor.access), "sub": "1"}, key, "HS256"),
    "our key, for nobody": lambda visitor, key: jwt.encode({**read(visitor.access), "sub": "999999"}, key, "HS256"),
    "our key, a log-in of yesterday": lambda visitor, key: jwt.encode(
        {**read(visitor.access), "ioc_seal": {**seal_of(visitor), "at": time.time() - 86_400}}, key, "HS256"
    ),
    "an API key": lambda visitor, key: "sst_" + "a" * 40,
    **{
        f"default key {number}": lambda visitor, key, other=other: jwt.encode(read(visitor.access), other, "HS256")  # type: ignore[misc]
        for number, other in enumerate(KEYS_OF_OTHERS)
    },
}


def seal_of(visitor: Visitor) -> dict[str, object]:
    seal = read(visitor.access)["ioc_seal"]
    assert isinstance(seal, dict)
    return seal


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("attempt", TOKENS)
def test_a_token_that_is_not_good_opens_nothing(visitor: Visitor, key: str, attempt: str) -> None:
    token = TOKENS[attempt](visitor, key)
    assert asks(visitor.settings, headers={"Authorization": f"Bearer {token}".strip()}) in {401, 422}


def sealed_with(visitor: Visitor, key: str, **changed: object) -> str:
    return str(signer(key).dumps({**signer(key).loads(visitor.cookie), **changed}))


COOKIES: dict[str, Callable[[Visitor, str], dict[str, str]]] = {
    "planted before the log-in": lambda visitor, key: {"session": visitor.planted},
    "unsigned": lambda visitor, key: {"session": visitor.cookie.rpartition(".")[0]},
    "cut": lambda visitor, key: {"session": visitor.cookie[:-1]},
    "with another's signature": lambda visitor, key: {
        "session": f"{visitor.cookie.rpartition('.')[0]}.{visitor.planted.rpartition('.')[2]}"
    },
    "plain": lambda visitor, key: {"session": json.dumps({"_user_id": "1", "_fresh": True})},
    "no cookie of ours": lambda visitor, key: {"sessionid": visitor.cookie},
    "our key, without a seal": lambda visitor, key: {"session": sealed_with(visitor, key, ioc_seal=None)},
    "our key, an empty seal": lambda visitor, key: {"session": sealed_with(visitor, key, ioc_seal={})},
    "our key, of the administrator": lambda visitor, key: {"session": sealed_with(visitor, key, _user_id="1")},
    "our key, of nobody": lambda visitor, key: {"session": sealed_with(visitor, key, _user_id="999999")},
    "our key, a log-in of yesterday": lambda visitor, key: {
        "session": sealed_with(visitor, key, ioc_seal={**seal_of(visitor), "at": time.time() - 86_400})
    },
    "remembered, unsigned": lambda visitor, key: {"remember_token": f"{visitor.number}"},
    "remembered, of the administrator": lambda visitor, key: {"remember_token": f"1|{'0' * 128}"},
    "remembered, signed by our key": lambda visitor, key: {"remember_token": remembered(visitor, key)},
    "remembered, signed by another key": lambda visitor, key: {"remember_token": remembered(visitor, "secret")},
    "a token as a cookie": lambda visitor, key: {"access_token_cookie": visitor.access},
    "a guest's token as a cookie": lambda visitor, key: {"guest_token": visitor.access},
    **{
        f"default key {number}": lambda visitor, key, other=other: {  # type: ignore[misc]
            "session": str(signer(other).dumps(signer(key).loads(visitor.cookie)))
        }
        for number, other in enumerate(KEYS_OF_OTHERS)
    },
}


def remembered(visitor: Visitor, key: str) -> str:
    """Sign a cookie like Flask-Login's "remember me", which we never issue."""
    import hmac  # noqa: PLC0415

    payload = str(visitor.number)
    return f"{payload}|{hmac.new(key.encode(), payload.encode(), hashlib.sha512).hexdigest()}"


@pytest.mark.parametrize("attempt", COOKIES)
def test_a_cookie_that_is_not_good_opens_nothing(visitor: Visitor, key: str, attempt: str) -> None:
    assert asks(visitor.settings, cookies=COOKIES[attempt](visitor, key)) == 401


HEADERS: dict[str, Callable[[Visitor], dict[str, str]]] = {
    "name and password": lambda visitor: {
        "Authorization": f"Basic {urlsafe_b64encode(f'{visitor.name}:{PASSWORD}'.encode()).decode()}"
    },
    "a token of another kind": lambda visitor: {"Authorization": f"Token {visitor.access}"},
    "a name from a proxy": lambda visitor: {"Remote-User": visitor.name, "X-Remote-User": visitor.name},
    "a name from another proxy": lambda visitor: {"X-Forwarded-User": "admin", "X-WEBAUTH-USER": "admin"},
    "an address of this machine": lambda visitor: {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    "another page": lambda visitor: {"X-Original-URL": "/api/v1/me/", "X-Rewrite-URL": "/health"},
    "a guest's token": lambda visitor: {"X-GuestToken": visitor.access},
}


@pytest.mark.parametrize("attempt", HEADERS)
def test_a_header_opens_nothing(visitor: Visitor, attempt: str) -> None:
    assert asks(visitor.settings, headers=HEADERS[attempt](visitor)) in {401, 422}


@pytest.mark.parametrize("name", ["jwt", "access_token", "token", "api_key"])
def test_a_token_in_the_address_opens_nothing(visitor: Visitor, name: str) -> None:
    assert asks(visitor.settings, query=f"?{name}={visitor.access}") == 401


def test_a_token_refreshes_only_where_it_is_for_that(visitor: Visitor) -> None:
    assert refreshes(visitor.settings, visitor.access) in {401, 422}


ENDS: dict[str, Callable[[Visitor], None]] = {
    "a log-out in the browser": log_out,
    "a log-out by token": lambda visitor: log_out(visitor, by="token"),
    "another password": lambda visitor: change(visitor, password="another-password-1"),
    "a disabled account": lambda visitor: change(visitor, active=False),
}


@pytest.mark.parametrize("end", ENDS)
def test_nothing_outlives_its_end(people: Settings, end: str) -> None:
    """Copies from before open nothing afterwards: the cookie, both tokens, and a refreshed token."""
    visitor = welcome(people)
    with stranger(people) as client:
        answer = client.post("/api/v1/security/refresh", headers=bearer(visitor.refresh))
    refreshed = answer.json()["access_token"]
    assert asks(people, headers=bearer(refreshed)) == 200
    ENDS[end](visitor)
    assert asks(people, cookies={"session": visitor.cookie}) == 401
    assert {asks(people, headers=bearer(token)) for token in (visitor.access, visitor.refresh, refreshed)} <= {401, 422}
    assert refreshes(people, visitor.refresh) == 401


def test_a_log_out_leaves_the_next_log_in_alone(people: Settings) -> None:
    visitor = welcome(people)
    log_out(visitor)
    with stranger(people) as client:
        log_in_by_form(client, visitor.name, PASSWORD)
        assert asks(people, cookies={"session": client.cookies["session"]}) == 200
        token = log_in_by_api(client, visitor.name, PASSWORD).json()["access_token"]
        assert asks(people, headers=bearer(token)) == 200


def test_a_log_out_is_nobody_elses(people: Settings, visitor: Visitor) -> None:
    log_out(welcome(people))
    assert asks(people, cookies={"session": visitor.cookie}) == 200


WRITES = (
    ("PUT", "/api/v1/me/"),
    ("POST", "/api/v1/dashboard/1/filter_state"),
    ("POST", "/resetmypassword/form"),
    ("POST", "/api/v1/chart/data"),
)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_write_without_the_pages_token_is_refused(people: Settings, method: str, path: str) -> None:
    """Missing, invented, of another session, and the one in the browser before the log-in."""
    visitor = welcome(people, "engineer")
    with stranger(people) as other:
        of_another = csrf_token(other)
    with stranger(people) as client:
        before = csrf_token(client)
        log_in_by_form(client, visitor.name, PASSWORD)
        for token in ("", "x", of_another, before):
            headers = {"X-CSRFToken": token} if token else {}
            answer = client.request(method, path, headers=headers, json={"first_name": "stolen"})
            assert answer.status_code in {302, 400}, (token, answer.text)
        assert client.get("/api/v1/me/").json()["result"]["first_name"] == visitor.name


def test_a_leaders_cookie_does_not_do_what_others_may(people: Settings, visitor: Visitor) -> None:
    with stranger(people) as client:
        log_in_by_form(client, visitor.name, PASSWORD)
        client.headers["X-CSRFToken"] = str(client.get("/api/v1/security/csrf_token/").json()["result"])
        asked = [
            client.get("/api/v1/security/users/"),
            client.get("/api/v1/database/"),
            client.post("/api/v1/sqllab/execute/", json={"database_id": 1, "sql": "select 1"}),
            client.post("/api/v1/security/guest_token/", json={"user": {}, "resources": [], "rls": []}),
            client.put(f"/api/v1/security/users/{visitor.number}", json={"roles": [1]}),
            client.put("/api/v1/me/", json={"roles": [1], "active": True}),
        ]
    assert [answer.status_code for answer in asked if answer.status_code not in {401, 403, 404}] == []


def test_nobody_registers_himself(people: Settings) -> None:
    with stranger(people) as client:
        for path in ("/register/form", "/register/", "/api/v1/security/users/", "/api/v1/security/user_registrations/"):
            answer = client.post(path, json={"username": "mine", "email": "m@ioc.invalid", "password": PASSWORD})
            assert answer.status_code in {400, 401, 404, 405}, path
    with asking_as(people, "admin") as client:
        found = client.get("/api/v1/security/users/?q=(filters:!((col:username,opr:eq,value:mine)))")
        assert found.json()["count"] == 0


def test_the_tables_hold_enough_attempts() -> None:
    assert len(TOKENS) + len(COOKIES) + len(HEADERS) + len(ENDS) * 5 + len(WRITES) * 4 >= 60
