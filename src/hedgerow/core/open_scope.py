"""The statement that opens a scope: the first one of every transaction."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text

from hedgerow.core.predicate import BOUNDS
from hedgerow.core.scope import Scope

#: Sets the scope for the transaction and returns the bounds of its split windows in seconds since 1970, so that
#: infinities and the session's date style cannot get in the way. The parameters carry no types: the server takes
#: those of the function's arguments, whatever the driver.
OPEN_SCOPE: Final = text(
    "SELECT "
    + ", ".join(f"CAST(EXTRACT(EPOCH FROM {name}) AS double precision) AS {name}" for name in BOUNDS)
    + " FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), :purpose)"
)


def opening_parameters(scope: Scope) -> dict[str, Any]:
    """Return the parameters of :data:`OPEN_SCOPE`."""
    return {
        "tenant": scope.tenant_id,
        "user": None if scope.user_id is None else str(scope.user_id),
        "splits": list(scope.split_names),
        "purpose": scope.purpose,
    }
