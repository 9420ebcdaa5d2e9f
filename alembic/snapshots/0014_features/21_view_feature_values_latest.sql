-- Newest value of each feature and entity by computed_at (then valid_from, then value_id); invalid ones are skipped.
-- is_current: its status is current and it holds now; an end of NULL is open. The latest knows more than anybody knew
-- before: not for training sets. Reads feature_definitions, feature_values.
CREATE VIEW feature_values_latest WITH (security_invoker = true) AS
SELECT DISTINCT ON (v.feature_id, v.entity_type, v.entity_id)
    v.feature_id,
    d.feature_name,
    v.entity_id,
    v.entity_type,
    v.value,
    v.computed_at,
    v.status = 'current' AND now() >= v.valid_from AND (v.valid_until IS NULL OR now() < v.valid_until) AS is_current
FROM feature_values AS v
JOIN feature_definitions AS d ON d.tenant_id = v.tenant_id AND d.feature_id = v.feature_id
WHERE v.tenant_id = (SELECT app.current_tenant())
    AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
    AND v.status <> 'invalid'
ORDER BY
    v.feature_id,
    v.entity_type,
    v.entity_id,
    v.computed_at DESC,
    v.valid_from DESC,
    v.value_id DESC;

COMMENT ON VIEW feature_values_latest IS 'Newest value of each feature and entity; never for training sets';
COMMENT ON COLUMN feature_values_latest.is_current IS 'Whether its status is current and it holds now';
