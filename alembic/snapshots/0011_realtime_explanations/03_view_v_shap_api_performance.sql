-- Per hour (UTC) and model type, over the real-time requests of the last 24 hours: how many, how fast (mean and
-- interpolated percentiles), how many slower than 500 ms, about how many patients. A request without a response time
-- is counted, but is not slow. Reads ml_shap_analyses.
CREATE VIEW v_shap_api_performance WITH (security_invoker = true) AS
SELECT
    date_trunc('hour', s.request_timestamp, 'UTC') AS hour,
    s.model_type,
    count(*) AS request_count,
    avg(s.response_time_ms) AS avg_latency_ms,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY s.response_time_ms) AS p50_latency_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY s.response_time_ms) AS p95_latency_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY s.response_time_ms) AS p99_latency_ms,
    count(*) FILTER (WHERE s.response_time_ms > 500) AS slow_requests,
    count(DISTINCT s.patient_id) AS unique_patients
FROM ml_shap_analyses AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
    AND s.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND s.analysis_type = 'local_realtime'
    AND s.request_timestamp >= now() - INTERVAL '24 hours'
GROUP BY date_trunc('hour', s.request_timestamp, 'UTC'), s.model_type;

COMMENT ON VIEW v_shap_api_performance IS 'Response times of real-time explanations in the last 24 hours';
COMMENT ON COLUMN v_shap_api_performance.hour IS 'Start of the hour, UTC';
COMMENT ON COLUMN v_shap_api_performance.slow_requests IS 'Requests that took more than 500 ms';
