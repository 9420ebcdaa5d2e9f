"""What the dspy domain refuses, and how the database's own words become those errors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy.orm import Session

from hedgerow.core.repository import RepositoryError
from hedgerow.core.repository import refusals as common_refusals
from hedgerow.core.repository.refusals import INVALID as INVALID


class RunTransitionError(RepositoryError, ValueError):
    """A run was to take a step that its life cycle does not have; the remedy says which steps there are."""


class PromptVersionError(RepositoryError, ValueError):
    """A stored version of a prompt was to be changed, or a version named that is not the next one."""


_PARENTS: Final = {"dspy_prompt_templates": "prompt template", "dspy_optimization_runs": "run"}


def refusals(
    session: Session, table: str, kinds: Mapping[str, type[RepositoryError]] | None = None
) -> AbstractContextManager[None]:
    """:func:`hedgerow.core.repository.refusals`, which calls what is referred to by its name."""
    return common_refusals(session, table, kinds, _PARENTS)
