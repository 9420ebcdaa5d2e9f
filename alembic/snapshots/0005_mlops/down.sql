DROP POLICY tenant_members ON ml_model_registry;
DROP POLICY tenant_isolation ON ml_model_registry;
DROP POLICY tenant_members ON ml_experiments;
DROP POLICY tenant_isolation ON ml_experiments;
DROP TRIGGER ensure_single_champion ON ml_model_registry;
DROP TRIGGER set_updated_at ON ml_experiments;
DROP VIEW v_champion_models;
DROP FUNCTION get_latest_model;
DROP FUNCTION ensure_single_champion;
