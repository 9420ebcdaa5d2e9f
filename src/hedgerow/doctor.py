"""Whether a database is one in which the promises hold: the questions of ``hedgerow db doctor``.

What comes in: a connection as the owner and the URL of sessions. What goes out: findings, each with its remedy. The
database is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from hedgerow.core.objects import APP_ROLE
from hedgerow.core.predicate import scope_rule
from hedgerow.core.wall import TENANT_POLICY
from hedgerow.registry import domains

OLDEST = 160000
"""Oldest supported PostgreSQL, as server_version_num says it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question.

    :ivar question: what was looked at.
    :ivar problems: what is wrong; empty when all is well.
    :ivar remedy: what to do about it.
    """

    question: str
    problems: tuple[str, ...]
    remedy: str

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to complain of."""
        return not self.problems


def examine(owner: Connection, app_url: URL) -> Iterator[Finding]:
    """Ask every question of a database at head.

    :param owner: a connection as the owner of the schema.
    :param app_url: URL of application sessions.
    """
    yield _server(owner)
    yield from _sessions(app_url)
    for question, sql, remedy in _QUESTIONS:
        found = owner.execute(text(sql), {"tables": _tenant_tables(), "policy": TENANT_POLICY})
        yield Finding(question, tuple(str(name) for name in found.scalars()), remedy)


def _tenant_tables() -> list[str]:
    return [table.name for domain in domains() for table in domain.tables if scope_rule(table) is not None]


def _server(owner: Connection) -> Finding:
    version = int(owner.scalar(text("SELECT current_setting('server_version_num')")) or 0)
    vector = owner.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    problems = [f"PostgreSQL {version // 10000}"] if version < OLDEST else []
    problems += [] if vector else ["the extension vector is missing"]
    return Finding(
        "PostgreSQL 16 or newer with pgvector",
        tuple(problems),
        "upgrade the server; CREATE EXTENSION vector as superuser",
    )


def _sessions(app_url: URL) -> Iterator[Finding]:
    question = "Sessions connect as an ordinary role"
    engine = create_engine(app_url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            role = connection.execute(text(_ROLE), {"tables": _tenant_tables(), "app": APP_ROLE}).one()
    except OperationalError as error:
        yield Finding(question, (str(error.orig).strip(),), "correct HEDGEROW_APP_URL, or start the server")
        return
    problems = [
        f"{role.name} {what}"
        for wrong, what in (
            (role.superuser, "is a superuser"),
            (role.bypass, "has BYPASSRLS"),
            (role.owns, "owns tables"),
            (not role.member, f"is no member of {APP_ROLE}"),
        )
        if wrong
    ]
    yield Finding(question, tuple(problems), f"let HEDGEROW_APP_URL name a role that is only a member of {APP_ROLE}")
    # Temporary tables are searched before all others: one named like ours would stand in its place.
    problems = [
        f"{role.name} {what}"
        for wrong, what in (
            (role.temporary, f"may create temporary tables in {role.database}"),
            (role.creates, "may create objects in the schema public"),
        )
        if wrong
    ]
    yield Finding(
        "Sessions can create neither temporary tables nor objects in public",
        tuple(problems),
        f"REVOKE ALL ON DATABASE {role.database} FROM PUBLIC; GRANT CONNECT ON DATABASE {role.database} TO {APP_ROLE};"
        " REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )


_ROLE = """
    SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypass,
           pg_has_role(r.oid, CAST(:app AS name), 'USAGE') AS member,
           quote_ident(current_database()) AS database,
           has_database_privilege(r.oid, current_database(), 'TEMPORARY') AS temporary,
           has_schema_privilege(r.oid, 'public', 'CREATE') AS creates,
           EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relname = ANY (:tables)
                      AND c.relnamespace = 'public'::regnamespace) AS owns
      FROM pg_roles r
     WHERE r.rolname = current_user
"""

_OURS = (
    "n.nspname IN ('public', 'app') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"
)

_QUESTIONS = (
    (
        "Row-level security is forced on every tenant table",
        """SELECT t.name FROM unnest(CAST(:tables AS text[])) AS t (name)
             LEFT JOIN pg_class c ON c.relname = t.name AND c.relnamespace = 'public'::regnamespace
            WHERE NOT coalesce(c.relrowsecurity AND c.relforcerowsecurity, false) ORDER BY 1""",
        "hedgerow db check says what differs; ALTER TABLE ... ENABLE and FORCE ROW LEVEL SECURITY",
    ),
    (
        "Every tenant table has its restrictive tenant policy",
        """SELECT t.name FROM unnest(CAST(:tables AS text[])) AS t (name)
            WHERE NOT EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = t.name
                                 AND p.policyname = :policy AND p.permissive = 'RESTRICTIVE' AND p.cmd = 'ALL')
            ORDER BY 1""",
        "hedgerow db check says what differs; restore the policy from alembic/snapshots",
    ),
    (
        "Every view runs with the rights of its caller",
        f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'v' AND {_OURS.format("c")}
               AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false) ORDER BY 1""",
        "ALTER VIEW ... SET (security_invoker = true)",
    ),
    (
        "Every SECURITY DEFINER function fixes its search_path",
        f"""SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE p.prosecdef AND {_OURS.format("p")}
               AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s LIKE 'search_path=%') ORDER BY 1""",
        "ALTER FUNCTION ... SET search_path = pg_catalog, public, pg_temp",
    ),
    (
        "Nothing is granted to PUBLIC",
        f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'v', 'p', 'm') AND {_OURS.format("c")}
                AND (EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0)
                     OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) AS a
                                 WHERE t.attrelid = c.oid AND a.grantee = 0))
             UNION
             SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE {_OURS.format("p")}
                -- No list of its own means the default, which lets PUBLIC execute.
                AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
                             WHERE a.grantee = 0)
             ORDER BY 1""",
        "REVOKE ALL ON ... FROM PUBLIC",
    ),
    (
        "Every index is valid",
        f"""SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT x.indisvalid AND {_OURS.format("c")} ORDER BY 1""",
        "DROP INDEX CONCURRENTLY the leftover and create it again",
    ),
)
