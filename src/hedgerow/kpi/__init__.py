"""How the product is used and how good its data is: sessions, metrics, data sources, annotations, pipelines, surveys.

Comes in: what happens around the patients' data, from user sessions to pipeline runs, and the journeys and triggers
of the earlier domains. Goes out: the figures of the ``v_kpi_*`` views, each counted inside the scope that asks.
"""

from hedgerow.kpi.enums import SourceType
from hedgerow.kpi.models import (
    Annotation,
    BusinessMetric,
    DataSource,
    DataSourceTracking,
    HcpIntentSurvey,
    PipelineRun,
    UserSession,
)
from hedgerow.kpi.reference import DATA_SOURCES, DataSourceReference
from hedgerow.kpi.views import (
    ActiveDataSource,
    DataSourceQuality,
    KpiActiveUsers,
    KpiActiveUsersCurrent,
    KpiChangeFailRate,
    KpiCrossSourceMatch,
    KpiDataLag,
    KpiIntentToPrescribe,
    KpiLabelQuality,
    KpiSourceTrackingMatch,
    KpiStackingLift,
    KpiTimeToRelease,
    PrimaryDataSource,
)

__all__ = [
    "DATA_SOURCES",
    "ActiveDataSource",
    "Annotation",
    "BusinessMetric",
    "DataSource",
    "DataSourceQuality",
    "DataSourceReference",
    "DataSourceTracking",
    "HcpIntentSurvey",
    "KpiActiveUsers",
    "KpiActiveUsersCurrent",
    "KpiChangeFailRate",
    "KpiCrossSourceMatch",
    "KpiDataLag",
    "KpiIntentToPrescribe",
    "KpiLabelQuality",
    "KpiSourceTrackingMatch",
    "KpiStackingLift",
    "KpiTimeToRelease",
    "PipelineRun",
    "PrimaryDataSource",
    "SourceType",
    "UserSession",
]
