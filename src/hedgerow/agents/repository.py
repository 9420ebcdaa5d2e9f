"""Questions about agents: who answers an intent, and what was done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, Text, func, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY

from hedgerow.agents.enums import AgentType
from hedgerow.agents.models import AgentActivity, AgentRegistry
from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    RowNotFoundError,
    SplitAwareRepository,
    awaiting,
)
from hedgerow.core.scope import Split


class AgentRegistryRepository(BaseRepository[AgentRegistry]):
    """The agents: global reference data, the same for every tenant."""

    model_class = AgentRegistry

    def get_by_tier(self, tier: int) -> list[AgentRegistry]:
        """Return the active agents of a tier, in the order in which they are asked; none outside of 1 to 5."""
        return self.rows(self._asked().where(AgentRegistry.tier == tier)) if 1 <= tier <= 5 else []

    def get_by_intent(self, intent: str) -> list[AgentRegistry]:
        """Return the active agents that name an intent, in the order in which they are asked.

        Intents are compared in upper case. Agents with the wildcard are not among them unless asked for ``*``.
        """
        intents = type_coerce(AgentRegistry.intents, ARRAY(Text))
        return self.rows(self._asked().where(intents.contains([intent.upper()])))

    def route_intent_to_agent(self, intent: str) -> AgentRegistry:
        """Return the agent for an intent: the lowest tier of those that name it, else one with the wildcard.

        Ties inside a tier go by ``priority_order``, then by name. The database decides, by the function of the same
        name, so that SQL and Python route alike.

        :param intent: an intent, or a member of an enum of intents.
        :raises RowNotFoundError: no active agent handles it; a :class:`LookupError`.
        """
        routed = func.route_intent_to_agent(intent).table_valued("agent_name", name="routed")
        agent = self.first(self.select().join(routed, AgentRegistry.agent_name == routed.c.agent_name))
        if agent is None:
            raise RowNotFoundError(
                f"No active agent handles the intent {intent!r}.",
                remedy="add the intent to an agent of agent_registry, or activate an agent with the wildcard *",
                table=self.table_name,
            )
        return agent

    def _asked(self) -> Select[AgentRegistry]:
        order = (AgentRegistry.tier, AgentRegistry.priority_order.nulls_last(), AgentRegistry.agent_name)
        return self.select().where(AgentRegistry.is_active.is_(True)).order_by(*order)


class AsyncAgentRegistryRepository(AsyncBaseRepository[AgentRegistry]):
    """:class:`AgentRegistryRepository` over an asynchronous session."""

    sync_class = AgentRegistryRepository
    get_by_tier = awaiting(AgentRegistryRepository.get_by_tier)
    get_by_intent = awaiting(AgentRegistryRepository.get_by_intent)
    route_intent_to_agent = awaiting(AgentRegistryRepository.route_intent_to_agent)


class AgentActivityRepository(SplitAwareRepository[AgentActivity]):
    """What agents did, the newest first."""

    model_class = AgentActivity

    def get_by_agent(self, agent_type: AgentType | str, split: Split | str | None = None) -> list[AgentActivity]:
        """Return every activity of an agent.

        :raises FilterError: there is no such agent.
        """
        return self.rows(self._newest(self.matching({"agent_type": agent_type}, split)))

    def get_by_tier(self, tier: int, split: Split | str | None = None) -> list[AgentActivity]:
        """Return every activity of the agents of a tier, by their tier at the time; none outside of 1 to 5."""
        return self.rows(self._newest(self.matching({"tier": tier}, split))) if 1 <= tier <= 5 else []

    def get_analysis_results(
        self, agent_type: AgentType | str, split: Split | str | None = None
    ) -> list[dict[str, Any]]:
        """Return what the analyses of an agent found, without the activities that found nothing."""
        found = self.matching({"agent_type": agent_type}, split).where(AgentActivity.analysis_results != {})
        activities = self.rows(self._newest(found))
        return [activity.analysis_results for activity in activities if activity.analysis_results]

    def get_recent_activities(self, hours: float, split: Split | str | None = None) -> list[AgentActivity]:
        """Return every activity of the last ``hours``, by the clock of the database.

        :raises FilterError: a negative number of hours.
        """
        if hours < 0:
            raise FilterError(f"The last {hours} hours do not exist.", remedy="give 0 or more")
        recent = AgentActivity.activity_timestamp.between(func.now() - timedelta(hours=hours), func.now())
        return self.rows(self._newest(self.select(split).where(recent)))

    def _newest(self, statement: Select[AgentActivity]) -> Select[AgentActivity]:
        return statement.order_by(AgentActivity.activity_timestamp.desc(), AgentActivity.activity_id)


class AsyncAgentActivityRepository(AsyncSplitAwareRepository[AgentActivity]):
    """:class:`AgentActivityRepository` over an asynchronous session."""

    sync_class = AgentActivityRepository
    get_by_agent = awaiting(AgentActivityRepository.get_by_agent)
    get_by_tier = awaiting(AgentActivityRepository.get_by_tier)
    get_analysis_results = awaiting(AgentActivityRepository.get_analysis_results)
    get_recent_activities = awaiting(AgentActivityRepository.get_recent_activities)
