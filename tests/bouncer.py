"""PgBouncer in transaction mode before the test server: clients share its few connections, a transaction at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from hedgerow.core.embedded.bootstrap import SESSION
from hedgerow.core.embedded.process import server_account

PROGRAM = shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
PORT = 6432

CONFIG = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {sockets}
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
pidfile = {sockets}/pgbouncer.pid
logfile = {sockets}/pgbouncer.log
"""


def require_pgbouncer() -> str:
    """Path of the program; skips where it is not installed."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    return PROGRAM


@contextmanager
def bouncing(url: URL, *, connections: int) -> Iterator[URL]:
    """The URL of the same database behind a PgBouncer that holds that many connections to the server.

    What one client leaves on a connection stays there for the next: the harder case, which nobody should configure.
    """
    program, account = require_pgbouncer(), server_account()
    # Short: the path of a socket has room for some hundred characters.
    directory = Path(tempfile.mkdtemp(prefix="hedgerow-pool-"))
    settings = CONFIG.format(
        host=url.query["host"],
        port=url.query.get("port", 5432),
        user=SESSION,
        own_port=PORT,
        sockets=directory,
        connections=connections,
    )
    (directory / "pgbouncer.ini").write_text(settings, encoding="utf-8")
    if account.switch:
        os.chown(directory, account.uid, account.gid)
    directory.chmod(0o755)
    process = subprocess.Popen(
        [program, "-q", str(directory / "pgbouncer.ini")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # It refuses to run as root.
        user=account.uid if account.switch else None,
        group=account.gid if account.switch else None,
        extra_groups=[] if account.switch else None,
    )
    own = url.update_query_dict({"host": str(directory), "port": str(PORT)})
    try:
        _wait(process, own)
        yield own
    finally:
        process.terminate()
        process.communicate(timeout=10)
        shutil.rmtree(directory, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], url: URL) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(
                host=str(url.query["host"]), port=PORT, user=url.username, dbname=url.database, connect_timeout=5
            ).close()
        except psycopg.OperationalError:
            if process.poll() is not None:
                output = process.communicate()[0].decode(errors="replace")
                raise AssertionError(f"pgbouncer ended: {output}") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
