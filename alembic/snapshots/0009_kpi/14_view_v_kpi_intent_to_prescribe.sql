-- Per brand and month, over surveys of good quality: mean intent to prescribe, mean change since the survey before, and
-- how many surveys. Surveys whose quality flag is false or NULL are left out. Reads hcp_intent_surveys.
CREATE VIEW v_kpi_intent_to_prescribe WITH (security_invoker = true) AS
SELECT
    s.brand,
    date_trunc('month', s.survey_date::timestamp) AT TIME ZONE 'UTC' AS survey_month,
    avg(s.intent_to_prescribe_score) AS avg_intent_score,
    avg(s.intent_to_prescribe_change) AS avg_intent_change,
    count(*) AS survey_count
FROM hcp_intent_surveys AS s
WHERE s.tenant_id = (SELECT app.current_tenant())
    AND s.response_quality_flag
GROUP BY
    s.brand,
    date_trunc('month', s.survey_date::timestamp) AT TIME ZONE 'UTC';

COMMENT ON VIEW v_kpi_intent_to_prescribe IS 'Intent to prescribe and its change, per brand and month';
COMMENT ON COLUMN v_kpi_intent_to_prescribe.survey_month IS 'Start of the month, UTC';
COMMENT ON COLUMN v_kpi_intent_to_prescribe.avg_intent_score IS '1 to 7';
