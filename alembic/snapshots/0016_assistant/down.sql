DROP POLICY tenant_members ON escalations;
DROP POLICY tenant_isolation ON escalations;
DROP POLICY tenant_members ON knowledge_documents;
DROP POLICY tenant_isolation ON knowledge_documents;
DROP POLICY tenant_members ON interactions;
DROP POLICY tenant_isolation ON interactions;
DROP VIEW v_assistant_metrics_daily;
DROP FUNCTION app.assistant_metrics;
