"""Declared database objects: everything beyond tables, as data that revisions, tests and documentation share.

What comes in: a domain's manifest (:class:`Domain`) and the traits of its tables. What goes out: an ordered list of
:class:`DbObject`, each knowing the SQL that creates it and the SQL that drops it. A scratch database is built from
them, revisions are written from them, and the drift check compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import import_module, resources
from typing import Literal

from sqlalchemy import Table

from hedgerow.core.base import metadata, summary
from hedgerow.core.roles import APP_ROLE, AUDITOR_ROLE, READONLY_ROLE
from hedgerow.core.types import NATIVE_ENUMS

Kind = Literal["bootstrap", "comment", "storage", "function", "view", "trigger", "row_security", "policy", "grant"]

STORAGE_INFO = "hedgerow.storage"
"""Key of ``Column.info`` that names how PostgreSQL stores a column, where not in the way of its type."""


@dataclass(frozen=True, slots=True)
class DbObject:
    """One object of the database, as SQL.

    :ivar kind: what it is; together with ``name`` its identity.
    :ivar name: its name, unique within the kind.
    :ivar create: statements that create it; it does not exist before.
    :ivar drop: statements that remove it.
    """

    kind: Kind
    name: str
    create: str
    drop: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a domain; its source is ``sql/function_<name>.sql``.

    :ivar name: name without schema; overloads are not used, so the name is its identity.
    :ivar schema: ``public`` for the catalogue's functions, ``app`` for the machinery of the scope.
    :ivar callers: the roles that may execute it, None where only triggers and the owner do. Who only reads may execute
        besides what is STABLE or IMMUTABLE and open to the application.
    :ivar after: functions and views that must exist before it.
    """

    name: str
    schema: str = "public"
    callers: str | tuple[str, ...] | None = APP_ROLE
    after: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    def granted_to(self, source: str) -> tuple[str, ...]:
        """The roles that may execute it, given its source."""
        named = (self.callers,) if isinstance(self.callers, str) else self.callers or ()
        reads = APP_ROLE in named and READONLY_ROLE not in named and _READS.search(source)
        return (*named, READONLY_ROLE) if reads else named


# What is said neither way is VOLATILE.
_READS = re.compile(r"^LANGUAGE \w+ (?:STABLE|IMMUTABLE)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class View:
    """A view of a domain; its source is ``sql/view_<name>.sql``, and a mapped class in ``views.py`` reads it.

    :ivar after: functions and views that must exist before it.
    :ivar audit: auditors read it, as they read the tables below it.
    """

    name: str
    after: tuple[str, ...] = ()
    audit: bool = False


@dataclass(frozen=True, slots=True)
class SplitView:
    """The rows of one split of a table, every column in table order: ``v_<split>_<table>``."""

    table: str
    split: str

    @property
    def name(self) -> str:
        return f"v_{self.split}_{self.table}"

    @property
    def source(self) -> str:
        columns = ",\n    ".join(column.name for column in metadata.tables[self.table].columns)
        return (
            f"-- Rows of {self.table} whose split is '{self.split}', every column in table order.\n"
            f"CREATE VIEW {self.name} WITH (security_invoker = true) AS\n"
            f"SELECT\n    {columns}\nFROM {self.table}\nWHERE split_assignment = '{self.split}';\n\n"
            f"COMMENT ON VIEW {self.name} IS 'Rows of {self.table} whose split is {self.split}';\n"
        )


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, declared on a table by a trait or a model and named after what it does.

    :ivar name: name of the trigger; triggers of one event fire in the order of their names.
    :ivar when: timing and events, for example ``"BEFORE UPDATE"``.
    :ivar function: the call, for example ``"update_updated_at_column()"``.
    :ivar level: ``"ROW"`` or ``"STATEMENT"``.
    :ivar condition: SQL of a WHEN clause.
    :ivar referencing: SQL of a REFERENCING clause, for example ``"NEW TABLE AS added"``.
    """

    name: str
    when: str
    function: str
    level: Literal["ROW", "STATEMENT"] = "ROW"
    condition: str | None = None
    referencing: str | None = None

    def on(self, table: str) -> DbObject:
        """The trigger of a table, given its name."""
        rows = f"\n    REFERENCING {self.referencing}" if self.referencing else ""
        condition = f"\n    WHEN ({self.condition})" if self.condition else ""
        return DbObject(
            "trigger",
            f"{table}.{self.name}",
            f"CREATE TRIGGER {self.name} {self.when} ON {table}{rows}\n"
            f"    FOR EACH {self.level}{condition} EXECUTE FUNCTION {self.function};",
            f"DROP TRIGGER {self.name} ON {table};",
        )


APPEND_ONLY = (
    Trigger("forbid_mutation", "BEFORE UPDATE OR DELETE", "forbid_mutation()"),
    # A row trigger does not see TRUNCATE.
    Trigger("forbid_truncate", "BEFORE TRUNCATE", "forbid_mutation()", level="STATEMENT"),
)
"""Triggers of a table whose rows stay as they were written, for the owner too."""


def declare_trigger(table: Table, *triggers: Trigger) -> None:
    """Attach triggers to a table's declaration."""
    table.info.setdefault("hedgerow.triggers", []).extend(triggers)


@dataclass(frozen=True)
class Domain:
    """One domain: what it is for, and the objects that it owns besides tables and enums.

    :ivar name: name of the package below ``hedgerow``, and of its revision.
    :ivar purpose: one line.
    :ivar functions: in any order; ``after`` decides.
    :ivar views: in any order; ``after`` decides.
    """

    name: str
    purpose: str
    functions: tuple[Function, ...] = ()
    views: tuple[View | SplitView, ...] = ()
    before_tables: bool = False
    package: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "package", self.package or f"hedgerow.{self.name}")

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The domain's tables, referenced tables first."""
        return tuple(table for table in metadata.sorted_tables if self._owns(table))

    @cached_property
    def enums(self) -> dict[str, type]:
        """Native enum types that the domain declares, by database name."""
        return {name: cls for name, cls in NATIVE_ENUMS.items() if cls.__module__.startswith(f"{self.package}.")}

    def _owns(self, table: Table) -> bool:
        model = table.info.get("hedgerow.model")
        return model is not None and model.__module__.startswith(f"{self.package}.")

    def sql(self, item: Function | View | SplitView) -> str:
        """Source text of a function or view."""
        if isinstance(item, SplitView):
            return item.source
        kind = "function" if isinstance(item, Function) else "view"
        return resources.files(self.package).joinpath("sql", f"{kind}_{item.name}.sql").read_text("utf-8")

    def objects(self) -> Iterator[DbObject]:
        """The domain's objects in the order in which they can be created, its tables and enums being there."""
        # Imported late: the wall renders objects, and so needs this module.
        from hedgerow.core.wall import grants, row_security

        if not self.before_tables:
            # A package without models.py has nothing to import; with one, its tables must be known.
            import_module(self.package)
        for name, enum in self.enums.items():
            yield enum_comment(name, enum)
        for table in self.tables:
            yield from storage(table)
        for item in _ordered((*self.functions, *self.views)):
            yield self._as_object(item)
            if isinstance(item, Function):
                yield function_grant(item, item.granted_to(self.sql(item)))
        for table in self.tables:
            for trigger in table.info.get("hedgerow.triggers", ()):
                yield trigger.on(table.name)
        for table in self.tables:
            yield from row_security(table)
        for table in self.tables:
            yield from grants(table)
        for view in self.views:
            audited = (AUDITOR_ROLE,) if getattr(view, "audit", False) else ()
            for role in (APP_ROLE, READONLY_ROLE, *audited):
                yield DbObject(
                    "grant",
                    f"{view.name} to {role}",
                    f"GRANT SELECT ON {view.name} TO {role};",
                    f"REVOKE SELECT ON {view.name} FROM {role};",
                )

    def _as_object(self, item: Function | View | SplitView) -> DbObject:
        if isinstance(item, Function):
            return DbObject("function", item.qualified, self.sql(item), f"DROP FUNCTION {item.qualified};")
        return DbObject("view", item.name, self.sql(item), f"DROP VIEW {item.name};")


def function_grant(function: Function, roles: tuple[str, ...]) -> DbObject:
    """EXECUTE for the callers of a function, and for nobody else: PostgreSQL grants it to PUBLIC by default."""
    name = function.qualified
    create = f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC;"
    drop = f"GRANT EXECUTE ON FUNCTION {name} TO PUBLIC;"
    if roles:
        create += f"\nGRANT EXECUTE ON FUNCTION {name} TO {', '.join(roles)};"
        drop = f"REVOKE EXECUTE ON FUNCTION {name} FROM {', '.join(roles)};\n{drop}"
    return DbObject("grant", f"{name}()", create, drop)


def storage(table: Table) -> Iterator[DbObject]:
    """The columns of a table that are stored in another way than their type's, which no CREATE TABLE of ours says."""
    for column in table.columns:
        if STORAGE_INFO in column.info:
            set_storage = f"ALTER TABLE {table.name} ALTER COLUMN {column.name} SET STORAGE"
            yield DbObject(
                "storage",
                f"{table.name}.{column.name}",
                f"{set_storage} {column.info[STORAGE_INFO]};",
                f"{set_storage} DEFAULT;",
            )


def enum_comment(name: str, enum: type) -> DbObject:
    """The docstring of an enum as the comment of its type."""
    return DbObject(
        "comment",
        f"type {name}",
        f"COMMENT ON TYPE {name} IS {quote(summary(enum) or '')};",
        f"COMMENT ON TYPE {name} IS NULL;",
    )


def quote(value: str) -> str:
    """``value`` as an SQL string literal (standard_conforming_strings is on)."""
    return "'" + value.replace("'", "''") + "'"


def split_views(*tables: str) -> tuple[SplitView, ...]:
    """The four split views of each table; unassigned rows appear in none."""
    return tuple(SplitView(table, split) for table in tables for split in ("train", "validation", "test", "holdout"))


def _ordered(items: tuple[Function | View | SplitView, ...]) -> Iterator[Function | View | SplitView]:
    by_name = {item.name: item for item in items}
    graph = {
        name: [other for other in getattr(item, "after", ()) if other in by_name] for name, item in by_name.items()
    }
    yield from (by_name[name] for name in TopologicalSorter(graph).static_order())
