"""The trials in the database: tenants by the owner of the schema, patients by a session; and a witness who counts.

Each function may be called again: it finds what an earlier run has stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hedgerow import HedgerowError, Scope, Split, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_engine, owner_engine
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.core.settings import Settings
from hedgerow.patients import PatientJourney, TreatmentEvent
from hedgerow.splits import PatientSplitAssignment, SplitStrategy
from hedgerow.splits.budget import set_holdout_budget
from hedgerow.splits.config import SplitConfigFile
from hedgerow.splits.registration import register_split_config
from hedgerow.tenancy import Tenant

from .data import Trial

NO_MODEL = "demonstration"
"""What openings of holdout count for here, with a budget that is not used up: they judge no model."""

TABLES = (PatientJourney.__tablename__, TreatmentEvent.__tablename__)

# No dates: neither trial has a calendar, so time cannot divide its patients, and the gap has nothing to part.
CONFIG = SplitConfigFile(
    config_name="by_patient",
    strategy=SplitStrategy.PATIENT_STRATIFIED,
    train_ratio=Decimal("0.60"),
    validation_ratio=Decimal("0.20"),
    test_ratio=Decimal("0.15"),
    holdout_ratio=Decimal("0.05"),
    temporal_gap_days=0,
)


class SchemaMissingError(HedgerowError):
    """The database has no hedgerow schema yet."""


def require_schema(owner: Engine) -> None:
    """Raise unless the revisions have been run.

    :raises SchemaMissingError: they have not.
    """
    with owner.connect() as connection:
        if connection.scalar(select(func.to_regclass("ml_shap_analyses"))) is None:
            raise SchemaMissingError(
                "The database has no hedgerow schema yet.", remedy="run `hedgerow db upgrade`, then this again"
            )


def create_tenant(owner: Engine, trial: Trial) -> UUID:
    """Create the tenant of a trial, with its split configuration, unless they are there; return the latter's id.

    Application sessions can do neither: the owner of the schema does.
    """
    with owner.begin() as connection:
        # The owner too is held by row-level security: it names the tenant that it works for.
        connection.execute(ISSUE_SCOPE, issuing_parameters(trial.tenant_id))
        connection.execute(pg_insert(Tenant).values(id=trial.tenant_id, name=trial.name).on_conflict_do_nothing())
        # Loading and counting hold every split, holdout too, and judge no model.
        set_holdout_budget(connection, trial.tenant_id, 100_000, model=NO_MODEL)
        return register_split_config(
            connection, trial.tenant_id, CONFIG, created_by="examples/breast_cancer.py"
        ).split_config_id


def store(trial: Trial) -> bool:
    """Store the patients of a trial, in one transaction; return False if an earlier run has done so.

    No row says which split it is in: the database registers each patient by the hash rule and stamps the rows.
    The rows reach every split, so the scope is one with a purpose, and opening it is logged.
    """
    with open_session(Scope(trial.tenant_id)) as session:
        # The registry holds no clinical facts, only who is in which split: every scope of the tenant may read it.
        known = session.scalar(select(func.count()).select_from(PatientSplitAssignment))
    if known:
        return False
    with open_session(Scope.evaluation(trial.tenant_id, Split, f"load {trial.name}", model=NO_MODEL)) as session:
        # Without render_nulls every change in which columns are NULL would be a statement of its own.
        together = {"render_nulls": True}
        session.execute(insert(PatientJourney), trial.journeys, execution_options=together)
        session.execute(insert(TreatmentEvent), trial.events, execution_options=together)
        session.commit()
    return True


def registered(trial: Trial) -> dict[str, Split]:
    """The split of each patient, as the registry of the tenant says."""
    with open_session(Scope(trial.tenant_id)) as session:
        rows = session.execute(select(PatientSplitAssignment.patient_id, PatientSplitAssignment.assigned_split))
        return {patient_id: Split(split) for patient_id, split in rows}


@dataclass(frozen=True)
class Witness:
    """Somebody for whom the walls do not stand, and who counts what is really there.

    :ivar name: who, for the reader.
    :ivar rows: table to (tenant, split) to number of rows.
    """

    name: str
    rows: Mapping[str, Counter[tuple[str, str]]] = field(repr=False)

    def count(self, tenant_id: str, *splits: str, table: str = TABLES[0]) -> int:
        """Rows of a tenant in the given splits, in all of them when none is given."""
        return sum(
            number
            for (tenant, split), number in self.rows[table].items()
            if tenant == tenant_id and (not splits or split in splits)
        )


def call_witness(settings: Settings, trials: list[Trial]) -> Witness:
    """Count the rows of the trials, past every wall where somebody can.

    That is the superuser of the embedded server, or the role of ``DATABASE_URL`` where it is one. Where nobody is,
    each tenant's own evaluation scope counts, which is inside the walls; the name of the witness says so.
    """
    embedded = not (settings.database_url or settings.app_url)
    engine = build_engine(EmbeddedServer(settings.home).url("admin")) if embedded else owner_engine(settings=settings)
    with engine.connect() as connection:
        role, unbound = connection.execute(
            text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
        rows = {table: Counter(_rows(connection, table)) for table in TABLES} if unbound else None
    if embedded:
        engine.dispose()
    if rows is not None:
        return Witness(f"the superuser {role}, for whom no wall stands", rows)
    rows = {table: Counter() for table in TABLES}
    for trial in trials:
        with open_session(Scope.evaluation(trial.tenant_id, Split, "count what is there", model=NO_MODEL)) as session:
            for model in (PatientJourney, TreatmentEvent):
                statement = select(model.split_assignment, func.count()).group_by(model.split_assignment)
                for split, number in session.execute(statement):
                    rows[model.__tablename__][trial.tenant_id, str(split)] = number
    return Witness("each tenant's own evaluation scope (DATABASE_URL names no superuser)", rows)


def _rows(connection: Any, table: str) -> dict[tuple[str, str], int]:
    counted = connection.execute(
        text(f"SELECT tenant_id, split_assignment, count(*) FROM {table} GROUP BY tenant_id, split_assignment")
    )
    return {(tenant, split): number for tenant, split, number in counted}
