"""Questions about experiments and the models that came out of them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from hedgerow.core.repository import AsyncSplitAwareRepository, SplitAwareRepository, awaiting
from hedgerow.core.scope import Split
from hedgerow.mlops.models import Experiment, RegisteredModel
from hedgerow.mlops.views import ChampionModel


class ExperimentRepository(SplitAwareRepository[Experiment]):
    """Experiments; their split is the one that they are about."""

    model_class = Experiment

    def get_by_name(self, experiment_name: str, split: Split | str | None = None) -> list[Experiment]:
        """Return every experiment of a name, which need not be unique, the newest first."""
        named = self.matching({"experiment_name": experiment_name}, split)
        return self.rows(named.order_by(Experiment.created_at.desc().nulls_last(), Experiment.id))


class RegisteredModelRepository(SplitAwareRepository[RegisteredModel]):
    """Registered model versions; their split is the one that they were trained on."""

    model_class = RegisteredModel

    def get_latest_model(self, experiment_name: str) -> RegisteredModel | None:
        """Return the newest model of an experiment name, None when there is none.

        By ``registered_at``, then by version read as numbers; the database function of the same name decides.
        """
        latest = func.get_latest_model(experiment_name).table_valued("model_id", name="latest")
        return self.first(self.select().join(latest, RegisteredModel.id == latest.c.model_id))

    def get_champion(self, experiment_id: UUID | str | None) -> RegisteredModel | None:
        """Return the champion of an experiment, whatever its stage; None asks for models without experiment."""
        return self.first(self.matching({"experiment_id": experiment_id, "is_champion": True}))

    def get_champion_models(self) -> list[ChampionModel]:
        """Return the champions in production or staging with their experiment, from ``v_champion_models``."""
        order = (ChampionModel.experiment_name, ChampionModel.model_name, ChampionModel.model_version)
        return list(self.session.scalars(select(ChampionModel).order_by(*order)))


class AsyncExperimentRepository(AsyncSplitAwareRepository[Experiment]):
    """:class:`ExperimentRepository` over an asynchronous session."""

    sync_class = ExperimentRepository
    get_by_name = awaiting(ExperimentRepository.get_by_name)


class AsyncRegisteredModelRepository(AsyncSplitAwareRepository[RegisteredModel]):
    """:class:`RegisteredModelRepository` over an asynchronous session."""

    sync_class = RegisteredModelRepository
    get_latest_model = awaiting(RegisteredModelRepository.get_latest_model)
    get_champion = awaiting(RegisteredModelRepository.get_champion)
    get_champion_models = awaiting(RegisteredModelRepository.get_champion_models)
