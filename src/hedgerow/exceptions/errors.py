"""What the log of exceptions refuses."""

from __future__ import annotations

from uuid import UUID

from hedgerow.core.repository import RepositoryError


class ReplayConflictError(RepositoryError):
    """An event was sent again with the same id and another content: one of the two is a mistake.

    :ivar event_id: the id.
    :ivar differences: what differs, column by column.
    """

    event_id: UUID | None = None
    differences: tuple[str, ...] = ()
