"""What does a feature cost that is given as it was known? The feature store beside what one would write by hand.

    frames      training_frame beside LATERAL and DISTINCT ON over a table without row-level security as superuser, and
                beside pandas.merge_asof, with the values in memory already and with reading them first
    answers     online_features beside a SELECT of the current rows by key, for one entity, 100 and 1,000
    writing     bulk_insert_feature_values beside a plain INSERT of the same JSON, in order and late

Every frame goes from the same Arrow table of pairs to an Arrow table with the same columns, and all have to be equal:
values are known an hour after they begin to hold, so that one order of time serves them all. With values that come late
or are corrected merge_asof has no answer. Prints the median of each and its ratio to the plain thing before it. Rounds
are taken in turns, so that a slow moment of the machine hits all alike.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import text

from hedgerow import Scope, open_session
from hedgerow.core.embedded import EmbeddedServer
from hedgerow.core.engine import build_engine
from hedgerow.core.session import ScopedSession
from hedgerow.core.settings import libpq_url
from hedgerow.features.repository import FeatureDefinitionRepository
from hedgerow.features.store import FeatureStore
from hedgerow.migrations.commands import upgrade
from hedgerow.splits.assignment import assign

TENANT, OTHERS, FEATURES = "BENCH_FEATURES", 20, 4
START = datetime(2022, 1, 1, tzinfo=UTC)
STEP = timedelta(days=10)
COLUMNS = [f"f{number}" for number in range(FEATURES)]
Connection = psycopg.Connection[Any]

LOAD = """
    INSERT INTO tenant (id, name) SELECT t, t FROM unnest(%(tenants)s::text[]) AS t;
    INSERT INTO ml_split_registry
           (tenant_id, config_name, data_start_date, train_end_date, validation_end_date, test_end_date, data_end_date)
    SELECT id, 'bench', '2020-01-01', '2030-12-31', '2031-06-30', '2031-12-31', '2032-12-31' FROM tenant;
    INSERT INTO ml_patient_split_assignments (tenant_id, split_config_id, patient_id, assigned_split, assignment_reason)
    SELECT c.tenant_id, c.split_config_id, p, 'train', 'hash'
      FROM ml_split_registry AS c, unnest(%(patients)s::text[]) AS p;
    INSERT INTO feature_groups (tenant_id, group_name, entity_type) SELECT id, 'labs', 'patient' FROM tenant;
    INSERT INTO feature_definitions (tenant_id, feature_name, group_id, data_type, status)
    SELECT g.tenant_id, 'f' || n, g.group_id, 'numeric', 'active'
      FROM feature_groups AS g, generate_series(0, %(features)s - 1) AS n
"""
VALUES = """
    INSERT INTO feature_values (tenant_id, feature_id, entity_id, entity_type, value, computed_at, valid_from,
                                valid_until, status, split_assignment)
    SELECT d.tenant_id, d.feature_id, p, 'patient', to_jsonb(round((random() * 100)::numeric, 3)),
           t.moment + INTERVAL '1 hour', t.moment, CASE WHEN n < %(length)s THEN t.moment + %(step)s END,
           (CASE WHEN n < %(length)s THEN 'stale' ELSE 'current' END)::feature_value_status, 'train'
      FROM feature_definitions AS d, unnest(%(patients)s::text[]) AS p, generate_series(1, %(length)s) AS n,
           LATERAL (SELECT %(start)s::timestamptz + n * %(step)s::interval AS moment) AS t
     WHERE d.tenant_id = %(tenant)s
"""
# The index that serves these questions best, without the tenant's and the split's part in anything but the key.
PLAIN = """
    CREATE TABLE plain_values AS SELECT * FROM feature_values;
    CREATE INDEX ON plain_values (tenant_id, entity_type, entity_id, feature_id, valid_from, computed_at);
    CREATE UNIQUE INDEX ON plain_values (tenant_id, feature_id, entity_type, entity_id) WHERE status = 'current';
    CREATE TABLE plain_written (LIKE feature_values INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    DROP INDEX plain_written_tenant_id_feature_id_entity_type_entity_id_idx;
    VACUUM ANALYZE plain_values;
    VACUUM ANALYZE feature_values
"""
KNOWN = """
    v.tenant_id = %(tenant)s AND v.split_assignment = 'train' AND v.entity_type = 'patient' AND v.feature_id = f.id
    AND v.entity_id = a.entity AND v.valid_from <= a.moment AND v.computed_at + INTERVAL '0' <= a.moment
    AND v.status <> 'invalid'
"""
ASKED = "unnest(%(entities)s::text[], %(moments)s::timestamptz[]) WITH ORDINALITY AS a (entity, moment, place)"
LATERAL = f"""
    SELECT array_agg(k.value ORDER BY a.place)
      FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS f (id, place)
     CROSS JOIN {ASKED}
      LEFT JOIN LATERAL (
          SELECT v.value::double precision AS value FROM plain_values AS v WHERE {KNOWN}
           ORDER BY v.valid_from DESC, v.computed_at DESC LIMIT 1
      ) AS k ON true
     GROUP BY f.place ORDER BY f.place
"""
DISTINCT = f"""
    SELECT array_agg(k.value ORDER BY k.place)
      FROM (
          SELECT DISTINCT ON (f.place, a.place) f.place AS feature, a.place, v.value::double precision AS value
            FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS f (id, place)
           CROSS JOIN {ASKED}
            LEFT JOIN plain_values AS v ON {KNOWN}
           ORDER BY f.place, a.place, v.valid_from DESC, v.computed_at DESC
      ) AS k
     GROUP BY k.feature ORDER BY k.feature
"""
ALL = """
    SELECT entity_id, feature_id, computed_at, value::double precision AS value
      FROM plain_values WHERE tenant_id = %(tenant)s AND split_assignment = 'train' AND status <> 'invalid'
"""
CURRENT = """
    SELECT entity_id, feature_id, value::double precision FROM plain_values
     WHERE tenant_id = %(tenant)s AND split_assignment = 'train' AND feature_id = ANY (%(ids)s)
       AND entity_type = 'patient' AND entity_id = ANY (%(entities)s) AND status = 'current'
"""
WRITTEN = text("""
    INSERT INTO plain_written (tenant_id, feature_id, entity_id, entity_type, value, computed_at, valid_from,
                               split_assignment)
    SELECT :tenant, (e ->> 'feature_id')::uuid, e ->> 'entity_id', e ->> 'entity_type', e -> 'value',
           (e ->> 'computed_at')::timestamptz, (e ->> 'valid_from')::timestamptz, 'train'
      FROM jsonb_array_elements(CAST(:values AS jsonb)) AS e
""")


@contextmanager
def served() -> Iterator[tuple[EmbeddedServer, Connection]]:
    """A server of its own at head, removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="hedgerow-bench-"))
    home.chmod(0o755)
    server = EmbeddedServer(home / "server", fast=True, settings={"shared_buffers": "512MB"})
    try:
        server.start()
        upgrade(server.url("owner"))
        with psycopg.connect(libpq_url(server.url("admin")), autocommit=True) as admin:
            yield server, admin
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def load(admin: Connection, patients: list[str], length: int, progress: Progress) -> None:
    """Values of one tenant and, so that there is something to keep apart, as many again of the others together."""
    tenants = [TENANT, *(f"BENCH_{number:02d}" for number in range(OTHERS))]
    for statement in LOAD.split(";"):
        with psycopg.ClientCursor(admin) as cursor:
            cursor.execute(statement, {"tenants": tenants, "patients": patients, "features": FEATURES})
    admin.execute("SET session_replication_role = replica")
    task = progress.add_task("Storing values", total=len(tenants) + 1)
    for tenant in tenants:
        some = patients if tenant == TENANT else patients[: len(patients) // OTHERS]
        with psycopg.ClientCursor(admin) as cursor:
            given = {"tenant": tenant, "patients": some, "length": length, "start": START, "step": STEP}
            cursor.execute(VALUES, given)
        progress.advance(task)
    admin.execute("SET session_replication_role = origin")
    for statement in PLAIN.split(";"):
        admin.execute(statement)
    progress.advance(task)


class Frames:
    """The same frame five ways, from the same pairs."""

    def __init__(self, admin: Connection, session: ScopedSession, patients: list[str], length: int, pairs: int) -> None:
        draw = np.random.default_rng(7)
        moments = [START + STEP * float(x) for x in draw.uniform(0, length + 2, pairs)]
        entities = [patients[place] for place in draw.integers(0, len(patients), pairs)]
        stamps = pa.array(moments, pa.timestamp("us", "UTC"))
        self.pairs = pa.table({"entity_id": pa.array(entities), "asked_at": stamps})
        self.admin, self.store = admin, FeatureStore(session)
        features = FeatureDefinitionRepository(session).get_by_group("labs")
        self.ids = [feature.feature_id for feature in features]
        self.values = self._values()

    def hedgerow(self) -> Any:
        return self.store.training_frame(self.pairs, COLUMNS)

    def lateral(self) -> Any:
        return self._by_sql(LATERAL)

    def distinct(self) -> Any:
        return self._by_sql(DISTINCT)

    def merged(self, values: pd.DataFrame | None = None) -> Any:
        values = self._values() if values is None else values
        frame = self.pairs.to_pandas()
        frame["place"] = np.arange(len(frame))
        frame = frame.sort_values("asked_at", kind="stable")
        for name, feature_id in zip(COLUMNS, self.ids, strict=True):
            of_feature = values.loc[values.feature_id == feature_id, ["entity_id", "computed_at", "value"]]
            named = of_feature.rename(columns={"value": name, "computed_at": "asked_at"})
            frame = pd.merge_asof(frame, named, on="asked_at", by="entity_id")
        frame = frame.sort_values("place").drop(columns="place")
        return pa.Table.from_pandas(frame, preserve_index=False, schema=self._schema())

    def in_memory(self) -> Any:
        return self.merged(self.values)

    def check(self, *ways: Callable[[], Any]) -> None:
        """All ways give the same frame, or there is nothing to compare."""
        wanted = self.hedgerow().to_pydict()
        for way in ways:
            assert way().to_pydict() == wanted, way

    def _by_sql(self, statement: str) -> Any:
        asked = {"entities": self.pairs["entity_id"].to_pylist(), "moments": self.pairs["asked_at"].to_pylist()}
        rows = self.admin.execute(statement, {"tenant": TENANT, "ids": self.ids, **asked}).fetchall()
        frame = self.pairs
        for name, (values,) in zip(COLUMNS, rows, strict=True):
            frame = frame.append_column(name, pa.array(values, pa.float64()))
        return frame

    def _values(self) -> pd.DataFrame:
        cursor = self.admin.execute(ALL, {"tenant": TENANT})
        names = [column.name for column in cursor.description or ()]
        found = pd.DataFrame(cursor.fetchall(), columns=names)
        found["computed_at"] = pd.to_datetime(found["computed_at"], utc=True).astype("datetime64[us, UTC]")
        return found.sort_values("computed_at", kind="stable")

    def _schema(self) -> Any:
        return pa.schema([*self.pairs.schema, *(pa.field(name, pa.float64()) for name in COLUMNS)])


class Answers:
    """What is known now about some entities."""

    def __init__(self, frames: Frames, entities: list[str]) -> None:
        self.frames, self.entities = frames, entities

    def hedgerow(self) -> Any:
        return self.frames.store.online_features(self.entities, COLUMNS)

    def current(self) -> Any:
        names = dict(zip(self.frames.ids, COLUMNS, strict=True))
        asked = {"tenant": TENANT, "ids": self.frames.ids, "entities": self.entities}
        found: dict[str, dict[str, Any]] = {entity: dict.fromkeys(COLUMNS) for entity in self.entities}
        for entity, feature_id, value in self.frames.admin.execute(CURRENT, asked):
            found[entity][names[feature_id]] = value
        return found


class Writing:
    """The same values into the store and into a table that keeps no history; rolled back each time."""

    def __init__(self, frames: Frames, number: int, *, late: bool) -> None:
        self.frames = frames
        # In order: newer than all. Late: between the values that are there.
        first, step = (START + STEP / 2, STEP) if late else (datetime(2029, 1, 1, tzinfo=UTC), timedelta(hours=1))
        entities = sorted(set(frames.pairs["entity_id"].to_pylist()))
        self.values = [
            {
                "feature_id": str(frames.ids[n % FEATURES]),
                "entity_id": entities[n // FEATURES % len(entities)],
                "entity_type": "patient",
                "value": n,
                "valid_from": first + step * (n % 7),
                "computed_at": datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=n),
            }
            for n in range(number)
        ]

    def hedgerow(self) -> None:
        session = self.frames.store.session
        with session.begin_nested() as savepoint:
            assert self.frames.store.bulk_insert_feature_values(self.values) == len(self.values)
            savepoint.rollback()

    def plain(self, connection: Any) -> None:
        document = json.dumps(self.values, default=lambda moment: moment.isoformat())
        with connection.begin() as transaction:
            connection.execute(WRITTEN, {"tenant": TENANT, "values": document})
            transaction.rollback()


def medians(work: dict[str, Callable[[], Any]], rounds: int, progress: Progress) -> dict[str, float]:
    """Median milliseconds of each piece of work, taken in turns."""
    task = progress.add_task("", total=(rounds + 1) * len(work))
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, piece in work.items():
            progress.update(task, description=name)
            began = time.perf_counter()
            piece()
            if turn:  # the first one fills caches
                taken[name].append((time.perf_counter() - began) * 1e3)
            progress.advance(task)
    progress.remove_task(task)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What features cost that are given as they were known.")
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--length", type=int, default=25, help="values of each feature of a patient")
    parser.add_argument("--pairs", type=int, default=20_000, help="rows of a frame")
    parser.add_argument("--values", type=int, default=5_000, help="values that are written in one call")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as progress, ExitStack() as stack:
        server, admin = stack.enter_context(served())
        patients = list(islice((p for p in (f"P{n}" for n in count()) if assign(p) == "train"), given.patients))
        load(admin, patients, given.length, progress)
        engine, superuser = build_engine(server.url("app")), build_engine(server.url("admin"))
        session = stack.enter_context(open_session(Scope(TENANT, splits={"train"}), engine=engine))
        plain = stack.enter_context(superuser.connect())
        frames = Frames(admin, session, patients, given.length, given.pairs)
        frames.check(frames.lateral, frames.distinct, frames.in_memory)
        found = medians(
            {
                "frame: LATERAL by hand": frames.lateral,
                "frame: DISTINCT ON by hand": frames.distinct,
                "frame: merge_asof in memory": frames.in_memory,
                "frame: merge_asof, values read first": frames.merged,
                "frame: training_frame": frames.hedgerow,
            },
            given.rounds,
            progress,
        )
        for number in (1, 100, 1_000):
            answers = Answers(frames, patients[:number])
            assert answers.hedgerow() == answers.current()
            work: dict[str, Callable[[], Any]] = {
                f"online, {number:,}: SELECT of current rows": answers.current,
                f"online, {number:,}: online_features": answers.hedgerow,
            }
            found |= medians(work, given.rounds * 6, progress)
        for late in (False, True):
            writing, when = Writing(frames, given.values, late=late), "late" if late else "in order"
            work = {
                f"write {when}: plain INSERT": partial(writing.plain, plain),
                f"write {when}: bulk_insert_feature_values": writing.hedgerow,
            }
            found |= medians(work, given.rounds, progress)
        engine.dispose()
        superuser.dispose()
    _show(found, f"{given.patients:,} patients × {FEATURES} features × {given.length} values; {given.pairs:,} pairs")


def _show(found: dict[str, float], title: str) -> None:
    table = Table("", title=title, title_justify="left", box=None)
    for heading in ("ms", "time of ours / this"):
        table.add_column(heading, justify="right")
    ours = ("training_frame", "online_features", "bulk_insert_feature_values")
    waiting: list[tuple[str, float]] = []
    for name, taken in found.items():
        waiting.append((name, taken))
        if name.endswith(ours):
            for row, plain in waiting[:-1]:
                table.add_row(row, f"{plain:,.1f}", f"{taken / plain:.2f}", style="dim")
            table.add_row(name, f"{taken:,.1f}", "")
            waiting.clear()
    Console().print(table)


if __name__ == "__main__":
    main()
