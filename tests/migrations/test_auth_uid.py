"""auth.uid() is a platform's where there is one, and ours elsewhere: made when missing, dropped when it is ours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from hedgerow import Scope, open_session
from hedgerow.customers import Customer
from hedgerow.migrations import MigrationError
from hedgerow.migrations.check import check
from hedgerow.migrations.commands import downgrade, upgrade
from hedgerow.migrations.scratch import Databases, given
from hedgerow.seeding import World, seed
from hedgerow.tenancy.seed import user_ids

from .conftest import catalogue_of, execute

# As a Supabase database brings it along, with tables beside it.
PLATFORM = (
    "CREATE SCHEMA auth",
    """CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
         SELECT coalesce(
             nullif(current_setting('request.jwt.claim.sub', true), ''),
             (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
         )::uuid
       $$""",
    "COMMENT ON FUNCTION auth.uid() IS 'Deprecated. Use auth.jwt() -> ''sub'' instead.'",
    "CREATE TABLE auth.users (id uuid PRIMARY KEY)",
    "GRANT USAGE ON SCHEMA auth TO PUBLIC",
)
ADA, CARLA = user_ids(World(1))[:2]
THERE = text("SELECT to_regprocedure('auth.uid()') IS NOT NULL, to_regnamespace('auth') IS NOT NULL")


def there(database: Any) -> tuple[bool, bool]:
    """Whether the function and the schema exist."""
    with database.admin() as admin:
        function, schema = admin.execute(THERE).one()
        return function, schema


def definition(database: Any) -> Any:
    with database.admin() as admin:
        return admin.execute(
            text("""SELECT pg_get_functiondef(oid), proowner, obj_description(oid, 'pg_proc')
                      FROM pg_proc WHERE oid = 'auth.uid()'::regprocedure""")
        ).one()


@pytest.fixture
def platform(empty_database: Any) -> Any:
    execute(empty_database, *PLATFORM)
    return empty_database


def test_ours_comes_and_goes_with_the_revisions(empty_database: Any) -> None:
    upgrade(empty_database.url("owner"))
    assert there(empty_database) == (True, True)
    downgrade(empty_database.url("owner"), "base")
    assert there(empty_database) == (False, False)


def test_a_platforms_is_neither_changed_nor_dropped(platform: Any) -> None:
    before = definition(platform)
    upgrade(platform.url("owner"))
    assert definition(platform) == before
    downgrade(platform.url("owner"), "base")
    assert definition(platform) == before
    upgrade(platform.url("owner"))


def test_a_schema_of_somebody_else_stays_and_gets_the_function(empty_database: Any) -> None:
    # Another product's: it has the name, and no function.
    execute(empty_database, "CREATE SCHEMA auth", "GRANT ALL ON SCHEMA auth TO hedgerow_owner")
    upgrade(empty_database.url("owner"))
    assert there(empty_database) == (True, True)
    downgrade(empty_database.url("owner"), "base")
    assert there(empty_database) == (False, True)


def test_a_function_of_another_type_is_refused(empty_database: Any) -> None:
    execute(
        empty_database,
        "CREATE SCHEMA auth",
        "CREATE FUNCTION auth.uid() RETURNS text LANGUAGE sql RETURN 'x'",
        "GRANT USAGE ON SCHEMA auth TO PUBLIC",
    )
    with pytest.raises(MigrationError, match="does not return uuid"):
        upgrade(empty_database.url("owner"))


def test_the_check_is_content_in_both_cases(empty_database: Any, make: Databases, fresh_database: Any) -> None:
    upgrade(empty_database.url("owner"))
    assert check(empty_database.url("owner"), make).clean
    other = fresh_database(None)
    execute(other, *PLATFORM)
    upgrade(other.url("owner"))
    assert check(other.url("owner"), make).clean
    assert not [entry for entry in catalogue_of(other) if "auth.users" in entry.name], (
        "what is not ours is not looked at"
    )
    # A scratch database on a platform's server has the platform's schema, and counts as empty.
    scratch = fresh_database(None)
    execute(scratch, *PLATFORM)
    assert check(other.url("owner"), given(scratch.url("owner"))).clean
    assert check(empty_database.url("owner"), given(scratch.url("owner"))).clean


def test_the_check_notices_when_nothing_says_who_asks(empty_database: Any, make: Databases) -> None:
    upgrade(empty_database.url("owner"))
    execute(empty_database, "DROP FUNCTION auth.uid() CASCADE")
    assert "function auth.uid() is missing" in {str(d) for d in check(empty_database.url("owner"), make).differences}


@pytest.mark.parametrize("kind", ["ours", "platform"])
def test_the_scope_says_who_asks(kind: str, empty_database: Any) -> None:
    """Not what a pool has left in the session: neither setting of a request stays in the way."""
    if kind == "platform":
        execute(empty_database, *PLATFORM)
    upgrade(empty_database.url("owner"))
    seed(empty_database.url("owner"), tenants=1)
    engine = empty_database.scoped_engine("app")

    def names(user: UUID | None) -> set[str]:
        with open_session(Scope(World(1).tenant_id, user_id=user), engine=engine) as session:
            return set(session.scalars(select(Customer.name)))

    everybody, carlas = names(ADA), names(CARLA)
    assert carlas < everybody
    assert names(None) == set()
    leftovers = {
        "request.jwt.claim.sub": str(ADA),
        "request.jwt.claims": f'{{"sub": "{ADA}", "role": "authenticated"}}',
    }
    with empty_database.admin() as admin:
        for setting, value in leftovers.items():
            admin.execute(text(f"ALTER ROLE hedgerow_session SET {setting} = '{value}'"))
        try:
            assert names(None) == set()
            assert names(CARLA) == carlas
            with open_session(Scope(World(1).tenant_id, user_id=CARLA), engine=engine) as session:
                claims = "SELECT current_setting('request.jwt.claims')::jsonb"
                assert session.scalar(text(claims)) == {"sub": str(CARLA), "role": "authenticated"}
        finally:
            for setting in leftovers:
                admin.execute(text(f"ALTER ROLE hedgerow_session RESET {setting}"))
    engine.dispose()
