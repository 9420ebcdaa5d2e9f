-- One feature as it was known for each asked entity at each asked moment, in their order: one row with one array.
-- numbers for numeric features; texts for the others: plain text of categorical ones, JSON of the rest. NULL where
-- nothing was known. A moment of NULL is now.
--
-- Known at a moment is what somebody who asked at that moment was told: among the values computed by then that began
-- to hold by then the newest by valid_from, then computed_at, unless its stated end had passed. What arrived later has
-- no say, not even in how long an earlier value held: therefore stated_until, and not valid_until, which later arrivals
-- shorten. Invalid values count as never written. Reads feature_values.
CREATE FUNCTION app.feature_column(
    p_feature_id uuid,
    p_data_type feature_data_type,
    p_entity_type text,
    p_entities text[],
    p_moments timestamptz[]
)
RETURNS TABLE (numbers double precision[], texts text[])
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT CASE WHEN p_data_type = 'numeric' THEN
               array_agg(
                   CASE WHEN jsonb_typeof(known.value) = 'number' THEN known.value::double precision END
                   ORDER BY asked.place
               )
           END,
           CASE WHEN p_data_type <> 'numeric' THEN
               array_agg(
                   CASE WHEN p_data_type = 'categorical' THEN known.value #>> '{}' ELSE known.value::text END
                   ORDER BY asked.place
               )
           END
      FROM unnest(p_entities, p_moments) WITH ORDINALITY AS asked (entity_id, moment, place)
      LEFT JOIN LATERAL (
          SELECT CASE
                     WHEN v.stated_until IS NULL
                         OR v.stated_until > CASE WHEN asked.moment IS NULL THEN now() ELSE asked.moment END
                         THEN v.value
                 END AS value
            FROM feature_values AS v
           WHERE v.tenant_id = (SELECT app.current_tenant())
             AND (v.split_assignment IS NULL OR v.split_assignment = ANY ((SELECT app.current_splits())::text[]))
             AND v.feature_id = p_feature_id
             AND v.entity_type = p_entity_type
             AND v.entity_id = asked.entity_id
             -- CASE and not coalesce, which row-level security would keep out of the index.
             AND v.valid_from <= CASE WHEN asked.moment IS NULL THEN now() ELSE asked.moment END
             -- Not a bare column: with two bounds to choose from the planner takes the wrong index, and sorts.
             AND v.computed_at + INTERVAL '0' <= CASE WHEN asked.moment IS NULL THEN now() ELSE asked.moment END
             AND v.status <> 'invalid'
           ORDER BY v.valid_from DESC, v.computed_at DESC
           LIMIT 1
      ) AS known ON true;
$$;

COMMENT ON FUNCTION app.feature_column(uuid, feature_data_type, text, text[], timestamptz[]) IS
    'A feature as it was known for entities at moments, as one array';
