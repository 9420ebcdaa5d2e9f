"""Seeded tenants and the people who sign in to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from hedgerow.seeding import NOW, Row, World, per_tenant
from hedgerow.tenancy.enums import TenantStatus, UserRole
from hedgerow.tenancy.models import Tenant, User

PEOPLE: Final = (
    ("Ada Admin", UserRole.ADMIN, True),
    ("Carla Customer", UserRole.CSM, True),
    ("Carl Customer", UserRole.CSM, True),
    ("Anna Analyst", UserRole.ANALYST, True),
    ("Aron Analyst", UserRole.ANALYST, True),
    ("Vera Viewer", UserRole.VIEWER, True),
    ("Leo Left", UserRole.CSM, False),
)
"""The same people in every tenant; the last one has left, and the account is deleted softly."""

CREATED: Final = NOW.replace(year=2023)


def user_ids(world: World) -> list[UUID]:
    """Ids of the users, in the order of :data:`PEOPLE`."""
    return [world.id("users", name) for name, _, _ in PEOPLE]


@per_tenant(Tenant)
def tenants(world: World) -> Iterator[Row]:
    """The tenant itself."""
    name = "Test Tenant" if world.number == 1 else f"Test Tenant {world.number}"
    yield {
        "id": world.tenant_id,
        "name": name,
        "status": TenantStatus.ACTIVE,
        "created_at": CREATED,
        "updated_at": CREATED,
    }


@per_tenant(User)
def users(world: World) -> Iterator[Row]:
    """One person at least for each role."""
    for user_id, (name, role, here) in zip(user_ids(world), PEOPLE, strict=True):
        # .example never resolves: no fixture ever writes to anybody.
        yield {
            "id": user_id,
            "email": f"{name.lower().replace(' ', '.')}@tenant{world.number:03d}.example",
            "full_name": name,
            "role": role,
            "is_active": here,
            "created_at": CREATED,
            "updated_at": CREATED if here else NOW,
            "deleted_at": None if here else NOW,
        }


SEEDS = (tenants, users)
