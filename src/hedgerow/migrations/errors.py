"""What can go wrong with migrations. Each message names its remedy."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class MigrationError(HedgerowError):
    """A migration, or the search for what a migration must do, cannot go on."""


class DataLossError(MigrationError):
    """A migration would destroy data, and nobody consented to that."""


class ScratchDatabaseError(MigrationError):
    """The empty database that a comparison needs cannot be had."""
