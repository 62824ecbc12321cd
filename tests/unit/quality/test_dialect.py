"""The dialect through which the auditor reads: results outlive a rollback, and nothing can be changed."""

from collections.abc import Iterator

import duckdb
import pytest
import sqlalchemy

from core.errors import AuditError
from quality import dialect


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create table marts as select range as level_m from range(3)")
        yield opened


@pytest.fixture
def engine(connection: duckdb.DuckDBPyConnection) -> Iterator[sqlalchemy.Engine]:
    dialect.register()
    opened = sqlalchemy.create_engine(dialect.URL, **dialect.engine_options(connection))
    yield opened
    opened.dispose()


def test_a_result_is_still_there_after_begin_commit_and_rollback(engine: sqlalchemy.Engine) -> None:
    with engine.connect() as session:
        raw = session.connection.dbapi_connection
        result = session.execute(sqlalchemy.text("select level_m from marts order by level_m"))
        for step in (engine.dialect.do_rollback, engine.dialect.do_commit, engine.dialect.do_begin):
            step(raw)  # type: ignore[arg-type]
        assert [row[0] for row in result] == [0, 1, 2]


@pytest.mark.parametrize(
    ("statement", "first_word"),
    [
        ("insert into marts values (9)", "insert"),
        ("  DELETE FROM marts", "delete"),
        ("create temporary table copy as select * from marts", "create"),
        ("attach 'other.db'", "attach"),
        ("", ""),
    ],
)
def test_a_statement_that_is_no_query_is_refused(
    engine: sqlalchemy.Engine, connection: duckdb.DuckDBPyConnection, statement: str, first_word: str
) -> None:
    with engine.connect() as session, pytest.raises(AuditError) as refused:
        session.exec_driver_sql(statement)
    assert refused.value.values == {"statement": first_word}
    assert connection.execute("select level_m from marts order by all").fetchall() == [(0,), (1,), (2,)]


def test_disposing_of_the_engine_leaves_the_connection_open(
    engine: sqlalchemy.Engine, connection: duckdb.DuckDBPyConnection
) -> None:
    with engine.connect() as session:
        assert session.execute(sqlalchemy.text("select count(*) from marts")).scalar() == 3
    engine.dispose()
    assert connection.execute("select count(*) from marts").fetchone() == (3,)
