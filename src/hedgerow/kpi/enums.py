"""Vocabularies of the kpi domain."""

from enum import StrEnum

from hedgerow.core.types import pg_enum


@pg_enum("source_type_enum")
class SourceType(StrEnum):
    """Kind of data that a source delivers."""

    CLAIMS = "claims"
    LAB = "lab"
    EMR = "emr"  # electronic medical records
    CRM = "crm"  # contacts with prescribers
    SPECIALTY = "specialty"  # specialty pharmacies
    REGISTRY = "registry"
