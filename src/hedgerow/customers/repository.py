"""Questions about customers, their scores and signals, and decisions on what agents ask for.

Each answers for whoever asks: the user of the session's scope.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update

from hedgerow.core.repository import AsyncBaseRepository, BaseRepository, FilterError, RowNotFoundError, awaiting
from hedgerow.core.repository import filters as filtering
from hedgerow.core.repository.contract import Key
from hedgerow.customers.enums import ApprovalStatus
from hedgerow.customers.errors import ApprovalExpiredError, DecidedError, NoUserError, OwnApprovalError
from hedgerow.customers.models import AgentSession, Approval, Customer, HealthScore, RiskSignal
from hedgerow.customers.views import AtRiskCustomer, CustomerHealth, UpcomingRenewal

HORIZON = 90
"""Days that v_upcoming_renewals looks ahead."""


class CustomerRepository(BaseRepository[Customer]):
    """Customers; deleted ones are absent unless the session was opened with ``include_deleted``."""

    model_class = Customer

    def get_customer_health(self, id: Key) -> CustomerHealth | None:
        """Return a customer with the parts of its newest health score, None where there is no such customer.

        The newest is the one with the latest ``calculated_at``; a score without a time is older than any. Score and
        parts are None where the customer has no score, while ``customer_health_score``, the column of the customer,
        may hold its default of 50.
        """
        try:
            known = filtering.coerced(Customer, "id", id)
        except FilterError:
            return None
        return self.session.scalars(select(CustomerHealth).where(CustomerHealth.id == known)).one_or_none()

    def get_at_risk_customers(self, limit: int | None = None) -> list[AtRiskCustomer]:
        """Return customers with a score below 60 or an open signal of severity high or critical, the worst first.

        ``active_signals`` counts the open signals of every severity.

        :param limit: at most that many; None for all of them.
        :raises FilterError: a negative limit.
        """
        if limit is not None and limit < 0:
            raise FilterError(f"The limit {limit!r} is not a count.", remedy="give 0 or more, or None for all")
        worst = select(AtRiskCustomer).order_by(AtRiskCustomer.health_score.asc().nulls_last(), AtRiskCustomer.id)
        return list(self.session.scalars(worst.limit(limit)))

    def get_upcoming_renewals(self, days: int = HORIZON) -> list[UpcomingRenewal]:
        """Return the renewals of today and the next ``days``, both ends included, the nearest first.

        Today is the day in UTC by the clock of the database. Every stage is listed, churned included.

        :param days: 0 for today alone, up to 90.
        :raises FilterError: fewer or more.
        """
        if not 0 <= days <= HORIZON:
            raise FilterError(f"{days} days ahead are not looked at.", remedy=f"give 0 to {HORIZON}")
        today = func.date(func.timezone("UTC", func.now()))
        near = select(UpcomingRenewal).where(UpcomingRenewal.renewal_date <= today + days)
        return list(self.session.scalars(near.order_by(UpcomingRenewal.renewal_date, UpcomingRenewal.renewal_id)))

    def restore(self, id: Key) -> Customer:
        """Take back the deletion of a customer and return it; one that lives is returned as it is.

        :raises RowNotFoundError: whoever asks sees no such customer, deleted or not.
        """
        is_row = self._identified(id)
        row = None
        if is_row is not None:
            # Whoever has the object would see it deleted: it is read anew.
            statement = update(Customer).where(is_row).values(deleted_at=None).returning(Customer)
            options = {"include_deleted": True, "populate_existing": True, "synchronize_session": False}
            row = self.session.scalars(statement, execution_options=options).first()
        if row is None:
            raise RowNotFoundError(
                f"There is no customer {id!r} for whoever asks.",
                remedy="check the id, and the tenant and user of the scope",
                table=self.table_name,
                scope=self._opened().scope,
            )
        return row


class HealthScoreRepository(BaseRepository[HealthScore]):
    """Dated health scores. Storing one sets ``customers.health_score``, if it is the newest."""

    model_class = HealthScore

    def get_latest(self, customer_id: UUID) -> HealthScore | None:
        """Return the newest score of a customer, None where it has none."""
        return self.first(self._newest(customer_id))

    def get_history(self, customer_id: UUID, days: float | None = None) -> list[HealthScore]:
        """Return the scores of a customer, the newest first.

        :param days: those of the last days by the clock of the database; None for all, ones without a time included.
        :raises FilterError: a negative number of days.
        """
        statement = self._newest(customer_id)
        if days is not None:
            if days < 0:
                raise FilterError(f"The last {days} days do not exist.", remedy="give 0 or more")
            statement = statement.where(HealthScore.calculated_at >= func.now() - timedelta(days=days))
        return self.rows(statement)

    def _newest(self, customer_id: UUID) -> Select[HealthScore]:
        of_customer = self.matching({"customer_id": customer_id})
        return of_customer.order_by(HealthScore.calculated_at.desc().nulls_last(), HealthScore.id)


class RiskSignalRepository(BaseRepository[RiskSignal]):
    """Warning signs on customers."""

    model_class = RiskSignal

    def get_active(self, customer_id: UUID | None = None) -> list[RiskSignal]:
        """Return the unresolved signals of a customer, or of all that whoever asks sees, the newest first."""
        filters = {} if customer_id is None else {"customer_id": customer_id}
        unresolved = self.matching({**filters, "resolved_at": None})
        return self.rows(unresolved.order_by(RiskSignal.detected_at.desc().nulls_last(), RiskSignal.id))

    def resolve(self, id: Key) -> RiskSignal:
        """Close a signal and return it; one that is closed keeps its time.

        :raises RowNotFoundError: whoever asks sees no such signal.
        """
        return self.update(id, {"resolved_at": func.coalesce(RiskSignal.resolved_at, func.now())})


class AgentSessionRepository(BaseRepository[AgentSession]):
    """Agent sessions of whoever asks, and those on the customers that he sees."""

    model_class = AgentSession

    def create(self, entity: AgentSession) -> AgentSession:
        """Store a session; it is that of whoever asks, unless an administrator names another user.

        :raises AudienceError: it names somebody else.
        """
        if entity.user_id is None:
            entity.user_id = self._opened().scope.user_id  # type: ignore[assignment]
        return super().create(entity)


class ApprovalRepository(BaseRepository[Approval]):
    """What agents ask for, and what people decide. Nobody decides what he asks for himself, and nothing is deleted."""

    model_class = Approval

    def get_pending(self, session_id: UUID | None = None) -> list[Approval]:
        """Return what waits for a decision, the oldest first: all that whoever asks sees, or that of one session.

        A pending approval whose ``expires_at`` has passed counts as expired and is left out.
        """
        filters = {} if session_id is None else {"session_id": session_id}
        waiting = self.matching(filters).where(_waiting())
        return self.rows(waiting.order_by(Approval.created_at, Approval.id))

    def decide(self, id: Key, decision: ApprovalStatus | str, notes: str | None = None) -> Approval:
        """Approve or reject, once, in the name of the user of the scope, and return the approval as stored.

        :param decision: ``approved`` or ``rejected``.
        :param notes: kept with the decision; None leaves what is there.
        :raises FilterError: another decision.
        :raises NoUserError: the scope names no user.
        :raises RowNotFoundError: whoever asks sees no such approval.
        :raises OwnApprovalError: it was asked for in a session of the user's own.
        :raises DecidedError: it was decided before, perhaps a moment ago.
        :raises ApprovalExpiredError: its time has passed.
        """
        if decision not in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED):
            raise FilterError(f"{decision!r} is no decision.", remedy="give 'approved' or 'rejected'")
        user = self._opened().scope.user_id
        if user is None:
            raise NoUserError(
                "A decision is somebody's, and the scope names no user.",
                remedy="open the session with Scope(tenant_id, user_id=...)",
                table=self.table_name,
            )
        values = {"status": ApprovalStatus(decision), "decided_by": user, "decided_at": func.now()}
        is_row = self._identified(id)
        row = None
        if is_row is not None:
            # The policies say so as well; said here, it holds where only the filter stands, too.
            open_to_me = is_row & _waiting() & ~_asked_by(user)
            row = self._set(open_to_me, values if notes is None else {**values, "notes": notes})
        if row is None:
            raise self._refusal(id, is_row, user)
        return row

    def expire_overdue(self) -> int:
        """Mark as expired what is pending past its time, and return how much; sessions of one's own are left alone."""
        user = self._opened().scope.user_id
        overdue = (Approval.status == ApprovalStatus.PENDING) & (Approval.expires_at <= func.now())
        statement = update(Approval).where(overdue, ~_asked_by(user)).values(status=ApprovalStatus.EXPIRED)
        statement = statement.returning(Approval)
        options = {"synchronize_session": False, "populate_existing": True}
        return len(self.session.scalars(statement, execution_options=options).all())

    def _refusal(self, id: Key, is_row: ColumnElement[bool] | None, user: UUID | str) -> Exception:
        found = None
        if is_row is not None:
            facts = select(Approval.status, _asked_by(user), Approval.expires_at <= func.now()).where(is_row)
            found = self.session.execute(facts).first()
        scope = self._opened().scope
        if found is None:
            return RowNotFoundError(
                f"There is no approval {id!r} for whoever asks.",
                remedy="check the id, and the tenant and user of the scope",
                table=self.table_name,
                scope=scope,
            )
        status, own, overdue = found
        if own:
            return OwnApprovalError(
                "Nobody decides what was asked for in a session of his own.",
                remedy="let an administrator decide, or the manager of the customer",
                table=self.table_name,
                scope=scope,
            )
        if status == ApprovalStatus.PENDING and overdue:
            return ApprovalExpiredError(
                "The time to decide has passed.", remedy="let the agent ask again", table=self.table_name, scope=scope
            )
        if status == ApprovalStatus.PENDING:
            return RowNotFoundError(
                "Whoever asks may see the approval, and not decide it.",
                remedy="let an administrator decide",
                table=self.table_name,
                scope=scope,
            )
        return DecidedError(
            f"It is {status} already.", remedy="let the agent ask again", table=self.table_name, scope=scope
        )


def _waiting() -> ColumnElement[bool]:
    in_time = or_(Approval.expires_at.is_(None), Approval.expires_at > func.now())
    return (Approval.status == ApprovalStatus.PENDING) & in_time


def _asked_by(user: UUID | str | None) -> ColumnElement[bool]:
    return exists().where(AgentSession.id == Approval.session_id, AgentSession.user_id == user)


class AsyncCustomerRepository(AsyncBaseRepository[Customer]):
    """:class:`CustomerRepository` over an asynchronous session."""

    sync_class = CustomerRepository
    get_customer_health = awaiting(CustomerRepository.get_customer_health)
    get_at_risk_customers = awaiting(CustomerRepository.get_at_risk_customers)
    get_upcoming_renewals = awaiting(CustomerRepository.get_upcoming_renewals)
    restore = awaiting(CustomerRepository.restore)


class AsyncHealthScoreRepository(AsyncBaseRepository[HealthScore]):
    """:class:`HealthScoreRepository` over an asynchronous session."""

    sync_class = HealthScoreRepository
    get_latest = awaiting(HealthScoreRepository.get_latest)
    get_history = awaiting(HealthScoreRepository.get_history)


class AsyncRiskSignalRepository(AsyncBaseRepository[RiskSignal]):
    """:class:`RiskSignalRepository` over an asynchronous session."""

    sync_class = RiskSignalRepository
    get_active = awaiting(RiskSignalRepository.get_active)
    resolve = awaiting(RiskSignalRepository.resolve)


class AsyncAgentSessionRepository(AsyncBaseRepository[AgentSession]):
    """:class:`AgentSessionRepository` over an asynchronous session."""

    sync_class = AgentSessionRepository


class AsyncApprovalRepository(AsyncBaseRepository[Approval]):
    """:class:`ApprovalRepository` over an asynchronous session."""

    sync_class = ApprovalRepository
    get_pending = awaiting(ApprovalRepository.get_pending)
    decide = awaiting(ApprovalRepository.decide)
    expire_overdue = awaiting(ApprovalRepository.expire_overdue)
