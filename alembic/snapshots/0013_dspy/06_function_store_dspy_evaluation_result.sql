-- Stores metrics and score of one iteration of a run and returns the id of the result. The same run and iteration
-- again replaces both; its template and samples are replaced where new ones are given. NULL metrics are none. An
-- unknown run or template is a foreign key violation, a negative iteration a check violation.
CREATE FUNCTION store_dspy_evaluation_result(
    p_run_id uuid,
    p_iteration integer,
    p_metrics jsonb,
    p_score double precision,
    p_prompt_template_id uuid DEFAULT NULL,
    p_sample_outputs jsonb DEFAULT NULL
)
RETURNS uuid
LANGUAGE sql VOLATILE AS $$
    INSERT INTO dspy_evaluation_results AS e (
        run_id, iteration, evaluation_metrics, score, prompt_template_id, sample_outputs
    )
    VALUES (p_run_id, p_iteration, coalesce(p_metrics, '{}'), p_score, p_prompt_template_id, p_sample_outputs)
    ON CONFLICT (tenant_id, run_id, iteration) DO UPDATE
       SET evaluation_metrics = excluded.evaluation_metrics,
           score = excluded.score,
           prompt_template_id = coalesce(excluded.prompt_template_id, e.prompt_template_id),
           sample_outputs = coalesce(excluded.sample_outputs, e.sample_outputs)
    RETURNING result_id;
$$;

COMMENT ON FUNCTION store_dspy_evaluation_result(uuid, integer, jsonb, double precision, uuid, jsonb) IS
    'Stores or replaces the result of one iteration of an optimisation run';
