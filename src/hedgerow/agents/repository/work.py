"""Questions about agents: who answers an intent, and what was done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, String, Text, func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hedgerow.agents.enums import AgentType
from hedgerow.agents.models import AgentActivity, AgentRegistry
from hedgerow.agents.views import AgentRoute
from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    RowNotFoundError,
    SplitAwareRepository,
    awaiting,
    refusals,
)
from hedgerow.core.repository.filters import coerced
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

        :raises FilterError: it is no text.
        """
        intents, wanted = type_coerce(AgentRegistry.intents, ARRAY(Text)), coerced(AgentRegistry, "agent_name", intent)
        return self.rows(self._asked().where(intents.contains([wanted.upper()])))

    def route_intent_to_agent(self, intent: str) -> AgentRegistry:
        """Return the agent for an intent: the lowest tier of those that name it, else one with the wildcard.

        Ties inside a tier go by ``priority_order``, then by name. The database decides, by the function of the same
        name, so that SQL and Python route alike.

        :param intent: an intent, or a member of an enum of intents.
        :raises FilterError: it is no text.
        :raises RowNotFoundError: no active agent handles it; a :class:`LookupError`.
        """
        wanted = None if intent is None else coerced(AgentRegistry, "agent_name", intent)
        routed = func.route_intent_to_agent(literal(wanted, Text)).table_valued("agent_name", name="routed")
        agent = self.first(self.select().join(routed, AgentRegistry.agent_name == routed.c.agent_name))
        if agent is None:
            raise RowNotFoundError(
                f"No active agent handles the intent {intent!r}.",
                remedy="add the intent to an agent of agent_registry, or activate an agent with the wildcard *",
                table=self.table_name,
            )
        return agent

    def get_routing(self) -> list[AgentRoute]:
        """Return which active agent handles which intent, in the order of the tiers, from ``v_agent_routing``."""
        routes = select(AgentRoute).order_by(AgentRoute.tier, AgentRoute.agent_name, AgentRoute.intent)
        # What the view said earlier in the session may have changed since.
        return list(self.session.scalars(routes, execution_options={"populate_existing": True}))

    def _asked(self) -> Select[AgentRegistry]:
        order = (AgentRegistry.tier, AgentRegistry.priority_order.nulls_last(), AgentRegistry.agent_name)
        return self.select().where(AgentRegistry.is_active.is_(True)).order_by(*order)


class AsyncAgentRegistryRepository(AsyncBaseRepository[AgentRegistry]):
    """:class:`AgentRegistryRepository` over an asynchronous session."""

    sync_class = AgentRegistryRepository
    get_by_tier = awaiting(AgentRegistryRepository.get_by_tier)
    get_by_intent = awaiting(AgentRegistryRepository.get_by_intent)
    route_intent_to_agent = awaiting(AgentRegistryRepository.route_intent_to_agent)
    get_routing = awaiting(AgentRegistryRepository.get_routing)


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

        :raises FilterError: a negative number of hours, or none.
        """
        if not hours >= 0:
            raise FilterError(f"The last {hours} hours do not exist.", remedy="give 0 or more")
        # PostgreSQL knows no moment before 4713 BC.
        since = func.now() - timedelta(hours=min(hours, 50_000_000))
        recent = AgentActivity.activity_timestamp.between(since, func.now())
        return self.rows(self._newest(self.select(split).where(recent)))

    def get_activity_context(self, activity_id: str) -> dict[str, Any]:
        """Return a summary of an activity with the number of its recommendations, from ``get_agent_activity_context``.

        :param activity_id: of an unknown one, or one that is not in the scope, the summary is empty.
        :raises FilterError: its recommendations are no list, so that they cannot be counted.
        """
        known = coerced(AgentActivity, "activity_id", activity_id)
        with refusals(self.session, self.table_name):
            summary = select(func.get_agent_activity_context(literal(known, String), type_=JSONB))
            return dict(self.session.execute(summary).scalar_one())

    def _newest(self, statement: Select[AgentActivity]) -> Select[AgentActivity]:
        return statement.order_by(AgentActivity.activity_timestamp.desc(), AgentActivity.activity_id)


class AsyncAgentActivityRepository(AsyncSplitAwareRepository[AgentActivity]):
    """:class:`AgentActivityRepository` over an asynchronous session."""

    sync_class = AgentActivityRepository
    get_by_agent = awaiting(AgentActivityRepository.get_by_agent)
    get_by_tier = awaiting(AgentActivityRepository.get_by_tier)
    get_analysis_results = awaiting(AgentActivityRepository.get_analysis_results)
    get_recent_activities = awaiting(AgentActivityRepository.get_recent_activities)
    get_activity_context = awaiting(AgentActivityRepository.get_activity_context)
