-- Summary of one agent activity as a JSON object, with the number of its recommendations; NULL recommendations count
-- as none, ones that are not an array raise an error. An empty object for an unknown identifier. Times are ISO 8601,
-- UTC. Reads agent_activities.
CREATE FUNCTION get_agent_activity_context(p_activity_id varchar) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (
            SELECT jsonb_build_object(
                       'activity_id', a.activity_id,
                       'agent_type', a.agent_type,
                       'tier', a.tier,
                       'activity_timestamp',
                       to_char(a.activity_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                       'activity_type', a.activity_type,
                       'workstream', a.workstream,
                       'status', a.status,
                       'error_message', a.error_message,
                       'confidence_level', a.confidence_level,
                       'impact_estimate', a.impact_estimate,
                       'roi_estimate', a.roi_estimate,
                       'recommendation_count', coalesce(jsonb_array_length(a.recommendations), 0)
                   )
              FROM agent_activities AS a
             WHERE a.tenant_id = (SELECT app.current_tenant())
               AND a.split_assignment = ANY ((SELECT app.current_splits())::text[])
               AND a.activity_id = p_activity_id
        ),
        '{}'
    );
$$;

COMMENT ON FUNCTION get_agent_activity_context(varchar) IS
    'Summary of an agent activity as a JSON object, empty for an unknown identifier';
