"""Taking a value out of an enum type: everything that depends on the type comes back, and no row is ever lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hedgerow.migrations import MigrationError, diff
from hedgerow.migrations.commands import downgrade
from hedgerow.migrations.operations import AddEnumValueOp, DropEnumValueOp

from .conftest import catalogue_of, execute, revisions

WORLD = """
CREATE TYPE mood AS ENUM ('calm', 'glad', 'sad');
COMMENT ON TYPE mood IS 'How somebody feels';
REVOKE ALL ON TYPE mood FROM PUBLIC;
GRANT USAGE ON TYPE mood TO hedgerow_app;
CREATE TABLE person (
    id int PRIMARY KEY, mood mood NOT NULL DEFAULT 'calm', past mood[] NOT NULL DEFAULT '{calm}', note text,
    CONSTRAINT no_gladness_without_note CHECK (mood <> 'glad' OR note IS NOT NULL)
);
COMMENT ON COLUMN person.mood IS 'Now';
COMMENT ON CONSTRAINT no_gladness_without_note ON person IS 'Say why';
CREATE TABLE calendar (day date, mood mood, UNIQUE (day, mood));
CREATE INDEX plain ON person (mood);
CREATE INDEX partial ON person (id) WHERE mood = 'glad';
COMMENT ON INDEX partial IS 'The glad ones';
CREATE FUNCTION opposite(m mood) RETURNS mood LANGUAGE sql IMMUTABLE
RETURN CASE m WHEN 'glad'::mood THEN 'calm'::mood ELSE m END;
REVOKE ALL ON FUNCTION opposite FROM PUBLIC;
GRANT EXECUTE ON FUNCTION opposite TO hedgerow_app;
COMMENT ON FUNCTION opposite IS 'Not really';
CREATE VIEW people WITH (security_invoker = true) AS
SELECT id, mood, opposite(mood) AS other FROM person WHERE mood <> 'glad';
COMMENT ON VIEW people IS 'Those who are not glad';
COMMENT ON COLUMN people.other IS 'Not really';
GRANT SELECT ON people TO hedgerow_app;
GRANT SELECT (id) ON person TO hedgerow_app;
CREATE VIEW counted AS SELECT other, count(*) AS number FROM people GROUP BY other;
CREATE FUNCTION sigh() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER sighing BEFORE UPDATE OF mood ON person FOR EACH ROW WHEN (NEW.mood = 'calm') EXECUTE FUNCTION sigh();
ALTER TABLE person DISABLE TRIGGER sighing;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
CREATE POLICY only_calm ON person AS RESTRICTIVE USING (mood = 'calm');
COMMENT ON POLICY only_calm ON person IS 'Hides the others';
"""


def run(database: Any, *statements: str) -> None:
    engine = create_engine(database.url("owner"), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@pytest.fixture
def world(empty_database: Any) -> Any:
    execute(empty_database, "SELECT 1")
    run(empty_database, WORLD)
    return empty_database


def test_everything_is_restored(world: Any) -> None:
    before = catalogue_of(world)
    execute(world, "INSERT INTO person VALUES (1, 'calm', '{calm}', NULL), (2, 'glad', '{glad,calm}', 'why not')")
    run(world, AddEnumValueOp("mood", "tired", after="glad").sql())
    run(world, DropEnumValueOp("mood", "tired").sql())
    assert diff(before, catalogue_of(world)) == []
    with world.admin() as connection:
        rows = connection.exec_driver_sql("SELECT id, mood::text, past::text FROM person ORDER BY id").all()
    assert rows == [(1, "calm", "{calm}"), (2, "glad", "{glad,calm}")]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("INSERT INTO person (id, mood) VALUES (1, 'sad')", "1 rows of person.mood"),
        ("INSERT INTO person (id, past) VALUES (1, '{calm,sad}')", "1 rows of person.past"),
        ("INSERT INTO calendar VALUES ('2026-01-01', 'sad')", "1 rows of calendar.mood"),
    ],
)
def test_a_value_in_use_stays(world: Any, row: str, place: str) -> None:
    execute(world, row)
    before = catalogue_of(world)
    with pytest.raises(DBAPIError, match=place) as refusal:
        run(world, DropEnumValueOp("mood", "sad").sql())
    assert getattr(refusal.value.orig, "sqlstate", None) == "23503"
    assert diff(before, catalogue_of(world)) == []


def test_an_unknown_value_is_an_error(world: Any) -> None:
    with pytest.raises(DBAPIError, match="has no value 'angry'"):
        run(world, DropEnumValueOp("mood", "angry").sql())


def test_explanations_on_request_stand_in_the_way_of_the_downgrade(seeded_template: str, fresh_database: Any) -> None:
    database = fresh_database(seeded_template)
    with database.admin() as connection:
        used = "SELECT count(*) FROM ml_shap_analyses WHERE analysis_type = 'local_realtime'"
        assert connection.exec_driver_sql(used).scalar_one() > 0
    chain = revisions()
    before = chain[next(n for n, name in enumerate(chain) if name.endswith("shap_local_realtime")) - 1]
    with pytest.raises(MigrationError, match=r"The value 'local_realtime' of shap_analysis_type is in use"):
        downgrade(database.url("owner"), before, allow_data_loss=True)
