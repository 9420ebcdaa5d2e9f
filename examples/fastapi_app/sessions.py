"""The dependency that opens a scoped session for a request, and the engine that all requests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, status

from hedgerow import Scope, ScopeError, open_async_session
from hedgerow.core.engine import build_async_engine
from hedgerow.core.errors import PrivilegedRoleError
from hedgerow.core.session import AsyncScopedSession
from hedgerow.core.settings import Settings, resolve_urls

from .settings import AppSettings
from .tokens import scope_of_request


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One engine and one pool from the start of the process to its end."""
    settings, configured = AppSettings(), Settings.load()
    engine = build_async_engine(
        configured.app_url or resolve_urls(configured).app,
        pooler=configured.pooler,
        pool_size=settings.pool_size,
        # A request waits for a connection; it does not open one more.
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
    )
    app.state.settings, app.state.engine = settings, engine
    yield
    await engine.dispose()


async def _scoped_session(
    request: Request, scope: Annotated[Scope, Depends(scope_of_request)]
) -> AsyncIterator[AsyncScopedSession]:
    """A session in the scope of whoever asks. It commits when the request was answered without an error."""
    async with open_async_session(scope, engine=request.app.state.engine, expire_on_commit=False) as session:
        try:
            # Begins the transaction, whose first statement opens the scope.
            await session.connection()
        except PrivilegedRoleError:
            raise  # a mistake of ours, not of whoever asks
        except ScopeError as error:
            raise HTTPException(
                status.HTTP_403_FORBIDDEN,
                {"reason": "no_scope", "message": error.message, "remedy": error.remedy},
            ) from error
        yield session
        await session.commit()


# scope="function": committed before the answer goes out, so that 201 means stored. FastAPI's default is afterwards.
ScopedSession = Annotated[AsyncScopedSession, Depends(_scoped_session, scope="function")]
