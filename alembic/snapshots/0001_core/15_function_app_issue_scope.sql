-- Writes a scope into the transaction, signed, without asking whether the caller may have it. For the owner of the schema
-- alone: behind app.open_scope, which asks, and for its own work (creating tenants, loading, auditing).
-- Control characters are refused, since one of them separates the fields of what is signed: a user that held it would
-- choose the splits that follow.
-- p_splits may be read and written; p_bounds are the six bounds in the order of
-- app.window_bound, NULL for none. Two conveniences are set besides, which no policy trusts: app.current_tenant for the
-- default of tenant_id, since the policies check what it stamps; and request.jwt.claims for the auth.uid() of a Supabase
-- database, so that the SQL of an application finds the user of the scope there and not what a pool left behind.
CREATE FUNCTION app.issue_scope(
    p_tenant text, p_user text, p_splits text[], p_bounds timestamptz[] DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_order CONSTANT text[] := ARRAY['unassigned', 'train', 'validation', 'test', 'holdout'];
    v_splits CONSTANT text[] := coalesce(p_splits, '{}');
    v_edges text[];
    v_payload text;
BEGIN
    IF concat(p_tenant, p_user) ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'A tenant or user of a scope holds a control character'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass the ids as they are stored.';
    END IF;
    v_edges := ARRAY(
        SELECT app.window_text(b.moment)
          FROM unnest(coalesce(
                   p_bounds, '{infinity,-infinity,infinity,-infinity,infinity,-infinity}'::timestamptz[]
               )) WITH ORDINALITY AS b (moment, position)
         ORDER BY b.position
    );
    v_payload := concat_ws(
        E'\x1f',
        EXTRACT(EPOCH FROM transaction_timestamp())::text,
        coalesce(p_tenant, ''),
        coalesce(p_user, ''),
        array_to_string(v_splits, ','),
        coalesce(array_to_string(v_order[1:(SELECT max(array_position(v_order, s)) FROM unnest(v_splits) AS s)], ','), ''),
        (SELECT '{' || string_agg(
                    CASE WHEN w.split = ANY (v_splits) THEN format('"[%s,%s)"', w.since, w.until) ELSE 'NULL' END,
                    ',' ORDER BY w.position
                ) || '}'
           FROM (
               VALUES (1, 'unassigned', '-infinity', 'infinity'), (2, 'train', '-infinity', v_edges[1]),
                      (3, 'validation', v_edges[2], v_edges[3]), (4, 'test', v_edges[4], v_edges[5]),
                      (5, 'holdout', v_edges[6], 'infinity')
           ) AS w (position, split, since, until)),
        array_to_string(v_edges, ',')
    );
    PERFORM set_config('app.scope', app.sealed(v_payload) || v_payload, true),
            set_config('app.current_tenant', coalesce(p_tenant, ''), true),
            set_config('request.jwt.claim.sub', coalesce(p_user, ''), true),
            set_config(
                'request.jwt.claims',
                (coalesce(NULLIF(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
                    || jsonb_build_object('sub', p_user))::text,
                true
            );
END;
$$;

COMMENT ON FUNCTION app.issue_scope(text, text, text[], timestamptz[]) IS
    'Owner only: writes a signed scope into the transaction without asking whether the caller may have it';
