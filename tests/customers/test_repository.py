"""Repositories of the domain over both drivers: what they answer to whom, and what they refuse."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from customers.battery import ANNA, CARLA, PEOPLE
from hedgerow import AudienceError
from hedgerow.core.repository import FilterError, RowNotFoundError
from hedgerow.customers import AgentSession, Approval, ApprovalStatus, Customer, RiskSignal
from hedgerow.customers.errors import ApprovalExpiredError, DecidedError, NoUserError, OwnApprovalError
from hedgerow.customers.repository import (
    AsyncAgentSessionRepository,
    AsyncApprovalRepository,
    AsyncCustomerRepository,
    AsyncHealthScoreRepository,
    AsyncRiskSignalRepository,
)
from hedgerow.customers.seed import ACCOUNTS, customer_id
from hedgerow.customers.seed_work import session_id
from hedgerow.seeding import World

ONE, TWO = World(1), World(2)
CARLAS = {account.name for account in ACCOUNTS if account.csm == 1 and not account.deleted}
DELETED = customer_id(ONE, "Fenland Surgery")


def approval(key: str) -> UUID:
    return ONE.id("approvals", key)


def test_everybody_gets_his_own(ask: Any) -> None:
    assert {c.name for c in ask(AsyncCustomerRepository, "csm").get_many({})} == CARLAS
    assert ask(AsyncCustomerRepository, "administrator").count() == len(ACCOUNTS) - 1
    for name in PEOPLE.keys() - {"csm", "other csm", "administrator", "owner of the schema"}:
        assert CARLAS.isdisjoint(
            {c.name for c in ask(AsyncCustomerRepository, name).get_many({}) if c.tenant_id == ONE.tenant_id}
        ), name


def test_health(ask: Any) -> None:
    customers = ask(AsyncCustomerRepository, "csm")
    found = customers.get_customer_health(customer_id(ONE, "Lakeside Hospital Group"))
    assert (found.health_score, found.customer_health_score) == (41, 41)
    unscored = customers.get_customer_health(str(customer_id(ONE, "Meadow Diagnostics")))
    assert (unscored.health_score, unscored.customer_health_score) == (None, 50)
    for nobody in (DELETED, customer_id(ONE, "Cedar Labs"), customer_id(TWO, "Northwind Clinics"), uuid4(), "x"):
        assert customers.get_customer_health(nobody) is None


def test_at_risk(ask: Any) -> None:
    customers = ask(AsyncCustomerRepository, "csm")
    assert [(c.name, c.active_signals) for c in customers.get_at_risk_customers()] == [
        ("Lakeside Hospital Group", 2),
        ("Meadow Diagnostics", 0),
        ("Northwind Clinics", 2),
    ]
    assert [c.name for c in customers.get_at_risk_customers(limit=1)] == ["Lakeside Hospital Group"]
    assert customers.get_at_risk_customers(limit=0) == []
    with pytest.raises(FilterError, match="is not a count"):
        customers.get_at_risk_customers(limit=-1)
    assert {c.tenant_id for c in ask(AsyncCustomerRepository, "administrator").get_at_risk_customers()} == {
        ONE.tenant_id
    }


def test_renewals(ask: Any, seeded: Any) -> None:
    with seeded.admin() as admin:
        offset = "(now() AT TIME ZONE 'UTC')::date - DATE '2026-01-01'"
        admin.execute(text(f"UPDATE renewal_pipeline SET renewal_date = renewal_date + ({offset})"))
        try:
            customers = ask(AsyncCustomerRepository, "csm")
            everything = ["Harbour Oncology", "Lakeside Hospital Group", "Northwind Clinics", "Meadow Diagnostics"]
            assert [r.name for r in customers.get_upcoming_renewals()] == everything
            assert [r.name for r in customers.get_upcoming_renewals(days=0)] == everything[:1]
            assert [r.name for r in customers.get_upcoming_renewals(days=44)] == everything[:2]
            assert [r.name for r in customers.get_upcoming_renewals(days=45)] == everything[:3]
            for days in (-1, 91):
                with pytest.raises(FilterError, match="are not looked at"):
                    customers.get_upcoming_renewals(days=days)
        finally:
            admin.execute(text(f"UPDATE renewal_pipeline SET renewal_date = renewal_date - ({offset})"))


def test_scores_and_signals(ask: Any) -> None:
    scores = ask(AsyncHealthScoreRepository, "administrator")
    alpine = customer_id(ONE, "Alpine Care")
    assert scores.get_latest(alpine).overall == 77
    assert [score.overall for score in scores.get_history(alpine)] == [77, 72, 63, 55], "the one without a time last"
    assert [score.overall for score in scores.get_history(alpine, days=36_500)] == [77, 72, 63]
    assert scores.get_latest(customer_id(ONE, "Meadow Diagnostics")) is None
    with pytest.raises(FilterError, match="do not exist"):
        scores.get_history(alpine, days=-1)
    signals = ask(AsyncRiskSignalRepository, "csm")
    lakeside = customer_id(ONE, "Lakeside Hospital Group")
    assert [str(signal.severity) for signal in signals.get_active(lakeside)] == ["critical", "high"]
    assert len(signals.get_active()) == 5 + 1 - 0  # Carla's, and one of her deleted customer
    first = signals.get_active(lakeside)[0]
    resolved = signals.resolve(first.id).resolved_at
    assert resolved is not None
    assert signals.resolve(first.id).resolved_at == resolved
    assert len(signals.get_active(lakeside)) == 1
    with pytest.raises(RowNotFoundError):
        signals.resolve(ONE.id("risk_signals", "Alpine Care", 6))


def test_a_session_is_that_of_whoever_asks(ask: Any) -> None:
    sessions = ask(AsyncAgentSessionRepository, "user")
    assert sessions.create(AgentSession(title="mine")).user_id == ANNA
    assert {session.user_id for session in sessions.get_many({})} == {ANNA}
    with pytest.raises(AudienceError, match="not for the user of the scope to write"):
        sessions.create(AgentSession(user_id=CARLA))
    with pytest.raises(AudienceError, match="the scope names none"):
        ask(AsyncAgentSessionRepository, "anonymous").create(AgentSession(title="nobody's"))


def test_rows_are_written_by_their_audience(ask: Any) -> None:
    mine = ask(AsyncCustomerRepository, "csm").create(Customer(name="New", arr=5, csm_id=CARLA))
    assert (mine.health_score, mine.status) == (50, "active")
    with pytest.raises(AudienceError):
        ask(AsyncCustomerRepository, "csm").create(Customer(name="New", arr=5))
    with pytest.raises(AudienceError):
        ask(AsyncRiskSignalRepository, "csm").create(RiskSignal(customer_id=customer_id(ONE, "Cedar Labs")))


# -- approvals ---------------------------------------------------------------------------------------------------


def test_what_waits_for_a_decision(ask: Any) -> None:
    assert [a.id for a in ask(AsyncApprovalRepository, "csm").get_pending()] == [approval("discount")]
    everything = ask(AsyncApprovalRepository, "administrator")
    assert [a.id for a in everything.get_pending()] == [approval("discount")], "an overdue one counts as expired"
    assert everything.get_pending(session_id(ONE, "renewal")) == []
    assert ask(AsyncApprovalRepository, "other csm").get_pending() == []


@pytest.mark.parametrize("decision", ["approved", ApprovalStatus.REJECTED])
def test_a_decision(decision: str, ask: Any) -> None:
    approvals = ask(AsyncApprovalRepository, "administrator")
    decided = approvals.decide(approval("discount"), decision, notes="fine")
    assert (decided.status, decided.decided_by, decided.notes) == (decision, PEOPLE["administrator"].user, "fine")
    assert decided.decided_at is not None
    with pytest.raises(DecidedError, match=f"{decided.status} already"):
        approvals.decide(approval("discount"), "rejected")


def test_refused_decisions(ask: Any) -> None:
    as_admin = ask(AsyncApprovalRepository, "administrator")
    with pytest.raises(FilterError, match="is no decision"):
        as_admin.decide(approval("discount"), "pending")
    with pytest.raises(ApprovalExpiredError, match="has passed"):
        as_admin.decide(approval("email"), "approved")
    with pytest.raises(DecidedError, match="approved already"):
        as_admin.decide(approval("meeting"), "rejected")
    with pytest.raises(OwnApprovalError, match="Nobody decides"):
        as_admin.decide(approval("export"), "approved")
    with pytest.raises(OwnApprovalError, match="Nobody decides"):
        ask(AsyncApprovalRepository, "csm").decide(approval("discount"), "approved")
    with pytest.raises(NoUserError, match="names no user"):
        ask(AsyncApprovalRepository, "anonymous").decide(approval("discount"), "approved")
    for name, key in (("other csm", approval("discount")), ("administrator", uuid4()), ("administrator", "x")):
        with pytest.raises(RowNotFoundError):
            ask(AsyncApprovalRepository, name).decide(key, "approved")


def test_nobody_decides_for_himself_behind_the_filter_alone(sessions: Any) -> None:
    """The repository says it, too, for whom no policy stops."""
    from hedgerow import Scope

    session = sessions(Scope(ONE.tenant_id, user_id=CARLA), "filter")
    with pytest.raises(OwnApprovalError):
        AsyncApprovalRepository.sync_class(session).decide(approval("discount"), "approved")


def test_overdue_approvals_are_marked(ask: Any) -> None:
    approvals = ask(AsyncApprovalRepository, "administrator")
    assert approvals.expire_overdue() == 1
    assert approvals.get_by_id(approval("email")).status == ApprovalStatus.EXPIRED
    assert approvals.expire_overdue() == 0


def test_two_who_decide_at_once(fresh_database: Any, seeded_template: str) -> None:
    """The second one waits, and is told that it is decided."""
    import threading

    from hedgerow import Scope, open_session

    database = fresh_database(seeded_template)
    engine = database.scoped_engine("app")
    scope = Scope(ONE.tenant_id, user_id=PEOPLE["administrator"].user)
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def decide(decision: str) -> None:
        with open_session(scope, engine=engine) as session:
            repository = AsyncApprovalRepository.sync_class(session)
            repository.get_pending()
            gate.wait(10)
            try:
                outcomes.append(repository.decide(approval("discount"), decision).status)
                session.commit()
            except DecidedError:
                outcomes.append("too late")

    threads = [threading.Thread(target=decide, args=(decision,)) for decision in ("approved", "rejected")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    engine.dispose()
    assert len(outcomes) == 2
    assert outcomes.count("too late") == 1


# -- deletion ----------------------------------------------------------------------------------------------------


def test_a_deleted_customer_is_absent_until_it_is_restored(ask: Any) -> None:
    customers = ask(AsyncCustomerRepository, "csm")
    key = customer_id(ONE, "Harbour Oncology")
    held = customers.get_by_id(key)
    assert customers.delete(key) is True
    assert customers.delete(key) is False, "deleting twice is harmless"
    assert customers.get_by_id(key) is None
    assert customers.get_customer_health(key) is None
    restored = customers.restore(key)
    assert restored.deleted_at is None
    assert customers.get_by_id(key) is restored
    assert restored.name == held.name
    assert customers.restore(key) is restored
    for nobody in (customer_id(ONE, "Cedar Labs"), uuid4(), "x"):
        with pytest.raises(RowNotFoundError):
            customers.restore(nobody)


def test_deleted_customers_are_seen_on_request(ask: Any) -> None:
    customers = ask(AsyncCustomerRepository, "csm", include_deleted=True)
    assert {c.name for c in customers.get_many({})} == CARLAS | {"Fenland Surgery"}
    assert customers.get_by_id(DELETED).deleted_at is not None
    assert customers.delete(DELETED) is False
    assert customers.update(DELETED, {"status": "closed"}).status == "closed"
    assert customers.restore(DELETED).deleted_at is None


def test_approvals_are_never_deleted(ask: Any) -> None:
    from hedgerow.core.repository import ReadOnlyError

    with pytest.raises(ReadOnlyError, match="may not delete"):
        ask(AsyncApprovalRepository, "administrator").delete(approval("meeting"))


def test_one_primary_contact_and_one_day_of_usage(planted: Connection) -> None:
    from planting import refused

    for sql in (
        """INSERT INTO stakeholders (tenant_id, customer_id, name, email, is_primary)
           SELECT tenant_id, customer_id, 'N', 'n@x.example', true FROM stakeholders WHERE is_primary LIMIT 1""",
        """INSERT INTO usage_metrics (tenant_id, customer_id, date)
           SELECT tenant_id, customer_id, date FROM usage_metrics WHERE customer_id IS NOT NULL LIMIT 1""",
    ):
        with refused(planted, "23505"):
            planted.execute(text(sql))
    with refused(planted, "23503"):
        planted.execute(
            text("""UPDATE entitlements AS e SET contract_id = c.id FROM contracts AS c
                     WHERE c.tenant_id = e.tenant_id AND c.customer_id <> e.customer_id""")
        )
    with refused(planted, "23514"):
        planted.execute(text("UPDATE contracts SET end_date = start_date - 1"))
    assert Approval.__app_privileges__ == ("SELECT", "INSERT", "UPDATE")
