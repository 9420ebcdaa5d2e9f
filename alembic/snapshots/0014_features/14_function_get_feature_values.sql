-- Every value of a feature for an entity, stale, expired and invalid ones included, newest computed_at first; none for
-- unknown ids. An id may stand for entities of several types: without a type all of them answer. Reads feature_values.
CREATE FUNCTION get_feature_values(p_feature_id uuid, p_entity_id text, p_entity_type text DEFAULT NULL)
RETURNS SETOF feature_values
LANGUAGE sql STABLE AS $$
    SELECT v.*
      FROM feature_values AS v
     WHERE v.tenant_id = (SELECT app.current_tenant())
       AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
       AND v.feature_id = p_feature_id
       AND v.entity_id = p_entity_id
       AND (p_entity_type IS NULL OR v.entity_type = p_entity_type)
     ORDER BY v.computed_at DESC, v.valid_from DESC, v.value_id;
$$;

COMMENT ON FUNCTION get_feature_values(uuid, text, text) IS 'History of a feature for an entity, newest first';
