"""What the doctor asks of a database in SQL: each question with a query that names what is wrong, and a remedy.

Parameters are ``tables`` (those of tenants), ``groups`` (the roles that hold grants), ``mighty`` and ``asked`` (logins
that were looked at already).
"""

from __future__ import annotations

from hedgerow.core.roles import APP_ROLE, AUDITOR_ROLE, LARGE_OBJECTS, READONLY_ROLE

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

_OURS = (
    "n.nspname IN ('public', 'app') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"
)

# By what was granted, since a superuser counts as a member of everything. The owner administers the groups, no more.
_MEMBERS = """
    WITH RECURSIVE member AS (
        SELECT g.oid AS role, g.rolname AS of_group FROM pg_roles g WHERE g.rolname = ANY (CAST(:groups AS text[]))
        UNION
        SELECT m.member, s.of_group FROM member s JOIN pg_auth_members m ON m.roleid = s.role
         WHERE m.inherit_option OR m.set_option
    )"""

QUESTIONS = (
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
        "No other login of a group passes the walls",
        # Those of the URLs have been asked already, and the owner of the schema with the walls that hold for him.
        f"""{_MEMBERS}
            SELECT DISTINCT r.rolname || CASE
                       WHEN r.rolsuper THEN ' is a superuser'
                       WHEN r.rolbypassrls THEN ' has BYPASSRLS'
                       WHEN r.rolreplication THEN ' has REPLICATION, which copies every table'
                       ELSE ' is a member of ' || m.rolname END
              FROM member s JOIN pg_roles r ON r.oid = s.role
              LEFT JOIN pg_roles m ON NOT r.rolsuper AND m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
               AND (m.rolsuper OR m.rolbypassrls OR m.rolreplication OR m.rolname = ANY (CAST(:mighty AS text[])))
             WHERE r.rolcanlogin AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR m.oid IS NOT NULL)
               AND r.rolname <> ALL (CAST(:asked AS text[]))
               AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'app' AND n.nspowner = r.oid)
             ORDER BY 1""",
        "ALTER ROLE ... NOSUPERUSER NOBYPASSRLS NOREPLICATION; REVOKE ... FROM ...",
    ),
    (
        "Who only reads or audits is no member of those who write",
        f"""{_MEMBERS}
            SELECT r.rolname || ' is a member of ' || string_agg(DISTINCT s.of_group, ', ' ORDER BY s.of_group)
              FROM member s JOIN pg_roles r ON r.oid = s.role
             WHERE r.rolcanlogin
             GROUP BY r.rolname
            HAVING bool_or(s.of_group = '{APP_ROLE}') AND bool_or(s.of_group IN ('{READONLY_ROLE}', '{AUDITOR_ROLE}'))
             ORDER BY 1""",
        f"give each task a login of its own: REVOKE {APP_ROLE} FROM ...",
    ),
    (
        "No publication copies tables",
        f"""SELECT p.pubname FROM pg_publication p
             WHERE p.puballtables
                OR EXISTS (SELECT FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid
                             JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE r.prpubid = p.oid AND {_OURS.format("c")})
                OR EXISTS (SELECT FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
                            WHERE s.pnpubid = p.oid AND n.nspname IN ('public', 'app'))
             ORDER BY 1""",
        "DROP PUBLICATION ...: subscribers get the rows of every tenant and split",
    ),
    (
        "No function claims to be leakproof",
        # It is called before the policies, with rows that they would hide.
        f"""SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE p.proleakproof AND {_OURS.format("p")} ORDER BY 1""",
        "ALTER FUNCTION ... NOT LEAKPROOF",
    ),
    (
        "Nothing that members of a group may use reaches out of the database",
        f"""{_MEMBERS}
            SELECT DISTINCT o.what FROM (SELECT DISTINCT role FROM member) AS s JOIN pg_roles r ON r.oid = s.role,
                   LATERAL (
                       SELECT 'functions of ' || e.extname
                         FROM pg_extension e
                         JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                          AND d.classid = 'pg_proc'::regclass
                        WHERE e.extname IN ('dblink', 'http', 'pg_net', 'plproxy')
                          AND has_function_privilege(r.oid, d.objid, 'EXECUTE')
                        UNION ALL
                       SELECT 'the server ' || f.srvname FROM pg_foreign_server f
                        WHERE has_server_privilege(r.oid, f.oid, 'USAGE')
                        UNION ALL
                       SELECT 'the foreign data wrapper ' || w.fdwname FROM pg_foreign_data_wrapper w
                        WHERE has_foreign_data_wrapper_privilege(r.oid, w.oid, 'USAGE')
                   ) AS o (what)
             WHERE NOT r.rolsuper ORDER BY 1""",
        "REVOKE ALL ON FUNCTION, FOREIGN SERVER or FOREIGN DATA WRAPPER ... FROM ..., PUBLIC; or DROP EXTENSION ...",
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
"""Question, query and remedy of each, in the order in which they are told."""
