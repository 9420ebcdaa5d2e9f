"""What a new server gets before the first migration: extension, roles, database, and who may connect."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from hedgerow.core.embedded.layout import PORT
from hedgerow.core.roles import LARGE_OBJECTS

ADMIN: Final = "postgres"
OWNER: Final = "hedgerow_owner"
SESSION: Final = "hedgerow_session"
EVALUATION: Final = "hedgerow_evaluation"
READING: Final = "hedgerow_reading"
AUDITING: Final = "hedgerow_auditing"
DATABASE: Final = "hedgerow"

VERSION: Final = 3
"""Raise it when the statements below change: existing servers run them again at their next start."""

# Each statement may meet its own earlier work, since a start can be killed at any point.
_ROLES: Final[tuple[LiteralString, ...]] = (
    """
    DO $$ BEGIN
        IF to_regrole('hedgerow_owner') IS NULL THEN CREATE ROLE hedgerow_owner; END IF;
        IF to_regrole('hedgerow_app') IS NULL THEN CREATE ROLE hedgerow_app; END IF;
        IF to_regrole('hedgerow_evaluator') IS NULL THEN CREATE ROLE hedgerow_evaluator; END IF;
        IF to_regrole('hedgerow_readonly') IS NULL THEN CREATE ROLE hedgerow_readonly; END IF;
        IF to_regrole('hedgerow_auditor') IS NULL THEN CREATE ROLE hedgerow_auditor; END IF;
        IF to_regrole('hedgerow_session') IS NULL THEN CREATE ROLE hedgerow_session; END IF;
        IF to_regrole('hedgerow_evaluation') IS NULL THEN CREATE ROLE hedgerow_evaluation; END IF;
        IF to_regrole('hedgerow_reading') IS NULL THEN CREATE ROLE hedgerow_reading; END IF;
        IF to_regrole('hedgerow_auditing') IS NULL THEN CREATE ROLE hedgerow_auditing; END IF;
    END $$
    """,
    "ALTER ROLE hedgerow_owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS NOCREATEDB",
    "ALTER ROLE hedgerow_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_evaluator NOLOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_readonly NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_auditor NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_session LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_evaluation LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_reading LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "ALTER ROLE hedgerow_auditing LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
    "GRANT hedgerow_app TO hedgerow_session, hedgerow_evaluator WITH INHERIT TRUE",
    "GRANT hedgerow_evaluator TO hedgerow_evaluation WITH INHERIT TRUE",
    "GRANT hedgerow_readonly TO hedgerow_reading WITH INHERIT TRUE",
    "GRANT hedgerow_auditor TO hedgerow_auditing WITH INHERIT TRUE",
    # What CREATEROLE gives the creator of a role: the owner may grant it, and gains none of its policies.
    "GRANT hedgerow_app, hedgerow_evaluator, hedgerow_readonly, hedgerow_auditor TO hedgerow_owner "
    "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
)

# Done in template1, so that every database made later has it so: the owner is no superuser and may do none of it.
_TEMPLATE: Final[tuple[LiteralString, ...]] = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    "ALTER EXTENSION vector UPDATE",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    f"REVOKE EXECUTE ON FUNCTION {LARGE_OBJECTS} FROM PUBLIC",
)


def connect(
    socket_directory: Path, *, user: str = ADMIN, database: str = "postgres"
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open an autocommitting connection through the server's socket."""
    return psycopg.connect(
        host=str(socket_directory),
        port=PORT,
        user=user,
        dbname=database,
        application_name="hedgerow bootstrap",
        autocommit=True,
    )


def bootstrap(socket_directory: Path) -> None:
    """Create roles, extension and database where they are missing; running it again changes nothing."""
    with connect(socket_directory, database="template1") as template:
        # Extensions that are there already say so, which is no news.
        template.execute("SET client_min_messages = warning")
        for statement in _TEMPLATE:
            template.execute(statement)
    with connect(socket_directory) as admin:
        for statement in _ROLES:
            admin.execute(statement)
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            create_database(admin, DATABASE)
            return
        _allow_only_ours(admin, DATABASE)
    with connect(socket_directory, database=DATABASE) as existing:
        existing.execute("SET client_min_messages = warning")
        for statement in _TEMPLATE:
            existing.execute(statement)


def create_database(admin: psycopg.Connection[Any], name: str, template: str | None = None) -> None:
    """Create a database of the owner role that nobody but our roles may enter."""
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER hedgerow_owner TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template or "template1")
        )
    )
    # Privileges on a database are not copied from its template.
    _allow_only_ours(admin, name)


def drop_database(admin: psycopg.Connection[Any], name: str) -> None:
    """Drop a database if it exists, ending the sessions in it."""
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _allow_only_ours(admin: psycopg.Connection[Any], name: str) -> None:
    database = sql.Identifier(name)
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    admin.execute(
        sql.SQL(
            "GRANT CONNECT ON DATABASE {} TO hedgerow_app, hedgerow_evaluator, hedgerow_readonly, hedgerow_auditor"
        ).format(database)
    )
