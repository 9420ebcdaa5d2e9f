"""Does the therapy work, and may one say so? Real patients, real refutations, and a gate that fails closed.

Run it after ``hedgerow db start`` and ``alembic upgrade head``::

    python examples/causal_refutation.py

Three effects are estimated on the train split of GBSG2 (686 women with breast cancer), and DoWhy tries to refute each
of them in five ways. What comes of it is kept, an expert looks at two of them, and the database says which may be acted
upon. Every figure that is printed was computed in this run or read back from the database.
"""

from __future__ import annotations

from time import perf_counter

STARTED = perf_counter()  # before the imports below, which take longer than the database does

import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from uuid import UUID  # noqa: E402

from _breast_cancer import store  # noqa: E402
from _breast_cancer.data import Trial, gbsg2  # noqa: E402
from _breast_cancer.model import Cohort  # noqa: E402
from _breast_cancer.show import BAD, DIM, GOOD, Show  # noqa: E402
from _causal_refutation import records  # noqa: E402
from _causal_refutation.effects import QUESTIONS, SIMULATIONS, Effect, Refutation, estimate, refute  # noqa: E402
from rich.text import Text  # noqa: E402

from hedgerow import HedgerowError, Scope, Split, open_session  # noqa: E402
from hedgerow.causal import estimate_id  # noqa: E402
from hedgerow.causal.repository import CausalValidationRepository, ExpertReviewRepository  # noqa: E402
from hedgerow.core.engine import owner_engine  # noqa: E402
from hedgerow.core.repository import SplitAwareRepository  # noqa: E402
from hedgerow.patients import TreatmentEvent  # noqa: E402

STYLES = {"proceed": GOOD, "passed": GOOD, "review": "yellow", "warning": "yellow", "block": BAD, "failed": BAD}


class TreatmentEvents(SplitAwareRepository[TreatmentEvent]):
    """All that a repository of one's own needs."""

    model_class = TreatmentEvent


def main() -> None:
    show = Show(STARTED)
    show.title("hedgerow and causal claims", "Three effects, fifteen attempts to refute them, one expert, and a gate.")
    trial = gbsg2()
    train = Scope(trial.tenant_id, splits={Split.TRAIN})
    with show.step("The patients", f"{trial.name}. Scope: tenant {trial.tenant_id}, split train."):
        owner = owner_engine()
        store.require_schema(owner)
        config_id = store.create_tenant(owner, trial)
        new = store.store(trial)
        cohort = read(show, trial, train, new)
    with show.step("Estimate", "Change of the risk of recurrence or death within three years, adjusted for the rest."):
        effects = [estimate(question, cohort) for question in QUESTIONS]
        show_effects(show, effects)
    with show.step("Before anybody has validated them", "An estimate that nobody has tested never proceeds."):
        fresh = keep_paths(train, config_id, effects)
        show_verdicts(show, train, effects)
        if not fresh:
            show.say("An earlier run has validated these effects: what it found is what the gate goes by.", DIM)
    with show.step("Try to refute them", f"By DoWhy, {SIMULATIONS} simulations a test, with fixed seeds."):
        refutations = [refuted(show, effect) for effect in effects]
        keep(train, effects, refutations)
    with show.step("After", "The worst test decides: passed proceeds, a warning asks for review, failed blocks."):
        show_verdicts(show, train, effects)
        show_blocked(show, train)
    with show.step(
        "An expert looks at two causal graphs",
        "On review the approval of the graph decides. On block nobody's does.",
    ):
        approve(show, train, effects, refutations)
        show_verdicts(show, train, effects)
    with show.step("The chain", "v_causal_validation_chain, and who sees it: what was found on train flows forwards."):
        show_chain(show, train, effects)
        show_flow(show, trial)
    show.total()


def read(show: Show, trial: Trial, train: Scope, new: bool) -> Cohort:
    """The train patients, in a session that can see nothing else."""
    with open_session(train) as session:
        cohort = Cohort.of(TreatmentEvents(session).get_training_data())
    rows = [
        (
            f"{len(trial.patient_ids)}",
            f"{len(cohort.patient_ids)}",
            f"{int(cohort.known.sum())}",
            f"{cohort.cases}",
            Text("stored", style=GOOD) if new else "found",
        )
    ]
    show.table(("Patients", "In train", "Outcome known", "With event", "Rows"), rows, right=range(4), nowrap=())
    return cohort


def show_effects(show: Show, effects: Sequence[Effect]) -> None:
    rows = [
        (
            effect.question.label,
            f"{effect.treated} / {len(effect.frame) - effect.treated}",
            f"{100 * effect.crude:+.1f}",
            f"{100 * effect.size:+.1f}",
            f"{100 * effect.low:+.1f} to {100 * effect.high:+.1f}",
            effect.path_id,
        )
        for effect in effects
    ]
    columns = ("Effect of", "With / not", "Crude", "Adjusted", "95 % interval", "Path")
    show.table(columns, rows, right=range(1, 5), nowrap=range(6))
    show.say(
        "In percentage points. Only the first is a treatment; the others are findings at entry, asked about in the "
        "same way to see the other two decisions of the gate.",
        DIM,
    )


def keep_paths(train: Scope, config_id: UUID, effects: Sequence[Effect]) -> bool:
    """Store the effects; return whether they are new."""
    with open_session(train) as session:
        fresh = [records.keep_path(session, config_id, effect) for effect in effects]
        session.commit()
    return any(fresh)


def refuted(show: Show, effect: Effect) -> list[Refutation]:
    """Try to refute one effect, and show how it came out."""
    found = list(refute(effect))
    rows: list[tuple[str | Text, ...]] = []
    for one in found:
        if one.refuted is None:
            under, measure = "–", f"E-value {one.measure:.2f}, of the limit {one.details['e_value_of_limit']:.2f}"
        else:
            left = "left" if one.test == "placebo_treatment" else "moved"
            under, measure = f"{100 * one.refuted:+.1f}", f"{100 * one.measure:.0f} % {left}"
        rows.append((one.test.value, f"{100 * effect.size:+.1f}", under, measure, word(one.status)))
    show.say(f"{effect.question.label}:")
    show.table(("Test", "Effect", "Under the test", "Measure", "Status"), rows, right=(1, 2))
    return found


def keep(train: Scope, effects: Sequence[Effect], refutations: Sequence[Sequence[Refutation]]) -> None:
    """Store the refutations of each effect."""
    with open_session(train) as session:
        for effect, found in zip(effects, refutations, strict=True):
            records.keep_refutations(session, effect, found)
        session.commit()


def show_verdicts(show: Show, train: Scope, effects: Sequence[Effect]) -> None:
    rows: list[tuple[str | Text, ...]] = []
    with open_session(train) as session:
        for effect in effects:
            gate, confidence, usable = records.verdict(session, effect)
            may = Text("yes", style=GOOD) if usable else Text("no", style=BAD)
            rows.append((effect.question.label, word(gate), f"{confidence:.2f}", may))
    show.table(("Effect of", "Gate", "Confidence", "May be used"), rows, right=(2,))


def show_blocked(show: Show, train: Scope) -> None:
    with open_session(train) as session:
        for blocked in CausalValidationRepository(session).get_blocked_estimates():
            show.say(f"v_blocked_estimates: {blocked.treatment_variable} failed {blocked.failed_tests}.", DIM)


def approve(show: Show, train: Scope, effects: Sequence[Effect], refutations: Sequence[Sequence[Refutation]]) -> None:
    """Ask an expert about the therapy and about what was blocked, and have both graphs approved."""
    for effect, found in ((effects[0], refutations[0]), (effects[2], refutations[2])):
        with open_session(train) as session:
            reviews = ExpertReviewRepository(session)
            review_id, pending = records.ask_expert(session, effect, found)
            if pending:
                conditions = "Of use for planning a trial. The interval holds no effect, and nobody was randomised."
                reviews.approve(review_id, conditions=conditions)
            session.commit()
            held = {approval.review_id for approval in reviews.get_active_expert_approvals()}
        state = "approved" if review_id in held else "not approved"
        show.say(f"Graph {effect.question.graph_hash[:12]} of {effect.question.label}: {state}.")


def show_chain(show: Show, train: Scope, effects: Sequence[Effect]) -> None:
    rows: list[tuple[str | Text, ...]] = []
    with open_session(train) as session:
        for effect in effects:
            for link in CausalValidationRepository(session).get_validation_chain(estimate_id(effect.path_id)):
                about = (link.treatment_variable or "", link.outcome_variable or "", f"{link.validation_count}")
                rows.append((str(link.estimate_id)[:8], *about, word(link.latest_gate), link.approval_status))
    columns = ("Estimate", "Treatment", "Outcome", "Tests", "Latest gate", "Approval")
    show.table(columns, rows, right=(3,), nowrap=range(6))
    show.say("The latest gate is that of one test; the decision above is that of the worst one.", DIM)


def show_flow(show: Show, trial: Trial) -> None:
    rows = []
    for split in (Split.UNASSIGNED, Split.TRAIN, Split.VALIDATION):
        with open_session(Scope(trial.tenant_id, splits={split})) as session:
            seen = CausalValidationRepository(session).count()
        rows.append((f"tenant {trial.tenant_id}, split {split}", f"{seen}"))
    show.table(("Scope", "Validations"), rows, right=(1,))


def word(label: str) -> Text:
    return Text(str(label), style=STYLES[str(label)])


if __name__ == "__main__":
    try:
        main()
    except HedgerowError as error:
        sys.exit(f"{type(error).__name__}: {error}")
