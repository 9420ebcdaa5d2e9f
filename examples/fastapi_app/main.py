"""The service: three things that an application does with hedgerow, and what it answers when it may not.

Run it::

    EXAMPLE_TOKEN_KEY=... uvicorn fastapi_app.main:app --app-dir examples
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request, status
from fastapi.responses import JSONResponse
from sqlalchemy import select, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hedgerow.assistant import InsertError
from hedgerow.assistant.models import Interaction
from hedgerow.assistant.repository import AsyncAssistantRepository
from hedgerow.audit.errors import ChainConflictError, InvalidEntryError
from hedgerow.audit.repository import AsyncAuditChainRepository
from hedgerow.core.errors import CrossTenantError, HedgerowError
from hedgerow.customers.repository import AsyncCustomerRepository

from .schemas import AuditEntryOut, Created, CustomerOut, InteractionOut, NewAuditEntry, NewInteraction
from .sessions import ScopedSession, lifespan

app = FastAPI(title="hedgerow example", lifespan=lifespan)
Limit = Annotated[int, Query(ge=1, le=500)]

STATUS_OF: tuple[tuple[type[HedgerowError], int], ...] = (
    (InsertError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (InvalidEntryError, status.HTTP_422_UNPROCESSABLE_CONTENT),
    (ChainConflictError, status.HTTP_409_CONFLICT),
    (CrossTenantError, status.HTTP_403_FORBIDDEN),
)
"""Errors that say what whoever asks did wrong; any other is ours."""


@app.get("/health")
async def health(request: Request) -> dict[str, str]:
    """Whether the database answers."""
    async with request.app.state.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {"status": "ok"}


@app.get("/customers/at-risk")
async def at_risk_customers(session: ScopedSession, limit: Limit = 50) -> list[CustomerOut]:
    """The customers at risk of whoever asks: a success manager's own, an administrator's all."""
    customers = await AsyncCustomerRepository(session).get_at_risk_customers(limit)
    return [CustomerOut.model_validate(customer) for customer in customers]


@app.post("/interactions", status_code=status.HTTP_201_CREATED)
async def log_interaction(interaction: NewInteraction, session: ScopedSession) -> Created:
    """Store what the assistant was asked and what it did."""
    data = interaction.model_dump(exclude_unset=True)
    return Created(id=await AsyncAssistantRepository(session).insert_interaction(data))


@app.get("/interactions")
async def interactions(session: ScopedSession, limit: Limit = 50) -> list[InteractionOut]:
    """The newest interactions of the tenant."""
    # No condition on the tenant: the session adds it, and the database would if it did not.
    dated = select(Interaction).where(Interaction.timestamp.is_not(None))
    newest = await session.scalars(dated.order_by(Interaction.timestamp.desc(), Interaction.id).limit(limit))
    return [InteractionOut.model_validate(interaction) for interaction in newest]


@app.post("/audit/{chain_id}/entries", status_code=status.HTTP_201_CREATED)
async def append_audit_entry(chain_id: UUID, entry: NewAuditEntry, session: ScopedSession) -> Created:
    """Seal an entry at the end of a chain; a chain begins with its first entry."""
    chain = AsyncAuditChainRepository(session)
    return Created(
        id=await chain.append(
            chain_id,
            entry.entity_type,
            entry.entity_id,
            entry.action,
            entry.payload,
            actor_id=str(session.scope.user_id),
            actor_type="user",
        )
    )


@app.get("/audit/{entity_type}/{entity_id}/entries")
async def audit_entries(entity_type: str, entity_id: str, session: ScopedSession) -> list[AuditEntryOut]:
    """What was sealed about one thing."""
    entries = await AsyncAuditChainRepository(session).for_entity(entity_type, entity_id)
    return [AuditEntryOut.model_validate(entry) for entry in entries]


@app.exception_handler(PoolTimeout)
async def busy(request: Request, error: PoolTimeout) -> JSONResponse:
    """Every connection was taken for too long."""
    detail = {"reason": "busy", "message": "The service is busy.", "remedy": "Try again in a moment."}
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "1"})


@app.exception_handler(HedgerowError)
async def refused(request: Request, error: HedgerowError) -> JSONResponse:
    """hedgerow's errors as answers: what was refused and what to do, and never the scope or the SQL."""
    code = next((code for kind, code in STATUS_OF if isinstance(error, kind)), 500)
    if code == 500:
        raise error
    detail: dict[str, Any] = {"reason": type(error).__name__, "message": error.message, "remedy": error.remedy}
    if isinstance(error, InsertError):
        detail["problems"] = [problem._asdict() for problem in error.problems]
    return JSONResponse({"detail": detail}, status_code=code)
