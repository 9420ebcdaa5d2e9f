"""What the walls let through: the same questions in several scopes, and attempts to get at what is not one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid5

from sqlalchemy import func, literal_column, select, table, text
from sqlalchemy.orm import Session

from hedgerow import HedgerowError, Scope, Split, open_session, unscoped_sql
from hedgerow.patients import PatientJourney, TreatmentEvent
from hedgerow.patients.repository import PatientJourneyRepository
from hedgerow.splits import SplitAccessLog

from .data import NAMESPACE, Trial
from .store import Witness

SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one scope sees of one tenant.

    :ivar label: the scope in words.
    :ivar journeys: visible journeys by split.
    :ivar events: visible events of all splits.
    """

    label: str
    scope: Scope
    journeys: dict[Split, int]
    events: int


def look(label: str, scope: Scope) -> Sight:
    """Count, through the ORM and without any condition, what a session of the scope sees."""
    with open_session(scope) as session:
        counted = session.execute(
            select(PatientJourney.split_assignment, func.count()).group_by(PatientJourney.split_assignment)
        )
        journeys = {split: number for split, number in counted if split is not None}
        events = session.scalar(select(func.count()).select_from(TreatmentEvent)) or 0
    return Sight(label, scope, {split: journeys.get(split, 0) for split in SPLITS}, events)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to reach what the scope does not hold.

    :ivar what: the attempt, as code or in words.
    :ivar there: rows that it is after, counted outside of the walls.
    :ivar got: rows that it got; None if it was refused.
    :ivar refusal: the error, or None.
    """

    what: str
    there: int
    got: int | None
    refusal: HedgerowError | None

    @property
    def held(self) -> bool:
        """Whether the walls held."""
        return not self.got


def reach_for_holdout(trial: Trial, witness: Witness) -> list[Attempt]:
    """What a session that may see train only tries, to see holdout."""
    scope = Scope(trial.tenant_id, splits={Split.TRAIN})
    there = witness.count(trial.tenant_id, Split.HOLDOUT)
    sealed = select(func.count()).select_from(PatientJourney).where(PatientJourney.split_assignment == Split.HOLDOUT)
    # The condition hidden from the filter in an expression, so that only the rows themselves can be refused.
    veiled = select(func.count()).where(func.concat(PatientJourney.split_assignment) == "holdout")
    view = select(func.count()).select_from(table("v_holdout_patient_journeys"))
    raw = text("SELECT count(*) FROM patient_journeys WHERE split_assignment = 'holdout'")
    marked = unscoped_sql("demonstration: text that nobody filters meets the second lock")
    return [
        _attempt("where(split_assignment == 'holdout')", scope, there, lambda s: s.scalar(sealed)),
        _attempt(
            "repository.get_many({}, split='holdout')",
            scope,
            there,
            lambda s: len(PatientJourneyRepository(s).get_many({}, split="holdout")),
        ),
        _attempt("the view v_holdout_patient_journeys", scope, there, lambda s: s.scalar(view)),
        _attempt("where(concat(split_assignment) == 'holdout')", scope, there, lambda s: s.scalar(veiled)),
        _attempt("text('SELECT count(*) ...')", scope, there, lambda s: s.scalar(raw)),
        _attempt(
            "the same, marked as intended: lock 2 alone",
            scope,
            there,
            lambda s: s.scalar(raw, execution_options=marked),
        ),
        _open("Scope(tenant, splits={'holdout'})", trial.tenant_id, there),
    ]


def reach_for_tenant(theirs: Trial, mine: Trial, witness: Witness) -> list[Attempt]:
    """What a session of tenant ``mine`` tries, to see or change rows of ``theirs``."""
    scope = Scope(mine.tenant_id)
    there = witness.count(theirs.tenant_id)
    prefix = theirs.patient_ids[0].partition("-")[0]
    by_tenant = select(func.count()).select_from(PatientJourney).where(PatientJourney.tenant_id == theirs.tenant_id)
    by_name = select(func.count()).select_from(PatientJourney).where(PatientJourney.patient_id.like(f"{prefix}-%"))
    # What a form field does that is pasted into SQL.
    typed = f"nobody' OR tenant_id = '{theirs.tenant_id}' --"
    pasted = text(f"SELECT count(*) FROM patient_journeys WHERE patient_id = '{typed}'")
    smuggled = by_name.where(literal_column(f"true OR patient_journeys.tenant_id = '{theirs.tenant_id}'"))
    marked = unscoped_sql("demonstration: an injection that reaches the database")
    stolen = theirs.journeys[0]
    return [
        _attempt(f"where(tenant_id == '{theirs.tenant_id}')", scope, there, lambda s: s.scalar(by_tenant)),
        _attempt(f"where(patient_id.like('{prefix}-%'))", scope, there, lambda s: s.scalar(by_name)),
        _attempt("the same, OR tenant_id = ... smuggled in", scope, there, lambda s: s.scalar(smuggled)),
        _attempt("text() with an injected OR tenant_id = ...", scope, there, lambda s: s.scalar(pasted)),
        _attempt(
            "the same, marked as intended: lock 2 alone",
            scope,
            there,
            lambda s: s.scalar(pasted, execution_options=marked),
        ),
        _attempt("session.get of a known id", scope, 1, lambda s: _got(s, theirs.tenant_id, stolen["id"])),
        _attempt("add(PatientJourney(tenant_id=...)), commit", scope, there, lambda s: _write(s, theirs.tenant_id)),
        _attempt(
            "INSERT INTO hcp_profiles, marked: lock 2 alone",
            scope,
            there,
            lambda s: _change(s, "INSERT INTO hcp_profiles (tenant_id, hcp_id) VALUES (:tenant, 'FOREIGN')", theirs),
        ),
        _attempt(
            "UPDATE every journey, marked: lock 2 alone",
            scope,
            there,
            lambda s: _change(s, "UPDATE patient_journeys SET brand = 'stolen' WHERE tenant_id = :tenant", theirs),
        ),
    ]


def logged(trial: Trial) -> list[SplitAccessLog]:
    """The access log of a tenant, the latest entry first."""
    with open_session(Scope(trial.tenant_id)) as session:
        return list(session.scalars(select(SplitAccessLog).order_by(SplitAccessLog.accessed_at.desc())))


def _attempt(what: str, scope: Scope, there: int, ask: Callable[[Session], int | None]) -> Attempt:
    try:
        with open_session(scope) as session:
            return Attempt(what, there, ask(session) or 0, None)
    except HedgerowError as refusal:
        return Attempt(what, there, None, refusal)


def _open(what: str, tenant_id: str, there: int) -> Attempt:
    try:
        scope = Scope(tenant_id, splits={Split.HOLDOUT})
    except HedgerowError as refusal:
        return Attempt(what, there, None, refusal)
    return _attempt(what, scope, there, lambda s: s.scalar(select(func.count()).select_from(PatientJourney)))


def _got(session: Session, tenant_id: str, row_id: object) -> int:
    return int(session.get(PatientJourney, (tenant_id, row_id)) is not None)


def _write(session: Session, tenant_id: str) -> int:
    row = PatientJourney(tenant_id=tenant_id, id=uuid5(NAMESPACE, "foreign"), patient_id="FOREIGN-0001", brand="none")
    session.add(row)
    session.commit()
    return 1


def _change(session: Session, statement: str, theirs: Trial) -> int:
    marked = unscoped_sql("demonstration: a write that nobody filters")
    result = session.execute(text(statement), {"tenant": theirs.tenant_id}, execution_options=marked)
    session.commit()
    return int(getattr(result, "rowcount", 0))
