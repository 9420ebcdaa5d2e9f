-- Newest value of each feature of an entity, by computed_at as in feature_values_latest, optionally of one group; of a
-- feature with several versions that of the last version that has one. Without stale ones a feature whose newest value
-- is not current is left out, not answered with an older value. An id may stand for entities of several types.
-- Reads feature_values, feature_definitions, feature_groups.
CREATE FUNCTION get_entity_features(
    p_entity_id text,
    p_entity_type text DEFAULT NULL,
    p_group_name text DEFAULT NULL,
    p_include_stale boolean DEFAULT true
)
RETURNS TABLE (
    feature_name varchar,
    group_name varchar,
    value jsonb,
    computed_at timestamptz,
    status feature_value_status
)
LANGUAGE sql STABLE AS $$
    SELECT newest.feature_name, newest.group_name, newest.value, newest.computed_at, newest.status
      FROM (
          SELECT DISTINCT ON (g.group_name, d.feature_name, v.entity_type)
                 d.feature_name, g.group_name, v.entity_type, v.value, v.computed_at, v.status
            FROM feature_values AS v
            JOIN feature_definitions AS d ON d.tenant_id = v.tenant_id AND d.feature_id = v.feature_id
            JOIN feature_groups AS g ON g.tenant_id = d.tenant_id AND g.group_id = d.group_id
           WHERE v.tenant_id = (SELECT app.current_tenant())
             AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
             AND v.entity_id = p_entity_id
             AND (p_entity_type IS NULL OR v.entity_type = p_entity_type)
             AND (p_group_name IS NULL OR g.group_name = p_group_name)
             AND v.status <> 'invalid'
           ORDER BY g.group_name, d.feature_name, v.entity_type,
                    d.version DESC, v.computed_at DESC, v.valid_from DESC, v.value_id DESC
      ) AS newest
     WHERE p_include_stale OR newest.status = 'current'
     ORDER BY newest.group_name, newest.feature_name, newest.entity_type;
$$;

COMMENT ON FUNCTION get_entity_features(text, text, text, boolean) IS 'Newest value of each feature of an entity';
