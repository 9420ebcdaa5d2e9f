"""What a recording writes: each entry a transaction of its own, in order, and none forgotten.

An optimizer may run for hours. Its recording therefore holds no session and no transaction meanwhile: an entry opens a
session, writes, commits. When the database cannot be reached the entry waits, and is written before the next one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import RLock
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from hedgerow.core.scope import Scope
from hedgerow.core.session import ScopedSession, open_session

Entry = Callable[[ScopedSession], object]

PATIENCE: Final = (0.0, 0.5, 2.0)
"""Seconds before each attempt to write what waits, once nothing comes after it."""


class Journal:
    """Entries that are written, or wait.

    :ivar problems: what the database refused for good; those entries are given up.
    """

    def __init__(self, scope: Scope, engine: Engine | None) -> None:
        self.problems: list[Exception] = []
        self._scope, self._engine = scope, engine
        self._waiting: deque[Entry] = deque()
        # DSPy evaluates in threads, and an optimizer may evaluate several programs at once.
        self._lock = RLock()

    def write(self, entry: Entry) -> None:
        """Write an entry after those that wait, or let it wait; entries can be written twice without harm."""
        with self._lock:
            self._waiting.append(entry)
            self._catch_up()

    def close(self) -> None:
        """Write what waits; what cannot be written is a problem."""
        with self._lock:
            unreachable: Exception | None = None
            for pause in PATIENCE:
                time.sleep(pause)
                unreachable = self._catch_up()
                if unreachable is None:
                    return
            assert unreachable is not None
            self.problems.append(unreachable)

    def _catch_up(self) -> Exception | None:
        while self._waiting:
            try:
                with open_session(self._scope, engine=self._engine) as session:
                    self._waiting[0](session)
                    session.commit()
            except Exception as error:
                # A scope that could not be opened has the reason as its cause.
                if any(isinstance(each, OperationalError | InterfaceError) for each in (error, error.__cause__)):
                    return error
                self.problems.append(error)
            self._waiting.popleft()
        return None
