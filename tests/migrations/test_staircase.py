"""Every revision goes up, down and up again, and leaves the same database each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from hedgerow.migrations import Catalogue, diff
from hedgerow.migrations.check import check, declared_catalogue
from hedgerow.migrations.commands import downgrade, upgrade
from hedgerow.migrations.scratch import Databases

from .conftest import catalogue_of, execute, revisions

Make = Callable[[str | None], Any]
each = pytest.mark.parametrize("revision", revisions())

USES_OF_LATER_VALUES = ("DELETE FROM ml_shap_analyses WHERE analysis_type = 'local_realtime'",)
"""Rows that no earlier revision could hold, and that make the way down refuse."""


def before(revision: str) -> str:
    return ("base", *revisions())[revisions().index(revision)]


@each
def test_up_down_up_on_an_empty_database(revision: str, catalogues: dict[str, Catalogue], fresh_database: Make) -> None:
    database = fresh_database(None)
    upgrade(database.url("owner"), revision)
    assert diff(catalogues[revision], catalogue_of(database)) == []
    downgrade(database.url("owner"), "-1")
    assert diff(catalogues[before(revision)], catalogue_of(database)) == []
    upgrade(database.url("owner"), "+1")
    assert diff(catalogues[revision], catalogue_of(database)) == []


@each
def test_up_down_up_on_a_seeded_database(
    revision: str, catalogues: dict[str, Catalogue], fresh_database: Make, seeded_template: str
) -> None:
    database = fresh_database(seeded_template)
    execute(database, *USES_OF_LATER_VALUES)
    for target in (revision, before(revision)):
        downgrade(database.url("owner"), target, allow_data_loss=True)
        assert diff(catalogues[target], catalogue_of(database)) == []
    kept = rows(database)
    upgrade(database.url("owner"), revision)
    assert diff(catalogues[revision], catalogue_of(database)) == []
    assert rows(database).items() >= kept.items()


def test_all_the_way_down_and_up_again(
    catalogues: dict[str, Catalogue], fresh_database: Make, seeded_template: str
) -> None:
    database = fresh_database(seeded_template)
    execute(database, *USES_OF_LATER_VALUES)
    downgrade(database.url("owner"), "base", allow_data_loss=True)
    assert diff(catalogues["base"], catalogue_of(database)) == []
    upgrade(database.url("owner"))
    assert diff(catalogues[revisions()[-1]], catalogue_of(database)) == []


def test_the_last_revision_is_what_is_declared(catalogues: dict[str, Catalogue], make: Databases) -> None:
    assert diff(declared_catalogue(make), catalogues[revisions()[-1]]) == []


def test_the_check_is_content_with_a_database_at_head(database: Any, make: Databases) -> None:
    report = check(database.url("owner"), make)
    assert report.clean
    assert report.current == revisions()[-1]


def test_the_check_names_pending_revisions(empty_database: Any, make: Databases) -> None:
    upgrade(empty_database.url("owner"), revisions()[1])
    report = check(empty_database.url("owner"), make)
    assert not report.clean
    assert list(report.pending) == revisions()[2:]


def rows(database: Any) -> dict[str, int]:
    """Number of rows of each table."""
    with database.admin() as connection:
        names = connection.scalars(
            text(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        )
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in names if name != "alembic_version"
        }
