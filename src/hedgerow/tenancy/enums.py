"""Vocabularies of tenants and users."""

from enum import StrEnum

from hedgerow.core.types import check_enum


@check_enum("tenant_status")
class TenantStatus(StrEnum):
    """Whether a tenant may be worked in; sessions open for active tenants only."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"


@check_enum("user_role")
class UserRole(StrEnum):
    """What a person may do inside the tenant."""

    ADMIN = "admin"  # sees every row of the tenant, whoever it is assigned to
    CSM = "csm"  # customer success manager
    ANALYST = "analyst"
    VIEWER = "viewer"
