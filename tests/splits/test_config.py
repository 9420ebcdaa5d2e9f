"""The configuration file: what is accepted is exact, and what is refused says what to do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgerow.core.scope import Split
from hedgerow.splits.assignment import DEFAULT_RATIOS, assign
from hedgerow.splits.config import (
    CONFIG_PATH,
    SplitConfigError,
    default_config_path,
    load_split_config,
    parse_split_config,
)
from hedgerow.splits.enums import SplitStrategy
from world import DATED

PLAIN = "train_ratio: 0.60\nvalidation_ratio: 0.20\ntest_ratio: 0.15\nholdout_ratio: 0.05\ntemporal_gap_days: 7\n"


def load(tmp_path: Path, content: str) -> Any:
    path = tmp_path / "split.yaml"
    path.write_text(content, "utf-8")
    return load_split_config(path)


def test_the_shipped_file_says_what_the_sources_say() -> None:
    config = load_split_config()
    assert config.ratios == DEFAULT_RATIOS
    assert config.temporal_gap_days == 7
    assert config.effective_strategy is SplitStrategy.PATIENT_STRATIFIED


def test_a_file_in_the_working_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_config_path().is_file(), "the file of the package"
    CONFIG_PATH.parent.mkdir()
    CONFIG_PATH.write_text(PLAIN.replace("7", "9"), "utf-8")
    assert load_split_config().temporal_gap_days == 9


def test_fractions_are_read_exactly(tmp_path: Path) -> None:
    config = load(tmp_path, PLAIN.replace("0.60", "0.6000"))
    assert config.train_ratio == Decimal("0.6")
    assert config.ratios == DEFAULT_RATIOS


def test_dates_make_it_chronological(tmp_path: Path) -> None:
    dates = "".join(f"{name}: {day}\n" for name, day in DATED.items() if name.endswith("_date"))
    config = load(tmp_path, PLAIN + dates)
    assert config.effective_strategy is SplitStrategy.CHRONOLOGICAL
    assert config.train_end_date == date(2023, 12, 31)


def test_one_split_may_take_everybody(tmp_path: Path) -> None:
    everything = PLAIN.replace("0.60", "1").replace("0.20", "0").replace("0.15", "0").replace("0.05", "0")
    assert assign("anybody", load(tmp_path, everything).ratios) is Split.TRAIN


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "is empty, not a mapping"),
        ("- 0.6\n- 0.4\n", "is a list, not a mapping"),
        ("0.6", "is a Decimal, not a mapping"),
        ("a: [", "is not usable YAML"),
        ("? [a, b]\n: 1\n", "unhashable key"),
        (PLAIN + "train_ratio: 0.60\n", "the key train_ratio appears twice"),
        (PLAIN + "gap: 1\n", "gap is not a key of it: remove it, or use one of train_ratio"),
        (PLAIN.replace("test_ratio: 0.15\n", ""), "test_ratio is missing: add it"),
        (PLAIN.replace("0.60", "0.61"), "sum to 1.01, not to 1: take 0.01 from one of them"),
        (PLAIN.replace("0.60", "0.59"), "sum to 0.99, not to 1: add 0.01 to one of them"),
        (PLAIN.replace("0.60", "0.60000000000000001"), "train_ratio 0.60000000000000001 has more than two decimals"),
        (PLAIN.replace("0.60", "-0.60"), "train_ratio -0.60 is not between 0 and 1"),
        (PLAIN.replace("0.60", "60"), "train_ratio 60 is not between 0 and 1"),
        (PLAIN.replace("0.60", ".nan"), "train_ratio NaN is not between 0 and 1"),
        (PLAIN.replace("0.60", "-.inf"), "train_ratio -Infinity is not between 0 and 1"),
        (PLAIN.replace("0.60", "true"), "train_ratio True is not a decimal number"),
        (PLAIN.replace("0.60", "sixty"), "train_ratio sixty is not a decimal number"),
        (PLAIN.replace("0.60", "1:30.5"), "1:30.5 is not a decimal number"),
        (PLAIN.replace("7", "-1"), "temporal_gap_days -1: input should be greater than or equal to 0"),
        (PLAIN.replace("7", "7.5"), "temporal_gap_days .*valid integer"),
        (PLAIN.replace("7", "true"), "temporal_gap_days True: input should be a valid integer"),
        (PLAIN.replace("7", "99999"), "temporal_gap_days 99999"),
        (PLAIN + "strategy: random\n", "strategy 'random': input should be 'chronological'"),
        (PLAIN + "strategy: chronological\n", "divides by time and there are no dates: give data_start_date"),
        (PLAIN + "train_end_date: 2024-01-01\n", "some dates are given and data_start_date, validation_end_date"),
        (PLAIN + "train_end_date: 2024-01-01 10:00:00\n", "train_end_date 2024-01-01 10:00:00 is not a date"),
        (PLAIN + "train_end_date: 20240101\n", "train_end_date 20240101 is not a date"),
        (PLAIN + "random_seed: 9999999999\n", "random_seed 9999999999"),
        (PLAIN + "config_name: ''\n", "config_name ''"),
        (PLAIN + f"config_name: {'x' * 101}\n", "config_name .* at most 100 characters"),
        (PLAIN + "config_version: 1.0\n", "config_version .*valid string"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, content: str, what: str) -> None:
    with pytest.raises(SplitConfigError, match=what) as refused:
        load(tmp_path, content)
    assert "split.yaml" in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"train_end_date": "2024-07-01"}, "train_end_date 2024-07-01 does not come before validation_end_date"),
        ({"train_end_date": "2024-06-30"}, "train_end_date 2024-06-30 does not come before validation_end_date"),
        ({"data_start_date": "2023-12-31"}, "data_start_date 2023-12-31 does not come before train_end_date"),
        ({"data_end_date": "2024-12-30"}, "test_end_date 2024-12-31 does not come before data_end_date"),
        ({"temporal_gap_days": 182}, "a gap of 182 days after train_end_date 2023-12-31 leaves no day"),
        ({"test_end_date": "2024-07-07"}, "a gap of 7 days after validation_end_date 2024-06-30 leaves no day"),
        ({"train_end_date": "2024-02-30"}, "train_end_date '2024-02-30': "),
        ({"train_end_date": None}, "some dates are given and train_end_date not"),
    ],
)
def test_dates_out_of_order_are_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(SplitConfigError, match=what):
        parse_split_config(DATED | change)


def test_the_data_may_end_with_the_test_window() -> None:
    assert parse_split_config(DATED | {"data_end_date": "2024-12-31"}).has_dates


def test_one_day_after_the_gap_is_enough() -> None:
    assert parse_split_config(DATED | {"temporal_gap_days": 181}).temporal_gap_days == 181


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SplitConfigError) as refused:
        load(tmp_path, "train_ratio: 2\nseed: 1\n")
    for key in ("train_ratio", "validation_ratio", "seed", "temporal_gap_days"):
        assert key in str(refused.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SplitConfigError, match="cannot be read: No such file"):
        load_split_config(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"config_name: caf\xe9\n")
    with pytest.raises(SplitConfigError, match="is not UTF-8"):
        load_split_config(tmp_path / "latin.yaml")
