-- Trigger of feature_values, AFTER INSERT OR UPDATE: tells channel feature_update, at commit, that values of a feature
-- were written: {"operation": "INSERT" or "UPDATE", "feature_id": ...}. Channels belong to the database and not to a
-- tenant, and whoever is connected may listen: so neither tenant nor entity nor value nor number of rows is told, only
-- a random id, which is of use to those alone who may read the feature. Equal messages of one transaction are folded
-- into one, so a load of a million values sends one for each feature.
CREATE FUNCTION notify_feature_update() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('feature_update', json_build_object('operation', TG_OP, 'feature_id', NEW.feature_id)::text);
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION notify_feature_update() IS
    'Trigger function: tells channel feature_update which feature has new values, and nothing else';
