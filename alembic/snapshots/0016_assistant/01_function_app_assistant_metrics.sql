-- Figures over interactions and their escalations, from one snapshot: a row for all of them together (dimension
-- 'total', always there), and one for each assistant_mode ('mode'), intent_name ('intent'), day of "timestamp" in UTC
-- ('day') and trigger_type of their escalations ('trigger'). p_from and p_to are both inclusive, NULL for no bound; an
-- interaction without a time lies in no range that has one. Rows of a trigger count its escalations and the
-- interactions that have one; an escalation without interaction is in none. The key is NULL where the interactions
-- have no intent or no time. Confidence is confidence_score, else step_5_confidence_score. Rates are 0 to 1, and NULL
-- where there is nothing to rate. Percentiles are interpolated. Reads interactions and escalations.
CREATE FUNCTION app.assistant_metrics(p_mode varchar, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (
    dimension text,
    key text,
    total_interactions bigint,
    resolved bigint,
    escalated bigint,
    resolution_rate double precision,
    escalation_rate double precision,
    average_confidence double precision,
    p50_processing_time_ms double precision,
    p95_processing_time_ms double precision,
    escalations bigint
)
LANGUAGE sql STABLE AS $$
    WITH chosen AS (
        SELECT i.id,
               i.assistant_mode,
               i.intent_name,
               (i."timestamp" AT TIME ZONE 'UTC')::date AS day,
               i.outcome,
               coalesce(i.confidence_score, i.step_5_confidence_score) AS confidence,
               i.processing_time_ms
          FROM interactions AS i
         WHERE i.tenant_id = (SELECT app.current_tenant())
           AND (p_mode IS NULL OR i.assistant_mode = p_mode)
           AND (p_from IS NULL OR i."timestamp" >= p_from)
           AND (p_to IS NULL OR i."timestamp" <= p_to)
    ),
    raised AS (
        SELECT e.trigger_type,
               e.interaction_id,
               count(*) AS escalations
          FROM escalations AS e
         WHERE e.tenant_id = (SELECT app.current_tenant())
         GROUP BY e.trigger_type, e.interaction_id
    ),
    grouped AS (
        SELECT CASE GROUPING(c.assistant_mode, c.intent_name, c.day)
                   WHEN 3 THEN 'mode' WHEN 5 THEN 'intent' WHEN 6 THEN 'day' ELSE 'total'
               END AS dimension,
               coalesce(c.assistant_mode, c.intent_name, c.day::text) AS key,
               count(*) AS total,
               count(*) FILTER (WHERE c.outcome = 'resolved') AS resolved,
               count(*) FILTER (WHERE c.outcome = 'escalated') AS escalated,
               avg(c.confidence) AS confidence,
               percentile_cont(ARRAY[0.50, 0.95]) WITHIN GROUP (ORDER BY c.processing_time_ms) AS percentiles,
               NULL::bigint AS escalations
          FROM chosen AS c
         GROUP BY GROUPING SETS ((), (c.assistant_mode), (c.intent_name), (c.day))
        UNION ALL
        SELECT 'trigger',
               r.trigger_type,
               count(*),
               count(*) FILTER (WHERE c.outcome = 'resolved'),
               count(*) FILTER (WHERE c.outcome = 'escalated'),
               avg(c.confidence),
               percentile_cont(ARRAY[0.50, 0.95]) WITHIN GROUP (ORDER BY c.processing_time_ms),
               sum(r.escalations)::bigint
          FROM chosen AS c
          JOIN raised AS r ON r.interaction_id = c.id
         GROUP BY r.trigger_type
    )
    SELECT g.dimension,
           g.key,
           g.total,
           g.resolved,
           g.escalated,
           g.resolved::float8 / nullif(g.total, 0),
           g.escalated::float8 / nullif(g.total, 0),
           g.confidence,
           g.percentiles[1],
           g.percentiles[2],
           coalesce(g.escalations, (
               SELECT sum(t.escalations)::bigint FROM grouped AS t WHERE g.dimension = 'total' AND t.dimension = 'trigger'
           ))
      FROM grouped AS g
     ORDER BY g.dimension, g.key COLLATE "C" NULLS LAST;
$$;

COMMENT ON FUNCTION app.assistant_metrics(varchar, timestamptz, timestamptz) IS
    'Figures over interactions, together and by mode, intent, day and trigger';
