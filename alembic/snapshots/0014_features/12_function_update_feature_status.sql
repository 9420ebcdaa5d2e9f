-- Moves a feature on: draft to active, active to deprecated, anything to archived. The same status again changes
-- nothing; nothing leaves archived. Its values follow by trigger (cascade_status_change). Writes feature_definitions.
CREATE FUNCTION update_feature_status(p_feature_id uuid, p_status feature_status) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_status feature_status;
BEGIN
    SELECT d.status INTO v_status
      FROM feature_definitions AS d
     WHERE d.tenant_id = v_tenant AND d.feature_id = p_feature_id
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The feature % does not exist', quote_nullable(p_feature_id)
            USING ERRCODE = 'no_data_found',
                  TABLE = 'feature_definitions',
                  HINT = 'See feature_definitions for the features of the tenant.';
    END IF;
    IF v_status = p_status THEN
        RETURN;
    END IF;
    IF NOT coalesce(
        v_status <> 'archived'
        AND (p_status = 'archived' OR (v_status, p_status) IN (('draft', 'active'), ('active', 'deprecated'))),
        false
    ) THEN
        RAISE EXCEPTION 'A feature does not go from % to %', v_status, coalesce(p_status::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'feature_definitions',
                  HINT = 'draft goes to active, active to deprecated, anything to archived; else create a new version.';
    END IF;
    UPDATE feature_definitions AS d
       SET status = p_status
     WHERE d.tenant_id = v_tenant AND d.feature_id = p_feature_id;
END;
$$;

COMMENT ON FUNCTION update_feature_status(uuid, feature_status) IS
    'Moves a feature on in its life: draft, active, deprecated, archived';
