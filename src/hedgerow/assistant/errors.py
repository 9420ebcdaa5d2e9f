"""What the assistant's client refuses."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hedgerow.core.repository import RepositoryError

Reason = Literal["unknown", "missing", "invalid", "too_long", "out_of_range", "duplicate", "no_such_row", "refused"]


class Problem(NamedTuple):
    """One thing that is wrong with a row.

    :ivar column: the column, None where the database does not name one.
    :ivar reason: why, for programs: ``unknown`` column, ``missing`` value, ``invalid`` value, ``too_long`` text,
        number ``out_of_range``, ``duplicate`` of a stored row, ``no_such_row`` that it refers to, or ``refused`` by
        another constraint.
    :ivar detail: why, in words.
    """

    column: str | None
    reason: Reason
    detail: str


class InsertError(RepositoryError, ValueError):
    """A row was not stored. The session goes on: what was written before it still stands.

    :ivar problems: everything that is wrong with it, as far as it was looked at.
    :ivar column: the column of the first problem.
    :ivar reason: the reason of the first problem.
    """

    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, table: str, *problems: Problem) -> InsertError:
        """The error of these problems."""
        error = cls(
            "The row was not stored. " + " ".join(f"{problem.detail}." for problem in problems),
            remedy="correct " + (", ".join(dict.fromkeys(p.column for p in problems if p.column)) or "the row"),
            table=table,
        )
        error.problems = problems
        return error

    @property
    def column(self) -> str | None:
        return self.problems[0].column if self.problems else None

    @property
    def reason(self) -> Reason | None:
        return self.problems[0].reason if self.problems else None
