"""Manifest of the tenancy domain."""

from hedgerow.core.objects import Domain, Function

DOMAIN = Domain(
    name="tenancy",
    purpose="Tenants, and the people who sign in to them",
    functions=(
        Function("is_admin"),
        Function("is_owner", schema="app"),
        Function("administered_tenant", schema="app", after=("is_admin",)),
        Function("overseen_tenant", schema="app", after=("administered_tenant", "is_owner")),
    ),
)
