"""One transaction as superuser and as session: plant what nobody may write, look at it through the wall, roll back."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hedgerow.core.embedded.bootstrap import SESSION
from isolation.oracle import refusal


@contextmanager
def planting(database: Any, *, triggers: bool = False) -> Iterator[Connection]:
    """A superuser's transaction that is always rolled back.

    :param triggers: let triggers fire and foreign keys hold; without them rows can be planted that no writer gets in.
    """
    with database.engine("admin").connect() as connection:
        if not triggers:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
        connection.rollback()


def become_session(connection: Connection) -> None:
    """From here to the end of the transaction the connection is the login role of sessions."""
    connection.execute(text(f"SET LOCAL ROLE {SESSION}"))


@contextmanager
def quiet_roles(*, changing: bool = False) -> Iterator[None]:
    """While roles of the server are asked about, no test of another process has powerful ones.

    :param changing: this test makes them.
    """
    with (Path(os.environ["HEDGEROW_TEST_HOME"]) / "roles").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if changing else fcntl.LOCK_SH)
        yield


@contextmanager
def refused(connection: Connection, *states: str) -> Iterator[None]:
    """What is inside fails with one of the SQLSTATEs; the transaction goes on."""
    with pytest.raises(DBAPIError) as error, connection.begin_nested():
        yield
    assert refusal(error.value) in states, error.value.orig
