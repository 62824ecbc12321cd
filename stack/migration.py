"""Remember that a program's schema was brought up to date, without trusting the memory more than the database.

Migrating takes tens of seconds even when there is nothing to do. So a stamp keeps what was migrated with (the
program's version and configuration) and the schema's revision after it; when both still hold, there is nothing to do.
"""

from pathlib import Path

import psycopg

from core.settings import Settings
from stack.roles import connect


def is_current(settings: Settings, database: str, stamp: Path, made_with: str) -> bool:
    """Tell whether the database still has the schema that the stamp remembers, made with the same program."""
    revision = _revision(settings, database)
    return bool(revision) and stamp.exists() and stamp.read_text(encoding="utf-8") == f"{made_with}\n{revision}\n"


def remember(settings: Settings, database: str, stamp: Path, made_with: str) -> None:
    """Write down what the schema was made with, and its revision."""
    stamp.write_text(f"{made_with}\n{_revision(settings, database)}\n", encoding="utf-8")


def _revision(settings: Settings, database: str) -> str:
    try:
        with connect(settings, database) as connection:
            row = connection.execute("select string_agg(version_num, ' ' order by 1) from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return ""
    return str(row[0]) if row and row[0] else ""
