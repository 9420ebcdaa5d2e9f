"""Tables of the tenancy domain."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.mixins import Reference, SoftDelete, TenantOwned, Timestamped
from hedgerow.core.predicate import SCOPE_INFO, ScopeRule
from hedgerow.core.types import bool_true, str50, str255, uuid_pk
from hedgerow.core.wall import Audience
from hedgerow.tenancy.audience import EVERY_ACCOUNT, mine
from hedgerow.tenancy.enums import TenantStatus, UserRole


class Tenant(Reference, Timestamped, Base):
    """Root record of a customer organisation that owns rows everywhere else.

    A session sees its own tenant only; tenants are created by the owner of the schema.
    """

    __tablename__ = "tenant"

    id: Mapped[str50] = mapped_column(primary_key=True, comment="What tenant_id refers to everywhere else")
    name: Mapped[str255]
    status: Mapped[TenantStatus] = mapped_column(server_default=text("'active'"))

    @classmethod
    def __describe_table__(cls, table: Table) -> None:
        # The root table has no tenant_id: its key is one.
        table.info[SCOPE_INFO] = ScopeRule(tenant_column="id")


class User(SoftDelete, Timestamped, TenantOwned, Base):
    """Person who can sign in; owns customers, sessions and approvals."""

    __tablename__ = "users"
    # Whoever may write here could make an administrator of himself.
    __app_privileges__ = ("SELECT",)
    __audience__ = (Audience("self", mine("id"), command="SELECT"), EVERY_ACCOUNT)
    __table_args__ = (UniqueConstraint("tenant_id", "email"), Index(None, "tenant_id", "created_at"))

    id: Mapped[uuid_pk] = mapped_column(comment="Equals the user_id of the scope of the signed-in person")
    email: Mapped[str255]
    full_name: Mapped[str255 | None]
    role: Mapped[UserRole] = mapped_column(server_default=text("'csm'"))
    is_active: Mapped[bool_true]
