"""Lock 1, the filter: every statement an engine compiles is restricted to the scope of its transaction.

What comes in: any SQLAlchemy statement, ORM or Core, on an engine that :func:`install_filter` was called for.
What goes out: the same statement, in which each scoped relation stands as ``(SELECT * FROM t WHERE <in scope>)``
and each write carries the same predicate. The values of the predicate are bind parameters that are filled from
the scope of the connection's transaction when the statement runs; they are no part of the statement or of its
cache key, so one compiled statement serves every scope.

    registry   which relations are scoped, by name
    opened     the scope of a running transaction, and the bind parameters that it fills
    compiler   how a statement is rendered
    inserts    how rows get their tenant
    grouping   what follows from a grouped primary key
    rawsql     what raw text may say
    facts      what the compiler leaves for the moment of execution
    context    what is checked when a statement runs
    opening    the first statement of a transaction
    translate  the database's refusals, as our errors
"""

from __future__ import annotations

from hedgerow.core.filter.install import filtered, install_filter
from hedgerow.core.filter.opened import OpenScope, scope_of
from hedgerow.core.filter.opening import open_scope
from hedgerow.core.filter.rawsql import unscoped_sql
from hedgerow.core.filter.registry import Entry, ScopeRegistry, default_registry

__all__ = [
    "Entry",
    "OpenScope",
    "ScopeRegistry",
    "default_registry",
    "filtered",
    "install_filter",
    "open_scope",
    "scope_of",
    "unscoped_sql",
]
