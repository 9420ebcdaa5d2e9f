"""What can go wrong with the embedded server. Each message names its remedy."""

from __future__ import annotations

from hedgerow.core.errors import HedgerowError


class EmbeddedServerError(HedgerowError):
    """The embedded PostgreSQL server could not do what was asked of it."""


class ServerNotInstalledError(EmbeddedServerError):
    """No wheel with PostgreSQL binaries is installed."""


class ServerBusyError(EmbeddedServerError):
    """The directory, server or database is in use by something else."""


class ServerVersionError(EmbeddedServerError):
    """The data directory was written by another major version of PostgreSQL."""


class ServerStartError(EmbeddedServerError):
    """The server was launched and did not come up, or did not go down."""


class ServerDirectoryError(EmbeddedServerError):
    """A directory is unreachable for the server's account, not writable, or not what it should be."""
