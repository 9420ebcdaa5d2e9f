"""Views of the exceptions domain, as classes to select from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import ViewBase
from hedgerow.core.types import str255
from hedgerow.exceptions.enums import ExceptionStatus


class ExceptionStatusCheck(ViewBase):
    """Status of an exception as stored, and as its events say."""

    __tablename__ = "v_exception_status"

    exception_id: Mapped[str255] = mapped_column(primary_key=True)
    stored_status: Mapped[ExceptionStatus]
    derived_status: Mapped[ExceptionStatus]
    decided_at: Mapped[datetime | None]
