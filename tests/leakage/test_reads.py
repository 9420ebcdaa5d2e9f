"""Reading behind each lock: what is answered is the truth, whatever the shape of the question."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow import CrossTenantError, RawSQLError, ScopeError, SplitAccessError
from leakage import shapes_columns, shapes_core, shapes_joins, shapes_loading, shapes_mapped, shapes_subqueries
from leakage.locks import DRIVERS, LOCKS, Grounds
from leakage.shapes import Shape
from leakage.world import FOREIGN, OWN

MODULES = (shapes_columns, shapes_joins, shapes_subqueries, shapes_loading, shapes_mapped, shapes_core)
SHAPES: list[Shape] = [shape for module in MODULES for shape in module.SHAPES]

#: What the filter refuses instead of answering it.
REFUSED: dict[str, type[Exception]] = {
    "condition_closed_split": SplitAccessError,
    "view_of_test": SplitAccessError,
    "view_of_holdout": SplitAccessError,
    "text_unmarked": RawSQLError,
    "text_in_from": RawSQLError,
    "text_in_a_subquery": RawSQLError,
    "text_of_a_view": RawSQLError,
    "driver_sql": RawSQLError,
    "text_of_entities": RawSQLError,
    "text_of_a_query": RawSQLError,
    "text_in_a_cte": RawSQLError,
    "text_in_a_condition": RawSQLError,
    "literal_column_of_a_subquery": RawSQLError,
    "prefix_of_a_select": RawSQLError,
    "suffix_of_a_select": RawSQLError,
    "hint_of_a_statement": RawSQLError,
    "hint_of_a_relation": RawSQLError,
    "operator_that_holds_a_query": RawSQLError,
    "field_that_holds_a_query": RawSQLError,
    "function_that_runs_text": RawSQLError,
    "fake_persistent_object": ScopeError,
    "unpickled_object": ScopeError,
    "detached_object": CrossTenantError,
    "merged_without_loading": ScopeError,
}

#: What the filter cannot reach by design: there the wall is the lock. (Marking text lifts the filter's refusal.)
WALL_ONLY = {"text_marked", "text_marked_around", "driver_sql_marked", "cursor_of_the_driver"}

#: Views and functions that name tenant and splits in their own body. It is the third lock, so what there is to leak
#: is shown in the scope of the other tenant.
OWN_BODY = {
    "view_of_label_quality",
    "view_of_release_times",
    "view_of_champions",
    "view_of_explanations",
    "function_that_reads_a_row",
    "function_that_reads_rows",
}

#: Views that name tenant and splits in their own body, but not the windows: behind the filter alone they count the
#: own rows of open splits that lie in a temporal gap.
WITHOUT_WINDOWS = {
    "view_of_match_rates",
    "view_of_change_fail_rates",
    "view_of_data_lag",
    "text_of_a_view_that_is_not_split",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[Any, Any]]:
    return {}


def expected(shape: Shape, grounds: Grounds, truth: Grounds, known: dict[str, tuple[Any, Any]]) -> tuple[Any, Any]:
    """What the shape answers when both locks are off, and what it should."""
    if shape.name not in known:
        leaky = grounds.ask(shape, "off", tenant=FOREIGN if shape.name in OWN_BODY else OWN)
        known[shape.name] = leaky, truth.ask(shape, "off")
    leaky, right = known[shape.name]
    assert leaky != right, "there is nothing to leak"
    return leaky, right


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_is_the_truth(
    shape: Shape,
    lock: str,
    driver: str,
    grounds: Grounds,
    truths: dict[str, Grounds],
    answers: dict[str, tuple[Any, Any]],
) -> None:
    leaky, right = expected(shape, grounds, truths[OWN], answers)
    if shape.name in REFUSED and lock != "wall":
        with pytest.raises(REFUSED[shape.name], match="Remedy"):
            grounds.ask(shape, lock, driver)
        return
    answer = grounds.ask(shape, lock, driver)
    if shape.name in WALL_ONLY | WITHOUT_WINDOWS and lock == "filter":
        assert answer == leaky, "the filter reaches it after all: take it off the list"
        return
    assert answer == right


def test_lists_name_shapes() -> None:
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names)
    assert {*REFUSED, *WALL_ONLY, *OWN_BODY, *WITHOUT_WINDOWS} <= set(names)
