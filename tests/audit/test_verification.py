"""verify_audit_chain, verify_all_chains, the log and the views, with their edge cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text

from audit.forging import OTHER, Desk
from hedgerow.audit.models import AuditChainVerification
from hedgerow.core.embedded.bootstrap import SESSION
from isolation.oracle import open_scope
from planting import refused

LOG = AuditChainVerification.__table__


def become_session(desk: Desk, tenant: str | None = None, user: str | None = None) -> None:
    desk.db.execute(text(f"SET LOCAL ROLE {SESSION}"))
    open_scope(desk.db, tenant or desk.tenant, user=user)


def log(desk: Desk) -> list[Any]:
    return list(
        desk.db.execute(
            text("SELECT * FROM audit_chain_verification_log WHERE chain_id = :c ORDER BY verified_at"),
            {"c": desk.chain},
        )
    )


def view(desk: Desk, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in desk.db.execute(text(f"SELECT * FROM {name}")).mappings()]


def test_an_unknown_chain_is_neither_valid_nor_logged(desk: Desk) -> None:
    become_session(desk)
    assert desk.verify() is None
    assert log(desk) == []
    assert desk.db.scalar(text("SELECT verify_audit_chain(NULL)")) is None


def test_a_chain_whose_entries_are_all_gone_is_not_unknown(desk: Desk) -> None:
    rows = desk.write(3, seen=(3,))
    with desk.forging():
        desk.remove(*rows)
    become_session(desk)
    assert desk.verify() is False
    assert log(desk)[-1].error_message.startswith("Entries 1 to 3 are missing at the end: the verification of ")
    assert view(desk, "v_audit_chain_integrity")[0] == {
        "chain_id": desk.chain,
        "entity_type": None,
        "entry_count": 0,
        "first_entry_at": None,
        "last_entry_at": None,
        "last_verified_at": log(desk)[-1].verified_at,
        "is_valid": False,
        "verification_status": "invalid",
    }


def test_what_a_verification_leaves_behind(desk: Desk) -> None:
    rows = desk.write(3)
    user = str(uuid4())
    become_session(desk)
    assert desk.verify() is True
    become_session(desk, user=user)
    assert desk.verify() is True
    first, second = log(desk)
    assert (first.verified_by, second.verified_by) == (desk.db.scalar(text("SELECT session_user")), user)
    assert (first.is_valid, first.entries_checked, first.head_hash) == (True, 3, rows[-1]["entry_hash"])
    assert (first.first_invalid_entry, first.error_message) == (None, None)
    assert rows[-1]["created_at"] < first.verified_at < second.verified_at
    assert first.tenant_id == desk.tenant


def test_a_session_cannot_claim_a_verification(desk: Desk) -> None:
    desk.write(1)
    become_session(desk)
    claim = {"chain_id": desk.chain, "is_valid": True, "entries_checked": 1}
    with refused(desk.db, "42501"):
        desk.db.execute(insert(LOG).values(claim))


def test_the_first_bad_entry_is_a_row_that_exists(desk: Desk) -> None:
    """The key to the entries holds for the log: only an entry of the tenant can be named."""
    desk.write(1)
    with refused(desk.db, "23503"):
        desk.db.execute(
            insert(LOG).values(tenant_id=desk.tenant, chain_id=desk.chain, is_valid=False, first_invalid_entry=uuid4())
        )


def test_a_fault_stays_a_fault(desk: Desk) -> None:
    rows = desk.write(4, seen=(4,))
    with desk.forging():
        desk.change(rows[1], action="viewed")
    assert [desk.verify(), desk.verify()] == [False, False]
    desk.write(1)
    assert desk.verify() is False, "appending heals nothing"
    assert {entry.first_invalid_entry for entry in log(desk)[1:]} == {rows[1]["entry_id"]}


# --- verify_all_chains ---------------------------------------------------------------------------------------------


def every(desk: Desk, start: datetime | None = None, end: datetime | None = None) -> dict[UUID, Any]:
    sql = text("SELECT * FROM verify_all_chains(CAST(:start AS timestamptz), CAST(:end AS timestamptz))")
    return {row.chain_id: row for row in desk.db.execute(sql, {"start": start, "end": end})}


def test_all_chains(desk: Desk) -> None:
    chains = []
    for count in (3, 2, 4):
        desk.chain = uuid4()
        chains.append((desk.chain, desk.write(count, seen=(count,))))
    (good, good_rows), (bad, bad_rows), (gone, gone_rows) = chains
    with desk.forging():
        desk.change(bad_rows[1], entity_id="other")
        desk.remove(*gone_rows)
    become_session(desk)
    found = every(desk)
    assert found.keys() == {good, bad, gone}
    assert tuple(found[good])[1:] == (True, 3, good_rows[0]["created_at"], "patient")
    assert tuple(found[bad])[1:] == (False, 2, bad_rows[0]["created_at"], "patient")
    assert tuple(found[gone])[1:] == (False, 0, None, None)
    assert desk.db.scalar(text("SELECT count(*) FROM audit_chain_verification_log")) == 6
    become_session(desk, OTHER)
    assert every(desk) == {}


def test_a_range_chooses_chains_by_any_entry_and_verifies_them_whole(desk: Desk) -> None:
    day = datetime(2024, 5, 1, tzinfo=UTC)
    chains = {}
    for name, days in (("early", (0, 1)), ("long", (0, 5)), ("late", (5, 6))):
        desk.chain = chains[name] = uuid4()
        previous = None
        for number, offset in enumerate(days, 1):
            row = desk.put(desk.forged(number, previous, created_at=day + timedelta(days=offset)))
            previous = row["entry_hash"]

    def names(start: int | None, end: int | None) -> set[str]:
        bounds = (None if n is None else day + timedelta(days=n) for n in (start, end))
        found = every(desk, *bounds)
        assert all(row.entries_checked == 2 for row in found.values())
        return {name for name, chain in chains.items() if chain in found}

    assert names(None, None) == {"early", "long", "late"}
    assert names(5, None) == {"long", "late"}, "from the start on"
    assert names(None, 5) == {"early", "long"}, "before the end"
    assert names(2, 5) == set()
    assert names(1, 2) == {"early"}


# --- Views ---------------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_chain(desk: Desk) -> None:
    def status() -> tuple[Any, ...]:
        (row,) = view(desk, "v_audit_chain_integrity")
        return row["verification_status"], row["is_valid"], row["entry_count"]

    assert view(desk, "v_audit_chain_integrity") == []
    rows = desk.write(2)
    assert status() == ("unverified", None, 2)
    assert view(desk, "v_audit_chain_integrity")[0]["last_verified_at"] is None
    desk.verify()
    assert status() == ("verified", True, 2)
    desk.write(1)
    assert status() == ("stale", True, 3)
    desk.verify()
    assert status() == ("verified", True, 3)
    last = desk.rows()[-1]
    with desk.forging():
        desk.remove(last)
    assert status() == ("stale", True, 2), "fewer than were seen"
    desk.verify()
    assert status() == ("invalid", False, 2)
    (row,) = view(desk, "v_audit_chain_integrity")
    assert (row["first_entry_at"], row["last_entry_at"]) == (rows[0]["created_at"], rows[1]["created_at"])
    assert row["entity_type"] == "patient"


def test_a_chain_is_known_by_its_first_entry(desk: Desk) -> None:
    previous = None
    for number, kind in enumerate(("model", "patient", "agent"), 1):
        previous = desk.put(desk.forged(number, previous, entity_type=kind))["entry_hash"]
    assert view(desk, "v_audit_chain_integrity")[0]["entity_type"] == "model"
    summary = {row["entity_type"]: row for row in view(desk, "v_audit_chain_summary")}
    assert {kind: (row["chain_count"], row["total_entries"]) for kind, row in summary.items()} == dict.fromkeys(
        ("model", "patient", "agent"), (1, 1)
    ), "a chain about several kinds counts under each"


def test_the_summary_counts_chains_by_their_newest_verification(desk: Desk) -> None:
    assert view(desk, "v_audit_chain_summary") == []
    stories = {"never": (), "good": (2,), "bad": (2,)}
    rows = {}
    for name, seen in stories.items():
        desk.chain = uuid4()
        rows[name] = desk.write(2, seen=seen)
    with desk.forging():
        desk.change(rows["bad"][0], action="viewed")
    desk.verify()
    (row,) = view(desk, "v_audit_chain_summary")
    moments = [entry["created_at"] for chain in rows.values() for entry in chain]
    assert row == {
        "entity_type": "patient",
        "chain_count": 3,
        "total_entries": 6,
        "oldest_entry": min(moments),
        "newest_entry": max(moments),
        "unverified_count": 1,
        "invalid_count": 1,
    }


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_days_are_those_of_utc(desk: Desk, zone: str) -> None:
    previous = None
    moments = (datetime(2024, 5, 1, 0, 0), datetime(2024, 5, 1, 23, 59), datetime(2024, 5, 2, 0, 0))
    for number, (moment, actor) in enumerate(zip(moments, ("a", None, "a"), strict=True), 1):
        row = desk.forged(number, previous, created_at=moment.replace(tzinfo=UTC), actor_id=actor)
        previous = desk.put(row)["entry_hash"]
    desk.chain = uuid4()
    desk.put(desk.forged(1, None, created_at=moments[0].replace(tzinfo=UTC), entity_type="model", actor_id="b"))
    desk.db.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
    days = {row.pop("date"): row for row in view(desk, "v_audit_chain_daily_stats")}
    assert days == {
        date(2024, 5, 1): {"chains_count": 2, "total_entries": 3, "unique_actors": 2, "unique_entity_types": 2},
        date(2024, 5, 2): {"chains_count": 1, "total_entries": 1, "unique_actors": 1, "unique_entity_types": 1},
    }


# --- Tenants -------------------------------------------------------------------------------------------------------

READS = {
    "get_audit_chain_for_entity": "SELECT chain_id FROM get_audit_chain_for_entity('patient', 'P1')",
    "export_audit_chain": "SELECT line FROM app.export_audit_chain(:c) AS line",
    "inspect_audit_chain": "SELECT head_hash FROM app.inspect_audit_chain(:c)",
    "audit_chain_anchors": "SELECT head_hash FROM app.audit_chain_anchors(:c)",
    "verify_audit_chain": "SELECT v FROM verify_audit_chain(:c) AS v WHERE v IS NOT NULL",
    "verify_all_chains": "SELECT chain_id FROM verify_all_chains()",
    "v_audit_chain_integrity": "SELECT chain_id FROM v_audit_chain_integrity",
    "v_audit_chain_summary": "SELECT entity_type FROM v_audit_chain_summary",
    "v_audit_chain_daily_stats": "SELECT date FROM v_audit_chain_daily_stats",
}


@pytest.mark.parametrize("role", ["superuser", "session"])
@pytest.mark.parametrize("name", READS)
def test_another_tenant_learns_nothing(desk: Desk, name: str, role: str) -> None:
    """With the wall, and as a superuser, whom only what the functions say themselves holds back."""
    desk.write(2, seen=(2,))
    read = text(READS[name])
    if role == "session":
        become_session(desk)
    assert desk.db.execute(read, {"c": desk.chain}).all(), "there is something to leak"
    open_scope(desk.db, OTHER)
    assert desk.db.execute(read, {"c": desk.chain}).all() == []


@pytest.mark.parametrize("name", READS)
def test_without_a_scope_there_is_nothing(desk: Desk, name: str) -> None:
    desk.write(2, seen=(2,))
    desk.db.execute(text(f"SET LOCAL ROLE {SESSION}"))
    desk.db.execute(text("SELECT set_config('app.scope', '', true)"))
    assert desk.db.execute(text(READS[name]), {"c": desk.chain}).all() == []
