"""Who asks, for which tenant, for which splits, and why: the scope that every session is opened with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from hedgerow.core.errors import ScopeError, SplitAccessError


class Split(StrEnum):
    """The partition that a patient, and with it every row about the patient, belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"  # opened for evaluation only
    HOLDOUT = "holdout"  # opened for the final evaluation only
    UNASSIGNED = "unassigned"  # rows in a temporal gap, and rows without a patient


#: Splits that a scope holds when it names none.
OPEN_SPLITS: Final = frozenset({Split.TRAIN, Split.VALIDATION, Split.UNASSIGNED})

#: The order in which information may flow: what was computed on a split may be used on it and on later ones.
FLOW: Final = (Split.UNASSIGNED, Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT)

#: Splits that need a purpose, and whose every opening is logged.
CLOSED_SPLITS: Final = frozenset({Split.TEST, Split.HOLDOUT})

TENANT_LENGTH: Final = 50
MODEL_LENGTH: Final = 255


@dataclass(frozen=True, slots=True, repr=False)
class Scope:
    """What a session may see and write. Immutable, hashable, picklable.

    Attributes:
        tenant_id: the tenant; 1 to 50 characters, no control characters.
        user_id: the user on whose behalf the session acts, or ``None`` for a service. Text is read as a UUID.
        splits: the splits that the session may read and write; ``test`` and ``holdout`` need a purpose.
        purpose: why closed splits are opened; ends up in the access log.
        model: the model that is judged on them: ``holdout`` opens for each a limited number of times.

    Raises:
        ScopeError: the tenant, the user or a split is not valid.
        SplitAccessError: ``test`` or ``holdout`` is named without a purpose.
    """

    tenant_id: str
    user_id: UUID | str | None = None
    splits: Iterable[Split | str] = OPEN_SPLITS
    purpose: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        _set(self, "tenant_id", _tenant(self.tenant_id))
        _set(self, "user_id", _user(self.user_id))
        _set(self, "splits", _splits(self.splits))
        purpose = self.purpose.strip() if isinstance(self.purpose, str) else self.purpose
        _set(self, "purpose", purpose or None)
        _set(self, "model", _model(self.model))
        closed = self.closed_splits
        if closed and self.purpose is None:
            raise SplitAccessError(
                f"the split {closed[0].value!r} opens only for an evaluation, and no purpose is given",
                remedy="use Scope.evaluation(tenant_id, splits, purpose), or leave the split out",
                scope=self,
                split=closed[0].value,
            )

    @classmethod
    def evaluation(
        cls,
        tenant_id: str,
        splits: Iterable[Split | str],
        purpose: str,
        *,
        model: str | None = None,
        user_id: UUID | str | None = None,
    ) -> Scope:
        """Return a scope that opens ``splits``, closed ones included, for a stated purpose.

        Args:
            tenant_id: the tenant.
            splits: the splits to open.
            purpose: why, in words; it is written to the split access log.
            model: the model that is judged, by the name under which its evaluations count together; ``holdout`` opens
                once for each, unless the owner of the database allows more.
            user_id: the user on whose behalf the evaluation runs.
        """
        return cls(tenant_id=tenant_id, user_id=user_id, splits=splits, purpose=purpose, model=model)

    @property
    def split_set(self) -> frozenset[Split]:
        """The splits, as the set that they were normalised to."""
        assert isinstance(self.splits, frozenset)
        return self.splits

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits' database values, in their natural order."""
        return tuple(split.value for split in Split if split in self.split_set)

    @property
    def closed_splits(self) -> tuple[Split, ...]:
        """Those of the splits that need a purpose and are logged, in their natural order."""
        return tuple(split for split in Split if split in self.split_set & CLOSED_SPLITS)

    @property
    def label(self) -> str:
        """The scope in a few words, for messages."""
        return f"tenant={self.tenant_id} splits={','.join(self.split_names)}"

    @property
    def artefact_split_names(self) -> tuple[str, ...]:
        """Database values of the splits whose artefacts the scope may use: its own and all earlier ones."""
        latest = max(FLOW.index(split) for split in self.split_set)
        return tuple(split.value for split in FLOW[: latest + 1])

    def holds(self, split: object, *, artefact: bool = False) -> bool:
        """Whether ``split`` (an enum member or its text) is one of the scope's splits.

        Args:
            split: the split asked for.
            artefact: it labels something that was computed on the split, which later splits may use as well.
        """
        return str(getattr(split, "value", split)) in (self.artefact_split_names if artefact else self.split_names)

    def __repr__(self) -> str:
        parts = [f"tenant_id={self.tenant_id!r}"]
        if self.user_id is not None:
            parts.append(f"user_id={str(self.user_id)!r}")
        if self.split_set != OPEN_SPLITS:
            parts.append("splits={" + ", ".join(repr(name) for name in self.split_names) + "}")
        if self.purpose is not None:
            parts.append(f"purpose={self.purpose!r}")
        if self.model is not None:
            parts.append(f"model={self.model!r}")
        return f"Scope({', '.join(parts)})"


def _set(scope: Scope, name: str, value: object) -> None:
    object.__setattr__(scope, name, value)  # the dataclass is frozen; only its own construction writes


def _tenant(value: object) -> str:
    remedy = "pass the id of a tenant, as in Scope(tenant_id='TEST_TENANT_001')"
    if not isinstance(value, str):
        raise ScopeError(f"a tenant id is text, not {type(value).__name__}", remedy=remedy)
    if not value.strip():
        raise ScopeError("the tenant id is empty", remedy=remedy)
    if len(value) > TENANT_LENGTH:
        raise ScopeError(f"the tenant id has {len(value)} characters, {TENANT_LENGTH} are allowed", remedy=remedy)
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        raise ScopeError("the tenant id holds a control character", remedy=remedy)
    return str(value)


def _user(value: object) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise ScopeError(f"the user id {value!r} is not a UUID", remedy="pass the id of a user, or None") from None


def _model(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ScopeError(f"a model is named by text, not by {value!r}", remedy="pass its name, or None")
    if len(value) > MODEL_LENGTH or any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        raise ScopeError(
            f"the name of a model has at most {MODEL_LENGTH} characters, none of them a control character",
            remedy="pass the name that the model is registered under",
        )
    return value.strip()


def _splits(values: object) -> frozenset[Split]:
    known = ", ".join(split.value for split in Split)
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ScopeError(f"splits is a collection, not {values!r}", remedy="pass a set, as in splits={'train'}")
    try:
        splits = frozenset(Split(str(getattr(value, "value", value))) for value in values)
    except ValueError as error:
        raise ScopeError(f"{error}", remedy=f"choose among {known}") from None
    if not splits:
        raise ScopeError("a scope without a split sees nothing", remedy=f"choose among {known}")
    return splits
