"""Mapped classes of the split views: ``v_train_patient_journeys`` and its like, one per split of a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Column, Table

from hedgerow.core.base import Base, ViewBase, view_metadata
from hedgerow.core.errors import RuleError
from hedgerow.core.predicate import SCOPE_INFO, scope_rule
from hedgerow.core.scope import Split

T = TypeVar("T", bound=Base)

VIEWED = (Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT)
"""Splits that have a view; unassigned rows appear in none."""

_MODELS: dict[tuple[type, Split], type] = {}


def map_split_views(model: type[Base]) -> None:
    """Map the four split views of ``model``, a split-aware table; :func:`split_view` gives them back.

    :raises RuleError: the table has no splits.
    """
    table = model.__table__
    assert isinstance(table, Table)
    rule = scope_rule(table)
    if rule is None or rule.split_column is None:
        raise RuleError(
            "the table has no splits", remedy="map split views of split-aware tables only", table=table.name
        )
    for split in VIEWED:
        relation = Table(
            f"v_{split}_{table.name}",
            view_metadata,
            *(Column(c.name, c.type, key=c.key, primary_key=c.primary_key, nullable=c.nullable) for c in table.columns),
            info={SCOPE_INFO: replace(rule, only_split=split.value), "hedgerow.split_of": model},
        )
        doc = f"Rows of :class:`{model.__name__}` whose split is {split}, inside its window."
        _MODELS[model, split] = type(
            f"{split.capitalize()}{model.__name__}",
            (ViewBase,),
            {"__table__": relation, "__doc__": doc, "__module__": model.__module__},
        )


def split_view(model: type[T], split: Split | str) -> type[T]:
    """The mapped view of one split of ``model``, to select from; it has the columns of the table.

    Reading it needs a scope that holds the split.

    :raises RuleError: there is no such view.
    """
    found = _MODELS.get((model, Split(split)))
    if found is None:
        raise RuleError(
            f"{model.__name__} has no view of the split {Split(split).value!r}",
            remedy=f"split views exist for {', '.join(VIEWED)} of split-aware record tables",
        )
    return found
