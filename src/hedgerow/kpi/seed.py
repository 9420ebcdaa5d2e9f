"""The seven data sources, and seeded figures: sessions, metrics, deliveries, labels, pipelines and surveys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from hedgerow.kpi.enums import SourceType
from hedgerow.kpi.models import (
    Annotation,
    BusinessMetric,
    DataSource,
    DataSourceTracking,
    HcpIntentSurvey,
    PipelineRun,
    UserSession,
)
from hedgerow.kpi.reference import DATA_SOURCES
from hedgerow.patients.enums import Region
from hedgerow.patients.seed import MEDICINES
from hedgerow.patients.seed_cohort import PRESCRIBERS, happenings, prescriber_id
from hedgerow.seeding import Row, World, at, later, per_tenant, reference
from hedgerow.seeding.world import END, START
from hedgerow.tenancy.seed import user_ids

WEEKS: Final = 26
"""Weeks of deliveries and pipeline runs up to the end of the data."""

sources = reference(DataSource, lambda: (source.row() for source in DATA_SOURCES))


@per_tenant(UserSession)
def sessions(world: World) -> Iterator[Row]:
    """The last half year: the people of the tenant, and visitors that it does not know; some never log out."""
    draw = world.draw("user_sessions")
    people = [*map(str, user_ids(world)), "partner-portal", "kiosk"]
    for number in range(400):
        begun = at(draw.day(END - timedelta(days=182), END), draw.whole(0, 1439))
        seconds = draw.bell(20, 5_400) if draw.chance(0.93) else None
        yield {
            "id": world.id("user_sessions", number),
            "user_id": draw.pick(people),
            "session_start": begun,
            "session_end": None if seconds is None else begun + timedelta(seconds=seconds),
            "session_duration_seconds": seconds,
            "pages_viewed": draw.whole(1, 40),
            "actions_taken": {"search": draw.whole(0, 5), "export": draw.whole(0, 1)} if draw.chance(0.8) else None,
            "created_at": begun,
        }


@per_tenant(BusinessMetric)
def metrics(world: World) -> Iterator[Row]:
    """Every month of the data: prescriptions of each brand and region, and the share of each brand nationwide."""
    draw = world.draw("business_metrics")
    for month in (date(year, month, 1) for year in range(START.year, END.year + 1) for month in range(1, 13)):
        for brand in MEDICINES:
            for region in (*Region, None):
                # A few days into the month, so that now and then one is published inside a gap.
                day = month + timedelta(days=draw.whole(0, 9))
                value = draw.decimal(200, 4_000, 2) if region else draw.decimal(2, 30, 2)
                target = (value * draw.whole(80, 130) / 100).quantize(Decimal("0.01"))
                spread = (value / 20).quantize(Decimal("0.01"))
                measured = draw.chance(0.95)
                key = f"{'TRX' if region else 'SHARE'}-{brand}-{region or 'US'}-{month:%Y%m}"
                yield {
                    "metric_id": key,
                    "metric_date": day,
                    "metric_type": "volume" if region else "share",
                    "metric_name": "Total prescriptions" if region else "Market share in percent",
                    "brand": brand,
                    "region": region,
                    "value": value if measured else None,
                    "target": target,
                    "achievement_rate": round(value / target, 3) if measured else None,
                    "year_over_year_change": draw.decimal(-0.2, 0.4, 3) if month.year > START.year else None,
                    "month_over_month_change": draw.decimal(-0.1, 0.1, 3),
                    "roi": draw.decimal(0.5, 5, 2) if region is None else None,
                    "statistical_significance": draw.decimal(0, 0.2, 3),
                    "confidence_interval_lower": value - spread if measured else None,
                    "confidence_interval_upper": value + spread if measured else None,
                    "sample_size": draw.whole(50, 900),
                    "split_assignment": world.split_without_patient(key, day),
                    "split_config_id": world.config_id,
                    "created_at": at(day + timedelta(days=1)),
                }


@per_tenant(DataSourceTracking)
def tracking(world: World) -> Iterator[Row]:
    """Each source once a week."""
    draw = world.draw("data_source_tracking")
    for week in range(WEEKS):
        day = END - timedelta(days=7 * (WEEKS - week) - 1)
        for source in DATA_SOURCES:
            received = draw.bell(500, 9_000)
            matched = received * draw.whole(55, 97) // 100
            eligible = matched * draw.whole(20, 60) // 100
            own = source.source_id
            rates = {
                name: None if own.startswith(name) else draw.decimal(0.4, 0.98, 3)
                for name in ("iqvia", "healthverity", "komodo", "veeva")
            }
            yield {
                "tracking_id": world.id("data_source_tracking", own, day),
                "tracking_date": day,
                "source_name": source.source_name,
                "source_type": source.source_type,
                "records_received": received,
                "records_matched": matched,
                "records_unique": received - received * draw.whole(0, 8) // 100,
                **{f"match_rate_vs_{name}": rate for name, rate in rates.items()},
                "stacking_eligible_records": eligible,
                "stacking_applied_records": eligible * draw.whole(40, 95) // 100,
                "stacking_lift_percentage": draw.decimal(0, 25, 2) if source.source_type != SourceType.CRM else None,
                "source_combination_flags": {"with_claims": draw.chance(0.6)},
                "data_quality_score": draw.decimal(0.7, 1, 2),
                "source_id": own,
                "created_at": at(day, 420),
            }


@per_tenant(Annotation)
def labels(world: World) -> Iterator[Row]:
    """Two people label each of 60 events, a third decides where they differ; some labels stand alone."""
    draw = world.draw("ml_annotations")
    for number, event in enumerate(islice(happenings(world, 0), 60)):
        group = world.id("ml_annotations.group", number) if number % 5 else None
        said = [draw.pick((True, True, True, False)) for _ in range(2 if group else 1)]
        differ = len(set(said)) > 1
        for place, label in enumerate(said):
            made = later(at(event.day), days=30, minutes=draw.whole(0, 600))
            yield {
                "annotation_id": world.id("ml_annotations", number, place),
                "entity_type": "treatment_event",
                "entity_id": event.id,
                "annotation_type": ("event_relevance", "adverse_event")[number % 2],
                "annotator_id": f"annotator-{number % 3 + place + 1}",
                "annotator_role": ("physician", "domain_expert")[place],
                "annotation_value": {"label": label},
                "annotation_confidence": draw.decimal(0.5, 1, 2) if draw.chance(0.9) else None,
                "annotation_timestamp": made,
                "annotation_duration_seconds": draw.bell(5, 240),
                "is_adjudicated": differ,
                "adjudication_result": {"label": said[0]} if differ else None,
                "adjudicated_by": "adjudicator-1" if differ else None,
                "adjudicated_at": later(made, days=3) if differ else None,
                "iaa_group_id": group,
                "created_at": made,
            }


_PIPELINES: Final = ("patient_ingestion", "claims_refresh", "feature_build")


@per_tenant(PipelineRun)
def pipelines(world: World) -> Iterator[Row]:
    """Three pipelines once a week; a failed run releases nothing, and the last one is still running."""
    draw = world.draw("etl_pipeline_metrics")
    for week in range(WEEKS):
        for number, name in enumerate(_PIPELINES):
            day = END - timedelta(days=7 * (WEEKS - week) - 1)
            begun = at(day, 60 * number + draw.whole(0, 59))
            running = week == WEEKS - 1 and number == len(_PIPELINES) - 1
            status = None if running else draw.weighted((("success", 85), ("partial", 9), ("failed", 6)))
            stages = {stage: draw.whole(20, 900) for stage in ("extract", "transform", "load")}
            seconds = None if running else sum(stages.values())
            records = draw.whole(1_000, 60_000)
            released = status in ("success", "partial")
            yield {
                "pipeline_run_id": world.id("etl_pipeline_metrics", name, day),
                "pipeline_name": name,
                "pipeline_version": "2.4.1",
                "run_start": begun,
                "run_end": None if seconds is None else begun + timedelta(seconds=seconds),
                "duration_seconds": seconds,
                "source_data_date": day - timedelta(days=2),
                "source_data_timestamp": begun - timedelta(hours=40),
                "time_to_release_hours": draw.decimal(40, 90, 2) if released else None,
                "stage_timings": {} if running else stages,
                "records_processed": None if running else records,
                "records_failed": None if running else records * draw.whole(0, 20) // 1_000,
                "status": status,
                "error_details": "transform: column missing" if status == "failed" else None,
                "quality_checks_passed": None if running else draw.whole(18, 20),
                "quality_checks_failed": None if running else draw.whole(0, 2),
                "quality_check_details": {},
                "created_at": begun,
            }


@per_tenant(HcpIntentSurvey)
def surveys(world: World) -> Iterator[Row]:
    """Every prescriber of the first unit is asked three times, a quarter apart; some answers are of poor quality."""
    draw = world.draw("hcp_intent_surveys")
    for number in range(1, PRESCRIBERS + 1):
        brand = draw.pick(tuple(MEDICINES))
        before: int | None = None
        day = date(2025, 3, 1) + timedelta(days=draw.whole(0, 30))
        for wave in range(3):
            answer = min(7, max(1, (before or 4) + draw.whole(-2, 2)))
            yield {
                "survey_id": world.id("hcp_intent_surveys", number, wave),
                "hcp_id": prescriber_id(number),
                "survey_date": day,
                "survey_type": draw.pick(("market_research", "detail_followup", "conference")),
                "brand": brand,
                "intent_to_prescribe_score": answer,
                "intent_to_prescribe_change": None if before is None else answer - before,
                "awareness_score": draw.whole(3, 7),
                "favorability_score": draw.whole(2, 7) if draw.chance(0.9) else None,
                "previous_survey_id": world.id("hcp_intent_surveys", number, wave - 1) if wave else None,
                "days_since_last_survey": 91 if wave else None,
                "interventions_since_last": ["visit"] if wave and draw.chance(0.5) else [],
                "survey_source": "panel",
                "response_quality_flag": draw.chance(0.92),
                "created_at": at(day, 720),
            }
            before, day = answer, day + timedelta(days=91)


SEEDS: Final = (sources, sessions, metrics, tracking, labels, pipelines, surveys)
