"""The keys of signed scopes in the database: installed, listed and removed by the owner of the schema.

As long as there is one besides the database's own, ``app.open_scope`` grants only what was signed with one of them. So
a key is given to the application first and installed then, and the old one is removed last: nobody is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hedgerow.core.token import RESERVED, ScopeKeyError, Signer


@dataclass(frozen=True, slots=True)
class InstalledKey:
    """A key that the database accepts.

    :ivar key_id: its id.
    :ivar created_at: when it was installed.
    """

    key_id: str
    created_at: datetime


def install_key(connection: Connection, signer: Signer) -> None:
    """Accept scopes that are signed with a key, and from then on none that is not signed.

    :param connection: as the owner of the schema; the caller commits.
    :raises ScopeKeyError: another key of that id is installed. The same one may be installed again.
    """
    inner, outer = signer.pads
    values = {"id": signer.key_id, "inner": inner, "outer": outer}
    connection.execute(
        text(
            "INSERT INTO app.scope_key (key_id, inner_pad, outer_pad) VALUES (:id, :inner, :outer)"
            " ON CONFLICT (key_id) DO NOTHING"
        ),
        values,
    )
    same = text("SELECT inner_pad = :inner AND outer_pad = :outer FROM app.scope_key WHERE key_id = :id")
    if not connection.scalar(same, values):
        raise ScopeKeyError(
            f"Another scope key with the id {signer.key_id!r} is installed.",
            remedy="Make one with another id (hedgerow db scope-key new), or remove that one first",
        )


def installed_keys(connection: Connection) -> list[InstalledKey]:
    """The keys that scopes may be signed with, the oldest first; none where scopes need no signature."""
    found = connection.execute(
        text("SELECT key_id, created_at FROM app.scope_key WHERE key_id <> :own ORDER BY created_at, key_id"),
        {"own": RESERVED},
    )
    return [InstalledKey(*row) for row in found]


def remove_key(connection: Connection, key_id: str, *, last: bool = False) -> None:
    """Stop accepting a key.

    :param last: remove it even if no other key is left, so that scopes need no signature any more.
    :raises ScopeKeyError: there is no such key, or it is the last one and ``last`` was not said.
    """
    # Until the end of the transaction, or two who each remove a key could leave none.
    connection.execute(text("LOCK TABLE app.scope_key IN SHARE ROW EXCLUSIVE MODE"))
    installed = [key.key_id for key in installed_keys(connection)]
    if key_id not in installed:
        raise ScopeKeyError(
            f"No scope key with the id {key_id!r} is installed.", remedy="hedgerow db scope-key list shows them"
        )
    if installed == [key_id] and not last:
        raise ScopeKeyError(
            f"{key_id!r} is the last key: without it every session could open the scope of every tenant.",
            remedy="Install another one first, or say --last (in Python: last=True)",
        )
    connection.execute(text("DELETE FROM app.scope_key WHERE key_id = :id"), {"id": key_id})
