"""How a statement is rendered: each scoped relation restricted, each write guarded.

A mixin over the PostgreSQL compilers of psycopg and asyncpg. It never sees a scope: what it renders are required
bind parameters, so that the compiled statement can be cached and shared. What has to be looked at when the
statement runs is left in :class:`Facts`.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    ColumnElement,
    quoted_name,
)
from sqlalchemy.sql.expression import FromClause, TableClause
from sqlalchemy.sql.selectable import AliasedReturnsRows
from sqlalchemy.types import Boolean

from hedgerow.core.errors import AppendOnlyError, CrossTenantError, RawSQLError, ScopeError, SplitAccessError
from hedgerow.core.filter import inserts, rawsql
from hedgerow.core.filter.facts import Check, Facts
from hedgerow.core.filter.grouping import dependent_columns
from hedgerow.core.filter.opened import FILTER_CLAIMS, INCLUDE_DELETED
from hedgerow.core.filter.registry import Entry, ScopeRegistry, folded
from hedgerow.core.predicate import DELETED_AT, ScopeRule, scope_predicate

_INNER = "scoped"

#: Stands before the target of a DELETE that is an UPDATE to the database, until the statement is whole.
_SOFTLY = "\ue002"


class TargetPredicate(ColumnElement[bool]):
    """The scope predicate of the table that an UPDATE or DELETE writes to."""

    __visit_name__ = "hedgerow_target_predicate"
    inherit_cache = False

    def __init__(self, target: FromClause, entry: Entry) -> None:
        self.target, self.entry, self.type = target, entry, Boolean()

    def self_group(self, against: Any = None) -> TargetPredicate:
        return self  # rendered in parentheses


class FilterCompiler(PGCompiler):
    """Mixin: renders statements inside a scope. Needs ``dialect.hedgerow`` (see ``install_filter``)."""

    hedgerow: Facts

    def __init__(self, dialect: Any, statement: Any, *args: Any, **kw: Any) -> None:
        self.hedgerow = Facts()
        # Only whole statements are marked and scanned; without one this compiler serves the DDL compiler.
        self._mark = f"\ue000{secrets.token_hex(8)}\ue001" if statement is not None else None
        super().__init__(dialect, statement, *args, **kw)
        if self._mark is not None and hasattr(self, "string"):
            self._finish(self._mark)

    @property
    def _registry(self) -> ScopeRegistry:
        registry: ScopeRegistry = self.dialect.hedgerow.registry  # type: ignore[attr-defined]
        return registry

    # -- the finished statement -------------------------------------------------------------------------------

    @property
    def preparer(self) -> Any:
        return self._preparer

    @preparer.setter
    def preparer(self, preparer: Any) -> None:
        mark = getattr(self, "_mark", None)
        if mark is not None and not getattr(preparer, "hedgerow_marks", False):
            preparer = rawsql.marking(preparer, mark, self._registry.relation_names())
        self._preparer = preparer

    def _finish(self, mark: str) -> None:
        facts = self.hedgerow
        found = rawsql.scan(self.string, self._registry.relation_names(), mark)
        facts.raw = facts.raw or found
        self.string = self.string.replace(mark, "")
        batches = self._insertmanyvalues
        if batches is not None:
            self._insertmanyvalues = batches._replace(
                single_values_expr=batches.single_values_expr.replace(mark, ""),
                insert_crud_params=[
                    (column, name.replace(mark, ""), value.replace(mark, ""), keys)
                    for column, name, value, keys in batches.insert_crud_params
                ],
            )
        if self._pre_expanded_string is not None:
            self._pre_expanded_string = self._pre_expanded_string.replace(mark, "")
        for bind, name in self.bind_names.items():
            facts.names.setdefault(bind.key, []).append(name)

    def render_literal_value(self, value: Any, type_: Any) -> str:
        parent: Any = super()
        text: str = parent.render_literal_value(value, type_)
        if self._mark is None:
            return text
        return rawsql.mark_words(text, self._registry.relation_names(), self._mark)

    def visit_function(self, func: Any, add_to_result_map: Any = None, **kwargs: Any) -> str:
        name = folded(str(func.name))
        if name in rawsql.FORBIDDEN:
            self.hedgerow.raw = name
        return super().visit_function(func, add_to_result_map, **kwargs)

    # -- reading ----------------------------------------------------------------------------------------------

    def visit_table(
        self,
        table: Any,
        asfrom: bool = False,
        iscrud: bool = False,
        ashint: bool = False,
        fromhints: Any = None,
        use_schema: bool = True,
        from_linter: Any = None,
        ambiguous_table_name_map: Any = None,
        enclosing_alias: Any = None,
        within_tstring: bool = False,
        hedgerow_target: bool = False,
        **kwargs: Any,
    ) -> str:
        parent: Any = super()
        entry = self._restricted(table) if (asfrom or within_tstring) and not ashint else None
        if entry is None or hedgerow_target:
            plain: str = parent.visit_table(
                table,
                asfrom=asfrom,
                iscrud=iscrud,
                ashint=ashint,
                fromhints=fromhints,
                use_schema=use_schema,
                from_linter=from_linter,
                ambiguous_table_name_map=ambiguous_table_name_map,
                enclosing_alias=enclosing_alias,
                within_tstring=within_tstring,
                **kwargs,
            )
            return plain
        if fromhints and table in fromhints:
            raise _hint_refused(entry)
        name = parent.visit_table(table, asfrom=True, use_schema=use_schema, from_linter=from_linter)
        body = self._body(table, entry, name)
        if enclosing_alias is not None and enclosing_alias.element is table:
            return body
        alias = table.name
        if ambiguous_table_name_map and alias in ambiguous_table_name_map and "." not in name:
            alias = self._truncated_identifier("alias", ambiguous_table_name_map[alias])
        return f"{body} AS {self.preparer.quote(alias)}"

    def visit_tablesample(self, tablesample: Any, asfrom: bool = False, **kw: Any) -> str:
        parent: Any = super()
        table = tablesample.element
        while isinstance(table, AliasedReturnsRows):
            table = table.element
        entry = self._restricted(table)
        if entry is None:
            plain: str = parent.visit_tablesample(tablesample, asfrom=asfrom, **kw)
            return plain
        # PostgreSQL samples tables, not sub-selects: sample first, then restrict, as row-level security does.
        enclosing, linter = kw.get("enclosing_alias"), kw.get("from_linter")
        sample = f" TABLESAMPLE {self.process(tablesample._get_method())}"
        if tablesample.seed is not None:
            sample += f" REPEATABLE ({self.process(tablesample.seed)})"
        body = self._body(table, entry, parent.visit_table(table, asfrom=True), sample)
        name = self._name_of(tablesample)
        if linter:
            linter.froms[tablesample._de_clone()] = name
        if enclosing is not None and enclosing.element is tablesample:
            return body
        return f"{body} AS {self.preparer.quote(name)}"

    def format_from_hint_text(self, sqltext: str, table: Any, hint: str, iscrud: bool) -> str:
        entry = self._registry.entry(table)
        if entry is not None:
            raise _hint_refused(entry)
        parent: Any = super()
        text: str = parent.format_from_hint_text(sqltext, table, hint, iscrud)
        return text

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super().visit_column(column, *args, **kwargs)
        table = column.table
        if isinstance(table, TableClause) and self._registry.entry(table) is not None:
            schema = self.preparer.schema_for_object(table)
            # A restricted relation stands in FROM under its bare name.
            if schema and text.startswith(prefix := self.preparer.quote_schema(schema) + "."):
                return text[len(prefix) :]
        return text

    def group_by_clause(self, select: Any, **kw: Any) -> str:
        parent: Any = super()
        text: str = parent.group_by_clause(select, **kw)
        # GROUP BY a primary key lets PostgreSQL select the other columns of a table, but not those of the
        # sub-select that stands for it: name them. They depend on the key, so the groups stay the same.
        dependent = dependent_columns(select, self._registry) if text else []
        return ", ".join([text, *(self.process(column, **kw) for column in dependent)])

    def visit_binary(self, binary: Any, *args: Any, **kw: Any) -> str:
        parent: Any = super()
        text: str = parent.visit_binary(binary, *args, **kw)
        if binary.operator in (operators.eq, operators.in_op):
            self._note_request(binary)
        return text

    def _note_request(self, binary: BinaryExpression[Any]) -> None:
        for column, value in ((binary.left, binary.right), (binary.right, binary.left)):
            value = getattr(value, "element", value) if not isinstance(value, BindParameter) else value
            if isinstance(value, BindParameter) and isinstance(column, ColumnElement):
                for root in column.base_columns:
                    entry = self._registry.entry(getattr(root, "table", None))
                    if entry is not None and getattr(root, "name", None) == entry.rule.split_column:
                        self.hedgerow.checks.append(Check("request", entry.name, value.key, entry.rule.artefact))

    def _restricted(self, table: Any) -> Entry | None:
        while isinstance(table, AliasedReturnsRows):
            table = table.element
        if not isinstance(table, TableClause):
            return None
        if self._registry.lacks_rule(table) or folded(table.name) in rawsql.FORBIDDEN_RELATIONS:
            raise ScopeError(
                "the relation holds rows of every tenant, and nothing says how to restrict it",
                remedy="declare a ScopeRule in its info, or leave it out of the statement",
                table=table.name,
            )
        entry = self._registry.entry(table)
        if entry is not None:
            self.hedgerow.relations[entry.name] = entry.rule.only_split
        return entry

    def _body(self, table: TableClause, entry: Entry, name: str, sample: str = "") -> str:
        # System columns are no part of `*`; a mapper may version rows by xmin.
        system = [self.preparer.quote(column.name) for column in table.c if getattr(column, "system", False)]
        columns = ", ".join(["*", *system])
        return f"(SELECT {columns} FROM {name} AS {_INNER}{sample} WHERE {self._predicate(entry, _INNER)})"

    def _predicate(self, entry: Entry, name: str, rule: ScopeRule | None = None) -> str:
        relation = entry.table.alias(quoted_name(name, None))
        inside = scope_predicate(relation, rule or entry.rule, FILTER_CLAIMS)
        if entry.soft_delete:
            inside = and_(inside, or_(relation.c[DELETED_AT].is_(None), INCLUDE_DELETED))
        return self.process(inside)

    def _name_of(self, relation: Any) -> str:
        name = relation.name
        return self._truncated_identifier("alias", name) if hasattr(name, "apply_map") else name

    # -- writing ----------------------------------------------------------------------------------------------

    def visit_hedgerow_target_predicate(self, element: TargetPredicate, **kw: Any) -> str:
        # Artefacts of earlier splits are read, and written by their own split only; so are rows of all tenants.
        rule = replace(element.entry.rule, artefact=False, shared=False)
        return f"({self._predicate(element.entry, self._name_of(element.target), rule)})"

    def visit_hedgerow_value(self, element: inserts.WrittenValue, **kw: Any) -> str:
        if isinstance(element.element, BindParameter):
            entry = element.entry
            self.hedgerow.checks.append(Check(element.kind, entry.name, element.element.key))
            return self.process(element.element, **kw)
        return inserts.checked_expression(self, element, **kw)

    def update_tables_clause(self, update_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> str:
        parent: Any = super()
        text: str = parent.update_tables_clause(update_stmt, from_table, extra_froms, hedgerow_target=True, **kw)
        return text

    def delete_table_clause(self, delete_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> str:
        parent: Any = super()
        text: str = parent.delete_table_clause(delete_stmt, from_table, extra_froms, hedgerow_target=True, **kw)
        if self._deletes_softly(delete_stmt):
            known = f"{self.preparer.quote(self._name_of(from_table))}.{DELETED_AT}"
            return f"{_SOFTLY}{text} SET {DELETED_AT} = coalesce({known}, now())"
        return text

    def delete_extra_from_clause(self, delete_stmt: Any, *args: Any, **kw: Any) -> str:
        parent: Any = super()
        text: str = parent.delete_extra_from_clause(delete_stmt, *args, **kw)
        return text.replace("USING", "FROM", 1) if self._deletes_softly(delete_stmt) else text

    def _deletes_softly(self, delete_stmt: Any) -> bool:
        entry = self._registry.entry(delete_stmt.table)
        return entry is not None and entry.soft_delete

    def visit_update(self, update_stmt: Any, visiting_cte: Any = None, **kw: Any) -> str:
        target = update_stmt._annotations.get("_emit_update_table", update_stmt.table)
        entry = self._restricted(target)
        if entry is not None:
            self._written(entry, "changed")
            # An UPDATE inside of a CTE takes the parameters of the whole statement, too.
            keys = inserts.written_keys(update_stmt, self.column_keys)
            self._refuse_moves(entry, {inserts.column_name(update_stmt, target, key) for key in keys})
            update_stmt = update_stmt.where(TargetPredicate(target, entry))
        parent: Any = super()
        text: str = parent.visit_update(update_stmt, visiting_cte=visiting_cte, **kw)
        return text

    def visit_delete(self, delete_stmt: Any, visiting_cte: Any = None, **kw: Any) -> str:
        entry = self._restricted(delete_stmt.table)
        if entry is not None:
            self._written(entry, "deleted")
            delete_stmt = delete_stmt.where(TargetPredicate(delete_stmt.table, entry))
        parent: Any = super()
        text: str = parent.visit_delete(delete_stmt, visiting_cte=visiting_cte, **kw)
        # The row stays, with the moment of its deletion. To the ORM it is a DELETE like any other.
        return text.replace(f"DELETE FROM {_SOFTLY}", "UPDATE ")

    def visit_insert(self, insert_stmt: Any, visited_bindparam: Any = None, visiting_cte: Any = None, **kw: Any) -> str:
        target = insert_stmt._annotations.get("_emit_insert_table", insert_stmt.table)
        entry = self._restricted(target)
        if entry is not None:
            insert_stmt = inserts.stamp(
                self, insert_stmt, target, entry, toplevel=not self.stack and visiting_cte is None
            )
        parent: Any = super()
        text: str = parent.visit_insert(
            insert_stmt, visited_bindparam=visited_bindparam, visiting_cte=visiting_cte, **kw
        )
        return text

    def visit_on_conflict_do_update(self, on_conflict: Any, **kw: Any) -> str:
        statement: Any = self.stack[-1]["selectable"]
        target = statement.table
        entry = self._registry.entry(target)
        if entry is not None:
            self._written(entry, "changed")
            moved = {inserts.key_name(key): value for key, value in dict(on_conflict.update_values_to_set).items()}
            tenant = moved.pop(entry.rule.tenant_column, None)
            if tenant is not None and not inserts.is_excluded(tenant, entry.rule.tenant_column):
                self._refuse_moves(entry, {entry.rule.tenant_column})
            self._refuse_moves(entry, set(moved))
            guarded = on_conflict._clone()
            where, own = on_conflict.update_whereclause, TargetPredicate(target, entry)
            guarded.update_whereclause = own if where is None else and_(where, own)
            on_conflict = guarded
        parent: Any = super()
        text: str = parent.visit_on_conflict_do_update(on_conflict, **kw)
        return text

    def _written(self, entry: Entry, verb: str) -> None:
        if entry.append_only:
            raise AppendOnlyError(
                f"rows of an append-only table are never {verb}",
                remedy="write a new row that corrects or supersedes the old one",
                table=entry.name,
            )

    def _refuse_moves(self, entry: Entry, columns: set[str | None]) -> None:
        if entry.rule.tenant_column in columns:
            raise CrossTenantError(
                f"{entry.rule.tenant_column} of an existing row is never set",
                remedy=f"leave {entry.rule.tenant_column} out of SET; copy the data into a new row if it must move",
                table=entry.name,
            )
        if entry.rule.split_column is not None and entry.rule.split_column in columns:
            raise SplitAccessError(
                f"{entry.rule.split_column} of an existing row is never set: a patient stays in its split",
                remedy=f"leave {entry.rule.split_column} out of SET",
                table=entry.name,
            )


def _hint_refused(entry: Entry) -> RawSQLError:
    return RawSQLError(
        "a hint on a scoped relation is refused",
        remedy="leave the hint out; the relation is read through a restricted sub-select",
        table=entry.name,
    )
