"""hedgerow's main job on real patients: two trials, two tenants, four splits, one model, and walls that hold.

Run it after ``hedgerow db start``, ``alembic upgrade head`` and ``hedgerow seed``::

    python examples/breast_cancer.py

GBSG2 (686 women with breast cancer) belongs to tenant A, ACTG 320 (1,151 patients with HIV) to tenant B. The steps
below are the story; what they call is in ``_breast_cancer/``. Every figure that is printed was computed in this run.
"""

from __future__ import annotations

from time import perf_counter

STARTED = perf_counter()  # before the imports below, which take longer than the database does

import logging  # noqa: E402
import sys  # noqa: E402
from collections import Counter  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from uuid import UUID  # noqa: E402

import numpy as np  # noqa: E402
from _breast_cancer import kpis, model, records, store, walls  # noqa: E402
from _breast_cancer.data import Trial, actg320, gbsg2  # noqa: E402
from _breast_cancer.show import BAD, DIM, GOOD, Show, seen, share  # noqa: E402
from rich.text import Text  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from hedgerow import HedgerowError, Scope, Split, open_session  # noqa: E402
from hedgerow.core.engine import owner_engine  # noqa: E402
from hedgerow.core.repository import SplitAwareRepository  # noqa: E402
from hedgerow.core.settings import Settings  # noqa: E402
from hedgerow.patients import TreatmentEvent  # noqa: E402
from hedgerow.splits.assignment import DEFAULT_RATIOS, assign  # noqa: E402


class TreatmentEvents(SplitAwareRepository[TreatmentEvent]):
    """All that a repository of one's own needs."""

    model_class = TreatmentEvent


class Marked(logging.Handler):
    """Counts the raw SQL that was marked as intended, which hedgerow logs as a warning."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


@dataclass
class Judged:
    """What the validation patients are to the model."""

    cohort: model.Cohort
    statistics: model.Statistics
    scaled: model.Floats
    scores: model.Floats
    quality: model.Quality


def main() -> None:
    show = Show(STARTED)
    show.title("hedgerow on real patients", "Two trials, two tenants, four splits, one model, and walls that hold.")
    logging.getLogger("hedgerow.scope").addHandler(marked := Marked())
    a, b = gbsg2(), actg320()
    with show.step("Two trials become two tenants", "Published data, shipped in the scikit-survival wheel."):
        settings = Settings.load()
        owner = owner_engine(settings=settings)
        store.require_schema(owner)
        configs = {trial.tenant_id: store.create_tenant(owner, trial) for trial in (a, b)}
        fresh = [store.store(trial) for trial in (a, b)]
        show_trials(show, (a, b), fresh)
    with show.step(
        "Every patient is in one split",
        "The database derived it from the MD5 of the patient id and stamped every row; Python derives it again here.",
    ):
        show_splits(show, (a, b))
    with show.step(
        "What each scope sees", "Journeys visible to a session, of those that are there. No query has a condition."
    ):
        witness = store.call_witness(settings, [a, b])
        show_sights(show, a, b, witness)
    locks = "Lock 1 filters statements, lock 2 is row-level security in the database."
    with show.step("A training session reaches for holdout", f"Scope: tenant {a.tenant_id}, split train. {locks}"):
        show_attempts(show, walls.reach_for_holdout(a, witness))
        show_log(show, a)
    with show.step("Tenant B reaches for tenant A", f"Scope: tenant {b.tenant_id}, default splits. {locks}"):
        show_attempts(show, walls.reach_for_tenant(a, b, witness))
        show.say(
            f"Raw SQL that was let through because it was marked: {marked.count}, each logged with its reason.", DIM
        )
    config_id = configs[a.tenant_id]
    with show.step(
        "Learn on train",
        f"Recurrence or death within {model.HORIZON_DAYS:,} days of entry. Scope: split train.",
    ):
        fitted, model_id = learn(show, a, config_id)
    with show.step(
        "Judge on validation", "Scope: split validation. The scaling comes from the database, not from here."
    ):
        judged = judge(show, a, config_id, model_id, fitted)
    with show.step("Explain", "SHAP values: what moved a patient's odds away from those of the average patient."):
        explain(show, a, model_id, fitted, judged)
        show_flow(show, a)
    with show.step("KPI views", "Each counts what the default scope of its tenant sees."):
        show_kpis(show, (a.tenant_id, "TEST_TENANT_001"))
    with show.step("The audit", "run_leakage_audit() looks at every row of the tenant, returns counts and logs them."):
        show_audit(show, a)
    show.total()


def show_trials(show: Show, trials: tuple[Trial, ...], fresh: list[bool]) -> None:
    rows = []
    for trial, new in zip(trials, fresh, strict=True):
        last = [event for event in trial.events if event["outcome_indicator"] is not None]
        with_event = sum(event["outcome_indicator"] == trial.endpoint for event in last)
        median = float(np.median([event["days_from_diagnosis"] for event in last]))
        rows.append(
            (
                trial.tenant_id,
                f"{len(trial.journeys):,}",
                f"{len(trial.events):,}",
                f"{trial.endpoint.replace('_', ' ')}: {with_event} ({share(with_event, len(last))})",
                f"{median:,.0f} days",
                Text("stored", style=GOOD) if new else "found",
            )
        )
    show.table(("Tenant", "Patients", "Events", "Endpoint seen", "Median follow-up", "Rows"), rows, right=(1, 2, 4))
    show.say(
        "The data have no calendar dates, so dates count from a reference day and the strategy is patient_stratified.",
        DIM,
    )


def show_splits(show: Show, trials: tuple[Trial, ...]) -> None:
    rows: list[tuple[str | Text, ...]] = []
    for trial in trials:
        stored = store.registered(trial)
        counts = Counter(stored.values())
        agree = sum(stored.get(patient_id) == assign(patient_id) for patient_id in trial.patient_ids)
        cells = [f"{counts[split]:,} ({share(counts[split], len(stored))})" for split in walls.SPLITS]
        total = len(trial.patient_ids)
        rows.append((trial.tenant_id, *cells, Text(f"{agree:,} of {total:,}", style=GOOD if agree == total else BAD)))
    ratios = [share(float(getattr(DEFAULT_RATIOS, split)), 1) for split in walls.SPLITS]
    rows.append(("configured", *(Text(ratio, style=DIM) for ratio in ratios), ""))
    show.table(("Patients", *walls.SPLITS, "SQL = Python"), rows, right=range(1, 6))


def show_sights(show: Show, a: Trial, b: Trial, witness: store.Witness) -> None:
    scopes = [
        ("A, train", Scope(a.tenant_id, splits={Split.TRAIN})),
        ("A, validation", Scope(a.tenant_id, splits={Split.VALIDATION})),
        ("A, default", Scope(a.tenant_id)),
        (
            "A, evaluation",
            Scope.evaluation(a.tenant_id, Split, "see what evaluations see", model=store.NO_MODEL),
        ),
        ("B, default", Scope(b.tenant_id)),
    ]
    rows: list[tuple[str | Text, ...]] = []
    for sight in (walls.look(label, scope) for label, scope in scopes):
        tenant = sight.scope.tenant_id
        cells = [seen(sight.journeys[split], witness.count(tenant, split)) for split in walls.SPLITS]
        events = witness.count(tenant, table=TreatmentEvent.__tablename__)
        rows.append((sight.label, *cells, Text(f"{sight.events:,} of {events:,}")))
    show.table(("Scope", *walls.SPLITS, "events"), rows, right=range(1, 6))
    total = sum(witness.rows[store.TABLES[0]].values())
    show.say(f"Counted by {witness.name}: {total:,} journeys of all tenants are in the table.", DIM)


def show_attempts(show: Show, attempts: list[walls.Attempt]) -> None:
    rows = []
    for attempt in attempts:
        if attempt.refusal is not None:
            outcome = Text(f"{type(attempt.refusal).__name__}: {attempt.refusal.message}", style=GOOD)
        else:
            outcome = Text(f"{attempt.got:,} rows", style=GOOD if attempt.held else BAD)
        rows.append((attempt.what, f"{attempt.there:,}", outcome))
    show.table(("Attempt", "There", "Got"), rows, right=(1,), nowrap=(), widths={0: 46})
    refused = next((attempt.refusal for attempt in attempts if attempt.refusal is not None), None)
    if refused is not None:
        show.say(f"The first refusal in full: {refused}", DIM)
    held = sum(attempt.held for attempt in attempts)
    show.say(f"{held} of {len(attempts)} attempts got nothing.", GOOD if held == len(attempts) else BAD)


def show_log(show: Show, trial: Trial) -> None:
    entries = walls.logged(trial)
    rows = [
        (
            entry.table_name,
            entry.requested_split or "",
            Text("opened", style=GOOD) if entry.allowed else Text("refused", style=BAD),
            entry.reason or "",
        )
        for entry in entries[:4]
    ]
    show.console.print()
    refused = sum(not entry.allowed for entry in entries)
    show.say(
        f"ml_split_access_log holds {refused} refusals and {len(entries) - refused} openings (* is a whole session); "
        "each is written in a transaction of its own, which no rollback takes back. The latest:",
        DIM,
    )
    show.table(("Table", "Split", "", "Reason"), rows)


def learn(show: Show, trial: Trial, config_id: UUID) -> tuple[model.Model, UUID]:
    """Fit the model in a session that can see nothing but train, and register it."""
    with open_session(Scope(trial.tenant_id, splits={Split.TRAIN})) as session:
        cohort = model.Cohort.of(TreatmentEvents(session).get_training_data())
        statistics = model.Statistics.learn(cohort)
        fitted = model.Model.fit(cohort, statistics)
        records.keep_statistics(session, config_id, cohort, statistics)
        model_id, new = records.register(session, trial, fitted)
        session.commit()
    unknown = len(cohort.patient_ids) - int(cohort.known.sum())
    quality = fitted.cross_validated
    show.table(
        ("Patients", "Outcome known", "Left early", "With event", "PR-AUC, 5 folds", "Model"),
        [
            (
                f"{len(cohort.patient_ids)}",
                f"{int(cohort.known.sum())}",
                f"{unknown}",
                f"{cohort.cases} ({share(cohort.cases, float(cohort.known.sum()))})",
                f"{quality.pr_auc:.3f}",
                Text(f"{fitted.version} ({'new' if new else 'found'})"),
            )
        ],
        right=range(5),
        nowrap=(0, 5),
    )
    show.say(
        f"Whoever left the trial event-free before the horizon has no known outcome: {unknown} patients take no part "
        "in fitting, but their values count for the scaling.",
        DIM,
    )
    return fitted, model_id


def judge(show: Show, trial: Trial, config_id: UUID, model_id: UUID, fitted: model.Model) -> Judged:
    """Score every validation patient, judge the scores of those whose outcome is known, and store both."""
    with open_session(Scope(trial.tenant_id, splits={Split.VALIDATION})) as session:
        cohort = model.Cohort.of(TreatmentEvents(session).get_validation_data())
        statistics = records.kept_statistics(session, config_id)
        scaled = statistics.scale(cohort)
        scores = fitted.score(scaled)
        quality = model.Quality.of(scores[cohort.known], cohort.outcomes[cohort.known])
        new = records.keep_predictions(session, config_id, model_id, fitted, cohort, scores, quality)
        difference = records.difference_from_stored(session, fitted, cohort, scores)
        session.commit()
    base, known = quality.base_rate, cohort.known
    constant = float(np.mean((fitted.cross_validated.base_rate - cohort.outcomes[known]) ** 2))
    low, high = model.interval(scores[known], cohort.outcomes[known])
    rows: list[tuple[str, ...]] = [
        ("PR-AUC", f"{quality.pr_auc:.3f}", f"{base:.3f}", "1.000", f"95 % interval {low:.3f} to {high:.3f}"),
        ("ROC-AUC", f"{quality.auc:.3f}", "0.500", "1.000", "a case ranks above a non-case"),
        ("Brier score", f"{quality.brier:.3f}", f"{constant:.3f}", "0.000", "chance: everyone gets the training rate"),
    ]
    cases = base * quality.patients
    for k, recall in quality.recalls.items():
        best = min(k, cases) / cases
        hits = f"{recall * cases:.0f} of the {k} highest scores had the event"
        rows.append((f"Recall at {k}", f"{recall:.3f}", f"{k / quality.patients:.3f}", f"{best:.3f}", hits))
    show.table(("", "Model", "Chance", "Best", ""), rows, right=(1, 2, 3))
    show.say(
        f"Judged on the {quality.patients} of {len(cohort.patient_ids)} validation patients with a known outcome; "
        f"{share(cases, quality.patients)} had the event.",
        DIM,
    )
    show.say(
        f"{len(scores)} predictions {'stored' if new else 'found'}; the largest difference between a score and the "
        f"stored one is {difference:.1e}.",
        DIM,
    )
    return Judged(cohort, statistics, scaled, scores, quality)


def explain(show: Show, trial: Trial, model_id: UUID, fitted: model.Model, judged: Judged) -> None:
    """Explain every score, and store the explanations of the model and of the patients at highest risk."""
    cohort, scaled = judged.cohort, judged.scaled
    explanation = fitted.explain(scaled)
    with open_session(Scope(trial.tenant_id, splits={Split.VALIDATION})) as session:
        new = records.keep_explanations(session, model_id, fitted, cohort, scaled, explanation)
        session.commit()
    importance = explanation.importance()
    rows = []
    for feature in sorted(model.FEATURES, key=lambda one: -importance[one.name]):
        numbers = cohort.values[:, model.FEATURES.index(feature)]
        lower, upper = (float(number) for number in np.quantile(numbers, (0.1, 0.9), method="nearest"))
        factor = fitted.odds_factor(judged.statistics, feature, lower, upper)
        bar = "█" * round(14 * importance[feature.name] / max(importance.values()))
        change = f"{feature.words(upper)} instead of {feature.words(lower)}"
        rows.append(
            (
                feature.label,
                f"{importance[feature.name]:.3f}",
                bar,
                change,
                Text(f"× {factor:.2f}", style=BAD if factor > 1 else GOOD),
            )
        )
    show.table(("Driver", "|SHAP|", "", "90th against 10th percentile", "Odds"), rows, right=(1, 4))
    show.say("The patients at highest risk:")
    highest = records.highest(judged.scores)
    show.table(
        ("Patient", "Risk", "Outcome", "Why"),
        [
            (
                cohort.patient_ids[row],
                share(judged.scores[row], 1),
                outcome(cohort.outcomes[row]),
                model.in_words(explanation, row, cohort)[1],
            )
            for row in highest[:5]
        ],
        right=(1,),
    )
    sums = explanation.base + explanation.shap_values.sum(1)
    error = float(np.abs(sums - fitted.log_odds(scaled)).max())
    show.say(
        f"1 global and {len(highest)} local explanations {'stored' if new else 'found'}; base value plus SHAP values "
        f"differ from the log-odds by at most {error:.1e}.",
        DIM,
    )


def show_flow(show: Show, trial: Trial) -> None:
    """Models and explanations by scope: what was computed on a split is seen by that split and by later ones."""
    rows = []
    there = records.artefacts(Scope(trial.tenant_id))
    for split in (Split.TRAIN, Split.VALIDATION):
        visible = records.artefacts(Scope(trial.tenant_id, splits={split}))
        rows.append((split, *(seen(*pair) for pair in zip(visible, there, strict=True))))
    show.say("What was computed on a split flows to later splits, and never back:")
    show.table(("Scope", "Models, trained on train", "Explanations, computed on validation"), rows, right=(1, 2))


def outcome(value: float) -> Text:
    if np.isnan(value):
        return Text("unknown", style=DIM)
    return Text("event", style=BAD) if value else Text("no event", style=GOOD)


def show_kpis(show: Show, tenants: tuple[str, ...]) -> None:
    for tenant in tenants:
        found = kpis.read(tenant)
        if found is None:
            show.say(f"The tenant {tenant} is not there: `hedgerow seed` makes it.", DIM)
            continue
        rows = kpis.rows(found)
        empty = len(found) - len(rows)
        show.say(f"{tenant}: {len(rows)} views have rows" + (f", {empty} have nothing to count." if empty else "."))
        show.table(("v_kpi_…", "Rows", "Latest", "Figures"), rows, right=(1,), widths={2: 24})


def show_audit(show: Show, trial: Trial) -> None:
    with open_session(Scope(trial.tenant_id)) as session:
        audit = func.run_leakage_audit().table_valued("check_type", "passed", "severity", "details")
        findings = session.execute(select(audit)).all()
        session.commit()
    show.table(
        ("Check", "Passed", "Severity", "Finding"),
        [
            (check, Text("yes", style=GOOD) if passed else Text("no", style=BAD), severity, details)
            for check, passed, severity, details in findings
        ],
    )


if __name__ == "__main__":
    try:
        main()
    except HedgerowError as error:
        sys.exit(f"{type(error).__name__}: {error}")
