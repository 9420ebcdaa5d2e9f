"""The scope of a running transaction, and the bind parameters that the filter renders and that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakMethod

import asyncpg
from sqlalchemy import Boolean, String, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection, Dialect, Transaction
from sqlalchemy.types import UserDefinedType

from hedgerow.core.access import AccessLog
from hedgerow.core.predicate import WINDOWED, Claims
from hedgerow.core.scope import Scope


class _Windows(UserDefinedType[Any]):
    """``tstzrange[]`` in whatever form the driver takes it; made once for each transaction, not for each statement."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **kw: Any) -> str:
        return "tstzrange[]"


_PREFIX: Final = "hedgerow_scope_"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TENANT: Final = bindparam(f"{_PREFIX}tenant", type_=String(), required=True)
SPLITS: Final = bindparam(f"{_PREFIX}splits", type_=ARRAY(Text), required=True)
INCLUDE_DELETED: Final = bindparam(f"{_PREFIX}include_deleted", type_=Boolean(), required=True)
WINDOWS: Final = bindparam(f"{_PREFIX}windows", type_=_Windows(), required=True)

#: The claims that the filter renders: required parameters, so that a statement cannot run without a scope.
FILTER_CLAIMS: Final = Claims(tenant=TENANT, windows=WINDOWS)

#: What the parameters hold while a statement is set up that will be refused before it runs.
NO_CLAIMS: Final[Mapping[str, Any]] = dict.fromkeys((TENANT.key, SPLITS.key, INCLUDE_DELETED.key, WINDOWS.key))


@dataclass(slots=True, eq=False)
class OpenScope:
    """A scope that was opened on a transaction.

    Attributes:
        scope: the scope.
        parameters: values of the filter's bind parameters, for the driver in use.
        access_log: where refusals are recorded.
        caller: who opened it, for the access log.
        on_unscoped: called when marked text is about to run in it.
    """

    scope: Scope
    parameters: Mapping[str, Any]
    access_log: AccessLog
    caller: str | None
    on_unscoped: WeakMethod[Callable[[], None]] | None = None

    @classmethod
    def of(
        cls,
        scope: Scope,
        bounds: Mapping[str, float],
        dialect: Dialect,
        access_log: AccessLog,
        caller: str | None,
        include_deleted: bool = False,
    ) -> OpenScope:
        """Make the open scope from the six window bounds, in seconds since 1970, infinities included."""
        values: dict[str, Any] = {
            TENANT.key: scope.tenant_id,
            SPLITS.key: list(scope.split_names),
            INCLUDE_DELETED.key: include_deleted,
            WINDOWS.key: _windows(scope, bounds, dialect),
        }
        return cls(scope, values, access_log, caller)

    @property
    def include_deleted(self) -> bool:
        """Whether rows that were deleted softly are seen, unless a statement says otherwise."""
        return bool(self.parameters[INCLUDE_DELETED.key])


#: Keyed by the root transaction itself: the scope dies with it, and never reaches the next one.
_OPEN: Final[WeakKeyDictionary[Transaction, OpenScope]] = WeakKeyDictionary()


def scope_of(connection: Connection) -> OpenScope | None:
    """Return the scope of the connection's current transaction; ``None`` when none is open."""
    root = connection.get_transaction()
    return None if root is None else _OPEN.get(root)


def register(root: Transaction, opened: OpenScope) -> None:
    """Make ``opened`` the scope of the root transaction ``root``."""
    _OPEN[root] = opened


def _windows(scope: Scope, bounds: Mapping[str, float], dialect: Dialect) -> Any:
    """The windows of the splits and of what was computed on them, each in the order of ``WINDOWED``."""
    edges = {
        "unassigned": (None, None),
        "train": (None, bounds["train_until"]),
        "validation": (bounds["validation_from"], bounds["validation_until"]),
        "test": (bounds["test_from"], bounds["test_until"]),
        "holdout": (bounds["holdout_from"], None),
    }
    windows = [tuple(map(_moment, edges[name])) if scope.holds(name) else None for name in WINDOWED]
    windows += [(None, None) if name in scope.artefact_split_names else None for name in WINDOWED]
    if dialect.driver == "asyncpg":
        return [None if window is None else asyncpg.Range(*window) for window in windows]
    # Text, for the server to read: the driver would look at each range anew for each statement.
    elements = (
        "NULL"
        if window is None
        else '"[' + ",".join("" if edge is None else edge.isoformat() for edge in window) + ')"'
        for window in windows
    )
    return "{" + ",".join(elements) + "}"


def _moment(seconds: float | None) -> datetime | None:
    """A bound, None for one that is not there; infinity has no value in Python."""
    if seconds is None or seconds in (float("inf"), float("-inf")):
        return None
    return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
