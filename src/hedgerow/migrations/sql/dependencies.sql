-- Which object needs which: (kind, name, needed_kind, needed_name), the names spelt as in catalogue.sql.
-- Dependents are views, functions, triggers, policies, defaults and constraints; what they need are functions,
-- views, columns of tables and enum types.
WITH dependent AS (
    SELECT 'pg_rewrite'::regclass AS classid, w.oid AS objid, 'view' AS kind, w.ev_class::regclass::text AS name
    FROM pg_rewrite AS w
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 'function', p.oid::regprocedure::text
    FROM pg_proc AS p
    UNION ALL
    SELECT 'pg_trigger'::regclass, g.oid, 'trigger', g.tgrelid::regclass::text || '.' || quote_ident(g.tgname)
    FROM pg_trigger AS g WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 'policy', p.polrelid::regclass::text || '.' || quote_ident(p.polname)
    FROM pg_policy AS p
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 'column', d.adrelid::regclass::text || '.' || quote_ident(a.attname)
    FROM pg_attrdef AS d
    JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 'constraint', k.conrelid::regclass::text || '.' || quote_ident(k.conname)
    FROM pg_constraint AS k WHERE k.conrelid <> 0 AND k.contype = 'c'
),
needed AS (
    SELECT 'pg_proc'::regclass AS classid, p.oid AS objid, 0 AS objsubid, 'function' AS kind,
           p.oid::regprocedure::text AS name
    FROM pg_proc AS p
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, 'enum', t.oid::regtype::text
    FROM pg_type AS t WHERE t.typtype = 'e'
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, 'column', a.attrelid::regclass::text || '.' || quote_ident(a.attname)
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
    WHERE a.attnum > 0
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, n, 'view', c.oid::regclass::text
    FROM pg_class AS c, generate_series(0, c.relnatts) AS n WHERE c.relkind IN ('v', 'm')
)
SELECT DISTINCT o.kind, o.name, r.kind, r.name
FROM pg_depend AS d
JOIN dependent AS o ON o.classid = d.classid AND o.objid = d.objid
JOIN needed AS r ON r.classid = d.refclassid AND r.objid = d.refobjid AND r.objsubid = d.refobjsubid
WHERE d.deptype IN ('n', 'a') AND (o.kind, o.name) <> (r.kind, r.name)
  -- Built-in functions are never changed.
  AND NOT (r.kind = 'function' AND r.objid < 16384)
