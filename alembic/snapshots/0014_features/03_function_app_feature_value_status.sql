-- What the status of a value becomes by the status of its feature: a current value of a deprecated feature is stale, of
-- an archived one expired. Every other status stays. Reads nothing.
CREATE FUNCTION app.feature_value_status(p_status feature_value_status, p_feature_status feature_status)
RETURNS feature_value_status
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
               WHEN p_status = 'current' AND p_feature_status = 'archived' THEN 'expired'
               WHEN p_status = 'current' AND p_feature_status = 'deprecated' THEN 'stale'
               ELSE p_status
           END;
$$;

COMMENT ON FUNCTION app.feature_value_status(feature_value_status, feature_status) IS
    'Status of a value, which is never current where its feature is retired';
