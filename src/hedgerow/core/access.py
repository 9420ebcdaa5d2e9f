"""The split access log: who opened a closed split and why, and who was refused.

A row is written in a transaction of its own on a connection of its own, so that it stays when the caller's
transaction is rolled back, and so that a pool of one connection cannot wait for itself.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from hedgerow.core.errors import AccessLogError
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from hedgerow.core.scope import Scope
from hedgerow.core.token import Signer

logger = logging.getLogger("hedgerow.scope")

#: Stands for a table name where a whole session is opened.
WHOLE_SESSION: Final = "*"

_TABLE_LENGTH: Final = 63
_CALLER_LENGTH: Final = 255
_INSERT: Final = text(
    "INSERT INTO ml_split_access_log (tenant_id, table_name, requested_split, caller, allowed, reason)"
    " VALUES (:tenant_id, :table_name, :requested_split, :caller, :allowed, :reason)"
)


@dataclass(frozen=True, slots=True)
class Access:
    """One attempt to reach a split.

    Attributes:
        scope: the scope of the attempt.
        table: the relation asked for, or ``"*"`` for a session as a whole.
        split: the split asked for, or ``None`` when none was named.
        allowed: whether it was let through.
        caller: the user's id, or the module that opened the session.
        reason: the purpose of an opening, or why it was refused.
    """

    scope: Scope
    table: str
    split: str | None
    allowed: bool
    caller: str | None
    reason: str | None


@runtime_checkable
class AccessLog(Protocol):
    """Where accesses are recorded."""

    def record(self, access: Access) -> None:
        """Record ``access`` durably, whatever becomes of the caller's transaction.

        Raises:
            AccessLogError: it could not be recorded. An opening is refused then.
        """


class DatabaseAccessLog:
    """Writes to ``ml_split_access_log`` of the engine's database.

    Inside an asyncio engine's greenlet it writes over the same asynchronous driver.
    """

    def __init__(self, engine: Engine, signer: Signer | None = None) -> None:
        self._signer = signer
        # The creator is shared, so that connect arguments hold here too; the pool keeps nothing open.
        self._engine = create_engine(engine.url, pool=NullPool(engine.pool._creator))

    def record(self, access: Access) -> None:
        """See :class:`AccessLog`."""
        scope = access.scope
        try:
            with self._engine.begin() as connection:
                bare = Scope(scope.tenant_id, scope.user_id)
                connection.execute(OPEN_SCOPE, opening_parameters(bare, self._signer))
                connection.execute(
                    _INSERT,
                    {
                        "tenant_id": scope.tenant_id,
                        "table_name": access.table[:_TABLE_LENGTH],
                        "requested_split": access.split,
                        "caller": None if access.caller is None else access.caller[:_CALLER_LENGTH],
                        "allowed": access.allowed,
                        "reason": access.reason,
                    },
                )
        except (SQLAlchemyError, OSError) as error:
            raise AccessLogError(
                "the split access log could not be written, and without it no closed split opens",
                remedy="check that ml_split_access_log exists and that the session's role may insert into it",
                table="ml_split_access_log",
                scope=scope,
            ) from error


class NoAccessLog:
    """Records nothing but a log line; for tests of the filter alone."""

    def record(self, access: Access) -> None:
        """See :class:`AccessLog`."""
        logger.info("split access: %s", access)


def refuse(log: AccessLog, access: Access) -> None:
    """Record a refusal; when that fails the refusal stands all the same, and the failure is logged."""
    try:
        log.record(access)
    except Exception:
        logger.exception("a refused access to %s could not be recorded", access.table)


def calling_module(scope: Scope) -> str:
    """Return who opens a session: the scope's user, or the first module outside of the session machinery."""
    if scope.user_id is not None:
        return str(scope.user_id)
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("hedgerow.core.", "sqlalchemy.", "contextlib", "asyncio.")):
            return name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "unknown"
