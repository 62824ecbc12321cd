"""Remember that a program's schema was migrated, and check that against the database.

A migration takes tens of seconds even when there is nothing to do. So a stamp file holds what migrated the schema (the
program's version and configuration) and its revision afterwards; if both still match, the migration is skipped.
"""

from pathlib import Path

import psycopg

from core.settings import Settings
from stack.roles import connect


def is_current(settings: Settings, database: str, stamp: Path, made_with: str) -> bool:
    """Whether the database still has the schema revision in the stamp, made with the same program."""
    revision = _revision(settings, database)
    return bool(revision) and stamp.exists() and stamp.read_text(encoding="utf-8") == f"{made_with}\n{revision}\n"


def remember(settings: Settings, database: str, stamp: Path, made_with: str) -> None:
    """Write the stamp: what migrated the schema, and its revision."""
    stamp.write_text(f"{made_with}\n{_revision(settings, database)}\n", encoding="utf-8")


def _revision(settings: Settings, database: str) -> str:
    try:
        with connect(settings, database) as connection:
            row = connection.execute("select string_agg(version_num, ' ' order by 1) from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return ""
    return str(row[0]) if row and row[0] else ""
