"""Installing the filter from several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql

from hedgerow.core.filter import install as module
from hedgerow.core.filter.compiler import FilterCompiler
from hedgerow.core.filter.context import FilterContext
from hedgerow.core.filter.install import filtered, install_filter


def test_two_at_once_install_one_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other in the midst of installing: where both get there, both install."""
    engine = create_engine("postgresql+psycopg://nobody@localhost/nowhere")
    meeting = Barrier(2)
    plain = module.DatabaseAccessLog

    def meet(*arguments: object) -> object:
        with suppress(BrokenBarrierError):  # the other one is kept out, as it should be
            meeting.wait(timeout=1)
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "DatabaseAccessLog", meet)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(install_filter, [engine, engine])
    assert one is other is filtered(engine)
    assert len(list(engine.dialect.dispatch.handle_error)) == 1
    compiler, context = engine.dialect.statement_compiler, engine.dialect.execution_ctx_cls
    assert compiler.__bases__[0] is FilterCompiler
    assert not issubclass(compiler.__bases__[1], FilterCompiler), "once, and not over itself"
    assert not issubclass(context.__bases__[1], FilterContext)
    assert issubclass(compiler, postgresql.base.PGCompiler)
