"""Questions about scores, and about the triggers that were sent because of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, func

from hedgerow.core.repository import AsyncSplitAwareRepository, FilterError, SplitAwareRepository, awaiting
from hedgerow.core.scope import Split
from hedgerow.patients.models import PatientJourney
from hedgerow.predictions.models import EngagementTrigger, Prediction
from hedgerow.predictions.shapes import RankMetrics


@dataclass(frozen=True, slots=True)
class ModelPerformance:
    """How a model did, by its predictions in the scope.

    :ivar predictions: how many there are.
    :ivar mean_score: mean prediction_score, None without a score.
    :ivar measured_at: time of the newest prediction, which the following are taken from; None without predictions.
    :ivar model_pr_auc: area under the precision-recall curve, 0 to 1.
    :ivar brier_score: mean squared error of the model's probabilities.
    :ivar rank_metrics: recall among the k highest scores.
    """

    model_id: str
    predictions: int
    mean_score: float | None
    measured_at: datetime | None = None
    model_pr_auc: float | None = None
    brier_score: float | None = None
    rank_metrics: RankMetrics | None = None


class PredictionRepository(SplitAwareRepository[Prediction]):
    """Scores of models for patients."""

    model_class = Prediction

    def get_by_model(self, model_id: str, split: Split | str | None = None) -> list[Prediction]:
        """Return every prediction of a model, the newest first."""
        return self.rows(self._newest(self.matching({"model_id": model_id}, split)))

    def get_top_predictions(self, model_id: str, k: int = 10, split: Split | str | None = None) -> list[Prediction]:
        """Return the ``k`` highest scores of a model, the highest first; predictions without a score do not count.

        :raises FilterError: a negative k.
        """
        if k < 0:
            raise FilterError(f"The top {k} do not exist.", remedy="give 0 or more")
        scored = self.matching({"model_id": model_id}, split).where(Prediction.prediction_score.is_not(None))
        return self.rows(scored.order_by(Prediction.prediction_score.desc(), Prediction.id).limit(k))

    def get_model_performance(self, model_id: str, split: Split | str | None = None) -> ModelPerformance:
        """Return how a model did: counts over its predictions, and the quality that the newest one states."""
        of_model = self.matching({"model_id": model_id}, split)
        totals = of_model.with_only_columns(func.count(), func.avg(Prediction.prediction_score))
        predictions, mean_score = self.session.execute(totals).one()
        newest = self.first(self._newest(of_model))
        if newest is None:
            return ModelPerformance(model_id, 0, None)
        return ModelPerformance(
            model_id,
            predictions,
            mean_score,
            newest.prediction_timestamp or newest.created_at,
            newest.model_pr_auc,
            newest.brier_score,
            newest.rank_metrics,
        )

    def _newest(self, statement: Select[Prediction]) -> Select[Prediction]:
        made: ColumnElement[datetime | None] = func.coalesce(Prediction.prediction_timestamp, Prediction.created_at)
        return statement.order_by(made.desc().nulls_last(), Prediction.id)


class TriggerRepository(SplitAwareRepository[EngagementTrigger]):
    """Triggers sent to prescribers, the newest first."""

    model_class = EngagementTrigger

    def get_by_hcp(self, hcp_id: str, split: Split | str | None = None) -> list[EngagementTrigger]:
        """Return every trigger sent to a prescriber."""
        return self.rows(self._newest(self.matching({"hcp_id": hcp_id}, split)))

    def get_by_brand(self, brand: str, split: Split | str | None = None) -> list[EngagementTrigger]:
        """Return every trigger about a patient who has a journey of the brand: triggers carry no brand themselves."""
        journey = exists().where(
            PatientJourney.patient_id == EngagementTrigger.patient_id, PatientJourney.brand == brand
        )
        return self.rows(self._newest(self.select(split).where(journey)))

    def get_recent_triggers(self, hours: float = 24, split: Split | str | None = None) -> list[EngagementTrigger]:
        """Return every trigger of the last ``hours``, by the clock of the database.

        :raises FilterError: a negative number of hours.
        """
        if hours < 0:
            raise FilterError(f"The last {hours} hours do not exist.", remedy="give 0 or more")
        recent = EngagementTrigger.trigger_timestamp.between(func.now() - timedelta(hours=hours), func.now())
        return self.rows(self._newest(self.select(split).where(recent)))

    def _newest(self, statement: Select[EngagementTrigger]) -> Select[EngagementTrigger]:
        return statement.order_by(EngagementTrigger.trigger_timestamp.desc(), EngagementTrigger.trigger_id)


class AsyncPredictionRepository(AsyncSplitAwareRepository[Prediction]):
    """:class:`PredictionRepository` over an asynchronous session."""

    sync_class = PredictionRepository
    get_by_model = awaiting(PredictionRepository.get_by_model)
    get_top_predictions = awaiting(PredictionRepository.get_top_predictions)
    get_model_performance = awaiting(PredictionRepository.get_model_performance)


class AsyncTriggerRepository(AsyncSplitAwareRepository[EngagementTrigger]):
    """:class:`TriggerRepository` over an asynchronous session."""

    sync_class = TriggerRepository
    get_by_hcp = awaiting(TriggerRepository.get_by_hcp)
    get_by_brand = awaiting(TriggerRepository.get_by_brand)
    get_recent_triggers = awaiting(TriggerRepository.get_recent_triggers)
