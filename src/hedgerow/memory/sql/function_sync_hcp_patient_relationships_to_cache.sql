-- Writes what treatment events say about who treats whom into the cache: an entry patient:<id>|TREATED_BY|hcp:<id> for
-- each pair of patient and prescriber, and hcp:<id>|PRESCRIBES|brand:<brand> for each pair of prescriber and brand of a
-- prescription. Returns how many entries of either kind were written. They never expire; embedding and hits of an entry
-- that was there stay. Source: data_layer_sync.
-- The cache knows no splits, so every later reader sees it: only events of train and unassigned enter it, whatever the
-- scope holds, and of these only what the scope sees. Reads treatment_events, writes semantic_memory_cache.
CREATE FUNCTION sync_hcp_patient_relationships_to_cache() RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_written integer;
BEGIN
    WITH event AS (
        SELECT e.patient_id, e.hcp_id, e.brand, e.event_type
          FROM treatment_events AS e
         WHERE e.tenant_id = (SELECT app.current_tenant())
           AND e.split_assignment = ANY ((SELECT app.current_splits())::text[])
           AND e.split_assignment IN ('train', 'unassigned')
           AND e.hcp_id IS NOT NULL
    ), relation AS (
        SELECT format('patient:%s|TREATED_BY|hcp:%s', e.patient_id, e.hcp_id) AS key,
               jsonb_build_object(
                   'patient_id', e.patient_id, 'relation', 'TREATED_BY', 'hcp_id', e.hcp_id, 'events', count(*)
               ) AS value
          FROM event AS e
         GROUP BY e.patient_id, e.hcp_id
        UNION ALL
        SELECT format('hcp:%s|PRESCRIBES|brand:%s', e.hcp_id, e.brand),
               jsonb_build_object('hcp_id', e.hcp_id, 'relation', 'PRESCRIBES', 'brand', e.brand, 'events', count(*))
          FROM event AS e
         WHERE e.event_type = 'prescription'
           AND e.brand IS NOT NULL
         GROUP BY e.hcp_id, e.brand
    )
    INSERT INTO semantic_memory_cache AS c (tenant_id, key, value_json, source)
    SELECT app.current_tenant(), r.key, r.value, 'data_layer_sync'
      FROM relation AS r
     -- In one order, so that two callers do not wait for each other.
     ORDER BY r.key COLLATE "C"
        ON CONFLICT (tenant_id, key) DO UPDATE
       SET value_json = EXCLUDED.value_json,
           source = EXCLUDED.source,
           ttl_seconds = NULL
     WHERE c.tenant_id = (SELECT app.current_tenant());
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END;
$$;

COMMENT ON FUNCTION sync_hcp_patient_relationships_to_cache() IS
    'Writes who treats whom and who prescribes what from treatment events into the cache; returns how many entries';
