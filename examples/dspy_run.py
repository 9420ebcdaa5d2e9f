"""A run of DSPy, from a program that knows little to a prompt in use, recorded while it happens.

Run it after ``hedgerow db start``, ``alembic upgrade head`` and ``hedgerow seed``::

    python examples/dspy_run.py

No language model is called: a small stand-in knows two capitals, and whatever the examples of its prompt show. So the
program gets better by its prompt alone, as a real one would, and every run gives the same figures. Each run of the
script is another run in the database, and another version of the prompt.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from dspy.utils import DummyLM

import dspy
from hedgerow import HedgerowError, Scope, open_session
from hedgerow.dspy.repository import EvaluationResultRepository, OptimizationRunRepository, PromptTemplateRepository
from hedgerow.integrations.dspy import load_program, record_run, training_examples

CAPITALS = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima", "Cuba": "Havana", "Iran": "Tehran"}
AGENT, MODULE = "explainer", "example_capitals"
MINE, THEIRS = (Scope(tenant, splits={"train"}) for tenant in ("TEST_TENANT_001", "TEST_TENANT_002"))


class Pupil(DummyLM):
    """Knows France and Italy, and what the prompt shows."""

    def __init__(self) -> None:
        super().__init__({name: {"answer": CAPITALS[name]} for name in ("France", "Italy")}, follow_examples=True)

    def _use_example(self, messages: list[dict[str, Any]]) -> str:
        known = (answer for name, answer in self.answers.items() if name in messages[-1]["content"])
        return super()._use_example(messages) or self._format_answer_fields(next(known, {"answer": "unknown"}))


class Capitals(dspy.Module):
    """Names the capital of a country."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = dspy.Predict(dspy.Signature("question -> answer", "Name the capital."))

    def forward(self, question: str) -> dspy.Prediction:
        return self.answer(question=question)


def exact(example: dspy.Example, answer: dspy.Prediction, trace: Any = None) -> bool:
    """Whether the answer is right."""
    return bool(example.answer == answer.answer)


def answers(program: Capitals) -> list[str]:
    """What a program says to every question."""
    return [program(question=f"What is the capital of {name}?").answer for name in CAPITALS]


def main() -> None:
    dspy.configure(lm=Pupil())
    trainset = [
        dspy.Example(question=f"What is the capital of {name}?", answer=city).with_inputs("question")
        for name, city in CAPITALS.items()
    ]
    evaluate = dspy.Evaluate(devset=trainset, metric=exact)

    print("1. Optimise, and record it")
    with record_run(MINE, agent=AGENT, module=MODULE) as run:
        before = evaluate(Capitals())
        compiled = dspy.BootstrapFewShot(metric=exact, max_bootstrapped_demos=2).compile(Capitals(), trainset=trainset)
        after = evaluate(compiled)
        if after.score > before.score:
            run.activate()
    print(f"   {before.score} % right before, {after.score} % after, a gain of {run.improvement_pct:.0f} %")

    print("2. What the database knows of it")
    with open_session(MINE) as session:
        row = OptimizationRunRepository(session).get_by_id(run.run_id)
        template = PromptTemplateRepository(session).get_active(AGENT, MODULE)
        assert row is not None
        assert template is not None
        results = EvaluationResultRepository(session).get_by_run(run.run_id)
        print(f"   {row.optimization_type}, {row.status}, last phase {row.phase}")
        print(f"   scores {[result.score for result in results]}; version {template.template_version} is in use")

    print("3. Another process takes the prompt in use")
    with open_session(MINE) as session:
        loaded = load_program(session, Capitals(), agent=AGENT, module=MODULE)
        examples = training_examples(session, agent=AGENT, module=MODULE)
    same = answers(loaded) == answers(compiled)
    print(f"   the same answers as the compiled program: {same}; without it: {answers(Capitals())}")
    print(f"   examples for the next optimizer: {sorted(example.answer for example in examples)}")

    print("4. Another tenant gets none of it")
    with open_session(THEIRS) as session:
        try:
            load_program(session, Capitals(), agent=AGENT, module=MODULE)
        except HedgerowError as error:
            print(f"   {error}")
        print(f"   examples: {training_examples(session, agent=AGENT, module=MODULE)}")


if __name__ == "__main__":
    logging.getLogger("dspy").setLevel(logging.ERROR)
    try:
        main()
    except HedgerowError as error:
        sys.exit(str(error))
