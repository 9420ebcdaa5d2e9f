-- Rows of treatment_events whose split is 'test', every column in table order.
CREATE VIEW v_test_treatment_events WITH (security_invoker = true) AS
SELECT
    tenant_id,
    treatment_event_id,
    patient_journey_id,
    patient_id,
    hcp_id,
    event_date,
    event_type,
    event_subtype,
    brand,
    drug_ndc,
    drug_name,
    drug_class,
    dosage,
    duration_days,
    icd_codes,
    cpt_codes,
    loinc_codes,
    lab_values,
    location_type,
    facility_id,
    cost,
    outcome_indicator,
    adverse_event_flag,
    discontinuation_flag,
    discontinuation_reason,
    sequence_number,
    days_from_diagnosis,
    previous_treatment,
    next_treatment,
    data_source,
    source_timestamp,
    split_assignment,
    split_config_id,
    created_at
FROM treatment_events
WHERE split_assignment = 'test';

COMMENT ON VIEW v_test_treatment_events IS 'Rows of treatment_events whose split is test';
