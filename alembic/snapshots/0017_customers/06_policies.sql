ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE customers FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON customers AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (customers.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (customers.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON customers AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY assigned_manager ON customers AS PERMISSIVE FOR ALL TO PUBLIC
    USING ((tenant_id, csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))
    WITH CHECK ((tenant_id, csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m));

ALTER TABLE agent_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_sessions FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON agent_sessions AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (agent_sessions.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (agent_sessions.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON agent_sessions AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY own_sessions ON agent_sessions AS PERMISSIVE FOR ALL TO PUBLIC
    USING ((tenant_id, user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))
    WITH CHECK ((tenant_id, user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m));

CREATE POLICY customer_manager ON agent_sessions AS PERMISSIVE FOR SELECT TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE contracts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contracts FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON contracts AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (contracts.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (contracts.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON contracts AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON contracts AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE health_scores ENABLE ROW LEVEL SECURITY;
ALTER TABLE health_scores FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON health_scores AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (health_scores.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (health_scores.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON health_scores AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON health_scores AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE qbrs ENABLE ROW LEVEL SECURITY;
ALTER TABLE qbrs FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON qbrs AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (qbrs.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (qbrs.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON qbrs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON qbrs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE renewal_pipeline ENABLE ROW LEVEL SECURITY;
ALTER TABLE renewal_pipeline FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON renewal_pipeline AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (renewal_pipeline.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (renewal_pipeline.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON renewal_pipeline AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON renewal_pipeline AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE risk_signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_signals FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON risk_signals AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (risk_signals.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (risk_signals.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON risk_signals AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON risk_signals AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE stakeholders ENABLE ROW LEVEL SECURITY;
ALTER TABLE stakeholders FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON stakeholders AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (stakeholders.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (stakeholders.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON stakeholders AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON stakeholders AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE usage_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_metrics FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON usage_metrics AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (usage_metrics.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (usage_metrics.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON usage_metrics AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON usage_metrics AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE agent_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_messages FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON agent_messages AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (agent_messages.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (agent_messages.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON agent_messages AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON agent_messages AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON agent_messages AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY administrators ON agent_messages AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY own_sessions ON agent_messages AS PERMISSIVE FOR ALL TO PUBLIC
    USING (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_messages.tenant_id AND p.id = agent_messages.session_id AND (p.tenant_id, p.user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_messages.tenant_id AND p.id = agent_messages.session_id AND (p.tenant_id, p.user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

CREATE POLICY seen_sessions ON agent_messages AS PERMISSIVE FOR SELECT TO PUBLIC
    USING (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_messages.tenant_id AND p.id = agent_messages.session_id AND true));

ALTER TABLE agent_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_runs FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON agent_runs AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (agent_runs.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (agent_runs.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON agent_runs AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON agent_runs AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON agent_runs AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY administrators ON agent_runs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON agent_runs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

CREATE POLICY own_sessions ON agent_runs AS PERMISSIVE FOR ALL TO PUBLIC
    USING (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_runs.tenant_id AND p.id = agent_runs.session_id AND (p.tenant_id, p.user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_runs.tenant_id AND p.id = agent_runs.session_id AND (p.tenant_id, p.user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

CREATE POLICY seen_sessions ON agent_runs AS PERMISSIVE FOR SELECT TO PUBLIC
    USING (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = agent_runs.tenant_id AND p.id = agent_runs.session_id AND true));

ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON approvals AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (approvals.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (approvals.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON approvals AS PERMISSIVE FOR SELECT TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY seen_sessions ON approvals AS PERMISSIVE FOR SELECT TO PUBLIC
    USING (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = approvals.tenant_id AND p.id = approvals.session_id AND true));

CREATE POLICY asks ON approvals AS PERMISSIVE FOR INSERT TO PUBLIC
    WITH CHECK ((SELECT app.is_owner()) OR status = 'pending' AND decided_by IS NULL AND decided_at IS NULL AND (tenant_id = (SELECT app.administered_tenant()) OR EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = approvals.tenant_id AND p.id = approvals.session_id AND (p.tenant_id, p.user_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))));

CREATE POLICY decides ON approvals AS PERMISSIVE FOR UPDATE TO PUBLIC
    USING (status = 'pending' AND (EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = approvals.tenant_id AND p.id = approvals.session_id AND EXISTS (SELECT FROM app.current_member() AS m WHERE m.tenant_id = p.tenant_id AND m.user_id IS DISTINCT FROM p.user_id)) OR session_id IS NULL AND tenant_id = (SELECT app.administered_tenant())))
    WITH CHECK (status IN ('approved', 'rejected') AND (tenant_id, decided_by) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m) AND decided_at IS NOT NULL AND (expires_at IS NULL OR expires_at > now()) AND (session_id IS NULL AND tenant_id = (SELECT app.administered_tenant()) OR EXISTS (SELECT FROM agent_sessions AS p WHERE p.tenant_id = approvals.tenant_id AND p.id = approvals.session_id AND p.user_id IS DISTINCT FROM approvals.decided_by)) OR status = 'expired' AND decided_by IS NULL AND NOT (expires_at IS NULL OR expires_at > now()));

ALTER TABLE entitlements ENABLE ROW LEVEL SECURITY;
ALTER TABLE entitlements FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON entitlements AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (entitlements.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (entitlements.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY administrators ON entitlements AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY customer_manager ON entitlements AS PERMISSIVE FOR ALL TO PUBLIC
    USING (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)))
    WITH CHECK (customer_id = ANY (ARRAY(SELECT p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m))) AND (tenant_id, customer_id) IN (SELECT p.tenant_id, p.id FROM customers AS p WHERE (p.tenant_id, p.csm_id) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)));

ALTER TABLE agent_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_steps FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON agent_steps AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (agent_steps.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (agent_steps.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON agent_steps AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON agent_steps AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON agent_steps AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY administrators ON agent_steps AS PERMISSIVE FOR ALL TO PUBLIC
    USING (tenant_id = (SELECT app.administered_tenant()))
    WITH CHECK (tenant_id = (SELECT app.administered_tenant()));

CREATE POLICY seen_runs ON agent_steps AS PERMISSIVE FOR ALL TO PUBLIC
    USING (EXISTS (SELECT FROM agent_runs AS p WHERE p.tenant_id = agent_steps.tenant_id AND p.id = agent_steps.run_id AND true))
    WITH CHECK (EXISTS (SELECT FROM agent_runs AS p WHERE p.tenant_id = agent_steps.tenant_id AND p.id = agent_steps.run_id AND true));
