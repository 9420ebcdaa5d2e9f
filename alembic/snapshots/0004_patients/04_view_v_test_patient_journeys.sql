-- Rows of patient_journeys whose split is 'test', every column in table order.
CREATE VIEW v_test_patient_journeys WITH (security_invoker = true) AS
SELECT
    tenant_id,
    id,
    patient_id,
    brand,
    journey_stage,
    data_source,
    data_sources_matched,
    source_stacking_flag,
    source_timestamp,
    ingestion_timestamp,
    data_lag_hours,
    split_assignment,
    created_at,
    journey_start_date,
    split_config_id,
    primary_diagnosis_desc,
    geographic_region,
    risk_score
FROM patient_journeys
WHERE split_assignment = 'test';

COMMENT ON VIEW v_test_patient_journeys IS 'Rows of patient_journeys whose split is test';
