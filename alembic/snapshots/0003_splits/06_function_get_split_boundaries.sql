-- Four rows: first and last day of each split's window, and how many patients are registered for the split.
-- Without an argument the active configuration; an unknown one gives no row. Windows are temporal_gap_days whole
-- days apart, so that no day belongs to two splits. Reads ml_split_registry and ml_patient_split_assignments.
CREATE FUNCTION get_split_boundaries(p_split_config_id uuid DEFAULT NULL)
RETURNS TABLE (split_name text, start_date date, end_date date, patient_count bigint)
LANGUAGE sql STABLE AS $$
    SELECT w.split_name,
           w.start_date,
           w.end_date,
           (
               SELECT count(*)
                 FROM ml_patient_split_assignments AS a
                WHERE a.tenant_id = c.tenant_id
                  AND a.split_config_id = c.split_config_id
                  AND a.assigned_split = w.split_name
           )
      FROM ml_split_registry AS c,
           LATERAL (
               VALUES ('train', c.data_start_date, c.train_end_date),
                      ('validation', c.train_end_date + 1 + c.temporal_gap_days, c.validation_end_date),
                      ('test', c.validation_end_date + 1 + c.temporal_gap_days, c.test_end_date),
                      ('holdout', c.test_end_date + 1 + c.temporal_gap_days, c.data_end_date)
           ) AS w (split_name, start_date, end_date)
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND (c.split_config_id = p_split_config_id OR p_split_config_id IS NULL AND c.is_active)
     ORDER BY w.start_date;
$$;

COMMENT ON FUNCTION get_split_boundaries(uuid) IS 'Window and number of registered patients of each split';
