"""Whether a database is one in which the promises hold: the questions of ``hedgerow db doctor``.

What comes in: a connection as the owner and the URL of sessions. What goes out: findings, each with its remedy. The
database is only read. Whether it is as declared down to the last expression, :mod:`hedgerow.migrations.check` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from hedgerow.core.predicate import scope_rule
from hedgerow.core.roles import APP_ROLE, EVALUATOR_ROLE, GROUPS
from hedgerow.core.wall import TENANT_POLICY, row_security
from hedgerow.questions import MIGHTY, QUESTIONS
from hedgerow.registry import domains

OLDEST = 160000
"""Oldest supported PostgreSQL, as server_version_num says it."""

OLDEST_VECTOR = (0, 8)
"""Oldest supported pgvector: searches inside of a tenant need its iterative scans."""


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


def examine(owner: Connection, app_url: URL, evaluator_url: URL | None = None) -> Iterator[Finding]:
    """Ask every question of a database at head.

    :param owner: a connection as the owner of the schema.
    :param app_url: URL of application sessions.
    :param evaluator_url: URL of sessions that may open ``test`` and ``holdout``, where it is another one.
    """
    yield _server(owner)
    yield from _sessions(app_url, "Sessions", "HEDGEROW_APP_URL", APP_ROLE)
    if evaluator_url is not None and evaluator_url != app_url:
        yield from _sessions(evaluator_url, "Evaluators", "HEDGEROW_EVALUATOR_URL", EVALUATOR_ROLE)
    yield _policies(owner)
    values = {
        "tables": _tenant_tables(),
        "groups": list(GROUPS),
        "mighty": list(MIGHTY),
        "asked": [url.username for url in (app_url, evaluator_url) if url is not None and url.username],
    }
    for question, sql, remedy in QUESTIONS:
        found = owner.execute(text(sql), values)
        yield Finding(question, tuple(str(name) for name in found.scalars()), remedy)


def _tenant_tables() -> list[str]:
    return [table.name for domain in domains() for table in domain.tables if scope_rule(table) is not None]


def _server(owner: Connection) -> Finding:
    version = int(owner.scalar(text("SELECT current_setting('server_version_num')")) or 0)
    vector = owner.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    problems = [f"PostgreSQL {version // 10000}"] if version < OLDEST else []
    if vector is None:
        problems.append("the extension vector is missing")
    elif tuple(int(part) for part in re.findall(r"\d+", vector)) < OLDEST_VECTOR:
        problems.append(f"vector {vector}")
    return Finding(
        "PostgreSQL 16 or newer with pgvector 0.8 or newer",
        tuple(problems),
        "upgrade the server; CREATE EXTENSION vector, or ALTER EXTENSION vector UPDATE, as superuser",
    )


def _sessions(url: URL, who: str, variable: str, group: str) -> Iterator[Finding]:
    question = f"{who} connect as an ordinary role"
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            values = {"tables": _tenant_tables(), "group": group, "mighty": list(MIGHTY)}
            roles = connection.execute(text(_ROLE), values).all()
    except OperationalError as error:
        yield Finding(question, (str(error.orig).strip(),), f"correct {variable}, or start the server")
        return
    problems = [
        f"{role.name} {what}"
        for role in roles
        for wrong, what in (
            (role.superuser, "is a superuser"),
            (role.bypass, "has BYPASSRLS"),
            (role.replicates, "has REPLICATION, which copies every table"),
            (role.owns, "owns tables"),
            (role.mighty, f"is a member of {', '.join(role.mighty)}"),
            (role.silences, "may set session_replication_role, which silences triggers"),
            (role.silenced, "runs with session_replication_role = replica, so that no trigger fires"),
            (not role.member, f"is no member of {group}"),
        )
        if wrong
    ]
    yield Finding(
        question,
        tuple(problems),
        f"let {variable} name a role that is only a member of {group}: "
        f"CREATE ROLE my_service LOGIN PASSWORD '...' IN ROLE {group}",
    )
    # Temporary tables are searched before all others: one named like ours would stand in its place.
    problems = [
        f"{role.name} {what}"
        for role in roles
        for wrong, what in (
            (role.temporary, f"may create temporary tables in {role.database}"),
            (role.creates, "may create objects in the schema public"),
        )
        if wrong
    ]
    database = roles[0].database
    yield Finding(
        f"{who} can create neither temporary tables nor objects in public",
        tuple(problems),
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO {group};"
        " REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )


_Policy = tuple[str, str, str]
_HEAD = re.compile(r"CREATE POLICY (\S+) ON (\S+) AS (\w+) FOR (\w+) TO (.+)")


def _policies(owner: Connection) -> Finding:
    declared: dict[str, _Policy] = {}
    for table in (table for domain in domains() for table in domain.tables):
        for item in row_security(table):
            if item.kind == "policy":
                found = _HEAD.match(item.create)
                assert found is not None, item.create
                name, on, kind, command, roles = found.groups()
                declared[f"{on}.{name}"] = (kind, command, ", ".join(sorted(roles.split(", "))))
    rows = owner.execute(text(_POLICIES), {"policy": TENANT_POLICY}).all()
    actual: dict[str, _Policy] = {row.name: (row.kind, row.command, row.roles) for row in rows}
    # What an expression says, the comparison with the declarations knows; this much is known without one.
    blind = {row.name for row in rows if row.blind}
    problems = []
    for name in sorted(declared.keys() | actual.keys()):
        wanted, there = declared.get(name), actual.get(name)
        if there is None:
            problems.append(f"{name} is missing")
        elif wanted is None:
            problems.append(f"{name} is not declared")
        elif wanted != there:
            problems.append(f"{name} is {_spelt(there)}, and not {_spelt(wanted)}")
        elif name in blind:
            problems.append(f"{name} does not ask for the tenant of the scope")
    return Finding(
        "Every tenant table has the policies that its model declares, and no others",
        tuple(problems),
        "DROP POLICY what is not declared, restore the others from alembic/snapshots; hedgerow db check shows the SQL",
    )


def _spelt(policy: _Policy) -> str:
    kind, command, roles = policy
    return f"{kind} FOR {command} TO {roles}"


_POLICIES = """
    SELECT c.relname || '.' || p.polname AS name,
           CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END AS kind,
           CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                         ELSE 'ALL' END AS command,
           (SELECT string_agg(r.name, ', ' ORDER BY r.name)
              FROM (SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role)::text END COLLATE "C"
                      FROM unnest(p.polroles) AS role) AS r (name)) AS roles,
           p.polname = :policy
               AND NOT coalesce(strpos(pg_get_expr(p.polqual, p.polrelid), 'app.current_tenant()') > 0
                                AND strpos(pg_get_expr(p.polwithcheck, p.polrelid), 'app.current_tenant()') > 0,
                                false) AS blind
      FROM pg_policy p
      JOIN pg_class c ON c.oid = p.polrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'app')
"""

_ROLE = """
    SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypass, r.rolreplication AS replicates,
           pg_has_role(r.oid, CAST(:group AS name), 'USAGE') AS member,
           quote_ident(current_database()) AS database,
           has_database_privilege(r.oid, current_database(), 'TEMPORARY') AS temporary,
           has_schema_privilege(r.oid, 'public', 'CREATE') AS creates,
           NOT r.rolsuper AND has_parameter_privilege(r.oid, 'session_replication_role', 'SET') AS silences,
           -- As it was set for the role or the database, which takes no privilege of the role.
           current_setting('session_replication_role') = 'replica' AS silenced,
           EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relname = ANY (:tables)
                      AND c.relnamespace = 'public'::regnamespace) AS owns,
           -- MEMBER and not USAGE: what is not inherited can be had by SET ROLE, or be granted to oneself.
           ARRAY(SELECT m.rolname FROM pg_roles m
                  WHERE m.oid <> r.oid AND NOT r.rolsuper AND pg_has_role(r.oid, m.oid, 'MEMBER')
                    AND (m.rolsuper OR m.rolbypassrls OR m.rolreplication OR m.rolname = ANY (CAST(:mighty AS text[]))
                         OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = m.oid AND c.relname = ANY (:tables)
                                       AND c.relnamespace = 'public'::regnamespace))
                  ORDER BY m.rolname)::text[] AS mighty
      FROM pg_roles r
     WHERE r.rolname IN (current_user, session_user)
     ORDER BY r.rolname
"""
