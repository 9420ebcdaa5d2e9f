-- Which definitions are meant by names: one row for each triple of group, name and version, in their order. A group of
-- NULL is any group, a version of NULL the newest active one. found counts the groups that answer: 0 for none, and
-- more than 1 where the name alone is not enough; the other columns are NULL unless it is 1.
-- Reads feature_groups, feature_definitions.
CREATE FUNCTION app.resolve_features(p_groups text[], p_names text[], p_versions integer[])
RETURNS TABLE (place integer, found integer, feature_id uuid, data_type feature_data_type, entity_type text)
LANGUAGE sql STABLE AS $$
    SELECT w.place::integer,
           coalesce(m.found, 0),
           CASE WHEN m.found = 1 THEN m.feature_id END,
           CASE WHEN m.found = 1 THEN m.data_type END,
           CASE WHEN m.found = 1 THEN m.entity_type END
      FROM unnest(p_groups, p_names, p_versions) WITH ORDINALITY AS w (group_name, feature_name, version, place)
      LEFT JOIN LATERAL (
          SELECT count(*) OVER ()::integer AS found, one.feature_id, one.data_type, one.entity_type
            FROM (
                SELECT DISTINCT ON (d.group_id) d.feature_id, d.data_type, g.entity_type
                  FROM feature_definitions AS d
                  JOIN feature_groups AS g ON g.tenant_id = d.tenant_id AND g.group_id = d.group_id
                 WHERE d.tenant_id = (SELECT app.current_tenant())
                   AND d.feature_name = w.feature_name
                   AND (w.group_name IS NULL OR g.group_name = w.group_name)
                   AND (d.version = w.version OR w.version IS NULL AND d.status = 'active')
                 ORDER BY d.group_id, d.version DESC
            ) AS one
           LIMIT 1
      ) AS m ON true
     ORDER BY w.place;
$$;

COMMENT ON FUNCTION app.resolve_features(text[], text[], integer[]) IS 'Definitions that names of features mean';
