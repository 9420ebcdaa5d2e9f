"""What went wrong in a business process, and what was done about it.

Comes in: policy packs, playbooks, tools, and events, which are only ever added. Goes out: the state of each exception,
which the database keeps and which can be rebuilt from its log.
"""

from hedgerow.exceptions.enums import (
    ActorType,
    ExceptionEventType,
    ExceptionSeverity,
    ExceptionStatus,
    ToolExecutionStatus,
)
from hedgerow.exceptions.errors import ReplayConflictError
from hedgerow.exceptions.models import (
    BusinessException,
    DomainPackVersion,
    ExceptionEvent,
    Playbook,
    PlaybookStep,
    TenantPolicyPackVersion,
    ToolDefinition,
    ToolExecution,
)
from hedgerow.exceptions.status import derived_status
from hedgerow.exceptions.views import ExceptionStatusCheck

__all__ = [
    "ActorType",
    "BusinessException",
    "DomainPackVersion",
    "ExceptionEvent",
    "ExceptionEventType",
    "ExceptionSeverity",
    "ExceptionStatus",
    "ExceptionStatusCheck",
    "Playbook",
    "PlaybookStep",
    "ReplayConflictError",
    "TenantPolicyPackVersion",
    "ToolDefinition",
    "ToolExecution",
    "ToolExecutionStatus",
    "derived_status",
]
