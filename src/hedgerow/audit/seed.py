"""Seeded audit chains: real ones, sealed here in Python, and what verifications of them found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from hedgerow.audit.models import AuditChainEntry, AuditChainVerification
from hedgerow.audit.offline import entry_hash, payload_hash
from hedgerow.seeding import NOW, Row, World, per_tenant
from hedgerow.tenancy.seed import user_ids

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

CHAINS: Final = {
    # name: (entries, how many of them a verification has seen)
    "patient records": (60, (20, 40, 60)),
    "model releases": (30, (10, 20)),
    "agent decisions": (25, ()),
}


def seeded_chain_id(name: str) -> UUID:
    """Id of a seeded chain: the same in every tenant on purpose, and yet another chain in each."""
    return uuid5(NAMESPACE_URL, f"hedgerow audit chain/{name}")


@cache
def sealed(world: World, name: str) -> list[dict[str, Any]]:
    """The entries of a seeded chain."""
    draw = world.draw(f"audit_chain_entries.{name}")
    chain_id, previous, rows = seeded_chain_id(name), None, []
    count = CHAINS[name][0]
    moment = NOW - timedelta(days=3 * count)
    for number in range(1, count + 1):
        moment += timedelta(minutes=draw.whole(1, 4_000), microseconds=draw.whole(0, 999_999))
        kind, entity, action, payload, actor, actor_type = _happening(world, name, number)
        row: dict[str, Any] = {
            "entry_id": world.id("audit_chain_entries", name, number),
            "chain_id": chain_id,
            "sequence_number": number,
            "entity_type": kind,
            "entity_id": entity,
            "action": action,
            "actor_id": actor,
            "actor_type": actor_type,
            "payload_hash": payload_hash(payload),
            "previous_hash": previous,
            "payload": payload,
            "created_at": moment,
        }
        previous = row["entry_hash"] = entry_hash(_envelope(world, row), previous)
        rows.append(row)
    return rows


def _envelope(world: World, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "version": 1,
        "tenant_id": world.tenant_id,
        "chain_id": str(row["chain_id"]),
        "entry_id": str(row["entry_id"]),
        "created_at_us": (row["created_at"] - _EPOCH) // timedelta(microseconds=1),
    }


def _happening(world: World, name: str, number: int) -> tuple[str, str, str, dict[str, Any], str | None, str]:
    """Kind and id of the entity, action, payload, actor and kind of actor."""
    draw = world.draw(f"audit_chain_entries.{name}.{number}")
    if name == "patient records":
        fields = draw.some(("brand", "region", "journey_start_date", "consent"), draw.whole(1, 3))
        change = {
            "fields": fields,
            "reason": draw.pick(("Korrektur nach Rückfrage", "source delivered late", "consent")),
        }
        action = draw.pick(("viewed", "viewed", "updated", "exported"))
        person = str(draw.pick(user_ids(world)))
        return "patient", f"P{draw.whole(1, 40):04d}", action, change, person, "user"
    if name == "model releases":
        metrics = {
            "pr_auc": round(draw.share(), 4),
            "brier": round(draw.share() / 4, 4),
            "rows": draw.whole(900, 9_000),
        }
        action = ("registered", "evaluated", "promoted")[number % 3]
        return "model", f"hcp-churn:{number // 3 + 1}", action, {"metrics": metrics, "stage": None}, None, "system"
    decision = {"gate": draw.pick(("proceed", "review", "block")), "confidence": round(draw.share(), 3)}
    return (
        "estimate",
        f"E{draw.whole(1, 12)}",
        "decided",
        decision,
        draw.pick(("causal_impact", "gap_analyzer")),
        "agent",
    )


@per_tenant(AuditChainEntry)
def entries(world: World) -> Iterator[Row]:
    for name in CHAINS:
        yield from sealed(world, name)


@per_tenant(AuditChainVerification)
def verifications(world: World) -> Iterator[Row]:
    for name, (_, seen) in CHAINS.items():
        for count in seen:
            last = sealed(world, name)[count - 1]
            yield {
                "verification_id": world.id("audit_chain_verification_log", name, count),
                "chain_id": last["chain_id"],
                "verified_at": last["created_at"] + timedelta(seconds=30),
                "verified_by": "auditor",
                "is_valid": True,
                "entries_checked": count,
                "first_invalid_entry": None,
                "error_message": None,
                "head_hash": last["entry_hash"],
            }


SEEDS: Final = (entries, verifications)
