"""The database's refusals, as our errors, with the original chained."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import ExceptionContext

from hedgerow.core.errors import (
    AppendOnlyError,
    AudienceError,
    CrossTenantError,
    HedgerowError,
    ScopeError,
    SplitAccessError,
)
from hedgerow.core.filter.context import INTERNAL, record_refusal
from hedgerow.core.filter.inserts import ALARM
from hedgerow.core.filter.opened import OpenScope, scope_of
from hedgerow.core.filter.registry import Entry, ScopeRegistry
from hedgerow.core.server_errors import said
from hedgerow.core.wall import AUDIENCE_INFO, TENANT_POLICY

INSUFFICIENT_PRIVILEGE = "42501"
_INVALID_AUTHORIZATION = "28000"
_RESTRICT_VIOLATION = "23001"
_FOREIGN_KEY_VIOLATION = "23503"
_INVALID_TEXT = "22P02"


def translated(context: ExceptionContext, registry: ScopeRegistry) -> HedgerowError | None:
    """Return our error for a database error that means a breach of scope; ``None`` for any other."""
    running = context.execution_context
    if running is not None and INTERNAL in running.execution_options:
        return None  # a statement of ours: whoever runs it knows better what its refusal means
    original = context.original_exception
    state = said(original, "sqlstate", "pgcode")
    opened = scope_of(context.connection) if context.connection is not None else None
    error = _error(state, str(original), original, registry, opened)
    if isinstance(error, SplitAccessError) and opened is not None:
        record_refusal(error, opened)
    return error


def _error(
    state: object, message: str, original: BaseException, registry: ScopeRegistry, opened: OpenScope | None
) -> HedgerowError | None:
    scope = None if opened is None else opened.scope
    if state == _INVALID_TEXT and f"{ALARM}tenant" in message:
        return CrossTenantError(
            "a row of another tenant would be written",
            remedy="leave the tenant out, it is stamped",
            scope=scope,
        )
    if state == _INVALID_TEXT and f"{ALARM}split" in message:
        return SplitAccessError(
            "a row of a split that is not open would be written",
            remedy="select rows of the scope's splits only, or open a scope that holds the split",
            scope=scope,
        )
    entry = _entry(said(original, "table_name"), message, registry)
    table = said(original, "table_name") if entry is None else entry.name
    if state == _INVALID_AUTHORIZATION:
        return ScopeError(
            f"the database refused the scope of the transaction: {message.splitlines()[0]}",
            remedy="leave the scope to the session; whoever changed it from inside the transaction was stopped",
            scope=scope,
        )
    if state == INSUFFICIENT_PRIVILEGE:
        if "row-level security" not in message:
            return ScopeError(
                f"the database refused it: {message.splitlines()[0]}",
                remedy="the session's role lacks the privilege; `hedgerow db doctor` lists the grants",
                table=table,
                scope=scope,
            )
        if "written_unsealed_" in message:
            return SplitAccessError(
                "the rows are read by every scope of the tenant, and the scope holds a sealed split",
                remedy="write them in a scope that holds neither test nor holdout",
                table=table,
                scope=scope,
            )
        if "written_from_" in message:
            return SplitAccessError(
                "the rows are learnt from one split, and the scope holds others as well",
                remedy="write them in a scope that holds no split but train",
                table=table,
                scope=scope,
            )
        # The tenant's policy is named in the message, since it is restrictive; an audience's is not.
        if entry is not None and _has_audience(entry) and TENANT_POLICY not in message:
            return AudienceError(
                "the row is not for the user of the scope to write"
                if scope is not None and scope.user_id is not None
                else "the row is for certain users to write, and the scope names none",
                remedy="open the scope with the user_id of somebody who may: an administrator, or whose row it is",
                table=table,
                scope=scope,
            )
        if entry is not None and entry.rule.split_column is not None:
            return SplitAccessError(
                "the row lies outside of the scope: its split is not open, or its event time is outside of the "
                "split's window",
                remedy="open a scope that holds the row's split, and check the row's event time",
                table=table,
                scope=scope,
            )
        return CrossTenantError(
            "the row lies outside of the scope",
            remedy="write rows of the scope's own tenant only",
            table=table,
            scope=scope,
        )
    constraint = said(original, "constraint_name")
    if state == _RESTRICT_VIOLATION and not constraint:
        # A foreign key's RESTRICT has the same state, but names its constraint.
        return AppendOnlyError(
            "rows of an append-only table are never changed or deleted",
            remedy="write a new row that corrects or supersedes the old one",
            table=table,
            scope=scope,
        )
    if state == _FOREIGN_KEY_VIOLATION and entry is not None and _is_split_key(entry, constraint):
        return SplitAccessError(
            "the patient is in another split",
            remedy="leave the split out: the row takes the one the patient is assigned to",
            table=table,
            scope=scope,
        )
    return None


def _entry(name: str | None, message: str, registry: ScopeRegistry) -> Entry | None:
    by_name = {entry.name: entry for entry in registry}
    if name in by_name:
        return by_name[name]
    return next((entry for entry in by_name.values() if f'"{entry.name}"' in message), None)


def _has_audience(entry: Entry) -> bool:
    return isinstance(entry.table, Table) and AUDIENCE_INFO in entry.table.info


def _is_split_key(entry: Entry, constraint: str | None) -> bool:
    if not isinstance(entry.table, Table) or entry.rule.split_column is None:
        return False
    return any(
        key.name == constraint and entry.rule.split_column in key.column_keys
        for key in entry.table.foreign_key_constraints
    )


def listener(registry: ScopeRegistry) -> Any:
    """Return a ``handle_error`` listener for an engine."""

    def handle(context: ExceptionContext) -> HedgerowError | None:
        return translated(context, registry)

    return handle
