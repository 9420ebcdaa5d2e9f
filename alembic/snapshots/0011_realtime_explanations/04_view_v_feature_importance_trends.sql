-- Per model version, day (UTC) and leading feature, over the real-time requests of the last 30 days: how often the
-- feature led, and its mean SHAP value. The leading feature is shap_values ->> 'top_feature_1', its value
-- 'top_feature_1_value'; missing keys give NULL, a value that is not a number raises a cast error.
-- Reads ml_shap_analyses.
CREATE VIEW v_feature_importance_trends WITH (security_invoker = true) AS
SELECT
    s.model_version_id,
    (s.request_timestamp AT TIME ZONE 'UTC')::date AS day,
    s.shap_values ->> 'top_feature_1' AS top_feature,
    count(*) AS appearance_count,
    avg((s.shap_values ->> 'top_feature_1_value')::double precision) AS avg_shap_value
FROM ml_shap_analyses AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
    AND s.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND s.analysis_type = 'local_realtime'
    -- Hours and not days, whose length would follow the session's time zone.
    AND s.request_timestamp >= now() - INTERVAL '720 hours'
GROUP BY
    s.model_version_id,
    (s.request_timestamp AT TIME ZONE 'UTC')::date,
    s.shap_values ->> 'top_feature_1';

COMMENT ON VIEW v_feature_importance_trends IS 'Which feature led real-time explanations, by day of the last 30';
COMMENT ON COLUMN v_feature_importance_trends.day IS 'Day of the request, UTC';
COMMENT ON COLUMN v_feature_importance_trends.appearance_count IS 'Explanations that the feature led';
