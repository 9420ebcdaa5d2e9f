"""Questions about what agents know how to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import (
    AsyncBaseRepository,
    BaseRepository,
    FilterError,
    RowNotFoundError,
    awaiting,
    refusals,
)
from hedgerow.core.repository.filters import coerced, count
from hedgerow.core.vector import Embedding
from hedgerow.memory.enums import ProcedureType
from hedgerow.memory.models import ProceduralMemory
from hedgerow.memory.repository.parts import embedded, identified, of_enum, reread


@dataclass(frozen=True, slots=True)
class RelevantProcedure:
    """A procedure whose trigger is similar to a query.

    :ivar tool_sequence: its steps, in order.
    :ivar trigger_pattern: what calls for it, in words.
    :ivar usage_count: how often it was executed.
    :ivar success_count: how often with success.
    :ivar success_rate: share of executions that succeeded, 0 to 1.
    :ivar similarity: cosine of the angle between its trigger and the query, -1 to 1.
    """

    procedure_id: UUID
    procedure_name: str
    procedure_type: ProcedureType
    tool_sequence: list[Any]
    trigger_pattern: str | None
    usage_count: int
    success_count: int
    success_rate: float
    similarity: float


class ProceduralMemoryRepository(BaseRepository[ProceduralMemory]):
    """Reusable action sequences of agents."""

    model_class = ProceduralMemory

    def store_procedural_memory(
        self,
        agent: AgentName | str,
        name: str,
        steps: Sequence[Any],
        preconditions: Mapping[str, Any] | None = None,
        procedure_type: ProcedureType | str = ProcedureType.TOOL_SEQUENCE,
    ) -> UUID:
        """Store a procedure and return its id.

        Where the agent has one of that name, its steps and preconditions are replaced; the rest of it stays.

        :raises FilterError: no steps, a blank name, or an unknown agent or kind.
        """
        called = coerced(ProceduralMemory, "procedure_name", name)
        if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps or not called.strip():
            raise FilterError("A procedure has a name and steps.", remedy="give a name, and a list of steps")
        stored = func.store_procedural_memory(
            of_enum(agent, ProceduralMemory, "agent_name"),
            called,
            literal(list(steps), JSONB),
            literal(dict(preconditions or {}), JSONB),
            of_enum(procedure_type, ProceduralMemory, "procedure_type"),
            type_=ProceduralMemory.procedure_id.type,
        )
        with refusals(self.session, self.table_name):
            procedure_id: UUID = self.session.execute(select(stored)).scalar_one()
        reread(self.session, ProceduralMemory)
        return procedure_id

    def find_relevant_procedures(
        self,
        embedding: Embedding | None,
        threshold: float = 0.6,
        limit: int = 5,
        *,
        procedure_type: ProcedureType | str | None = None,
        intent: str | None = None,
        brand: str | None = None,
    ) -> list[RelevantProcedure]:
        """Return the active procedures whose trigger is similar to a query, the best first.

        The best has the highest similarity * (0.5 + 0.5 * success_rate).

        :param threshold: similarity that a procedure must exceed, -1 to 1.
        :param brand: good for that brand, or for ``all``.
        :raises FilterError: a negative limit, or an unknown kind.
        :raises VectorError: the embedding has another length or holds NaN or an infinity.
        """
        columns = RelevantProcedure.__dataclass_fields__
        found = func.find_relevant_procedures(
            embedded(embedding),
            float(threshold),
            count("limit", limit),
            of_enum(procedure_type, ProceduralMemory, "procedure_type"),
            None if intent is None else coerced(ProceduralMemory, "detected_intent", intent),
            None if brand is None else coerced(ProceduralMemory, "detected_intent", brand),
        ).table_valued(*columns, with_ordinality="ordinality", name="found")
        rows = self.session.execute(select(found).order_by(found.c.ordinality)).mappings()
        return [
            RelevantProcedure(
                **{column: row[column] for column in columns} | {"procedure_type": ProcedureType(row["procedure_type"])}
            )
            for row in rows
        ]

    def record_execution(
        self, procedure_id: UUID, *, succeeded: bool, duration_ms: int | None = None
    ) -> ProceduralMemory:
        """Count an execution of a procedure and return it, with the running mean of success and duration.

        Safe under concurrency: every execution counts.

        :param duration_ms: how long it took; None leaves the mean as it is.
        :raises FilterError: a negative duration.
        :raises RowNotFoundError: there is no such procedure in the scope.
        """
        self._must_be_unsealed()
        p = ProceduralMemory
        if duration_ms is not None:
            count("duration", duration_ms)
        before = p.execution_count
        mean = (func.coalesce(p.avg_duration_ms, duration_ms) * before + duration_ms) / (before + 1.0)
        statement = (
            update(p)
            .where(p.procedure_id == identified(p, "procedure_id", procedure_id))
            .values(
                success_rate=(p.success_rate * before + int(succeeded)) / (before + 1.0),
                execution_count=before + 1,
                avg_duration_ms=p.avg_duration_ms if duration_ms is None else func.round(mean).cast(Integer),
                last_executed_at=func.now(),
            )
            .returning(p)
        )
        options = {"synchronize_session": False, "populate_existing": True}
        row = self.session.scalars(statement, execution_options=options).first()
        if row is None:
            raise RowNotFoundError(
                f"There is no procedure {procedure_id} in the scope.",
                remedy="check the id, and the tenant of the scope",
                table=self.table_name,
            )
        return row


class AsyncProceduralMemoryRepository(AsyncBaseRepository[ProceduralMemory]):
    """:class:`ProceduralMemoryRepository` over an asynchronous session."""

    sync_class = ProceduralMemoryRepository
    store_procedural_memory = awaiting(ProceduralMemoryRepository.store_procedural_memory)
    find_relevant_procedures = awaiting(ProceduralMemoryRepository.find_relevant_procedures)
    record_execution = awaiting(ProceduralMemoryRepository.record_execution)
