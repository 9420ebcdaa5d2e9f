"""Audit chains on their way out of the database: streamed into exports, and held against earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from hedgerow.audit.offline import ChainReport, Checkpoint, ExportWriter, Known
from hedgerow.audit.repository import Anchors, AuditChainRepository

T = TypeVar("T")

Progress = Callable[[int], object]
"""Told how many entries were handled since."""


@dataclass(frozen=True)
class Together:
    """What an earlier export and what the verification log know of a chain; the export speaks first."""

    checkpoint: Checkpoint
    anchors: Anchors

    @property
    def last(self) -> int:
        return max(self.checkpoint.last, self.anchors.last)

    def hash_of(self, number: int) -> str | None:
        return self.checkpoint.hash_of(number) or self.anchors.hash_of(number)

    def source(self, number: int) -> str:
        exported = number <= self.checkpoint.last and (
            self.checkpoint.hash_of(number) or number not in self.anchors.seen
        )
        known: Known = self.checkpoint if exported else self.anchors
        return known.source(number)


def write_chain(repository: AuditChainRepository, writer: ExportWriter, chain_id: UUID, progress: Progress) -> int:
    """Write one chain of the session's tenant and return how many entries it has."""
    tenant = repository.session.scope.tenant_id  # type: ignore[attr-defined]
    return writer.chain(tenant, str(chain_id), counted(repository.lines(chain_id), progress))


def held_against(
    repository: AuditChainRepository, checkpoint: Checkpoint, progress: Progress = lambda count: None
) -> ChainReport:
    """Verify a chain in Python against an earlier export and the verification log; one that is gone is truncated."""
    chain_id = UUID(checkpoint.chain_id)
    known = Together(checkpoint, repository.anchors(chain_id))
    return repository.recompute(chain_id, known, progress)


def counted(items: Iterable[T], progress: Progress, every: int = 1000) -> Iterator[T]:
    """The items, their number told in portions."""
    count = 0
    for count, item in enumerate(items, 1):
        yield item
        if count % every == 0:
            progress(every)
    progress(count % every)
