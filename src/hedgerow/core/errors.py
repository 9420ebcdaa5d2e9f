"""Errors of the package: what was refused, on which table, in which scope, and what to do instead."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hedgerow.core.scope import Scope


class HedgerowError(Exception):
    """Base of every error that hedgerow raises by itself.

    Attributes:
        message: what was refused or went wrong.
        remedy: what the caller can do about it, or ``None``.
        table: the relation concerned, or ``None``.
        scope: the scope in which it happened, or ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        table: str | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.message = message
        self.remedy = remedy
        self.table = table
        self.scope = scope
        super().__init__(message)

    def __str__(self) -> str:
        text = self.message
        if self.table is not None:
            text += f" [table {self.table}]"
        if self.scope is not None:
            text += f" [scope {self.scope.label}]"
        if self.remedy is not None:
            text += f" Remedy: {sentence(self.remedy)}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        # The default loses the keyword arguments; errors cross process borders in workers and test runs.
        return (_rebuild, (type(self), self.__dict__))


def sentence(text: str) -> str:
    """``text`` with a full stop, unless it ends in punctuation already."""
    return text if text.endswith((".", "!", "?", ":", ";")) else f"{text}."


def _rebuild(kind: type[HedgerowError], attributes: dict[str, Any]) -> HedgerowError:
    error = kind(attributes["message"])
    error.__dict__.update(attributes)
    return error


class RuleError(HedgerowError):
    """A scope rule does not fit its relation."""


class ScopeError(HedgerowError):
    """There is no scope, an invalid one, one of another engine, or a statement that would escape it."""


class PrivilegedRoleError(ScopeError):
    """The connected role bypasses row-level security, or owns the tables, so the wall would not hold."""


class RawSQLError(ScopeError):
    """Raw SQL text names a scoped relation or would change the scope, and is not marked as intended."""


class CrossTenantError(HedgerowError):
    """A row or object of another tenant was about to be read, written or attached."""


class SplitAccessError(HedgerowError):
    """A split that the scope does not hold was asked for, or a row was about to change its split.

    Attributes:
        split: the split asked for, or ``None`` when none was named.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        table: str | None = None,
        scope: Scope | None = None,
        split: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, table=table, scope=scope)
        self.split = split


class HoldoutBudgetError(SplitAccessError):
    """``holdout`` was opened for the model as often as it may be.

    Attributes:
        model: the model that it was to be opened for; empty when none was named.
        budget: how often it may be opened.
        opened_by: who opened it last, or ``None`` when it may not be opened at all.
        opened_at: when.
    """

    model: str = ""
    budget: int = 1
    opened_by: str | None = None
    opened_at: datetime | None = None


class AudienceError(HedgerowError):
    """A row of the own tenant was about to be written by somebody who is not among those who may."""


class AppendOnlyError(HedgerowError):
    """A row of an append-only table was about to be changed or deleted."""


class AccessLogError(HedgerowError):
    """The split access log could not be written, so the access it would have recorded is refused."""
