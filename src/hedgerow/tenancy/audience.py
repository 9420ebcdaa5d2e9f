"""Who somebody is inside the tenant, as SQL that policies of any domain are made of.

What comes in: the user of the scope, verified, and the accounts of the tenant. What goes out: audiences.

Each claim is an uncorrelated sub-select, so that it is evaluated once per statement; and each audience compares a
column with one, so that an index serves it and PostgreSQL can combine the indexes of several. A bare "is an
administrator" would make every row of the tenant be looked at.
"""

from __future__ import annotations

from typing import Final

from hedgerow.core.wall import Audience

ME: Final = "(SELECT app.current_user_id()::uuid)"
"""Id of the person who asks; NULL, which equals nothing, for a scope without a user."""

OWNER: Final = "(SELECT app.is_owner())"
"""Whether the owner of the schema is at work, and no session."""


def _all_if(condition: str) -> str:
    """Every row where the condition holds, else none: no text sorts before the empty one, and none after NULL.

    Said of the column that leads every index. That the rows are those of the tenant is not said here: it is the
    tenant's policy, and it alone, that keeps tenants apart.
    """
    return f"tenant_id >= (SELECT CASE WHEN {condition} THEN '' END)"


ADMINISTRATORS: Final = Audience("administrators", _all_if(f"is_admin({ME})"))
"""Administrators of the tenant of the scope; not for ``users``, which ``is_admin`` reads."""

EVERY_ACCOUNT: Final = Audience("administrators", _all_if("app.sees_every_user()"))
"""Administrators, for ``users`` itself; and the owner of the schema, who keeps the accounts."""


def mine(column: str) -> str:
    """Rows that name the person who asks in ``column``."""
    return f"{column} = {ME}"


def of_few(column: str, parent: str, condition: str) -> str:
    """Rows whose ``column`` is the id of a row of ``parent`` that fulfils a condition and that the person sees.

    The ids are collected once per statement: for parents of which one person has hundreds, not thousands.

    :param condition: about the row of the parent, which is called ``p``.
    """
    return f"{column} = ANY (ARRAY(SELECT p.id FROM {parent} AS p WHERE {condition}))"


def of_any(table: str, column: str, parent: str, condition: str = "true") -> str:
    """Like :func:`of_few`, but the parent is looked up by its key for each row: for parents that grow without bounds.

    :param table: the table of ``column``.
    """
    return (
        f"EXISTS (SELECT FROM {parent} AS p "
        f"WHERE p.tenant_id = {table}.tenant_id AND p.id = {table}.{column} AND {condition})"
    )
