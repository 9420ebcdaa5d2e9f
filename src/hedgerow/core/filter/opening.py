"""Opening a scope: the first statement of a transaction, after which the filter has its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from hedgerow.core.access import WHOLE_SESSION, Access, refuse
from hedgerow.core.errors import HedgerowError, PrivilegedRoleError, ScopeError, SplitAccessError
from hedgerow.core.filter.context import INTERNAL_OPTIONS
from hedgerow.core.filter.install import Installation, filtered
from hedgerow.core.filter.opened import OpenScope, register, scope_of
from hedgerow.core.filter.translate import INSUFFICIENT_PRIVILEGE
from hedgerow.core.open_scope import OPEN_SCOPE, opening_parameters
from hedgerow.core.scope import Scope
from hedgerow.core.server_errors import server_words

_ROLE = text("""
    SELECT r.rolname, r.rolsuper, r.rolbypassrls,
           ARRAY(SELECT c.relname
                 FROM pg_catalog.pg_class AS c
                 WHERE c.relname = ANY (CAST(:names AS text[]))
                   AND c.relkind IN ('r', 'p')
                   AND pg_catalog.pg_has_role(r.oid, c.relowner, 'MEMBER')
                 ORDER BY c.relname
                 LIMIT 3)
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname IN (current_user, session_user)
""")
_MISSING_FUNCTION = ("42883", "3F000", "42P01")


@dataclass(slots=True)
class Ticket:
    """That closed splits were opened, which counts once for a session, however many transactions it has.

    Attributes:
        granted: whether it was asked for, and granted.
        opening: what the database wants to see of it.
    """

    granted: bool = False
    opening: UUID | None = None


def open_scope(
    connection: Connection,
    scope: Scope,
    *,
    caller: str | None = None,
    ticket: Ticket | None = None,
    allow_privileged: bool = False,
    include_deleted: bool = False,
) -> OpenScope:
    """Open ``scope`` on the connection's current root transaction.

    Args:
        connection: a connection of a filtered engine, inside a transaction.
        scope: the scope.
        caller: who opens it, for the access log.
        ticket: of the session, which opens closed splits once; without one, the transaction opens them for itself.
        allow_privileged: skip the check of the connected role. Row-level security does not hold for privileged
            roles: this is for migrations and for tests of the filter alone.
        include_deleted: see rows that were deleted softly, in every statement that does not say otherwise.

    Raises:
        ScopeError: the engine has no filter, the connection is in AUTOCOMMIT or in another scope, or the
            database knows no such tenant.
        PrivilegedRoleError: the connected role bypasses row-level security or owns the tables.
        SplitAccessError: the login may not open closed splits.
        HoldoutBudgetError: ``holdout`` was opened for the model as often as it may be.
        AccessLogError: the opening of a closed split could not be recorded.
    """
    installation = filtered(connection.engine)
    if installation is None:
        raise ScopeError(
            "the engine has no filter",
            remedy="make sessions with hedgerow.open_session, or call install_filter(engine) first",
            scope=scope,
        )
    root = connection.get_transaction()
    current = scope_of(connection)
    if current is not None:
        if current.scope == scope and current.include_deleted == include_deleted:
            return current
        raise ScopeError(
            f"the transaction is in another scope already: {current.scope.label}"
            + (" with deleted rows" if current.include_deleted else ""),
            remedy="give each scope a session of its own",
            scope=scope,
        )
    if root is None:
        raise ScopeError(
            "a scope lives in a transaction, and none has begun",
            remedy="begin one, or use hedgerow.scoped_connection, which does",
            scope=scope,
        )
    if connection.dialect.detect_autocommit_setting(_raw(connection)):
        raise ScopeError(
            "a scope lives in a transaction, and the connection is in AUTOCOMMIT",
            remedy="leave the isolation level alone, or choose READ COMMITTED, REPEATABLE READ or SERIALIZABLE",
            scope=scope,
        )

    def check(asking: Connection) -> None:
        if not allow_privileged:
            _verify_role(asking, installation, scope)

    ticket = ticket or Ticket()
    try:
        if scope.closed_splits and not ticket.granted:
            # First: it is committed before the transaction takes its snapshot, and stays whatever becomes of it.
            ticket.opening = installation.access_log.request(scope, caller, check)
            ticket.granted = True
        parameters = opening_parameters(scope, installation.signer, ticket.opening)
        row = connection.execute(OPEN_SCOPE, parameters, execution_options=INTERNAL_OPTIONS).one()
    except HedgerowError:
        raise
    except DBAPIError as error:
        raise _refused(error, scope, installation, caller) from error
    check(connection)
    bounds = {name: float(value) for name, value in row._mapping.items()}
    opened = OpenScope.of(scope, bounds, connection.dialect, installation.access_log, caller, include_deleted)
    register(root, opened)
    return opened


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _verify_role(connection: Connection, installation: Installation, scope: Scope) -> None:
    if installation.role_verified:
        return
    names = [entry.name for entry in installation.registry]
    for role, superuser, bypasses, owned in connection.execute(
        _ROLE, {"names": names}, execution_options=INTERNAL_OPTIONS
    ):
        if superuser or bypasses or owned:
            what = (
                "is a superuser"
                if superuser
                else "has BYPASSRLS"
                if bypasses
                else f"owns tables ({', '.join(owned)}, ...)"
            )
            raise PrivilegedRoleError(
                f"the role {role!r} {what}, so row-level security would not hold for it",
                remedy="connect sessions with a role that is only a member of hedgerow_app (HEDGEROW_APP_URL)",
                scope=scope,
            )
    installation.role_verified = True


def _refused(error: DBAPIError, scope: Scope, installation: Installation, caller: str | None) -> HedgerowError:
    state, message, hint = server_words(error)
    if state in _MISSING_FUNCTION:
        return ScopeError("the database has no app.open_scope", remedy="run `hedgerow db upgrade` first", scope=scope)
    if state == INSUFFICIENT_PRIVILEGE and scope.closed_splits:
        for split in scope.closed_splits:
            access = Access(scope, WHOLE_SESSION, split.value, allowed=False, caller=caller, reason=message)
            refuse(installation.access_log, access)
        split = scope.closed_splits[0]
        return SplitAccessError(
            f"the database refused the scope: {message}", remedy=hint, scope=scope, split=split.value
        )
    return ScopeError(
        f"the database refused the scope: {message}",
        remedy=hint or "check the tenant's id, that it is active, and that its split configuration exists",
        scope=scope,
    )
