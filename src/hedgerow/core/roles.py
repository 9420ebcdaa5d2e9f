"""Who may do what: the group roles of the database.

They are NOLOGIN and hold the grants; people and services log in with roles of their own that are members of one of
them. They are created when missing and never dropped, since roles belong to the whole cluster.

    hedgerow_owner      owns the schema and runs migrations; the walls hold for it too
    hedgerow_app        application sessions: read and write, of the splits train, validation and unassigned
    hedgerow_evaluator  a hedgerow_app that may also open test and holdout
    hedgerow_readonly   reads what hedgerow_app reads, writes nothing
    hedgerow_auditor    reads the audit trail and the logs of a tenant, nothing else
"""

from __future__ import annotations

from typing import Final

APP_ROLE: Final = "hedgerow_app"
"""Group role of application sessions: neither owner nor superuser."""

EVALUATOR_ROLE: Final = "hedgerow_evaluator"
"""Group role of those who may open ``test`` and ``holdout``; has the grants of :data:`APP_ROLE` as a member of it."""

READONLY_ROLE: Final = "hedgerow_readonly"
"""Group role of those who only read."""

AUDITOR_ROLE: Final = "hedgerow_auditor"
"""Group role of those who read the audit trail and the logs."""

GROUPS: Final = (APP_ROLE, EVALUATOR_ROLE, READONLY_ROLE, AUDITOR_ROLE)
"""Every group role."""

LARGE_OBJECTS: Final = (
    "lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea), lo_get(oid), "
    "lo_get(oid, bigint, integer), lo_open(oid, integer), loread(integer, integer), lowrite(integer, bytea), "
    "lo_truncate(integer, integer), lo_truncate64(integer, bigint), lo_unlink(oid), lo_import(text), "
    "lo_import(text, oid), lo_export(oid, text)"
)
"""Functions that only a superuser may keep, and takes from PUBLIC: no policy looks at large objects.

Whoever may call them could store what was seen in a sealed split where every login reads it. They belong to the server,
so no revision can say it: the owner of the schema is no superuser.
"""

GRANTED: Final = (APP_ROLE, READONLY_ROLE, AUDITOR_ROLE)
"""The group roles that hold grants of their own."""
