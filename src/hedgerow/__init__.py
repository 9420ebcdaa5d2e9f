"""hedgerow: one PostgreSQL schema in which nothing crosses a tenant, an ML split or the audit trail.

::

    from hedgerow import Scope, open_session

    with open_session(Scope(tenant_id="TEST_TENANT_001", splits={"train"})) as session:
        session.scalars(select(PatientJourney)).all()  # this tenant's train rows, nothing else
"""

from hedgerow.core.errors import (
    AccessLogError,
    AppendOnlyError,
    AudienceError,
    CrossTenantError,
    HedgerowError,
    PrivilegedRoleError,
    RawSQLError,
    ScopeError,
    SplitAccessError,
)
from hedgerow.core.filter import unscoped_sql
from hedgerow.core.scope import Scope, Split
from hedgerow.core.session import (
    async_scoped_connection,
    async_session_factory,
    open_async_session,
    open_session,
    scoped_connection,
    session_factory,
)

__all__ = [
    "AccessLogError",
    "AppendOnlyError",
    "AudienceError",
    "CrossTenantError",
    "HedgerowError",
    "PrivilegedRoleError",
    "RawSQLError",
    "Scope",
    "ScopeError",
    "Split",
    "SplitAccessError",
    "async_scoped_connection",
    "async_session_factory",
    "open_async_session",
    "open_session",
    "scoped_connection",
    "session_factory",
    "unscoped_sql",
]
