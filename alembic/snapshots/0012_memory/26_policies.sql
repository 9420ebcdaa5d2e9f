ALTER TABLE cognitive_cycles ENABLE ROW LEVEL SECURITY;
ALTER TABLE cognitive_cycles FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON cognitive_cycles AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (cognitive_cycles.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (cognitive_cycles.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON cognitive_cycles AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON cognitive_cycles AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON cognitive_cycles AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON cognitive_cycles AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE episodic_memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE episodic_memories FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON episodic_memories AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (episodic_memories.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (episodic_memories.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON episodic_memories AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON episodic_memories AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON episodic_memories AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON episodic_memories AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE memory_statistics ENABLE ROW LEVEL SECURITY;
ALTER TABLE memory_statistics FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON memory_statistics AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (memory_statistics.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (memory_statistics.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON memory_statistics AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON memory_statistics AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON memory_statistics AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON memory_statistics AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE procedural_memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE procedural_memories FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON procedural_memories AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (procedural_memories.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (procedural_memories.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON procedural_memories AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON procedural_memories AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON procedural_memories AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON procedural_memories AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE semantic_memory_cache ENABLE ROW LEVEL SECURITY;
ALTER TABLE semantic_memory_cache FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON semantic_memory_cache AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (semantic_memory_cache.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (semantic_memory_cache.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY written_unsealed_insert ON semantic_memory_cache AS RESTRICTIVE FOR INSERT TO hedgerow_app
    WITH CHECK (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_update ON semantic_memory_cache AS RESTRICTIVE FOR UPDATE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY written_unsealed_delete ON semantic_memory_cache AS RESTRICTIVE FOR DELETE TO hedgerow_app
    USING (tenant_id = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE NOT s.splits && ARRAY['test', 'holdout']));

CREATE POLICY tenant_members ON semantic_memory_cache AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
