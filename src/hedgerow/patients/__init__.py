"""Patients and what happens to them: journeys, clinical events, prescribers, and the population as a whole.

Comes in: the split of each patient. Goes out: the rows that models learn from and are judged on.
"""

from hedgerow.patients import views as views  # maps the split views
from hedgerow.patients.enums import Brand, EventType, JourneyStatus, Region
from hedgerow.patients.models import HcpProfile, PatientJourney, ReferenceUniverse, TreatmentEvent

__all__ = [
    "Brand",
    "EventType",
    "HcpProfile",
    "JourneyStatus",
    "PatientJourney",
    "ReferenceUniverse",
    "Region",
    "TreatmentEvent",
]
