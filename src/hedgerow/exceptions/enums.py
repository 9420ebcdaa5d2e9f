"""Vocabularies of the exceptions domain."""

from enum import StrEnum

from hedgerow.core.types import check_enum


@check_enum("exception_severity")
class ExceptionSeverity(StrEnum):
    """How bad it is, from the least to the most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@check_enum("exception_status")
class ExceptionStatus(StrEnum):
    """Where the handling of an exception stands."""

    OPEN = "open"
    ANALYZING = "analyzing"
    RESOLVED = "resolved"
    ESCALATED = "escalated"


@check_enum("actor_type")
class ActorType(StrEnum):
    """Who did something."""

    AGENT = "agent"
    USER = "user"
    SYSTEM = "system"


@check_enum("tool_execution_status")
class ToolExecutionStatus(StrEnum):
    """How far the execution of a tool has come."""

    REQUESTED = "requested"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ExceptionEventType(StrEnum):
    """Known events. The list is open: the log takes any type of up to 100 characters.

    What an event of each type says about the status is in :mod:`hedgerow.exceptions.status`; an event of any other
    type says nothing about it.
    """

    EXCEPTION_CREATED = "ExceptionCreated"
    EXCEPTION_NORMALIZED = "ExceptionNormalized"
    TRIAGE_COMPLETED = "TriageCompleted"
    POLICY_EVALUATED = "PolicyEvaluated"
    RESOLUTION_SUGGESTED = "ResolutionSuggested"
    RESOLUTION_APPROVED = "ResolutionApproved"
    EXCEPTION_ESCALATED = "ExceptionEscalated"  # ours: the sources have the status and no event that leads to it
    FEEDBACK_CAPTURED = "FeedbackCaptured"
    LLM_DECISION_PROPOSED = "LLMDecisionProposed"
    COPILOT_QUESTION_ASKED = "CopilotQuestionAsked"
    COPILOT_ANSWER_GIVEN = "CopilotAnswerGiven"
