"""The schema reference, generated: one page a domain, and the place of every name.

What comes in: declared tables, enums, views and functions. What goes out: the pages of ``docs/reference`` and the
answers of ``hedgerow where``. Both read declarations only, so they need no database.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from hedgerow.core.base import summary, view_metadata
from hedgerow.core.objects import Domain, Function, SplitView, View
from hedgerow.core.predicate import ScopeRule, scope_rule
from hedgerow.core.wall import row_security
from hedgerow.registry import domains

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table, view, enum or function lives.

    :ivar name: its name in the database.
    :ivar kind: ``table``, ``view``, ``enum`` or ``function``.
    :ivar domain: the domain that owns it.
    :ivar model: ``path:line`` of its Python class, None for functions and generated split views.
    :ivar cls: name of that class, None where it has none of its own.
    :ivar sql: path of its SQL source, None where it is generated from a model.
    :ivar revision: revision that created it, None before there is one.
    :ivar policies: names of the policies on it; for a view, those of its caller apply.
    :ivar tests: test files that name it.
    :ivar page: page of the reference.
    """

    name: str
    kind: str
    domain: str
    model: str | None = None
    cls: str | None = None
    sql: str | None = None
    revision: str | None = None
    policies: tuple[str, ...] = ()
    tests: tuple[str, ...] = field(default=())
    page: str = ""


def places() -> Iterator[Place]:
    """Every table, view, enum and function with its place, domain by domain."""
    for domain in domains():
        for table in domain.tables:
            policies = tuple(o.name.partition(".")[2] for o in row_security(table) if o.kind == "policy")
            cls = table.info["hedgerow.model"]
            yield _place(domain, "table", table.name, model=_source(cls), cls=cls.__name__, policies=policies)
        for name, enum in domain.enums.items():
            yield _place(domain, "enum", name, model=_source(enum), cls=enum.__name__)
        for view in domain.views:
            relation = view_metadata.tables.get(view.name)
            # A split view has no class of its own in the source: its columns are those of the table's.
            cls = None if relation is None else relation.info.get("hedgerow.split_of", relation.info["hedgerow.model"])
            model = None if cls is None else _source(cls)
            own = None if cls is None or isinstance(view, SplitView) else cls.__name__
            yield _place(domain, "view", view.name, model=model, cls=own, sql=_sql_path(domain, view))
        for function in domain.functions:
            yield _place(domain, "function", function.name, sql=_sql_path(domain, function))


def plain_enum(name: str) -> Place | None:
    """The place of an enum class that columns hold as text with a CHECK, and that has no type in the database."""
    for domain in domains():
        for table in domain.tables:
            for column in table.columns:
                cls = getattr(column.type, "enum_class", None)
                if cls is not None and cls.__name__ == name:
                    # The first column that uses it: an enum of the core belongs to no domain of its own.
                    used = f"{table.name}.{column.name}"
                    return _place(domain, "enum of column", used, model=_source(cls), cls=name)
    return None


def pages() -> dict[str, str]:
    """File name -> text of every page of the reference."""
    built = [domain for domain in domains() if domain.tables or domain.functions]
    index = ["# Schema reference", "", "Generated from the declarations: `make docs`. Do not edit.", ""]
    index += [f"- [{domain.name}]({domain.name}.md): {domain.purpose}" for domain in built]
    return {"index.md": "\n".join(index) + "\n"} | {f"{domain.name}.md": _page(domain) for domain in built}


def _place(domain: Domain, kind: str, name: str, **known: object) -> Place:
    return Place(
        name=name,
        kind=kind,
        domain=domain.name,
        revision=_revision(kind, name),
        tests=_tests(name),
        page=f"docs/reference/{domain.name}.md",
        **known,  # type: ignore[arg-type]
    )


def _source(cls: type) -> str:
    path = Path(inspect.getsourcefile(cls) or "")
    return f"{_relative(path)}:{inspect.getsourcelines(cls)[1]}"


def _sql_path(domain: Domain, item: Function | View | SplitView) -> str | None:
    if isinstance(item, SplitView):
        return None
    kind = "function" if isinstance(item, Function) else "view"
    return f"src/{domain.package.replace('.', '/')}/sql/{kind}_{item.name}.sql"


def _relative(path: Path) -> str:
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else str(path)


def _revision(kind: str, name: str) -> str | None:
    """The first revision that creates the object: its snapshot, or the code that creates the table or type."""
    from hedgerow.migrations.config import script_directory

    scripts = script_directory()
    for snapshot in sorted((scripts / "snapshots").glob(f"*/[0-9]*_{kind}_*{name}.sql")):
        if re.fullmatch(rf"\d+_{kind}_(app_)?{name}", snapshot.stem):
            return snapshot.parent.name
    creates = re.compile(rf"""op\.create_(table|enum)\(\s*["']{name}["']""")
    for revision in sorted((scripts / "versions").glob("*.py")):
        if creates.search(revision.read_text("utf-8")):
            return revision.stem
    return None


def _tests(name: str) -> tuple[str, ...]:
    tests = _ROOT / "tests"
    word = re.compile(rf"\b{re.escape(name)}\b")
    return tuple(_relative(path) for path in sorted(tests.rglob("*.py")) if word.search(path.read_text("utf-8")))


def _page(domain: Domain) -> str:
    lines = [f"# {domain.name}", "", f"{domain.purpose}.", ""]
    for table in domain.tables:
        lines += [f"## `{table.name}`", "", table.comment or "", "", *_promises(table), ""]
        lines += ["| column | type | null | default | meaning |", "|---|---|---|---|---|"]
        lines += [_column(column) for column in table.columns]
        lines.append("")
    if domain.enums:
        lines += ["## Enums", ""]
        for name, enum in domain.enums.items():
            labels = ", ".join(f"`{member.value}`" for member in enum)  # type: ignore[attr-defined]
            lines.append(f"- **`{name}`**: {summary(enum)} Labels: {labels}.")
        lines.append("")
    if domain.views:
        lines += ["## Views", ""]
        lines += [f"- **`{view.name}`**: {_header(domain.sql(view))}" for view in domain.views]
        lines.append("")
    if domain.functions:
        lines += ["## Functions", ""]
        lines += [f"- **`{f.qualified}`**: {_header(domain.sql(f))}" for f in domain.functions]
        lines.append("")
    return "\n".join(lines)


def _promises(table: Table) -> list[str]:
    rule = scope_rule(table)
    promises = [_division(rule) if rule else "Global: the same rows for every tenant."]
    if table.info.get("hedgerow.append_only"):
        promises.append("Append-only: UPDATE, DELETE and TRUNCATE are refused.")
    if table.info.get("hedgerow.soft_delete"):
        promises.append("Soft delete: `deleted_at` marks a row as absent.")
    privileges = ", ".join(table.info["hedgerow.model"].__app_privileges__)
    return [f"*{' '.join(promises)} Sessions may {privileges}.*"]


def _division(rule: ScopeRule) -> str:
    text = f"Divided by `{rule.tenant_column}`"
    if rule.split_column:
        text += f" and `{rule.split_column}`" + (" where it is not NULL" if rule.partial else "")
    if rule.event_time:
        text += f", in the window of {' or '.join(f'`{name}`' for name in rule.event_time)}"
    return text + "."


def _column(column: Column[object]) -> str:
    default = getattr(getattr(column.server_default, "arg", None), "text", None) or getattr(
        column.server_default, "arg", ""
    )
    kind = column.type.compile(_DIALECT)
    shown = f"`{default}`" if default != "" else ""
    meaning = (column.comment or "").replace("|", "\\|")
    return f"| `{column.name}` | {kind} | {'yes' if column.nullable else ''} | {shown} | {meaning} |"


def _header(sql: str) -> str:
    """The header comment of an SQL file as one line."""
    header = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        header.append(line.removeprefix("--").strip())
    return " ".join(header).replace("|", "\\|")
