"""Writing to audit chains, verifying them, and reading what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import aliased

from hedgerow.audit.errors import AuditError, BrokenChainError, ChainConflictError, InvalidEntryError, UnknownChainError
from hedgerow.audit.models import AuditChainEntry, AuditChainVerification
from hedgerow.audit.offline import ChainReport, ChainVerifier, Fault, Known, canonical, decoded
from hedgerow.audit.views import AuditChainDailyStats, AuditChainIntegrity, AuditChainSummary
from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, FilterError, awaiting
from hedgerow.core.repository.filters import coerced
from hedgerow.core.server_errors import server_words

STREAMED: Final = 2000
"""Entries that are fetched at once while a chain is streamed."""

_FRESH: Final = {"populate_existing": True}
"""What a view said earlier in the session may have changed since."""

_REFUSALS: Final[dict[str, type[AuditError]]] = {
    "23502": InvalidEntryError,
    "40001": ChainConflictError,
    "40P01": ChainConflictError,
    "XX001": BrokenChainError,
}


@dataclass(frozen=True, slots=True)
class NewAuditEntry:
    """What is to be appended; number, time and hashes are the database's.

    :ivar chain_id: the chain; it begins with its first entry.
    :ivar entity_type: kind of thing that was acted on.
    :ivar action: what was done.
    :ivar payload: any JSON value; decimals keep their digits.
    """

    chain_id: UUID
    entity_type: str
    entity_id: str
    action: str
    payload: Any = field(default_factory=dict)
    actor_id: str | None = None
    actor_type: str | None = "system"


@dataclass(frozen=True, slots=True)
class ChainState:
    """What an inspection of a chain found.

    :ivar entries: how many entries there are.
    :ivar head_hash: hash of the last one, None for none.
    :ivar fault: what is wrong with the first entry that is not proven, None where all are.
    :ivar number: number of that entry.
    :ivar entry_id: its id; of the one behind a gap; None where entries are missing at the end.
    """

    entries: int
    head_hash: str | None
    fault: Fault | None
    number: int | None
    entry_id: UUID | None
    message: str | None


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """A line of ``verify_all_chains``; start and entity are None where no entry is left."""

    chain_id: UUID
    is_valid: bool
    entries_checked: int
    chain_start: datetime | None
    entity_type: str | None


@dataclass(frozen=True)
class Anchors:
    """What earlier verifications saw of a chain; see :class:`hedgerow.audit.offline.Known`."""

    seen: dict[int, tuple[str | None, datetime]]

    @property
    def last(self) -> int:
        return max(self.seen, default=0)

    def hash_of(self, number: int) -> str | None:
        return self.seen[number][0] if number in self.seen else None

    def source(self, number: int) -> str:
        return f"the verification of {self.seen[number][1]:%Y-%m-%d %H:%M:%S} UTC"


class AuditChainRepository(BaseRepository[AuditChainEntry]):
    """The audit chains of the tenant."""

    model_class = AuditChainEntry

    # --- Writing -----------------------------------------------------------------------------------------------

    def append(
        self,
        chain_id: UUID,
        entity_type: str,
        entity_id: str,
        action: str,
        payload: Any = None,
        *,
        actor_id: str | None = None,
        actor_type: str | None = "system",
    ) -> UUID:
        """Append an entry to a chain and return its id; a chain begins with its first entry.

        Until the transaction ends, other writers of the same chain wait.

        :param payload: any JSON value; None is an empty object.
        :raises InvalidEntryError: a part is missing, too long, or cannot be stored as JSON.
        :raises ChainConflictError: under REPEATABLE READ somebody else was first, or two transactions wait for each
            other: run the transaction again.
        :raises BrokenChainError: the chain was tampered with in a way that leaves no place for a next entry.
        """
        try:
            chain = _chain(chain_id)
        except FilterError as error:
            raise InvalidEntryError(
                f"{chain_id!r} is not the id of a chain.", remedy="give a UUID", table=self.table_name
            ) from error
        call = func.append_audit_entry(
            chain, entity_type, entity_id, action, _json({} if payload is None else payload), actor_id, actor_type
        )
        with _refusals():
            entry: UUID = self.session.execute(select(call)).scalar_one()
        return entry

    def append_many(self, entries: Iterable[NewAuditEntry]) -> list[UUID]:
        """Append entries of one chain or several in one call and return their ids in order; all or none.

        :raises InvalidEntryError: as :meth:`append`; says which one.
        :raises ChainConflictError: as :meth:`append`; calls never wait for each other in a circle.
        """
        items = [
            {
                "chain_id": None if entry.chain_id is None else str(entry.chain_id),
                "entity_type": entry.entity_type,
                "entity_id": entry.entity_id,
                "action": entry.action,
                "payload": entry.payload,
                "actor_id": entry.actor_id,
                "actor_type": entry.actor_type,
            }
            for entry in entries
        ]
        ids = func.append_audit_entries(_json(items)).column_valued("entry_id")
        with _refusals():
            return list(self.session.execute(select(ids)).scalars())

    # --- Verifying ---------------------------------------------------------------------------------------------

    def verify(self, chain_id: UUID) -> bool:
        """Verify a chain in the database, log the result and return it; :meth:`inspect` says what is wrong.

        :raises UnknownChainError: the chain has no entry and never had one.
        """
        valid = self.session.execute(select(func.verify_audit_chain(_chain(chain_id)))).scalar_one()
        if valid is None:
            raise self._unknown(chain_id)
        return bool(valid)

    def verify_all(self, start: datetime | None = None, end: datetime | None = None) -> list[VerifiedChain]:
        """Verify and log every chain that has an entry from ``start`` on and before ``end``, each as a whole.

        Chains of which nothing is left but their verifications are always among them, and invalid.

        :raises FilterError: a bound without a time zone.
        """
        for bound in (start, end):
            if bound is not None and bound.tzinfo is None:
                raise FilterError("A time without a time zone has no place in time.", remedy="give it one, such as UTC")
        found = func.verify_all_chains(start, end).table_valued(
            "chain_id", "is_valid", "entries_checked", "chain_start", "entity_type"
        )
        return [VerifiedChain(*row) for row in self.session.execute(select(found))]

    def inspect(self, chain_id: UUID) -> ChainState:
        """Verify a chain in the database without logging it, and name the first fault.

        :raises UnknownChainError: the chain has no entry and never had one.
        """
        found = func.app.inspect_audit_chain(_chain(chain_id)).table_valued(
            "entry_count", "head_hash", "fault", "fault_number", "fault_entry_id", "fault_message"
        )
        row = self.session.execute(select(found)).one_or_none()
        if row is None:
            raise self._unknown(chain_id)
        entries, head, fault, number, entry_id, message = row
        return ChainState(entries, head, None if fault is None else Fault(fault), number, entry_id, message)

    def recompute(
        self, chain_id: UUID, known: Known | None = None, progress: Callable[[int], object] = lambda count: None
    ) -> ChainReport:
        """Verify a chain in Python: every entry is read and hashed here, no function of the database is believed.

        :param known: what was seen of the chain earlier; None for what the verification log says.
        :param progress: told how many entries were verified since.
        :raises UnknownChainError: the chain has no entry, and nothing is known of it.
        """
        known = known or self.anchors(chain_id)
        verifier = ChainVerifier(self._opened().scope.tenant_id, str(chain_id), known)
        for line in self.lines(chain_id):
            verifier.add(decoded(line))
            if verifier.entries % STREAMED == 0:
                progress(STREAMED)
        progress(verifier.entries % STREAMED)
        if verifier.entries == known.last == 0:
            raise self._unknown(chain_id)
        return verifier.report()

    def anchors(self, chain_id: UUID) -> Anchors:
        """What earlier verifications saw of a chain, from the log."""
        found = func.app.audit_chain_anchors(_chain(chain_id)).table_valued("entry_count", "head_hash", "seen_at")
        return Anchors({row.entry_count: (row.head_hash, row.seen_at) for row in self.session.execute(select(found))})

    # --- Reading -----------------------------------------------------------------------------------------------

    def for_entity(self, entity_type: str, entity_id: str) -> list[AuditChainEntry]:
        """Return every entry about an entity, over all chains, the oldest first."""
        found = func.get_audit_chain_for_entity(entity_type, entity_id).table_valued(
            *AuditChainEntry.__table__.columns, name="found"
        )
        entry = aliased(AuditChainEntry, found, adapt_on_names=True)
        return list(
            self.session.scalars(select(entry).order_by(entry.created_at, entry.chain_id, entry.sequence_number))
        )

    def lines(self, chain_id: UUID) -> Iterator[str]:
        """Yield the entries of a chain as lines of an export, streamed; none for an unknown chain."""
        yield from self.session.scalars(_lines(chain_id), execution_options={"yield_per": STREAMED})

    def head(self, chain_id: UUID) -> AuditChainEntry | None:
        """Return the last entry of a chain, None for a chain without any."""
        last = AuditChainEntry.sequence_number.desc()
        return self.first(self.matching({"chain_id": chain_id}).order_by(last))

    def integrity(self) -> list[AuditChainIntegrity]:
        """Return every chain with what its newest verification said, in the order of their ids."""
        return list(
            self.session.scalars(
                select(AuditChainIntegrity).order_by(AuditChainIntegrity.chain_id), execution_options=_FRESH
            )
        )

    def summary(self) -> list[AuditChainSummary]:
        """Return chains and entries per kind of entity."""
        return list(
            self.session.scalars(
                select(AuditChainSummary).order_by(AuditChainSummary.entity_type), execution_options=_FRESH
            )
        )

    def daily_stats(self) -> list[AuditChainDailyStats]:
        """Return what was written per day (UTC), the newest first."""
        return list(
            self.session.scalars(
                select(AuditChainDailyStats).order_by(AuditChainDailyStats.date.desc()), execution_options=_FRESH
            )
        )

    def _unknown(self, chain_id: UUID) -> UnknownChainError:
        return UnknownChainError(
            f"There is no chain {chain_id}.",
            remedy="check its id and the tenant of the scope; a chain begins with its first entry",
            table=self.table_name,
            scope=self._opened().scope,
        )


class AuditVerificationRepository(BaseRepository[AuditChainVerification]):
    """What verifications found; they are written by verifying."""

    model_class = AuditChainVerification

    def history(self, chain_id: UUID) -> list[AuditChainVerification]:
        """Return the verifications of a chain, the newest first."""
        newest = (AuditChainVerification.verified_at.desc(), AuditChainVerification.verification_id)
        return self.rows(self.matching({"chain_id": chain_id}).order_by(*newest))


class AsyncAuditChainRepository(AsyncBaseRepository[AuditChainEntry]):
    """:class:`AuditChainRepository` over an asynchronous session."""

    sync_class = AuditChainRepository
    append = awaiting(AuditChainRepository.append)
    append_many = awaiting(AuditChainRepository.append_many)
    verify = awaiting(AuditChainRepository.verify)
    verify_all = awaiting(AuditChainRepository.verify_all)
    inspect = awaiting(AuditChainRepository.inspect)
    recompute = awaiting(AuditChainRepository.recompute)
    for_entity = awaiting(AuditChainRepository.for_entity)
    head = awaiting(AuditChainRepository.head)
    integrity = awaiting(AuditChainRepository.integrity)
    summary = awaiting(AuditChainRepository.summary)
    daily_stats = awaiting(AuditChainRepository.daily_stats)
    anchors = awaiting(AuditChainRepository.anchors)

    async def lines(self, chain_id: UUID) -> AsyncIterator[str]:
        """Yield the entries of a chain as lines of an export; see :meth:`AuditChainRepository.lines`."""
        found = await self.session.stream_scalars(_lines(chain_id), execution_options={"yield_per": STREAMED})
        async for line in found:
            yield line


class AsyncAuditVerificationRepository(AsyncBaseRepository[AuditChainVerification]):
    """:class:`AuditVerificationRepository` over an asynchronous session."""

    sync_class = AuditVerificationRepository
    history = awaiting(AuditVerificationRepository.history)


def _chain(chain_id: UUID | None) -> Any:
    known = None if chain_id is None else coerced(AuditChainEntry, "chain_id", chain_id)
    return literal(known, AuditChainEntry.chain_id.type)


def _lines(chain_id: UUID) -> Select[str]:
    return select(func.app.export_audit_chain(_chain(chain_id)).column_valued("line"))


def _json(value: Any) -> Any:
    """A JSONB argument; the text is made here, so that decimals are allowed and keep their digits."""
    try:
        return cast(literal(canonical(value), Text), JSONB)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEntryError(
            f"A payload cannot be stored as JSON: {error}.",
            remedy="use None, bool, int, finite float, Decimal, text, lists, and dicts with text as keys",
            table=AuditChainEntry.__tablename__,
        ) from error


@contextmanager
def _refusals() -> Iterator[None]:
    """The database's refusals as errors of the audit chain."""
    try:
        yield
    except DBAPIError as error:
        words = server_words(error)
        state = words.state or ""
        kind = InvalidEntryError if isinstance(error, DataError) or state[:2] == "22" else _REFUSALS.get(state)
        if kind is None:
            raise
        raise kind(
            f"Nothing was appended: {words.message}.",
            remedy="run the transaction again" if kind is ChainConflictError else words.hint or "correct the entry",
            table=AuditChainEntry.__tablename__,
        ) from error
