COMMENT ON TYPE refutation_test_type IS 'A way to try to refute a causal estimate.';
COMMENT ON TYPE validation_status IS 'How an estimate came out of a refutation test.';
COMMENT ON TYPE gate_decision IS 'What may be done with an estimate; declared from the best to the worst, which is how it sorts.';
COMMENT ON TYPE expert_review_type IS 'What an expert signs.';
