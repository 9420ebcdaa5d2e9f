-- Approved reviews, and whether they hold today (UTC): permanent without an end, active until the last day, itself
-- included, expired after. Expired ones are listed despite the name, with a negative number of days; permanent ones
-- have NULL. valid_from is not looked at. Reads expert_reviews.
CREATE VIEW v_active_expert_approvals WITH (security_invoker = true) AS
SELECT
    r.review_id,
    r.review_type,
    r.dag_version_hash,
    r.reviewer_id,
    r.reviewer_name,
    r.reviewer_role,
    r.brand,
    r.treatment_variable,
    r.outcome_variable,
    r.analysis_context,
    r.approved_at,
    r.valid_until,
    CASE
        WHEN r.valid_until IS NULL THEN 'permanent'
        WHEN r.valid_until >= (now() AT TIME ZONE 'UTC')::date THEN 'active'
        ELSE 'expired'
    END AS validity_status,
    r.valid_until - (now() AT TIME ZONE 'UTC')::date AS days_until_expiry,
    r.checklist_json,
    r.conditions
FROM expert_reviews AS r
WHERE r.tenant_id = (SELECT app.current_tenant())
    AND r.approval_status = 'approved';

COMMENT ON VIEW v_active_expert_approvals IS 'Approvals by experts, with whether they hold; expired ones are listed too';
COMMENT ON COLUMN v_active_expert_approvals.validity_status IS 'permanent, active or expired';
COMMENT ON COLUMN v_active_expert_approvals.days_until_expiry IS 'Negative once expired, NULL without an end';
