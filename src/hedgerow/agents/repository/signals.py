"""What there is to learn, and handing it out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, func, literal, select, update
from sqlalchemy.orm import aliased

from hedgerow.agents.enums import AgentName, LearningSignalType
from hedgerow.agents.models import LearningSignal
from hedgerow.core.repository import (
    AsyncBaseRepository,
    BaseRepository,
    FilterError,
    RowNotFoundError,
    awaiting,
    refusals,
)
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.types import ENUM_TYPES


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
        :raises FilterError: no such kind of signal, no such agent, or a value that is no finite number.
        """
        signal = LearningSignal(
            signal_type=coerced(LearningSignal, "signal_type", signal_type),
            source_type=coerced(LearningSignal, "source_type", source_type),
            source_id=None if source_id is None else coerced(LearningSignal, "source_id", source_id),
            signal_value=signal_value,
            agent_name=_agent(agent_name),
            context_json=dict(context or {}),
        )
        return self.record_many([signal])[0]

    def record_many(self, signals: Iterable[LearningSignal]) -> list[LearningSignal]:
        """Store several signals, in batches, and return them in their order.

        :raises FilterError: one of them has a value that its column cannot hold; then none is stored.
        """
        stored = list(signals)
        for signal in stored:
            if signal.signal_value is not None and not math.isfinite(signal.signal_value):
                raise FilterError(f"A signal of {signal.signal_value} cannot be learnt from.", remedy="leave it out")
        with refusals(self.session, self.table_name):
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
        :raises FilterError: a negative limit, or no such agent.
        """
        self._must_be_unsealed()
        most = None if limit is None else count("limit", limit)
        call = func.get_learning_signals(literal(_agent(agent_name), ENUM_TYPES[AgentName]), literal(most, Integer))
        handed_out = aliased(LearningSignal, call.table_valued(*self.table.columns, name="handed_out"))
        taken = select(handed_out).order_by(handed_out.created_at, handed_out.signal_id)
        # The session may hold an older state of a signal.
        return self.rows(taken.execution_options(populate_existing=True))

    def mark_processed(self, signals: Iterable[LearningSignal | UUID]) -> int:
        """Note that signals were learnt from, so that nobody is given them again; return how many they were.

        :param signals: the signals, or their ids; those that are marked already stay so.
        :raises RowNotFoundError: one of them is not there; then none is marked.
        """
        self._must_be_unsealed()
        named = (signal.signal_id if isinstance(signal, LearningSignal) else signal for signal in signals)
        ids = {coerced(LearningSignal, "signal_id", id) for id in named}
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


def _agent(name: AgentName | str | None) -> Any:
    return None if name is None else coerced(LearningSignal, "agent_name", name)


class AsyncLearningSignalRepository(AsyncBaseRepository[LearningSignal]):
    """:class:`LearningSignalRepository` over an asynchronous session."""

    sync_class = LearningSignalRepository
    record = awaiting(LearningSignalRepository.record)
    record_many = awaiting(LearningSignalRepository.record_many)
    get_learning_signals = awaiting(LearningSignalRepository.get_learning_signals)
    mark_processed = awaiting(LearningSignalRepository.mark_processed)
