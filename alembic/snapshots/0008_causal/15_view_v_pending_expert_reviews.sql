-- Reviews that nobody has decided, the oldest first, with the whole days since they were asked for: 0 on the first.
-- A review without a time comes last. Reads expert_reviews.
CREATE VIEW v_pending_expert_reviews WITH (security_invoker = true) AS
SELECT
    r.review_id,
    r.review_type,
    r.dag_version_hash,
    r.brand,
    r.treatment_variable,
    r.outcome_variable,
    r.analysis_context,
    r.created_at,
    extract(DAY FROM now() - r.created_at)::integer AS days_pending
FROM expert_reviews AS r
WHERE r.tenant_id = (SELECT app.current_tenant())
    AND r.approval_status = 'pending'
ORDER BY r.created_at, r.review_id;

COMMENT ON VIEW v_pending_expert_reviews IS 'Expert reviews that nobody has decided, the oldest first';
COMMENT ON COLUMN v_pending_expert_reviews.days_pending IS 'Whole days of 24 hours since the review was asked for';
