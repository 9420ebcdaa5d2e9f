"""Which split each patient is in, when each split may look, and who opened a sealed one.

Comes in: tenants, and a split configuration per tenant. Goes out: the split of every patient, and the scope of
every transaction (``app.open_scope``).
"""

from hedgerow.core.scope import Split
from hedgerow.splits.enums import DataSplit, LeakageSeverity, SplitStrategy
from hedgerow.splits.keys import PatientKeyed, patient_split_key
from hedgerow.splits.models import (
    LeakageAudit,
    PatientSplitAssignment,
    PreprocessingMetadata,
    SplitAccessLog,
    SplitConfig,
)

__all__ = [
    "DataSplit",
    "LeakageAudit",
    "LeakageSeverity",
    "PatientKeyed",
    "PatientSplitAssignment",
    "PreprocessingMetadata",
    "Split",
    "SplitAccessLog",
    "SplitConfig",
    "SplitStrategy",
    "patient_split_key",
]
