-- One row per active agent and intent that it handles; the wildcard is the literal asterisk. Agents without intents do
-- not appear. Global reference data: no tenant, no split. Reads agent_registry.
CREATE VIEW v_agent_routing WITH (security_invoker = true) AS
SELECT DISTINCT
    a.agent_name,
    a.tier,
    a.description,
    i.intent
FROM agent_registry AS a
CROSS JOIN LATERAL unnest(a.intents) AS i (intent)
WHERE a.is_active
    AND i.intent IS NOT NULL
ORDER BY a.tier, a.agent_name, i.intent;

COMMENT ON VIEW v_agent_routing IS 'Which active agent handles which intent';
COMMENT ON COLUMN v_agent_routing.intent IS 'In upper case; * stands for any intent that nobody else handles';
