"""The scope: what it accepts, what it normalises, and that it stays what it is."""

from __future__ import annotations

import dataclasses
import pickle
from uuid import UUID

import pytest

from hedgerow.core.errors import CrossTenantError, HedgerowError, ScopeError, SplitAccessError
from hedgerow.core.scope import OPEN_SPLITS, Scope, Split

USER = UUID("00000000-0000-4000-8000-000000000001")


def test_defaults_leave_closed_splits_closed() -> None:
    scope = Scope("A")
    assert scope.split_set == OPEN_SPLITS == {Split.TRAIN, Split.VALIDATION, Split.UNASSIGNED}
    assert scope.closed_splits == ()
    assert scope.user_id is None
    assert scope.purpose is None


@pytest.mark.parametrize(
    "splits",
    [{"train", "test"}, ["test", "train", "train"], (Split.TEST, "train"), frozenset({Split.TRAIN, Split.TEST})],
)
def test_splits_are_normalised(splits: object) -> None:
    scope = Scope("A", splits=splits, purpose="p")  # type: ignore[arg-type]
    assert scope.splits == frozenset({Split.TRAIN, Split.TEST})
    assert scope.split_names == ("train", "test")
    assert scope.closed_splits == (Split.TEST,)
    assert scope.holds("test")
    assert scope.holds(Split.TRAIN)
    assert not scope.holds("holdout")
    assert not scope.holds(None)


def test_an_artefact_of_an_earlier_split_is_held() -> None:
    scope = Scope("A", splits={"validation"})
    assert scope.holds("train", artefact=True)
    assert not scope.holds("train")
    assert not scope.holds("test", artefact=True)


@pytest.mark.parametrize("tenant", ["", "   ", "x" * 51, "a\0b", "a\nb", "a\x1b", "\ud800", None, 7, b"A"], ids=repr)
def test_invalid_tenants(tenant: object) -> None:
    with pytest.raises(ScopeError, match="Remedy"):
        Scope(tenant)  # type: ignore[arg-type]


@pytest.mark.parametrize("tenant", ["A", "x" * 50, "ünï-cødé", "O'Brien; DROP TABLE x --", "%s %(a)s :b {c}"])
def test_valid_tenants(tenant: str) -> None:
    assert Scope(tenant).tenant_id == tenant


@pytest.mark.parametrize("model", ["", "   ", 7, b"churn", ["churn"]], ids=repr)
def test_a_model_is_named_by_text(model: object) -> None:
    """A name of blanks would count with the requests that name no model."""
    with pytest.raises(ScopeError, match="named by text"):
        Scope("A", model=model)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["x" * 256, "a\0b", "a\nb", "a\x1fb", "\ud800"], ids=repr)
def test_models_that_the_database_could_not_note(model: str) -> None:
    with pytest.raises(ScopeError, match="control character"):
        Scope("A", model=model)


@pytest.mark.parametrize("model", ["x" * 255, "ünï-cødé", " churn ", None])
def test_valid_models(model: str | None) -> None:
    assert Scope("A", model=model).model == (model.strip() if model else None)


@pytest.mark.parametrize("splits", [set(), "train", {"other"}, {None}, None, 7, {"TRAIN"}, {""}], ids=repr)
def test_invalid_splits(splits: object) -> None:
    with pytest.raises(ScopeError, match="Remedy"):
        Scope("A", splits=splits)  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["test", "holdout"])
@pytest.mark.parametrize("purpose", [None, "", "  "])
def test_closed_splits_need_a_purpose(split: str, purpose: str | None) -> None:
    with pytest.raises(SplitAccessError, match=r"Remedy: use Scope\.evaluation") as raised:
        Scope("A", splits={"train", split}, purpose=purpose)
    assert raised.value.split == split


def test_evaluation() -> None:
    scope = Scope.evaluation("A", {"holdout"}, " final figures ", user_id=USER)
    assert scope.purpose == "final figures"
    assert scope.user_id == USER


def test_users() -> None:
    assert Scope("A", user_id=str(USER)).user_id == USER
    with pytest.raises(ScopeError, match="Remedy"):
        Scope("A", user_id="somebody")


def test_frozen_hashable_picklable() -> None:
    scope = Scope("A", USER, {"train"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        scope.tenant_id = "B"  # type: ignore[misc]
    assert scope == Scope("A", str(USER), ["train"])
    assert len({scope, Scope("A", USER, {Split.TRAIN}), Scope("B")}) == 2
    assert pickle.loads(pickle.dumps(scope)) == scope


def test_repr() -> None:
    assert repr(Scope("A")) == "Scope(tenant_id='A')"
    assert repr(Scope("A", USER, {"test", "train"}, "p")) == (
        f"Scope(tenant_id='A', user_id='{USER}', splits={{'train', 'test'}}, purpose='p')"
    )


def test_errors_say_table_scope_and_remedy() -> None:
    error = CrossTenantError("no", remedy="do it otherwise", table="visit", scope=Scope("A", splits={"train"}))
    assert str(error) == "no [table visit] [scope tenant=A splits=train] Remedy: do it otherwise."
    again = pickle.loads(pickle.dumps(error))
    assert (again.table, again.scope, again.remedy, str(again)) == (
        error.table,
        error.scope,
        error.remedy,
        str(error),
    )
    assert str(HedgerowError("only this")) == "only this"
    closed = SplitAccessError("no", split="test")
    assert pickle.loads(pickle.dumps(closed)).split == "test"
