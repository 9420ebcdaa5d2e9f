"""Migrations: from declared objects to revisions, from revisions to databases, and the proof that both agree.

Comes in: models and manifests. Goes out: revisions (:mod:`~hedgerow.migrations.revise`), databases at a revision
(:func:`upgrade`, :func:`downgrade`), and the differences between a database and what is declared
(:mod:`~hedgerow.migrations.check`). Revisions use the operations of :mod:`~hedgerow.migrations.operations` and
import nothing from here.
"""

from hedgerow.migrations.catalogue import Catalogue, Difference, Entry, Key, diff, read_catalogue
from hedgerow.migrations.commands import downgrade, upgrade
from hedgerow.migrations.config import alembic_config
from hedgerow.migrations.errors import DataLossError, MigrationError, ScratchDatabaseError
from hedgerow.migrations.scratch import build_scratch

__all__ = [
    "Catalogue",
    "DataLossError",
    "Difference",
    "Entry",
    "Key",
    "MigrationError",
    "ScratchDatabaseError",
    "alembic_config",
    "build_scratch",
    "diff",
    "downgrade",
    "read_catalogue",
    "upgrade",
]
