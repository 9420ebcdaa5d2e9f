"""What speaks of explanations on request: views, functions, indexes and the check of their audit fields.

New views: v_feature_importance_trends, v_patient_explanation_history, v_shap_api_performance.
New functions: get_patient_explanations.

Revision: 0011_realtime_explanations
Follows: 0010_shap_local_realtime
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0011_realtime_explanations"
down_revision: str | None = "0010_shap_local_realtime"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_ml_shap_analyses_realtime_hcp",
        "ml_shap_analyses",
        ["tenant_id", "hcp_id", sa.literal_column("request_timestamp DESC")],
        unique=False,
        postgresql_where=sa.text("analysis_type = 'local_realtime' AND hcp_id IS NOT NULL"),
    )
    op.create_index(
        "ix_ml_shap_analyses_realtime_patient",
        "ml_shap_analyses",
        ["tenant_id", "patient_id", sa.literal_column("request_timestamp DESC")],
        unique=False,
        postgresql_where=sa.text("analysis_type = 'local_realtime'"),
    )
    op.create_index(
        "ix_ml_shap_analyses_realtime_response_time",
        "ml_shap_analyses",
        ["tenant_id", "response_time_ms"],
        unique=False,
        postgresql_where=sa.text("analysis_type = 'local_realtime'"),
    )
    op.apply_snapshot(revision)


def downgrade() -> None:
    op.revert_snapshot(revision)
    op.drop_index(
        "ix_ml_shap_analyses_realtime_response_time",
        table_name="ml_shap_analyses",
        postgresql_where=sa.text("analysis_type = 'local_realtime'"),
    )
    op.drop_index(
        "ix_ml_shap_analyses_realtime_patient",
        table_name="ml_shap_analyses",
        postgresql_where=sa.text("analysis_type = 'local_realtime'"),
    )
    op.drop_index(
        "ix_ml_shap_analyses_realtime_hcp",
        table_name="ml_shap_analyses",
        postgresql_where=sa.text("analysis_type = 'local_realtime' AND hcp_id IS NOT NULL"),
    )
