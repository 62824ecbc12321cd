"""A SQLAlchemy dialect through which Great Expectations reads, and only reads, an existing DuckDB connection.

Great Expectations returns a connection before it has read the result, and SQLAlchemy then rolls back, which empties that
result in DuckDB. Here begin, commit and rollback do nothing: every statement stands alone, and an immutable snapshot needs no
transaction. The connection itself may write marts; the auditor must not, so anything but a query is refused.
"""

import duckdb
import duckdb_engine
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from core.errors import AuditError

URL = "duckdb+audit://"
QUERIES = ("select", "with")


class ReadOnlyDialect(duckdb_engine.Dialect):  # type: ignore[misc]  # duckdb_engine ships no types that mypy follows
    """DuckDB without transactions and without statements that change anything."""

    supports_statement_cache = False

    def do_begin(self, dbapi_connection: object) -> None:
        """Do nothing."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Do nothing."""

    def do_rollback(self, dbapi_connection: object) -> None:
        """Do nothing: a result may still be waiting to be read."""

    def do_execute(
        self, cursor: duckdb_engine.CursorWrapper, statement: str, parameters: object, context: object = None
    ) -> None:
        """Run a query; raise AuditError for any other statement, naming its first word only."""
        words = statement.split(maxsplit=1)
        first = words[0].lower() if words else ""
        if first not in QUERIES:
            raise AuditError(
                f"audit: expected a query, got a statement `{first}`; let the suite only read", statement=first
            )
        super().do_execute(cursor, statement, parameters, context)


def register() -> None:
    """Register `duckdb+audit://` with SQLAlchemy; may be called again."""
    registry.register("duckdb.audit", __name__, ReadOnlyDialect.__name__)


def engine_options(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Return the `create_engine` options that read through one cursor of a connection, catalogs and secrets included."""
    return {
        "creator": lambda: duckdb_engine.ConnectionWrapper(connection.cursor()),
        "poolclass": StaticPool,
    }
