COMMENT ON TYPE dspy_optimization_phase IS 'What a run is busy with; it may go round between sampling and validation as often as it needs.';
COMMENT ON TYPE optimization_status IS 'How far a run is: pending, then running, then one of the three ends, which is final.';
