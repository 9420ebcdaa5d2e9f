"""Ways to ask, each written once: a statement, or a small interaction with a session.

A shape knows neither lock nor driver. Its name is its function's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from hedgerow.core.base import Base
from leakage.world import Keys


@dataclass(frozen=True)
class Shape:
    """One way to ask.

    :ivar name: unique.
    :ivar group: what kind of shape it is; the module that it stands in.
    :ivar statement: builds a statement whose rows are the answer; or else
    :ivar interaction: takes a session and returns the answer.
    """

    name: str
    group: str
    statement: Callable[[], Executable] | None = None
    interaction: Callable[[Session], Any] | None = None

    def sync(self, session: Session) -> Any:
        if self.statement is not None:
            return list(session.execute(self.statement()))
        assert self.interaction is not None
        return self.interaction(session)

    async def asynchronous(self, session: AsyncSession) -> Any:
        if self.statement is not None:
            return list(await session.execute(self.statement()))
        assert self.interaction is not None
        return await session.run_sync(self.interaction)


class Shapes(list[Shape]):
    """The shapes of one module, in the order in which they stand there."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group

    def statement(self, function: Callable[[], Executable]) -> Callable[[], Executable]:
        self.append(Shape(function.__name__, self.group, statement=function))
        return function

    def interaction(self, function: Callable[[Session], Any]) -> Callable[[Session], Any]:
        self.append(Shape(function.__name__, self.group, interaction=function))
        return function


def keys(session: Session) -> Keys:
    """Primary keys of rows in and out of the scope."""
    found: Keys = session.info["keys"]
    return found


def all_keys(session: Session, model: type[Base]) -> list[tuple[Any, ...]]:
    """One key each of a row in scope, in a closed split, in a gap and of the other tenant, where there is one."""
    known = keys(session)
    kinds = (known.own, known.closed, known.gap, known.foreign)
    return [kind[model] for kind in kinds if model in kind]


def borrowed(session: Session, model: type[Any]) -> Any:
    """A detached object of the other tenant."""
    return session.info["borrow"](model)
