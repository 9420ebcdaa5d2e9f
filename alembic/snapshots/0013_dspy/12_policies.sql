ALTER TABLE dspy_prompt_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE dspy_prompt_templates FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON dspy_prompt_templates AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (dspy_prompt_templates.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (dspy_prompt_templates.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON dspy_prompt_templates AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON dspy_prompt_templates AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON dspy_prompt_templates AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE dspy_training_examples ENABLE ROW LEVEL SECURITY;
ALTER TABLE dspy_training_examples FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON dspy_training_examples AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (dspy_training_examples.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (dspy_training_examples.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_from_train_insert ON dspy_training_examples AS RESTRICTIVE FOR INSERT TO PUBLIC
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY written_from_train_update ON dspy_training_examples AS RESTRICTIVE FOR UPDATE TO PUBLIC
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY written_from_train_delete ON dspy_training_examples AS RESTRICTIVE FOR DELETE TO PUBLIC
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE s.splits <@ ARRAY['train']));

CREATE POLICY tenant_members ON dspy_training_examples AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE dspy_optimization_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE dspy_optimization_runs FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON dspy_optimization_runs AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (dspy_optimization_runs.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (dspy_optimization_runs.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON dspy_optimization_runs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE dspy_evaluation_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE dspy_evaluation_results FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON dspy_evaluation_results AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (dspy_evaluation_results.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (dspy_evaluation_results.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON dspy_evaluation_results AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
