-- How often holdout may be opened for a model of a tenant: the budget of the model, else that of the tenant ('*' for the
-- model), else that of the deployment ('*' for both), else once. Reads app.holdout_budget, as the owner alone may.
CREATE FUNCTION app.holdout_budget_of(p_tenant text, p_model text) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(
        (
            SELECT b.openings
              FROM app.holdout_budget AS b
             WHERE (b.tenant_id, b.model) IN ((p_tenant, p_model), (p_tenant, '*'), ('*', '*'))
             ORDER BY b.tenant_id = '*', b.model = '*'
             LIMIT 1
        ),
        1
    );
END;
$$;

COMMENT ON FUNCTION app.holdout_budget_of(text, text) IS 'Owner only: how often holdout may be opened for a model';
