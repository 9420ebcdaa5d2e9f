"""Who asks: a token signed with the service's key names the tenant and the user.

Whatever else a request says about its tenant is not looked at. Tokens are JWTs signed with HS256; ``issue`` stands for
the sign-in service that a real system has.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hedgerow import Scope, ScopeError

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "hedgerow-example"
_CLAIMS: Final = ("exp", "aud", "tenant", "sub")

bearer = HTTPBearer(auto_error=False, description="A token of the sign-in service")


def issue(key: str, tenant: str, user: str, *, lifetime: timedelta = timedelta(hours=1), **claims: Any) -> str:
    """Return a token for a user of a tenant."""
    standard = {"tenant": tenant, "sub": user, "aud": AUDIENCE, "exp": datetime.now(UTC) + lifetime}
    return jwt.encode(standard | claims, key, algorithm=ALGORITHM)


def scope_of_request(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Scope:
    """The scope that the token of a request names; 401 with the reason where there is no such token."""
    if credentials is None:
        raise _unauthorised("no_token", "The request has no bearer token.", "Send Authorization: Bearer <token>.")
    key: str = request.app.state.settings.token_key.get_secret_value()
    try:
        # The algorithm is ours to choose: a token that names another one, or none, is refused.
        claims = jwt.decode(
            credentials.credentials,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": list(_CLAIMS)},
        )
        return Scope(tenant_id=claims["tenant"], user_id=claims["sub"])
    except jwt.ExpiredSignatureError:
        raise _unauthorised("expired", "The token has expired.", "Sign in again.") from None
    except jwt.InvalidSignatureError:
        raise _unauthorised(
            "foreign",
            "The token was not signed by our sign-in service.",
            "Sign in here; other services' tokens do not count.",
        ) from None
    except jwt.InvalidAudienceError:
        raise _unauthorised("foreign", "The token was made for another service.", "Sign in to this one.") from None
    except jwt.MissingRequiredClaimError as error:
        raise _unauthorised("incomplete", f"The token has no claim {error.claim!r}.", "Sign in again.") from None
    except jwt.InvalidTokenError:
        raise _unauthorised("unreadable", "The token cannot be read.", "Sign in again.") from None
    except ScopeError as error:
        raise _unauthorised("no_scope", f"The token names no scope: {error.message}.", "Sign in again.") from None


def _unauthorised(reason: str, message: str, remedy: str) -> HTTPException:
    return HTTPException(
        status.HTTP_401_UNAUTHORIZED,
        {"reason": reason, "message": message, "remedy": remedy},
        {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{message}"'},
    )
