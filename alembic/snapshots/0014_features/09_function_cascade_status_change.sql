-- Trigger of feature_definitions, AFTER UPDATE OF status to deprecated or archived: deprecated turns the current values
-- of the feature stale, archived its current and stale values expired. Nothing revives them. All of them: a status is
-- a matter of the feature, so the function holds every split of the tenant while it writes; it returns nothing.
CREATE FUNCTION cascade_status_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_splits CONSTANT text := coalesce(current_setting('app.splits', true), '');
BEGIN
    PERFORM set_config('app.splits', 'train,validation,test,holdout,unassigned', true);
    UPDATE feature_values AS v
       SET status = CASE NEW.status WHEN 'archived' THEN 'expired' ELSE 'stale' END::feature_value_status
     WHERE v.tenant_id = NEW.tenant_id
       AND v.feature_id = NEW.feature_id
       AND (v.status = 'current' OR v.status = 'stale' AND NEW.status = 'archived');
    PERFORM set_config('app.splits', v_splits, true);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION cascade_status_change() IS
    'Trigger function: values follow when their feature is deprecated or archived';
