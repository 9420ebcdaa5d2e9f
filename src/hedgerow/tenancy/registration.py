"""Creating tenants: the work of the schema's owner, since a session sees one tenant that must be there already."""

from __future__ import annotations

from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

from hedgerow.core.errors import HedgerowError
from hedgerow.core.scope import Scope
from hedgerow.tenancy.models import Tenant


class TenantExistsError(HedgerowError):
    """The tenant that was to be created is there already."""


def create_tenant(connection: Connection, tenant_id: str, name: str) -> None:
    """Create a tenant within the connection's transaction.

    :param connection: a plain connection as the owner of the schema, without hedgerow's filter.
    :param tenant_id: 1 to 50 characters, what ``tenant_id`` will hold in every table.
    :param name: what people call the organisation.
    :raises ScopeError: the id is not one.
    :raises TenantExistsError: it exists.
    """
    scope = Scope(tenant_id)  # validates the id
    # The policies hold for the owner too: the row must be inside the scope in which it is written.
    connection.execute(text("SELECT set_config('app.current_tenant', :id, true)"), {"id": scope.tenant_id})
    try:
        with connection.begin_nested():
            connection.execute(insert(Tenant).values(id=scope.tenant_id, name=name))
    except IntegrityError as error:
        raise TenantExistsError(
            f"The tenant {tenant_id!r} exists already", remedy="choose another id, or use the tenant that is there"
        ) from error
