"""What every repository offers, synchronous and asynchronous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar
from uuid import UUID

from hedgerow.core.scope import Split

T = TypeVar("T")

Key = str | UUID | int
"""Value of a primary key; a UUID may be given as text."""

Filters = Mapping[str, Any]
"""Column name to value: equality, IS NULL for None, IN for a list, tuple or set."""


class RepositoryContract(Protocol[T]):
    """The five questions of every repository; see :class:`~hedgerow.core.repository.BaseRepository`."""

    def get_by_id(self, id: Key, split: Split | str | None = None) -> T | None: ...

    def get_many(
        self, filters: Filters, split: Split | str | None = None, limit: int = 100, offset: int = 0
    ) -> list[T]: ...

    def create(self, entity: T) -> T: ...

    def update(self, id: Key, updates: Mapping[str, Any]) -> T: ...

    def delete(self, id: Key) -> bool: ...


class AsyncRepositoryContract(Protocol[T]):
    """The same, awaited; see :class:`~hedgerow.core.repository.AsyncBaseRepository`."""

    async def get_by_id(self, id: Key, split: Split | str | None = None) -> T | None: ...

    async def get_many(
        self, filters: Filters, split: Split | str | None = None, limit: int = 100, offset: int = 0
    ) -> list[T]: ...

    async def create(self, entity: T) -> T: ...

    async def update(self, id: Key, updates: Mapping[str, Any]) -> T: ...

    async def delete(self, id: Key) -> bool: ...
