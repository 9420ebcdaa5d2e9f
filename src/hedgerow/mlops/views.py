"""Views of the mlops domain."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.types import str50, str100, str255
from hedgerow.mlops.enums import ModelStage
from hedgerow.patients.enums import Brand, Region


class ChampionModel(ViewBase):
    """Champion in production or staging, with its experiment; champions without experiment are not listed."""

    __tablename__ = "v_champion_models"

    experiment_name: Mapped[str255]
    prediction_target: Mapped[str100]
    brand: Mapped[Brand | None]
    region: Mapped[Region | None]
    model_name: Mapped[str255] = mapped_column(primary_key=True)
    model_version: Mapped[str50] = mapped_column(primary_key=True)
    algorithm: Mapped[str100]
    auc: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    pr_auc: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    stage: Mapped[ModelStage]
    trained_at: Mapped[datetime | None]
