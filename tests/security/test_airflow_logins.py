"""Airflow's log-in: wrong names and passwords, forged tokens, and the limit on attempts."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import pytest

from core.settings import Settings
from stack.control import down, up

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

SERVER = "airflow-api-server"
WHO_AM_I = "/api/v2/dags"
LIMIT = 10


@pytest.fixture(scope="module")
def server(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """The settings of a running PostgreSQL and Airflow API server."""
    settings = new_settings()
    try:
        up(settings, {SERVER})
        yield settings
    finally:
        down(settings)


@pytest.fixture
def client(server: Settings) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{server.airflow_host}:{server.airflow_port}", timeout=60) as client:
        yield client


def log_in(client: httpx.Client, name: object, password: object, path: str = "/auth/token") -> httpx.Response:
    return client.post(path, json={"username": name, "password": password})


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_forged_tokens_open_nothing(server: Settings, client: httpx.Client) -> None:
    answer = log_in(client, server.airflow_user, server.reveal("airflow_password"))
    token = answer.json()["access_token"]
    assert client.get(WHO_AM_I, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    claims = jwt.decode(token, options={"verify_signature": False})
    body = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    head = urlsafe_b64encode(b'{"alg": "none"}').rstrip(b"=").decode()
    key = server.reveal("airflow_secret_key")
    forged = {
        "none": "",
        "no token": "a.b.c",
        "without a signature": token.rpartition(".")[0] + ".",
        "alg none": f"{head}.{body}.",
        "another key": jwt.encode(claims, "x" * 64, "HS512"),
        "expired": jwt.encode({**claims, "exp": 1}, key, "HS512"),
        "for another audience": jwt.encode({**claims, "aud": "other"}, key, "HS512"),
    }
    opened = {
        name
        for name, attempt in forged.items()
        for headers in ({"Authorization": f"Bearer {attempt}".strip()}, {"Cookie": f"_token={attempt}"})
        if client.get(WHO_AM_I, headers=headers).status_code not in {401, 403}
    }
    assert opened == set()


def test_a_log_out_ends_the_token(server: Settings, client: httpx.Client) -> None:
    token = log_in(client, server.airflow_user, server.reveal("airflow_password")).json()["access_token"]
    client.get("/api/v2/auth/logout", headers={"Cookie": f"_token={token}"})
    client.cookies.clear()
    assert client.get(WHO_AM_I, headers={"Authorization": f"Bearer {token}"}).status_code in {401, 403}


def test_the_right_password_waits_after_ten_wrong_ones(server: Settings, client: httpx.Client) -> None:
    """Last, since nobody can log in for a while afterwards; forty at once, by both paths, and no header helps."""
    right = server.reveal("airflow_password")
    wrong = [
        ("admin", "admin"),
        (server.airflow_user, right[:-1]),
        (server.airflow_user, f"{right} "),
        (f"{server.airflow_user} ", right),
        (server.airflow_user.upper(), right),
        ("' or 1=1--", right),
        ("Anonymous", "x"),
    ]

    def attempt(number: int) -> int:
        name, password = wrong[number % len(wrong)]
        with httpx.Client(base_url=client.base_url, headers={"X-Forwarded-For": f"10.0.0.{number}"}, timeout=60) as one:
            return log_in(one, name, password, ("/auth/token", "/auth/token/cli")[number % 2]).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(attempt, range(40)))
    assert set(statuses) == {401, 429}
    assert statuses.count(401) == LIMIT
    for path in ("/auth/token", "/auth/token/cli"):
        assert log_in(client, server.airflow_user, right, path).status_code == 429
