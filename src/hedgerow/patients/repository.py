"""Questions about patients."""

from __future__ import annotations

from hedgerow.core.repository import AsyncSplitAwareRepository, SplitAwareRepository, awaiting
from hedgerow.core.scope import Split
from hedgerow.patients.models import PatientJourney


class PatientJourneyRepository(SplitAwareRepository[PatientJourney]):
    """Journeys of patients."""

    model_class = PatientJourney

    def get_by_brand(self, brand: str, split: Split | str | None = None) -> list[PatientJourney]:
        """Return every journey of a brand; letter case counts, and an unknown brand has none."""
        return self.rows(self.ordered({"brand": brand}, split))

    def get_cross_source_matches(self, brand: str, split: Split | str | None = None) -> list[PatientJourney]:
        """Return every journey of a brand that combines several sources (``source_stacking_flag``; NULL does not).

        The view ``v_kpi_cross_source_match`` counts otherwise: there a journey matches whose
        ``data_sources_matched`` holds more than one source.
        """
        return self.rows(self.ordered({"brand": brand, "source_stacking_flag": True}, split))


class AsyncPatientJourneyRepository(AsyncSplitAwareRepository[PatientJourney]):
    """:class:`PatientJourneyRepository` over an asynchronous session."""

    sync_class = PatientJourneyRepository
    get_by_brand = awaiting(PatientJourneyRepository.get_by_brand)
    get_cross_source_matches = awaiting(PatientJourneyRepository.get_cross_source_matches)
