-- Per day on which questions were asked (UTC) and mode of the assistant: how many there were, how they ended, and how
-- sure and how fast the answers were. Interactions without a time form a group of their own for each mode, whose day
-- is NULL; days without interactions have no row. Confidence is confidence_score, else step_5_confidence_score; the
-- percentiles are interpolated. Reads interactions.
CREATE VIEW v_assistant_metrics_daily WITH (security_invoker = true) AS
SELECT
    (i."timestamp" AT TIME ZONE 'UTC')::date AS metric_date,
    i.assistant_mode,
    count(*) AS total_interactions,
    count(*) FILTER (WHERE i.outcome = 'resolved') AS resolved,
    count(*) FILTER (WHERE i.outcome = 'escalated') AS escalated,
    (count(*) FILTER (WHERE i.outcome = 'resolved'))::float8 / count(*) AS resolution_rate,
    (count(*) FILTER (WHERE i.outcome = 'escalated'))::float8 / count(*) AS escalation_rate,
    avg(coalesce(i.confidence_score, i.step_5_confidence_score)) AS average_confidence,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY i.processing_time_ms) AS p50_processing_time_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY i.processing_time_ms) AS p95_processing_time_ms
FROM interactions AS i
WHERE i.tenant_id = (SELECT app.current_tenant())
GROUP BY
    (i."timestamp" AT TIME ZONE 'UTC')::date,
    i.assistant_mode;

COMMENT ON VIEW v_assistant_metrics_daily IS 'Interactions per day (UTC) and mode: outcome, confidence and speed';
COMMENT ON COLUMN v_assistant_metrics_daily.metric_date IS 'Day of the question, UTC; NULL where its time is unknown';
COMMENT ON COLUMN v_assistant_metrics_daily.resolution_rate IS 'Share of resolved interactions, 0 to 1';
COMMENT ON COLUMN v_assistant_metrics_daily.escalation_rate IS 'Share of escalated interactions, 0 to 1';
COMMENT ON COLUMN v_assistant_metrics_daily.average_confidence IS '0 to 1; NULL where no answer states one';
COMMENT ON COLUMN v_assistant_metrics_daily.p50_processing_time_ms IS 'Median milliseconds from question to answer';
COMMENT ON COLUMN v_assistant_metrics_daily.p95_processing_time_ms IS '95th percentile of the same';
