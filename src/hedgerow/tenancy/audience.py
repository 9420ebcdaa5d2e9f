"""Who somebody is inside the tenant, as SQL that policies of any domain are made of.

What comes in: ``auth.uid()``, the user of the scope, and the accounts of the tenant. What goes out: audiences. Each
claim is an uncorrelated sub-select, so that it is evaluated once per statement.
"""

from __future__ import annotations

from typing import Final

from hedgerow.core.wall import Audience

ME: Final = "(SELECT auth.uid())"
"""Id of the person who asks; NULL, which equals nothing, for a scope without a user."""

ADMINISTRATORS: Final = Audience("administrators", f"(SELECT is_admin({ME}))")
"""Administrators of the tenant of the scope; not for ``users``, which ``is_admin`` reads."""

OWNER: Final = "(SELECT app.is_owner())"
"""Whether the owner of the schema is at work, and no session."""

EVERY_ACCOUNT: Final = Audience("administrators", "(SELECT app.sees_every_user())")
"""Administrators, for ``users`` itself; and the owner of the schema, who keeps the accounts."""


def mine(column: str) -> str:
    """Rows that name the person who asks in ``column``."""
    return f"{column} = {ME}"


def of_seen(table: str, column: str, parent: str, also: str = "true") -> str:
    """Rows of ``table`` whose ``column`` is the id of a row of ``parent`` that the person sees.

    What is seen of the parent its own policies decide.

    :param also: what else must hold for the row of the parent, which is called ``p``.
    """
    return (
        f"EXISTS (SELECT FROM {parent} AS p "
        f"WHERE p.tenant_id = {table}.tenant_id AND p.id = {table}.{column} AND {also})"
    )
