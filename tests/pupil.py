"""A small DSPy program and a language model that learns from the examples of its prompt: no model can be reached."""

from __future__ import annotations

from typing import Any

from dspy.utils import DummyLM

import dspy

CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Peru": "Lima",
    "Cuba": "Havana",
    "Iran": "Tehran",
}


class Pupil(DummyLM):  # type: ignore[misc]
    """Knows two capitals, and whatever the prompt shows."""

    def __init__(self, known: tuple[str, ...] = ("France", "Italy")) -> None:
        super().__init__({name: {"answer": CAPITALS[name]} for name in known}, follow_examples=True)

    def _use_example(self, messages: list[dict[str, Any]]) -> str:
        shown = super()._use_example(messages)
        if shown:
            return str(shown)
        known = (answer for name, answer in self.answers.items() if name in messages[-1]["content"])
        return str(self._format_answer_fields(next(known, {"answer": "unknown"})))


class Capitals(dspy.Module):  # type: ignore[misc]
    """Names capitals."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = dspy.Predict("question -> answer")

    def forward(self, question: str) -> Any:
        return self.answer(question=question)


def questions(*names: str) -> list[Any]:
    """Examples of all countries, or of some."""
    return [
        dspy.Example(question=f"What is the capital of {name}?", answer=CAPITALS[name]).with_inputs("question")
        for name in names or CAPITALS
    ]


def exact(example: Any, answer: Any, trace: Any = None) -> bool:
    """The metric."""
    return bool(example.answer == answer.answer)


def bootstrap(**settings: Any) -> Any:
    """The optimizer: two demos found by running the program, the other examples as they are."""
    return dspy.BootstrapFewShot(metric=exact, max_bootstrapped_demos=2, **settings)


def evaluate(examples: list[Any] | None = None) -> Any:
    """All questions, by the metric."""
    return dspy.Evaluate(devset=examples or questions(), metric=exact, num_threads=2)
