"""What a feature is called: ``feature``, ``group:feature``, ``group:feature@version``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hedgerow.core.repository import FilterError
from hedgerow.core.repository.filters import coerced
from hedgerow.features.models import FeatureDefinition

_NAME: Final = re.compile(r"(?:(?P<group>[^:]+):)?(?P<feature>.+?)(?:@(?P<version>[0-9]{1,9}))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Named:
    """A feature as it was asked for.

    :ivar column: what its column is called in the answer.
    :ivar text: the name as it was given.
    :ivar group: None for whichever group has it.
    :ivar version: None for the newest active one.
    """

    column: str
    text: str
    group: str | None
    feature: str
    version: int | None


def named(features: Sequence[str] | Mapping[str, str], *, taken: Collection[str] = ()) -> list[Named]:
    """Read names of features.

    :param features: names, whose columns are called as the feature; or a mapping from column to name.
    :param taken: columns that the answer has already.
    :raises FilterError: a name is blank or no text, or a column would be there twice.
    """
    if isinstance(features, str):
        raise FilterError(f"{features!r} is one name, not several.", remedy=f"put it into a list: [{features!r}]")
    if not isinstance(features, Iterable) or isinstance(features, bytes):
        raise FilterError(f"{features!r} is no list of names.", remedy="use ['group:feature']")
    given = features.items() if isinstance(features, Mapping) else ((None, name) for name in features)
    found: list[Named] = []
    for column, text in given:
        match = _NAME.fullmatch(coerced(FeatureDefinition, "feature_name", text))
        if column is not None and (not isinstance(column, str) or not column.strip()):
            raise FilterError(f"{column!r} is no name of a column.", remedy="give a mapping from column to feature")
        if match is None or not text.strip():
            raise FilterError(f"{text!r} is no name of a feature.", remedy="use 'group:feature' or 'group:feature@1'")
        version = match["version"]
        found.append(
            Named(column or match["feature"], text, match["group"], match["feature"], int(version) if version else None)
        )
    columns = [*taken, *(name.column for name in found)]
    doubles = sorted({column for column in columns if columns.count(column) > 1})
    if doubles:
        raise FilterError(
            f"Two columns would be called {', '.join(doubles)}.",
            remedy="give a mapping from column to feature: {'one': 'labs:x', 'other': 'vitals:x'}",
        )
    return found
