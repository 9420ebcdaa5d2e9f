"""What a database consists of, read from its system catalogues, and how two databases differ.

What comes in: a connection. What goes out: a :class:`Catalogue`, every object of the schema as comparable text.
PostgreSQL itself writes both sides of a comparison, so that nothing here parses SQL and two spellings of the same
thing never count as a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

from sqlalchemy import Connection


class Key(NamedTuple):
    """Identity of an object: its kind (``column``, ``policy``, ...) and its name within the kind."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a database.

    :ivar key: kind and name.
    :ivar parent: what it belongs to and goes away with, for example ``table patient_journeys``; itself for the others.
    :ivar definition: its meaning as text; executable SQL for functions, views, triggers, policies, row security,
        grants and comments. Empty for what a platform provides, of which only the existence counts.
    """

    key: Key
    parent: str
    definition: str


Catalogue = Mapping[Key, Entry]
"""The objects of one database."""


class Dependency(NamedTuple):
    """``dependent`` cannot exist without ``needed``."""

    dependent: Key
    needed: Key


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not the same on both sides.

    :ivar change: ``missing`` (expected, not there), ``unexpected`` (there, not expected) or ``changed``.
    :ivar expected: its definition on the expected side, None when ``unexpected``.
    :ivar actual: its definition on the actual side, None when ``missing``.
    """

    change: Literal["missing", "unexpected", "changed"]
    key: Key
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        return f"{self.key} is {self.change}"


def read_catalogue(connection: Connection) -> dict[Key, Entry]:
    """Everything in the database of ``connection`` but extensions' objects and ``alembic_version``."""
    return {
        (key := Key(kind, name)): Entry(key, parent, definition)
        for kind, name, parent, definition in _rows(connection, "catalogue.sql")
    }


def read_dependencies(connection: Connection) -> list[Dependency]:
    """Which function, view, trigger, policy, default or check needs which function, view, column or enum type."""
    rows = _rows(connection, "dependencies.sql")
    return [Dependency(Key(kind, name), Key(needed, other)) for kind, name, needed, other in rows]


def diff(expected: Catalogue, actual: Catalogue) -> list[Difference]:
    """How ``actual`` differs from ``expected``, sorted by kind and name; empty when they are the same."""
    return sorted(_differences(expected, actual), key=lambda difference: difference.key)


def _differences(expected: Catalogue, actual: Catalogue) -> Iterator[Difference]:
    for key in expected.keys() | actual.keys():
        here, there = expected.get(key), actual.get(key)
        if here is None and there is not None:
            yield Difference("unexpected", key, None, there.definition)
        elif there is None and here is not None:
            yield Difference("missing", key, here.definition, None)
        elif here is not None and there is not None and here.definition != there.definition:
            if not (here.definition and there.definition):
                continue  # a platform's own
            yield Difference("changed", key, here.definition, there.definition)


def _rows(connection: Connection, name: str) -> list[tuple[str, str, str, str]]:
    # Names are printed relative to the search path, so both sides of a comparison must be read with the same one.
    before = connection.exec_driver_sql("SHOW search_path").scalar_one()
    connection.exec_driver_sql("SET search_path TO public")
    options = {"no_parameters": True}
    rows = connection.exec_driver_sql(_sql(name), execution_options=options).all()
    connection.exec_driver_sql(f"SET search_path TO {before}")
    return [(row[0], row[1], row[2], row[3]) for row in rows]


@cache
def _sql(name: str) -> str:
    return resources.files("hedgerow.migrations").joinpath("sql", name).read_text("utf-8")
