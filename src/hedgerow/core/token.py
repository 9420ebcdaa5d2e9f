"""Signed scopes: a request to open a scope that only the application can make.

Without a scope key, whoever can run SQL as an application session can ask for the scope of any tenant, and an
injection into the application is somebody who can run SQL. With one, ``app.open_scope`` grants what the application
signed and nothing else: the request carries HMAC-SHA256 over tenant, user, splits, purpose and expiry, under a key that
is known to the application's processes and to a table that no session can read.

What comes in: ``HEDGEROW_SCOPE_KEY``, as ``hedgerow db scope-key new`` printed it. What goes out: the grant that
travels with the first statement of a transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Final, Self

from hedgerow.core.errors import HedgerowError
from hedgerow.core.scope import Scope

LIFETIME: Final = 60
"""Seconds for which a grant can be used. A transaction that has begun may last longer."""

RESERVED: Final = "database"
"""Id of the key with which the database signs the scope of a transaction; no application has it."""

_SEPARATOR: Final = "\x1f"
_KEY: Final = re.compile(r"(?P<id>[A-Za-z0-9_-]{1,40}):(?P<secret>[0-9a-f]{64})")
_BLOCK: Final = 64  # of SHA-256


class ScopeKeyError(HedgerowError):
    """A scope key cannot be used."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests with one key.

    Attributes:
        key_id: names the key, so that two can be valid while one replaces the other.
        secret: 32 bytes.
        lifetime: seconds for which a grant can be used.
    """

    key_id: str
    secret: bytes = field(repr=False)
    lifetime: int = LIFETIME

    @classmethod
    def create(cls, key_id: str) -> Self:
        """Return a signer with a new random secret.

        Raises:
            ScopeKeyError: the id is reserved, or not one of 1 to 40 letters, digits, underscores and hyphens.
        """
        return cls.read(f"{key_id}:{secrets.token_hex(32)}")

    @classmethod
    def read(cls, key: str) -> Self:
        """Return the signer of a key as text, ``id:secret`` with the secret in 64 hexadecimal digits.

        Raises:
            ScopeKeyError: it is none. The message does not repeat it.
        """
        found = _KEY.fullmatch(key.strip())
        if found is None or found["id"] == RESERVED:
            raise ScopeKeyError(
                "The scope key cannot be read.",
                remedy="Write it as hedgerow db scope-key new prints it: an id of letters, digits, - and _, a colon, "
                "and 64 hexadecimal digits",
            )
        return cls(found["id"], bytes.fromhex(found["secret"]))

    @property
    def text(self) -> str:
        """The key as :meth:`read` reads it."""
        return f"{self.key_id}:{self.secret.hex()}"

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """What the database stores: the key XORed with HMAC's two pads, so that it need not do so itself."""
        block = self.secret.ljust(_BLOCK, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)

    def sign(self, scope: Scope) -> str:
        """Return the grant of ``scope``, valid from now on for :attr:`lifetime` seconds."""
        expiry = str(int(time.time()) + self.lifetime)
        # The purpose comes last: it is the only field that may hold the separator.
        fields = (
            "hedgerow scope",
            self.key_id,
            expiry,
            scope.tenant_id,
            "" if scope.user_id is None else str(scope.user_id),
            ",".join(scope.split_names),
            scope.purpose or "",
        )
        mac = hmac.new(self.secret, _SEPARATOR.join(fields).encode(), hashlib.sha256).hexdigest()
        return f"{self.key_id}:{expiry}:{mac}"
