-- Takes one value out of an enum type, which PostgreSQL can do only by building the type anew.
-- Locks the tables that use the type, refuses (23503) while a row holds the value, drops what depends on the type or
-- its columns, rebuilds, and restores what was dropped as the catalogues described it, with comments and grants.
DO $drop_enum_value$
DECLARE
    v_name constant text := {type};
    v_value constant text := {value};
    v_type constant regtype := v_name::regtype;
    v_array constant regtype := (SELECT typarray FROM pg_type WHERE oid = v_name::regtype);
    v_used text := '';
    v_rows bigint;
    v_labels text;
    v_columns text[];
    v_drops text[];
    v_restores text[];
    v_statement text;
    r record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_enum WHERE enumtypid = v_type AND enumlabel = v_value) THEN
        RAISE EXCEPTION 'The enum type % has no value %', v_name, quote_literal(v_value)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- 1. Is the value in use? Rows that policies hide count, and they hide rows from the owner too.
    FOR r IN
        SELECT c.oid::regclass::text AS relation, quote_ident(a.attname) AS attribute, a.atttypid = v_array AS is_array,
               c.relforcerowsecurity AS forced
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.atttypid IN (v_type, v_array) AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY 1, 2
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', r.relation);
        IF r.forced THEN
            EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', r.relation);
        END IF;
        PERFORM set_config('row_security', 'off', true);
        EXECUTE format(CASE WHEN r.is_array THEN 'SELECT count(*) FROM %s WHERE %L = ANY (%s::text[])'
                                            ELSE 'SELECT count(*) FROM %s WHERE %L = %s::text' END,
                       r.relation, v_value, r.attribute) INTO v_rows;
        PERFORM set_config('row_security', 'on', true);
        IF r.forced THEN
            EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', r.relation);
        END IF;
        IF v_rows > 0 THEN
            v_used := v_used || format('%s%s rows of %s.%s', CASE WHEN v_used = '' THEN '' ELSE ', ' END,
                                       v_rows, r.relation, r.attribute);
        END IF;
    END LOOP;
    IF v_used <> '' THEN
        RAISE EXCEPTION 'The value % of % is in use: %', quote_literal(v_value), v_name, v_used
            USING ERRCODE = 'foreign_key_violation', HINT = 'Change or delete these rows first.';
    END IF;

    -- 2. What depends on the type or on its columns, the deepest dependents first.
    WITH RECURSIVE
    edge AS (
        SELECT CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
               coalesce(w.ev_class, d.objid) AS objid, d.refclassid, d.refobjid, d.refobjsubid
        FROM pg_depend AS d
        LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        WHERE d.deptype IN ('n', 'a')
          AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass,
                            'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
          AND (coalesce(w.ev_class, d.objid) <> d.refobjid OR d.refclassid <> 'pg_class'::regclass)
    ),
    found AS (
        SELECT e.classid, e.objid, 1 AS depth
        FROM edge AS e
        WHERE (e.refclassid = 'pg_type'::regclass AND e.refobjid IN (v_type, v_array))
           OR (e.refclassid = 'pg_class'::regclass AND EXISTS (
                   SELECT FROM pg_attribute AS a
                   JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
                   WHERE a.attrelid = e.refobjid AND a.attnum = e.refobjsubid AND a.atttypid IN (v_type, v_array)))
        UNION ALL
        SELECT e.classid, e.objid, f.depth + 1
        FROM found AS f
        JOIN edge AS e ON e.refclassid = f.classid AND e.refobjid = f.objid
        LEFT JOIN pg_class AS c ON f.classid = 'pg_class'::regclass AND c.oid = f.objid
        WHERE f.depth < 50 AND (f.classid = 'pg_proc'::regclass OR c.relkind IN ('v', 'm'))
    ),
    dependent AS (
        SELECT classid, objid, max(depth) AS depth FROM found GROUP BY classid, objid
    ),
    granted AS (
        SELECT 'pg_class'::regclass AS classid, c.oid AS objid, c.oid::regclass::text AS target, g.*
        FROM pg_class AS c, aclexplode(c.relacl) AS g
        WHERE c.relkind IN ('v', 'm') AND g.grantee <> c.relowner
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, 'FUNCTION ' || p.oid::regprocedure, g.*
        FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
        WHERE g.grantee <> p.proowner
    ),
    script AS (
        SELECT d.depth, d.classid, d.objid, 'DROP ' || k.kind || ' ' || c.oid::regclass AS take,
               'CREATE ' || k.kind || ' ' || c.oid::regclass
                   || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') || ' AS ' || pg_get_viewdef(c.oid) AS give,
               k.kind || ' ' || c.oid::regclass AS named
        FROM dependent AS d
        JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('v', 'm'),
             LATERAL (SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS kind) AS k
        UNION ALL
        -- Plain indexes are rebuilt with their column; expressions and predicates hold literals of the old type.
        SELECT d.depth, d.classid, d.objid, 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid),
               'INDEX ' || i.indexrelid::regclass
        FROM dependent AS d
        JOIN pg_index AS i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
        WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
        UNION ALL
        SELECT d.depth, d.classid, d.objid, 'DROP FUNCTION ' || p.oid::regprocedure,
               pg_get_functiondef(p.oid) || '; REVOKE ALL ON FUNCTION ' || p.oid::regprocedure || ' FROM PUBLIC',
               'FUNCTION ' || p.oid::regprocedure
        FROM dependent AS d
        JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        UNION ALL
        SELECT d.depth, d.classid, d.objid, format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass),
               concat_ws(' ',
                   format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, p.polrelid::regclass,
                          CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                          CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                        WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                          (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ')
                           FROM unnest(p.polroles) AS o)),
                   'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                   'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
               format('POLICY %I ON %s', p.polname, p.polrelid::regclass)
        FROM dependent AS d
        JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
        UNION ALL
        SELECT d.depth, d.classid, d.objid, format('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass),
               pg_get_triggerdef(g.oid)
               || CASE g.tgenabled
                      WHEN 'O' THEN ''
                      ELSE format('; ALTER TABLE %s %s TRIGGER %I', g.tgrelid::regclass,
                                  CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                                                   ELSE 'ENABLE REPLICA' END, g.tgname)
                  END,
               format('TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass)
        FROM dependent AS d
        JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid AND NOT g.tgisinternal
        UNION ALL
        SELECT d.depth, d.classid, d.objid, format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname),
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)),
               format('CONSTRAINT %I ON %s', k.conname, k.conrelid::regclass)
        FROM dependent AS d
        JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
        WHERE k.conrelid <> 0 AND k.contype IN ('c', 'f')
        UNION ALL
        SELECT d.depth, d.classid, d.objid,
               format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', f.adrelid::regclass, a.attname),
               format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', f.adrelid::regclass, a.attname,
                      pg_get_expr(f.adbin, f.adrelid)),
               NULL
        FROM dependent AS d
        JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
        JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        JOIN pg_class AS c ON c.oid = f.adrelid AND c.relkind IN ('r', 'p')
    ),
    line AS (
        SELECT depth, classid, objid, 0 AS place, give AS statement FROM script
        UNION ALL
        SELECT s.depth, s.classid, s.objid, 1,
               format('GRANT %s ON %s TO %s%s', g.privilege_type, g.target,
                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM script AS s
        JOIN granted AS g ON g.classid = s.classid AND g.objid = s.objid
        UNION ALL
        SELECT s.depth, s.classid, s.objid, 2,
               format('COMMENT ON %s IS %L',
                      CASE x.objsubid WHEN 0 THEN s.named ELSE format('COLUMN %s.%I', s.objid::regclass, a.attname) END,
                      x.description)
        FROM script AS s
        JOIN pg_description AS x ON x.classoid = s.classid AND x.objoid = s.objid
        LEFT JOIN pg_attribute AS a ON x.objsubid > 0 AND a.attrelid = s.objid AND a.attnum = x.objsubid
        WHERE s.named IS NOT NULL
    )
    SELECT (SELECT array_agg(take ORDER BY depth DESC, objid) FROM script),
           (SELECT array_agg(statement ORDER BY depth, classid, objid, place) FROM line)
      INTO v_drops, v_restores;

    -- 3. Everything about the type itself.
    SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) INTO v_labels
    FROM pg_enum WHERE enumtypid = v_type AND enumlabel <> v_value;
    SELECT array_agg(format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::text%s::%s', c.oid::regclass, a.attname,
                            v_name || s.suffix, a.attname, s.suffix, v_name || s.suffix))
      INTO v_columns
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid,
         LATERAL (SELECT CASE WHEN a.atttypid = v_array THEN '[]' ELSE '' END AS suffix) AS s
    WHERE a.atttypid IN (v_type, v_array) AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
    SELECT v_restores
           || coalesce((SELECT array_agg(format('COMMENT ON TYPE %s IS %L', v_name, description)) FROM pg_description
                        WHERE classoid = 'pg_type'::regclass AND objoid = v_type), '{}')
           || coalesce((SELECT format('REVOKE ALL ON TYPE %s FROM PUBLIC', v_name)
                               || array_remove(array_agg(format('GRANT USAGE ON TYPE %s TO %s', v_name,
                                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
                                  ) FILTER (WHERE g.grantee IS NOT NULL), NULL)
                        FROM pg_type AS t
                        LEFT JOIN LATERAL aclexplode(t.typacl) AS g ON g.grantee <> t.typowner
                        WHERE t.oid = v_type AND t.typacl IS NOT NULL
                        GROUP BY t.oid), '{}')
      INTO v_restores;

    FOREACH v_statement IN ARRAY coalesce(v_drops, '{}') LOOP
        EXECUTE v_statement;
    END LOOP;
    EXECUTE format('ALTER TYPE %s RENAME TO %I', v_name, 'enum_with_' || v_value);
    EXECUTE format('CREATE TYPE %s AS ENUM (%s)', v_name, v_labels);
    FOREACH v_statement IN ARRAY coalesce(v_columns, '{}') LOOP
        EXECUTE v_statement;
    END LOOP;
    EXECUTE format('DROP TYPE %s%I', coalesce(substring(v_name FROM '^.*\.'), ''), 'enum_with_' || v_value);
    FOREACH v_statement IN ARRAY coalesce(v_restores, '{}') LOOP
        EXECUTE v_statement;
    END LOOP;
END
$drop_enum_value$;
