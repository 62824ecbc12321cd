"""What each identity of PostgreSQL and of the object store may do with each database and bucket, and nothing else."""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from minio import Minio
from minio.commonconfig import Tags
from minio.error import S3Error

from core.contract import read_contracts
from core.object_client import receipts_client
from core.settings import Settings
from lake.connection import connected
from lake.maintenance import tidy
from lake.tables import create_tables
from stack.object_store import BUCKETS
from stack.roles import OWNERS, READER_CONNECTIONS, Role, connect, name_of, settle_roles

pytestmark = pytest.mark.stack

DATABASES = ("ioc_lake", "ioc_marts", "airflow", "superset", "postgres", "template1")
ON_DATABASES: dict[Role, dict[str, str]] = {
    "pipeline": {"ioc_lake": "own", "ioc_marts": "own"},
    "maintenance": {"ioc_lake": "own", "ioc_marts": "own"},
    "airflow": {"airflow": "own"},
    "superset": {"superset": "own"},
    "reader": {"ioc_marts": "read"},
}
ON_BUCKETS = {
    "admin": dict.fromkeys(BUCKETS, "get list put remove configure"),
    "pipeline": dict.fromkeys(BUCKETS, "get list put remove"),
    "reader": {"marts": "get list"},
    "receipts": {"receipts": "get"},
}
S3_KEYS = {
    "admin": ("s3_admin_access_key", "s3_admin_secret_key"),
    "pipeline": ("s3_access_key", "s3_secret_key"),
    "reader": ("s3_reader_access_key", "s3_reader_secret_key"),
    "receipts": ("s3_receipts_access_key", "s3_receipts_secret_key"),
}
ATTEMPTS = Path(__file__).with_name("attempts_on_postgres.tsv").read_text(encoding="utf-8").splitlines()[1:]

TAKES_BACK = (
    "alter role {self} password 'taken'",
    "alter role {self} set default_transaction_read_only = off",
    "alter role {self} set statement_timeout = 1",
    "alter role {self} in database ioc_marts set search_path = nowhere",
)
"""What PostgreSQL lets every role change about itself."""


@pytest.fixture(scope="module")
def settings(stack_settings: Settings) -> Iterator[Settings]:
    """A stack with the lake's tables, and in each database a table of its owner."""
    with connected(stack_settings) as connection:
        create_tables(connection, read_contracts())
    for database, owner in OWNERS.items():
        with connect(stack_settings, database, owner) as session:
            session.execute("create table owned (n integer); insert into owned values (1)")
    yield stack_settings
    for database, owner in OWNERS.items():
        with connect(stack_settings, database, owner) as session:
            session.execute("drop table owned")


def _may_on_database(settings: Settings, role: Role, database: str) -> str:
    """Return the most a role may do in a database; a read-only role has to request a writing transaction explicitly."""
    try:
        session = connect(settings, database, role)
    except psycopg.OperationalError as error:
        if "permission denied for database" not in str(error):
            raise
        return "nothing"
    levels = {"read": "select n from owned", "change": "update owned set n = n", "own": "create table mine (n integer)"}
    may = "connect"
    with session:
        for level, statement in levels.items():
            with suppress(psycopg.errors.InsufficientPrivilege), session.transaction(force_rollback=True):
                session.execute("set transaction read write")
                session.execute(statement.encode())
                may = level
    return may


def test_each_role_has_its_own_databases_and_no_other(settings: Settings) -> None:
    found = {role: {name: _may_on_database(settings, role, name) for name in DATABASES} for role in ON_DATABASES}
    assert found == {
        role: {name: allowed.get(name, "nothing") for name in DATABASES} for role, allowed in ON_DATABASES.items()
    }


def test_every_role_and_every_database_is_in_the_table(settings: Settings) -> None:
    with connect(settings, "postgres") as session:
        roles = session.execute("select rolname, rolsuper from pg_roles where rolname not like 'pg\\_%'").fetchall()
        databases = session.execute("select datname from pg_database where datallowconn").fetchall()
    expected = {(name_of(settings, role), False) for role in ON_DATABASES} | {(name_of(settings, "admin"), True)}
    assert set(roles) == expected
    assert {name for (name,) in databases} == set(DATABASES)


@pytest.mark.parametrize("role", ON_DATABASES)
def test_no_role_gets_beyond_its_database(settings: Settings, role: Role) -> None:
    assert len(ATTEMPTS) > 90
    database = next(iter(ON_DATABASES[role]))
    other: Role = "superset" if role == "airflow" else "airflow"
    names = {"self": name_of(settings, role), "other": name_of(settings, other), "admin": name_of(settings, "admin")}
    went_through = []
    with connect(settings, database, role) as session:
        session.execute("set default_transaction_read_only = off")
        for attempt in ATTEMPTS:
            statement = attempt.format(**names, other_database=other)
            try:
                session.execute(statement.encode())
            except psycopg.Error as error:
                if isinstance(error, psycopg.errors.SyntaxError | psycopg.OperationalError):
                    raise  # not refused but not understood
                if session.info.transaction_status.name == "INERROR":
                    session.execute("rollback")
            else:
                went_through.append(statement)
    assert went_through == []


def test_the_reader_makes_nothing_of_its_own(settings: Settings) -> None:
    with connect(settings, "ioc_marts", "reader") as session:
        assert session.execute("select n from owned").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("update owned set n = 2")
        session.execute("set default_transaction_read_only = off")
        for statement in (
            "create temporary table mine (n integer)",
            "create schema mine",
            "create function mine() returns integer language sql as 'select 1'",
            "create view mine as select 1",
            "create type mine as (n integer)",
            "truncate owned",
            "drop table owned",
            "comment on table owned is 'mine'",
            "begin; lock table owned in access exclusive mode",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())
        session.execute("rollback")
        session.execute(f"drop owned by {name_of(settings, 'reader')}".encode())  # it cannot revoke what others granted
        assert session.execute("select n from owned").fetchall() == [(1,)]


def test_the_reader_cannot_take_every_connection(settings: Settings) -> None:
    with connect(settings, "postgres") as session:
        limits = session.execute(
            "select rolconnlimit from pg_roles where rolname = %s", [name_of(settings, "reader")]
        ).fetchone()
    assert limits == (READER_CONNECTIONS,)


def test_what_the_reader_does_to_itself_is_undone_by_settling(settings: Settings) -> None:
    with connect(settings, "ioc_marts", "reader") as session:
        session.execute("set default_transaction_read_only = off")
        for statement in TAKES_BACK:
            session.execute(statement.format(self=name_of(settings, "reader")).encode())
    with pytest.raises(psycopg.OperationalError):
        connect(settings, "ioc_marts", "reader")
    settle_roles(settings)
    assert _may_on_database(settings, "reader", "ioc_marts") == "read"
    with connect(settings, "ioc_marts", "reader") as session:
        begins_with = {
            name: session.execute(f"show {name}".encode()).fetchone()
            for name in ("default_transaction_read_only", "statement_timeout", "search_path", "temp_file_limit")
        }
    assert begins_with == {
        "default_transaction_read_only": ("on",),
        "statement_timeout": ("0",),
        "search_path": ('"$user", public',),
        "temp_file_limit": ("1GB",),
    }


def test_maintenance_does_its_work_with_its_own_role(settings: Settings) -> None:
    with connected(settings) as connection:
        connection.execute("create table lake.main.grown as select 1 as n")
        for number in range(3):
            connection.execute("insert into lake.main.grown select range from range(?, 5000)", [number])
        connection.execute("drop table lake.main.grown")
    assert tidy(settings, grace=timedelta(0))["lake"] > 0
    with connect(settings, "ioc_lake", "maintenance") as session:
        session.execute("create table made (n integer)")
        owners = session.execute("select distinct tableowner from pg_tables where schemaname = 'public'").fetchall()
        session.execute("drop table made")
    assert owners == [(name_of(settings, "pipeline"),)]


def _client(settings: Settings, identity: str) -> Minio:
    access_key, secret = S3_KEYS[identity]
    address = f"{settings.s3_host}:{settings.s3_port}"
    return Minio(
        address,
        access_key=getattr(settings, access_key),
        secret_key=settings.reveal(secret),
        secure=False,
        region="us-east-1",
    )


def _may_on_bucket(client: Minio, admin: Minio, bucket: str) -> str:
    admin.put_object(bucket, "kept", io.BytesIO(b"kept"), 4)
    actions: dict[str, Callable[[], object]] = {
        "get": lambda: client.get_object(bucket, "kept").data,
        "list": lambda: list(client.list_objects(bucket)),
        "put": lambda: client.put_object(bucket, "mine", io.BytesIO(b"mine"), 4),
        "remove": lambda: client.remove_object(bucket, "kept"),
        "configure": lambda: client.set_bucket_tags(bucket, Tags.new_bucket_tags()),
    }
    may = []
    for action, call in actions.items():
        try:
            call()
            may.append(action)
        except S3Error as error:
            if error.code != "AccessDenied":
                raise
    for name in ("kept", "mine"):
        admin.remove_object(bucket, name)
    return " ".join(may)


def test_each_key_has_its_own_buckets_and_no_other(settings: Settings) -> None:
    admin = _client(settings, "admin")
    found = {
        identity: {bucket: _may_on_bucket(_client(settings, identity), admin, bucket) for bucket in BUCKETS}
        for identity in ON_BUCKETS
    }
    assert found == {
        identity: {bucket: allowed.get(bucket, "") for bucket in BUCKETS} for identity, allowed in ON_BUCKETS.items()
    }


@pytest.mark.parametrize("identity", ["pipeline", "reader", "receipts"])
def test_only_the_admin_makes_and_removes_buckets(settings: Settings, identity: str) -> None:
    client = _client(settings, identity)
    refused: tuple[Callable[[], object], ...] = (
        lambda: client.make_bucket("mine"),
        lambda: client.remove_bucket("probe"),
    )
    for call in refused:
        with pytest.raises(S3Error) as caught:
            call()
        assert caught.value.code == "AccessDenied"
    seen = {bucket.name for bucket in client.list_buckets()}
    assert seen <= {bucket for bucket, allowed in ON_BUCKETS[identity].items() if allowed}


def test_nobody_without_a_key_is_let_in(settings: Settings) -> None:
    address = f"http://{settings.s3_host}:{settings.s3_port}"
    answers = {
        (method, path): httpx.request(method, f"{address}{path}", trust_env=False).status_code
        for method in ("GET", "PUT", "DELETE", "POST")
        for path in ("/", "/landing", "/landing/kept", "/receipts/kept", "/?Action=ListUsers&Version=2010-05-08")
    }
    assert {status for status in answers.values() if status < 400} == set()


def test_an_address_signed_for_a_receipt_opens_that_receipt_only(settings: Settings) -> None:
    admin, signing = _client(settings, "admin"), receipts_client(settings)
    for name in ("agency/one.jsonl", "other/two.jsonl"):
        admin.put_object("receipts", name, io.BytesIO(b"{}\n"), 3)
    link = signing.presigned_get_object("receipts", "agency/one.jsonl", expires=timedelta(minutes=5))
    answers = {
        "as signed": httpx.get(link, trust_env=False).status_code,
        "of another agency": httpx.get(link.replace("agency/one", "other/two"), trust_env=False).status_code,
        "written": httpx.put(link, content=b"mine", trust_env=False).status_code,
        "removed": httpx.delete(link, trust_env=False).status_code,
    }
    assert answers == {"as signed": 200, "of another agency": 403, "written": 403, "removed": 403}
    beyond = signing.presigned_get_object("landing", "kept", expires=timedelta(minutes=5))
    assert httpx.get(beyond, trust_env=False).status_code == 403
    for name in ("agency/one.jsonl", "other/two.jsonl"):
        admin.remove_object("receipts", name)
