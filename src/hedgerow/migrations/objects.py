"""Which declared objects a revision creates, drops and restores: the part of a revision that is SQL.

What comes in: the catalogue before, the catalogue after, and the declared objects. What goes out: a
:class:`Snapshot`, the files of ``alembic/snapshots/<revision>``.

An object that changes is dropped and created again, and so is whatever needs it; only functions whose signature
stays are replaced in place. The way down restores what the database itself said before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Final

from hedgerow.core.objects import DbObject
from hedgerow.migrations.catalogue import Catalogue, Dependency, Difference, Entry, Key
from hedgerow.migrations.errors import MigrationError

STANDALONE: Final = ("function", "view", "materialized view", "trigger", "policy")
"""Kinds that are dropped and created as a whole."""

_GROUPS: Final = ("bootstrap", "comment", "storage", "function", "view", "trigger", "policy", "grant")
_SHARED_FILE: Final = {"bootstrap": "bootstrap", "storage": "storage", "trigger": "triggers", "policy": "policies"}


@dataclass(slots=True)
class Snapshot:
    """The SQL of a revision by file name; ``clear``, ``down`` and ``restore`` may be empty."""

    files: dict[str, str] = field(default_factory=dict)
    clear: str = ""
    down: str = ""
    restore: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Two states of a database, and what differs between them.

    :ivar before: the catalogue that the revision meets.
    :ivar after: the catalogue that it leaves.
    :ivar differences: of the part that the revision is about.
    :ivar dependencies: of the state before.
    :ivar columns: keys of columns whose type changes or that go away: nothing may need them meanwhile.
    """

    before: Catalogue
    after: Catalogue
    differences: tuple[Difference, ...]
    dependencies: tuple[Dependency, ...]
    columns: frozenset[Key] = frozenset()


def snapshot(changes: Changes, declared: Iterable[DbObject]) -> Snapshot:
    """The SQL that turns the objects of ``changes.before`` into those of ``changes.after``, and back.

    Raises:
        MigrationError: a default or check needs a function that must be created anew.
    """
    return _Planner(changes, tuple(declared)).plan()


class _Planner:
    def __init__(self, changes: Changes, declared: tuple[DbObject, ...]) -> None:
        self.before, self.after, self.changes = changes.before, changes.after, changes
        self.declared = declared
        self.changed = {difference.key for difference in changes.differences}
        self.new = {key for key in self.changed if key not in self.before}
        self.new_parents = {self.after[key].parent for key in self.new if str(key) == self.after[key].parent} | {
            self.after[key].parent for key in self.new if key.kind == "enum"
        }
        self.replaced = {key for key in self.changed if self._replaceable(key)}
        self.touched = self._touched()
        self.touched_parents = {self.before[key].parent for key in self.touched if key.kind in ("function", "view")}

    def _replaceable(self, key: Key) -> bool:
        """Whether a changed function keeps its signature, so that nothing that needs it must go."""
        if key.kind != "function" or key not in self.before or key not in self.after:
            return False
        return _signature(self.before[key]) == _signature(self.after[key])

    def _touched(self) -> set[Key]:
        """What exists before and must be dropped: what changes, what goes away, and all that needs either."""
        start = {
            key for key in self.changed if key.kind in STANDALONE and key in self.before and key not in self.replaced
        }
        found, queue = set(start), [*start, *self.changes.columns]
        while queue:
            needed = queue.pop()
            for dependency in self.changes.dependencies:
                dependent = dependency.dependent
                if dependency.needed != needed or dependent in found or dependent not in self.before:
                    continue
                if dependent.kind in STANDALONE:
                    found.add(dependent)
                    queue.append(dependent)
                elif needed.kind != "column" and dependent not in self.changed:
                    raise MigrationError(
                        f"The {needed} changes its signature, and the {dependent} needs it.",
                        remedy="Give the function another name, or write by hand a revision that drops what needs it",
                    )
        return found

    def plan(self) -> Snapshot:
        chosen = [item for item in self.declared if self._concerns(item)]
        result = Snapshot()
        for group in _GROUPS:
            members = [item for item in chosen if _group(item) == group]
            if group == "comment":
                texts = [item.create for item in members] + list(self._comments(self.after))
                self._add(result, "comments", "\n".join(texts))
            elif group == "grant":
                self._add(result, "grants", "\n".join([*self._revokes(), *(item.create for item in members)]))
            elif group in _SHARED_FILE:
                self._add(result, _SHARED_FILE[group], "\n\n".join(item.create for item in members))
            else:
                for item in members:
                    self._add(result, f"{group}_{item.name.replace('.', '_')}", self._create(item))
        drops = (self._drop(key) for key in reversed(self._ordered(self.touched)))
        result.clear = _script([*drops, *self._default_storage()])
        result.down = _script(self._down(reversed(chosen)))
        result.restore = _script(self._restore())
        return result

    def _add(self, result: Snapshot, name: str, sql: str) -> None:
        if sql.strip():
            result.files[f"{len(result.files) + 1:02d}_{name}.sql"] = sql.strip() + "\n"

    def _concerns(self, item: DbObject) -> bool:
        keys = self._keys(item)
        if item.kind == "grant":
            parents = {self.after[key].parent for key in keys}
            return bool(parents & (self.touched_parents | self.new_parents | self._regranted()) or keys & self.changed)
        if item.kind in ("row_security", "comment", "storage", "bootstrap"):
            return bool(keys & self.changed)
        return bool(keys & (self.new | self.touched | self.replaced))

    def _keys(self, item: DbObject) -> set[Key]:
        """The catalogue's keys of a declared object."""
        match item.kind:
            case "function":
                return self._matching("function", f"{item.name}(")
            case "grant" if item.name.endswith("()"):
                prefix = item.name.removesuffix(")")
                # The function itself too: one that nobody may call has no grant, and PUBLIC must lose its own.
                return self._matching("grant", prefix) | self._matching("function", prefix)
            case "grant":
                relation = item.name.rpartition(" to ")[0].rpartition(" on ")[2] or item.name.partition(" to ")[0]
                return self._matching("grant", f"{relation} to ")
            case "bootstrap":
                # They come together; an extension or a role may have been there before.
                return {Key("schema", "app")}
            case _:
                return {Key(item.kind, item.name)}

    def _matching(self, kind: str, prefix: str) -> set[Key]:
        # self.after alone: what is declared is there.
        return {key for key in self.after if key.kind == kind and key.name.startswith(prefix)}

    def _create(self, item: DbObject) -> str:
        if item.kind == "function" and self._keys(item) & self.replaced:
            return re.sub(r"^CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", item.create, count=1, flags=re.M)
        return item.create

    def _down(self, items: Iterable[DbObject]) -> Iterator[str]:
        for item in items:
            keys = self._keys(item)
            if item.kind == "function" and keys & self.replaced:
                continue
            if item.kind in ("grant", "row_security", "comment", "storage") and not self._stands_alone(keys):
                # Goes away with what it belongs to, or is restored in place.
                continue
            yield item.drop

    def _stands_alone(self, keys: set[Key]) -> bool:
        parents = {self.after[key].parent for key in keys if key in self.after}
        return not parents & (self.new_parents | self.touched_parents) and not any(key in self.before for key in keys)

    def _restore(self) -> Iterator[str]:
        for key in sorted(self.replaced):
            yield self.before[key].definition
        for key in self._ordered(self.touched):
            entry = self.before[key]
            yield entry.definition
            if key.kind == "function":
                yield f"REVOKE ALL ON FUNCTION {key.name} FROM PUBLIC;"
            if key.kind in ("function", "view", "materialized view"):
                yield from self._belongings(entry.parent)
        for key in sorted(key for key in self.changed if key.kind == "row_security" and key in self.before):
            yield f"ALTER TABLE {key.name} NO FORCE ROW LEVEL SECURITY;"
            yield f"ALTER TABLE {key.name} DISABLE ROW LEVEL SECURITY;"
            yield self.before[key].definition
        yield from (self.before[k].definition for k in sorted(self.changed) if k.kind == "storage" and k in self.before)
        yield from self._revokes(back=True)
        for parent in sorted(self._regranted()):
            yield from (e.definition for e in _of(self.before, parent) if e.key.kind == "grant")
        yield from self._comments(self.before)

    def _belongings(self, parent: str) -> Iterator[str]:
        yield from (entry.definition for entry in _of(self.before, parent) if entry.key.kind in ("grant", "comment"))

    def _regranted(self) -> set[str]:
        """Parents that stay and whose grants change."""
        parents = {(self.after.get(key) or self.before[key]).parent for key in self.changed if key.kind == "grant"}
        return {
            parent
            for parent in parents - self.new_parents - self.touched_parents
            if not parent.startswith("schema ") and _of(self.before, parent) and _of(self.after, parent)
        }

    def _revokes(self, *, back: bool = False) -> Iterator[str]:
        there = self.after if back else self.before
        for parent in sorted(self._regranted()):
            kind, _, name = parent.partition(" ")
            target = name if kind in ("table", "view", "materialized") else parent
            for entry in _of(there, parent):
                if entry.key.kind == "grant":
                    yield f"REVOKE ALL ON {target} FROM {entry.key.name.rpartition(' to ')[2].split()[0]};"

    def _comments(self, catalogue: Catalogue) -> Iterator[str]:
        """Comments of views and functions that change while the thing itself stays."""
        for key in sorted(self.changed):
            if key.kind != "comment" or key.name.startswith(("table ", "type ", "schema ")):
                continue
            entry = self.after.get(key) or self.before[key]
            if entry.parent.startswith("table ") or entry.parent in self.new_parents | self.touched_parents:
                continue
            if catalogue is self.after and any(str(function) == entry.parent for function in self.replaced):
                continue
            if entry.parent.partition(" ")[2] and Key(*entry.parent.split(" ", 1)) in self.after:
                there = catalogue.get(key)
                yield there.definition if there else f"COMMENT ON {key.name} IS NULL;"

    def _default_storage(self) -> Iterator[str]:
        """Columns that are no longer stored in a way of their own."""
        for key in sorted(key for key in self.changed if key.kind == "storage" and key not in self.after):
            yield self.before[key].definition.rpartition(" ")[0] + " DEFAULT;"

    def _drop(self, key: Key) -> str:
        if key.kind in ("trigger", "policy"):
            table = self.before[key].parent.partition(" ")[2]
            return f"DROP {key.kind.upper()} {key.name[len(table) + 1 :]} ON {table};"
        return f"DROP {key.kind.upper()} {key.name};"

    def _ordered(self, keys: set[Key]) -> list[Key]:
        graph: Mapping[Key, set[Key]] = {key: set() for key in sorted(keys)}
        for dependency in self.changes.dependencies:
            if dependency.dependent in graph and dependency.needed in graph:
                graph[dependency.dependent].add(dependency.needed)
        return list(TopologicalSorter(graph).static_order())


def _of(catalogue: Catalogue, parent: str) -> list[Entry]:
    return sorted((entry for entry in catalogue.values() if entry.parent == parent), key=lambda entry: entry.key)


def _group(item: DbObject) -> str:
    return "policy" if item.kind == "row_security" else item.kind


def _signature(entry: Entry) -> str:
    return re.split(r"^\s*LANGUAGE ", entry.definition, maxsplit=1, flags=re.M)[0]


def _script(statements: Iterable[str]) -> str:
    return "".join(f"{statement.strip()}\n" for statement in statements if statement.strip())
