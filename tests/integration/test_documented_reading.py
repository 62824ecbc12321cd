"""The lines of docs/releases.md by which any DuckDB reads the released marts: run as they stand, with this stack's credentials."""

import re

import duckdb
import pytest

from core.settings import PROJECT, Settings
from lake.connection import connected, install_extensions
from lake.tables import create_tables
from tests.publishing import publish_candidates

pytestmark = pytest.mark.stack


def documented_lines(settings: Settings) -> list[str]:
    """Return the statements of the page, with the ports and passwords of a stack in place of those printed there."""
    page = (PROJECT / "docs" / "releases.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- read by a test -->\n```sql\n(.*?)```", page, re.DOTALL)
    assert found is not None
    text = found[1]
    for printed, actual in (
        ("127.0.0.1:18333", f"{settings.s3_host}:{settings.s3_port}"),
        ("port 15432", f"port {settings.postgres_port}"),
        ("<S3_READER_SECRET_KEY>", settings.reveal("s3_reader_secret_key")),
        ("<POSTGRES_READER_PASSWORD>", settings.reveal("postgres_reader_password")),
    ):
        assert printed in text
        text = text.replace(printed, actual)
    return text.strip().splitlines()


def test_the_documented_lines_read_a_release_and_nothing_but_released_rows(stack_settings: Settings) -> None:
    with connected(stack_settings) as connection:
        create_tables(connection, {})
        connection.execute("create schema if not exists lake.read_by_page")
        connection.execute("create or replace table lake.read_by_page.ones as select 1 as number")
        release = publish_candidates(connection, "read_by_page", stack_settings.clock())
    extensions = stack_settings.home_folder / "duckdb_extensions"
    install_extensions(extensions)
    lines = documented_lines(stack_settings)
    assert len(lines) == 5
    with duckdb.connect(config={"extension_directory": str(extensions)}) as analyst:
        for line in lines:
            rows = analyst.execute(line).fetchall()
        assert ("read_by_page", release.published_at) in [(row[0], row[1]) for row in rows]
        assert analyst.execute("select number from read_by_page.ones").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error, match=r"read-only|permission|Cannot execute"):
            analyst.execute("insert into read_by_page.ones values (2)")
