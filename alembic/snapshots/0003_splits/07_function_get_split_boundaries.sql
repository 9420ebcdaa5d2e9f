-- Four rows: first and last day of each split's window, and how many patients are registered for the split. Windows are
-- temporal_gap_days whole days apart, so that no day belongs to two splits; the strategy patient_stratified has none,
-- and NULL for dates. Without an argument the active configuration; an unknown one gives no row.
-- Reads ml_split_registry and ml_patient_split_assignments.
CREATE FUNCTION get_split_boundaries(p_split_config_id uuid DEFAULT NULL)
RETURNS TABLE (split_name text, start_date date, end_date date, patient_count bigint)
LANGUAGE sql STABLE AS $$
    SELECT w.split_name,
           CASE WHEN c.split_strategy <> 'patient_stratified' THEN w.start_date END,
           CASE WHEN c.split_strategy <> 'patient_stratified' THEN w.end_date END,
           (
               SELECT count(*)
                 FROM ml_patient_split_assignments AS a
                WHERE a.tenant_id = c.tenant_id
                  AND a.split_config_id = c.split_config_id
                  AND a.assigned_split = w.split_name
           )
      FROM ml_split_registry AS c,
           LATERAL (
               VALUES (1, 'train', c.data_start_date, c.train_end_date),
                      (2, 'validation', c.train_end_date + 1 + c.temporal_gap_days, c.validation_end_date),
                      (3, 'test', c.validation_end_date + 1 + c.temporal_gap_days, c.test_end_date),
                      (4, 'holdout', c.test_end_date + 1 + c.temporal_gap_days, c.data_end_date)
           ) AS w (position, split_name, start_date, end_date)
     WHERE c.tenant_id = (SELECT app.current_tenant())
       AND (c.split_config_id = p_split_config_id OR p_split_config_id IS NULL AND c.is_active)
     ORDER BY w.position;
$$;

COMMENT ON FUNCTION get_split_boundaries(uuid) IS 'Window and number of registered patients of each split';
