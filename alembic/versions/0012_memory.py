"""What agents remember: episodes, procedures, a semantic cache, cognitive cycles.

New enum types: cognitive_phase, memory_importance, memory_type, procedure_type.
New tables: cognitive_cycles, episodic_memories, memory_statistics, procedural_memories,
semantic_memory_cache.
New functions: app.count_memory_work, app.exact_episodic_neighbours, app.exact_search_rows,
app.exact_semantic_neighbours, app.indexed_episodic_neighbours, app.indexed_semantic_neighbours,
app.query_embedding, app.search_filters, calculate_cognitive_metrics, consolidate_memories,
find_relevant_procedures, get_memory_e2i_ids, get_memory_entity_context, get_related_memories,
get_search_stats, hybrid_vector_search, prune_memories, search_episodic_memories, search_semantic_memories,
store_episodic_memory, store_procedural_memory, sync_hcp_patient_relationships_to_cache,
update_memory_statistics.

Revision: 0012_memory
Follows: 0011_realtime_explanations
"""

from __future__ import annotations

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012_memory"
down_revision: str | None = "0011_realtime_explanations"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_enum("cognitive_phase", ["perception", "attention", "encoding", "retrieval", "decision", "action"])
    op.create_enum("memory_importance", ["critical", "high", "medium", "low", "trivial"])
    op.create_enum("memory_type", ["experience", "fact", "procedure", "context", "feedback"])
    op.create_enum("procedure_type", ["tool_sequence", "query_pattern", "analysis_workflow", "error_recovery"])
    op.create_table(
        "cognitive_cycles",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("cycle_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column("phase", postgresql.ENUM(name="cognitive_phase", create_type=False), nullable=False),
        sa.Column("input_context", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("processing_result", postgresql.JSONB(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("token_count", sa.Integer(), nullable=True, comment="Tokens that language models were paid for"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("duration_ms IS NULL OR duration_ms >= 0", name=op.f("ck_cognitive_cycles_duration_ms")),
        sa.CheckConstraint("token_count IS NULL OR token_count >= 0", name=op.f("ck_cognitive_cycles_token_count")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_cognitive_cycles_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "cycle_id", name=op.f("pk_cognitive_cycles")),
        comment="One phase of an agent's thinking cycle with cost and result.",
    )
    op.create_index(
        op.f("ix_cognitive_cycles_tenant_id_agent_name_phase_created_at"),
        "cognitive_cycles",
        ["tenant_id", "agent_name", "phase", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_cognitive_cycles_tenant_id_created_at"), "cognitive_cycles", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_cognitive_cycles_tenant_id_session_id"), "cognitive_cycles", ["tenant_id", "session_id"], unique=False
    )
    op.create_table(
        "episodic_memories",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("memory_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column(
            "session_id", sa.UUID(), nullable=True, comment="Conversation that it comes from, where there was one"
        ),
        sa.Column("content", sa.Text(), nullable=False, comment="Text as the agent would recall it"),
        sa.Column(
            "content_embedding",
            pgvector.sqlalchemy.VECTOR(1536),
            nullable=True,
            comment="Embedding of content, 1536 dimensions; rows without one never match a search",
        ),
        sa.Column(
            "importance",
            postgresql.ENUM(name="memory_importance", create_type=False),
            server_default=sa.text("'medium'"),
            nullable=False,
        ),
        sa.Column(
            "memory_type",
            postgresql.ENUM(name="memory_type", create_type=False),
            server_default=sa.text("'experience'"),
            nullable=False,
        ),
        sa.Column(
            "context_json",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="May name brand, region, and rows: patient_journey_id, hcp_id, trigger_id",
        ),
        sa.Column(
            "accessed_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="When it was last recalled"
        ),
        sa.Column(
            "access_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How often it was recalled",
        ),
        sa.Column(
            "decay_factor",
            sa.Double(),
            server_default=sa.text("1.0"),
            nullable=False,
            comment="1 when fresh, 0 when faded",
        ),
        sa.Column("is_consolidated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search_embedding",
            pgvector.sqlalchemy.HALFVEC(1568),
            sa.Computed("app.search_embedding(tenant_id, content_embedding)", persisted=True),
            nullable=True,
            comment="Half-precision unit vector of content_embedding, then the signature of the tenant; what searches compare",
        ),
        sa.CheckConstraint("content ~ '\\S'", name=op.f("ck_episodic_memories_content")),
        sa.CheckConstraint("access_count >= 0", name=op.f("ck_episodic_memories_access_count")),
        sa.CheckConstraint("decay_factor >= 0 AND decay_factor <= 1", name=op.f("ck_episodic_memories_decay_factor")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_episodic_memories_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "memory_id", name=op.f("pk_episodic_memories")),
        comment="What an agent experienced, searchable by meaning.",
        postgresql_with={"fillfactor": 50, "toast_tuple_target": 4064},
    )
    op.create_index(
        op.f("ix_episodic_memories_search_embedding"),
        "episodic_memories",
        ["search_embedding"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_with={"m": 16, "ef_construction": 64},
        postgresql_ops={"search_embedding": "halfvec_cosine_ops"},
    )
    op.create_index(
        "ix_episodic_memories_searchable",
        "episodic_memories",
        ["tenant_id", "agent_name", "memory_id"],
        unique=False,
        postgresql_where=sa.text("search_embedding IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_episodic_memories_tenant_id_agent_name_created_at"),
        "episodic_memories",
        ["tenant_id", "agent_name", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_episodic_memories_tenant_id_created_at"),
        "episodic_memories",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_episodic_memories_tenant_id_session_id"),
        "episodic_memories",
        ["tenant_id", "session_id"],
        unique=False,
    )
    op.create_table(
        "memory_statistics",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("stat_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "agent_name",
            postgresql.ENUM(name="agent_name_type", create_type=False),
            nullable=True,
            comment="NULL for all agents together",
        ),
        sa.Column("stat_date", sa.Date(), nullable=False, comment="Day, UTC"),
        sa.Column(
            "episodic_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Memories at the end of the day",
        ),
        sa.Column(
            "procedural_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Procedures at the end of the day",
        ),
        sa.Column(
            "semantic_cache_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Cache entries at the end of the day; they belong to no agent",
        ),
        sa.Column("avg_retrieval_ms", sa.Double(), nullable=True, comment="For the application to fill"),
        sa.Column("cache_hit_rate", sa.Double(), nullable=True, comment="0 to 1; for the application to fill"),
        sa.Column(
            "consolidation_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Memories consolidated on the day",
        ),
        sa.Column(
            "pruned_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Memories pruned on the day",
        ),
        sa.CheckConstraint(
            "cache_hit_rate IS NULL OR cache_hit_rate BETWEEN 0 AND 1", name=op.f("ck_memory_statistics_cache_hit_rate")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_memory_statistics_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "stat_id", name=op.f("pk_memory_statistics")),
        sa.UniqueConstraint(
            "tenant_id",
            "agent_name",
            "stat_date",
            name=op.f("uq_memory_statistics_tenant_id_agent_name_stat_date"),
            postgresql_nulls_not_distinct=True,
        ),
        comment="Daily memory figures per agent.",
    )
    op.create_index(
        op.f("ix_memory_statistics_tenant_id_stat_date"), "memory_statistics", ["tenant_id", "stat_date"], unique=False
    )
    op.create_table(
        "procedural_memories",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("procedure_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("procedure_name", sa.String(length=255), nullable=False),
        sa.Column(
            "procedure_type",
            postgresql.ENUM(name="procedure_type", create_type=False),
            server_default=sa.text("'tool_sequence'"),
            nullable=False,
        ),
        sa.Column("agent_name", postgresql.ENUM(name="agent_name_type", create_type=False), nullable=False),
        sa.Column("steps_json", postgresql.JSONB(), nullable=False, comment="What to do, in order; not empty"),
        sa.Column(
            "success_rate",
            sa.Double(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Share of executions that succeeded",
        ),
        sa.Column("execution_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("avg_duration_ms", sa.Integer(), nullable=True, comment="Mean over the executions"),
        sa.Column("preconditions_json", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("postconditions_json", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("last_executed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "trigger_embedding",
            pgvector.sqlalchemy.VECTOR(1536),
            nullable=True,
            comment="Embedding of what calls for the procedure, 1536 dimensions",
        ),
        sa.Column("trigger_pattern", sa.Text(), nullable=True, comment="What calls for the procedure, in words"),
        sa.Column("detected_intent", sa.String(length=50), nullable=True, comment="Intent that the procedure serves"),
        sa.Column(
            "applicable_brands",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{all}'"),
            nullable=False,
            comment="Brands that it is good for; all stands for any",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Inactive procedures are not found",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(steps_json) = 'array' AND steps_json <> '[]'", name=op.f("ck_procedural_memories_steps_json")
        ),
        sa.CheckConstraint("procedure_name ~ '\\S'", name=op.f("ck_procedural_memories_procedure_name")),
        sa.CheckConstraint("execution_count >= 0", name=op.f("ck_procedural_memories_execution_count")),
        sa.CheckConstraint("success_rate BETWEEN 0 AND 1", name=op.f("ck_procedural_memories_success_rate")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_procedural_memories_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "procedure_id", name=op.f("pk_procedural_memories")),
        sa.UniqueConstraint(
            "tenant_id",
            "agent_name",
            "procedure_name",
            name=op.f("uq_procedural_memories_tenant_id_agent_name_procedure_name"),
        ),
        comment="Reusable action sequence with its success record.",
    )
    op.create_index(
        op.f("ix_procedural_memories_tenant_id_agent_name_procedure_type"),
        "procedural_memories",
        ["tenant_id", "agent_name", "procedure_type"],
        unique=False,
    )
    op.create_index(
        op.f("ix_procedural_memories_tenant_id_created_at"),
        "procedural_memories",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "semantic_memory_cache",
        sa.Column(
            "tenant_id",
            sa.String(length=50),
            server_default=sa.text("NULLIF(current_setting('app.current_tenant', true), '')"),
            nullable=False,
            comment="Tenant that owns the row; stamped from the scope",
        ),
        sa.Column("cache_id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value_json", postgresql.JSONB(), nullable=False),
        sa.Column(
            "embedding",
            pgvector.sqlalchemy.VECTOR(1536),
            nullable=True,
            comment="Embedding of what the value says, 1536 dimensions",
        ),
        sa.Column("source", sa.String(length=100), nullable=True, comment="Where the value comes from"),
        sa.Column("ttl_seconds", sa.Integer(), nullable=True, comment="Seconds that the value holds; NULL for ever"),
        sa.Column(
            "expires_at",
            postgresql.TIMESTAMP(timezone=True),
            sa.Computed(
                "((created_at AT TIME ZONE 'UTC'::text) + ((ttl_seconds)::double precision * '00:00:01'::interval)) AT TIME ZONE 'UTC'::text",
                persisted=True,
            ),
            nullable=True,
            comment="created_at and ttl_seconds later; from then on the entry behaves as absent. NULL for never",
        ),
        sa.Column(
            "hit_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How often the key was served",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search_embedding",
            pgvector.sqlalchemy.HALFVEC(1568),
            sa.Computed("app.search_embedding(tenant_id, embedding)", persisted=True),
            nullable=True,
            comment="Half-precision unit vector of embedding, then the signature of the tenant; what searches compare",
        ),
        sa.CheckConstraint("hit_count >= 0", name=op.f("ck_semantic_memory_cache_hit_count")),
        sa.CheckConstraint("ttl_seconds IS NULL OR ttl_seconds > 0", name=op.f("ck_semantic_memory_cache_ttl_seconds")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_semantic_memory_cache_tenant_id_tenant"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "cache_id", name=op.f("pk_semantic_memory_cache")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_semantic_memory_cache_tenant_id_key")),
        comment="Key and value cache of semantic knowledge with expiry.",
        postgresql_with={"fillfactor": 50, "toast_tuple_target": 4064},
    )
    op.create_index(
        op.f("ix_semantic_memory_cache_search_embedding"),
        "semantic_memory_cache",
        ["search_embedding"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_with={"m": 16, "ef_construction": 64},
        postgresql_ops={"search_embedding": "halfvec_cosine_ops"},
    )
    op.create_index(
        "ix_semantic_memory_cache_searchable",
        "semantic_memory_cache",
        ["tenant_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("search_embedding IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_semantic_memory_cache_tenant_id_created_at"),
        "semantic_memory_cache",
        ["tenant_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_semantic_memory_cache_tenant_id_expires_at"),
        "semantic_memory_cache",
        ["tenant_id", "expires_at"],
        unique=False,
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_table("semantic_memory_cache")
    op.drop_table("procedural_memories")
    op.drop_table("memory_statistics")
    op.drop_table("episodic_memories")
    op.drop_table("cognitive_cycles")
    op.drop_enum("procedure_type")
    op.drop_enum("memory_type")
    op.drop_enum("memory_importance")
    op.drop_enum("cognitive_phase")
