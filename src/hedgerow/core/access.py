"""The split access log: who opened a closed split and why, and who was refused.

A row is written in a transaction of its own on a connection of its own, so that it stays when the caller's
transaction is rolled back, and so that a pool of one connection cannot wait for itself.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from hedgerow.core.errors import AccessLogError, HoldoutBudgetError
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from hedgerow.core.scope import Scope
from hedgerow.core.server_errors import server_words
from hedgerow.core.token import Signer

logger = logging.getLogger("hedgerow.scope")

#: Stands for a table name where a whole session is opened.
WHOLE_SESSION: Final = "*"

_TABLE_LENGTH: Final = 63
_CALLER_LENGTH: Final = 255
_INSERT: Final = text(
    "INSERT INTO ml_split_access_log (tenant_id, table_name, requested_split, caller, allowed, reason)"
    " VALUES (:tenant_id, :table_name, :requested_split, :caller, :allowed,"
    # The caller is what the client says; who it is, the database knows.
    " concat_ws(', ', CAST(:reason AS text), 'logged in as ' || session_user))"
)
#: The database refuses a scope, or does not know how to open one; any other error is a failure to record.
_REFUSALS: Final = frozenset({"42501", "28000", "42883", "3F000"})

# Cast, since not every driver lets the server find out the types of what may be NULL.
_REQUEST: Final = text(
    "SELECT opening_id, budget, opened_by, opened_at FROM app.request_opening("
    "CAST(:splits AS text[]), CAST(:model AS text), CAST(:purpose AS text), CAST(:caller AS text))"
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
            AccessLogError: it could not be recorded.
        """

    def request(self, scope: Scope, caller: str | None, check: Callable[[Connection], None]) -> UUID | None:
        """Ask to open the closed splits of ``scope``, and record that it was granted, or refused, durably.

        Args:
            scope: the scope.
            caller: who opens it.
            check: raises where the connected role must not open it; called before anything is granted.

        Returns:
            What ``app.open_scope`` wants to see; None where it does not ask.

        Raises:
            HoldoutBudgetError: ``holdout`` was opened for the model as often as it may be.
            DBAPIError: the database refuses the scope.
            AccessLogError: it could not be recorded, and so nothing opens.
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
                self._enter(connection, scope)
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
            raise _unwritten(scope) from error

    def request(self, scope: Scope, caller: str | None, check: Callable[[Connection], None]) -> UUID | None:
        """See :class:`AccessLog`."""
        closed = [split.value for split in scope.closed_splits]
        values = {"splits": closed, "model": scope.model, "purpose": scope.purpose, "caller": caller}
        try:
            # What is answered is committed in either case: a refusal is on record, too.
            with self._engine.begin() as connection:
                check(connection)
                self._enter(connection, scope)
                row = connection.execute(_REQUEST, values).one()
        except DBAPIError as error:
            if server_words(error).state in _REFUSALS:
                raise
            raise _unwritten(scope) from error
        except (SQLAlchemyError, OSError) as error:
            raise _unwritten(scope) from error
        if row.opening_id is None:
            raise _used_up(scope, row)
        return UUID(str(row.opening_id))

    def _enter(self, connection: Connection, scope: Scope) -> None:
        """Be in the tenant, as its user, without the closed splits that are asked for."""
        bare = Scope(scope.tenant_id, scope.user_id)
        connection.execute(OPEN_SCOPE, opening_parameters(bare, self._signer))


class NoAccessLog:
    """Records nothing but a log line; for tests of the filter alone."""

    def record(self, access: Access) -> None:
        """See :class:`AccessLog`."""
        logger.info("split access: %s", access)

    def request(self, scope: Scope, caller: str | None, check: Callable[[Connection], None]) -> UUID | None:
        """See :class:`AccessLog`."""
        logger.info("split opening: %s for %s", scope, caller)
        return None


def _unwritten(scope: Scope) -> AccessLogError:
    return AccessLogError(
        "the split access log could not be written, and without it no closed split opens",
        remedy="check that ml_split_access_log exists and that the session's role may insert into it",
        table="ml_split_access_log",
        scope=scope,
    )


def _used_up(scope: Scope, row: Row[Any]) -> HoldoutBudgetError:
    model = "no model in particular" if scope.model is None else f"the model {scope.model!r}"
    times = {1: "once", 2: "twice"}.get(row.budget, f"{row.budget} times")
    if row.opened_by is None:
        message = f"the split 'holdout' may not be opened for {model}"
    else:
        moment = row.opened_at.astimezone(UTC)
        message = (
            f"the split 'holdout' may be opened {times} for {model}, and was: "
            f"by {row.opened_by}, at {moment:%Y-%m-%d %H:%M:%S} UTC"
        )
    name = f" --model {scope.model or ''!r}"
    error = HoldoutBudgetError(
        message,
        remedy=f"judge it by what that evaluation found (hedgerow splits log {scope.tenant_id}), or let the owner of "
        f"the database allow another one: hedgerow splits budget {scope.tenant_id}{name} --openings {row.budget + 1}",
        scope=scope,
        split="holdout",
    )
    error.model, error.budget = scope.model or "", row.budget
    error.opened_by, error.opened_at = row.opened_by, row.opened_at
    return error


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
