"""Privileges in PostgreSQL: one role per program, limited to its own databases.

| role        | databases             | may                                                        |
|-------------|-----------------------|------------------------------------------------------------|
| admin       | all                   | everything: created by `initdb`, used only to settle       |
| pipeline    | ioc_lake, ioc_marts   | everything in them, as their owner                         |
| maintenance | ioc_lake, ioc_marts   | the same as the pipeline, with a log-in of its own         |
| airflow     | airflow               | everything in it, as its owner                             |
| superset    | superset              | everything in it, as its owner                             |
| reader      | ioc_marts             | read the catalog of marts                                  |

PostgreSQL lets every role change its own password and defaults; no privilege can forbid that. Settling resets
both, so that with a stolen reader's password one can at most lock other readers out until the next `ioc up`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, LiteralString

import psycopg
from psycopg import sql

from core.settings import Settings

LAKE_DATABASE = "ioc_lake"
MARTS_DATABASE = "ioc_marts"

Role = Literal["admin", "pipeline", "maintenance", "reader", "airflow", "superset"]
Session = psycopg.Connection[tuple[object, ...]]

OWNERS: Mapping[str, Role] = {
    LAKE_DATABASE: "pipeline",
    MARTS_DATABASE: "pipeline",
    "airflow": "airflow",
    "superset": "superset",
}
DATABASES = tuple(OWNERS)
READER_CONNECTIONS = 100
"""Half of all connections, so that readers cannot use up the pipeline's. A running query holds one, and a serving instance keeps up to
four open, as does one that is being replaced; 50 proved too few for 50 readers."""

READER_DEFAULTS = {"default_transaction_read_only": "on", "temp_file_limit": "1GB"}
"""Defaults of a reader's sessions; only a superuser can change the second."""

OPEN_FUNCTIONS = r"""
select oid::regprocedure::text
from pg_proc
where pronamespace = 'pg_catalog'::regnamespace
  and (proname ~ '^lo(_|read$|write$)' or proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_logical_emit_message'))
  and has_function_privilege('public', oid, 'execute')
"""
"""Functions that PostgreSQL opens to everybody: they write large objects and the write-ahead log, or end other sessions of the role."""


def name_of(settings: Settings, role: Role) -> str:
    """Return the login name of a role."""
    return str(getattr(settings, _field(role, "user")))


def connect(settings: Settings, database: str, role: Role = "admin") -> Session:
    """Log in to a database with autocommit; raises psycopg.OperationalError if refused."""
    return psycopg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=name_of(settings, role),
        password=settings.reveal(_field(role, "password")),
        dbname=database,
        connect_timeout=3,
        autocommit=True,
    )


def settle_roles(settings: Settings) -> None:
    """Create roles and databases, and grant each role its own privileges and no others. Safe to repeat."""
    pipeline, maintenance = _identifiers(name_of(settings, "pipeline"), name_of(settings, "maintenance"))
    with connect(settings, "postgres") as session:
        for owner in sorted(set(OWNERS.values())):
            _make_role(session, settings, owner)
        _make_role(session, settings, "reader", connections=READER_CONNECTIONS, defaults=READER_DEFAULTS)
        _make_role(session, settings, "maintenance")
        _run(session, "grant {} to {}", pipeline, maintenance)
        _run(session, "alter role {} set role = {}", maintenance, pipeline)  # the pipeline owns what it creates
        existing = {row[0] for row in session.execute("select datname from pg_database")}
        for database, owner in OWNERS.items():
            if database not in existing:
                _run(session, "create database {}", sql.Identifier(database))
            _run(session, "alter database {} owner to {}", *_identifiers(database, name_of(settings, owner)))
        for database in (*DATABASES, "postgres", "template1"):
            _run(session, "revoke all on database {} from public", sql.Identifier(database))
    for database in (*DATABASES, "postgres", "template1"):
        with connect(settings, database) as session:
            _close_functions(session)
    with connect(settings, MARTS_DATABASE) as session:
        reader, marts = _identifiers(name_of(settings, "reader"), MARTS_DATABASE)
        _run(session, "grant connect on database {} to {}", marts, reader)
        _run(session, "grant usage on schema public to {}", reader)
        _run(session, "grant select on all tables in schema public to {}", reader)
        terms = "alter default privileges for role {} in schema public grant select on tables to {}"
        _run(session, terms, pipeline, reader)


def _make_role(
    session: Session,
    settings: Settings,
    role: Role,
    *,
    connections: int = -1,
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> None:
    name, password = name_of(settings, role), settings.reveal(_field(role, "password"))
    found = session.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    _run(
        session,
        ("alter" if found else "create") + " role {} with login nosuperuser nocreatedb nocreaterole noreplication"
        " nobypassrls connection limit {} password {}",
        sql.Identifier(name),
        sql.Literal(connections),
        sql.Literal(password),
    )
    changed = session.execute(
        "select datname from pg_db_role_setting join pg_database on pg_database.oid = setdatabase where setrole = %s::regrole",
        [sql.Identifier(name).as_string()],
    ).fetchall()
    for (database,) in changed:
        _run(session, "alter role {} in database {} reset all", *_identifiers(name, str(database)))
    _run(session, "alter role {} reset all", sql.Identifier(name))
    for parameter, value in defaults.items():
        _run(session, "alter role {} set {} = {}", *_identifiers(name, parameter), sql.Literal(value))


def _close_functions(session: Session) -> None:
    """Revoke the public's right to execute OPEN_FUNCTIONS in this database."""
    for (function,) in session.execute(OPEN_FUNCTIONS).fetchall():
        _run(session, f"revoke execute on function {function} from public")


def _field(role: Role, what: str) -> str:
    return f"postgres_{what}" if role == "pipeline" else f"postgres_{role}_{what}"


def _identifiers(*names: str) -> tuple[sql.Identifier, ...]:
    return tuple(map(sql.Identifier, names))


def _run(session: Session, statement: LiteralString, *parts: sql.Composable) -> None:
    session.execute(sql.SQL(statement).format(*parts))
