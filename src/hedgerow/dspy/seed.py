"""Seeded prompt optimisation: each module improves version by version, and not every run gets there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hedgerow.agents.enums import AgentName
from hedgerow.dspy.enums import OptimizationPhase, OptimizationStatus
from hedgerow.dspy.models import EvaluationResult, OptimizationRun, PromptTemplate, TrainingExample
from hedgerow.seeding import Row, World, at, later, per_tenant
from hedgerow.seeding.world import END

VERSIONS: Final = 4
"""Versions of each prompt; the last but one of the first module is in use, elsewhere the last."""

ITERATIONS: Final = 5
"""Evaluations of a completed run."""

EXAMPLES: Final = 18
"""Training examples of each module."""


@dataclass(frozen=True, slots=True)
class Module:
    """A program of an agent: natural keys are the same in every tenant on purpose.

    :ivar variables: what is filled into its prompt.
    :ivar task: its first instruction.
    :ivar pairs: what is asked, and the right answer.
    """

    agent: AgentName
    name: str
    variables: tuple[str, ...]
    output: str
    task: str
    pairs: tuple[tuple[str, str], ...]


MODULES: Final = (
    Module(
        AgentName.EXPLAINER,
        "explain_score",
        ("finding",),
        "explanation",
        "Explain the finding to a prescriber in one sentence, without numbers that are not in it.",
        (
            ("Risk of discontinuation is high after two late refills.", "Refills came late twice."),
            ("Adherence rose after the dose was lowered.", "The lower dose seems to be easier to keep up."),
            ("Two of three laboratory values are out of range.", "Most of the laboratory values need a look."),
        ),
    ),
    Module(
        AgentName.ORCHESTRATOR,
        "route_question",
        ("question",),
        "intent",
        "Name the intent of the question in one word.",
        (
            ("What happens if we double the visits in the west?", "WHAT_IF"),
            ("Why did prescriptions fall in March?", "CAUSAL"),
            ("Which regions are below target?", "COMPARATIVE"),
        ),
    ),
    Module(
        AgentName.GAP_ANALYZER,
        "rank_gaps",
        ("region", "brand"),
        "gap",
        "Name the largest gap between target and result of the brand in the region.",
        (
            ("west", "Too few new patients."),
            ("south", "Patients stop after the first refill."),
            ("northeast", "No gap above one percent."),
        ),
    ),
    Module(
        AgentName.FEEDBACK_LEARNER,
        "summarise_feedback",
        ("feedback",),
        "lesson",
        "Turn the feedback into one lesson for the next answer.",
        (
            ("The list was too long to read.", "Show at most five items."),
            ("You compared two different quarters.", "State the period of each figure."),
            ("Right, but I had to ask twice.", "Answer the question before the context."),
        ),
    ),
)  # fmt: skip

_HINTS: Final = (
    "",
    "Be brief.",
    "Be brief, and say what is not known.",
    "Begin with the answer; say what is not known.",
)


def _begun(number: int, version: int) -> datetime:
    """When the run began that led to a version: every six weeks, up to two weeks before the end of the data."""
    return at(END - timedelta(days=14 + 42 * (VERSIONS - version)), 480 + 90 * number)


def _score(world: World, number: int, version: int, iteration: int) -> float:
    """Percent of right answers, higher with every version and iteration."""
    draw = world.draw("dspy.score", 100 * number + 10 * version + iteration)
    return float(44 + 8 * version + 3 * iteration + draw.decimal(0, 2, 2))


def _fields(module: Module, asked: str) -> dict[str, str]:
    return dict(zip(module.variables, (asked, "Kisqali"), strict=False))


@per_tenant(PromptTemplate)
def templates(world: World) -> Iterator[Row]:
    """Four versions of each module, the older ones retired."""
    draw = world.draw("dspy_prompt_templates")
    for number, module in enumerate(MODULES):
        active = VERSIONS - 1 if number == 0 else VERSIONS
        for version in range(1, VERSIONS + 1):
            stored = later(_begun(number, version), minutes=50)
            tried = version <= active
            fields = "\n".join(f"{name}: {{{name}}}" for name in module.variables)
            yield {
                "template_id": world.id("dspy_prompt_templates", module.name, version),
                "agent_name": module.agent,
                "module_name": module.name,
                "template_version": version,
                "template_content": f"{module.task} {_HINTS[version - 1]}\n\n{fields}\n{module.output}:",
                "variables": list(module.variables),
                "is_active": version == active,
                "performance_score": _score(world, number, version, ITERATIONS - 1),
                "usage_count": draw.whole(50, 4_000) if tried else 0,
                "created_at": stored,
                "activated_at": later(stored, hours=3) if tried else None,
            }


@per_tenant(OptimizationRun)
def runs(world: World) -> Iterator[Row]:
    """The run behind each version; then one that failed, one that was cancelled, one at work and one that waits."""
    for number, module in enumerate(MODULES):
        for version in range(1, VERSIONS + 1):
            begun = _begun(number, version)
            first, last = (_score(world, number, version, step) for step in (0, ITERATIONS - 1))
            gain = round(100 * (last - first) / first, 2)
            yield _run(
                world,
                module,
                version,
                OptimizationStatus.COMPLETED,
                OptimizationPhase.DEPLOYMENT,
                started_at=begun,
                completed_at=later(begun, minutes=55),
                metrics_json={"baseline": first, "score": last, "improvement_pct": gain},
                improvement_pct=gain,
                best_prompt_id=world.id("dspy_prompt_templates", module.name, version),
                # A year of runs would be too many to look at: the first is put away.
                archived_at=later(begun, days=100) if version == 1 else None,
            )
        begun = at(END - timedelta(days=6), 60 * number)
        unhappy = (OptimizationStatus.FAILED, OptimizationStatus.CANCELLED)[number % 2]
        yield _run(
            world,
            module,
            "unhappy",
            unhappy,
            OptimizationPhase.SAMPLING,
            started_at=begun,
            completed_at=later(begun, minutes=4),
            error_message="The model did not answer in time" if unhappy is OptimizationStatus.FAILED else None,
        )
        at_work = number % 2 == 0
        yield _run(
            world,
            module,
            "last",
            OptimizationStatus.RUNNING if at_work else OptimizationStatus.PENDING,
            OptimizationPhase.EVALUATION if at_work else OptimizationPhase.INITIALIZATION,
            started_at=at(END, 1_380) if at_work else None,
        )


def _run(
    world: World, module: Module, key: object, status: OptimizationStatus, phase: OptimizationPhase, **known: object
) -> Row:
    return {
        "run_id": world.id("dspy_optimization_runs", module.name, key),
        "agent_name": module.agent,
        "optimization_type": "BootstrapFewShot",
        "phase": phase,
        "status": status,
        "config_json": {"module": module.name, "max_bootstrapped_demos": 4, "trainset": EXAMPLES},
        "metrics_json": {},
        "best_prompt_id": None,
        "improvement_pct": None,
        "started_at": None,
        "completed_at": None,
        "error_message": None,
        "archived_at": None,
        **known,
    }


@per_tenant(EvaluationResult)
def evaluations(world: World) -> Iterator[Row]:
    """Five iterations of every completed run; the last one is of the version that was stored."""
    for number, module in enumerate(MODULES):
        for version in range(1, VERSIONS + 1):
            begun = _begun(number, version)
            for iteration in range(ITERATIONS):
                last = iteration == ITERATIONS - 1
                score = _score(world, number, version, iteration)
                asked, answer = module.pairs[iteration % len(module.pairs)]
                yield {
                    "result_id": world.id("dspy_evaluation_results", module.name, version, iteration),
                    "run_id": world.id("dspy_optimization_runs", module.name, version),
                    "iteration": iteration,
                    "prompt_template_id": world.id("dspy_prompt_templates", module.name, version) if last else None,
                    "evaluation_metrics": {"metric": "exact_match", "examples": 40, "seconds": 31.5},
                    "sample_outputs": [{"inputs": _fields(module, asked), "output": {module.output: answer}}]
                    if last
                    else None,
                    "score": score,
                    "created_at": later(begun, minutes=10 * (iteration + 1)),
                }


@per_tenant(TrainingExample)
def examples(world: World) -> Iterator[Row]:
    """Examples of the last months: found by runs, written by people, some judged, few validated."""
    draw = world.draw("dspy_training_examples")
    for module in MODULES:
        for number in range(EXAMPLES):
            asked, answer = module.pairs[number % len(module.pairs)]
            found = draw.chance(0.7)
            yield {
                "example_id": world.id("dspy_training_examples", module.name, number),
                "agent_name": module.agent,
                "module_name": module.name,
                "input_json": _fields(module, asked if number < len(module.pairs) else f"{asked} (case {number})"),
                "output_json": {module.output: answer},
                "quality_score": float(draw.decimal(0.4, 1, 2)) if draw.chance(0.8) else None,
                "source": "bootstrap" if found else "expert",
                "is_validated": not found or draw.chance(0.2),
                "created_at": at(draw.day(END - timedelta(days=150), END), draw.whole(0, 1_439)),
            }


SEEDS: Final = (templates, runs, evaluations, examples)
