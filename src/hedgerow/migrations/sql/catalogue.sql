-- Everything that a schema consists of, as comparable text: (kind, name, parent, definition).
-- Reads the system catalogues only. Leaves out what belongs to extensions, system schemas and alembic_version.
-- The caller sets search_path to public, so that names outside of it are printed with their schema.
-- Nothing depends on object identifiers; a column's place in its table is counted over the columns that are left.
-- Of schema auth there is auth.uid() alone, and it has no definition where the database had it before us: a platform's
-- schema is not ours to compare.
-- Definitions of functions, views, triggers, policies, grants and comments can be executed as they stand.
WITH
namespace AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'auth')
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
),
relation AS (
    SELECT c.*, c.oid::regclass::text AS name,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                          ELSE 'table' END AS kind
    FROM pg_class AS c
    JOIN namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relname <> 'alembic_version'
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
),
owned_column AS (
    SELECT a.*, r.name AS relation, r.kind AS relation_kind, r.relowner,
           row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position
    FROM pg_attribute AS a
    JOIN relation AS r ON r.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.kind <> 'sequence'
),
function AS (
    SELECT p.*, p.oid::regprocedure::text AS name,
           CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind
    FROM pg_proc AS p
    JOIN namespace AS n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p', 'w')
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
),
enum AS (
    SELECT t.*, t.oid::regtype::text AS name
    FROM pg_type AS t
    JOIN namespace AS n ON n.oid = t.typnamespace
    WHERE t.typtype = 'e'
      AND NOT EXISTS (SELECT FROM pg_depend AS d
                      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
),
plain_index AS (
    SELECT i.*, i.indexrelid::regclass::text AS name, r.name AS relation, r.kind AS relation_kind
    FROM pg_index AS i
    JOIN relation AS r ON r.oid = i.indrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
),
privilege AS (
    -- What others than the owner may do. A table's privileges on all columns and on some are one grant.
    SELECT r.kind, r.name, r.name AS target, 'table' AS target_kind, e.grantee, e.is_grantable,
           string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type) AS what
    FROM relation AS r,
         aclexplode(coalesce(r.relacl, acldefault(CASE r.kind WHEN 'sequence' THEN 's'::"char" ELSE 'r' END, r.relowner))) AS e
    WHERE e.grantee <> r.relowner
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT c.relation_kind, c.relation, c.relation, 'table', e.grantee, e.is_grantable,
           e.privilege_type || ' (' || string_agg(quote_ident(c.attname), ', ' ORDER BY c.position) || ')'
    FROM owned_column AS c, aclexplode(c.attacl) AS e
    WHERE e.grantee <> c.relowner
    GROUP BY 1, 2, 3, 4, 5, 6, e.privilege_type
    UNION ALL
    SELECT f.kind, f.name, f.kind || ' ' || f.name, f.kind, e.grantee, e.is_grantable,
           string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type)
    FROM function AS f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS e
    WHERE e.grantee <> f.proowner
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT 'type', t.name, 'type ' || t.name, 'type', e.grantee, e.is_grantable,
           string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type)
    FROM enum AS t, aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS e
    WHERE e.grantee <> t.typowner
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT 'schema', n.nspname::text, 'schema ' || quote_ident(n.nspname), 'schema', e.grantee, e.is_grantable,
           string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type)
    FROM namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS e
    -- What PUBLIC and the server's own roles may do in public is the server's affair, not the schema's.
    WHERE e.grantee <> n.nspowner AND (n.nspname <> 'public' OR pg_get_userbyid(e.grantee) LIKE 'hedgerow%')
    GROUP BY 1, 2, 3, 4, 5, 6
),
described AS (
    SELECT 'schema ' || quote_ident(n.nspname) AS name, 'schema ' || n.nspname AS parent, s.description
    FROM namespace AS n
    JOIN pg_description AS s ON s.classoid = 'pg_namespace'::regclass AND s.objoid = n.oid
    WHERE n.nspname <> 'public'
    UNION ALL
    SELECT r.kind || ' ' || r.name, r.kind || ' ' || r.name, s.description
    FROM relation AS r
    JOIN pg_description AS s ON s.classoid = 'pg_class'::regclass AND s.objoid = r.oid AND s.objsubid = 0
    UNION ALL
    SELECT 'column ' || c.relation || '.' || quote_ident(c.attname), c.relation_kind || ' ' || c.relation, s.description
    FROM owned_column AS c
    JOIN pg_description AS s ON s.classoid = 'pg_class'::regclass AND s.objoid = c.attrelid AND s.objsubid = c.attnum
    UNION ALL
    SELECT 'index ' || i.name, i.relation_kind || ' ' || i.relation, s.description
    FROM plain_index AS i
    JOIN pg_description AS s ON s.classoid = 'pg_class'::regclass AND s.objoid = i.indexrelid
    UNION ALL
    SELECT 'constraint ' || quote_ident(k.conname) || ' on ' || r.name, r.kind || ' ' || r.name, s.description
    FROM pg_constraint AS k
    JOIN relation AS r ON r.oid = k.conrelid
    JOIN pg_description AS s ON s.classoid = 'pg_constraint'::regclass AND s.objoid = k.oid
    UNION ALL
    SELECT 'trigger ' || quote_ident(g.tgname) || ' on ' || r.name, r.kind || ' ' || r.name, s.description
    FROM pg_trigger AS g
    JOIN relation AS r ON r.oid = g.tgrelid
    JOIN pg_description AS s ON s.classoid = 'pg_trigger'::regclass AND s.objoid = g.oid
    UNION ALL
    SELECT 'policy ' || quote_ident(p.polname) || ' on ' || r.name, r.kind || ' ' || r.name, s.description
    FROM pg_policy AS p
    JOIN relation AS r ON r.oid = p.polrelid
    JOIN pg_description AS s ON s.classoid = 'pg_policy'::regclass AND s.objoid = p.oid
    UNION ALL
    SELECT f.kind || ' ' || f.name, f.kind || ' ' || f.name, s.description
    FROM function AS f
    JOIN pg_description AS s ON s.classoid = 'pg_proc'::regclass AND s.objoid = f.oid
    UNION ALL
    SELECT 'type ' || t.name, 'type ' || t.name, s.description
    FROM enum AS t
    JOIN pg_description AS s ON s.classoid = 'pg_type'::regclass AND s.objoid = t.oid
)
SELECT 'extension' AS kind, x.extname::text AS name, 'extension ' || x.extname AS parent,
       'CREATE EXTENSION ' || quote_ident(x.extname) || ';' AS definition
FROM pg_extension AS x
WHERE x.extname = 'vector'
UNION ALL
SELECT 'schema', n.nspname, 'schema ' || n.nspname, 'CREATE SCHEMA ' || quote_ident(n.nspname) || ';'
FROM namespace AS n
UNION ALL
SELECT 'enum', t.name, 'type ' || t.name,
       (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = t.oid)
FROM enum AS t
UNION ALL
SELECT r.kind, r.name, r.kind || ' ' || r.name,
       CASE r.kind
           WHEN 'table' THEN concat_ws(' ',
               CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED' WHEN 't' THEN 'TEMPORARY' END,
               CASE r.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
               'PARTITION BY ' || pg_get_partkeydef(r.oid),
               pg_get_expr(r.relpartbound, r.oid),
               'WITH (' || array_to_string(r.reloptions, ', ') || ')')
           WHEN 'sequence' THEN (
               SELECT format('%s START %s INCREMENT %s MIN %s MAX %s CACHE %s%s', format_type(q.seqtypid, NULL), q.seqstart,
                             q.seqincrement, q.seqmin, q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END)
               FROM pg_sequence AS q WHERE q.seqrelid = r.oid)
           ELSE 'CREATE ' || upper(r.kind) || ' ' || r.name
                || coalesce(' WITH (' || array_to_string(r.reloptions, ', ') || ')', '') || ' AS' || E'\n'
                || pg_get_viewdef(r.oid)
       END
FROM relation AS r
UNION ALL
SELECT 'column', c.relation || '.' || quote_ident(c.attname), 'table ' || c.relation,
       concat_ws(' ',
           '#' || c.position, format_type(c.atttypid, c.atttypmod),
           CASE WHEN c.attcollation <> t.typcollation
                THEN 'COLLATE ' || (SELECT quote_ident(l.collname) FROM pg_collation AS l WHERE l.oid = c.attcollation) END,
           'COMPRESSION ' || nullif(c.attcompression::text, ''),
           CASE WHEN c.attnotnull THEN 'NOT NULL' END,
           'IDENTITY ' || nullif(c.attidentity::text, ''),
           CASE c.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' || c.attgenerated::text || ' ' END
               || pg_get_expr(d.adbin, d.adrelid))
FROM owned_column AS c
JOIN pg_type AS t ON t.oid = c.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.attrelid AND d.adnum = c.attnum
WHERE c.relation_kind = 'table'
UNION ALL
SELECT 'storage', c.relation || '.' || quote_ident(c.attname), 'table ' || c.relation,
       'ALTER TABLE ' || c.relation || ' ALTER COLUMN ' || quote_ident(c.attname) || ' SET STORAGE '
       || CASE c.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END || ';'
FROM owned_column AS c
JOIN pg_type AS t ON t.oid = c.atttypid
WHERE c.relation_kind = 'table' AND c.attstorage <> t.typstorage
UNION ALL
-- NOT NULL is said with the column: from 18 on it is also a constraint, whose name means nothing.
SELECT 'constraint', r.name || '.' || quote_ident(k.conname), 'table ' || r.name, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN relation AS r ON r.oid = k.conrelid
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT 'index', i.name, i.relation_kind || ' ' || i.relation,
       pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
       || CASE WHEN i.indisclustered THEN ' CLUSTER' ELSE '' END
FROM plain_index AS i
UNION ALL
SELECT 'statistics', s.oid::regclass::text, 'table ' || r.name, pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext AS s
JOIN relation AS r ON r.oid = s.stxrelid
UNION ALL
SELECT 'function', f.name, 'function ' || f.name, pg_get_functiondef(f.oid) || ';'
FROM function AS f
UNION ALL
SELECT 'function', 'auth.uid()', 'function auth.uid()',
       CASE WHEN obj_description(p.oid, 'pg_proc') LIKE 'hedgerow: %' THEN pg_get_functiondef(p.oid) || ';' ELSE '' END
FROM pg_proc AS p
WHERE p.oid = to_regprocedure('auth.uid()')
UNION ALL
SELECT 'trigger', r.name || '.' || quote_ident(g.tgname), r.kind || ' ' || r.name,
       pg_get_triggerdef(g.oid) || ';'
       || CASE g.tgenabled
              WHEN 'O' THEN ''
              ELSE E'\nALTER TABLE ' || r.name
                   || CASE g.tgenabled WHEN 'D' THEN ' DISABLE' WHEN 'A' THEN ' ENABLE ALWAYS' ELSE ' ENABLE REPLICA' END
                   || ' TRIGGER ' || quote_ident(g.tgname) || ';'
          END
FROM pg_trigger AS g
JOIN relation AS r ON r.oid = g.tgrelid
WHERE NOT g.tgisinternal
UNION ALL
SELECT 'row_security', r.name, 'table ' || r.name,
       concat_ws(E'\n',
           CASE WHEN r.relrowsecurity THEN 'ALTER TABLE ' || r.name || ' ENABLE ROW LEVEL SECURITY;' END,
           CASE WHEN r.relforcerowsecurity THEN 'ALTER TABLE ' || r.name || ' FORCE ROW LEVEL SECURITY;' END)
FROM relation AS r
WHERE r.relrowsecurity OR r.relforcerowsecurity
UNION ALL
SELECT 'policy', r.name || '.' || quote_ident(p.polname), 'table ' || r.name,
       concat_ws(' ',
           format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, r.name,
                  CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', '
                                     ORDER BY pg_get_userbyid(o)) FROM unnest(p.polroles) AS o)),
           'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
           'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ';'
FROM pg_policy AS p
JOIN relation AS r ON r.oid = p.polrelid
UNION ALL
SELECT 'grant',
       v.name || ' to ' || g.grantee || CASE WHEN v.is_grantable THEN ' with grant option' ELSE '' END,
       v.kind || ' ' || v.name,
       'GRANT ' || string_agg(v.what, ', ' ORDER BY v.what) || ' ON ' || v.target || ' TO ' || g.grantee
       || CASE WHEN v.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END || ';'
FROM privilege AS v,
     LATERAL (SELECT CASE v.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v.grantee)) END AS grantee) AS g
GROUP BY v.kind, v.name, v.target, v.is_grantable, g.grantee
UNION ALL
SELECT 'comment', d.name, d.parent, 'COMMENT ON ' || d.name || ' IS ' || quote_literal(d.description) || ';'
FROM described AS d
