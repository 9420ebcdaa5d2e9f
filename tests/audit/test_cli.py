"""``hedgerow audit``: what a person, and what a program, gets to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from hedgerow.audit.repository import AuditChainRepository, NewAuditEntry
from hedgerow.cli.audit import app
from hedgerow.core.engine import dispose_engines
from world import OTHER, TENANT, World, make_world

Run = Callable[..., Result]
ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def world(database: Any) -> World:
    """Two tenants, each with two chains of the same ids."""
    world = make_world(database)
    for tenant, size in ((TENANT, 5), (OTHER, 3)):
        with world.session(tenant=tenant) as session:
            AuditChainRepository(session).append_many(
                NewAuditEntry(chain, "patient", f"P{number}", "viewed", {"tenant": tenant, "dose": 1.50})
                for chain in (ONE, TWO)
                for number in range(size)
            )
            session.commit()
    return world


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for variable, role in (("DATABASE_URL", "owner"), ("HEDGEROW_APP_URL", "app")):
        monkeypatch.setenv(variable, world.database.url(role).render_as_string(hide_password=False))

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output or result.exception
        return result

    yield invoke
    dispose_engines()


def tamper(world: World, sql: str) -> None:
    with world.database.engine("admin").begin() as admin:
        admin.execute(text("SET LOCAL session_replication_role = replica"))
        admin.execute(text(sql))


def logged(world: World) -> list[Any]:
    return world.admin(
        "SELECT tenant_id, chain_id, is_valid, entries_checked FROM audit_chain_verification_log ORDER BY 1, 2"
    )


THERE = f"tenant_id = '{OTHER}' AND chain_id = '{TWO}'"
CHANGE = f"UPDATE audit_chain_entries SET action = 'x' WHERE {THERE} AND sequence_number = 2"
TRUNCATE = f"DELETE FROM audit_chain_entries WHERE {THERE} AND sequence_number > 1"


def test_everything_is_proven_and_logged(run: Run, world: World) -> None:
    shown = run("verify").output
    assert shown.startswith("All proven: 4 chains, 16 entries")
    assert [tuple(row) for row in logged(world)] == [
        (TENANT, ONE, True, 5), (TENANT, TWO, True, 5), (OTHER, ONE, True, 3), (OTHER, TWO, True, 3),
    ]  # fmt: skip
    assert "ok      tenant WORLD_B, chain 00000000-0000-0000-0000-000000000002: 3 entries" in run("verify", "-v").output


def test_of_one_tenant_and_of_one_chain(run: Run, world: World) -> None:
    assert "2 chains, 6 entries" in run("verify", "--tenant", OTHER).output
    assert "1 chain, 5 entries" in run("verify", "--tenant", TENANT, "--chain", str(ONE)).output
    assert len(logged(world)) == 3


def test_the_first_bad_entry_is_named(run: Run, world: World) -> None:
    tamper(world, CHANGE)
    shown = run("verify", code=1).output.splitlines()
    bad = world.admin("SELECT entry_id FROM audit_chain_entries WHERE action = 'x'")[0].entry_id
    said = "Entry 2 was changed: its fields and its entry_hash differ"
    assert shown[0] == f"BROKEN  tenant {OTHER}, chain {TWO}: {said} [entry_id {bad}]"
    assert shown[1].startswith("1 broken of 4 chains, 16 entries")
    assert [row.is_valid for row in logged(world)] == [True, True, True, False]


def test_python_alone_logs_nothing_and_believes_nothing(run: Run, world: World) -> None:
    assert "4 chains, 16 entries" in run("verify", "--independent").output
    assert logged(world) == []
    tamper(world, CHANGE)
    with world.database.engine("admin").begin() as admin:
        admin.execute(
            text("CREATE OR REPLACE FUNCTION verify_audit_chain(p_chain_id uuid) RETURNS boolean RETURN true")
        )
    run("verify")  # a database that lies
    assert "Entry 2 was changed" in run("verify", "--independent", code=1).output


def test_an_export_is_verified_without_the_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    file = str(tmp_path / "all.ndjson")
    assert "4 chains with 16 entries in" in run("export", "--output", file).output.replace("\n", " ")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@localhost:1/none")
    monkeypatch.setenv("HEDGEROW_APP_URL", "postgresql://nobody@localhost:1/none")
    dispose_engines()
    assert "All proven: 4 chains, 16 entries" in run("verify", file).output
    content = Path(file).read_text("utf-8")
    assert '"dose": 1.5,' in content
    Path(file).write_text(content.replace('"dose": 1.5,', '"dose": 1.50,', 1), "utf-8")
    shown = run("verify", file, code=1).output
    assert "Entry 1 was changed: its payload and its payload_hash differ (line 3)" in shown


def test_an_export_to_standard_output(run: Run) -> None:
    result = run("export", "--tenant", OTHER, "--chain", str(TWO))
    lines = result.stdout_bytes.decode().splitlines()
    assert [*json.loads(lines[0])][:1] == ["hedgerow_audit_export"]
    assert json.loads(lines[1]) == {"chain": {"tenant_id": OTHER, "chain_id": str(TWO)}}
    assert len(lines) == 1 + 1 + 3 + 1 + 1


def test_an_earlier_export_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "evidence"
    file.write_text("evidence")
    assert "exists" in run("export", "-o", str(file), code=2).output
    assert file.read_text() == "evidence"


def test_half_an_export_is_not_kept(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "half"
    assert "has no chain" in run("export", "-o", str(file), "--chain", str(uuid4()), code=2).output
    assert not file.exists()


@pytest.mark.parametrize("heads", [[], ["--heads"]], ids=["full", "heads"])
def test_the_database_is_held_against_an_earlier_export(
    run: Run, tmp_path: Path, world: World, heads: list[str]
) -> None:
    file = str(tmp_path / "checkpoint")
    run("export", "-o", file, *heads)
    with world.session() as session:
        AuditChainRepository(session).append(ONE, "patient", "P9", "viewed")
        session.commit()
    assert "All proven: 4 chains, 17 entries" in run("verify", "--checkpoint", file).output
    tamper(world, TRUNCATE)
    # The chain alone agrees with itself, and nobody ever verified it.
    assert "All proven" in run("verify", "--tenant", OTHER, "--independent").output
    shown = run("verify", "--checkpoint", file, code=1).output
    assert f"chain {TWO}: Entries 2 to 3 are missing at the end: the export of " in shown
    assert "All proven: 2 chains" in run("verify", "--checkpoint", file, "--tenant", TENANT).output
    tamper(world, f"DELETE FROM audit_chain_entries WHERE tenant_id = '{OTHER}' AND chain_id = '{ONE}'")
    assert f"chain {ONE}: Entries 1 to 3 are missing" in run("verify", "--checkpoint", file, code=1).output


def test_a_file_is_held_against_an_earlier_one(run: Run, tmp_path: Path, world: World) -> None:
    earlier, later = str(tmp_path / "earlier"), str(tmp_path / "later")
    run("export", "-o", earlier)
    tamper(world, TRUNCATE)
    run("export", "-o", later)
    assert "All proven" in run("verify", later).output
    assert "Entries 2 to 3 are missing" in run("verify", later, "--checkpoint", earlier, code=1).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{missing}"], "No such file"),
        (["{cut}"], "Line 1 is wrong: it is cut off"),
        (["--checkpoint", "{cut}"], "Line 1 is wrong: it is cut off"),
        (["{cut}", "--tenant", TENANT], "verified as a whole"),
        (["--checkpoint", "{cut}", "--independent"], "which chains are verified"),
        (["--tenant", "NOBODY"], "NOBODY"),
        (["--tenant", TENANT, "--chain", str(uuid4())], "has no chain"),
        (["--chain", "x"], "Usage"),
    ],
)
def test_what_cannot_be_checked_is_status_two(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "cut").write_text("{")
    named = [part.format(missing=tmp_path / "missing", cut=tmp_path / "cut") for part in arguments]
    assert message in " ".join(run("verify", *named, code=2).output.split())


def test_no_database_is_status_two(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_APP_URL", "postgresql://nobody@localhost:1/none")
    dispose_engines()
    assert "cannot be reached" in " ".join(run("verify", "--tenant", TENANT, code=2).output.split())


def test_no_chains(run: Run, world: World) -> None:
    tamper(world, "DELETE FROM audit_chain_entries")
    assert "There are no audit chains." in run("verify").output


def test_tenants_are_listed_past_the_wall_and_it_stands_again(run: Run, world: World) -> None:
    world.admin("UPDATE tenant SET status = 'suspended' WHERE id = :t", t=OTHER)
    assert "2 chains, 10 entries" in run("verify").output
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'tenant'::regclass"
    assert world.admin(forced)[0].relforcerowsecurity is True


def test_sessions_at_work_are_not_disturbed(run: Run, world: World) -> None:
    with world.session() as session:
        session.connection()
        shown = " ".join(run("verify", code=2).output.split())
    assert "sessions are at work" in shown
    assert "name the tenants one by one" in shown
