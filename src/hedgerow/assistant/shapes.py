"""Documented shapes of the JSONB columns of the assistant domain."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hedgerow.core.types import Document


class Citation(Document):
    """A source that an answer refers to by number, as in "[1]"."""

    number: Annotated[int, Field(strict=True, ge=1)]
    source: Annotated[str, Field(strict=True, min_length=1)]
    url: Annotated[str, Field(strict=True)] | None = None
