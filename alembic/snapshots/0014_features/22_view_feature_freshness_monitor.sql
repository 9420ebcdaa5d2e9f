-- One row for each feature that is not archived: when it was last computed, how many hours ago, whether that is more
-- than its target (exactly at the target is not stale), and how many entities have a value. A feature without values
-- is stale, with 0 entities and NULL for the rest; invalid values count for nothing, and a moment in the future, which
-- a skewed clock wrote, as now. Counts the values that the scope holds.
-- Reads feature_definitions, feature_groups, feature_values.
CREATE VIEW feature_freshness_monitor WITH (security_invoker = true) AS
SELECT
    d.feature_id,
    d.feature_name,
    g.group_name,
    d.freshness_sla_hours,
    seen.last_computed_at,
    CASE WHEN seen.last_computed_at IS NOT NULL
        THEN greatest(extract(epoch FROM now() - seen.last_computed_at) / 3600, 0)::double precision
    END AS hours_since_update,
    coalesce(extract(epoch FROM now() - seen.last_computed_at) / 3600 > d.freshness_sla_hours, true) AS is_stale,
    coalesce(seen.entity_count, 0) AS entity_count
FROM feature_definitions AS d
JOIN feature_groups AS g ON g.tenant_id = d.tenant_id AND g.group_id = d.group_id
LEFT JOIN (
    SELECT
        v.feature_id,
        max(v.computed_at) AS last_computed_at,
        count(DISTINCT (v.entity_type, v.entity_id)) AS entity_count
    FROM feature_values AS v
    WHERE v.tenant_id = (SELECT app.current_tenant())
        AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
        AND v.status <> 'invalid'
    GROUP BY v.feature_id
) AS seen ON seen.feature_id = d.feature_id
WHERE d.tenant_id = (SELECT app.current_tenant()) AND d.status <> 'archived';

COMMENT ON VIEW feature_freshness_monitor IS 'How fresh each feature is, against its target';
COMMENT ON COLUMN feature_freshness_monitor.hours_since_update IS 'Hours since the newest value was computed';
COMMENT ON COLUMN feature_freshness_monitor.entity_count IS 'Distinct entities with a value';
