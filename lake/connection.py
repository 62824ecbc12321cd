"""Open DuckDB with the catalogs attached.

Extensions come from wheels and are installed into `IOC_HOME/duckdb_extensions`, never from the network. Passwords live in
DuckDB secrets, so that no attach string, error or `duckdb_databases()` shows one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

import duckdb
import duckdb_extensions

from core.errors import ServiceError
from core.settings import Settings

EXTENSIONS = {"httpfs": "httpfs", "postgres": "postgres_scanner", "ducklake": "ducklake", "icu": "icu"}
"""Wheel name and the name under which DuckDB loads it."""

COMMIT_RETRIES = 100
"""Concurrent writers race for the next snapshot number at commit; ten retries, the default, proved too few."""

IMPORTED_BY_DUCKDB = ("numpy", "pandas", "pyarrow.dataset")
"""Modules that DuckDB imports in a thread of its own, at the first query with parameters and at the first frame. If another thread is
importing at that moment, or Ctrl-C arrives, the two can deadlock, so these modules are imported before DuckDB is opened."""

CatalogName = Literal["lake", "marts"]


def install_extensions(folder: Path, extensions: Mapping[str, str] = EXTENSIONS) -> None:
    """Install the extension wheels into a folder where a plain LOAD finds them; does nothing if they are already there."""
    folder.mkdir(parents=True, exist_ok=True)
    installed = {path.name.removesuffix(".duckdb_extension") for path in folder.rglob("*.duckdb_extension")}
    missing = [wheel for wheel, name in extensions.items() if name not in installed]
    if missing:
        with duckdb.connect(config={"extension_directory": str(folder)}) as connection:
            for wheel in missing:
                duckdb_extensions.import_extension(wheel, con=connection)


@cache
def _verify(extensions: tuple[tuple[Path, int, int, int], ...]) -> None:
    """Let DuckDB check the signatures of these files. It hashes all of them, 120 MB in 0.3 s, whenever an instance loads them, so each file
    is checked once in a process, and again only if it was replaced."""
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        for path, *_ in extensions:
            connection.load_extension(str(path))


def _as_installed(folder: Path) -> tuple[tuple[Path, int, int, int], ...]:
    """Return the extensions of a folder with what differs once one was replaced: inode, size, time of change."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*.duckdb_extension"))]
    return tuple((path, stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in files)


def connect(
    settings: Settings, *, as_reader: bool = False, catalogs: tuple[CatalogName, ...] = ("lake", "marts")
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB with catalogs attached, its clock set to UTC.

    `as_reader` connects with the accounts that can only read `marts`, and attaches it read-only; `<domain>.<mart>` then names a
    table of it. Raises ServiceError if PostgreSQL or the object store does not answer.
    """
    for name in IMPORTED_BY_DUCKDB:
        import_module(name)
    folder = settings.home_folder / "duckdb_extensions"
    install_extensions(folder)
    connection = duckdb.connect(
        config={
            "extension_directory": str(folder),
            "autoinstall_known_extensions": "false",
            "allow_unsigned_extensions": "true",  # until ours are loaded, whose signatures are checked below
            "TimeZone": "UTC",
        }
    )
    try:
        _verify(_as_installed(folder))
        for name in EXTENSIONS.values():
            connection.execute(f"load {name}")
        connection.execute("set allow_unsigned_extensions = false")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set ducklake_max_retry_count = {COMMIT_RETRIES}")
        _create_secrets(connection, settings, as_reader=as_reader)
        for catalog in ("marts",) if as_reader else catalogs:
            options = "(read_only)" if as_reader else ""
            connection.execute(f"attach 'ducklake:{catalog}_catalog' as {catalog} {options}")
        if as_reader:
            name_marts(connection)
    except duckdb.Error as error:
        connection.close()
        raise ServiceError(
            f"lake: expected catalogs in PostgreSQL at {settings.postgres_host}:{settings.postgres_port} and objects at "
            f"{settings.s3_host}:{settings.s3_port}, got: {_first_line(error)}; see `ioc status`"
        ) from error
    return connection


def name_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `<domain>.<mart>` name a table of `marts` in this connection; repeat it for each of its cursors."""
    connection.execute("set search_path = 'marts.main,memory.main'")


@contextmanager
def connected(settings: Settings, *, as_reader: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection for a `with` block; raises ServiceError if a service is lost during it."""
    connection = connect(settings, as_reader=as_reader)
    try:
        yield connection
    except duckdb.Error as error:
        if not isinstance(error, duckdb.OperationalError) and type(error) is not duckdb.Error:
            raise  # our own query is wrong; errors from the catalog's server have no subclass of their own
        raise ServiceError(
            f"lake: expected catalogs and objects until the end, got: {_first_line(error)}; see `ioc status`, then run it again"
        ) from error
    finally:
        connection.close()


def _create_secrets(connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_reader: bool) -> None:
    user = settings.postgres_reader_user if as_reader else settings.postgres_user
    password = settings.reveal("postgres_reader_password" if as_reader else "postgres_password")
    access_key = settings.s3_reader_access_key if as_reader else settings.s3_access_key
    secret_key = settings.reveal("s3_reader_secret_key" if as_reader else "s3_secret_key")
    connection.execute(
        f"""
        create secret object_store (
            type s3, key_id {text_literal(access_key)}, secret {text_literal(secret_key)},
            endpoint {text_literal(f"{settings.s3_host}:{settings.s3_port}")},
            use_ssl {str(settings.s3_is_secure).lower()}, url_style 'path', region {text_literal(settings.s3_region)})
        """
    )
    for catalog in ("marts",) if as_reader else ("lake", "marts"):
        connection.execute(
            f"""
            create secret {catalog}_metadata (
                type postgres, host {text_literal(settings.postgres_host)}, port {settings.postgres_port},
                database 'ioc_{catalog}', user {text_literal(user)}, password {text_literal(password)})
            """
        )
        connection.execute(
            f"""
            create secret {catalog}_catalog (
                type ducklake, metadata_path '', data_path 's3://{catalog}/',
                metadata_parameters map {{'TYPE': 'postgres', 'SECRET': '{catalog}_metadata'}})
            """
        )


def text_literal(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
