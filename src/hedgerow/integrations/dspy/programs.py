"""A DSPy program as a prompt template, and back.

A template holds the program's state as :meth:`dspy.Module.save` would write it (instructions, field descriptions and
demos of each predictor), and the names of the fields, so that a program that does not fit is refused instead of half
filled. Language models are not part of it: which one answers is decided where the program runs.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from sqlalchemy.orm import Session

import dspy
from hedgerow.agents.enums import AgentName
from hedgerow.core.repository import RowNotFoundError
from hedgerow.dspy.models import PromptTemplate
from hedgerow.dspy.repository import PromptTemplateRepository
from hedgerow.integrations.dspy.errors import NotAProgramError, ProgramMismatchError
from hedgerow.integrations.dspy.plain import document

FORMAT: Final = "hedgerow.dspy/1"

P = TypeVar("P", bound=dspy.Module)

Fields = dict[str, dict[str, list[str]]]


def content(program: Any) -> str:
    """Text of the template of a program.

    :raises NotAProgramError: the program has no predictors, or something in it has no JSON form.
    """
    predictors = fields(program)
    if not predictors:
        raise NotAProgramError(
            f"{type(program).__name__} has no predictors, so there is no prompt to keep.",
            remedy="give a dspy.Module whose predictors are its attributes, and that is not frozen as a part",
        )
    state = program.dump_state(json_mode=True)
    for part in state.values():
        if isinstance(part, dict) and "lm" in part:
            part["lm"] = None
    return document(
        {
            "format": FORMAT,
            "dspy": dspy.__version__,
            "program": type(program).__qualname__,
            "predictors": predictors,
            "state": state,
        }
    )


def fields(program: Any) -> Fields:
    """Names of the input and output fields of each predictor."""
    return {
        name: {
            "inputs": list(predictor.signature.input_fields),
            "outputs": list(predictor.signature.output_fields),
        }
        for name, predictor in program.named_predictors()
    }


def variables(program: Any) -> list[str]:
    """Names of the input fields of a program, those of the first predictor first."""
    return list(dict.fromkeys(name for predictor in fields(program).values() for name in predictor["inputs"]))


def save_program(
    session: Session,
    program: Any,
    *,
    agent: AgentName | str,
    module: str,
    performance_score: float | None = None,
    activate: bool = False,
) -> PromptTemplate:
    """Store a program as the next version of a module's prompt and return it; the caller commits.

    :param activate: make it the one in use.
    :raises NotAProgramError: the program has no predictors, or something in it has no JSON form.
    """
    return PromptTemplateRepository(session).store(
        agent, module, content(program), variables(program), performance_score=performance_score, activate=activate
    )


def load_program(session: Session, program: P, *, agent: AgentName | str, module: str, version: int | None = None) -> P:
    """Put a stored prompt into ``program``, in place as :meth:`dspy.Module.load` does, and return it.

    Its predictors keep the language models that they have.

    :param program: a program of the class that was stored, as it is before an optimizer.
    :param version: a version of the prompt; None for the one in use.
    :raises RowNotFoundError: no version is in use, or there is no such version.
    :raises NotAProgramError: the template was not stored by this integration.
    :raises ProgramMismatchError: the program has other predictors or fields than the stored one; it is unchanged.
    """
    templates = PromptTemplateRepository(session)
    if version is None:
        template, what = templates.get_active(agent, module), "prompt in use"
    else:
        template, what = templates.get_version(agent, module, version), f"version {version} of the prompt"
    if template is None:
        raise RowNotFoundError(
            f"There is no {what} for the module {module!r} of {agent}.",
            remedy="activate one of PromptTemplateRepository.get_history, or record a run that makes one",
            table=templates.table_name,
        )
    restore(program, template.template_content)
    return program


def restore(program: Any, text: str) -> None:
    """Put the state of a template's text into a program."""
    stored = _read(text)
    wanted, found = stored["predictors"], fields(program)
    if wanted != found:
        raise ProgramMismatchError(
            f"The stored {stored['program']} does not fit this {type(program).__qualname__}:"
            f" {_difference(wanted, found)}.",
            remedy="load it into a program of the same predictors and fields, or record a run of this one",
        )
    models = [(predictor, predictor.lm) for predictor in program.predictors()]
    program.load_state(stored["state"])
    for predictor, model in models:
        predictor.lm = model


def _read(text: str) -> dict[str, Any]:
    try:
        stored = json.loads(text)
    except ValueError:
        stored = None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise NotAProgramError(
            "The template holds no DSPy program.",
            remedy="use its text as it is, or activate a version that record_run or save_program stored",
            table=PromptTemplate.__tablename__,
        )
    return stored


def _difference(wanted: Fields, found: Fields) -> str:
    parts = []
    if missing := sorted(wanted.keys() - found.keys()):
        parts.append(f"it has no predictor {', '.join(missing)}")
    if unknown := sorted(found.keys() - wanted.keys()):
        parts.append(f"the stored one has no predictor {', '.join(unknown)}")
    parts += [
        f"{name} was {_arrow(wanted[name])} and is {_arrow(found[name])}"
        for name in sorted(wanted.keys() & found.keys())
        if wanted[name] != found[name]
    ]
    return "; ".join(parts)


def _arrow(signature: dict[str, list[str]]) -> str:
    return f"{', '.join(signature['inputs'])} -> {', '.join(signature['outputs'])}"
