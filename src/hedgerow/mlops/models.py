"""Tables of the mlops domain."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, Table, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import KeepsUpdatedAt, SplitAware, TenantOwned
from hedgerow.core.objects import Trigger, declare_trigger
from hedgerow.core.scope import Split
from hedgerow.core.types import EMPTY_OBJECT, str50, str100, str255, uuid_pk
from hedgerow.mlops.enums import ModelStage
from hedgerow.patients.enums import Brand, Region


# Not Timestamped, whose columns are NOT NULL: here both are nullable.
class Experiment(KeepsUpdatedAt, SplitAware, TenantOwned, Base):
    """Experiment scope, target and success criteria."""

    __tablename__ = "ml_experiments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "mlflow_experiment_id"),
        CheckConstraint("minimum_auc >= 0.5 AND minimum_auc <= 1.0", name="valid_auc"),
        CheckConstraint("minimum_precision_at_k >= 0 AND minimum_precision_at_k <= 1.0", name="valid_precision"),
        Index(None, "tenant_id", "brand"),
        Index(None, "tenant_id", "experiment_name"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    experiment_name: Mapped[str255] = mapped_column(comment="Not unique: the same question may be asked again")
    mlflow_experiment_id: Mapped[str100 | None]
    description: Mapped[str | None]
    prediction_target: Mapped[str100] = mapped_column(comment="What is predicted")
    target_population: Mapped[str | None] = mapped_column(comment="For whom it is predicted")
    observation_window_days: Mapped[int | None] = mapped_column(comment="Days before the prediction that features see")
    prediction_horizon_days: Mapped[int | None] = mapped_column(comment="Days after it that the target covers")
    minimum_auc: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="Success criterion, 0.5 to 1")
    minimum_precision_at_k: Mapped[Decimal | None] = mapped_column(Numeric(4, 3), comment="Success criterion, 0 to 1")
    maximum_fpr: Mapped[Decimal | None] = mapped_column(
        Numeric(4, 3), comment="Success criterion: highest acceptable false positive rate"
    )
    brand: Mapped[Brand | None]
    region: Mapped[Region | None]
    created_by: Mapped[str100 | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    split_assignment: Mapped[Split | None] = mapped_column(
        server_default=text("'unassigned'"), comment="Split that the experiment is about"
    )

    models: Mapped[list[RegisteredModel]] = tenant_relationship(
        "RegisteredModel.experiment_id", "Experiment.id", back_populates="experiment", passive_deletes="all"
    )


class RegisteredModel(SplitAware, TenantOwned, Base):
    """Model version with metrics, lifecycle stage and champion flag.

    An experiment has at most one champion, and so have the models without experiment taken together. Setting
    ``is_champion`` takes it from the previous champion, by trigger; a unique index holds where the trigger cannot see.
    """

    __tablename__ = "ml_model_registry"
    __table_args__ = (
        *tenant_fk("experiment_id", "ml_experiments.id"),
        UniqueConstraint("tenant_id", "model_name", "model_version"),
        CheckConstraint("auc >= 0 AND auc <= 1.0", name="valid_model_auc"),
        Index(None, "tenant_id", "stage"),
        Index(
            "uq_ml_model_registry_champion",
            "tenant_id",
            "experiment_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("is_champion"),
        ),
    )

    id: Mapped[uuid_pk]
    experiment_id: Mapped[UUID | None]
    model_name: Mapped[str255]
    model_version: Mapped[str50]
    mlflow_run_id: Mapped[str100 | None]
    mlflow_model_uri: Mapped[str | None]
    algorithm: Mapped[str100]
    hyperparameters: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    feature_count: Mapped[int | None]
    training_samples: Mapped[int | None]
    auc: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="Area under the ROC curve, 0 to 1")
    pr_auc: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="Area under the precision-recall curve")
    brier_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="Mean squared error of probabilities")
    calibration_slope: Mapped[Decimal | None] = mapped_column(Numeric(5, 4), comment="1 when well calibrated")
    fairness_metrics: Mapped[dict[str, Any] | None] = mapped_column(server_default=EMPTY_OBJECT)
    stage: Mapped[ModelStage | None] = mapped_column(server_default=text("'development'"))
    is_champion: Mapped[bool | None] = mapped_column(
        server_default=text("false"), comment="The model of its experiment in use; at most one"
    )
    artifact_path: Mapped[str | None]
    preprocessing_pipeline_path: Mapped[str | None]
    trained_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    promoted_at: Mapped[datetime | None]
    split_assignment: Mapped[Split | None] = mapped_column(
        server_default=text("'train'"), comment="Split that the model was trained on"
    )

    experiment: Mapped[Experiment | None] = tenant_relationship(
        "RegisteredModel.experiment_id", "Experiment.id", back_populates="models"
    )

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        declare_trigger(
            table,
            Trigger(
                "ensure_single_champion",
                "BEFORE INSERT OR UPDATE",
                "ensure_single_champion()",
                condition="NEW.is_champion",
            ),
        )
