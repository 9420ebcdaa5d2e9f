"""Explanations of one entity on request: the value local_realtime of shap_analysis_type.

Changed enum types: shap_analysis_type.

Revision: 0010_shap_local_realtime
Follows: 0009_kpi
"""

from __future__ import annotations

from alembic import op

revision: str = "0010_shap_local_realtime"
down_revision: str | None = "0009_kpi"
branch_labels: tuple[str, ...] | None = None
depends_on: tuple[str, ...] | None = None


def upgrade() -> None:
    op.add_enum_value("shap_analysis_type", "local_realtime", after="summary")


def downgrade() -> None:
    op.drop_enum_value("shap_analysis_type", "local_realtime")
