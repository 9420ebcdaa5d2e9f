-- Whether an expert has approved a version of a causal graph, and the approval is valid today (UTC): until valid_until,
-- itself included, or without end. Asked about a brand, only an approval of that brand counts: one without a brand does
-- not cover it. A NULL hash is never approved. valid_from is not looked at. Reads expert_reviews.
CREATE FUNCTION is_dag_approved(p_dag_hash varchar, p_brand varchar DEFAULT NULL) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT
          FROM expert_reviews AS r
         WHERE r.tenant_id = (SELECT app.current_tenant())
           AND r.dag_version_hash = p_dag_hash
           AND r.approval_status = 'approved'
           AND (r.valid_until IS NULL OR r.valid_until >= (now() AT TIME ZONE 'UTC')::date)
           AND (p_brand IS NULL OR r.brand = p_brand)
    );
$$;

COMMENT ON FUNCTION is_dag_approved(varchar, varchar) IS
    'Whether an approval of the causal graph is valid today, of the brand if one is given';
