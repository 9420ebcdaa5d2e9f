COMMENT ON TYPE agent_type IS 'The eleven agents that answer questions; agent_registry describes each.';
COMMENT ON TYPE workstream_type IS 'Workstream that an activity belongs to.';
COMMENT ON TYPE agent_name_type IS 'Every agent that remembers and learns: the eleven of agent_type, then the seven of tier 0.';
COMMENT ON TYPE learning_signal_type IS 'What a signal tells an agent about something that it did.';
