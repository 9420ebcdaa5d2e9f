-- Per estimate, source, brand, treatment, outcome and context that a validation blocks: the kinds of test that failed
-- among the blocking validations, parted by comma and space (NULL when they block for another reason), how many such
-- results there are (not kinds), and of all blocking validations the lowest confidence and the last time.
-- Reads causal_validations.
CREATE VIEW v_blocked_estimates WITH (security_invoker = true) AS
SELECT
    v.estimate_id,
    v.estimate_source,
    v.brand,
    v.treatment_variable,
    v.outcome_variable,
    v.analysis_context,
    -- A gate is often that of the whole suite, written to each of its tests: those that passed did not fail.
    string_agg(DISTINCT v.test_type::text, ', ' ORDER BY v.test_type::text)
        FILTER (WHERE v.status = 'failed') AS failed_tests,
    min(v.confidence_score) AS min_confidence,
    max(v.created_at) AS blocked_at,
    count(*) FILTER (WHERE v.status = 'failed') AS failed_test_count
FROM causal_validations AS v
WHERE v.tenant_id = (SELECT app.current_tenant())
    AND v.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    AND v.gate_decision = 'block'
GROUP BY
    v.estimate_id,
    v.estimate_source,
    v.brand,
    v.treatment_variable,
    v.outcome_variable,
    v.analysis_context;

COMMENT ON VIEW v_blocked_estimates IS 'Estimates that a validation blocks, and the tests that they failed';
COMMENT ON COLUMN v_blocked_estimates.failed_tests IS 'Kinds of test, parted by comma and space; NULL when none failed';
COMMENT ON COLUMN v_blocked_estimates.failed_test_count IS 'Failed results, of which a kind of test may have several';
