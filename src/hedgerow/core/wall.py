"""Lock 2, the wall: row-level security and grants, rendered from the same rule as the filter.

A table's tenant-and-split predicate is declared once (:class:`~hedgerow.core.predicate.ScopeRule`), is row-local,
and is rendered here for PostgreSQL: each claim of the scope is read in an uncorrelated sub-select, so that it is
evaluated once per statement and the tenant-leading index is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import ColumnElement, Table, literal_column, or_
from sqlalchemy.dialects import postgresql

from hedgerow.core.objects import DbObject, quote
from hedgerow.core.predicate import Claims, ScopeRule, scope_predicate, scope_rule
from hedgerow.core.roles import APP_ROLE, AUDITOR_ROLE, READONLY_ROLE
from hedgerow.core.scope import CLOSED_SPLITS, Split

TENANT_POLICY = "tenant_isolation"
AUDIENCE_POLICY = "tenant_members"
AUDIENCE_INFO = "hedgerow.audience"
UNSEALED_INFO = "hedgerow.unsealed"

WALL_CLAIMS = Claims(
    tenant=literal_column("(SELECT app.current_tenant())"),
    windows=literal_column("(SELECT app.current_windows())"),
    tied=True,
)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who, within the tenant and split, may do what: a permissive policy on top of the restrictive tenant policy.

    A model names its audiences in ``__audience__``; what any of them allows is allowed. The SQL may look at other
    tables, whose own policies then decide what it finds. Only the wall knows audiences: the filter restricts to
    tenant and splits.

    :ivar name: name of the policy.
    :ivar using: SQL of the rows that exist for the audience.
    :ivar check: SQL that new rows must satisfy; None for the same as ``using``.
    :ivar command: the command it speaks of.
    """

    name: str
    using: str
    check: str | None = None
    command: Literal["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"] = "ALL"

    def on(self, table: Table) -> DbObject:
        clauses = []
        if self.command != "INSERT":
            clauses.append(f"    USING ({self.using})")
        if self.command in ("ALL", "INSERT", "UPDATE"):
            clauses.append(f"    WITH CHECK ({self.check or self.using})")
        return _policy(table, self.name, f"AS PERMISSIVE FOR {self.command} TO PUBLIC", clauses)


EVERY_MEMBER = Audience(AUDIENCE_POLICY, "true")
"""The audience of a table that names none: whoever holds the tenant's scope."""


def row_security(table: Table) -> Iterator[DbObject]:
    """Row-level security of one table; nothing for a table that belongs to no tenant.

    FORCE makes it hold for the owner too. The tenant policy is RESTRICTIVE, so that no permissive policy can widen
    it, and a table without an audience shows nothing.
    """
    rule = scope_rule(table)
    if rule is None:
        return
    yield DbObject(
        "row_security",
        table.name,
        f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;\nALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;",
        f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY;\nALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY;",
    )
    seen = sql_text(scope_predicate(table, rule, WALL_CLAIMS))
    # Time decides what is seen, not what may be written: a patient's later events must be storable before their
    # window opens, or they would be lost. Artefacts of earlier splits are seen, but written by their own split only,
    # or later splits could write to earlier ones.
    own = scope_predicate(table, replace(rule, event_time=(), artefact=False, shared=False), WALL_CLAIMS)
    written = sql_text(or_(table.c[rule.tenant_column].is_(None), own) if rule.shared else own)
    yield _policy(
        table,
        TENANT_POLICY,
        "AS RESTRICTIVE FOR ALL TO PUBLIC",
        [f"    USING ({seen})", f"    WITH CHECK ({written})"],
    )
    if rule.shared:
        yield from _written_by_tenant(table, sql_text(own))
    if rule.artefact:
        for command in ("UPDATE", "DELETE"):
            yield _policy(
                table,
                f"own_split_{command.lower()}",
                f"AS RESTRICTIVE FOR {command} TO PUBLIC",
                [f"    USING ({written})"],
            )
    if "hedgerow.written_from" in table.info:
        yield from _written_from(table, rule, table.info["hedgerow.written_from"])
    if UNSEALED_INFO in table.info:
        yield from _written_unsealed(table, rule)
    for audience in table.info.get(AUDIENCE_INFO, (EVERY_MEMBER,)):
        yield audience.on(table)


def _written_by_tenant(table: Table, own: str) -> Iterator[DbObject]:
    """Sessions write their tenant's rows; what belongs to all tenants is left to the owner of the schema."""
    for command, clauses in (
        ("INSERT", [f"    WITH CHECK ({own})"]),
        ("UPDATE", [f"    USING ({own})", f"    WITH CHECK ({own})"]),
        ("DELETE", [f"    USING ({own})"]),
    ):
        yield _policy(table, f"own_tenant_{command.lower()}", f"AS RESTRICTIVE FOR {command} TO {APP_ROLE}", clauses)


def _written_from(table: Table, rule: ScopeRule, splits: tuple[str, ...]) -> Iterator[DbObject]:
    """Writing takes a scope that holds none but ``splits``: what is written cannot have seen another one."""
    only = _tied(rule, f"s.splits <@ ARRAY[{', '.join(quote(split) for split in splits)}]")
    for command, clauses in (
        ("INSERT", [f"    WITH CHECK ({only})"]),
        ("UPDATE", [f"    USING ({only})"]),
        ("DELETE", [f"    USING ({only})"]),
    ):
        name = f"written_from_{'_'.join(splits)}_{command.lower()}"
        yield _policy(table, name, f"AS RESTRICTIVE FOR {command} TO PUBLIC", clauses)


def _written_unsealed(table: Table, rule: ScopeRule) -> Iterator[DbObject]:
    """What every scope reads is written by sessions that hold no sealed split: they cannot have seen one.

    Sessions alone: the owner of the schema loads and migrates, in whatever scope. Rows with a split are held by it; of
    such a table only INSERT is narrowed, so that its triggers may still arrange rows, and its model has to fix whatever
    could be rewritten.
    """
    sealed = f"ARRAY[{', '.join(quote(split.value) for split in Split if split in CLOSED_SPLITS)}]"
    only = _tied(rule, f"NOT s.splits && {sealed}")
    clauses = {
        "INSERT": [f"    WITH CHECK ({f'split_assignment IS NOT NULL OR {only}' if rule.partial else only})"],
        "UPDATE": [f"    USING ({only})"],
        "DELETE": [f"    USING ({only})"],
    }
    for command in clauses if not rule.partial else ("INSERT",):
        if command in table.info["hedgerow.model"].__app_privileges__:
            head = f"AS RESTRICTIVE FOR {command} TO {APP_ROLE}"
            yield _policy(table, f"written_unsealed_{command.lower()}", head, clauses[command])


def _tied(rule: ScopeRule, condition: str) -> str:
    """A condition on the splits ``s.splits`` of the scope, and that the row is of that very scope's tenant.

    Tenant and splits are read at once: a statement that opens another scope halfway would have them of two.
    """
    return f"{rule.tenant_column} = (SELECT s.tenant_id FROM app.current_holding() AS s WHERE {condition})"


def grants(table: Table) -> Iterator[DbObject]:
    """What each role may do with a table.

    UPDATE is granted by column, without the key, the tenant and the split: a row cannot move to another tenant or
    split even where no policy looks.
    """
    for role, privileges in privileges_of(table).items():
        for privilege in privileges:
            target = f"({', '.join(updatable_columns(table))}) " if privilege == "UPDATE" else ""
            yield DbObject(
                "grant",
                f"{privilege} on {table.name} to {role}",
                f"GRANT {privilege} {target}ON {table.name} TO {role};",
                f"REVOKE {privilege} {target}ON {table.name} FROM {role};",
            )


def privileges_of(table: Table) -> dict[str, tuple[str, ...]]:
    """The commands that a table is open to, by role.

    Sessions may do what the model says; who only reads reads what they read; the auditor reads what the model marks.
    """
    model = table.info["hedgerow.model"]
    application: tuple[str, ...] = model.__app_privileges__
    return {
        APP_ROLE: application,
        READONLY_ROLE: tuple(privilege for privilege in application if privilege == "SELECT"),
        AUDITOR_ROLE: ("SELECT",) if model.__auditor_reads__ else (),
    }


def updatable_columns(table: Table) -> list[str]:
    """Columns that an application session may change: all but key, tenant, split, computed and fixed ones."""
    rule = scope_rule(table)
    fixed = {rule.tenant_column, rule.split_column} if rule else set()
    fixed.update(table.info["hedgerow.model"].__app_fixed__)
    return [
        column.name
        for column in table.columns
        if not (column.primary_key or column.computed is not None or column.name in fixed)
    ]


def sql_text(expression: ColumnElement[bool]) -> str:
    """``expression`` as PostgreSQL text with inline literals."""
    return str(expression.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]


def _policy(table: Table, name: str, head: str, clauses: list[str]) -> DbObject:
    body = "\n".join(clauses)
    return DbObject(
        "policy",
        f"{table.name}.{name}",
        f"CREATE POLICY {name} ON {table.name} {head}\n{body};",
        f"DROP POLICY {name} ON {table.name};",
    )
