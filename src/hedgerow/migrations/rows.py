"""Reference rows: the same in every database, so they are part of the schema and come with its revisions.

What comes in: the seeds of kind ``reference`` of a domain. What goes out: the SQL that inserts those that a database
lacks, and the SQL that deletes them again as long as nobody changed them, so that the guard against data loss minds
changed and added rows only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Table, select

from hedgerow.core.objects import Domain
from hedgerow.migrations.errors import MigrationError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Rows that a revision adds to a table."""

    table: Table
    rows: tuple[Row, ...]

    @property
    def insert(self) -> str:
        """INSERT of all rows."""
        columns = list(self.rows[0])
        lines = ",\n".join(f"    ({', '.join(_literal(row[name]) for name in columns)})" for row in self.rows)
        return f"INSERT INTO {self.table.name} ({', '.join(columns)})\nVALUES\n{lines};\n"

    @property
    def delete(self) -> str:
        """DELETE of the rows that still are as they were inserted."""
        # NULL equals nothing.
        columns = [name for name in self.rows[0] if all(row[name] is not None for row in self.rows)]
        lines = ",\n".join(f"    ({', '.join(_literal(row[name]) for name in columns)})" for row in self.rows)
        return f"DELETE FROM {self.table.name}\nWHERE ({', '.join(columns)}) IN (\n{lines}\n);\n"


def missing_rows(connection: Connection, domains: Iterable[Domain], there: Iterable[str]) -> Iterator[ReferenceRows]:
    """The reference rows of ``domains`` that the database lacks, referenced tables first.

    :param there: names of the tables that the database has.

    Raises:
        MigrationError: a declared row is in the database with other values.
    """
    existing = set(there)
    for domain in domains:
        for table, rows in _declared(domain):
            stored = _stored(connection, table) if table.name in existing else {}
            lacking = []
            for row in rows:
                key = tuple(_plain(row[column.name]) for column in table.primary_key)
                found = stored.get(key)
                if found is None:
                    lacking.append(row)
                elif any(_plain(found[name]) != _plain(value) for name, value in row.items()):
                    raise MigrationError(
                        f"The reference row {key} of {table.name} is declared with other values than the database has.",
                        remedy="Write a revision by hand that updates the row",
                    )
            if lacking:
                yield ReferenceRows(table, tuple(lacking))


def _declared(domain: Domain) -> Iterator[tuple[Table, list[Row]]]:
    if find_spec(f"{domain.package}.seed") is None:
        return
    from hedgerow.seeding import World

    seeds = [seed for seed in import_module(f"{domain.package}.seed").SEEDS if seed.kind == "reference"]
    for table in domain.tables:
        for seed in seeds:
            if seed.table is table:
                yield table, list(seed.make(World(1), 0))


def _stored(connection: Connection, table: Table) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    rows = connection.execute(select(table)).mappings()
    return {tuple(_plain(row[column.name]) for column in table.primary_key): dict(row) for row in rows}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _literal(value: Any) -> str:
    value = _plain(value)
    return sql.Literal(Jsonb(value) if isinstance(value, dict) else value).as_string(None)
