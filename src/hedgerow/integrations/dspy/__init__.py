"""DSPy: runs of its optimizers recorded, and the prompts and examples that come out of them given back.

Comes in: whatever runs inside of :func:`record_run`, told by DSPy's own callbacks, so that the code of a program stays
as it is. Goes out: :func:`load_program` puts the prompt in use back into a program, :func:`training_examples` gives the
examples for the next optimizer. Needs the extra ``hedgerow[dspy]``::

    with record_run(Scope("ACME", splits={"train"}), agent="explainer", module="answer_question") as run:
        before = evaluate(program)
        compiled = dspy.BootstrapFewShot(metric=exact).compile(program, trainset=trainset)
        if evaluate(compiled).score > before.score:
            run.activate()
"""

from hedgerow.integrations import missing

try:
    import dspy
except ModuleNotFoundError as error:
    if error.name != "dspy":
        raise
    raise missing("DSPy", "dspy") from error

if not hasattr(dspy.utils.callback.BaseCallback, "on_compile_end"):
    raise missing("A DSPy that tells when an optimizer compiles (3.4 or newer)", "dspy")

from hedgerow.integrations.dspy.errors import NotAProgramError, ProgramMismatchError, RecordingError
from hedgerow.integrations.dspy.examples import store_examples, training_examples
from hedgerow.integrations.dspy.programs import load_program, save_program
from hedgerow.integrations.dspy.recording import RecordedRun, record_run, resume_run

__all__ = [
    "NotAProgramError",
    "ProgramMismatchError",
    "RecordedRun",
    "RecordingError",
    "load_program",
    "record_run",
    "resume_run",
    "save_program",
    "store_examples",
    "training_examples",
]
