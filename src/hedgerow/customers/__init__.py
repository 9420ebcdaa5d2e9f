"""Customer success: customers, their health and renewals, and the agents that work for them.

Comes in: the people of tenancy. Goes out: customers at risk, renewals to come, and decisions on what agents want to do.
Inside the tenant an audience is told apart: see :mod:`hedgerow.customers.audience`.
"""

from hedgerow.customers.enums import (
    ApprovalStatus,
    CustomerTier,
    MessageRole,
    QbrStatus,
    RenewalStage,
    RiskSeverity,
    RiskSignalType,
    RunStatus,
    Sentiment,
    StakeholderRole,
    StepType,
)
from hedgerow.customers.models import (
    AgentMessage,
    AgentRun,
    AgentSession,
    AgentStep,
    Approval,
    Contract,
    Customer,
    Entitlement,
    HealthScore,
    Qbr,
    Renewal,
    RiskSignal,
    Stakeholder,
    UsageMetric,
)
from hedgerow.customers.views import AtRiskCustomer, CustomerHealth, UpcomingRenewal

__all__ = [
    "AgentMessage",
    "AgentRun",
    "AgentSession",
    "AgentStep",
    "Approval",
    "ApprovalStatus",
    "AtRiskCustomer",
    "Contract",
    "Customer",
    "CustomerHealth",
    "CustomerTier",
    "Entitlement",
    "HealthScore",
    "MessageRole",
    "Qbr",
    "QbrStatus",
    "Renewal",
    "RenewalStage",
    "RiskSeverity",
    "RiskSignal",
    "RiskSignalType",
    "RunStatus",
    "Sentiment",
    "Stakeholder",
    "StakeholderRole",
    "StepType",
    "UpcomingRenewal",
    "UsageMetric",
]
