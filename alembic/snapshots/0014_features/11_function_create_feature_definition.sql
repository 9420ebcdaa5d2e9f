-- Version 1 of a feature as draft, or the next version where the group has the name already; returns its id. Older
-- versions stay as they are. Versions have no gaps and no doubles: creators of one group wait for one another.
-- An unknown group violates the foreign key. Writes feature_definitions.
CREATE FUNCTION create_feature_definition(
    p_name text,
    p_group_id uuid,
    p_data_type feature_data_type,
    p_logic text DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_tenant CONSTANT text := app.current_tenant();
    v_feature_id uuid;
BEGIN
    IF coalesce(p_name, '') !~ '\S' THEN
        RAISE EXCEPTION 'A feature needs a name'
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'feature_definitions',
                  HINT = 'Give a name that is not blank.';
    END IF;
    PERFORM FROM feature_groups AS g
      WHERE g.tenant_id = v_tenant AND g.group_id = p_group_id
        FOR NO KEY UPDATE;

    INSERT INTO feature_definitions (tenant_id, feature_name, group_id, data_type, computation_logic, version)
    SELECT v_tenant, p_name, p_group_id, p_data_type, p_logic, coalesce(max(d.version), 0) + 1
      FROM feature_definitions AS d
     WHERE d.tenant_id = v_tenant AND d.group_id = p_group_id AND d.feature_name = p_name
    RETURNING feature_id INTO v_feature_id;
    RETURN v_feature_id;
END;
$$;

COMMENT ON FUNCTION create_feature_definition(text, uuid, feature_data_type, text) IS
    'Creates a feature, or its next version, as draft';
