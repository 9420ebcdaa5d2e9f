"""The split of a patient: the hash rule in exact arithmetic, the same as ``app.assign_split`` in the database.

Comes in: a patient id and the ratios of a configuration. Goes out: the split, always the same one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import ceil
from typing import Final

from hedgerow.core.errors import HedgerowError
from hedgerow.core.scope import Split

HASHED_SPLITS: Final = (Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT)
"""The splits that the rule chooses from, in the order of their shares."""

_HASHES: Final = 1 << 128


class PatientIdError(HedgerowError, ValueError):
    """Text that PostgreSQL cannot store, so that no patient can have it as an id."""


class RatioError(HedgerowError, ValueError):
    """The ratios of a configuration do not divide the patients."""


@dataclass(frozen=True, slots=True)
class SplitRatios:
    """The share of the patients in each split, exact decimals that sum to 1.

    :raises RatioError: a ratio is not a decimal of at most two places between 0 and 1 (what ``NUMERIC(3,2)`` of
        ``ml_split_registry`` holds), or the sum is not exactly 1.
    """

    train: Decimal = Decimal("0.60")
    validation: Decimal = Decimal("0.20")
    test: Decimal = Decimal("0.15")
    holdout: Decimal = Decimal("0.05")

    def __post_init__(self) -> None:
        shares = {split.value: getattr(self, split.value) for split in HASHED_SPLITS}
        for name, share in shares.items():
            problem = ratio_problem(share)
            if problem is not None:
                raise RatioError(f"The {name} ratio {share} {problem[0]}.", remedy=problem[1])
        if (total := sum(shares.values())) != 1:
            parts = " + ".join(str(share) for share in shares.values())
            raise RatioError(f"The ratios {parts} sum to {total}, not to 1.", remedy=_balance(total))


def ratio_problem(share: object) -> tuple[str, str] | None:
    """What is wrong with one ratio and what to do about it, or None."""
    # A float is refused: 0.1 + 0.2 is not 0.3, and a patient on the border would change splits.
    if not isinstance(share, Decimal):
        return "is not a decimal number", "write it with two decimals, for example 0.60"
    if not share.is_finite() or not 0 <= share <= 1:
        return "is not between 0 and 1", "write the share of the patients, for example 0.60 for 60 percent"
    if share != round(share, 2):
        return "has more than two decimals", f"round it, for example to {round(share, 2)}"
    return None


def _balance(total: Decimal | int) -> str:
    return f"take {total - 1} from one of them" if total > 1 else f"add {1 - total} to one of them"


DEFAULT_RATIOS: Final = SplitRatios()
"""0.60, 0.20, 0.15 and 0.05: the bounds are 0.60, 0.80 and 0.95."""


def assign(patient_id: str, ratios: SplitRatios = DEFAULT_RATIOS) -> Split:
    """Return the split of a patient.

    The MD5 of the UTF-8 id, read as a 128-bit integer, as a share of 2**128, is compared with the running sums of
    the ratios: below 0.60 train, below 0.80 validation, below 0.95 test, else holdout. The bounds are half-open.
    It does not depend on process, order or time. Blanks and letter case count, so ids must be normalised before.

    :param patient_id: any text, the empty one included.
    :param ratios: those of the tenant's configuration.
    :raises TypeError: the id is not text.
    :raises PatientIdError: the id holds a NUL or a lone surrogate.
    """
    if not isinstance(patient_id, str):
        raise TypeError(f"A patient id is text, not {type(patient_id).__name__}: {patient_id!r}")
    if "\0" in patient_id:
        raise PatientIdError(f"The patient id {patient_id!r} holds a NUL character.", remedy=_NORMALISE)
    try:
        encoded = patient_id.encode()
    except UnicodeEncodeError:
        raise PatientIdError(f"The patient id {patient_id!r} holds a lone surrogate.", remedy=_NORMALISE) from None
    # Not a security measure: builds of Python that forbid MD5 for security must still divide patients.
    number = int.from_bytes(hashlib.md5(encoded, usedforsecurity=False).digest())
    return next((split for bound, split in _bounds(ratios) if number < bound), Split.HOLDOUT)


_NORMALISE: Final = "clean the id where it is read; PostgreSQL cannot store it"


@lru_cache
def _bounds(ratios: SplitRatios) -> tuple[tuple[int, Split], ...]:
    """First hash that no longer belongs to each split but holdout, which takes what is left."""
    shares = (Fraction(getattr(ratios, split.value)) for split in HASHED_SPLITS[:-1])
    bounds = zip(accumulate(shares), HASHED_SPLITS, strict=False)
    return tuple((ceil(bound * _HASHES), split) for bound, split in bounds)


class SplitAssignment:
    """The rule under the name by which the sources call it."""

    assign = staticmethod(assign)
