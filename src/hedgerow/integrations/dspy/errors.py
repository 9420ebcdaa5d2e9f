"""What the integration of DSPy refuses."""

from __future__ import annotations

from typing import Any

from hedgerow.core.errors import HedgerowError


class NotAProgramError(HedgerowError, ValueError):
    """A template holds no DSPy program, or a program holds what no template can."""


class ProgramMismatchError(HedgerowError, ValueError):
    """A stored program and the one at hand do not have the same predictors with the same fields."""


class RecordingError(HedgerowError):
    """The run itself went well, but not all of it could be recorded.

    Attributes:
        program: the program that the optimizer compiled last, which may have cost a lot; ``None`` without one.
    """

    program: Any = None
