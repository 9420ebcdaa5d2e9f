-- Newest registered model of an experiment name, by registered_at; a model without it counts as oldest. Models
-- registered together are told apart by version, read as numbers (1.10 is after 1.9), then as text, then by name.
-- One row or none. Experiment names are not unique: the models of all experiments of the name compete.
-- Reads ml_model_registry and ml_experiments.
CREATE FUNCTION get_latest_model(p_experiment_name varchar)
RETURNS TABLE (model_id uuid, model_name varchar, model_version varchar, auc numeric, stage model_stage_enum)
LANGUAGE sql STABLE AS $$
    SELECT m.id,
           m.model_name,
           m.model_version,
           m.auc,
           m.stage
      FROM ml_model_registry AS m
      JOIN ml_experiments AS e
        ON e.tenant_id = m.tenant_id AND e.id = m.experiment_id
     WHERE m.tenant_id = (SELECT app.current_tenant())
       AND m.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND e.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
       AND e.experiment_name = p_experiment_name
     ORDER BY m.registered_at DESC NULLS LAST,
              ARRAY(
                  SELECT part[1]::numeric
                    FROM regexp_matches(m.model_version, '[0-9]+', 'g') WITH ORDINALITY AS v (part, place)
                   ORDER BY place
              ) DESC,
              m.model_version COLLATE "C" DESC,
              m.model_name COLLATE "C"
     LIMIT 1;
$$;

COMMENT ON FUNCTION get_latest_model(varchar) IS 'Newest registered model of an experiment name';
