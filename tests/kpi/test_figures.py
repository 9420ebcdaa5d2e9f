"""The views that count rows of a table: against figures computed from the same rows in Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from hedgerow.patients.enums import Brand

Row = dict[str, Any]
SPLIT_OF = dict(
    zip(("P0", "P1", "P2", "P3", "P4"), ("train", "validation", "test", "holdout", "unassigned"), strict=True)
)
INSTANT = timedelta(microseconds=1)

# Both sides of a day, month and year in UTC, where zones east and west of it have another date.
MIDNIGHTS = [datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)]
INSTANTS = [midnight + step for midnight in MIDNIGHTS for step in (-INSTANT, timedelta(0), timedelta(hours=9))]


@pytest.fixture(params=range(3), ids=lambda seed: f"seed{seed}")
def rng(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


def maybe(rng: random.Random, value: Any, nulls: float = 0.25) -> Any:
    return None if rng.random() < nulls else value


def mean(values: Iterable[Any]) -> Fraction | None:
    known = [Fraction(value) for value in values if value is not None]
    return sum(known, Fraction()) / len(known) if known else None


def percentile(values: list[int], share: Fraction) -> Fraction:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(UTC).date()


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def seen(rows: Iterable[Row], tenant: str, splits: Sequence[str]) -> list[Row]:
    return [
        row
        for row in rows
        if row["tenant_id"] == tenant and ("patient_id" not in row or SPLIT_OF[row["patient_id"]] in splits)
    ]


# --- patient_journeys ------------------------------------------------------------------------------------------


def journeys(rng: random.Random) -> list[Row]:
    return [
        {
            "tenant_id": rng.choice("AB"),
            "patient_id": f"P{rng.randrange(5)}",
            "brand": rng.choice(["Kisqali", "Fabhalta", "Œuvre", ""]),
            "data_sources_matched": rng.choice([None, [], ["x"], ["x", "x"], ["x", "y"], ["x", None], ["x", "y", "z"]]),
            # Differs from the array on purpose: the view asks the array.
            "source_stacking_flag": maybe(rng, rng.random() < 0.5),
            "data_source": maybe(rng, rng.choice(["claims", "lab"])),
            "data_lag_hours": maybe(rng, rng.choice([-3, 0, 1, 24, 1000, rng.randrange(200)])),
            "created_at": maybe(rng, rng.choice(INSTANTS)),
            "journey_start_date": date(2024, 1, 1),
        }
        for _ in range(150)
    ]


def cross_source_match(rows: list[Row]) -> list[Row]:
    result = []
    for brand, group in grouped(rows, lambda row: row["brand"]).items():
        matched = sum(len(row["data_sources_matched"] or ()) >= 2 for row in group)
        rate = Decimal(matched * 100) / len(group)
        result.append(
            {
                "brand": brand,
                "total_patients": len(group),
                "matched_patients": matched,
                "match_rate_pct": rate.quantize(Decimal("0.01"), ROUND_HALF_UP),
            }
        )
    return result


def test_v_kpi_cross_source_match(desk: Any, rng: random.Random) -> None:
    rows = journeys(rng)
    desk.add("patient_journeys", *rows)
    desk.check(
        "v_kpi_cross_source_match",
        lambda tenant, splits: cross_source_match(seen(rows, tenant, splits)),
        ["brand"],
    )


def data_lag(rows: list[Row]) -> list[Row]:
    known = [row for row in rows if row["data_lag_hours"] is not None]
    result = []
    for (when, source), group in grouped(known, lambda row: (day(row["created_at"]), row["data_source"])).items():
        hours = [row["data_lag_hours"] for row in group]
        result.append(
            {
                "report_date": when,
                "data_source": source,
                "avg_lag_hours": mean(hours),
                "median_lag_hours": percentile(hours, Fraction(1, 2)),
                "p95_lag_hours": percentile(hours, Fraction(95, 100)),
            }
        )
    return result


def test_v_kpi_data_lag(desk: Any, rng: random.Random) -> None:
    rows = journeys(rng)
    desk.add("patient_journeys", *rows)
    desk.check(
        "v_kpi_data_lag",
        lambda tenant, splits: data_lag(seen(rows, tenant, splits)),
        ["report_date", "data_source"],
    )


def test_a_journey_outside_the_window_of_its_split_counts_in_no_figure(desk: Any) -> None:
    desk.tenant("C", strategy="chronological")
    days = [date(2024, 6, 30), date(2024, 7, 1), date(2024, 8, 1)]
    desk.add(
        "patient_journeys",
        *(
            {
                "tenant_id": "C",
                "patient_id": "P0",
                "brand": "b",
                "data_lag_hours": 1,
                "data_source": "lab",
                "journey_start_date": start,
            }
            for start in days
        ),
    )
    (match,) = desk.read("v_kpi_cross_source_match", "C", ("train",), role="session")
    assert match["total_patients"] == 1, "the train window ends with the 30th of June"
    assert len(desk.read("v_kpi_data_lag", "C", ("train",), role="session")) == 1


# --- data_source_tracking --------------------------------------------------------------------------------------


def tracking(rng: random.Random) -> list[Row]:
    return [
        {
            "tenant_id": rng.choice("AB"),
            "tracking_date": rng.choice([date(2025, 12, 31), date(2026, 1, 1), date(2024, 2, 29)]),
            "source_name": rng.choice(["claims", "lab"]),
            "records_received": maybe(rng, rng.choice([0, 0, 3, 7, 2**31 - 1])),
            "records_matched": maybe(rng, rng.choice([0, 1, 3, 2**31 - 1])),
            "stacking_eligible_records": maybe(rng, rng.choice([0, 5, 2**31 - 1]), 0.5),
            "stacking_applied_records": maybe(rng, rng.choice([0, 5, 2**31 - 1]), 0.5),
            "stacking_lift_percentage": maybe(rng, Decimal(rng.randrange(-99999, 99999)) / 100, 0.5),
        }
        for _ in range(60)
    ]


def source_tracking_match(rows: list[Row]) -> list[Row]:
    def rate(row: Row) -> Any:
        if not row["records_received"]:
            return Fraction(0)
        return None if row["records_matched"] is None else Fraction(row["records_matched"], row["records_received"])

    names = ("tracking_date", "source_name", "records_received", "records_matched")
    return [{name: row[name] for name in names} | {"match_rate": rate(row)} for row in rows]


def test_v_kpi_source_tracking_match(desk: Any, rng: random.Random) -> None:
    rows = tracking(rng)
    desk.add("data_source_tracking", *rows)
    desk.check(
        "v_kpi_source_tracking_match",
        lambda tenant, splits: source_tracking_match(seen(rows, tenant, splits)),
        ["tracking_date", "source_name", "records_received", "records_matched"],
    )


def stacking_lift(rows: list[Row]) -> list[Row]:
    def total(group: list[Row], name: str) -> int | None:
        known = [row[name] for row in group if row[name] is not None]
        return sum(known) if known else None

    return [
        {
            "tracking_date": when,
            "total_eligible": total(group, "stacking_eligible_records"),
            "total_stacked": total(group, "stacking_applied_records"),
            "avg_lift_pct": mean(row["stacking_lift_percentage"] for row in group),
        }
        for when, group in grouped(rows, lambda row: row["tracking_date"]).items()
    ]


def test_v_kpi_stacking_lift(desk: Any, rng: random.Random) -> None:
    rows = tracking(rng)
    unknown = {"tenant_id": "A", "tracking_date": date(2020, 1, 1), "source_name": "silent"}
    unknown |= dict.fromkeys(
        ("stacking_eligible_records", "stacking_applied_records", "stacking_lift_percentage"), None
    )
    rows.append(unknown)
    desk.add("data_source_tracking", *rows)
    desk.check(
        "v_kpi_stacking_lift",
        lambda tenant, splits: stacking_lift(seen(rows, tenant, splits)),
        ["tracking_date"],
    )


# --- ml_annotations --------------------------------------------------------------------------------------------


def annotations(rng: random.Random) -> list[Row]:
    return [
        {
            "tenant_id": rng.choice("AB"),
            "entity_type": "trigger",
            "entity_id": "t",
            "annotation_type": rng.choice(["stage", "response", "once"][: 3 if number == 0 else 2]),
            "annotator_id": "somebody",
            "annotation_value": {"label": number},
            "annotation_confidence": maybe(rng, Decimal(rng.randrange(101)) / 100),
            "is_adjudicated": maybe(rng, rng.random() < 0.5),
            "iaa_group_id": maybe(rng, UUID(int=rng.randrange(5))),
        }
        for number in range(80)
    ]


def label_quality(rows: list[Row]) -> list[Row]:
    return [
        {
            "annotation_type": kind,
            "annotation_groups": len({row["iaa_group_id"] for row in group} - {None}),
            "total_annotations": len(group),
            "avg_confidence": mean(row["annotation_confidence"] for row in group),
            "adjudication_rate": Fraction(sum(row["is_adjudicated"] is True for row in group), len(group)),
        }
        for kind, group in grouped(rows, lambda row: row["annotation_type"]).items()
    ]


def test_v_kpi_label_quality(desk: Any, rng: random.Random) -> None:
    rows = annotations(rng)
    rows.append(rows[0] | {"annotation_type": "silent", "annotation_confidence": None, "iaa_group_id": None})
    desk.add("ml_annotations", *rows)
    desk.check(
        "v_kpi_label_quality",
        lambda tenant, splits: label_quality(seen(rows, tenant, splits)),
        ["annotation_type"],
    )


# --- etl_pipeline_metrics --------------------------------------------------------------------------------------


def runs(rng: random.Random) -> list[Row]:
    return [
        {
            "tenant_id": rng.choice("AB"),
            "pipeline_name": rng.choice(["claims", "lab"]),
            "run_start": rng.choice(INSTANTS),
            "status": rng.choice(["success", "success", "partial", "failed", "Success", None]),
            "time_to_release_hours": maybe(rng, Decimal(rng.randrange(-100, 999999)) / 100),
        }
        for _ in range(120)
    ]


def time_to_release(rows: list[Row]) -> list[Row]:
    successful = [row for row in rows if row["status"] == "success"]
    result = []
    for (when, name), group in grouped(successful, lambda row: (day(row["run_start"]), row["pipeline_name"])).items():
        hours = [row["time_to_release_hours"] for row in group if row["time_to_release_hours"] is not None]
        result.append(
            {
                "run_date": when,
                "pipeline_name": name,
                "avg_ttr_hours": mean(hours),
                "min_ttr_hours": min(hours, default=None),
                "max_ttr_hours": max(hours, default=None),
            }
        )
    return result


def test_v_kpi_time_to_release(desk: Any, rng: random.Random) -> None:
    rows = runs(rng)
    unknown = {"tenant_id": "A", "pipeline_name": "silent", "run_start": INSTANTS[0], "status": "success"}
    rows.append(unknown | {"time_to_release_hours": None})
    desk.add("etl_pipeline_metrics", *rows)
    desk.check(
        "v_kpi_time_to_release",
        lambda tenant, splits: time_to_release(seen(rows, tenant, splits)),
        ["run_date", "pipeline_name"],
    )


# --- triggers --------------------------------------------------------------------------------------------------


def changes(rng: random.Random) -> list[Row]:
    return [
        {
            "tenant_id": rng.choice("AB"),
            "trigger_id": f"t{number}",
            "patient_id": f"P{rng.randrange(5)}",
            "trigger_timestamp": INSTANTS[0],
            "change_type": maybe(rng, rng.choice(["new", "update", "escalation"])),
            "change_timestamp": maybe(rng, rng.choice(INSTANTS)),
            "change_failed": maybe(rng, rng.random() < 0.5),
        }
        for number in range(150)
    ]


def change_fail_rate(rows: list[Row]) -> list[Row]:
    known = [row for row in rows if row["change_type"] is not None]
    result = []
    for (when, kind), group in grouped(known, lambda row: (day(row["change_timestamp"]), row["change_type"])).items():
        failed = sum(row["change_failed"] is True for row in group)
        result.append(
            {
                "change_date": when,
                "change_type": kind,
                "total_changes": len(group),
                "failed_changes": failed,
                "fail_rate": Fraction(failed, len(group)),
            }
        )
    return result


def test_v_kpi_change_fail_rate(desk: Any, rng: random.Random) -> None:
    rows = changes(rng)
    desk.add("triggers", *rows)
    desk.check(
        "v_kpi_change_fail_rate",
        lambda tenant, splits: change_fail_rate(seen(rows, tenant, splits)),
        ["change_date", "change_type"],
    )


# --- hcp_intent_surveys ----------------------------------------------------------------------------------------


def surveys(rng: random.Random) -> list[Row]:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2024, 2, 29), date(2024, 3, 1)]
    return [
        {
            "tenant_id": rng.choice("AB"),
            "survey_date": rng.choice(days),
            "brand": rng.choice([Brand.KISQALI, Brand.OTHER]),
            "intent_to_prescribe_score": maybe(rng, rng.randint(1, 7), 0.4),
            "intent_to_prescribe_change": maybe(rng, rng.randint(-6, 6), 0.4),
            "response_quality_flag": maybe(rng, rng.random() < 0.8),
        }
        for _ in range(100)
    ]


def intent_to_prescribe(rows: list[Row]) -> list[Row]:
    def month(row: Row) -> datetime:
        return datetime(row["survey_date"].year, row["survey_date"].month, 1, tzinfo=UTC)

    good = [row for row in rows if row["response_quality_flag"]]
    return [
        {
            "brand": brand,
            "survey_month": when,
            "avg_intent_score": mean(row["intent_to_prescribe_score"] for row in group),
            "avg_intent_change": mean(row["intent_to_prescribe_change"] for row in group),
            "survey_count": len(group),
        }
        for (brand, when), group in grouped(good, lambda row: (row["brand"].value, month(row))).items()
    ]


def test_v_kpi_intent_to_prescribe(desk: Any, rng: random.Random) -> None:
    rows = surveys(rng)
    desk.add("hcp_intent_surveys", *rows)
    desk.check(
        "v_kpi_intent_to_prescribe",
        lambda tenant, splits: intent_to_prescribe(seen(rows, tenant, splits)),
        ["brand", "survey_month"],
    )


# --- all of them -----------------------------------------------------------------------------------------------

COUNTING = {
    "v_kpi_active_users": "user_sessions",
    "v_kpi_cross_source_match": "patient_journeys",
    "v_kpi_data_lag": "patient_journeys",
    "v_kpi_source_tracking_match": "data_source_tracking",
    "v_kpi_stacking_lift": "data_source_tracking",
    "v_kpi_label_quality": "ml_annotations",
    "v_kpi_time_to_release": "etl_pipeline_metrics",
    "v_kpi_change_fail_rate": "triggers",
    "v_kpi_intent_to_prescribe": "hcp_intent_surveys",
}
MAKERS: dict[str, Callable[[random.Random], list[Row]]] = {
    "patient_journeys": journeys,
    "data_source_tracking": tracking,
    "ml_annotations": annotations,
    "etl_pipeline_metrics": runs,
    "triggers": changes,
    "hcp_intent_surveys": surveys,
    "user_sessions": lambda rng: [{"tenant_id": "B", "user_id": "u", "session_start": INSTANTS[0]}],
}


@pytest.mark.parametrize("view", COUNTING)
def test_an_empty_table_gives_no_row(desk: Any, view: str) -> None:
    for role in ("superuser", "session"):
        assert desk.read(view, "A", role=role) == []


@pytest.mark.parametrize("view", COUNTING)
def test_another_tenants_rows_give_no_row(desk: Any, view: str) -> None:
    table = COUNTING[view]
    desk.add(table, *(row | {"tenant_id": "B"} for row in MAKERS[table](random.Random(1))))
    for role in ("superuser", "session"):
        assert desk.read(view, "B", role=role) != []
        assert desk.read(view, "A", role=role) == []


@pytest.mark.parametrize("view", COUNTING)
def test_no_scope_gives_no_row(desk: Any, view: str) -> None:
    table = COUNTING[view]
    desk.add(table, *MAKERS[table](random.Random(1)))
    for role in ("superuser", "session"):
        assert desk.read(view, None, role=role) == []
