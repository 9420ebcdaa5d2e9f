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
from hedgerow.core.roles import APP_ROLE, EVALUATOR_ROLE, GROUPS, LARGE_OBJECTS
from hedgerow.core.wall import TENANT_POLICY, row_security
from hedgerow.registry import domains

OLDEST = 160000
"""Oldest supported PostgreSQL, as server_version_num says it."""

OLDEST_VECTOR = (0, 8)
"""Oldest supported pgvector: searches inside of a tenant need its iterative scans."""

MIGHTY = (
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_read_all_stats",
    "pg_monitor",
)
"""Roles of PostgreSQL that show or change what policies and grants keep from a session."""


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
    for question, sql, remedy in _QUESTIONS:
        found = owner.execute(text(sql), {"tables": _tenant_tables(), "groups": list(GROUPS)})
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

_OURS = (
    "n.nspname IN ('public', 'app') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"
)

_QUESTIONS = (
    (
        "Row-level security is forced on every tenant table",
        # Of tables that no model declares, too, as far as they show that they hold rows of tenants.
        f"""SELECT t.name FROM unnest(CAST(:tables AS text[])) AS t (name)
              LEFT JOIN pg_class c ON c.relname = t.name AND c.relnamespace = 'public'::regnamespace
             WHERE NOT coalesce(c.relrowsecurity AND c.relforcerowsecurity, false)
             UNION
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname = 'public' AND {_OURS.format("c")}
               AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
               AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
             ORDER BY 1""",
        "ALTER TABLE ... ENABLE ROW LEVEL SECURITY; ALTER TABLE ... FORCE ROW LEVEL SECURITY",
    ),
    (
        "The walls hold for the owner of tables and functions",
        f"""SELECT r.rolname || CASE WHEN r.rolsuper THEN ' is a superuser' ELSE ' has BYPASSRLS' END
              FROM pg_roles r
             WHERE (r.rolsuper OR r.rolbypassrls)
               AND (EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                             WHERE c.relowner = r.oid AND c.relrowsecurity AND {_OURS.format("c")})
                    OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                                WHERE p.proowner = r.oid AND p.prosecdef AND {_OURS.format("p")}))
             ORDER BY 1""",
        "let an ordinary role own them: REASSIGN OWNED BY ... TO hedgerow_owner",
    ),
    (
        "Every view runs with the rights of its caller",
        # A materialised view cannot: it holds rows, and no policy looks at them.
        f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('v', 'm') AND {_OURS.format("c")}
               AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) AS o
                                WHERE c.relkind = 'v' AND o.option_name = 'security_invoker'
                                  AND CAST(o.option_value AS boolean))
             ORDER BY 1""",
        "ALTER VIEW ... SET (security_invoker = true); DROP MATERIALIZED VIEW ..., which no policy protects",
    ),
    (
        "Every SECURITY DEFINER function fixes its search_path",
        # Unless it is named last, the schema of temporary tables is searched first.
        f"""SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE p.prosecdef AND {_OURS.format("p")}
               AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s
                                WHERE s LIKE 'search_path=%pg_temp' AND s NOT LIKE '%$user%') ORDER BY 1""",
        "ALTER FUNCTION ... SET search_path = pg_catalog, public, pg_temp",
    ),
    (
        "Nothing is granted to PUBLIC",
        f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'v', 'p', 'm', 'S', 'f') AND {_OURS.format("c")}
                AND (EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0)
                     OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) AS a
                                 WHERE t.attrelid = c.oid AND a.grantee = 0))
             UNION
             SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE {_OURS.format("p")}
                -- No list of its own means the default, which lets PUBLIC execute.
                AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
                             WHERE a.grantee = 0)
             UNION
             -- That everybody may look into public is PostgreSQL's default, and shows nothing by itself.
             SELECT a.privilege_type || ' on schema ' || n.nspname
               FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
              WHERE n.nspname IN ('public', 'app') AND a.grantee = 0
                AND NOT (n.nspname = 'public' AND a.privilege_type = 'USAGE')
             UNION
             SELECT a.privilege_type || ' on database ' || d.datname
               FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
              WHERE d.datname = current_database() AND a.grantee = 0
             UNION
             SELECT a.privilege_type || ' by default, of ' || pg_get_userbyid(d.defaclrole)
               FROM pg_default_acl d, aclexplode(d.defaclacl) AS a
              WHERE a.grantee = 0 AND d.defaclnamespace IN (0, 'public'::regnamespace, to_regnamespace('app'))
             ORDER BY 1""",
        "REVOKE ALL ON TABLE, FUNCTION, SCHEMA or DATABASE ... FROM PUBLIC;"
        " ALTER DEFAULT PRIVILEGES ... REVOKE ALL ... FROM PUBLIC",
    ),
    (
        "Every trigger fires and every constraint holds",
        f"""SELECT DISTINCT CASE WHEN t.tgisinternal THEN c.relname || ': foreign keys are not checked'
                                 ELSE c.relname || '.' || t.tgname END
              FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.tgenabled NOT IN ('O', 'A') AND {_OURS.format("c")}
             UNION
             SELECT c.relname || '.' || k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE NOT k.convalidated AND {_OURS.format("c")}
             ORDER BY 1""",
        "ALTER TABLE ... ENABLE TRIGGER ALL; ALTER TABLE ... VALIDATE CONSTRAINT ...",
    ),
    (
        "No rule rewrites what is done to a table",
        # That of a view, which every view has, is no rule in this sense.
        f"""SELECT c.relname || '.' || w.rulename FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT (w.ev_type = '1' AND w.rulename = '_RETURN') AND {_OURS.format("c")} ORDER BY 1""",
        "DROP RULE ... ON ...",
    ),
    (
        "No setting of a role or database changes what statements mean",
        # A role may set most of them for itself, so one that was taken over once may have left them.
        """SELECT CASE WHEN s.setrole <> 0 THEN 'role ' || pg_get_userbyid(s.setrole)
                       WHEN s.setdatabase <> 0 THEN 'database ' || current_database()
                       ELSE 'every role' END
                  || ' sets ' || split_part(one, '=', 1)
             FROM pg_db_role_setting s, unnest(s.setconfig) AS one
            WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
              AND (split_part(one, '=', 1) IN ('array_nulls', 'row_security', 'search_path',
                                               'standard_conforming_strings', 'transform_null_equals')
                   OR one LIKE 'app.%')
            ORDER BY 1""",
        "ALTER ROLE ... RESET ..., ALTER ROLE ... IN DATABASE ... RESET ..., ALTER DATABASE ... RESET ...",
    ),
    (
        "Nothing of the server itself is granted to members of a group",
        # Files, statistics with values of every tenant, the settings of others.
        """SELECT DISTINCT o.name || ' to ' || g.rolname
             FROM (SELECT p.proname AS name, p.proacl AS acl FROM pg_proc p
                    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
                   UNION ALL
                   SELECT c.relname, c.relacl FROM pg_class c
                    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relacl IS NOT NULL) AS o,
                  aclexplode(o.acl) AS a
             JOIN pg_roles g ON g.oid = a.grantee AND NOT g.rolsuper
            WHERE EXISTS (SELECT FROM pg_roles r
                           WHERE r.rolname = ANY (CAST(:groups AS text[])) AND pg_has_role(g.oid, r.oid, 'MEMBER'))
            ORDER BY 1""",
        "REVOKE ALL ON FUNCTION or TABLE pg_catalog... FROM ...",
    ),
    (
        "Nobody but superusers keeps anything in large objects",
        # No policy looks at them, and every login of the database finds them. Grants to members of a group: above.
        f"""SELECT p.oid::regprocedure || ' is open to PUBLIC' FROM pg_proc p
              JOIN unnest(regexp_split_to_array('{LARGE_OBJECTS}', ', (?=lo)')) AS f (name)
                ON p.oid = to_regprocedure('pg_catalog.' || f.name)
             WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
                            WHERE a.grantee = 0)
             ORDER BY 1""",
        f"REVOKE EXECUTE ON FUNCTION {LARGE_OBJECTS} FROM PUBLIC, as superuser",
    ),
    (
        "Every extension is of the version that the server brings",
        """SELECT e.extname || ' ' || e.extversion || ', the server has ' || a.default_version
             FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
            WHERE e.extversion <> a.default_version ORDER BY 1""",
        "ALTER EXTENSION ... UPDATE, as superuser",
    ),
    (
        "Every index is valid",
        f"""SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT (x.indisvalid AND x.indisready) AND {_OURS.format("c")} ORDER BY 1""",
        "REINDEX INDEX CONCURRENTLY ..., or DROP INDEX CONCURRENTLY the leftover and create it again",
    ),
)
