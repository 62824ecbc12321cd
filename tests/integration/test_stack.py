"""The real services: started, repeated, killed, healed, stopped, and closed to those who have no business there."""

import io
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg
import pytest
from minio import Minio
from minio.error import S3Error

from core.errors import PortInUseError, ServiceError
from core.settings import Settings
from stack.control import DATA_SERVICES, down, status, up
from stack.migration import is_current, remember
from stack.processes import is_alive, read_record
from stack.programs import run_program
from stack.roles import DATABASES, connect

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """A stack of this module's own: its services are killed here."""
    settings = new_settings()
    try:
        up(settings, DATA_SERVICES)
        yield settings
    finally:
        down(settings)


def _pids(settings: Settings) -> dict[str, int | None]:
    return {found.name: found.pid for found in status(settings) if found.name in DATA_SERVICES}


def _states(settings: Settings) -> dict[str, str]:
    return {found.name: found.state for found in status(settings) if found.name in DATA_SERVICES}


def kill(settings: Settings, name: str) -> None:
    """Kill a service as hard as the system can, and wait until it is dead."""
    record = read_record(settings.home_folder, name)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_alive(record):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _s3(settings: Settings, access_key: str, secret: str) -> Minio:
    address = f"{settings.s3_host}:{settings.s3_port}"
    return Minio(address, access_key=access_key, secret_key=settings.reveal(secret), secure=False, region="us-east-1")


@pytest.fixture
def pipeline(settings: Settings) -> Minio:
    return _s3(settings, settings.s3_access_key, "s3_secret_key")


@pytest.fixture
def reader(settings: Settings) -> Minio:
    return _s3(settings, settings.s3_reader_access_key, "s3_reader_secret_key")


def _read_as_reader(settings: Settings, database: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_reader_user,
        password=settings.reveal("postgres_reader_password"),
        dbname=database,
    ) as connection:
        return connection.execute(statement.encode()).fetchall()


def _put(client: Minio, bucket: str, name: str, content: bytes) -> None:
    client.put_object(bucket, name, io.BytesIO(content), len(content))


def test_up_leaves_healthy_services_alone(settings: Settings) -> None:
    before = _pids(settings)
    said: list[str] = []
    up(settings, DATA_SERVICES, said.append)
    assert _states(settings) == dict.fromkeys(sorted(DATA_SERVICES), "healthy")
    assert _pids(settings) == before
    assert len(said) == 3
    assert all("already running" in line for line in said)


@pytest.mark.parametrize("name", sorted(DATA_SERVICES))
def test_a_killed_service_is_dead_until_up_heals_it(settings: Settings, name: str) -> None:
    before = _pids(settings)
    kill(settings, name)
    assert _states(settings)[name] == "dead"
    up(settings, DATA_SERVICES)
    assert _states(settings) == dict.fromkeys(sorted(DATA_SERVICES), "healthy")
    assert {other for other, pid in _pids(settings).items() if pid != before[other]} == {name}


def test_a_frozen_service_is_unhealthy_and_no_lie_is_told(settings: Settings) -> None:
    record = read_record(settings.home_folder, "sftp")
    assert record is not None
    os.kill(record.pid, signal.SIGSTOP)
    try:
        assert _states(settings) == {"postgres": "healthy", "seaweedfs": "healthy", "sftp": "unhealthy"}
    finally:
        os.kill(record.pid, signal.SIGCONT)
    assert _states(settings)["sftp"] == "healthy"


def test_data_outlive_a_kill(settings: Settings, pipeline: Minio) -> None:
    _put(pipeline, "lake", "kept.txt", b"kept")
    with connect(settings, "ioc_lake") as connection:
        connection.execute("create table if not exists kept (n integer)")
        connection.execute("insert into kept values (1)")
    for name in ("postgres", "seaweedfs"):
        kill(settings, name)
    up(settings, DATA_SERVICES)
    assert pipeline.get_object("lake", "kept.txt").data == b"kept"
    with connect(settings, "ioc_lake") as connection:
        assert connection.execute("select n from kept").fetchall() == [(1,)]


def test_the_four_databases_are_closed_to_the_public(settings: Settings) -> None:
    with connect(settings, "postgres") as connection:
        granted = connection.execute(
            "select datname, has_database_privilege(%s, datname, 'connect') from pg_database"
            " where datallowconn order by 1",
            [settings.postgres_reader_user],
        ).fetchall()
    assert granted == [(name, name == "ioc_marts") for name in sorted([*DATABASES, "postgres", "template1"])]


def test_the_reader_cannot_connect_to_the_lake(settings: Settings) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        _read_as_reader(settings, "ioc_lake", "select 1")


def test_the_reader_reads_later_tables_of_the_marts_and_writes_none(settings: Settings) -> None:
    with connect(settings, "ioc_marts", "pipeline") as connection:
        connection.execute("create table made_after_up (n integer)")
        connection.execute("insert into made_after_up values (7)")
    assert _read_as_reader(settings, "ioc_marts", "select n from made_after_up") == [(7,)]
    for statement in ("insert into made_after_up values (8) returning n", "create table mine (n integer)"):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            _read_as_reader(settings, "ioc_marts", statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _read_as_reader(settings, "ioc_marts", f"set transaction read write; {statement}")


def test_a_login_without_the_password_is_refused(settings: Settings) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_user,
            password="guess",
            dbname="postgres",
        )


def test_buckets_are_there_and_landing_keeps_every_version(settings: Settings, pipeline: Minio) -> None:
    admin = _s3(settings, settings.s3_admin_access_key, "s3_admin_secret_key")
    names = [bucket.name for bucket in pipeline.list_buckets()]
    assert {name: admin.get_bucket_versioning(name).status for name in names} == {
        "lake": None,
        "landing": "Enabled",
        "marts": None,
        "probe": None,
        "receipts": None,
    }
    admin.get_object_lock_config("landing")  # raises where an object cannot be locked


def test_the_marts_identity_reads_marts_and_nothing_else(pipeline: Minio, reader: Minio) -> None:
    for bucket in ("landing", "lake", "marts"):
        _put(pipeline, bucket, "seen.txt", b"seen")
    assert reader.get_object("marts", "seen.txt").data == b"seen"
    assert [found.object_name for found in reader.list_objects("marts")] == ["seen.txt"]
    refused: dict[str, Callable[[], object]] = {
        "get landing": lambda: reader.get_object("landing", "seen.txt"),
        "get lake": lambda: reader.get_object("lake", "seen.txt"),
        "list lake": lambda: list(reader.list_objects("lake")),
        "put marts": lambda: _put(reader, "marts", "mine.txt", b"mine"),
        "remove marts": lambda: reader.remove_object("marts", "seen.txt"),
        "make bucket": lambda: reader.make_bucket("mine"),
    }
    codes = {}
    for what, call in refused.items():
        with pytest.raises(S3Error) as caught:
            call()
        codes[what] = caught.value.code
    assert codes == dict.fromkeys(refused, "AccessDenied")


def test_a_misspelt_bucket_is_not_made_by_writing_to_it(settings: Settings, pipeline: Minio) -> None:
    with pytest.raises(S3Error) as caught:
        _put(pipeline, "lakes", "lost.txt", b"lost")
    assert caught.value.code == "AccessDenied"
    assert not _s3(settings, settings.s3_admin_access_key, "s3_admin_secret_key").bucket_exists("lakes")


def test_a_taken_port_is_one_clear_line_and_nothing_of_it_is_left(new_settings: Callable[[], Settings]) -> None:
    settings = new_settings()
    with socket.create_server((settings.postgres_host, settings.postgres_port)):
        with pytest.raises(PortInUseError) as caught:
            up(settings, {"postgres"})
        assert caught.value.values == {
            "service": "postgres",
            "port": settings.postgres_port,
            "variable": "IOC_POSTGRES_PORT",
        }
        assert str(caught.value).count("\n") == 0
        assert _states(settings)["postgres"] == "stopped"


def test_down_ends_its_own_stack_and_no_other(settings: Settings, new_settings: Callable[[], Settings]) -> None:
    other = new_settings()
    up(other, DATA_SERVICES)
    started = [process for pid in _pids(other).values() for process in with_children(pid)]
    said: list[str] = []
    down(other, said.append)
    assert said == ["sftp: stopped", "seaweedfs: stopped", "postgres: stopped"]
    assert [process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert _states(other) == dict.fromkeys(sorted(DATA_SERVICES), "stopped")
    assert _states(settings) == dict.fromkeys(sorted(DATA_SERVICES), "healthy")


def test_external_services_are_asked_and_left_alone(settings: Settings) -> None:
    external = settings.model_copy(update={"stack": "external"})
    said: list[str] = []
    up(external, DATA_SERVICES, said.append)
    assert sorted(line.split(":")[0] for line in said) == sorted(DATA_SERVICES)
    down(external)
    assert _states(settings) == dict.fromkeys(sorted(DATA_SERVICES), "healthy")


def test_a_migration_is_repeated_when_its_stamp_or_the_schema_changed(settings: Settings) -> None:
    stamp = settings.home_folder / "migrated"
    assert not is_current(settings, "superset", stamp, "6.1")
    with connect(settings, "superset") as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('a1')")
    remember(settings, "superset", stamp, "6.1")
    assert is_current(settings, "superset", stamp, "6.1")
    assert not is_current(settings, "superset", stamp, "6.2")
    with connect(settings, "superset") as connection:
        connection.execute("update alembic_version set version_num = 'b2'")
    assert not is_current(settings, "superset", stamp, "6.1")


def test_a_program_that_fails_tells_the_end_of_what_it_wrote(settings: Settings) -> None:
    script = f"echo refused for {settings.reveal('postgres_password')}; exit 4"
    with pytest.raises(ServiceError, match="to succeed, got exit status 4;") as caught:
        run_program(settings, "setup", ("sh", "-c", script), environment={}, folder=settings.home_folder)
    assert str(caught.value).endswith("\nrefused for ***")


def with_children(pid: int | None) -> list[psutil.Process]:
    assert pid
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
