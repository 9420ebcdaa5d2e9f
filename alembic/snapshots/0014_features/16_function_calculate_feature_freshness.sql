-- How fresh a feature is, as a JSON object with the figures of feature_freshness_monitor: feature_id,
-- freshness_sla_hours, last_computed_at, hours_since_update, is_stale, entity_count; of an archived feature as well.
-- Without values last_computed_at and hours are null, is_stale is true, entity_count 0. NULL for an unknown feature.
-- Counts the values that the scope holds. Reads feature_definitions, feature_values.
CREATE FUNCTION calculate_feature_freshness(p_feature_id uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
               'feature_id', d.feature_id,
               'freshness_sla_hours', d.freshness_sla_hours,
               'last_computed_at', to_char(seen.last AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'hours_since_update', age.hours,
               'is_stale', coalesce(age.hours > d.freshness_sla_hours, true),
               'entity_count', seen.entities
           )
      FROM feature_definitions AS d,
           LATERAL (
               SELECT max(v.computed_at) AS last, count(DISTINCT (v.entity_type, v.entity_id)) AS entities
                 FROM feature_values AS v
                WHERE v.tenant_id = d.tenant_id
                  AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
                  AND v.feature_id = d.feature_id
                  AND v.status <> 'invalid'
           ) AS seen,
           LATERAL (
               SELECT greatest(extract(epoch FROM now() - seen.last) / 3600, 0)::double precision AS hours
                WHERE seen.last IS NOT NULL
                UNION ALL
               SELECT NULL WHERE seen.last IS NULL
           ) AS age
     WHERE d.tenant_id = (SELECT app.current_tenant()) AND d.feature_id = p_feature_id;
$$;

COMMENT ON FUNCTION calculate_feature_freshness(uuid) IS 'Freshness of one feature as JSON; NULL when it is unknown';
