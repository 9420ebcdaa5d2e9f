"""Views of the agents domain."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.agents.models import AgentActivity
from hedgerow.core.base import ViewBase
from hedgerow.core.splitviews import map_split_views
from hedgerow.core.types import str100


class AgentRoute(ViewBase):
    """An intent that an active agent handles; the asterisk stands for any intent that nobody else does."""

    __tablename__ = "v_agent_routing"

    agent_name: Mapped[str100] = mapped_column(primary_key=True)
    tier: Mapped[int]
    description: Mapped[str | None]
    intent: Mapped[str] = mapped_column(primary_key=True)


map_split_views(AgentActivity)
