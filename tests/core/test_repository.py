"""Every repository, over either driver: what it finds, what it changes, and what it refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hedgerow import registry
from hedgerow.agents.repository import AsyncAgentRegistryRepository
from hedgerow.core.errors import AppendOnlyError, ScopeError, SplitAccessError
from hedgerow.core.repository import (
    AsyncBaseRepository,
    AsyncRepositoryContract,
    AsyncSplitAwareRepository,
    BaseRepository,
    FilterError,
    ReadOnlyError,
    RepositoryContract,
    RowNotFoundError,
    SplitAwareRepository,
    filters,
)
from hedgerow.core.scope import Split
from hedgerow.patients.models import HcpProfile, PatientJourney, TreatmentEvent
from hedgerow.patients.repository import AsyncPatientJourneyRepository, PatientJourneyRepository
from hedgerow.predictions.models import Prediction
from hedgerow.splits.models import LeakageAudit
from hedgerow.tenancy.models import User
from world import OTHER, TENANT, World, make_world, patients


class UserRepository(BaseRepository[User]):
    model_class = User


class AsyncUserRepository(AsyncBaseRepository[User]):
    sync_class = UserRepository


class AuditRepository(BaseRepository[LeakageAudit]):
    model_class = LeakageAudit


class AsyncAuditRepository(AsyncBaseRepository[LeakageAudit]):
    sync_class = AuditRepository


class EventRepository(SplitAwareRepository[TreatmentEvent]):
    model_class = TreatmentEvent


class AsyncEventRepository(AsyncSplitAwareRepository[TreatmentEvent]):
    sync_class = EventRepository


class HcpRepository(BaseRepository[HcpProfile]):
    model_class = HcpProfile


class AsyncHcpRepository(AsyncBaseRepository[HcpProfile]):
    sync_class = HcpRepository


Ask = Callable[..., AbstractContextManager[Any]]
COUNTS = {"train": 7, "validation": 5, "test": 3, "holdout": 2}


@pytest.fixture(scope="module")
def world(module_database: Any) -> World:
    """Journeys of both tenants, the same patients in each, in every split."""
    world = make_world(module_database)
    for tenant in (TENANT, OTHER):
        with world.session(*COUNTS, tenant=tenant) as session:
            for split, number in COUNTS.items():
                for place, patient in enumerate(patients(split, number)):
                    session.add(
                        PatientJourney(
                            patient_id=patient,
                            brand=f"{tenant} brand",
                            data_source=None if place == 0 else "claims",
                            journey_stage=f"stage {place}",
                            data_sources_matched=["claims", "lab"] if place == 1 else None,
                            created_at=datetime(2024, 1, 1 + place, tzinfo=UTC),
                            geographic_region="south",
                        )
                    )
            session.commit()
    return world


@pytest.fixture(params=["psycopg", "asyncpg"])
def ask(world: World, request: pytest.FixtureRequest) -> Ask:
    """Opens a repository in a scope; what it writes is undone unless committed."""

    def opened(kind: type[AsyncBaseRepository[Any]], *splits: str, tenant: str = TENANT) -> Any:
        return world.repository(request.param, kind, world.scope(*splits, tenant=tenant))

    return opened


@pytest.fixture
def journeys(ask: Ask) -> Iterator[Any]:
    with ask(AsyncPatientJourneyRepository) as repository:
        yield repository


def refusals(world: World) -> list[tuple[str, str, str]]:
    sql = (
        "SELECT table_name, requested_split, reason FROM ml_split_access_log"
        " WHERE tenant_id = :t AND NOT allowed ORDER BY accessed_at"
    )
    return [tuple(row) for row in world.admin(sql, t=TENANT)]


def id_of(world: World, split: str, tenant: str = TENANT) -> UUID:
    sql = "SELECT id FROM patient_journeys WHERE tenant_id = :t AND split_assignment = :s ORDER BY id LIMIT 1"
    found: UUID = world.admin(sql, t=tenant, s=split)[0][0]
    return found


# --- get_by_id -------------------------------------------------------------------------------------------------


def test_by_id(journeys: Any, world: World) -> None:
    wanted = id_of(world, "train")
    for key in (wanted, str(wanted), wanted.hex):
        journey = journeys.get_by_id(key)
        assert isinstance(journey, PatientJourney)
        assert (journey.id, journey.tenant_id) == (wanted, TENANT)
    assert journeys.get_by_id(wanted, "train").id == wanted
    assert journeys.get_by_id(wanted, Split.TRAIN).id == wanted


@pytest.mark.parametrize("key", [uuid4(), "no uuid", "", "a\0b", None, 7, ["x"]])
def test_what_is_no_id_finds_no_row(journeys: Any, key: Any) -> None:
    assert journeys.get_by_id(key) is None
    assert journeys.get_by_id(key, "train") is None
    assert journeys.delete(key) is False
    with pytest.raises(RowNotFoundError, match="no row"):
        journeys.update(key, {"brand": "x"})


def test_rows_outside_of_the_scope_are_absent(journeys: Any, world: World) -> None:
    for hidden in (id_of(world, "test"), id_of(world, "holdout"), id_of(world, "train", OTHER)):
        assert journeys.get_by_id(hidden) is None
        assert journeys.delete(hidden) is False
        with pytest.raises(RowNotFoundError):
            journeys.update(hidden, {"brand": "x"})
        with pytest.raises(RowNotFoundError):
            journeys.update(hidden, {})


def test_an_id_in_another_split_is_none_and_logged(journeys: Any, world: World) -> None:
    before = refusals(world)
    assert journeys.get_by_id(id_of(world, "validation"), "train") is None
    (added,) = refusals(world)[len(before) :]
    assert added[:2] == ("patient_journeys", "train")
    assert "is in validation" in added[2]
    assert journeys.get_by_id(uuid4(), "train") is None
    assert len(refusals(world)) == len(before) + 1, "what is nowhere is no attempt"


# --- get_many --------------------------------------------------------------------------------------------------


def test_without_filters_everything_in_the_scope_in_the_order_of_the_key(journeys: Any) -> None:
    found = journeys.get_many({})
    assert len(found) == COUNTS["train"] + COUNTS["validation"]
    assert [row.id for row in found] == sorted((row.id for row in found), key=str)
    assert {row.tenant_id for row in found} == {TENANT}


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({"brand": f"{TENANT} brand"}, 12),
        ({"brand": f"{OTHER} brand"}, 0),
        ({"data_source": None}, 2),
        ({"data_source": "claims", "journey_stage": "stage 1"}, 2),
        ({"journey_stage": ["stage 0", "stage 1"]}, 4),
        ({"journey_stage": {"stage 6"}}, 1),
        ({"journey_stage": ()}, 0),
        ({"data_source": ["claims", None]}, 12),
        ({"data_source": [None]}, 2),
        ({"data_sources_matched": ["claims", "lab"]}, 2),
        ({"geographic_region": "south"}, 12),
        ({"created_at": "2024-01-02T00:00:00+00:00"}, 2),
        ({"created_at": datetime(2024, 1, 2, tzinfo=UTC)}, 2),
        ({"journey_start_date": date(2024, 1, 1)}, 0),
        ({"tenant_id": OTHER}, 0),
        ({"split_assignment": "train"}, 7),
        ({"split_assignment": ["train", Split.VALIDATION]}, 12),
        ({"split_assignment": None}, 0),
    ],
    ids=str,
)
def test_filters(journeys: Any, filters: dict[str, Any], number: int) -> None:
    assert len(journeys.get_many(filters)) == number
    assert journeys.count(filters) == number
    assert len(list(journeys.iterate(filters, page_size=2))) == number


def test_split_and_filter_only_narrow_each_other(journeys: Any) -> None:
    assert len(journeys.get_many({}, "validation")) == 5
    assert journeys.get_many({"split_assignment": "validation"}, "train") == []
    assert len(journeys.get_many({"split_assignment": ["train", "validation"]}, "train")) == 7


@pytest.mark.parametrize(
    ("filters", "what"),
    [
        ({"brandd": "x"}, "no column 'brandd'.*use one of brand, created_at, data_lag_hours"),
        ({"events": 1}, "no column 'events'"),
        ({"": 1}, "no column ''"),
        ({"id": "no uuid"}, "'no uuid' is not a value of id"),
        ({"brand": 7}, "7 is not a value of brand: it is int, not str"),
        ({"brand": ["a", 7]}, "7 is not a value of brand"),
        ({"brand": "a\0"}, "PostgreSQL stores no NUL"),
        ({"brand": "\ud800"}, "lone surrogate"),
        ({"data_lag_hours": "7"}, "'7' is not a value of data_lag_hours"),
        ({"data_lag_hours": True}, "it is a truth value"),
        ({"source_stacking_flag": "yes"}, "'yes' is not a value of source_stacking_flag"),
        ({"created_at": datetime(2024, 1, 1)}, "it has no time zone"),
        ({"created_at": "yesterday"}, "'yesterday' is not a value of created_at"),
        ({"journey_start_date": datetime(2024, 1, 1, tzinfo=UTC)}, "it is a time, not a day"),
        ({"geographic_region": "moon"}, "'moon' is not a valid Region"),
        ({"split_assignment": "trian"}, "'trian' is not a split.*use one of train, validation"),
    ],
    ids=str,
)
def test_a_filter_that_does_not_fit_is_an_error(journeys: Any, filters: dict[str, Any], what: str) -> None:
    with pytest.raises(FilterError, match=what):
        journeys.get_many(filters)
    with pytest.raises(FilterError, match=what):
        journeys.get_many(filters, limit=0)


@pytest.mark.parametrize("value", ["0.5", True])
def test_a_floating_point_column_takes_numbers_only(value: Any) -> None:
    """Its type is no Numeric to SQLAlchemy 2.1."""
    with pytest.raises(FilterError, match="prediction_score: it is"):
        filters.coerced(Prediction, "prediction_score", value)


def test_limit_and_offset(journeys: Any) -> None:
    everything = [row.id for row in journeys.get_many({})]
    assert journeys.get_many({}, limit=0) == []
    assert [row.id for row in journeys.get_many({}, limit=5)] == everything[:5]
    assert [row.id for row in journeys.get_many({}, limit=5, offset=10)] == everything[10:]
    assert journeys.get_many({}, offset=99) == []


@pytest.mark.parametrize("numbers", [{"limit": -1}, {"offset": -1}, {"limit": 1.5}, {"limit": True}, {"limit": None}])
def test_what_is_no_count_is_refused(journeys: Any, numbers: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match="is not a count"):
        journeys.get_many({}, **numbers)


def test_the_default_limit_is_a_hundred(world: World) -> None:
    with world.session() as session:
        for patient in patients("train", 130, "L"):
            session.add(PatientJourney(patient_id=patient, brand="limit"))
        repository = PatientJourneyRepository(session)
        assert len(repository.get_many({"brand": "limit"})) == 100
        assert len(repository.get_training_data({"brand": "limit"})) == 130
        assert len(repository.get_by_brand("limit")) == 130


# --- Pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 6, 12, 13, 1000])
def test_pages_give_each_row_once(journeys: Any, page_size: int) -> None:
    everything = [row.id for row in journeys.get_many({})]
    assert [row.id for row in journeys.iterate(page_size=page_size)] == everything
    sizes = [len(page) for page in journeys.pages(page_size=page_size)]
    assert sum(sizes) == 12
    assert all(size == page_size for size in sizes[:-1])
    assert 0 not in sizes


def test_the_caller_may_commit_between_pages(world: World) -> None:
    with world.session() as session:
        seen = []
        for journey in PatientJourneyRepository(session).iterate(page_size=2):
            seen.append(journey.id)
            session.commit()
        assert len(set(seen)) == 12


@pytest.mark.parametrize("page_size", [0, -1, None, 2.5, True])
def test_what_is_no_page_size_is_refused_at_once(world: World, page_size: Any) -> None:
    with world.session() as session, pytest.raises(FilterError, match="page size"):
        PatientJourneyRepository(session).iterate(page_size=page_size)


# --- Splits ----------------------------------------------------------------------------------------------------


def test_training_and_validation_data_are_whole(journeys: Any) -> None:
    assert [row.split_assignment for row in journeys.get_training_data()] == ["train"] * 7
    assert [row.split_assignment for row in journeys.get_validation_data()] == ["validation"] * 5
    assert len(journeys.get_training_data({"journey_stage": "stage 0"})) == 1


@pytest.mark.parametrize("split", ["test", Split.HOLDOUT])
@pytest.mark.parametrize(
    "request_",
    [
        lambda repository, split: repository.get_many({}, split),
        lambda repository, split: repository.get_many({}, split, limit=0),
        lambda repository, split: repository.get_many({"split_assignment": split}),
        lambda repository, split: repository.get_many({"split_assignment": ["train", split]}),
        lambda repository, split: repository.get_by_id(uuid4(), split),
        lambda repository, split: repository.get_by_id("no uuid", split),
        lambda repository, split: list(repository.iterate(split=split)),
        lambda repository, split: repository.count(split=split),
        lambda repository, split: repository.get_by_brand("x", split),
        lambda repository, split: repository.get_cross_source_matches("x", split),
    ],
)
def test_a_sealed_split_is_refused_and_logged(journeys: Any, world: World, split: Any, request_: Any) -> None:
    before = refusals(world)
    with pytest.raises(
        SplitAccessError, match=f"{Split(split).value!r} is not in the scope.*open a session"
    ) as refused:
        request_(journeys, split)
    assert (refused.value.split, refused.value.table) == (Split(split).value, "patient_journeys")
    assert refusals(world)[len(before) :] == [
        ("patient_journeys", Split(split).value, "the scope does not hold the split, logged in as hedgerow_session")
    ]


def test_an_evaluation_scope_offers_what_it_holds(ask: Ask) -> None:
    with ask(AsyncPatientJourneyRepository, "test") as repository:
        assert len(repository.get_many({}, "test")) == len(repository.get_many({})) == 3
        for refused in (repository.get_training_data, repository.get_validation_data):
            with pytest.raises(SplitAccessError, match="is not in the scope"):
                refused()
        with pytest.raises(SplitAccessError):
            repository.get_many({}, "holdout")


def test_a_table_without_splits_has_none_to_ask_for(ask: Ask) -> None:
    with ask(AsyncUserRepository) as users, pytest.raises(FilterError, match="knows no splits"):
        users.get_many({}, "train")


# --- create ----------------------------------------------------------------------------------------------------


def test_create_fills_in_tenant_defaults_and_split(ask: Ask) -> None:
    (patient,) = patients("validation", 1, "NEW")
    with ask(AsyncPatientJourneyRepository) as repository:
        journey = repository.create(PatientJourney(patient_id=patient, brand="b"))
        assert (journey.tenant_id, journey.split_assignment) == (TENANT, "validation")
        assert isinstance(journey.id, UUID)
        assert journey.created_at is not None
        assert journey.split_config_id is not None
        assert repository.get_by_id(journey.id) is journey


def test_create_outside_of_the_scope_is_refused(ask: Ask) -> None:
    (patient,) = patients("holdout", 1, "NEW")
    with ask(AsyncPatientJourneyRepository) as repository, pytest.raises(SplitAccessError):
        repository.create(PatientJourney(patient_id=patient, brand="b"))


def test_create_takes_its_own_model_only(journeys: Any) -> None:
    with pytest.raises(TypeError, match="stores PatientJourney, not User"):
        journeys.create(User(email="x"))


# --- update ----------------------------------------------------------------------------------------------------


@pytest.fixture
def writable_users(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets sessions write users, which they may not: of the tables so far it alone deletes softly."""
    monkeypatch.setattr(User, "__app_privileges__", ("SELECT", "INSERT", "UPDATE", "DELETE"))
    world.admin("GRANT INSERT, UPDATE, DELETE ON users TO hedgerow_app")
    yield
    world.admin("REVOKE INSERT, UPDATE, DELETE ON users FROM hedgerow_app")


@pytest.mark.usefixtures("writable_users")
def test_update_changes_the_columns_and_returns_the_row(ask: Ask) -> None:
    with ask(AsyncUserRepository) as users:
        email = f"{uuid4()}@example.org"
        user = users.create(User(email=email))
        users.session.commit()
        users.session.refresh(user)
        stamped = user.updated_at
        changed = users.update(str(user.id), {"full_name": "U", "is_active": False})
        assert changed is user
        assert (user.full_name, user.is_active, user.email) == ("U", False, email)
        assert user.updated_at > stamped, "what triggers write comes back too"
        assert users.update(user.id, {}) is user
        assert users.get_many({"email": email, "full_name": "U"}) == [user]


@pytest.mark.parametrize("name", ["id", "tenant_id", "split_assignment"])
def test_what_is_fixed_cannot_be_updated(journeys: Any, world: World, name: str) -> None:
    with pytest.raises(ReadOnlyError, match=f"{name} cannot be changed"):
        journeys.update(id_of(world, "train"), {"brand": "x", name: "train"})


def test_an_unknown_column_cannot_be_updated(journeys: Any, world: World) -> None:
    with pytest.raises(FilterError, match="no column 'colour'"):
        journeys.update(id_of(world, "train"), {"colour": "x"})


# --- delete ----------------------------------------------------------------------------------------------------


def test_delete_tells_whether_a_row_went_away(ask: Ask) -> None:
    (patient,) = patients("train", 1, "DEL")
    with ask(AsyncPatientJourneyRepository) as repository:
        journey = repository.create(PatientJourney(patient_id=patient, brand="b"))
        key = journey.id
        assert repository.delete(key) is True
        assert repository.get_by_id(key) is None
        assert repository.delete(key) is False


@pytest.mark.usefixtures("writable_users")
def test_soft_deleted_rows_behave_as_absent(ask: Ask, world: World) -> None:
    with ask(AsyncUserRepository) as users:
        user = users.create(User(email=f"{uuid4()}@example.org"))
        key, email = user.id, user.email
        assert users.delete(key) is True
        assert users.get_by_id(key) is None
        assert users.get_many({"email": email}) == []
        assert users.count({"email": email}) == 0
        assert users.delete(key) is False
        for updates in ({"full_name": "x"}, {}):
            with pytest.raises(RowNotFoundError):
                users.update(key, updates)
        users.session.commit()
    ((deleted_at,),) = world.admin("SELECT deleted_at FROM users WHERE id = :id", id=key)
    assert deleted_at is not None, "the row is kept"


def test_append_only_rows_are_created_and_nothing_else(ask: Ask) -> None:
    with ask(AsyncAuditRepository) as audits:
        audit = audits.create(LeakageAudit(check_type="x", passed=True, severity="info"))
        with pytest.raises(AppendOnlyError, match="cannot be updated: the table is append-only"):
            audits.update(audit.audit_id, {"passed": False})
        with pytest.raises(AppendOnlyError, match="cannot be deleted: the table is append-only"):
            audits.delete(audit.audit_id)
        assert audits.get_by_id(audit.audit_id).passed is True


def test_reference_rows_are_read_only(ask: Ask) -> None:
    with ask(AsyncAgentRegistryRepository) as agents:
        (agent,) = agents.get_many({"agent_name": "explainer"})
        for change in (
            lambda: agents.update(agent.id, {"tier": 1}),
            lambda: agents.delete(agent.id),
            lambda: agents.create(type(agent)(agent_name="x", tier=1)),
        ):
            with pytest.raises(ReadOnlyError, match="Application sessions may not"):
                change()


# --- Keys of other names, models, and the rules for subclasses ---------------------------------------------------


def test_keys_have_other_names(ask: Ask) -> None:
    assert (EventRepository.primary_key, EventRepository.table_name) == ("treatment_event_id", "treatment_events")
    (patient,) = patients("train", 1)
    with ask(AsyncHcpRepository) as hcps:
        hcps.create(HcpProfile(hcp_id="H-1", specialty="oncology"))
        assert hcps.get_by_id("H-1").specialty == "oncology"
        assert hcps.update("H-1", {"decile": 3}).decile == 3
        assert hcps.delete("H-1") is True
    with ask(AsyncEventRepository) as events:
        for number in (2, 10, 1):
            events.create(
                TreatmentEvent(treatment_event_id=f"E{number}", patient_id=patient, event_date=date(2024, 1, number))
            )
        assert sorted(row.treatment_event_id for row in events.iterate(page_size=1)) == ["E1", "E10", "E2"]
        assert len(events.get_training_data()) == 3


def test_to_model(world: World) -> None:
    with world.session() as session:
        repository = UserRepository(session)
        assert repository._to_model(None) is None
        user = User(email="x")
        assert repository._to_model(user) is user
        assert repository._to_model({"email": "y"}).email == "y"
        with pytest.raises(FilterError, match="no column 'colour'"):
            repository._to_model({"colour": "y"})


def test_a_repository_needs_a_session_of_its_kind_with_a_scope(world: World) -> None:
    with world.session() as session:
        with pytest.raises(TypeError, match="needs an AsyncSession, not ScopedSession"):
            AsyncUserRepository(session)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="needs a Session, not Connection"):
            UserRepository(session.connection())  # type: ignore[arg-type]
    plain: Engine = world.database.engine("owner")
    with Session(plain) as unscoped, pytest.raises(ScopeError, match="has no scope"):
        PatientJourneyRepository(unscoped).get_many({}, "train")


def test_a_split_aware_repository_is_of_a_split_aware_table() -> None:
    with pytest.raises(TypeError, match="users knows no splits"):

        class Wrong(SplitAwareRepository[User]):
            model_class = User


def repositories(base: type[Any]) -> list[type[Any]]:
    """The repositories of every domain in the registry, in the order of their names."""
    names = [name for name in registry.NAMES if find_spec(f"hedgerow.{name}.repository")]
    modules = [import_module(f"hedgerow.{name}.repository") for name in names]
    return sorted(
        {
            kind
            for module in modules
            for kind in vars(module).values()
            # Those that it only imports are of the core, or of another domain.
            if isinstance(kind, type) and issubclass(kind, base) and kind.__module__.startswith(module.__name__)
        },
        key=lambda kind: kind.__name__,
    )


def contracts() -> list[type[AsyncBaseRepository[Any]]]:
    return repositories(AsyncBaseRepository)


def test_every_repository_has_an_asynchronous_twin() -> None:
    twins = {kind.sync_class for kind in contracts()}
    assert len(twins) > 40, "they were found"
    assert [kind for kind in repositories(BaseRepository) if kind not in twins and "model_class" in vars(kind)] == []


@pytest.mark.parametrize("kind", contracts(), ids=lambda kind: kind.__name__)
def test_every_question_can_be_awaited(kind: type[AsyncBaseRepository[Any]]) -> None:
    """The asynchronous twin of each repository has each of its questions; statements and executors stay inside."""
    inside = {"select", "matching", "ordered", "rows", "first", "table", "table_name", "primary_key", "model_class"}
    questions = {name for name in dir(kind.sync_class) if not name.startswith("_")} - inside
    assert questions <= set(dir(kind))
    assert kind.__name__ == f"Async{kind.sync_class.__name__}"
    assert issubclass(kind, AsyncSplitAwareRepository) == issubclass(kind.sync_class, SplitAwareRepository)


@pytest.mark.parametrize(
    ("contract", "kind"),
    [(RepositoryContract, PatientJourneyRepository), (AsyncRepositoryContract, AsyncPatientJourneyRepository)],
)
def test_the_contract_is_kept(contract: type[Any], kind: type[Any]) -> None:
    """Each question of the contract is there, with its parameters, defaults and way of being called."""
    questions = {name for name in vars(contract) if not name.startswith("_")}
    assert questions == {"get_by_id", "get_many", "create", "update", "delete"}
    for name in questions:
        promised, kept = getattr(contract, name), getattr(kind, name)
        assert str(inspect.signature(promised)) == str(inspect.signature(kept)), name
        assert inspect.iscoroutinefunction(promised) == inspect.iscoroutinefunction(kept), name
