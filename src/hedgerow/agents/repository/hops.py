"""Questions about investigations, and their next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Text, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from hedgerow.agents.models import InvestigationHop
from hedgerow.core.repository import (
    AsyncBaseRepository,
    BaseRepository,
    FilterError,
    RepositoryError,
    awaiting,
    refusals,
)
from hedgerow.core.repository.filters import coerced
from hedgerow.core.repository.refusals import CHECKED, TAKEN


class HopOrderError(RepositoryError):
    """A hop of an investigation was given a number that is taken, or that would leave a gap."""


class InvestigationHopRepository(BaseRepository[InvestigationHop]):
    """Steps of multi-hop investigations."""

    model_class = InvestigationHop

    def store_investigation_hop(
        self,
        investigation_id: UUID,
        source_entity: str,
        target_entity: str | None = None,
        relationship: str | None = None,
        *,
        evidence: Mapping[str, Any] | None = None,
        confidence: float | None = None,
        hop_number: int | None = None,
    ) -> UUID:
        """Store the next hop of an investigation and return its id.

        Numbers have no gap and no duplicate, however many sessions store hops of the investigation: they take turns,
        until the transaction of the one before ends.

        :param confidence: 0 to 1.
        :param hop_number: where the caller believes the investigation to be; None for the next number, whatever it is.
        :raises HopOrderError: the number is taken, or would leave a gap; the transaction stays usable.
        :raises FilterError: a confidence outside of 0 to 1, no entity or one that is too long.
        """
        if confidence is not None and not 0 <= confidence <= 1:
            raise FilterError(f"A confidence of {confidence} does not exist.", remedy="give 0 to 1")
        uuid_type, number_type = InvestigationHop.hop_id.type, InvestigationHop.hop_number.type
        stored = func.store_investigation_hop(
            literal(coerced(InvestigationHop, "investigation_id", investigation_id), uuid_type),
            literal(source_entity, Text),
            literal(target_entity, Text),
            literal(relationship, Text),
            literal(dict(evidence or {}), JSONB),
            literal(confidence, Double),
            literal(hop_number, number_type),
            type_=uuid_type,
        )
        taken = {TAKEN: HopOrderError, CHECKED: HopOrderError}
        try:
            with refusals(self.session, self.table_name, taken):
                hop_id: UUID = self.session.execute(select(stored)).scalar_one()
        except HopOrderError as error:
            raise HopOrderError(
                f"Hop {hop_number} of the investigation {investigation_id} is not the next one.",
                remedy="leave hop_number out to take the next number",
                table=self.table_name,
            ) from error.__cause__
        return hop_id

    def get_investigation(self, investigation_id: UUID | str) -> list[InvestigationHop]:
        """Return the hops of an investigation, in their order."""
        hops = self.matching({"investigation_id": investigation_id})
        return self.rows(hops.order_by(InvestigationHop.hop_number))


class AsyncInvestigationHopRepository(AsyncBaseRepository[InvestigationHop]):
    """:class:`InvestigationHopRepository` over an asynchronous session."""

    sync_class = InvestigationHopRepository
    store_investigation_hop = awaiting(InvestigationHopRepository.store_investigation_hop)
    get_investigation = awaiting(InvestigationHopRepository.get_investigation)
