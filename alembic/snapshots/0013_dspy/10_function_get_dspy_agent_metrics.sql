-- How the training examples of an agent did over the last days of 24 hours; always one row. signal_count is their
-- number, avg_reward the mean of quality_score, validated_count how many somebody found right. improvement_trend is
-- the mean quality of the last seven days minus that of the days before, 0 when either has none. avg_latency_ms is
-- NULL: examples do not say how long they took. Raises for a name that is no agent, and for negative or no days.
-- Reads dspy_training_examples.
CREATE FUNCTION get_dspy_agent_metrics(p_agent varchar, p_days integer DEFAULT 30)
RETURNS TABLE (
    signal_count integer,
    avg_reward double precision,
    avg_latency_ms double precision,
    validated_count integer,
    improvement_trend double precision
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_days IS NULL OR p_days < 0 THEN
        RAISE EXCEPTION 'The last % days do not exist', coalesce(p_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_training_examples',
                  HINT = 'Give 0 or more.';
    ELSIF p_agent IS NULL OR p_agent <> ALL (enum_range(NULL::agent_name_type)::text[]) THEN
        RAISE EXCEPTION 'There is no agent %', quote_nullable(p_agent)
            USING ERRCODE = 'invalid_parameter_value',
                  TABLE = 'dspy_training_examples',
                  HINT = 'Agents are the labels of agent_name_type.';
    END IF;
    RETURN QUERY
    SELECT count(*)::integer,
           avg(x.quality_score),
           NULL::double precision,
           count(*) FILTER (WHERE x.is_validated)::integer,
           coalesce(
               avg(x.quality_score) FILTER (WHERE x.age <= 7 * 86400)
               - avg(x.quality_score) FILTER (WHERE x.age > 7 * 86400),
               0
           )
      FROM (
          SELECT e.quality_score,
                 e.is_validated,
                 extract(EPOCH FROM now() - e.created_at) AS age
            FROM dspy_training_examples AS e
           WHERE e.tenant_id = (SELECT app.current_tenant())
             AND e.agent_name = p_agent::agent_name_type
      ) AS x
     WHERE x.age BETWEEN 0 AND p_days * 86400.0;
END;
$$;

COMMENT ON FUNCTION get_dspy_agent_metrics(varchar, integer) IS
    'Number, mean quality and trend of the training examples of an agent over the last days';
