"""What can go wrong with migrations. Each message names its remedy."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from hedgerow.core.errors import HedgerowError, sentence


class MigrationError(HedgerowError):
    """A migration, or the search for what a migration must do, cannot go on."""


class DataLossError(MigrationError):
    """A migration would destroy data, and nobody consented to that."""


class ScratchDatabaseError(MigrationError):
    """The empty database that a comparison needs cannot be had."""


def server_words(error: BaseException) -> tuple[str, str | None]:
    """What PostgreSQL or its driver says, as a person needs it: the message with its detail, and the hint.

    Statements, parameters and the CONTEXT of functions are left out: whoever runs a revision did not write them.

    :param error: of SQLAlchemy or of psycopg.
    """
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    diagnosis = getattr(original, "diag", None)
    if diagnosis is None or diagnosis.message_primary is None:
        return "; ".join(line.strip() for line in str(original).strip().splitlines()), None
    primary, detail = diagnosis.message_primary, diagnosis.message_detail
    return f"{sentence(primary)} {detail}".rstrip(".") if detail else primary.rstrip("."), diagnosis.message_hint
