"""What the feature store promises, said a second time in plain Python: slow, short, and without SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K")


@dataclass(frozen=True)
class Value:
    """A value of one feature and entity; moments are days.

    :ivar length: days from its start to the end that its writer stated, None for no end.
    """

    computed_at: int
    valid_from: int
    length: int | None = None
    invalid: bool = False

    @property
    def stated(self) -> int | None:
        return None if self.length is None else self.valid_from + self.length


def known(history: Mapping[K, Value], moment: float) -> K | None:
    """Who asked at ``moment`` was told this one: replay what had arrived, day by day, and look at the answer."""
    arrived = [(key, value) for key, value in history.items() if value.computed_at <= moment and not value.invalid]
    told: tuple[K, Value] | None = None
    for key, value in sorted(arrived, key=lambda item: (item[1].valid_from, item[1].computed_at)):
        if value.valid_from <= moment:
            told = key, value
    if told is None or (told[1].stated is not None and told[1].stated <= moment):
        return None
    return told[0]


def arranged(history: Mapping[K, Value]) -> dict[K, tuple[int | None, str]]:
    """End and status of each value, looking at all others."""
    valid = {key: value for key, value in history.items() if not value.invalid}
    found: dict[K, tuple[int | None, str]] = {}
    for key, value in history.items():
        if value.invalid:
            found[key] = value.stated, "invalid"
            continue
        others = [other for name, other in valid.items() if name != key]
        ends = [other.valid_from for other in others if other.valid_from > value.valid_from]
        ends += [
            other.computed_at
            for other in others
            if other.valid_from == value.valid_from and other.computed_at > max(value.computed_at, value.valid_from)
        ]
        ends += [] if value.stated is None else [value.stated]
        rank = (value.valid_from, value.computed_at)
        newest = all((other.valid_from, other.computed_at) < rank for other in others)
        found[key] = min(ends, default=None), "current" if newest else "stale"
    return found
