"""What ties a patient's rows to the patient's split."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.schema import SchemaItem

from hedgerow.core.mixins import SplitAware
from hedgerow.core.objects import Trigger, declare_trigger


class PatientKeyed(SplitAware):
    """Rows about a patient: their split is the patient's, stamped by trigger and held by foreign key.

    Add :func:`patient_split_key` to ``__table_args__``.
    """

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                # The name sorts before other triggers of the table: what follows sees the final split.
                "assign_split",
                "BEFORE INSERT OR UPDATE",
                "app.stamp_patient_split()",
                # A row that states its split and configuration needs no look-up: the foreign key decides, and bulk
                # loads are faster for it.
                condition="NEW.split_assignment IS NULL OR NEW.split_assignment = 'unassigned' "
                "OR NEW.split_config_id IS NULL",
            ),
        )


def patient_split_key(patient: str = "patient_id") -> tuple[SchemaItem, ...]:
    """The foreign key ``(tenant_id, patient_id, split_assignment)`` to the split registry of patients.

    :param patient: the column that holds the patient's id.
    """
    target = "ml_patient_split_assignments"
    return (
        ForeignKeyConstraint(
            ["tenant_id", patient, "split_assignment"],
            [f"{target}.tenant_id", f"{target}.patient_id", f"{target}.assigned_split"],
        ),
    )
