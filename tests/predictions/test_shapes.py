"""Documented JSON shapes: what they take, what they refuse, and that they come back from the database as they went."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.core.types import InvalidJSON, ValidatedJSON
from hedgerow.predictions import FeatureAttribution, Prediction, RankMetrics, ShapAnalysis

RANK: ValidatedJSON = Prediction.__table__.c.rank_metrics.type  # type: ignore[assignment]
ATTRIBUTION: ValidatedJSON = ShapAnalysis.__table__.c.local_shap_values.type  # type: ignore[assignment]


@pytest.fixture(scope="module")
def connection(module_database: Any) -> Any:
    with module_database.engine("admin").connect() as connection:
        yield connection


def stored(connection: Connection, kind: ValidatedJSON, value: Any) -> tuple[Any, ...]:
    """The value as PostgreSQL keeps it, and as it comes back."""
    given = literal(value, kind)
    return tuple(connection.execute(select(cast(given, JSONB), given)).one())


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"recall_at_5": 0.25},
        {"recall_at_5": 0, "recall_at_10": 1},
        {"recall_at_10": None},
        {"recall_at_5": 0.5, "recall_at_50": 0.75, "ndcg": 12.5, "lift": -3},
    ],
    ids=str,
)
def test_rank_metrics_are_kept(connection: Connection, value: dict[str, Any]) -> None:
    raw, back = stored(connection, RANK, value)
    assert raw == value
    assert back == RankMetrics(**value)
    assert back.recall_at_5 == value.get("recall_at_5")
    assert stored(connection, RANK, back)[0] == value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"recall_at_5": 1.01}, "recall_at_5"),
        ({"recall_at_10": -0.01}, "recall_at_10"),
        ({"recall_at_5": "0.5"}, "recall_at_5"),
        ({"recall_at_5": True}, "recall_at_5"),
        ({"recall_at_5": float("nan")}, "recall_at_5"),
        ({"ndcg": "high"}, "ndcg"),
        ({"ndcg": None}, "ndcg"),
        ({"ndcg": float("inf")}, "ndcg"),
        ({"ndcg": {"at": 5}}, "ndcg"),
        ([0.5], "value"),
    ],
    ids=str,
)
def test_rank_metrics_of_another_shape_are_refused(connection: Connection, value: Any, where: str) -> None:
    with pytest.raises(InvalidJSON, match=rf"RankMetrics: .*{where}"):
        RANK.process_bind_param(value, connection.dialect)
    with pytest.raises(InvalidJSON, match="read from the database"):
        RANK.process_result_value(value, connection.dialect)


def test_attributions_are_kept_and_ranked(connection: Connection) -> None:
    value = {"age": 0.5, "nodes": -1.5, "grade": 0, "size": -0.5}
    raw, back = stored(connection, ATTRIBUTION, value)
    assert raw == value
    assert back == FeatureAttribution(value)
    assert back["nodes"] == -1.5
    assert back.ranked() == [("nodes", -1.5), ("age", 0.5), ("size", -0.5), ("grade", 0)]


@pytest.mark.parametrize("value", [{"age": "0.5"}, {"age": None}, {"age": False}, {"age": float("nan")}, [1]], ids=str)
def test_attributions_are_numbers(connection: Connection, value: Any) -> None:
    with pytest.raises(InvalidJSON, match="FeatureAttribution"):
        ATTRIBUTION.process_bind_param(value, connection.dialect)


@pytest.mark.parametrize("kind", [RANK, ATTRIBUTION], ids=["rank_metrics", "attribution"])
def test_null_stays_null(connection: Connection, kind: ValidatedJSON) -> None:
    assert kind.process_bind_param(None, connection.dialect) is None
    assert kind.process_result_value(None, connection.dialect) is None
