"""Who owns rows: tenants, and the people who sign in to them.

Comes in: nothing; every other domain refers to :class:`Tenant`. Goes out: the tenant of every row.
"""

from hedgerow.tenancy.enums import TenantStatus, UserRole
from hedgerow.tenancy.models import Tenant, User

__all__ = ["Tenant", "TenantStatus", "User", "UserRole"]
