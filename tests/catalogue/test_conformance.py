"""Laws: what the catalogue says of tables, enums, views and functions is what the database has.

Facts are compared by PostgreSQL itself: each fact is built as a temporary object beside the real one, and both are
read back in PostgreSQL's own spelling, so that no test parses SQL. Where hedgerow keeps more or other than the
catalogue says, ``deviations.json`` names the fact and why; a deviation that is no longer one fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hedgerow.core.predicate import scope_rule
from hedgerow.registry import NAMES, domains

HERE = Path(__file__).parent


def _facts(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text("utf-8"))


TABLES, ENUMS, VIEWS, FUNCTIONS = (_facts(name) for name in ("tables", "enums", "views", "functions"))
DEVIATIONS: dict[str, str] = _facts("deviations")
BUILT = {table.name: table for domain in domains() for table in domain.tables}
COMPLETE = set(NAMES) - {"mlops"}
"""Domains of which nothing may be missing: all but the one whose catalogue reaches beyond this release."""

CHECKED = sorted(name for name in BUILT if name in TABLES)


def deviates(*path: str) -> bool:
    """Whether the catalogue is left here on purpose."""
    return ".".join(path) in DEVIATIONS


@pytest.fixture(scope="module")
def db(module_database: Any) -> Iterator[Connection]:
    with module_database.engine("owner").connect() as connection:
        yield connection


def rows(db: Connection, sql: str, **values: Any) -> list[Any]:
    return list(db.execute(text(sql), values))


def columns_of(db: Connection, relation: str) -> dict[str, tuple[str, bool, str | None]]:
    """name -> (type, nullable, default), as PostgreSQL spells them."""
    found = rows(
        db,
        """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
          FROM pg_attribute a
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = CAST(:relation AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum
        """,
        relation=relation,
    )
    return {name: (kind, nullable, default) for name, kind, nullable, default in found}


def as_the_catalogue_says(db: Connection, name: str) -> str:
    """A temporary table built from the facts alone; returns its name."""
    lines = []
    for column, fact in TABLES[name]["columns"].items():
        default = f" DEFAULT {fact['default']}" if "default" in fact else ""
        default = default.replace("DEFAULT GENERATED", "GENERATED")  # an identity is no default
        lines.append(f'"{column}" {fact["type"]}{default}{"" if fact["nullable"] else " NOT NULL"}')
    lines += [f"CHECK ({expression})" for expression in TABLES[name]["checks"]]
    temporary = f"fact_{name}"[:63]
    db.execute(text(f"CREATE TEMP TABLE IF NOT EXISTS {temporary} ({', '.join(lines)})".replace(":", r"\:")))
    return f"pg_temp.{temporary}"


@pytest.mark.parametrize("name", sorted(n for n, fact in TABLES.items() if fact["domain"] in COMPLETE), ids=str)
def test_every_table_of_a_complete_domain_exists(name: str) -> None:
    assert name in BUILT


@pytest.mark.parametrize("name", sorted(BUILT), ids=str)
def test_no_table_is_outside_the_catalogue(name: str) -> None:
    assert name in TABLES


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_columns(db: Connection, name: str) -> None:
    wanted = columns_of(db, as_the_catalogue_says(db, name))
    found = columns_of(db, f"public.{name}")
    problems = []
    for column in wanted.keys() | found.keys():
        if column not in found or column not in wanted:
            if not deviates(name, column):
                problems.append(f"{column}: {'missing' if column not in found else 'not in the catalogue'}")
            continue
        for fact, want, have in zip(("type", "nullable", "default"), wanted[column], found[column], strict=True):
            generated = fact == "default" and "generated" in TABLES[name]["columns"][column]
            if want != have and not generated and not deviates(name, column, fact):
                problems.append(f"{column}.{fact}: catalogue {want!r}, database {have!r}")
    assert not problems


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_primary_key_leads_with_the_tenant(db: Connection, name: str) -> None:
    fact = TABLES[name]
    wanted = (["tenant_id"] if fact["tenant_owned"] else []) + fact["primary_key"]
    (found,) = rows(db, KEYS, relation=name, kinds=["p"])
    assert found.columns == wanted


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_unique_keys(db: Connection, name: str) -> None:
    indexes = [
        set(index.columns) - {"tenant_id"}
        for index in rows(db, INDEXES, relation=name)
        if index.unique and not index.predicate
    ]
    for wanted in TABLES[name]["unique"]:
        # A key on fewer columns is the stronger promise.
        assert any(found <= set(wanted) - {"tenant_id"} for found in indexes if found), wanted
    if TABLES[name]["tenant_owned"]:
        for index in rows(db, INDEXES, relation=name):
            assert not index.unique or index.columns[0] == "tenant_id", f"{index.name} does not lead with tenant_id"


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_foreign_keys(db: Connection, name: str) -> None:
    found = {
        (key.columns[-1], key.target, key.target_columns[-1], key.on_delete)
        for key in rows(db, KEYS, relation=name, kinds=["f"])
    }
    for column, fact in TABLES[name]["columns"].items():
        reference = fact.get("references")
        if reference is None or deviates(name, column, "references"):
            continue
        # SET NULL would null tenant_id as well, so the catalogue's SET NULL is NO ACTION here.
        on_delete = reference["on_delete"].replace("SET NULL", "NO ACTION")
        assert (column, reference["table"], reference["column"], on_delete) in found


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_foreign_keys_between_tenant_tables_are_composite(db: Connection, name: str) -> None:
    for key in rows(db, KEYS, relation=name, kinds=["f"]):
        if key.target in BUILT and TABLES[name]["tenant_owned"] and TABLES[key.target]["tenant_owned"]:
            assert key.columns[0] == key.target_columns[0] == "tenant_id"


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_checks(db: Connection, name: str) -> None:
    sql = """SELECT pg_get_constraintdef(oid, true) AS definition FROM pg_constraint
              WHERE conrelid = CAST(:relation AS regclass) AND contype = 'c'"""
    wanted = {row.definition for row in rows(db, sql, relation=as_the_catalogue_says(db, name))}
    found = {row.definition for row in rows(db, sql, relation=f"public.{name}")}
    missing = {check for check in wanted - found if not deviates(name, "check", check)}
    assert not missing, f"database has {found}"


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_indexes(db: Connection, name: str) -> None:
    fact = TABLES[name]
    found = rows(db, INDEXES, relation=name)
    for index in fact["indexes"]:
        wanted = [_spelling(column) for column in index["columns"] if column != "tenant_id"]
        if not wanted or deviates(name, "index", ",".join(index["columns"])):
            continue  # tenant_id alone is the left prefix of the primary key
        serving = [
            candidate
            for candidate in found
            if [_spelling(c) for c in candidate.columns if c != "tenant_id"][: len(wanted)] == wanted
            and candidate.method == index["method"]
            and (candidate.unique or not index.get("unique"))
            and bool(candidate.predicate) == bool(index.get("where"))
        ]
        assert serving, f"nothing serves {index}; there is {[(c.columns, c.predicate) for c in found]}"
    if fact["tenant_owned"]:
        for candidate in found:
            assert candidate.columns[0] == "tenant_id" or candidate.method != "btree", candidate.name


def _spelling(column: str) -> str:
    return re.sub(r'[\s()"]', "", column.lower()).replace("::text", "")


@pytest.mark.parametrize("name", sorted(set(VIEWS) & {v.name for d in domains() for v in d.views}), ids=str)
def test_view_columns(db: Connection, name: str) -> None:
    found = list(columns_of(db, f"public.{name}"))
    wanted = VIEWS[name]["columns"]
    split_view = re.match("v_(train|validation|test|holdout)_(.*)", name)
    if split_view and split_view[2] in BUILT:
        # Every column of the table in table order: tenant_id leads, adopted columns follow.
        (table,) = VIEWS[name]["sources"]
        assert found == list(columns_of(db, f"public.{table}"))
        assert set(wanted) <= set(found)
    else:
        assert found == wanted


@pytest.mark.parametrize("name", sorted(n for n, v in VIEWS.items() if all(s in BUILT for s in v["sources"])), ids=str)
def test_every_view_of_built_tables_exists(name: str) -> None:
    assert name in {view.name for domain in domains() for view in domain.views}


def test_every_view_runs_with_the_rights_of_its_caller(db: Connection) -> None:
    found = rows(
        db,
        """SELECT c.relname, c.reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'v' AND n.nspname IN ('public', 'app')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')""",
    )
    assert found
    assert [view.relname for view in found if view.reloptions != ["security_invoker=true"]] == []


@pytest.mark.parametrize("name", sorted(n for d in domains() for n in d.enums), ids=str)
def test_enum_labels(db: Connection, name: str) -> None:
    found = rows(
        db,
        "SELECT enumlabel FROM pg_enum WHERE enumtypid = CAST(:name AS regtype) ORDER BY enumsortorder",
        name=name,
    )
    assert [row.enumlabel for row in found] == ENUMS[name]["values"]


@pytest.mark.parametrize(
    "name",
    sorted(n for n, f in FUNCTIONS.items() if f["touches"] and all(t in BUILT for t in f["touches"])),
    ids=str,
)
def test_every_function_of_built_tables_exists(name: str) -> None:
    assert deviates("function", name) or name in {f.name for domain in domains() for f in domain.functions}


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) & {f.name for d in domains() for f in d.functions}), ids=str)
def test_function_signature(db: Connection, name: str) -> None:
    fact = FUNCTIONS[name]
    (found,) = rows(
        db,
        """SELECT coalesce(p.proargnames, '{}') AS names, p.pronargs AS count, oidvectortypes(p.proargtypes) AS types,
                  pg_get_function_result(p.oid) AS result
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.proname = :name AND n.nspname IN ('public', 'app')""",
        name=name,
    )
    wanted = [
        (a["name"], db.scalar(text("SELECT format_type(to_regtype(:t), NULL)"), {"t": a["type"]}))
        for a in fact["arguments"]
    ]
    types = found.types.split(", ") if found.types else []
    have = list(zip(found.names[: found.count], types, strict=False))
    if not deviates("function", name, "arguments"):
        assert have == wanted
    if not deviates("function", name, "returns"):
        assert _result(db, found.result) == _result(db, fact["returns"])


def _result(db: Connection, declared: str) -> list[tuple[str, str]] | str:
    match = re.fullmatch(r"TABLE\s*\((.*)\)", declared, re.IGNORECASE | re.DOTALL)
    if match is None:
        return str(
            db.scalar(text("SELECT format_type(to_regtype(:t), NULL)"), {"t": re.sub(r"(?i)^setof ", "", declared)})
        )
    columns = [part.strip().partition(" ") for part in re.split(r",\s*(?![^()]*\))", match[1])]
    return [
        (name, str(db.scalar(text("SELECT format_type(to_regtype(:t), NULL)"), {"t": re.sub(r"\(.*\)", "", kind)})))
        for name, _, kind in columns
    ]


@pytest.mark.parametrize("name", CHECKED, ids=str)
def test_traits(name: str) -> None:
    fact, table = TABLES[name], BUILT[name]
    rule = scope_rule(table)
    assert bool(table.info.get("hedgerow.append_only")) == fact["append_only"]
    assert bool(table.info.get("hedgerow.soft_delete")) == fact["soft_delete"]
    if fact["tenant_owned"]:
        assert rule is not None
        assert rule.tenant_column == "tenant_id"
        if not deviates(name, "split_role"):
            assert (rule.split_column is not None) == (fact["split_role"] is not None)
        assert bool(rule.event_time) == (fact["split_role"] == "row")


@pytest.mark.parametrize("path", sorted(DEVIATIONS), ids=str)
def test_every_deviation_says_why(path: str) -> None:
    assert len(DEVIATIONS[path]) > 20


INDEXES = """
    SELECT i.relname AS name, x.indisunique AS unique, m.amname AS method,
           pg_get_expr(x.indpred, x.indrelid) AS predicate,
           ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true)
                        || CASE WHEN x.indoption[k - 1] & 1 = 1 THEN ' DESC' ELSE '' END
                   FROM generate_series(1, x.indnkeyatts) AS k) AS columns
      FROM pg_index x
      JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_am m ON m.oid = i.relam
     WHERE x.indrelid = CAST(:relation AS regclass)
"""
KEYS = """
    SELECT c.conname AS name, f.relname AS target,
           CASE c.confdeltype
               WHEN 'c' THEN 'CASCADE' WHEN 'r' THEN 'RESTRICT' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION'
           END AS on_delete,
           ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, i)
                   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i) AS columns,
           ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (n, i)
                   JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i) AS target_columns
      FROM pg_constraint c
      LEFT JOIN pg_class f ON f.oid = c.confrelid
     WHERE c.conrelid = CAST(:relation AS regclass) AND c.contype = ANY (CAST(:kinds AS "char"[]))
"""
