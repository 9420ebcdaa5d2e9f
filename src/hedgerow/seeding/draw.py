"""Chance without surprise: the same draws on every machine, and none that depends on another table's.

Comes in: the path of a stream (tenant, table, unit). Goes out: numbers that follow from the path alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import accumulate
from random import Random
from typing import Final, TypeVar

EDITION: Final = "hedgerow seed 1"
"""Takes part in every stream and id: another edition of the fixtures shares no row with this one."""

T = TypeVar("T")


class Draw:
    """One stream of draws.

    Only :meth:`random.Random.random` is drawn from, whose sequence Python promises never to change, and only the four
    basic operations follow it, which IEEE 754 makes exact: no logarithm or sine that another C library rounds
    differently.

    :param path: what the stream is for; streams of different paths have nothing to do with one another.
    """

    def __init__(self, *path: object) -> None:
        name = "/".join((EDITION, *map(str, path)))
        self.share = Random(int.from_bytes(sha256(name.encode()).digest())).random
        """A number from 0 up to 1."""

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.share() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.share() * (high - low + 1))

    def bell(self, low: int, high: int) -> int:
        """A whole number, both ends included, more often near the middle."""
        share = (self.share() + self.share() + self.share()) / 3
        return low + int(share * (high - low + 1))

    def decimal(self, low: float, high: float, places: int) -> Decimal:
        """A decimal with exactly that many places."""
        scale = 10**places
        return Decimal(self.whole(round(low * scale), round(high * scale))).scaleb(-places)

    def pick(self, options: Sequence[T]) -> T:
        """One of them, each as likely as the others."""
        return options[int(self.share() * len(options))]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of them, each as likely as its weight says."""
        point = self.share() * sum(weight for _, weight in options)
        return next(
            option
            for (option, _), bound in zip(options, accumulate(weight for _, weight in options), strict=True)
            if point < bound
        )

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """``count`` different ones, in their own order."""
        left = list(range(len(options)))
        chosen = {left.pop(int(self.share() * len(left))) for _ in range(min(count, len(options)))}
        return [option for index, option in enumerate(options) if index in chosen]

    def day(self, first: date, last: date) -> date:
        """A day, both ends included."""
        return first + timedelta(days=self.whole(0, (last - first).days))
