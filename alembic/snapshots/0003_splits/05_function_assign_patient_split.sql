-- Split in whose window a date lies, under a configuration: the date gate, not the split of a patient (that is
-- app.assign_split). Unassigned for an unknown configuration, a NULL date, a date in a gap between windows and a strategy without windows; the
-- train window is open towards the past. Reads ml_split_registry.
CREATE FUNCTION assign_patient_split(p_journey_start_date date, p_split_config_id uuid)
RETURNS data_split_type
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (
            SELECT CASE
                       WHEN c.split_strategy = 'patient_stratified' THEN 'unassigned'
                       WHEN p_journey_start_date <= c.train_end_date THEN 'train'
                       WHEN p_journey_start_date <= c.train_end_date + c.temporal_gap_days THEN 'unassigned'
                       WHEN p_journey_start_date <= c.validation_end_date THEN 'validation'
                       WHEN p_journey_start_date <= c.validation_end_date + c.temporal_gap_days THEN 'unassigned'
                       WHEN p_journey_start_date <= c.test_end_date THEN 'test'
                       WHEN p_journey_start_date <= c.test_end_date + c.temporal_gap_days THEN 'unassigned'
                       WHEN p_journey_start_date IS NOT NULL THEN 'holdout'
                   END
              FROM ml_split_registry AS c
             WHERE c.tenant_id = (SELECT app.current_tenant()) AND c.split_config_id = p_split_config_id
        ),
        'unassigned'
    )::data_split_type;
$$;

COMMENT ON FUNCTION assign_patient_split(date, uuid) IS
    'Split in whose window a date lies; unassigned in a gap, for NULL and for an unknown configuration';
