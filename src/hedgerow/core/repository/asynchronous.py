"""The asynchronous repositories: the same questions, awaited on a session of their own.

SQLAlchemy runs synchronous code over an asynchronous driver (``AsyncSession.run_sync``), so that every statement has
one definition, the method of the synchronous repository.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Session

from hedgerow.core.repository.base import PAGE_SIZE, BaseRepository, SplitAwareRepository
from hedgerow.core.repository.contract import Filters
from hedgerow.core.scope import Split

T = TypeVar("T", bound=DeclarativeBase)
S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def awaiting(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]:
    """The asynchronous twin of a method of the synchronous repository: same name, arguments, result and errors."""

    @wraps(method)
    async def executor(self: AsyncBaseRepository[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        def call(session: Session) -> R:
            # By name, so that what a subclass overrides holds here too.
            result: R = getattr(self.sync_class(session), method.__name__)(*args, **kwargs)
            return result

        return await self.session.run_sync(call)

    return executor


class AsyncBaseRepository(Generic[T]):
    """:class:`BaseRepository` over an :class:`~sqlalchemy.ext.asyncio.AsyncSession`.

    :cvar sync_class: the synchronous repository, which defines what is asked.
    :param session: a session of :func:`hedgerow.open_async_session`; the caller commits.
    """

    sync_class: type[BaseRepository[Any]]

    def __init__(self, session: AsyncSession) -> None:
        if not isinstance(session, AsyncSession):
            raise TypeError(f"{type(self).__name__} needs an AsyncSession, not {type(session).__name__}")
        self.session = session

    get_by_id = awaiting(BaseRepository[T].get_by_id)
    get_many = awaiting(BaseRepository[T].get_many)
    count = awaiting(BaseRepository[T].count)
    create = awaiting(BaseRepository[T].create)
    update = awaiting(BaseRepository[T].update)
    delete = awaiting(BaseRepository[T].delete)

    async def iterate(
        self, filters: Filters | None = None, split: Split | str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[T]:
        """Yield every row; see :meth:`BaseRepository.iterate`."""
        async for page in self.pages(filters, split, page_size):
            for row in page:
                yield row

    async def pages(
        self, filters: Filters | None = None, split: Split | str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[list[T]]:
        """Yield every row in lists; see :meth:`BaseRepository.pages`."""
        repository = self.sync_class(self.session.sync_session)
        pages = await self.session.run_sync(lambda _: repository.pages(filters, split, page_size))
        while (page := await self.session.run_sync(lambda _: next(pages, None))) is not None:
            yield page


class AsyncSplitAwareRepository(AsyncBaseRepository[T]):
    """:class:`SplitAwareRepository` over an asynchronous session."""

    get_training_data = awaiting(SplitAwareRepository[T].get_training_data)
    get_validation_data = awaiting(SplitAwareRepository[T].get_validation_data)
