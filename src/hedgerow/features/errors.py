"""What the feature store refuses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy.orm import Session

from hedgerow.core.errors import HedgerowError
from hedgerow.core.repository import RepositoryError
from hedgerow.core.repository import refusals as common_refusals
from hedgerow.core.repository.refusals import INVALID as INVALID
from hedgerow.core.repository.refusals import NO_PARENT


class FeatureError(RepositoryError):
    """Base of the errors of the feature store."""


class UnknownFeatureError(FeatureError, LookupError):
    """A name means no feature, or more than one."""


class FeatureStatusError(FeatureError, ValueError):
    """A feature does not go from its status to the one asked for."""


class FeatureInUseError(FeatureError):
    """A feature that has values, or a group that has features, was to be deleted."""


class FeatureTypeError(FeatureError, TypeError):
    """A value is not of its feature's type."""


class MissingExtraError(HedgerowError, ImportError):
    """What was asked for needs a package that an extra of hedgerow brings."""


_WRONG_TYPE: Final = "42804"
_KINDS: Final[Mapping[str, type[RepositoryError]]] = {NO_PARENT: UnknownFeatureError, _WRONG_TYPE: FeatureTypeError}
_PARENTS: Final = {"feature_groups": "group", "feature_definitions": "feature"}


def refusals(
    session: Session, table: str, kinds: Mapping[str, type[RepositoryError]] | None = None
) -> AbstractContextManager[None]:
    """:func:`hedgerow.core.repository.refusals`, in the words of the feature store."""
    return common_refusals(session, table, {**_KINDS, **(kinds or {})}, _PARENTS)
