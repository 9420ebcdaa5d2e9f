"""What the feature store refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hedgerow.core.errors import HedgerowError
from hedgerow.core.repository import FilterError, RepositoryError, RowNotFoundError
from hedgerow.core.server_errors import server_words


class FeatureError(RepositoryError):
    """Base of the errors of the feature store."""


class UnknownFeatureError(FeatureError, LookupError):
    """A name means no feature, or more than one."""


class FeatureStatusError(FeatureError, ValueError):
    """A feature does not go from its status to the one asked for."""


class FeatureTypeError(FeatureError, TypeError):
    """A value is not of its feature's type."""


class MissingExtraError(HedgerowError, ImportError):
    """What was asked for needs a package that an extra of hedgerow brings."""


_NO_DATA_FOUND, _DATATYPE_MISMATCH = "P0002", "42804"
_INVALID_PARAMETER, _NOT_NULL, _FOREIGN_KEY = "22023", "23502", "23503"
_DATA_EXCEPTION, _CHECK = "22", "23514"


@contextmanager
def refusals(session: Session, table: str, *, status: bool = False) -> Iterator[None]:
    """Run statements in a savepoint, and say what the database refuses in the package's words.

    :param status: an invalid parameter is a status that the feature cannot take.
    """
    try:
        with session.begin_nested():
            yield
    except DBAPIError as error:
        state, message, hint = server_words(error)
        kind: type[HedgerowError] | None = None
        if state == _NO_DATA_FOUND:
            kind = RowNotFoundError
        elif state == _DATATYPE_MISMATCH:
            kind = FeatureTypeError
        elif state == _INVALID_PARAMETER:
            kind = FeatureStatusError if status else FilterError
        elif state == _FOREIGN_KEY:
            kind, hint = UnknownFeatureError, "give the id of a feature, or of a group, of the tenant"
        elif state in (_NOT_NULL, _CHECK) or (state or "").startswith(_DATA_EXCEPTION):
            kind, hint = FilterError, hint or "see the columns of the table for what they take"
        if kind is None:
            raise
        raise kind(message, remedy=hint, table=table) from error
