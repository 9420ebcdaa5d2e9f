"""The patients: two clinical trials that ship inside the scikit-survival wheel, as rows of hedgerow's tables.

Comes in: the trials as they were published. Goes out: journeys and events, with nothing added but what is said here:

* Neither trial has calendar dates, only days since a patient entered it. ``event_date`` is required, so it counts
  from :data:`TIME_ZERO`, a reference date and no date of anybody's life. ``journey_start_date`` stays NULL.
* When a therapy began is not in the data: its row carries the reference date and no ``days_from_diagnosis``.
* ``lab_values`` keeps the names and codes of the data set.
* Drug names come from the publications, since the data sets only have codes (GBSG2: Schumacher et al. 1994,
  doi 10.1200/JCO.1994.12.10.2086; ACTG 320: Hammer et al. 1997, doi 10.1056/NEJM199709113371101).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sksurv.datasets import load_aids, load_gbsg2

from hedgerow.patients import Brand, EventType

TIME_ZERO: Final = date(2000, 1, 1)
"""Stands for the day on which a patient entered the trial, whatever day that was."""

NAMESPACE: Final = UUID("5b0b8f2e-6f0c-5d7e-9a55-6d3f2c1b8e40")
"""Ids are derived from names below it, so that a second run finds the rows of the first."""

STUDY_ENTRY: Final = "study_entry"
LAST_FOLLOW_UP: Final = "last_follow_up"
EVENT_FREE: Final = "event_free"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial, ready to be stored.

    :ivar tenant_id: the tenant that owns it here.
    :ivar name: the trial's name.
    :ivar endpoint: ``outcome_indicator`` of a patient who had the event; others are ``event_free``.
    :ivar journeys: rows of ``patient_journeys``, one a patient.
    :ivar events: rows of ``treatment_events``.
    """

    tenant_id: str
    name: str
    endpoint: str
    journeys: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def patient_ids(self) -> list[str]:
        """The patients, in the order of the data set."""
        return [journey["patient_id"] for journey in self.journeys]


def gbsg2() -> Trial:
    """The German Breast Cancer Study Group trial 2: 686 women with node-positive primary breast cancer.

    The endpoint is recurrence or death from any cause, in days since entry.
    """
    trial = Trial("DEMO_GBSG2", "German Breast Cancer Study Group, trial 2", "recurrence_or_death")
    measured = ("age", "menostat", "tsize", "tgrade", "pnodes", "progrec", "estrec")
    for patient_id, row, had_event, days in _patients("GBSG2", load_gbsg2):
        _add(
            trial,
            patient_id,
            brand="tamoxifen",
            diagnosis="node-positive primary breast cancer",
            labs={name: row[name] for name in measured},
            therapy=("tamoxifen", "hormonal therapy") if row["horTh"] == "yes" else None,
            had_event=had_event,
            days=days,
        )
    return trial


def actg320() -> Trial:
    """AIDS Clinical Trials Group 320: 1,151 patients with HIV, with and without indinavir.

    The endpoint is an AIDS-defining illness or death, in days since entry. Ethnic group and drug use are in the
    data set and are left there: nothing here needs them.
    """
    trial = Trial("DEMO_ACTG320", "AIDS Clinical Trials Group, study 320", "aids_or_death")
    arms = {
        "1": "zidovudine + lamivudine",
        "2": "zidovudine + lamivudine + indinavir",
        "3": "stavudine + lamivudine",
        "4": "stavudine + lamivudine + indinavir",
    }
    for patient_id, row, had_event, days in _patients("ACTG320", load_aids):
        _add(
            trial,
            patient_id,
            brand="indinavir",
            diagnosis="HIV infection",
            labs={name: row[name] for name in ("age", "cd4", "karnof", "priorzdv")},
            therapy=(arms[row["txgrp"]], "antiretroviral therapy"),
            had_event=had_event,
            days=days,
        )
    return trial


def _patients(prefix: str, load: Callable[[], Any]) -> Iterator[tuple[str, dict[str, Any], bool, int]]:
    """Id, covariates, whether the event was seen, and days of follow-up of each patient."""
    covariates, outcomes = load()
    rows = covariates.to_dict("records")
    # The data sets have no patient ids; the position in them is the only one there is.
    for number, (row, (had_event, days)) in enumerate(zip(rows, outcomes, strict=True), start=1):
        yield f"{prefix}-{number:04d}", {name: _plain(value) for name, value in row.items()}, bool(had_event), int(days)


def _plain(value: Any) -> Any:
    """Whole numbers as such: the data set reads 70 as 70.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _add(
    trial: Trial,
    patient_id: str,
    *,
    brand: str,
    diagnosis: str,
    labs: dict[str, Any],
    therapy: tuple[str, str] | None,
    had_event: bool,
    days: int,
) -> None:
    source = f"{patient_id.partition('-')[0]}, scikit-survival"
    journey_id = uuid5(NAMESPACE, patient_id)
    trial.journeys.append(
        {
            "id": journey_id,
            "patient_id": patient_id,
            "brand": brand,
            "journey_stage": "follow_up_ended",
            "data_source": source,
            "data_sources_matched": [source],
            "source_stacking_flag": False,
            "primary_diagnosis_desc": diagnosis,
        }
    )
    common = {
        "patient_journey_id": journey_id,
        "patient_id": patient_id,
        "event_date": TIME_ZERO,
        "brand": None,
        "drug_name": None,
        "drug_class": None,
        "lab_values": {},
        "outcome_indicator": None,
        "days_from_diagnosis": None,
        "data_source": source,
    }
    entry = {
        "event_type": EventType.DIAGNOSIS,
        "event_subtype": STUDY_ENTRY,
        "lab_values": labs,
        "days_from_diagnosis": 0,
    }
    outcome = {
        "event_type": EventType.CONSULTATION,
        "event_subtype": LAST_FOLLOW_UP,
        "event_date": TIME_ZERO + timedelta(days=days),
        "days_from_diagnosis": days,
        "outcome_indicator": trial.endpoint if had_event else EVENT_FREE,
    }
    steps: list[dict[str, Any]] = [entry]
    if therapy is not None:
        drug, kind = therapy
        steps.append(
            {
                "event_type": EventType.PRESCRIPTION,
                "event_subtype": "trial_therapy",
                "brand": Brand.OTHER,
                "drug_name": drug,
                "drug_class": kind,
            }
        )
    steps.append(outcome)
    for number, step in enumerate(steps, start=1):
        trial.events.append(
            {**common, **step, "treatment_event_id": f"{patient_id}-{number}", "sequence_number": number}
        )
