-- Which of the asked patients, or moments of patients, the scope does not hold: one row for each, with its place in the
-- arrays. split is the patient's, NULL for one who was never registered; moment is true where the split is open and
-- only the asked moment lies outside of its window. Without moments (NULL) windows play no part, and a patient who was
-- never registered, about whom nothing can be stored, is not reported.
-- Reads ml_patient_split_assignments and the windows of the open scope.
CREATE FUNCTION app.patients_outside(p_patients text[], p_moments timestamptz[])
RETURNS TABLE (place integer, split text, moment boolean)
LANGUAGE sql STABLE ROWS 10 AS $$
    SELECT asked.place::integer,
           a.assigned_split::text,
           coalesce(a.assigned_split = ANY ((SELECT app.current_splits())::text[]), false)
      FROM unnest(p_patients, p_moments) WITH ORDINALITY AS asked (patient_id, moment, place)
      LEFT JOIN ml_patient_split_assignments AS a
        ON a.tenant_id = (SELECT app.current_tenant()) AND a.patient_id = asked.patient_id
     WHERE CASE
               WHEN a.assigned_split IS NULL THEN asked.moment IS NOT NULL
               WHEN a.assigned_split <> ALL ((SELECT app.current_splits())::text[]) THEN true
               WHEN asked.moment IS NULL THEN false
               WHEN a.assigned_split = 'train' THEN asked.moment >= (SELECT app.window_bound('train_until'))
               WHEN a.assigned_split = 'validation' THEN
                   asked.moment < (SELECT app.window_bound('validation_from'))
                   OR asked.moment >= (SELECT app.window_bound('validation_until'))
               WHEN a.assigned_split = 'test' THEN
                   asked.moment < (SELECT app.window_bound('test_from'))
                   OR asked.moment >= (SELECT app.window_bound('test_until'))
               WHEN a.assigned_split = 'holdout' THEN asked.moment < (SELECT app.window_bound('holdout_from'))
               ELSE false
           END
     ORDER BY asked.place;
$$;

COMMENT ON FUNCTION app.patients_outside(text[], timestamptz[]) IS
    'Asked patients, or moments of patients, that the scope does not hold';
