-- Splits whose artefacts (models, experiments, explanations) the open scope may see, verified: its own and every
-- earlier one, since what was learnt from train is made to be used on validation. The order is that of time;
-- unassigned, which holds no patient, comes first. NULL when no scope is open, so that "= ANY" is never true.
CREATE FUNCTION app.current_artefact_splits() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN string_to_array(NULLIF((app.scope_claims())[5], ''), ',');
END;
$$;

COMMENT ON FUNCTION app.current_artefact_splits() IS 'Splits whose artefacts the open scope may see: its own and earlier ones; NULL when none is open';
