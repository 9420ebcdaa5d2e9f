"""Composite foreign keys: the only place that spells out ``(tenant_id, x_id)``."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import relationship
from sqlalchemy.schema import SchemaItem

OnDelete = Literal["CASCADE", "RESTRICT", "NO ACTION"]
"""SET NULL is not offered: on a composite key it would null ``tenant_id`` as well."""


def tenant_fk(
    column: str, target: str, *, shared: tuple[str, ...] = (), ondelete: OnDelete = "NO ACTION", index: bool = True
) -> tuple[SchemaItem, ...]:
    """A foreign key to a row of the *same tenant*, and the index that serves it.

    :param column: the referencing column of this table.
    :param target: ``"table.column"`` of the referenced tenant-owned table.
    :param shared: columns of the same name that both rows must agree on as well, for example the patient; the
        target needs a unique key of tenant, these and its column.
    :param index: pass False when another index already leads with ``(tenant_id, column)``.
    :returns: items for ``__table_args__``: ``(tenant_id, column)`` references ``(tenant_id, target column)``,
        so that a row cannot reference another tenant's row whatever the session believes.
    """
    table, _, key = target.partition(".")
    together = ("tenant_id", *shared)
    constraint = ForeignKeyConstraint(
        [*together, column],
        [f"{table}.{name}" for name in (*together, key)],
        ondelete=None if ondelete == "NO ACTION" else ondelete,
    )
    return (constraint, Index(None, "tenant_id", column)) if index else (constraint,)


def reference_fk(column: str, target: str, *, ondelete: OnDelete = "NO ACTION") -> tuple[SchemaItem, ...]:
    """A foreign key from a tenant-owned table to a global reference table, and its tenant-leading index."""
    constraint = ForeignKeyConstraint([column], [target], ondelete=None if ondelete == "NO ACTION" else ondelete)
    return constraint, Index(None, "tenant_id", column)


def tenant_relationship(child: str, parent: str, **kwargs: Any) -> Any:
    """The relationship along :func:`tenant_fk`, for either side of it.

    :param child: ``"Model.column"`` of the referencing side, for example ``"TreatmentEvent.patient_journey_id"``.
    :param parent: ``"Model.column"`` of the referenced side, for example ``"PatientJourney.id"``.
    :param kwargs: passed to :func:`sqlalchemy.orm.relationship`.

    Both columns of the key join, but only ``child`` is written when objects are linked: the tenant of a row is
    stamped by its session and never copied from another row.
    """
    child_model, parent_model = child.partition(".")[0], parent.partition(".")[0]
    remote = "remote({})" if child_model == parent_model else "{}"
    join = (
        f"and_(foreign({child}) == {remote.format(parent)}, "
        f"{child_model}.tenant_id == {remote.format(parent_model + '.tenant_id')})"
    )
    return relationship(primaryjoin=join, **kwargs)
