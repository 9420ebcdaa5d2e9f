"""Training examples as :class:`dspy.Example`, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

import dspy
from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import FilterError
from hedgerow.dspy.models import TrainingExample
from hedgerow.dspy.repository import TrainingExampleRepository
from hedgerow.integrations.dspy.plain import plain

Pair = tuple[dict[str, Any], dict[str, Any]]


def training_examples(
    session: Session, *, agent: AgentName | str, module: str, limit: int | None = 100
) -> list[dspy.Example]:
    """Return the best examples of a module, ready for an optimizer: the inputs are set, the rest are labels.

    In the order of ``get_dspy_training_examples`` of the database: validated ones first, then by quality.

    :param limit: at most so many; None for all of them.
    """
    rows = TrainingExampleRepository(session).get_examples(agent, module, limit)
    return [dspy.Example(**{**row.output_json, **row.input_json}).with_inputs(*row.input_json) for row in rows]


def store_examples(
    session: Session,
    examples: Iterable[dspy.Example],
    *,
    agent: AgentName | str,
    module: str,
    source: str | None = None,
    quality_score: float | None = None,
) -> list[TrainingExample]:
    """Store examples and return the rows that are new; the caller commits. Needs a scope of train alone.

    :param examples: examples whose inputs are set.
    :param source: where they come from.
    :param quality_score: 0 to 1, None when nobody judged them.
    :raises FilterError: an example does not say which of its fields are inputs.
    :raises NotAProgramError: a field has no JSON form.
    :raises SplitAccessError: the scope holds another split than train.
    """
    pairs = [_pair(example) for example in examples]
    return TrainingExampleRepository(session).store(agent, module, pairs, source=source, quality_score=quality_score)


def bootstrapped(program: Any, module: str) -> dict[str, list[Pair]]:
    """The demos of a program that an optimizer found by running it, by the module that they are examples of.

    A program of one predictor is the module itself; of several, each is a module of its own, ``module.predictor``.
    """
    predictors = program.named_predictors()
    found: dict[str, list[Pair]] = {}
    for name, predictor in predictors:
        signature = predictor.signature
        pairs = [
            (_chosen(demo, signature.input_fields), _chosen(demo, signature.output_fields))
            for demo in predictor.demos
            if demo.get("augmented")
        ]
        if pairs:
            found[module if len(predictors) == 1 else f"{module}.{name}"] = pairs
    return found


def _chosen(demo: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: plain(demo[name]) for name in names if name in demo}


def _pair(example: dspy.Example) -> Pair:
    try:
        inputs = example.inputs()
    except ValueError:
        raise FilterError(
            f"The example {example} does not say which of its fields are inputs.",
            remedy="example.with_inputs('question')",
            table=TrainingExample.__tablename__,
        ) from None
    return plain(dict(inputs.items())), plain(dict(example.labels().items()))
