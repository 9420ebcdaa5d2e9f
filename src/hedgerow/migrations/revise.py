"""Writes revisions: what separates the database at head from the declarations, reversibly and with proof.

What comes in: models and manifests, and the revisions so far. What goes out: a revision file and its frozen SQL.
Two scratch databases are compared, one upgraded to head and one built from the declarations, so that the state of
the developer's own database never matters. The new revision is then run up, down and up again: a difference that it
leaves is an error.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from alembic.operations import MigrateOperation, ops
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

from hedgerow.core.objects import Domain
from hedgerow.migrations import commands, config
from hedgerow.migrations.catalogue import Catalogue, Difference, Entry, Key, diff, read_catalogue, read_dependencies
from hedgerow.migrations.errors import MigrationError
from hedgerow.migrations.objects import Changes, Snapshot, snapshot
from hedgerow.migrations.operations import (
    CLEAR,
    DOWN,
    RESTORE,
    SNAPSHOTS,
    ApplySnapshotOp,
    ClearSnapshotOp,
    DeleteRowsOp,
    InsertRowsOp,
    RestoreSnapshotOp,
    RevertSnapshotOp,
)
from hedgerow.migrations.render import format_revision, render_operations
from hedgerow.migrations.rows import ReferenceRows, missing_rows
from hedgerow.migrations.scratch import Databases, build_scratch, databases, domains_until
from hedgerow.migrations.tables import TableOperations, enum_operations, labels

LONGEST_ID: Final = 32
"""Length of the column that holds the revision of a database."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a revision is to bring.

    :ivar message: first line of the revision; None for the purpose of the domain.
    :ivar domain: the domain whose objects it brings; None for whatever differs, of all domains.
    :ivar revision: its identifier; None for the next number and the domain or the message.
    :ivar hold: objects left to a later revision, for example ``view v_x``, ``function f``, ``index ix_y``,
        ``trigger t.x``; or one value of an enum type, as ``enum shap_analysis_type.local_realtime``, which also holds
        the views, functions, indexes, triggers and policies that speak of the value.
    :ivar only: objects to bring, everything else being held; written like ``hold``.
    """

    message: str | None = None
    domain: str | None = None
    revision: str | None = None
    hold: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A revision that was written.

    :ivar revision: its identifier.
    :ivar files: the revision first, then its frozen SQL.
    :ivar differences: what it brings.
    """

    revision: str
    files: tuple[Path, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations of some domains, as PostgreSQL reads them."""

    domains: tuple[Domain, ...]
    catalogue: Catalogue


def read_declared(make: Databases, domains: tuple[Domain, ...]) -> Declared:
    """Build the declarations of ``domains`` in a scratch database and read it."""
    with make() as url:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            build_scratch(connection, domains)
            return Declared(domains, read_catalogue(connection))


def write_revision(request: Request, make: Databases | None = None) -> Written | None:
    """Write the revision that ``request`` describes, after the present head; None when nothing differs.

    :param make: how to make scratch databases; None for the configured server.

    Raises:
        MigrationError: the difference is one that only a person can bridge, or the revision that was written does
            not bridge it, or does not return exactly to where it came from; the message lists what is left.
    """
    make = make or databases()
    declared = read_declared(make, domains_until(request.domain))
    with make() as url:
        commands.upgrade(url)
        return Reviser(declared, url).write(request)


class Reviser:
    """Writes revisions one after the other.

    :param declared: where they lead.
    :param url: a scratch database at head; each revision that is written is applied to it.
    """

    def __init__(self, declared: Declared, url: URL) -> None:
        self.declared = declared
        self.url = url
        self._engine = create_engine(url, poolclass=NullPool)

    def write(self, request: Request) -> Written | None:
        """See :func:`write_revision`."""
        owner = None
        if request.domain is not None:
            owner = next(domain for domain in self.declared.domains if domain.name == request.domain)
        with self._engine.connect() as connection:
            before, dependencies = read_catalogue(connection), tuple(read_dependencies(connection))
            after = _allowed(self.declared.catalogue, before, request)
            differences = tuple(_of(owner, after, before))
            chosen = [domain for domain in self.declared.domains if owner in (None, domain)]
            there = [key.name for key in before if key.kind == "table"]
            rows = [] if request.only else list(missing_rows(connection, chosen, there))
            if not differences and not rows:
                return None
            tables = [table for domain in chosen for table in domain.tables]
            operations = TableOperations(connection, tables, differences, every=owner is None)
            disturbed = operations.disturbed(before)
            frozen = snapshot(
                Changes(before, after, differences, dependencies, disturbed),
                [item for domain in self.declared.domains for item in domain.objects()],
            )
            revision = request.revision or self._next(request)
            message = request.message or (owner.purpose if owner else revision)
            files = self._save(revision, message, operations, frozen, rows, differences)
        self._prove(revision, before, after, owner)
        return Written(revision, files, differences)

    def left(self) -> list[Difference]:
        """What still separates the scratch database from the declarations."""
        return diff(self.declared.catalogue, self._read())

    def _next(self, request: Request) -> str:
        numbers = [int(found[0]) for s in config.scripts().walk_revisions() if (found := re.match(r"\d+", s.revision))]
        slug = re.sub(r"[^a-z0-9]+", "_", (request.domain or request.message or "changes").lower()).strip("_")
        return f"{max(numbers, default=0) + 1:04d}_{slug}"[:LONGEST_ID].rstrip("_")

    def _save(
        self,
        revision: str,
        message: str,
        operations: TableOperations,
        frozen: Snapshot,
        rows: list[ReferenceRows],
        differences: tuple[Difference, ...],
    ) -> tuple[Path, ...]:
        if len(revision) > LONGEST_ID:
            raise MigrationError(f"The revision identifier {revision!r} is longer than {LONGEST_ID} characters.")
        folder = config.script_directory() / SNAPSHOTS / revision
        enums = list(enum_operations(differences))
        up: list[MigrateOperation] = [forth for forth, _ in enums] + operations.up
        down: list[MigrateOperation] = _without_idle(operations.down) + [back for _, back in reversed(enums)]
        imports: set[str] = set()
        wrapped_up = [
            *([ClearSnapshotOp(revision)] if frozen.clear else []),
            *up,
            *([ApplySnapshotOp(revision)] if frozen.files else []),
            *(InsertRowsOp(revision, item.table.name) for item in rows),
        ]
        wrapped_down = [
            *([RevertSnapshotOp(revision)] if frozen.down else []),
            *_with_deletions(down, revision, rows),
            *([RestoreSnapshotOp(revision)] if frozen.restore else []),
        ]
        upgrades = render_operations(operations.context, wrapped_up, imports)
        downgrades = render_operations(operations.context, wrapped_down, imports)
        script = config.scripts().generate_revision(
            revision,
            message,
            upgrades=_indented(upgrades),
            downgrades=_indented(downgrades),
            imports="\n".join(sorted(imports)),
            contents="\n".join(_contents(differences)),
        )
        assert script is not None
        path = Path(script.path)
        format_revision(path)
        if folder.exists():
            shutil.rmtree(folder)
        texts = {**frozen.files, CLEAR: frozen.clear, DOWN: frozen.down, RESTORE: frozen.restore}
        for item in rows:
            texts[InsertRowsOp(revision, item.table.name).file] = item.insert
            texts[DeleteRowsOp(revision, item.table.name).file] = item.delete
        written = [path]
        for name, sql in texts.items():
            if sql:
                folder.mkdir(exist_ok=True)
                (folder / name).write_text(sql, "utf-8")
                written.append(folder / name)
        return tuple(written)

    def _prove(self, revision: str, before: Catalogue, after: Catalogue, owner: Domain | None) -> None:
        """Run the revision up, down and up again on the scratch database, and compare after each step."""
        commands.upgrade(self.url, revision)
        reached = self._read()
        _demand(
            list(_of(owner, after, reached)),
            f"Revision {revision} is written, and leaves what it does not know how to change:",
        )
        commands.downgrade(self.url, "-1")
        _demand(diff(before, self._read()), f"Revision {revision} is written, and its way down does not lead back:")
        commands.upgrade(self.url, revision)

    def _read(self) -> Catalogue:
        with self._engine.connect() as connection:
            return read_catalogue(connection)


def _demand(left: list[Difference], message: str) -> None:
    if left:
        listed = "\n".join(f"  - {d}\n      expected: {d.expected}\n      actual:   {d.actual}" for d in left)
        raise MigrationError(
            f"{message}\n{listed}\n", remedy="Complete the revision by hand, then run hedgerow db check"
        )


def _allowed(declared: Catalogue, before: Catalogue, request: Request) -> Catalogue:
    """The declared catalogue, but what the request holds back stays as it is in the database."""
    if not request.hold and not request.only:
        return declared
    request = replace(request, hold=(*request.hold, *_speaking_of_held_values(declared, request)))
    result: dict[Key, Entry] = {}
    for key in declared.keys() | before.keys():
        held = not _wanted(declared.get(key) or before[key], request)
        if (entry := (before if held else declared).get(key)) is not None:
            result[key] = entry
    for key in declared:
        if key.kind == "enum":
            result[key] = _with_wanted_values(declared[key], before.get(key), request)
            if not labels(result[key].definition):
                del result[key]
    return result


def _speaking_of_held_values(declared: Catalogue, request: Request) -> Iterator[str]:
    kinds = ("view", "materialized view", "function", "index", "trigger", "policy")
    for value in (name.partition(".")[2] for name in request.hold if name.startswith("enum ")):
        for key, entry in declared.items():
            if key.kind in kinds and f"'{value}'" in entry.definition:
                yield str(key)


def _wanted(entry: Entry, request: Request) -> bool:
    """Whether the request brings an object. Naming what it belongs to names it; functions go without arguments."""
    names = {str(entry.key), entry.parent, str(entry.key).partition("(")[0], entry.parent.partition("(")[0]}
    return names.isdisjoint(request.hold) and (not request.only or not names.isdisjoint(request.only))


def _with_wanted_values(entry: Entry, before: Entry | None, request: Request) -> Entry:
    there = labels(before.definition) if before else []
    whole = _wanted(entry, request)
    kept = []
    for value in labels(entry.definition):
        name = f"{entry.key}.{value}"
        if value in there or name in request.only or (whole and name not in request.hold):
            kept.append("'" + value.replace("'", "''") + "'")
    return Entry(entry.key, entry.parent, ", ".join(kept))


def _owns(domain: Domain, entry: Entry) -> bool:
    """Whether an object of the database belongs to ``domain``."""
    kind, _, name = entry.parent.partition(" ")
    match kind:
        case "table" if name.startswith("app."):
            # No model's: they come with the schema.
            return domain.before_tables
        case "table":
            return any(name == table.name for table in domain.tables)
        case "sequence":
            # Named after the column that it serves; the name of one table may begin like that of another.
            return any(name == f"{column.table.name}_{column.name}_seq" for t in domain.tables for column in t.columns)
        case "view":
            return any(name == view.name for view in domain.views)
        case "function":
            return any(name.startswith(f"{function.qualified}(") for function in domain.functions)
        case "type":
            return name in domain.enums
        case _:
            # Extension and schemas.
            return domain.before_tables


def _of(domain: Domain | None, expected: Catalogue, actual: Catalogue) -> Iterator[Difference]:
    """The differences in what belongs to ``domain``; all of them for None."""
    for difference in diff(expected, actual):
        if domain is None or _owns(domain, expected.get(difference.key) or actual[difference.key]):
            yield difference


def _without_idle(operations: list[MigrateOperation]) -> list[MigrateOperation]:
    """Leave out the dropping of indexes whose table is dropped next."""
    dropped = {operation.table_name for operation in operations if isinstance(operation, ops.DropTableOp)}
    return [o for o in operations if not (isinstance(o, ops.DropIndexOp) and o.table_name in dropped)]


def _with_deletions(
    operations: list[MigrateOperation], revision: str, rows: list[ReferenceRows]
) -> Iterator[MigrateOperation]:
    """Delete reference rows right before their table goes, when nothing refers to them any more."""
    waiting = {item.table.name for item in rows}
    dropped = {operation.table_name for operation in operations if isinstance(operation, ops.DropTableOp)}
    for item in reversed(rows):
        if item.table.name not in dropped:
            yield DeleteRowsOp(revision, item.table.name)
    for operation in operations:
        if isinstance(operation, ops.DropTableOp) and operation.table_name in waiting:
            yield DeleteRowsOp(revision, operation.table_name)
        yield operation


def _indented(code: str) -> str:
    return code.replace("\n", "\n    ") if code else "pass"


def _contents(differences: tuple[Difference, ...]) -> Iterator[str]:
    """What a revision brings, a line for each kind of object."""
    titles = {"enum": "Enum types", "table": "Tables", "view": "Views", "function": "Functions"}
    for change, verb in (("missing", "New"), ("changed", "Changed"), ("unexpected", "Dropped")):
        for kind, title in titles.items():
            names = [d.key.name.partition("(")[0] for d in differences if d.change == change and d.key.kind == kind]
            if names:
                yield textwrap.fill(f"{verb} {title.lower()}: {', '.join(names)}.", 110, break_on_hyphens=False)
