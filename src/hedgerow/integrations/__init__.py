"""Other libraries on top of the domains: each module needs an extra of its own, and no domain imports any of them."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class MissingExtraError(HedgerowError, ImportError):
    """A library that an integration is made for is not installed."""


def missing(library: str, extra: str) -> MissingExtraError:
    """The error of an integration whose library is not there; the remedy names the extra that brings it."""
    return MissingExtraError(f"{library} is not installed.", remedy=f"pip install 'hedgerow[{extra}]'")
