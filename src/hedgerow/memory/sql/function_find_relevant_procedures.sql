-- Active procedures whose trigger is more similar to a query than the threshold, optionally of one type, intent or
-- brand: best first by similarity * (0.5 + 0.5 * success_rate), then by id. A procedure for the brand all is good for
-- any. Compares every procedure of the tenant. Success is counted from rate and executions. No row for a NULL or zero
-- query, for a threshold that is NULL, nor for a count that is NULL or below 1; procedures without a trigger embedding,
-- or with a zero one, are never found. Reads procedural_memories.
CREATE FUNCTION find_relevant_procedures(
    query_embedding vector,
    match_threshold double precision DEFAULT 0.6,
    match_count integer DEFAULT 5,
    filter_type procedure_type DEFAULT NULL,
    filter_intent varchar DEFAULT NULL,
    filter_brand varchar DEFAULT NULL
)
RETURNS TABLE (
    procedure_id uuid,
    procedure_name varchar,
    procedure_type procedure_type,
    tool_sequence jsonb,
    trigger_pattern text,
    usage_count integer,
    success_count integer,
    success_rate double precision,
    similarity double precision
)
LANGUAGE sql STABLE AS $$
    SELECT p.procedure_id,
           p.procedure_name,
           p.procedure_type,
           p.steps_json,
           p.trigger_pattern,
           p.execution_count,
           round(p.success_rate * p.execution_count)::integer,
           p.success_rate,
           d.similarity
      FROM procedural_memories AS p
     CROSS JOIN LATERAL (
               SELECT app.cosine_similarity(p.trigger_embedding, query_embedding) AS similarity
           ) AS d
     WHERE p.tenant_id = (SELECT app.current_tenant())
       AND app.query_embedding(query_embedding) IS NOT NULL
       AND p.is_active
       AND (filter_type IS NULL OR p.procedure_type = filter_type)
       AND (filter_intent IS NULL OR p.detected_intent = filter_intent)
       AND (filter_brand IS NULL OR p.applicable_brands && ARRAY[filter_brand, 'all']::text[])
       AND d.similarity > match_threshold
     ORDER BY d.similarity * (0.5 + 0.5 * p.success_rate) DESC, p.procedure_id
     LIMIT greatest(coalesce(match_count, 0), 0);
$$;

COMMENT ON FUNCTION find_relevant_procedures(
    vector, double precision, integer, procedure_type, varchar, varchar
) IS 'Active procedures whose trigger is similar to a query, the best first';
