"""Repositories: the questions of a domain, asked through a session that was opened with a scope.

Comes in: a session of :func:`hedgerow.open_session` or :func:`hedgerow.open_async_session`. Goes out: models. A
repository never widens what its session sees; where it is asked for a split that the scope does not hold, it
refuses and the refusal is logged.

Each question is written once, as an ordinary method of the synchronous repository: it builds a statement and hands
it to a thin executor. The asynchronous repository awaits that same method on its own session::

    class PatientJourneyRepository(SplitAwareRepository[PatientJourney]):
        model_class = PatientJourney

        def get_by_brand(self, brand: str, split: str | None = None) -> list[PatientJourney]:
            return self.rows(self.ordered(split=split).where(PatientJourney.brand == brand))

    class AsyncPatientJourneyRepository(AsyncSplitAwareRepository[PatientJourney]):
        sync_class = PatientJourneyRepository
        get_by_brand = awaiting(PatientJourneyRepository.get_by_brand)
"""

from hedgerow.core.repository.asynchronous import AsyncBaseRepository, AsyncSplitAwareRepository, awaiting
from hedgerow.core.repository.base import BaseRepository, SplitAwareRepository
from hedgerow.core.repository.contract import AsyncRepositoryContract, RepositoryContract
from hedgerow.core.repository.errors import FilterError, ReadOnlyError, RepositoryError, RowNotFoundError
from hedgerow.core.repository.refusals import refusals

__all__ = [
    "AsyncBaseRepository",
    "AsyncRepositoryContract",
    "AsyncSplitAwareRepository",
    "BaseRepository",
    "FilterError",
    "ReadOnlyError",
    "RepositoryContract",
    "RepositoryError",
    "RowNotFoundError",
    "SplitAwareRepository",
    "awaiting",
    "refusals",
]
