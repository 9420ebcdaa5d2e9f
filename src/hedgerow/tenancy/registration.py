"""Creating tenants: the work of the schema's owner, since a session sees one tenant that must be there already."""

from __future__ import annotations

from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hedgerow.core.errors import HedgerowError
from hedgerow.core.open_scope import ISSUE_SCOPE, issuing_parameters
from hedgerow.core.scope import Scope
from hedgerow.tenancy.models import Tenant


class TenantExistsError(HedgerowError):
    """The tenant that was to be created is there already."""


class TenantsHiddenError(HedgerowError):
    """Which tenants there are cannot be seen at the moment."""


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
    connection.execute(ISSUE_SCOPE, issuing_parameters(scope.tenant_id))
    try:
        with connection.begin_nested():
            connection.execute(insert(Tenant).values(id=scope.tenant_id, name=name))
    except IntegrityError as error:
        raise TenantExistsError(
            f"The tenant {tenant_id!r} exists already", remedy="choose another id, or use the tenant that is there"
        ) from error


def active_tenants(connection: Connection) -> list[str]:
    """Ids of the active tenants, in order.

    The wall hides tenants from the owner too: where it does, it is lifted for this look and the lifting rolled back.

    :param connection: a plain connection as the owner of the schema, or as a superuser, with no transaction begun.
    :raises TenantsHiddenError: sessions are at work, or the role is neither.
    """
    listed = text("SELECT id FROM tenant WHERE status = 'active' ORDER BY id")
    with connection.begin() as transaction:
        try:
            if connection.scalar(text("SELECT row_security_active('tenant')")):
                connection.execute(text("SET LOCAL lock_timeout = '2s'"))
                connection.execute(text("ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY"))
                # Where a policy would still hide rows, looking fails instead of finding none.
                connection.execute(text("SET LOCAL row_security = off"))
            return list(connection.scalars(listed))
        except DBAPIError as error:
            raise TenantsHiddenError(
                "The tenants cannot be listed: sessions are at work, or the role is not the owner of the schema",
                remedy="name the tenants one by one, or try again when the sessions are done",
                table="tenant",
            ) from error
        finally:
            transaction.rollback()
