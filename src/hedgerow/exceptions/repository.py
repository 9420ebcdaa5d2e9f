"""Questions about exceptions, their log, and what they are handled with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import IntegrityError

from hedgerow.core.repository import (
    AsyncBaseRepository,
    BaseRepository,
    FilterError,
    RowNotFoundError,
    awaiting,
)
from hedgerow.core.repository.filters import coerced
from hedgerow.exceptions.enums import ActorType, ExceptionSeverity, ExceptionStatus
from hedgerow.exceptions.errors import ReplayConflictError
from hedgerow.exceptions.models import (
    BusinessException,
    DomainPackVersion,
    ExceptionEvent,
    Playbook,
    PlaybookStep,
    TenantPolicyPackVersion,
    ToolDefinition,
    ToolExecution,
)
from hedgerow.exceptions.views import ExceptionStatusCheck

_KEYS: Final = UUID("6f5b1c36-3a0e-5d1f-9f0b-8b1f5d1c7a52")
"""Namespace of the ids that follow from idempotency keys."""


def event_id_of(idempotency_key: str) -> UUID:
    """Id of the event that is written under an idempotency key. Ids of different tenants never meet."""
    return uuid5(_KEYS, idempotency_key)


class ExceptionRepository(BaseRepository[BusinessException]):
    """Exceptions, and the log that their status follows from."""

    model_class = BusinessException

    def get_by_status(
        self, status: ExceptionStatus | str, severity: ExceptionSeverity | str | None = None
    ) -> list[BusinessException]:
        """Return the exceptions with a status, the oldest first; optionally of one severity.

        :raises FilterError: there is no such status or severity.
        """
        wanted: dict[str, Any] = {"status": status}
        if severity is not None:
            wanted["severity"] = severity
        found = self.matching(wanted)
        return self.rows(found.order_by(BusinessException.created_at, BusinessException.exception_id))

    def append_event(
        self,
        exception_id: str,
        event_type: str,
        payload: Mapping[str, Any],
        *,
        actor_type: ActorType | str,
        actor_id: str | None = None,
        event_id: UUID | None = None,
        idempotency_key: str | None = None,
        created_at: datetime | None = None,
    ) -> ExceptionEvent:
        """Write an event to the log and return it as stored; the database keeps the status of the exception.

        A replay, which has the id or key of an event that is stored already, writes nothing and returns that event.

        :param event_type: usually an ``ExceptionEventType``; a type that is not known leaves the status as it is.
        :param payload: a JSON object.
        :param event_id: id of the event, drawn by the server when None and no key is given.
        :param idempotency_key: names the event instead of an id: the same key gives the same id.
        :param created_at: when it happened; None for now.
        :raises ReplayConflictError: an event with that id is stored and has another content.
        :raises RowNotFoundError: there is no such exception.
        :raises FilterError: both an id and a key are given, or a value is not of its column's type.
        """
        if event_id is not None and idempotency_key is not None:
            raise FilterError("An event has an id or a key, not both.", remedy="leave one of them out")
        if idempotency_key is not None:
            event_id = event_id_of(idempotency_key)
        given = {
            "exception_id": exception_id,
            "event_type": str(event_type),
            "actor_type": actor_type,
            "actor_id": actor_id,
            "event_id": event_id,
            "created_at": created_at,
        }
        values = {name: coerced(ExceptionEvent, name, value) for name, value in given.items() if value is not None}
        values.setdefault("actor_id", None)
        values["payload"] = dict(payload)
        once = insert(ExceptionEvent).values(values).on_conflict_do_nothing(index_elements=["tenant_id", "event_id"])
        # What the session still holds back is written outside of the savepoint: its errors are not about this event.
        self.session.flush()
        try:
            with self.session.begin_nested():
                stored = self.session.scalars(once.returning(ExceptionEvent)).one_or_none()
        except IntegrityError as error:
            if "fk_exception_event_tenant_id_exception_id_exception" in str(error.orig):
                raise self._unknown(exception_id) from error
            raise
        if stored is None:
            return self._replayed(values)
        self._freshen(exception_id)
        return stored

    def get_history(self, exception_id: str) -> list[ExceptionEvent]:
        """Return the events of an exception in the order in which they happened; none for an unknown one."""
        events = select(ExceptionEvent).where(ExceptionEvent.exception_id == exception_id)
        return list(self.session.scalars(events.order_by(ExceptionEvent.created_at, ExceptionEvent.event_id)))

    def rebuild_status(self, exception_id: str) -> ExceptionStatus:
        """Return the status that the log says, rebuilt by the database from nothing but the events.

        :raises RowNotFoundError: there is no such exception.
        """
        check = select(ExceptionStatusCheck.derived_status).where(ExceptionStatusCheck.exception_id == exception_id)
        status = self.session.scalars(check).one_or_none()
        if status is None:
            raise self._unknown(exception_id)
        return status

    def get_status_drift(self) -> list[ExceptionStatusCheck]:
        """Return the exceptions whose stored status is not the one that the log says.

        There are none, unless somebody with the rights of a superuser went past the triggers.
        """
        check = select(ExceptionStatusCheck).order_by(ExceptionStatusCheck.exception_id)
        drifted = check.where(ExceptionStatusCheck.stored_status != ExceptionStatusCheck.derived_status)
        return list(self.session.scalars(drifted))

    def _replayed(self, values: Mapping[str, Any]) -> ExceptionEvent:
        same = ExceptionEvent.payload == literal(values["payload"], JSONB)
        found = select(ExceptionEvent, same).where(ExceptionEvent.event_id == values["event_id"])
        stored, same_payload = self.session.execute(found).one()
        differences = [name for name, value in values.items() if name != "payload" and getattr(stored, name) != value]
        if not same_payload:
            differences.append("payload")
        if differences:
            error = ReplayConflictError(
                f"The event {stored.event_id} is stored with another {', '.join(differences)}.",
                remedy="send an event of its own id, or the same content again",
                table="exception_event",
            )
            error.event_id, error.differences = stored.event_id, tuple(differences)
            raise error
        event: ExceptionEvent = stored
        return event

    def _freshen(self, exception_id: str) -> None:
        """Read again what the database changed about an exception that the session holds."""
        for held in self.session.identity_map.values():
            if isinstance(held, BusinessException) and held.exception_id == exception_id:
                self.session.refresh(held, ["status", "updated_at"])
                return

    def _unknown(self, exception_id: str) -> RowNotFoundError:
        return RowNotFoundError(
            f"There is no exception {exception_id!r} in the scope.",
            remedy="create it first, or check the tenant of the scope",
            table=self.table_name,
        )


class PlaybookRepository(BaseRepository[Playbook]):
    """Recipes of a tenant."""

    model_class = Playbook

    def get_steps(self, playbook_id: int) -> list[PlaybookStep]:
        """Return the steps of a recipe in their order."""
        steps = select(PlaybookStep).where(PlaybookStep.playbook_id == playbook_id)
        return list(self.session.scalars(steps.order_by(PlaybookStep.step_order, PlaybookStep.step_id)))

    def get_newest(self, name: str) -> Playbook | None:
        """Return the highest version of a recipe, None when there is none of that name."""
        versions = self.matching({"name": name})
        return self.first(versions.order_by(Playbook.version.desc(), Playbook.playbook_id.desc()))


class ToolRepository(BaseRepository[ToolDefinition]):
    """Tools that a tenant may use: its own, and those of all tenants, which sessions only read."""

    model_class = ToolDefinition

    def get_by_name(self, name: str) -> list[ToolDefinition]:
        """Return the tools of a name, the tenant's own before those of all tenants."""
        found = self.matching({"name": name})
        return self.rows(found.order_by(ToolDefinition.tenant_id.nulls_last(), ToolDefinition.tool_id))


class ToolExecutionRepository(BaseRepository[ToolExecution]):
    """What tools were asked to do."""

    model_class = ToolExecution

    def get_by_exception(self, exception_id: str) -> list[ToolExecution]:
        """Return the executions for an exception, the oldest first."""
        found = self.matching({"exception_id": exception_id})
        return self.rows(found.order_by(ToolExecution.created_at, ToolExecution.id))


class DomainPackRepository(BaseRepository[DomainPackVersion]):
    """Configurations of business domains, the same for every tenant: sessions only read them."""

    model_class = DomainPackVersion

    def get_newest(self, domain: str) -> DomainPackVersion | None:
        """Return the highest version of a domain's configuration, None when there is none."""
        return self.first(self.matching({"domain": domain}).order_by(DomainPackVersion.version.desc()))


class PolicyPackRepository(BaseRepository[TenantPolicyPackVersion]):
    """Policies of a tenant, version by version; a version is never changed."""

    model_class = TenantPolicyPackVersion

    def get_newest(self) -> TenantPolicyPackVersion | None:
        """Return the highest version, None when there is none."""
        return self.first(self.select().order_by(TenantPolicyPackVersion.version.desc()))


class AsyncExceptionRepository(AsyncBaseRepository[BusinessException]):
    """:class:`ExceptionRepository` over an asynchronous session."""

    sync_class = ExceptionRepository
    get_by_status = awaiting(ExceptionRepository.get_by_status)
    append_event = awaiting(ExceptionRepository.append_event)
    get_history = awaiting(ExceptionRepository.get_history)
    rebuild_status = awaiting(ExceptionRepository.rebuild_status)
    get_status_drift = awaiting(ExceptionRepository.get_status_drift)


class AsyncPlaybookRepository(AsyncBaseRepository[Playbook]):
    """:class:`PlaybookRepository` over an asynchronous session."""

    sync_class = PlaybookRepository
    get_steps = awaiting(PlaybookRepository.get_steps)
    get_newest = awaiting(PlaybookRepository.get_newest)


class AsyncToolRepository(AsyncBaseRepository[ToolDefinition]):
    """:class:`ToolRepository` over an asynchronous session."""

    sync_class = ToolRepository
    get_by_name = awaiting(ToolRepository.get_by_name)


class AsyncToolExecutionRepository(AsyncBaseRepository[ToolExecution]):
    """:class:`ToolExecutionRepository` over an asynchronous session."""

    sync_class = ToolExecutionRepository
    get_by_exception = awaiting(ToolExecutionRepository.get_by_exception)


class AsyncDomainPackRepository(AsyncBaseRepository[DomainPackVersion]):
    """:class:`DomainPackRepository` over an asynchronous session."""

    sync_class = DomainPackRepository
    get_newest = awaiting(DomainPackRepository.get_newest)


class AsyncPolicyPackRepository(AsyncBaseRepository[TenantPolicyPackVersion]):
    """:class:`PolicyPackRepository` over an asynchronous session."""

    sync_class = PolicyPackRepository
    get_newest = awaiting(PolicyPackRepository.get_newest)
