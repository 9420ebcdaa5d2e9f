-- Ages the values of the tenant: current up to freshness_sla_hours after they were computed, stale up to twice as many,
-- else expired; exactly at a bound the fresher one. Only the newest value of a feature and entity can be current;
-- values of a deprecated feature are stale at best, those of an archived one expired, and invalid ones stay as they
-- are. A value that a skewed clock computed in the future is fresh. All values of the tenant: age is no secret of a
-- split, so the function runs with the rights of its owner, who may issue a scope of every split, and puts back the
-- caller's; it returns nothing. Reads feature_definitions, writes feature_values.
CREATE FUNCTION update_feature_freshness() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_saved CONSTANT text := current_setting('app.scope', true);
BEGIN
    PERFORM app.issue_scope(
        v_tenant, app.current_user_id(), ARRAY['unassigned', 'train', 'validation', 'test', 'holdout']
    );
    UPDATE feature_values AS v
       SET status = aged.status
      FROM (
          SELECT o.value_id,
                 CASE
                     WHEN d.status = 'archived' OR now() - o.computed_at > 2 * make_interval(hours => d.freshness_sla_hours)
                         THEN 'expired'
                     WHEN d.status = 'deprecated' OR now() - o.computed_at > make_interval(hours => d.freshness_sla_hours)
                         THEN 'stale'
                     WHEN o.status = 'current' OR NOT EXISTS (
                         SELECT FROM feature_values AS n
                          WHERE n.tenant_id = o.tenant_id
                            AND n.feature_id = o.feature_id
                            AND n.entity_type = o.entity_type
                            AND n.entity_id = o.entity_id
                            AND (n.valid_from, n.computed_at) > (o.valid_from, o.computed_at)
                            AND n.status <> 'invalid'
                     )
                         THEN 'current'
                     ELSE 'stale'
                 END::feature_value_status AS status
            FROM feature_values AS o
            JOIN feature_definitions AS d ON d.tenant_id = o.tenant_id AND d.feature_id = o.feature_id
           WHERE o.tenant_id = v_tenant AND o.status <> 'invalid'
      ) AS aged
     WHERE v.tenant_id = v_tenant
       AND v.value_id = aged.value_id
       AND v.status <> aged.status
       -- Once more, of the row itself: while this waited for it somebody may have retracted it.
       AND v.status <> 'invalid';
    PERFORM set_config('app.scope', coalesce(v_saved, ''), true);
END;
$$;

COMMENT ON FUNCTION update_feature_freshness() IS 'Ages the values of the tenant: current, stale, expired';
