"""The statement that opens a scope: the first one of every transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from hedgerow.core.predicate import BOUNDS
from hedgerow.core.scope import Scope
from hedgerow.core.token import Signer

#: Sets the scope for the transaction and returns the bounds of its split windows in seconds since 1970, so that
#: infinities and the session's date style cannot get in the way. The parameters carry no types: the server takes
#: those of the function's arguments, whatever the driver.
OPEN_SCOPE: Final = text(
    "SELECT "
    + ", ".join(f"CAST(EXTRACT(EPOCH FROM {name}) AS double precision) AS {name}" for name in BOUNDS)
    + " FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), :purpose, :grant, :opening)"
)

#: For connections of the schema's owner, on which no filter stands: a scope without any question asked. The wall holds
#: for the owner too.
ISSUE_SCOPE: Final = text("SELECT app.issue_scope(:tenant, NULL, CAST(:splits AS text[]))")


def opening_parameters(scope: Scope, signer: Signer | None = None, opening: UUID | None = None) -> dict[str, Any]:
    """Return the parameters of :data:`OPEN_SCOPE`.

    Args:
        scope: the scope.
        signer: signs the request, where the application has a scope key.
        opening: what was granted to a scope with ``test`` or ``holdout``.
    """
    return {
        "tenant": scope.tenant_id,
        "user": None if scope.user_id is None else str(scope.user_id),
        "splits": list(scope.split_names),
        "purpose": scope.purpose,
        "grant": None if signer is None else signer.sign(scope),
        "opening": opening,
    }


def issuing_parameters(tenant_id: str, splits: Iterable[str] = ()) -> dict[str, Any]:
    """Return the parameters of :data:`ISSUE_SCOPE`."""
    return {"tenant": tenant_id, "splits": [str(split) for split in splits]}
