"""Vocabularies of the customers domain. Columns hold them as TEXT with a CHECK list; NULL is allowed everywhere."""

from enum import StrEnum

from hedgerow.core.types import check_enum


@check_enum("customer_tier", length=None)
class CustomerTier(StrEnum):
    """Size of a customer."""

    ENTERPRISE = "enterprise"
    MID_MARKET = "mid-market"
    SMB = "smb"


@check_enum("stakeholder_role", length=None)
class StakeholderRole(StrEnum):
    """What a contact person is to us."""

    CHAMPION = "champion"
    SPONSOR = "sponsor"
    USER = "user"
    DETRACTOR = "detractor"


@check_enum("stakeholder_sentiment", length=None)
class Sentiment(StrEnum):
    """How a contact person speaks of us."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


@check_enum("message_role", length=None)
class MessageRole(StrEnum):
    """Who says a message of an agent session."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


@check_enum("agent_run_status", length=None)
class RunStatus(StrEnum):
    """How far an agent run has come."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@check_enum("agent_step_type", length=None)
class StepType(StrEnum):
    """What an agent does in one step of a run."""

    THINKING = "thinking"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    LLM_CALL = "llm_call"
    HANDOFF = "handoff"


@check_enum("approval_status", length=None)
class ApprovalStatus(StrEnum):
    """What a person has decided about an action; nothing turns an overdue ``pending`` into ``expired`` by itself."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@check_enum("risk_signal_type", length=None)
class RiskSignalType(StrEnum):
    """What warns of losing a customer."""

    USAGE_DROP = "usage_drop"
    CHAMPION_LEFT = "champion_left"
    SUPPORT_ESCALATION = "support_escalation"
    NPS_DETRACTOR = "nps_detractor"
    COMPETITOR_THREAT = "competitor_threat"
    PAYMENT_ISSUE = "payment_issue"


@check_enum("risk_severity", length=None)
class RiskSeverity(StrEnum):
    """How bad a warning sign is; high and critical put a customer at risk whatever its score."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@check_enum("renewal_stage", length=None)
class RenewalStage(StrEnum):
    """How a coming renewal looks."""

    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    CHURNED = "churned"
    EXPANDED = "expanded"


@check_enum("qbr_status", length=None)
class QbrStatus(StrEnum):
    """Whether a quarterly business review has taken place."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
