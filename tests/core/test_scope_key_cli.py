"""``hedgerow db scope-key``: a key from its making to its removal, as a person does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow.cli.scope_key import app
from hedgerow.core.engine import dispose_engines
from hedgerow.core.settings import SettingsError
from hedgerow.core.token import ScopeKeyError, Signer

Run = Callable[..., Result]


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("DATABASE_URL", database.url("owner").render_as_string(hide_password=False))
    monkeypatch.delenv("HEDGEROW_SCOPE_KEY", raising=False)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    yield invoke
    dispose_engines()


def test_the_life_of_a_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no signature" in run("list").output
    assert isinstance(run("install").exception, SettingsError)
    first, second = run("new", "--id", "first").output, run("new").output
    assert Signer.read(first).key_id == "first"
    assert isinstance(run("new", "--id", "database").exception, ScopeKeyError)
    monkeypatch.setenv("HEDGEROW_SCOPE_KEY", first)
    assert "Installed first" in run("install").output
    assert "Installed first" in run("install").output
    assert isinstance(run("remove", "first").exception, ScopeKeyError)
    monkeypatch.setenv("HEDGEROW_SCOPE_KEY", second)
    run("install")
    listed = run("list").output
    assert "first" in listed
    assert Signer.read(second).key_id in listed
    assert Signer.read(second).secret.hex() not in listed
    assert "Removed first" in run("remove", "first").output
    assert isinstance(run("remove", "first", "--last").exception, ScopeKeyError)
    assert run("remove", Signer.read(second).key_id, "--last").exit_code == 0
    assert "no signature" in run("list").output
