"""Questions about agents: who answers an intent, what was done, what was said, and what is to be learnt from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Select, Text, func, literal, select, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from hedgerow.agents.enums import AgentName, AgentType, FeedbackType, LearningSignalType, MessageRole
from hedgerow.agents.models import (
    EMBEDDING_DIMENSIONS,
    AgentActivity,
    AgentRegistry,
    Conversation,
    InvestigationHop,
    LearningSignal,
)
from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    RepositoryError,
    RowNotFoundError,
    SplitAwareRepository,
    awaiting,
)
from hedgerow.core.scope import Split
from hedgerow.core.types import ENUM_TYPES

_HOP_TAKEN = "23505"
_HOP_REFUSED = "23514"


class HopOrderError(RepositoryError):
    """A hop of an investigation was given a number that is taken, or that would leave a gap."""


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


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """A turn that was found by meaning.

    :ivar conversation: the turn.
    :ivar similarity: cosine similarity to what was looked for, -1 to 1.
    """

    conversation: Conversation
    similarity: float


class ConversationRepository(BaseRepository[Conversation]):
    """Turns of conversations with the agents."""

    model_class = Conversation

    def get_by_session(self, session_id: str) -> list[Conversation]:
        """Return every turn of a conversation, in the order in which they were spoken."""
        turns = self.matching({"session_id": session_id})
        return self.rows(turns.order_by(Conversation.created_at, Conversation.id))

    def get_by_user(self, user_id: str) -> list[Conversation]:
        """Return every turn of a user's conversations, the newest first."""
        return self.rows(self._newest(self.matching({"user_id": user_id})))

    def get_with_feedback(self, feedback_type: FeedbackType | str | None = None) -> list[Conversation]:
        """Return every turn with feedback, the newest first; of one kind only if one is given.

        :raises FilterError: there is no such kind.
        """
        if feedback_type is not None:
            return self.rows(self._newest(self.matching({"feedback_type": feedback_type})))
        return self.rows(self._newest(self.select().where(Conversation.feedback_type.is_not(None))))

    def give_feedback(
        self, id: UUID | str, feedback_type: FeedbackType | str, feedback_text: str | None = None
    ) -> Conversation:
        """Note what the user thought of a turn, in place of what was noted before, and return the turn.

        :raises RowNotFoundError: there is no such turn.
        :raises ValueError: there is no such kind of feedback.
        """
        return self.update(id, {"feedback_type": FeedbackType(feedback_type), "feedback_text": feedback_text})

    def get_similar_queries(self, query_embedding: Sequence[float], top_k: int = 10) -> list[SimilarQuery]:
        """Return the ``top_k`` turns of users that are nearest in meaning, the most similar first.

        The search is exact: every turn of the tenant that has an embedding is compared, and no other tenant's turns
        take the place of one. Turns whose embedding has no direction (zero) are like nothing.

        :param query_embedding: 1536 finite numbers, not all of them 0.
        :raises FilterError: another number of them, or a negative ``top_k``.
        """
        embedding = _direction(query_embedding)
        if top_k < 0:
            raise FilterError(f"The nearest {top_k} do not exist.", remedy="give 0 or more")
        distance = Conversation.content_embedding.cosine_distance(embedding)
        # The distance to a zero vector is NaN, which PostgreSQL takes to be larger than every number.
        near = self.select().where(Conversation.role == MessageRole.USER, distance <= literal(2.0, Double))
        nearest = near.add_columns(distance).order_by(distance, Conversation.id).limit(top_k)
        return [SimilarQuery(turn, 1 - away) for turn, away in self.session.execute(nearest)]

    def _newest(self, statement: Select[Conversation]) -> Select[Conversation]:
        return statement.order_by(Conversation.created_at.desc(), Conversation.id)


def _direction(embedding: Sequence[float]) -> list[float]:
    numbers = [float(number) for number in embedding]
    if len(numbers) != EMBEDDING_DIMENSIONS or not all(map(math.isfinite, numbers)) or not any(numbers):
        raise FilterError(
            f"{len(numbers)} numbers are no direction to look in.",
            remedy=f"give {EMBEDDING_DIMENSIONS} finite numbers, not all of them 0",
            table=Conversation.__tablename__,
        )
    return numbers


class AsyncConversationRepository(AsyncBaseRepository[Conversation]):
    """:class:`ConversationRepository` over an asynchronous session."""

    sync_class = ConversationRepository
    get_by_session = awaiting(ConversationRepository.get_by_session)
    get_by_user = awaiting(ConversationRepository.get_by_user)
    get_with_feedback = awaiting(ConversationRepository.get_with_feedback)
    give_feedback = awaiting(ConversationRepository.give_feedback)
    get_similar_queries = awaiting(ConversationRepository.get_similar_queries)


class InvestigationHopRepository(BaseRepository[InvestigationHop]):
    """Steps of multi-hop investigations."""

    model_class = InvestigationHop

    def store_investigation_hop(
        self,
        investigation_id: UUID,
        source_entity: str,
        target_entity: str | None = None,
        relationship: str | None = None,
        *,
        evidence: Mapping[str, Any] | None = None,
        confidence: float | None = None,
        hop_number: int | None = None,
    ) -> UUID:
        """Store the next hop of an investigation and return its id.

        Numbers have no gap and no duplicate, however many sessions store hops of the investigation: they take turns,
        until the transaction of the one before ends.

        :param confidence: 0 to 1.
        :param hop_number: where the caller believes the investigation to be; None for the next number, whatever it is.
        :raises HopOrderError: the number is taken, or would leave a gap; the transaction stays usable.
        :raises FilterError: a confidence outside of 0 to 1.
        """
        if confidence is not None and not 0 <= confidence <= 1:
            raise FilterError(f"A confidence of {confidence} does not exist.", remedy="give 0 to 1")
        uuid_type, number_type = InvestigationHop.hop_id.type, InvestigationHop.hop_number.type
        stored = func.store_investigation_hop(
            literal(investigation_id, uuid_type),
            literal(source_entity, Text),
            literal(target_entity, Text),
            literal(relationship, Text),
            literal(dict(evidence or {}), JSONB),
            literal(confidence, Double),
            literal(hop_number, number_type),
            type_=uuid_type,
        )
        try:
            with self.session.begin_nested():
                hop_id: UUID = self.session.execute(select(stored)).scalar_one()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in (_HOP_TAKEN, _HOP_REFUSED):
                raise
            raise HopOrderError(
                f"Hop {hop_number} of the investigation {investigation_id} is not the next one.",
                remedy="leave hop_number out to take the next number",
                table=self.table_name,
            ) from error
        return hop_id

    def get_investigation(self, investigation_id: UUID | str) -> list[InvestigationHop]:
        """Return the hops of an investigation, in their order."""
        hops = self.matching({"investigation_id": investigation_id})
        return self.rows(hops.order_by(InvestigationHop.hop_number))


class AsyncInvestigationHopRepository(AsyncBaseRepository[InvestigationHop]):
    """:class:`InvestigationHopRepository` over an asynchronous session."""

    sync_class = InvestigationHopRepository
    store_investigation_hop = awaiting(InvestigationHopRepository.store_investigation_hop)
    get_investigation = awaiting(InvestigationHopRepository.get_investigation)


class LearningSignalRepository(BaseRepository[LearningSignal]):
    """Feedback and outcomes: written by whoever observes them, handed out once to those who learn."""

    model_class = LearningSignal

    def record(
        self,
        signal_type: LearningSignalType | str,
        source_type: str,
        source_id: UUID | None = None,
        *,
        signal_value: float | None = None,
        agent_name: AgentName | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> LearningSignal:
        """Store a signal and return it.

        :param source_type: what it is about, for example ``conversation`` or ``activity``.
        :param source_id: the row that it is about, where there is one.
        :param signal_value: how strong it is, in the unit of the source.
        :param agent_name: who can learn from it; None for whoever asks.
        :raises FilterError: a value that is no finite number.
        :raises ValueError: there is no such kind of signal, or no such agent.
        """
        signal = LearningSignal(
            signal_type=LearningSignalType(signal_type),
            source_type=source_type,
            source_id=source_id,
            signal_value=signal_value,
            agent_name=None if agent_name is None else AgentName(agent_name),
            context_json=dict(context or {}),
        )
        return self.record_many([signal])[0]

    def record_many(self, signals: Iterable[LearningSignal]) -> list[LearningSignal]:
        """Store several signals, in batches, and return them in their order.

        :raises FilterError: one of them has a value that is no finite number; then none is stored.
        """
        stored = list(signals)
        for signal in stored:
            if signal.signal_value is not None and not math.isfinite(signal.signal_value):
                raise FilterError(f"A signal of {signal.signal_value} cannot be learnt from.", remedy="leave it out")
        self.session.add_all(stored)
        self.session.flush()
        return stored

    def get_learning_signals(
        self, agent_name: AgentName | str | None = None, limit: int | None = 100
    ) -> list[LearningSignal]:
        """Take signals that nobody has learnt from, the oldest first: nobody else is given them meanwhile.

        They are this session's until its transaction ends. Learn, call :meth:`mark_processed`, commit. Whatever is
        not marked then, because the session rolled back or its process died, is handed out again: a signal may be
        learnt from twice if the learning itself is outside of the transaction, but it is never lost.

        :param agent_name: signals of one agent only; None for those of every agent and of none.
        :param limit: at most so many, None for all that are free.
        :raises FilterError: a negative limit.
        :raises ValueError: there is no such agent.
        """
        if limit is not None and limit < 0:
            raise FilterError(f"The first {limit} do not exist.", remedy="give 0 or more")
        agent = None if agent_name is None else AgentName(agent_name)
        call = func.get_learning_signals(
            literal(agent, ENUM_TYPES[AgentName]), literal(limit, InvestigationHop.hop_number.type)
        )
        handed_out = aliased(LearningSignal, call.table_valued(*self.table.columns, name="handed_out"))
        taken = select(handed_out).order_by(handed_out.created_at, handed_out.signal_id)
        # The session may hold an older state of a signal.
        return self.rows(taken.execution_options(populate_existing=True))

    def mark_processed(self, signals: Iterable[LearningSignal | UUID]) -> int:
        """Note that signals were learnt from, so that nobody is given them again; return how many they were.

        :param signals: the signals, or their ids; those that are marked already stay so.
        :raises RowNotFoundError: one of them is not there; then none is marked.
        """
        ids = {signal.signal_id if isinstance(signal, LearningSignal) else signal for signal in signals}
        known = select(LearningSignal.signal_id).where(LearningSignal.signal_id.in_(ids))
        missing = ids.difference(self.session.scalars(known))
        if missing:
            raise RowNotFoundError(
                f"There is no signal {min(map(str, missing))!r} in the scope.",
                remedy="mark what get_learning_signals handed out, in a session of the same tenant",
                table=self.table_name,
            )
        mark = update(LearningSignal).where(LearningSignal.signal_id.in_(ids)).values(processed=True)
        self.session.execute(mark)
        return len(ids)


class AsyncLearningSignalRepository(AsyncBaseRepository[LearningSignal]):
    """:class:`LearningSignalRepository` over an asynchronous session."""

    sync_class = LearningSignalRepository
    record = awaiting(LearningSignalRepository.record)
    record_many = awaiting(LearningSignalRepository.record_many)
    get_learning_signals = awaiting(LearningSignalRepository.get_learning_signals)
    mark_processed = awaiting(LearningSignalRepository.mark_processed)
