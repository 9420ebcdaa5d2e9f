-- Per estimate, source, brand, treatment and outcome: how many tests, how they came out, mean (3 decimals), lowest and
-- highest confidence, the worst gate, first and last time, and the kinds of test that failed (NULL when none did). NULL
-- brands, treatments and outcomes are one group; values that differ part an estimate into several rows, each with a
-- gate of its own. Reads causal_validations.
CREATE VIEW v_validation_summary WITH (security_invoker = true) AS
SELECT
    v.estimate_id,
    v.estimate_source,
    v.brand,
    v.treatment_variable,
    v.outcome_variable,
    count(*) AS total_tests,
    count(*) FILTER (WHERE v.status = 'passed') AS passed_count,
    count(*) FILTER (WHERE v.status = 'failed') AS failed_count,
    count(*) FILTER (WHERE v.status = 'warning') AS warning_count,
    count(*) FILTER (WHERE v.status = 'skipped') AS skipped_count,
    round(avg(v.confidence_score), 3) AS avg_confidence,
    min(v.confidence_score) AS min_confidence,
    max(v.confidence_score) AS max_confidence,
    -- The labels are declared from the best to the worst.
    max(v.gate_decision) AS final_gate,
    max(v.created_at) AS last_validation_at,
    min(v.created_at) AS first_validation_at,
    (array_agg(DISTINCT v.test_type ORDER BY v.test_type) FILTER (WHERE v.status = 'failed'))::text[] AS failed_tests
FROM causal_validations AS v
WHERE v.tenant_id = (SELECT app.current_tenant())
    AND v.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
GROUP BY v.estimate_id, v.estimate_source, v.brand, v.treatment_variable, v.outcome_variable;

COMMENT ON VIEW v_validation_summary IS 'Refutation tests of each estimate, counted, and their worst gate';
COMMENT ON COLUMN v_validation_summary.avg_confidence IS '0 to 1; validations without a score do not count';
COMMENT ON COLUMN v_validation_summary.failed_tests IS 'Kinds of test that failed; NULL when none did';
