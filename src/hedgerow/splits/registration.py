"""From a checked configuration to the registry of a tenant, as the owner of the schema.

Comes in: a :class:`~hedgerow.splits.config.SplitConfigFile`. Goes out: the active row of ``ml_split_registry``, which
decides the split of new patients and the time windows of every split. A patient who has a split keeps it for ever:
a configuration under which patients were assigned is history and is not changed, another one takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, exists, insert, select, update
from sqlalchemy.orm import Session

from hedgerow.core.base import metadata
from hedgerow.core.errors import HedgerowError
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.splits.config import BOUNDARY_DATES, SplitConfigError, SplitConfigFile
from hedgerow.splits.models import LeakageAudit, PatientSplitAssignment, PreprocessingMetadata, SplitConfig
from hedgerow.tenancy.models import Tenant

UNBOUNDED: Final = {
    "data_start_date": date(1900, 1, 1),
    "train_end_date": date(2996, 12, 31),
    "validation_end_date": date(2997, 12, 31),
    "test_end_date": date(2998, 12, 31),
    "data_end_date": date(2999, 12, 31),
}
"""What a configuration without dates stores, since the columns are required; patient_stratified never reads them."""

Outcome = Literal["created", "changed", "activated", "unchanged"]

_registry = metadata.tables[SplitConfig.__tablename__]
_tenant = metadata.tables[Tenant.__tablename__]


@dataclass(frozen=True, slots=True)
class Registration:
    """What registering did.

    :ivar split_config_id: the configuration that is active now.
    :ivar outcome: ``created``; ``changed`` in place, nothing having used it; ``activated`` again; or ``unchanged``.
    :ivar replaced: name of the configuration that was active before, if it was another one.
    """

    split_config_id: UUID
    outcome: Outcome
    replaced: str | None


class TenantNotFoundError(HedgerowError, LookupError):
    """The tenant does not exist."""


def register_split_config(
    connection: Connection | Session, tenant_id: str, config: SplitConfigFile, *, created_by: str | None = None
) -> Registration:
    """Make ``config`` the active split configuration of a tenant.

    Idempotent: the same content under the same name is ``unchanged``. A configuration that nothing refers to is
    changed in place. Existing assignments stay, whatever the new ratios are; new patients follow the new ratios.

    :param connection: of the owner of the schema, since application sessions only read the registry; the caller
        commits. Its transaction is left in the scope of the tenant, without any split.
    :param created_by: who registers it, at most 100 characters.
    :raises TenantNotFoundError: there is no such tenant.
    :raises SplitConfigError: the name is taken by other content under which patients were assigned.
    """
    # The owner too is held by the wall (FORCE): without a tenant it neither sees nor writes a row.
    connection.execute(ISSUE_SCOPE, issuing_parameters(tenant_id))
    # One registration at a time for each tenant, so that two cannot both find no active configuration.
    locked = connection.execute(
        select(_tenant.c.id).where(_tenant.c.id == tenant_id).with_for_update(key_share=True)
    ).first()
    if locked is None:
        raise TenantNotFoundError(
            f"The tenant {tenant_id!r} does not exist.", remedy="create it first, or correct its id", table="tenant"
        )
    mine = _registry.c.tenant_id == tenant_id
    named = connection.execute(select(_registry).where(mine, _registry.c.config_name == config.config_name)).first()
    active = connection.execute(select(_registry).where(mine, _registry.c.is_active)).first()
    values = stored_values(config)
    different = [] if named is None else [name for name, value in values.items() if getattr(named, name) != value]
    if named is not None and different and _in_use(connection, named):
        raise SplitConfigError(
            f"The split configuration {config.config_name!r} of tenant {tenant_id!r} cannot change "
            f"({', '.join(different)}): patients, audits or statistics refer to it.",
            remedy=f"give the new one another config_name, for example {_next_name(config.config_name)}; patients "
            "who have a split keep it, new patients follow the new ratios",
            table=_registry.name,
        )
    other = None if active is None or active.config_name == config.config_name else active.config_name
    if other is not None:
        connection.execute(update(_registry).where(mine, _registry.c.is_active).values(is_active=False))
    if named is None:
        stored = values | {"tenant_id": tenant_id, "created_by": created_by, "is_active": True}
        statement = insert(_registry).values(stored).returning(_registry.c.split_config_id)
        new_id = connection.execute(statement).scalar_one()
        return Registration(new_id, "created", other)
    if different or not named.is_active:
        this = mine & (_registry.c.split_config_id == named.split_config_id)
        connection.execute(update(_registry).where(this).values(values | {"is_active": True}))
    outcome: Outcome = "changed" if different else "unchanged" if named.is_active else "activated"
    return Registration(named.split_config_id, outcome, other)


def stored_values(config: SplitConfigFile) -> dict[str, Any]:
    """The columns of ``ml_split_registry`` that a configuration decides."""
    ratios = config.ratios
    dates = {name: getattr(config, name) for name in BOUNDARY_DATES} if config.has_dates else UNBOUNDED
    return {
        "config_name": config.config_name,
        "config_version": config.config_version,
        "train_ratio": ratios.train,
        "validation_ratio": ratios.validation,
        "test_ratio": ratios.test,
        "holdout_ratio": ratios.holdout,
        "temporal_gap_days": config.temporal_gap_days,
        "split_strategy": config.effective_strategy,
        "random_seed": config.random_seed,
        **dates,
    }


def _in_use(connection: Connection | Session, named: Row[Any]) -> bool:
    """Whether anything was computed under the configuration, so that changing it would falsify what is recorded."""
    uses = [
        exists().where(
            metadata.tables[model.__tablename__].c.tenant_id == named.tenant_id,
            metadata.tables[model.__tablename__].c.split_config_id == named.split_config_id,
        )
        for model in (PatientSplitAssignment, PreprocessingMetadata, LeakageAudit)
    ]
    return any(bool(connection.execute(select(use)).scalar_one()) for use in uses)


def _next_name(name: str) -> str:
    stem, _, number = name.rpartition("_v")
    return f"{stem}_v{int(number) + 1}" if stem and number.isdecimal() else f"{name}_v2"
