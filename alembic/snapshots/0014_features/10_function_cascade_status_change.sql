-- Trigger of feature_definitions, AFTER UPDATE OF status to deprecated or archived: deprecated turns the current values
-- of the feature stale, archived its current and stale values expired. Nothing revives them. All of them: a status is
-- a matter of the feature, so the function runs with the rights of its owner, who may issue a scope of every split, and
-- puts back the caller's; it returns nothing.
CREATE FUNCTION cascade_status_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_saved CONSTANT text := current_setting('app.scope', true);
BEGIN
    PERFORM app.issue_scope(
        NEW.tenant_id, app.current_user_id(), ARRAY['unassigned', 'train', 'validation', 'test', 'holdout']
    );
    UPDATE feature_values AS v
       SET status = CASE NEW.status WHEN 'archived' THEN 'expired' ELSE 'stale' END::feature_value_status
     WHERE v.tenant_id = NEW.tenant_id
       AND v.feature_id = NEW.feature_id
       AND (v.status = 'current' OR v.status = 'stale' AND NEW.status = 'archived');
    PERFORM set_config('app.scope', coalesce(v_saved, ''), true);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION cascade_status_change() IS
    'Trigger function: values follow when their feature is deprecated or archived';
