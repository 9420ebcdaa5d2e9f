-- Per estimate and source: brand, treatment, outcome and gate of the newest validation (created_at, then id; one
-- without a time is the oldest), how many validations there are, and what became of the newest expert review that
-- lists one of them or, where none does, that is about the same brand, treatment and outcome. NULL is the same as
-- nothing, so that a review about nothing in particular approves nothing. An approval past its last day (UTC) reads
-- expired, no review none. latest_gate is the newest and not the worst: get_validation_gate decides over use.
-- Reads causal_validations and expert_reviews.
CREATE VIEW v_causal_validation_chain WITH (security_invoker = true) AS
WITH estimates AS (
    SELECT DISTINCT ON (v.estimate_id, v.estimate_source)
        v.estimate_id,
        v.estimate_source,
        v.brand,
        v.treatment_variable,
        v.outcome_variable,
        v.gate_decision,
        count(*) OVER one_estimate AS validation_count,
        array_agg(v.validation_id) OVER one_estimate AS validation_ids
    FROM causal_validations AS v
    WHERE v.tenant_id = (SELECT app.current_tenant())
        AND v.split_assignment = ANY ((SELECT app.current_artefact_splits())::text[])
    WINDOW one_estimate AS (PARTITION BY v.estimate_id, v.estimate_source)
    ORDER BY v.estimate_id, v.estimate_source, v.created_at DESC NULLS LAST, v.validation_id DESC
)

SELECT
    e.estimate_id,
    e.estimate_source,
    e.brand,
    e.treatment_variable,
    e.outcome_variable,
    e.validation_count,
    e.gate_decision AS latest_gate,
    CASE
        WHEN r.approval_status = 'approved' AND r.valid_until < (now() AT TIME ZONE 'UTC')::date THEN 'expired'
        ELSE coalesce(r.approval_status, 'none')
    END AS approval_status
FROM estimates AS e
LEFT JOIN LATERAL (
    SELECT
        x.approval_status,
        x.valid_until
    FROM expert_reviews AS x
    WHERE x.tenant_id = (SELECT app.current_tenant())
        AND (
            x.related_validation_ids && e.validation_ids
            OR (
                x.brand = e.brand
                AND x.treatment_variable = e.treatment_variable
                AND x.outcome_variable = e.outcome_variable
            )
        )
    ORDER BY
        coalesce(x.related_validation_ids && e.validation_ids, false) DESC,
        x.created_at DESC NULLS LAST,
        x.review_id DESC
    LIMIT 1
) AS r ON true;

COMMENT ON VIEW v_causal_validation_chain IS
    'Each validated estimate with its newest validation and what an expert said of it';
COMMENT ON COLUMN v_causal_validation_chain.latest_gate IS
    'Gate of the newest validation, not the worst: get_validation_gate decides over use';
COMMENT ON COLUMN v_causal_validation_chain.approval_status IS
    'pending, approved, rejected or expired; none where no expert has looked';
