"""The seeded chains: real ones, which every way of verifying proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from hedgerow import Scope, open_session
from hedgerow.audit import VerificationStatus
from hedgerow.audit.offline import canonical
from hedgerow.audit.repository import AuditChainRepository, NewAuditEntry
from hedgerow.audit.seed import CHAINS, seeded_chain_id
from hedgerow.seeding import seed
from isolation.oracle import TENANT_A, TENANT_B, open_scope


@pytest.fixture
def copy(fresh_database: Callable[[str | None], Any], seeded_template: str) -> Any:
    """A seeded database of the test's own."""
    return fresh_database(seeded_template)


@pytest.mark.parametrize("tenant", [TENANT_A, TENANT_B])
def test_seeded_chains_are_proven(copy: Any, tenant: str) -> None:
    engine = copy.scoped_engine("app")
    with open_session(Scope(tenant), engine=engine) as session:
        repository = AuditChainRepository(session)
        found = {row.chain_id: row.verification_status for row in repository.integrity()}
        assert found == {
            seeded_chain_id("patient records"): VerificationStatus.VERIFIED,
            seeded_chain_id("model releases"): VerificationStatus.STALE,
            seeded_chain_id("agent decisions"): VerificationStatus.UNVERIFIED,
        }
        for name, (size, _) in CHAINS.items():
            chain = seeded_chain_id(name)
            assert (repository.inspect(chain).fault, repository.inspect(chain).entries) == (None, size)
            assert (repository.recompute(chain).fault, repository.recompute(chain).entries) == (None, size)
    engine.dispose()


@pytest.mark.parametrize("kept", [0, 5])
def test_a_database_that_was_seeded_before_there_were_chains(copy: Any, kept: int) -> None:
    """Rows that are missing are looked for by a join, which turns them round where the table is the larger side."""
    with copy.engine("admin").begin() as admin:
        admin.execute(text("SET LOCAL session_replication_role = replica"))
        admin.execute(text("DELETE FROM audit_chain_verification_log"))
        gone = admin.execute(text("DELETE FROM audit_chain_entries WHERE sequence_number > :kept"), {"kept": kept})
        admin.execute(text("SET LOCAL session_replication_role = origin"))
        open_scope(admin, TENANT_A)
        others = NewAuditEntry(uuid4(), "other", "1", "written")
        entries = canonical([{**asdict(others), "chain_id": str(others.chain_id)}] * 3000)
        admin.execute(text("SELECT count(*) FROM append_audit_entries(CAST(:entries AS jsonb))"), {"entries": entries})
        admin.execute(text("ANALYZE audit_chain_entries"))
    report = seed(copy.url("owner"))
    assert report.tables["audit_chain_entries"].inserted == gone.rowcount > 100
    engine = copy.scoped_engine("app")
    with open_session(Scope(TENANT_A), engine=engine) as session:
        for name, (size, _) in CHAINS.items():
            assert AuditChainRepository(session).inspect(seeded_chain_id(name)).entries == size
    engine.dispose()
