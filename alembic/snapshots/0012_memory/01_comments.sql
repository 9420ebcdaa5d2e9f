COMMENT ON TYPE memory_importance IS 'How much a memory matters when it competes for space; declared from the highest, which is how it sorts.';
COMMENT ON TYPE memory_type IS 'What kind of thing an agent remembers.';
COMMENT ON TYPE procedure_type IS 'What a procedure is good for.';
COMMENT ON TYPE cognitive_phase IS 'Phase of an agent''s thinking, in the order in which they follow one another.';
