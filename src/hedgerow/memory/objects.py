"""Manifest of the memory domain."""

from hedgerow.core.objects import Domain, Function

DOMAIN = Domain(
    name="memory",
    purpose="What agents remember: episodes, procedures, a semantic cache, cognitive cycles",
    functions=(
        Function("store_episodic_memory"),
        Function("store_procedural_memory"),
        # A search routes between comparing every row and going through the index: docs/adr/0012.
        Function("exact_search_rows", schema="app"),
        Function("query_embedding", schema="app"),
        Function("exact_episodic_neighbours", schema="app"),
        Function("indexed_episodic_neighbours", schema="app"),
        Function("search_episodic_memories"),
        Function("exact_semantic_neighbours", schema="app"),
        Function("indexed_semantic_neighbours", schema="app"),
        Function("search_semantic_memories"),
        Function("get_related_memories", after=("search_episodic_memories",)),
        Function("find_relevant_procedures", after=("query_embedding",)),
        Function("search_filters", schema="app"),
        Function("hybrid_vector_search", after=("search_episodic_memories",)),
        Function("get_memory_e2i_ids"),
        Function("get_memory_entity_context", after=("get_memory_e2i_ids",)),
        Function("get_search_stats"),
        Function("count_memory_work", schema="app"),
        Function("consolidate_memories"),
        Function("prune_memories"),
        Function("update_memory_statistics"),
        Function("calculate_cognitive_metrics"),
        Function("sync_hcp_patient_relationships_to_cache"),
    ),
)
