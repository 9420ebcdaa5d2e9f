"""The service of ``examples/fastapi_app`` with its locks taken away: ``BENCH_WAY`` says which are left."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, status
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from fastapi_app.main import Limit, app
from fastapi_app.schemas import Created, InteractionOut, NewInteraction
from fastapi_app.sessions import _scoped_session
from fastapi_app.tokens import scope_of_request

from hedgerow import Scope, open_async_session
from hedgerow.assistant.models import Interaction
from hedgerow.assistant.repository import AsyncAssistantRepository

OPEN = text("SELECT count(*) FROM app.open_scope(:tenant, :user, CAST(:splits AS text[]), NULL)")
AsksFor = Annotated[Scope, Depends(scope_of_request)]


async def filter_alone(request: Request, scope: AsksFor) -> AsyncIterator[AsyncSession]:
    """The session of the example as a superuser, for whom no policy counts."""
    async with open_async_session(
        scope, engine=request.app.state.engine, expire_on_commit=False, allow_privileged=True
    ) as session:
        yield session
        await session.commit()


async def wall_alone(request: Request, scope: AsksFor) -> AsyncIterator[AsyncSession]:
    """An ordinary session of SQLAlchemy; the scope is opened by hand, and row-level security does the rest."""
    async with AsyncSession(request.app.state.engine, expire_on_commit=False) as session:
        claims = {"tenant": scope.tenant_id, "user": str(scope.user_id), "splits": list(scope.split_names)}
        await session.execute(OPEN, claims)
        yield session
        await session.commit()


async def neither(request: Request) -> AsyncIterator[AsyncSession]:
    """An ordinary session as a superuser: what keeps tenants apart is the care of whoever writes the queries."""
    async with AsyncSession(request.app.state.engine, expire_on_commit=False) as session:
        yield session
        await session.commit()


Session = Annotated[AsyncSession, Depends(neither, scope="function")]


async def log_interaction(interaction: NewInteraction, session: Session, scope: AsksFor) -> Created:
    """The endpoint with the tenant written out."""
    data = interaction.model_dump(exclude_unset=True) | {"tenant_id": scope.tenant_id}
    return Created(id=await AsyncAssistantRepository(session).insert_interaction(data))


async def interactions(session: Session, scope: AsksFor, limit: Limit = 50) -> list[InteractionOut]:
    """The endpoint with the condition written out."""
    own = select(Interaction).where(Interaction.tenant_id == scope.tenant_id, Interaction.timestamp.is_not(None))
    newest = await session.scalars(own.order_by(Interaction.timestamp.desc(), Interaction.id).limit(limit))
    return [InteractionOut.model_validate(interaction) for interaction in newest]


WAYS: dict[str, Callable[..., Any]] = {"filter": filter_alone, "wall": wall_alone}
way = os.environ["BENCH_WAY"]
if way in WAYS:
    app.dependency_overrides[_scoped_session] = WAYS[way]
elif way == "neither":
    app.router.routes = [route for route in app.router.routes if getattr(route, "path", None) != "/interactions"]
    app.get("/interactions")(interactions)
    app.post("/interactions", status_code=status.HTTP_201_CREATED)(log_interaction)
