"""Manifest of the tenancy domain."""

from hedgerow.core.objects import Domain, Function

DOMAIN = Domain(
    name="tenancy",
    purpose="Tenants, and the people who sign in to them",
    functions=(
        Function("is_admin"),
        Function("is_owner", schema="app"),
        Function("sees_every_user", schema="app", after=("is_admin", "is_owner")),
    ),
)
