ALTER TABLE episodic_memories ALTER COLUMN search_embedding SET STORAGE PLAIN;

ALTER TABLE semantic_memory_cache ALTER COLUMN search_embedding SET STORAGE PLAIN;
