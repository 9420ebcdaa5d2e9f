"""Seeded scores, the triggers sent because of them, and explanations. Figures and SHAP values are the model's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from hedgerow.core.scope import Split
from hedgerow.mlops.seed import CHAMPION, MODEL, filled, model_id, quality, score, shap_values
from hedgerow.patients.seed_cohort import SeedJourney, cohort, in_window, learnt
from hedgerow.predictions.enums import PredictionType, Priority, ShapAnalysisType
from hedgerow.predictions.models import EngagementTrigger, Prediction, ShapAnalysis
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant, per_unit

PATIENT_SPLITS: Final = (Split.TRAIN, Split.VALIDATION, Split.TEST, Split.HOLDOUT)

EXPLAINED: Final = 6
"""Patients of each split whose score is explained."""


@per_unit(Prediction)
def predictions(world: World, unit: int) -> Iterator[Row]:
    """One score a journey, two to six weeks after its start; a few failed, and a few are dated by arrival alone."""
    draw = world.draw("ml_predictions", unit)
    found = quality(world)
    for journey in cohort(world, unit):
        scored_at = later(journey.moment, days=draw.whole(14, 42), minutes=draw.whole(0, 600))
        failed, undated, unranked = draw.chance(0.01), draw.chance(0.02), draw.chance(0.02)
        yield {
            "id": world.id("ml_predictions", journey.number),
            "patient_id": journey.patient.patient_id,
            "model_id": MODEL,
            "prediction_score": None if failed else round(score(world, journey), 6),
            "model_pr_auc": round(found.pr_auc, 6),
            "rank_metrics": None if unranked else found.recall,
            "brier_score": round(found.brier, 6),
            "split_assignment": journey.patient.split,
            "created_at": later(scored_at, minutes=draw.whole(1, 30)),
            "prediction_timestamp": None if undated else scored_at,
            "split_config_id": world.config_id,
            "model_version": CHAMPION.version,
            "prediction_type": PredictionType.CHURN,
            "confidence_score": None if failed else draw.decimal(0.5, 1, 4),
            "model_auc": round(Decimal(found.auc), 3),
        }


def trigger_id(journey: SeedJourney, number: int) -> str:
    """Id of a trigger, the same in every tenant."""
    return f"TRG-{journey.number:08d}-{number}"


@per_unit(EngagementTrigger)
def triggers(world: World, unit: int) -> Iterator[Row]:
    """One for every third journey or so; every other one of these is changed later by a second trigger."""
    draw = world.draw("triggers", unit)
    for journey in cohort(world, unit):
        if not draw.chance(0.3):
            continue
        sent = later(journey.moment, days=draw.whole(10, 35), minutes=draw.whole(0, 600))
        yield _trigger(world, journey, 1, sent, draw.whole(0, 99), None, draw.share())
        if draw.chance(0.5):
            change = draw.pick(("update", "escalation", "downgrade"))
            changed = later(sent, days=draw.whole(2, 14))
            yield _trigger(world, journey, 2, changed, draw.whole(0, 99), change, draw.share())


_ACTIONS: Final = ("Call the patient", "Offer a nurse visit", "Review the dosage", "Check the coverage")


def _trigger(
    world: World, journey: SeedJourney, number: int, sent: datetime, luck: int, change: str | None, share: float
) -> Row:
    """A trigger and what became of it: 90 of 100 delivered, 50 seen, 35 accepted, 20 acted on."""
    delivered, seen, accepted, acted = luck < 90, luck < 50, luck < 35, luck < 20
    value = score(world, journey)
    action = _ACTIONS[journey.number % len(_ACTIONS)]
    failed = change is not None and luck >= 80
    return {
        "trigger_id": trigger_id(journey, number),
        "patient_id": journey.patient.patient_id,
        "hcp_id": journey.prescriber,
        "trigger_timestamp": sent,
        "trigger_type": "discontinuation_risk",
        "priority": _priority(value),
        "confidence_score": Decimal(round(500 + 499 * share)).scaleb(-3),
        "lead_time_days": 14,
        "expiration_date": sent.date() + timedelta(days=30),
        "delivery_channel": ("email", "portal", "phone")[luck % 3],
        "delivery_status": "delivered" if delivered else "failed",
        "delivery_timestamp": later(sent, hours=1) if delivered else None,
        "view_timestamp": later(sent, hours=5) if seen else None,
        "acceptance_status": ("accepted" if accepted else "rejected") if seen else None,
        "acceptance_timestamp": later(sent, hours=8) if accepted else None,
        "action_taken": action if acted else None,
        "action_timestamp": later(sent, days=2) if acted else None,
        "false_positive_flag": luck % 17 == 0,
        "trigger_reason": f"Risk of giving up {journey.brand.value}: {value:.2f}",
        "causal_chain": {},
        "supporting_evidence": {"score": round(value, 6)},
        "recommended_action": action,
        "outcome_tracked": acted,
        "outcome_value": Decimal(round(share * 1000)).scaleb(-3) if acted else None,
        "previous_trigger_id": trigger_id(journey, 1) if change else None,
        "change_type": change or "new",
        "change_reason": "New events since the last trigger" if change else None,
        "change_timestamp": sent if change else None,
        "change_failed": failed,
        "change_outcome_delta": Decimal(round(share * 400 - 100)).scaleb(-3) if change and not failed else None,
        "split_assignment": journey.patient.split,
        "split_config_id": world.config_id,
        "created_at": sent,
        "updated_at": sent,
    }


def _priority(value: float) -> Priority:
    for bound, priority in ((0.5, Priority.CRITICAL), (0.4, Priority.HIGH), (0.25, Priority.MEDIUM)):
        if value >= bound:
            return priority
    return Priority.LOW


@per_tenant(ShapAnalysis)
def explanations(world: World) -> Iterator[Row]:
    """Of the champion: overall, for a segment, of interactions (it has none), and for some patients of each split."""
    train = list(_visible(world, Split.TRAIN))
    importance = _importance(world, train)
    segment = [journey for journey in train if journey.brand.value == "Kisqali"]
    computed = at(date(2025, 3, 20), 300)
    for kind, name, condition, found, size in (
        (ShapAnalysisType.GLOBAL, None, None, importance, len(train)),
        (ShapAnalysisType.SUMMARY, "Kisqali", {"brand": "Kisqali"}, _importance(world, segment), len(segment)),
        (ShapAnalysisType.INTERACTION, None, None, importance, len(train)),
    ):
        yield _explanation(world, f"{kind}/{name}", kind, Split.TRAIN, computed) | {
            "segment_name": name,
            "segment_filter": condition,
            "global_importance": found,
            "sample_size": size,
            "computation_duration_seconds": 1,
        }
    for split in PATIENT_SPLITS:
        for number, journey in enumerate(islice(_visible(world, split), EXPLAINED)):
            yield _local(world, journey, realtime=number % 2 == 1)


def _visible(world: World, split: Split) -> Iterator[SeedJourney]:
    for journey in cohort(world, 0):
        if journey.patient.split is split and in_window(world, split, journey.moment.date()):
            yield journey


def _importance(world: World, journeys: list[SeedJourney]) -> dict[str, float]:
    """Mean absolute SHAP value of each feature."""
    found = [shap_values(world, journey)[1] for journey in journeys]
    return {name: round(sum(abs(row[name]) for row in found) / len(found), 6) for name in CHAMPION.weights}


def _local(world: World, journey: SeedJourney, *, realtime: bool) -> Row:
    base, parts = shap_values(world, journey)
    value = score(world, journey)
    ranked = sorted(parts, key=lambda name: (-abs(parts[name]), name))
    kind = ShapAnalysisType.LOCAL_REALTIME if realtime else ShapAnalysisType.LOCAL
    asked = later(journey.moment, days=21)
    row: dict[str, Any] = {
        "entity_type": "patient",
        "entity_id": journey.patient.patient_id,
        "local_shap_values": {name: round(part, 9) for name, part in parts.items()},
        "prediction_value": Decimal(value).quantize(Decimal("0.00001")),
        "base_value": Decimal(base).quantize(Decimal("0.00001")),
        "natural_language_explanation": f"{ranked[0]} matters most for this patient",
        "key_drivers": ranked[:2],
        "actionable_features": None,
        "sample_size": learnt(world).count,
        "patient_id": journey.patient.patient_id,
        "prediction_probability": round(value, 6),
        "prediction_class": "gives up" if value >= 0.5 else "stays",
        "input_features": {name: round(number, 6) for name, number in filled(world, journey).items()},
    }
    if realtime:
        row["explanation_id"] = f"EXPL-{asked:%Y%m%d}-{world.id('explanation', journey.number).hex[:8].upper()}"
        row["hcp_id"] = journey.prescriber
        row["request_timestamp"] = asked
        row["response_time_ms"] = 40.0 + journey.number % 60
        row["narrative_generated"] = journey.number % 2 == 0
        row["shap_values"] = {
            key: entry
            for place, name in enumerate(ranked, 1)
            for key, entry in (
                (f"top_feature_{place}", name),
                (f"top_feature_{place}_value", round(parts[name], 9)),
            )
        }
    return _explanation(world, f"{kind}/{journey.number}", kind, journey.patient.split, asked) | row


def _explanation(world: World, key: str, kind: ShapAnalysisType, split: Split, computed: datetime) -> dict[str, Any]:
    """Every column of an explanation, those that its kind does not fill being empty."""
    return {
        "id": world.id("ml_shap_analyses", key),
        "model_registry_id": model_id(world),
        "analysis_type": kind,
        "segment_name": None,
        "segment_filter": None,
        "global_importance": {},
        "top_interactions": [],
        "entity_type": None,
        "entity_id": None,
        "local_shap_values": {},
        "prediction_value": None,
        "base_value": None,
        "natural_language_explanation": None,
        "key_drivers": None,
        "actionable_features": None,
        "sample_size": None,
        "computation_method": "exact, linear",
        "computed_at": min(computed, NOW),
        "computation_duration_seconds": None,
        "split_assignment": split,
        "model_version_id": f"{MODEL}:{CHAMPION.version}",
        "model_type": CHAMPION.algorithm,
        "shap_values": None,
        "explanation_id": None,
        "patient_id": None,
        "hcp_id": None,
        "request_timestamp": None,
        "response_time_ms": None,
        "prediction_class": None,
        "prediction_probability": None,
        "top_k_requested": 5,
        "format_requested": "top_k",
        "narrative_generated": False,
        "api_version": "4.1.0",
        "input_features": None,
    }


SEEDS: Final = (predictions, triggers, explanations)
