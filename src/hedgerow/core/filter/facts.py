"""What the compiler leaves for the moment in which a statement runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """A value to be compared with the scope when the statement runs.

    Attributes:
        kind: ``tenant`` and ``split`` for values that are written, ``request`` for a split that is asked for.
        table: the relation concerned.
        key: key of the bind parameter that holds the value.
        artefact: the split labels an artefact, which scopes of later splits may ask for.
    """

    kind: Literal["tenant", "split", "request"]
    table: str
    key: str
    artefact: bool = False


@dataclass(slots=True)
class Facts:
    """What a compiled statement needs from, and asks of, the scope it runs in."""

    relations: dict[str, str | None] = field(default_factory=dict)  # name -> the only split of a view
    checks: list[Check] = field(default_factory=list)
    stamped: set[str] = field(default_factory=set)  # parameter keys that hold the tenant of new rows
    raw: str | None = None  # why the statement is refused unless marked
    names: dict[str, list[str]] = field(default_factory=dict)  # bind key -> names in the statement
