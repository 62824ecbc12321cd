"""The released marts as a database for SQLAlchemy and Superset.

SQL written by people reaches a cursor here in many ways: SQL Lab, a chart's expression, an export, the values of a filter. All of it passes
the gate (lake/gate.py) here, whatever was checked before, and may read only the marts that the person may read.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any  # SQLAlchemy's own objects

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper, Dialect
from flask import g, has_app_context  # type: ignore[import-not-found, unused-ignore]
from sqlalchemy import text
from sqlalchemy.dialects import registry

from core.settings import Settings
from lake.gate import Gate, RefusedQueryError
from lake.limits import Allowance
from lake.serving import ReleasedMarts, begin_reading, end_reading

LOOKUPS = (
    *("get_schema_names", "get_table_names", "get_view_names", "get_columns", "get_pk_constraint"),
    *("get_foreign_keys", "get_unique_constraints", "get_check_constraints", "get_table_comment"),
    *("get_table_oid", "has_table"),
)
"""Methods by which SQLAlchemy queries the catalog with its own SQL."""

_is_lookup: ContextVar[bool] = ContextVar("is_lookup", default=False)
_marts: ReleasedMarts


def register_marts(settings: Settings) -> None:
    """Make every `duckdb` URI in this process connect to the released marts of these settings."""
    global _marts  # noqa: PLW0603  SQLAlchemy makes the connections, without settings
    _marts = ReleasedMarts(settings)
    registry.impls["duckdb"] = lambda: MartsDialect


def newest_snapshot() -> int:
    """Return the snapshot of the newest release, as of the last check; raises ServiceError if the catalog does not answer."""
    return _marts.snapshot()


class MartsCursor(CursorWrapper):  # type: ignore[misc, unused-ignore]
    """Runs one read-only query within its time limit.

    DuckDB computes rows while they are fetched, so the time for fetching counts too.
    """

    def __init__(self, released: duckdb.DuckDBPyConnection, connection: ConnectionWrapper) -> None:
        super().__init__(released, connection)
        self._released = released
        self._allowance = Allowance("marts", _marts.settings.sql_seconds)

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        self._allowance = Allowance("marts", _marts.settings.sql_seconds)
        with self._allowance.spent_on(self._released):
            begin_reading(self._released)
            try:
                if not _is_lookup.get():
                    Gate("marts", _marts.tables(self._released), may_read).admit(statement)
                super().execute(statement, parameters, context)
            except (duckdb.Error, RefusedQueryError):
                end_reading(self._released)
                raise

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:  # noqa: ARG002
        raise duckdb.PermissionException("marts: expected one query, got executemany; write it as one query")

    def fetchone(self) -> Any:
        with self._allowance.spent_on(self._released):
            return self._released.fetchone()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        with self._allowance.spent_on(self._released):
            return list(super().fetchmany(size))

    def fetchall(self) -> list[Any]:
        with self._allowance.spent_on(self._released):
            rows = self._released.fetchall()
        self.close()
        return rows

    def close(self) -> None:
        end_reading(self._released)


class MartsConnection(ConnectionWrapper):  # type: ignore[misc, unused-ignore]
    """A cursor on the released marts."""

    def __init__(self) -> None:
        self._released = _marts.cursor()
        super().__init__(self._released)

    def cursor(self) -> MartsCursor:
        return MartsCursor(self._released, self)

    def close(self) -> None:
        end_reading(self._released)
        super().close()


def may_read(schema: str) -> bool:
    """Whether the user of this request may read the marts of a schema; False without a user."""
    if not (has_app_context() and getattr(g, "user", None)):
        return False
    from superset import security_manager  # type: ignore # noqa: PLC0415  it exists once the application does

    is_allowed = security_manager.can_access("schema_access", f"[marts].[{schema}]")
    return bool(is_allowed or security_manager.can_access_all_datasources())


def _looks_up(ask: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ask)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        token = _is_lookup.set(True)
        try:
            return ask(*arguments, **options)
        finally:
            _is_lookup.reset(token)

    return wrapped


class MartsDialect(Dialect):  # type: ignore[misc, unused-ignore]
    """DuckDB with the schemas of `marts`, under the names used in queries; each query is a transaction of its own.

    duckdb_engine lists `marts.environment`, which Superset, splitting permissions at their dots, would show only to administrators.
    """

    supports_statement_cache = False

    def do_begin(self, dbapi_connection: Any) -> None:
        """Do nothing: each query begins its own transaction."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Do nothing: nothing is ever written."""

    def _get_default_schema_name(self, _: Any) -> str:
        """Return the first schema of the search path; SQLAlchemy would ask for it on every connection."""
        return "main"

    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        """Return the domains, and the schema that holds the list of releases."""
        schemas = "select schema_name from duckdb_schemas() where database_name = 'marts' and schema_name <> 'main' order by all"
        return [str(row[0]) for row in connection.execute(text(schemas))]


for _name in LOOKUPS:
    setattr(MartsDialect, _name, _looks_up(getattr(MartsDialect, _name)))
