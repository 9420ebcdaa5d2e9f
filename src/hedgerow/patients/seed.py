"""Seeded rows of patients: journeys, events, prescribers, the population, and what is learnt from the train rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from hedgerow.core.scope import Split
from hedgerow.patients.enums import Brand, EventType, Region
from hedgerow.patients.models import HcpProfile, PatientJourney, ReferenceUniverse, TreatmentEvent
from hedgerow.patients.seed_cohort import PRESCRIBERS, cohort, happenings, learnt, prescriber_id
from hedgerow.seeding import NOW, Row, World, at, later, per_tenant, per_unit
from hedgerow.seeding.world import END, START
from hedgerow.splits.models import LeakageAudit, PreprocessingMetadata

STAGES: Final = ("diagnosed", "initiated", "on_treatment", "switched", "discontinued")


@dataclass(frozen=True, slots=True)
class Medicine:
    """What the events of a brand say about it."""

    ndc: str
    kind: str
    diagnosis: str
    icd: str
    dosage: str
    laboratory: str
    loinc: str


MEDICINES: Final = {
    Brand.REMIBRUTINIB: Medicine(
        "0078-1101-60", "BTK inhibitor", "Chronic spontaneous urticaria", "L50.1", "25 mg", "ige", "19113-0"
    ),
    Brand.FABHALTA: Medicine(
        "0078-1189-20",
        "complement inhibitor",
        "Paroxysmal nocturnal haemoglobinuria",
        "D59.5",
        "200 mg",
        "haemoglobin",
        "718-7",
    ),
    Brand.KISQALI: Medicine(
        "0078-0874-63", "CDK4/6 inhibitor", "Malignant neoplasm of breast", "C50.9", "600 mg", "neutrophils", "751-8"
    ),
}


@per_unit(PatientJourney)
def journeys(world: World, unit: int) -> Iterator[Row]:
    """Most are dated by their start, some by their source alone, and a few only by their arrival."""
    for journey in cohort(world, unit):
        moment, lag = journey.moment, journey.lag or 0
        arrived = moment if journey.dated_by == "created_at" else later(moment, hours=lag)
        yield {
            "id": journey.id,
            "patient_id": journey.patient.patient_id,
            "brand": journey.brand,
            "journey_stage": STAGES[journey.number % len(STAGES)],
            "data_source": journey.sources[0],
            "data_sources_matched": journey.sources,
            "source_stacking_flag": len(journey.sources) > 1,
            "source_timestamp": None if journey.dated_by == "created_at" else moment,
            "ingestion_timestamp": arrived,
            "data_lag_hours": journey.lag,
            "split_assignment": journey.patient.split,
            "created_at": arrived,
            "journey_start_date": moment.date() if journey.dated_by == "journey_start_date" else None,
            "split_config_id": world.config_id,
            "primary_diagnosis_desc": MEDICINES[journey.brand].diagnosis,
            "geographic_region": journey.region,
            "risk_score": journey.risk,
        }


@per_unit(TreatmentEvent)
def events(world: World, unit: int) -> Iterator[Row]:
    """What the events of each kind carry differs: drugs for prescriptions, values for laboratory tests."""
    draw = world.draw("treatment_events.values", unit)
    for event in happenings(world, unit):
        journey = event.journey
        medicine = MEDICINES[journey.brand]
        prescribed = event.kind is EventType.PRESCRIPTION
        measured = event.kind is EventType.LAB_TEST
        recorded = at(event.day, 60 * 9 + draw.whole(0, 480))
        yield {
            "treatment_event_id": event.id,
            "patient_journey_id": journey.id,
            "patient_id": journey.patient.patient_id,
            "hcp_id": None if measured else journey.prescriber,
            "event_date": event.day,
            "event_type": event.kind,
            "brand": journey.brand,
            "drug_ndc": medicine.ndc if prescribed else None,
            "drug_name": journey.brand if prescribed else None,
            "drug_class": medicine.kind if prescribed else None,
            "dosage": medicine.dosage if prescribed else None,
            "duration_days": draw.pick((28, 30, 84, 90)) if prescribed else None,
            "icd_codes": (medicine.icd,),
            "cpt_codes": ("99213",) if event.kind is EventType.CONSULTATION else None,
            "loinc_codes": (medicine.loinc,) if measured else None,
            "lab_values": {medicine.laboratory: draw.whole(60, 160) / 10} if measured else {},
            "location_type": draw.pick(("clinic", "hospital", "telehealth")),
            "cost": draw.decimal(40, 900, 2) if draw.chance(0.9) else None,
            "outcome_indicator": draw.pick(("improved", "stable", "worsened")) if draw.chance(0.5) else None,
            "adverse_event_flag": draw.chance(0.04),
            "discontinuation_flag": event.gave_up,
            "discontinuation_reason": draw.pick(("lack of effect", "adverse event", "cost")) if event.gave_up else None,
            "sequence_number": event.sequence,
            "days_from_diagnosis": (event.day - journey.moment.date()).days,
            "data_source": journey.sources[0],
            "source_timestamp": recorded,
            "split_assignment": journey.patient.split,
            "split_config_id": world.config_id,
            "created_at": later(recorded, hours=journey.lag or 0),
        }


_FIRST: Final = ("Ana", "Ben", "Chloe", "Dev", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lin", "Maya")
_LAST: Final = ("Abbott", "Bauer", "Chen", "Diaz", "Eriksen", "Fontaine", "Gupta", "Hassan", "Ito", "Jansen")
_PLACES: Final = {
    Region.NORTHEAST: (("NY", "New York", "10001"), ("MA", "Boston", "02108")),
    Region.SOUTH: (("TX", "Houston", "77001"), ("FL", "Miami", "33101")),
    Region.MIDWEST: (("IL", "Chicago", "60601"), ("OH", "Cleveland", "44101")),
    Region.WEST: (("CA", "Los Angeles", "90001"), ("WA", "Seattle", "98101")),
}


@per_unit(HcpProfile)
def prescribers(world: World, unit: int) -> Iterator[Row]:
    """Invented people; the first digit 9 makes an NPI that no register gives out."""
    draw = world.draw("hcp_profiles", unit)
    for index in range(1, PRESCRIBERS + 1):
        number = unit * PRESCRIBERS + index
        region = draw.pick(tuple(Region))
        state, city, code = draw.pick(_PLACES[region])
        volume = draw.bell(20, 400)
        seen = draw.day(date(2025, 1, 1), END) if draw.chance(0.9) else None
        yield {
            "hcp_id": prescriber_id(number),
            "npi": f"9{number:09d}",
            "first_name": draw.pick(_FIRST),
            "last_name": draw.pick(_LAST),
            "specialty": draw.pick(("Oncology", "Haematology", "Dermatology", "Allergy and immunology")),
            "sub_specialty": None,
            "practice_type": draw.pick(("academic", "community", "private")),
            "practice_size": draw.pick(("small", "medium", "large")),
            "geographic_region": region,
            "state": state,
            "city": city,
            "zip_code": code,
            "priority_tier": draw.whole(1, 5),
            "decile": draw.whole(1, 10),
            "total_patient_volume": volume,
            "target_patient_volume": volume * 3 // 10,
            "prescribing_volume": draw.whole(0, volume),
            "years_experience": draw.bell(2, 40),
            "affiliation_primary": f"{city} Medical Center",
            "affiliation_secondary": (f"{city} Clinic",) if draw.chance(0.3) else None,
            "digital_engagement_score": draw.decimal(0, 1, 2),
            "preferred_channel": draw.pick(("email", "phone", "visit", "portal")),
            "last_interaction_date": seen,
            "interaction_frequency": draw.decimal(0, 12, 1) if seen else None,
            "influence_network_size": draw.bell(0, 120),
            "peer_influence_score": draw.decimal(0, 1, 2),
            "adoption_category": draw.pick(("innovator", "early adopter", "early majority", "late majority")),
            "coverage_status": draw.chance(0.85),
            "territory_id": f"T-{draw.whole(1, 20):02d}",
            "sales_rep_id": f"R-{draw.whole(1, 12):02d}" if draw.chance(0.9) else None,
            "created_at": at(START),
            "updated_at": at(START),
        }


@per_tenant(ReferenceUniverse)
def universe(world: World) -> Iterator[Row]:
    """Patients and prescribers of each brand and region, and territories without either."""
    draw = world.draw("reference_universe")
    places: list[tuple[str, Brand | None, Region | None]] = [
        (kind, brand, region) for kind in ("patient", "hcp") for brand in MEDICINES for region in Region
    ]
    for kind, brand, region in (*places, ("territory", None, None)):
        total = draw.whole(2_000, 60_000) if kind == "patient" else draw.whole(20, 900)
        yield {
            "universe_id": world.id("reference_universe", kind, brand, region),
            "universe_type": kind,
            "brand": brand,
            "region": region,
            "specialty": None,
            "total_count": total,
            "target_count": total * draw.whole(20, 60) // 100,
            "effective_date": date(2025, 1, 1),
            "expiration_date": None,
            "data_source": "IQVIA APLD",
            "methodology_notes": "Projected from claims",
            "created_at": at(date(2025, 1, 1)),
        }


@per_tenant(PreprocessingMetadata)
def preprocessing(world: World) -> Iterator[Row]:
    """Belongs to splits, and is made here, since it is learnt from the rows of this domain."""
    found = learnt(world)
    names = list(found.values)
    yield {
        "metadata_id": world.id("ml_preprocessing_metadata", world.config_id),
        "split_config_id": world.config_id,
        "computed_on_split": Split.TRAIN.value,
        "computed_at": NOW,
        "feature_means": {name: round(found.mean(name), 6) for name in names},
        "feature_stds": {name: round(found.deviation(name), 6) for name in names},
        "feature_mins": {name: min(found.values[name]) for name in names},
        "feature_maxs": {name: max(found.values[name]) for name in names},
        "categorical_encodings": {
            name: {category: code for code, category in enumerate(sorted(counts))}
            for name, counts in found.categories.items()
        },
        "feature_distributions": {name: dict(sorted(counts.items())) for name, counts in found.categories.items()},
        "num_training_samples": found.count,
        "feature_list": [*names, *found.categories],
        "preprocessing_pipeline_version": "1.0.0",
    }


@per_tenant(LeakageAudit)
def audits(world: World) -> Iterator[Row]:
    """What ``run_leakage_audit`` finds in the first unit: the rows outside of their window are found, not hidden."""
    outside = 0
    if world.config.has_dates:
        dated = [(journey.patient.split, journey.moment.date()) for journey in cohort(world, 0)]
        dated += [(event.journey.patient.split, event.day) for event in happenings(world, 0)]
        outside = sum(world.split_on(day) is not split for split, day in dated)
    mixed = sum(
        len({journey.patient.split for journey in group}) > 1
        for _, group in groupby(cohort(world, 0), lambda journey: journey.patient.patient_id)
    )
    findings: Sequence[tuple[str, bool, str, int]] = (
        ("patient_isolation", mixed == 0, f"{mixed} patient(s) have rows outside their registered split", mixed),
        ("preprocessing_source", True, "Preprocessing metadata was computed on train", 1),
        ("temporal_boundaries", outside == 0, f"{outside} row(s) lie outside the window of their split", outside),
    )
    for check, passed, details, records in findings:
        row: dict[str, Any] = {
            "audit_id": world.id("ml_leakage_audit", check),
            "split_config_id": world.config_id,
            "audit_timestamp": NOW,
            "check_type": check,
            "passed": passed,
            "severity": "info" if passed else "critical",
            "details": details,
            "affected_records": records,
            "remediation_action": None if passed else "None needed: the windows hide these rows from every split",
            "audited_by": "hedgerow seed",
        }
        yield row


SEEDS = (journeys, events, prescribers, universe, preprocessing, audits)
