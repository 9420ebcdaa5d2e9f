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
    -- What was computed on an earlier split than the last open one is read, too.
    v_flow CONSTANT text[] := v_order[1:(SELECT max(array_position(v_order, s)) FROM unnest(v_splits) AS s)];
    v_edges text[];
    v_since text[];
    v_until text[];
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
    v_since := ARRAY['-infinity', '-infinity', v_edges[2], v_edges[4], v_edges[6]];
    v_until := ARRAY['infinity', v_edges[1], v_edges[3], v_edges[5], 'infinity'];
    v_payload := concat_ws(
        E'\x1f',
        EXTRACT(EPOCH FROM transaction_timestamp())::text,
        coalesce(p_tenant, ''),
        coalesce(p_user, ''),
        array_to_string(v_splits, ','),
        coalesce(array_to_string(v_flow, ','), ''),
        (SELECT string_agg(
                    CASE WHEN w.is_open THEN format('"[%s,%s)"', w.since, w.until) ELSE 'NULL' END, ',' ORDER BY w.place
                )
           FROM (
               SELECT s.place, s.split = ANY (v_splits), v_since[s.place], v_until[s.place]
                 FROM unnest(v_order) WITH ORDINALITY AS s (split, place)
                UNION ALL
               SELECT cardinality(v_order) + s.place, s.split = ANY (v_flow), '-infinity', 'infinity'
                 FROM unnest(v_order) WITH ORDINALITY AS s (split, place)
           ) AS w (place, is_open, since, until)),
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
