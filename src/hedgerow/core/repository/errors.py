"""What a repository refuses."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class RepositoryError(HedgerowError):
    """Base of the errors of repositories."""


class FilterError(RepositoryError, ValueError):
    """A filter, split, limit or change that does not fit the table: an unknown column, a value of another type."""


class RowNotFoundError(RepositoryError, LookupError):
    """No row in the scope answers to what was asked for."""


class ReadOnlyError(RepositoryError):
    """Application sessions may not write the table, or not the column."""
