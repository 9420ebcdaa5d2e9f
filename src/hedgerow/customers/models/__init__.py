"""Tables of the customers domain: accounts, what is measured about them, and the work of agents for them."""

from hedgerow.customers.models.accounts import Contract, Customer, Entitlement, Stakeholder
from hedgerow.customers.models.health import HealthScore, Qbr, Renewal, RiskSignal, UsageMetric
from hedgerow.customers.models.work import AgentMessage, AgentRun, AgentSession, AgentStep, Approval

__all__ = [
    "AgentMessage",
    "AgentRun",
    "AgentSession",
    "AgentStep",
    "Approval",
    "Contract",
    "Customer",
    "Entitlement",
    "HealthScore",
    "Qbr",
    "Renewal",
    "RiskSignal",
    "Stakeholder",
    "UsageMetric",
]
