COMMENT ON TYPE agent_type IS 'The eleven agents that answer questions; agent_registry describes each.';
COMMENT ON TYPE workstream_type IS 'Workstream that an activity belongs to.';
