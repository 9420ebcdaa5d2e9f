-- When a value stops to hold: at the end that its writer stated, at the start of the next value of its feature and
-- entity, or, where a later computation corrected it for the same start, at the moment of that computation; whichever
-- comes first, NULL for never. Values with status invalid count as never written. Reads feature_values.
CREATE FUNCTION app.feature_value_end(
    p_tenant text,
    p_feature_id uuid,
    p_entity_type text,
    p_entity_id text,
    p_valid_from timestamptz,
    p_computed_at timestamptz,
    p_stated_until timestamptz
)
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT least(
        p_stated_until,
        (
            SELECT min(v.valid_from)
              FROM feature_values AS v
             WHERE v.tenant_id = p_tenant
               AND v.feature_id = p_feature_id
               AND v.entity_type = p_entity_type
               AND v.entity_id = p_entity_id
               AND v.valid_from > p_valid_from
               AND v.status <> 'invalid'
        ),
        (
            SELECT min(v.computed_at)
              FROM feature_values AS v
             WHERE v.tenant_id = p_tenant
               AND v.feature_id = p_feature_id
               AND v.entity_type = p_entity_type
               AND v.entity_id = p_entity_id
               AND v.valid_from = p_valid_from
               AND v.computed_at > greatest(p_computed_at, p_valid_from)
               AND v.status <> 'invalid'
        )
    );
$$;

COMMENT ON FUNCTION app.feature_value_end(text, uuid, text, text, timestamptz, timestamptz, timestamptz) IS
    'When a value stops to hold: stated end, next value or correction, whichever comes first';
