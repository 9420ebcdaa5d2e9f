"""Tables of the patients domain."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hedgerow.core.base import Base
from hedgerow.core.keys import tenant_fk, tenant_relationship
from hedgerow.core.mixins import Created, TenantOwned, Timestamped
from hedgerow.core.scope import Split
from hedgerow.core.types import str2, str10, str20, str30, str50, str100, str200, str255, uuid_pk
from hedgerow.patients.enums import Brand, EventType, Region
from hedgerow.splits.keys import PatientKeyed, patient_split_key


class PatientJourney(PatientKeyed, TenantOwned, Base):
    """Journey of one patient for one brand, with source tracking and split."""

    __tablename__ = "patient_journeys"
    __event_time__ = ("journey_start_date", "source_timestamp", "created_at")
    __table_args__ = (
        *patient_split_key(),
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        Index(None, "tenant_id", "split_assignment"),
        UniqueConstraint("tenant_id", "patient_id", "id"),  # what events refer to
        Index(None, "tenant_id", "brand"),
        Index(None, "tenant_id", "data_source"),
        Index(None, "tenant_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    patient_id: Mapped[str255]
    brand: Mapped[str100]
    journey_stage: Mapped[str50 | None]
    data_source: Mapped[str100 | None] = mapped_column(comment="Primary source system")
    data_sources_matched: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Every source that matched the patient"
    )
    source_stacking_flag: Mapped[bool | None] = mapped_column(comment="Several sources combined")
    source_timestamp: Mapped[datetime | None] = mapped_column(comment="When the source produced it")
    ingestion_timestamp: Mapped[datetime | None]
    data_lag_hours: Mapped[int | None]
    split_assignment: Mapped[Split | None]
    created_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    journey_start_date: Mapped[date | None] = mapped_column(
        comment="Event time of the split window; source_timestamp, then created_at where it is NULL"
    )
    split_config_id: Mapped[UUID | None]
    primary_diagnosis_desc: Mapped[str | None]
    geographic_region: Mapped[Region | None]
    risk_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))

    events: Mapped[list[TreatmentEvent]] = tenant_relationship(
        "TreatmentEvent.patient_journey_id", "PatientJourney.id", back_populates="journey", passive_deletes="all"
    )


class ReferenceUniverse(Created, TenantOwned, Base):
    """Population totals and targets used as denominators of coverage KPIs."""

    __tablename__ = "reference_universe"
    __table_args__ = (
        Index(
            None,
            "tenant_id",
            "universe_type",
            "brand",
            "region",
            "specialty",
            "effective_date",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "tenant_id", "created_at"),
    )

    universe_id: Mapped[uuid_pk]
    universe_type: Mapped[str50] = mapped_column(comment="For example patient, hcp, territory")
    brand: Mapped[Brand | None]
    region: Mapped[Region | None]
    specialty: Mapped[str100 | None]
    total_count: Mapped[int]
    target_count: Mapped[int | None]
    effective_date: Mapped[date]
    expiration_date: Mapped[date | None]
    data_source: Mapped[str50 | None]
    methodology_notes: Mapped[str | None]


class HcpProfile(Timestamped, TenantOwned, Base):
    """Prescriber master record."""

    __tablename__ = "hcp_profiles"
    __table_args__ = (
        UniqueConstraint("tenant_id", "npi"),
        CheckConstraint("decile BETWEEN 1 AND 10", name="decile"),
        CheckConstraint("priority_tier BETWEEN 1 AND 5", name="priority_tier"),
        Index(None, "tenant_id", "created_at"),
    )

    hcp_id: Mapped[str20] = mapped_column(primary_key=True)
    npi: Mapped[str20 | None]
    first_name: Mapped[str50 | None]
    last_name: Mapped[str50 | None]
    specialty: Mapped[str100 | None]
    sub_specialty: Mapped[str100 | None]
    practice_type: Mapped[str50 | None]
    practice_size: Mapped[str20 | None]
    geographic_region: Mapped[Region | None]
    state: Mapped[str2 | None]
    city: Mapped[str100 | None]
    zip_code: Mapped[str10 | None]
    priority_tier: Mapped[int | None]
    decile: Mapped[int | None]
    total_patient_volume: Mapped[int | None]
    target_patient_volume: Mapped[int | None]
    prescribing_volume: Mapped[int | None]
    years_experience: Mapped[int | None]
    affiliation_primary: Mapped[str200 | None]
    affiliation_secondary: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    digital_engagement_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    preferred_channel: Mapped[str20 | None]
    last_interaction_date: Mapped[date | None]
    interaction_frequency: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    influence_network_size: Mapped[int | None]
    peer_influence_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    adoption_category: Mapped[str20 | None]
    coverage_status: Mapped[bool | None] = mapped_column(server_default=text("true"))
    territory_id: Mapped[str20 | None]
    sales_rep_id: Mapped[str20 | None]


class TreatmentEvent(PatientKeyed, Created, TenantOwned, Base):
    """Dated clinical event inside a patient journey."""

    __tablename__ = "treatment_events"
    __event_time__ = ("event_date",)
    __table_args__ = (
        *patient_split_key(),
        # NO ACTION: a cascade would delete events that lie outside the windows of the scope that deletes the journey.
        # The patient takes part in the key: an event cannot hang on the journey of somebody else.
        *tenant_fk("patient_journey_id", "patient_journeys.id", shared=("patient_id",)),
        *tenant_fk("hcp_id", "hcp_profiles.hcp_id"),
        *tenant_fk("split_config_id", "ml_split_registry.split_config_id"),
        Index(None, "tenant_id", "event_date"),
        Index(None, "tenant_id", "patient_id"),
        Index(None, "tenant_id", "split_assignment", "split_config_id"),
        Index(None, "tenant_id", "event_type"),
        Index(None, "tenant_id", "created_at"),
    )

    treatment_event_id: Mapped[str30] = mapped_column(primary_key=True)
    patient_journey_id: Mapped[UUID | None]
    patient_id: Mapped[str255]
    hcp_id: Mapped[str20 | None]
    event_date: Mapped[date]
    event_type: Mapped[EventType | None]
    event_subtype: Mapped[str50 | None]
    brand: Mapped[Brand | None]
    drug_ndc: Mapped[str20 | None]
    drug_name: Mapped[str100 | None]
    drug_class: Mapped[str50 | None]
    dosage: Mapped[str50 | None]
    duration_days: Mapped[int | None]
    icd_codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    cpt_codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    loinc_codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    lab_values: Mapped[dict[str, Any] | None] = mapped_column(server_default=text("'{}'"))
    location_type: Mapped[str50 | None]
    facility_id: Mapped[str20 | None]
    cost: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    outcome_indicator: Mapped[str20 | None]
    adverse_event_flag: Mapped[bool | None] = mapped_column(server_default=text("false"))
    discontinuation_flag: Mapped[bool | None] = mapped_column(server_default=text("false"))
    discontinuation_reason: Mapped[str100 | None]
    sequence_number: Mapped[int | None]
    days_from_diagnosis: Mapped[int | None]
    previous_treatment: Mapped[str100 | None]
    next_treatment: Mapped[str100 | None]
    data_source: Mapped[str50 | None]
    source_timestamp: Mapped[datetime | None]
    split_assignment: Mapped[Split] = mapped_column(server_default=text("'unassigned'"))
    split_config_id: Mapped[UUID | None]

    journey: Mapped[PatientJourney | None] = tenant_relationship(
        "TreatmentEvent.patient_journey_id", "PatientJourney.id", back_populates="events"
    )
    prescriber: Mapped[HcpProfile | None] = tenant_relationship("TreatmentEvent.hcp_id", "HcpProfile.hcp_id")
