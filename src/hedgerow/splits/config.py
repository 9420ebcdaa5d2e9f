"""The split configuration as a file: ``ml_split_config.yaml``, checked before anything of it reaches a database.

Comes in: YAML. Goes out: a :class:`SplitConfigFile`, and through :mod:`hedgerow.splits.registration` a row of
``ml_split_registry``.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from hedgerow.core.errors import HedgerowError
from hedgerow.splits.assignment import RatioError, SplitRatios, ratio_problem
from hedgerow.splits.enums import SplitStrategy

CONFIG_PATH: Final = Path("config", "ml_split_config.yaml")
"""Where a project keeps its own configuration; without one the file that the package ships is used."""

BOUNDARY_DATES: Final = ("data_start_date", "train_end_date", "validation_end_date", "test_end_date", "data_end_date")


class SplitConfigError(HedgerowError, ValueError):
    """A split configuration cannot be used; the message lists everything that is wrong with it."""


def _ratio(value: object) -> Decimal:
    """One ratio, exactly as it is written: YAML gives decimals, JSON and Python may give integers and floats."""
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        value = Decimal(str(value))
    problem = ratio_problem(value)
    if problem is not None:
        raise ValueError(f"{problem[0]}: {problem[1]}")
    assert isinstance(value, Decimal)
    return value


def _day(value: object) -> object:
    # A date with a time of day is no day, and which one it means depends on a time zone.
    if type(value) is date or isinstance(value, str):
        return value
    raise ValueError("is not a date: write it as YYYY-MM-DD")


Ratio = Annotated[Decimal, BeforeValidator(_ratio)]
Day = Annotated[date, BeforeValidator(_day)]


class SplitConfigFile(BaseModel):
    """The content of ``ml_split_config.yaml``.

    :ivar train_ratio: share of the patients in train; at most two decimals, the four sum to exactly 1.
    :ivar temporal_gap_days: whole days between the end of one window and the start of the next.
    :ivar strategy: ``patient_stratified`` when there are no dates, else ``chronological``, unless given.
    :ivar data_start_date: first day of the data; the five dates are given together or not at all.
    :ivar train_end_date: last day of the train window; the next two likewise.
    :ivar data_end_date: last day of the data; the holdout window itself stays open.
    :ivar random_seed: kept for the record, since the hash rule draws nothing at random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_ratio: Ratio
    validation_ratio: Ratio
    test_ratio: Ratio
    holdout_ratio: Ratio
    # Ten years: beyond that the gap is a mistyped date.
    temporal_gap_days: int = Field(ge=0, le=3660, strict=True)
    config_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = "default"
    config_version: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)] = "1.0.0"
    strategy: SplitStrategy | None = None
    data_start_date: Day | None = None
    train_end_date: Day | None = None
    validation_end_date: Day | None = None
    test_end_date: Day | None = None
    data_end_date: Day | None = None
    random_seed: int | None = Field(default=None, ge=-(2**31), lt=2**31, strict=True)

    @property
    def ratios(self) -> SplitRatios:
        """The four ratios as the rule reads them."""
        return SplitRatios(self.train_ratio, self.validation_ratio, self.test_ratio, self.holdout_ratio)

    @property
    def effective_strategy(self) -> SplitStrategy:
        """The strategy, or the one that the dates imply."""
        if self.strategy is not None:
            return self.strategy
        return SplitStrategy.CHRONOLOGICAL if self.has_dates else SplitStrategy.PATIENT_STRATIFIED

    @property
    def has_dates(self) -> bool:
        """Whether the configuration has date boundaries."""
        return self.data_start_date is not None

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        try:
            _ = self.ratios
        except RatioError as error:
            raise ValueError(f"{error.message.removesuffix('.')}: {error.remedy}") from None
        return self

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        dates = {name: getattr(self, name) for name in BOUNDARY_DATES}
        missing = [name for name, day in dates.items() if day is None]
        if len(missing) == len(dates):
            if self.strategy not in (None, SplitStrategy.PATIENT_STRATIFIED):
                raise ValueError(
                    f"the strategy {self.strategy} divides by time and there are no dates: "
                    f"give {', '.join(dates)}, or choose patient_stratified"
                )
            return self
        if missing:
            raise ValueError(f"some dates are given and {', '.join(missing)} not: give all five, or none")
        for (earlier, first), (later, second) in pairwise(dates.items()):
            # The data may end with the test window: holdout is then what arrives later.
            if first > second or (first == second and later != "data_end_date"):
                raise ValueError(f"{earlier} {first} does not come before {later} {second}: put the dates in order")
        gap = timedelta(days=self.temporal_gap_days)
        for earlier, later in (("train_end_date", "validation_end_date"), ("validation_end_date", "test_end_date")):
            if dates[later] - dates[earlier] <= gap:
                raise ValueError(
                    f"a gap of {self.temporal_gap_days} days after {earlier} {dates[earlier]} leaves no day before "
                    f"{later} {dates[later]}: shorten the gap, or move the dates apart"
                )
        return self


def default_config_path() -> Path:
    """``config/ml_split_config.yaml`` of the working directory if there is one, else the file of the package."""
    if CONFIG_PATH.is_file():
        return CONFIG_PATH
    return Path(str(resources.files("hedgerow.splits").joinpath(CONFIG_PATH.name)))


def load_split_config(path: Path | str | None = None) -> SplitConfigFile:
    """Read and check a configuration file.

    :param path: the file; None for :func:`default_config_path`.
    :raises SplitConfigError: the file cannot be read, is not YAML, or says something that cannot be meant. The
        message names every fault at once, and what to do about each.
    """
    path = default_config_path() if path is None else Path(path)
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_ExactLoader)
    except OSError as error:
        raise SplitConfigError(
            f"The split configuration {path} cannot be read: {error.strerror}.", remedy="give the path of a YAML file"
        ) from error
    except UnicodeDecodeError as error:
        raise SplitConfigError(f"The split configuration {path} is not UTF-8.", remedy="save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise SplitConfigError(
            f"The split configuration {path} is not usable YAML: {' '.join(str(error).split())}.",
            remedy="write one 'key: value' a line, each key once",
        ) from error
    return parse_split_config(content, source=str(path))


def parse_split_config(content: Any, *, source: str = "given") -> SplitConfigFile:
    """Check the content of a configuration.

    :param content: a mapping of the documented keys.
    :param source: what to call the configuration in an error.
    :raises SplitConfigError: see :func:`load_split_config`.
    """
    if not isinstance(content, dict):
        found = "empty" if content is None else f"a {type(content).__name__}"
        raise SplitConfigError(
            f"The split configuration {source} is {found}, not a mapping.", remedy="write one 'key: value' a line"
        )
    try:
        return SplitConfigFile.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors())
        raise SplitConfigError(
            f"The split configuration {source} cannot be used: {faults}.",
            remedy="correct the file; hedgerow ships an example, config/ml_split_config.yaml",
        ) from None


def _fault(item: Any) -> str:
    key = ".".join(map(str, item["loc"]))
    match item["type"]:
        case "extra_forbidden":
            known = ", ".join(SplitConfigFile.model_fields)
            return f"{key} is not a key of it: remove it, or use one of {known}"
        case "missing":
            return f"{key} is missing: add it"
        case "value_error" if not key:
            return str(item["ctx"]["error"])
        case "value_error":
            return f"{key} {item['input']!s} {item['ctx']['error']}"
        case _:
            message = item["msg"]
            return f"{key} {item['input']!r}: {message[0].lower()}{message[1:]}"


class _ExactLoader(yaml.SafeLoader):
    """YAML without its two silent losses: fractions become exact decimals, and a repeated key is an error."""

    def construct_decimal(self, node: yaml.ScalarNode) -> Decimal:
        try:
            return Decimal(node.value.replace(".inf", "Infinity").replace(".nan", "NaN"))
        except InvalidOperation:
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value} is not a decimal number", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} appears twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _ExactLoader.construct_decimal)
