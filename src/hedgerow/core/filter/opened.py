"""The scope of a running transaction, and the bind parameters that the filter renders and that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakMethod

from sqlalchemy import TIMESTAMP, Boolean, String, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection, Dialect, Transaction

from hedgerow.core.access import AccessLog
from hedgerow.core.predicate import BOUNDS, Claims
from hedgerow.core.scope import Scope

_PREFIX: Final = "hedgerow_scope_"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TENANT: Final = bindparam(f"{_PREFIX}tenant", type_=String(), required=True)
SPLITS: Final = bindparam(f"{_PREFIX}splits", type_=ARRAY(Text), required=True)
ARTEFACT_SPLITS: Final = bindparam(f"{_PREFIX}artefact_splits", type_=ARRAY(Text), required=True)
INCLUDE_DELETED: Final = bindparam(f"{_PREFIX}include_deleted", type_=Boolean(), required=True)

#: The claims that the filter renders: required parameters, so that a statement cannot run without a scope.
FILTER_CLAIMS: Final = Claims(
    tenant=TENANT,
    splits=SPLITS,
    artefact_splits=ARTEFACT_SPLITS,
    bounds={name: bindparam(f"{_PREFIX}{name}", type_=TIMESTAMP(timezone=True), required=True) for name in BOUNDS},
)

#: What the parameters hold while a statement is set up that will be refused before it runs.
NO_CLAIMS: Final[Mapping[str, Any]] = dict.fromkeys(
    (TENANT.key, SPLITS.key, ARTEFACT_SPLITS.key, INCLUDE_DELETED.key, *(f"{_PREFIX}{name}" for name in BOUNDS))
)


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
            ARTEFACT_SPLITS.key: list(scope.artefact_split_names),
            INCLUDE_DELETED.key: include_deleted,
        }
        values.update({f"{_PREFIX}{name}": _moment(bounds[name], dialect) for name in BOUNDS})
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


def _moment(seconds: float, dialect: Dialect) -> datetime | str:
    # Infinity has no Python value: psycopg passes text on for the server to read, asyncpg reads the naive extremes.
    if seconds in (float("inf"), float("-inf")):
        if dialect.driver == "asyncpg":
            return datetime.max if seconds > 0 else datetime.min
        return "infinity" if seconds > 0 else "-infinity"
    return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
