"""Views of the patients domain."""

from hedgerow.core.splitviews import map_split_views
from hedgerow.patients.models import PatientJourney, TreatmentEvent

for _model in (PatientJourney, TreatmentEvent):
    map_split_views(_model)
