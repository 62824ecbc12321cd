"""A SQLAlchemy dialect through which Great Expectations reads, and only reads, a DuckDB connection we already have.

Great Expectations hands a connection back before it has read the result, and SQLAlchemy answers with a rollback, which empties that
result in DuckDB. Here begin, commit and rollback do nothing: every statement stands alone, and a snapshot that never changes needs no
transaction. The connection below may write marts; the auditor must not, so anything but a query is refused.
"""

import duckdb
import duckdb_engine
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from core.errors import AuditError

URL = "duckdb+audit://"
QUERIES = ("select", "with")


class ReadOnlyDialect(duckdb_engine.Dialect):  # type: ignore[misc]  # duckdb_engine ships no types that mypy follows
    """DuckDB without transactions and without statements that change something."""

    supports_statement_cache = False

    def do_begin(self, dbapi_connection: object) -> None:
        """Begin nothing."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Commit nothing."""

    def do_rollback(self, dbapi_connection: object) -> None:
        """Roll nothing back: a result may still be waiting to be read."""

    def do_execute(
        self, cursor: duckdb_engine.CursorWrapper, statement: str, parameters: object, context: object = None
    ) -> None:
        """Run a query; raise AuditError for any other statement, naming its first word only."""
        words = statement.split(maxsplit=1)
        first = words[0].lower() if words else ""
        if first not in QUERIES:
            raise AuditError(f"audit: queries only were promised, a statement `{first}` came", statement=first)
        super().do_execute(cursor, statement, parameters, context)


def register() -> None:
    """Make `duckdb+audit://` known to SQLAlchemy; may be called again."""
    registry.register("duckdb.audit", __name__, ReadOnlyDialect.__name__)


def engine_options(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Give the `create_engine` options that read through one cursor of a connection, catalogs and secrets included."""
    return {
        "creator": lambda: duckdb_engine.ConnectionWrapper(connection.cursor()),
        "poolclass": StaticPool,
    }
