-- Champions that are in production or staging, with their experiment. A champion without experiment is not listed.
-- Reads ml_model_registry and ml_experiments.
CREATE VIEW v_champion_models WITH (security_invoker = true) AS
SELECT
    e.experiment_name,
    e.prediction_target,
    e.brand,
    e.region,
    m.model_name,
    m.model_version,
    m.algorithm,
    m.auc,
    m.pr_auc,
    m.stage,
    m.trained_at
FROM ml_model_registry AS m
JOIN ml_experiments AS e
    ON e.tenant_id = m.tenant_id AND e.id = m.experiment_id
WHERE m.tenant_id = (SELECT app.current_tenant())
    AND m.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND e.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND m.is_champion
    AND m.stage IN ('production', 'staging');

COMMENT ON VIEW v_champion_models IS 'Champion models in production or staging, with their experiment';
COMMENT ON COLUMN v_champion_models.auc IS 'Area under the ROC curve, 0 to 1';
COMMENT ON COLUMN v_champion_models.pr_auc IS 'Area under the precision-recall curve, 0 to 1';
