"""Vocabularies of the ML splits. The splits themselves are :class:`hedgerow.core.scope.Split`."""

from enum import StrEnum

from hedgerow.core.types import check_enum, pg_enum


@pg_enum("data_split_type")
class DataSplit(StrEnum):
    """Partition of patients that must never mix; unassigned is for rows without a patient."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"  # needs an evaluation scope
    HOLDOUT = "holdout"  # needs an evaluation scope
    UNASSIGNED = "unassigned"


@pg_enum("split_strategy_type")
class SplitStrategy(StrEnum):
    """How a configuration divides the data; all but one add date boundaries to the patient's split."""

    CHRONOLOGICAL = "chronological"
    PATIENT_STRATIFIED = "patient_stratified"  # by patient alone: no date boundaries
    ROLLING_WINDOW = "rolling_window"
    CAUSAL_HOLDOUT = "causal_holdout"


@check_enum("leakage_severity")
class LeakageSeverity(StrEnum):
    """How bad a leakage finding is; a passed check is info."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
