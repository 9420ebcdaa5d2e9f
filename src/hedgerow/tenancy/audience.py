"""Who somebody is inside the tenant, as SQL that policies of any domain are made of.

What comes in: tenant and user of the scope, verified, and the accounts of the tenant. What goes out: audiences.

Each claim is an uncorrelated sub-select, so that it is evaluated once per statement; and each audience compares columns
with one, so that an index serves it and PostgreSQL can combine the indexes of several. A bare "is an administrator"
would make every row of the tenant be looked at.

A statement evaluates one sub-select after the other, and whoever can run SQL can open another scope in between. So none
answers with a user or with a yes alone: it says of which tenant, and that is compared with the tenant of the row.
"""

from __future__ import annotations

from typing import Final

from hedgerow.core.wall import Audience

OWNER: Final = "(SELECT app.is_owner())"
"""Whether the owner of the schema is at work, and no session."""

ADMINISTRATORS: Final = Audience("administrators", "tenant_id = (SELECT app.administered_tenant())")
"""Administrators of the tenant of the scope; not for ``users``, which are asked who is one."""

EVERY_ACCOUNT: Final = Audience("administrators", "tenant_id = (SELECT app.overseen_tenant())")
"""Administrators, for ``users`` itself; and the owner of the schema, who keeps the accounts."""


def mine(column: str) -> str:
    """Rows that name the person who asks in ``column``; none in a scope without a user.

    :param column: with the name of its table before it where it is not the policy's own.
    """
    table, dot, _ = column.rpartition(".")
    return f"({table}{dot}tenant_id, {column}) = (SELECT m.tenant_id, m.user_id FROM app.current_member() AS m)"


def of_another(table: str, column: str, parent: str, person: str) -> str:
    """Rows whose parent names another person than the one who asks, or nobody; looked up like in :func:`of_any`.

    :param person: the column of the parent that names a person.
    """
    # An inequality cannot be said of tenant and person at once: both are of one row, and are compared one by one.
    return of_any(
        table,
        column,
        parent,
        f"EXISTS (SELECT FROM app.current_member() AS m "
        f"WHERE m.tenant_id = p.tenant_id AND m.user_id IS DISTINCT FROM p.{person})",
    )


def of_few(column: str, parent: str, condition: str) -> str:
    """Rows whose ``column`` is the id of a row of ``parent`` that fulfils a condition and that the person sees.

    The ids are collected once per statement, for an index to find the rows: for parents of which one person has
    hundreds, not thousands. An id does not say of which tenant it is, so what is found is compared with both once more.

    :param condition: about the row of the parent, which is called ``p``.
    """
    parents = f"FROM {parent} AS p WHERE {condition}"
    found = f"{column} = ANY (ARRAY(SELECT p.id {parents}))"
    return f"{found} AND (tenant_id, {column}) IN (SELECT p.tenant_id, p.id {parents})"


def of_any(table: str, column: str, parent: str, condition: str = "true") -> str:
    """Like :func:`of_few`, but the parent is looked up by its key for each row: for parents that grow without bounds.

    :param table: the table of ``column``.
    """
    return (
        f"EXISTS (SELECT FROM {parent} AS p "
        f"WHERE p.tenant_id = {table}.tenant_id AND p.id = {table}.{column} AND {condition})"
    )
