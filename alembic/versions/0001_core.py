"""Extension, roles, the signed scope and its readers, shared functions.

New tables: app.holdout_budget, app.scope_key, app.split_opening.
New functions: app.cosine_similarity, app.current_artefact_splits, app.current_holding, app.current_member,
app.current_splits, app.current_tenant, app.current_user_id, app.current_windows, app.issue_scope,
app.scope_claims, app.sealed, app.search_embedding, app.take_turn, app.window_bound, app.window_text,
forbid_mutation, update_updated_at_column.

Revision: 0001_core
Follows: nothing
"""

from __future__ import annotations

from alembic import op

revision: str = "0001_core"
down_revision: str | None = None
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
