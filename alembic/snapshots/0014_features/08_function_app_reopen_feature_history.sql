-- Trigger of feature_values, AFTER a value went away by DELETE or became invalid: what it had superseded holds again,
-- up to its own stated end or to the next value. If the newest one went, the one before is current again; of a
-- deprecated feature it stays stale, of an archived one expired.
CREATE FUNCTION app.reopen_feature_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'invalid' THEN
        RETURN NULL;  -- it superseded nothing
    END IF;
    UPDATE feature_values AS v
       SET valid_until = app.feature_value_end(
               v.tenant_id, v.feature_id, v.entity_type, v.entity_id, v.valid_from, v.computed_at, v.stated_until
           )
     WHERE v.tenant_id = OLD.tenant_id
       AND v.feature_id = OLD.feature_id
       AND v.entity_type = OLD.entity_type
       AND v.entity_id = OLD.entity_id
       AND v.valid_from <= OLD.valid_from
       AND v.valid_from >= coalesce(
           (
               SELECT max(p.valid_from)
                 FROM feature_values AS p
                WHERE p.tenant_id = OLD.tenant_id
                  AND p.feature_id = OLD.feature_id
                  AND p.entity_type = OLD.entity_type
                  AND p.entity_id = OLD.entity_id
                  AND p.valid_from < OLD.valid_from
                  AND p.status <> 'invalid'
           ),
           OLD.valid_from
       )
       AND v.status <> 'invalid';

    UPDATE feature_values AS v
       SET status = app.feature_value_status('current', d.status)
      FROM (
               SELECT n.value_id
                 FROM feature_values AS n
                WHERE n.tenant_id = OLD.tenant_id
                  AND n.feature_id = OLD.feature_id
                  AND n.entity_type = OLD.entity_type
                  AND n.entity_id = OLD.entity_id
                  AND n.status <> 'invalid'
                ORDER BY n.valid_from DESC, n.computed_at DESC
                LIMIT 1
           ) AS newest,
           feature_definitions AS d
     WHERE v.tenant_id = OLD.tenant_id
       AND v.value_id = newest.value_id
       AND (v.valid_from, v.computed_at) < (OLD.valid_from, OLD.computed_at)
       AND d.tenant_id = OLD.tenant_id
       AND d.feature_id = OLD.feature_id;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION app.reopen_feature_history() IS 'Trigger function: closes the gap that a value leaves';
