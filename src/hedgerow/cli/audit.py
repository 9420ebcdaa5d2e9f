"""``hedgerow audit``: verify audit chains in the database or in a file, and export them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, BinaryIO, ParamSpec
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text
from sqlalchemy.exc import ArgumentError, DBAPIError

from hedgerow.audit.exporting import held_against, write_chain
from hedgerow.audit.offline import ChainReport, Checkpoint, ExportError, ExportWriter, Fault, verify_export
from hedgerow.audit.offline.files import checkpoints_of, line_of, reports_of
from hedgerow.audit.repository import AuditChainRepository
from hedgerow.core.engine import owner_engine
from hedgerow.core.errors import HedgerowError
from hedgerow.core.scope import Scope
from hedgerow.core.session import open_session
from hedgerow.tenancy.registration import active_tenants

app = typer.Typer(help="Verify audit chains, here or in a file, and export them.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)

BROKEN, UNCHECKED = 1, 2
"""Exit status: an entry is not proven; something could not be checked."""

P = ParamSpec("P")

Tenants = Annotated[
    list[str] | None, typer.Option("--tenant", "-t", help="Of this tenant; may be repeated. Else of all active ones.")
]
Chains = Annotated[list[UUID] | None, typer.Option("--chain", "-c", help="This chain only; may be repeated.")]


def unchecked(command: Callable[P, None]) -> Callable[P, None]:
    """Whatever keeps a command from checking is exit status 2, so that 1 always means a fault in a chain."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from hedgerow.cli import explained, show_error

        try:
            command(*args, **kwargs)
        except HedgerowError as error:
            show_error(error)
        except (DBAPIError, ArgumentError, psycopg.Error) as error:
            show_error(explained(error))
        except ExportError as error:
            show_error(HedgerowError(str(error), remedy="Export again, or take another copy of the file"))
        except OSError as error:
            show_error(HedgerowError(f"{error.filename or 'Standard output'}: {error.strerror}."))
        else:
            return
        raise typer.Exit(UNCHECKED)

    return run


@app.command()
@unchecked
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="An export to verify without any database.", show_default=False, dir_okay=False),
    ] = None,
    tenant: Tenants = None,
    chain: Chains = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Hold against this earlier export.", dir_okay=False)
    ] = None,
    independent: Annotated[
        bool, typer.Option("--independent", help="Hash in Python: believe no function of the database, log nothing.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name the chains that are intact, too.")] = False,
) -> None:
    """Verify every entry of audit chains; exit status 0 proven, 1 not, 2 could not be checked.

    With FILE, an export is verified offline. With --checkpoint, the chains that an earlier export holds must still be
    what they were. Else chains are verified in the database, and the result is logged there.
    """
    began = time.perf_counter()
    if file is not None:
        if tenant or chain or independent:
            raise HedgerowError(
                "A file is verified as a whole.", remedy="leave out --tenant, --chain and --independent"
            )
        reports = _file(file, checkpoint)
    elif checkpoint is not None:
        if chain or independent:
            raise HedgerowError(
                "A checkpoint says which chains are verified, and in Python.",
                remedy="leave out --chain and --independent",
            )
        reports = _against(checkpoint, tenant)
    else:
        reports = _database(tenant, chain, independent)
    _show(reports, time.perf_counter() - began, verbose)


@app.command()
@unchecked
def export(
    tenant: Tenants = None,
    chain: Chains = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; else standard output.", dir_okay=False)
    ] = None,
    heads: Annotated[
        bool, typer.Option("--heads", help="Only how many entries there are and the hash of the last: a checkpoint.")
    ] = False,
) -> None:
    """Write audit chains as lines of JSON that anybody can verify, and that later states can be held against."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    tenants = tenant or _every_tenant()
    with _bar("Exporting") as bar, _new_file(output) if output else _standard_output() as out:
        writer, entries, chains = ExportWriter(out, now, heads_only=heads), 0, 0
        for name in tenants:
            with open_session(Scope(name)) as session:
                repository = AuditChainRepository(session)
                found = {row.chain_id: row.entry_count for row in repository.integrity() if row.entry_count}
                _named(name, chain, found)
                task = bar.add_task(name, total=sum(found[id] for id in chain or found))
                for chain_id in chain or found:
                    entries += write_chain(repository, writer, chain_id, _advance(bar, task))
                    chains += 1
        writer.end()
    Console(stderr=True, highlight=False).print(
        Text(f"{chains:,} chains with {entries:,} entries" + (f" in {output}" if output else ""), style="green")
    )


# --- Where entries come from ---------------------------------------------------------------------------------------


def _file(path: Path, checkpoint: Path | None) -> list[ChainReport]:
    known = checkpoints_of(str(checkpoint)) if checkpoint else {}
    with _bar("Verifying") as bar, path.open("rb") as stream:
        task = bar.add_task(path.name, total=path.stat().st_size)
        report = verify_export(stream, known.get, lambda size: bar.update(task, advance=size))
    return reports_of(report, known)


def _against(path: Path, tenants: list[str] | None) -> list[ChainReport]:
    known: dict[tuple[str, str], Checkpoint] = checkpoints_of(str(path))
    of_tenant: dict[str, list[Checkpoint]] = {}
    for checkpoint in known.values():
        if not tenants or checkpoint.tenant_id in tenants:
            of_tenant.setdefault(checkpoint.tenant_id, []).append(checkpoint)
    for missing in sorted(set(tenants or ()) - of_tenant.keys()):
        raise HedgerowError(f"{path} holds no chain of tenant {missing}.", remedy="name a tenant that is in the file")
    reports = []
    with _bar("Verifying") as bar:
        for name, checkpoints in of_tenant.items():
            task = bar.add_task(name, total=sum(checkpoint.last for checkpoint in checkpoints))
            with open_session(Scope(name)) as session:
                repository = AuditChainRepository(session)
                reports += [held_against(repository, one, _advance(bar, task)) for one in checkpoints]
    return reports


def _database(tenants: list[str] | None, chains: list[UUID] | None, independent: bool) -> list[ChainReport]:
    reports = []
    with _bar("Verifying") as bar:
        for name in tenants or _every_tenant():
            with open_session(Scope(name)) as session:
                repository = AuditChainRepository(session)
                found = {row.chain_id: row.entry_count for row in repository.integrity()}
                _named(name, chains, found)
                task = bar.add_task(name, total=sum(found[id] for id in chains or found))
                advance = _advance(bar, task)
                for chain_id in chains or found:
                    if independent:
                        reports.append(repository.recompute(chain_id, progress=advance))
                    else:
                        reports.append(_logged(repository, name, chain_id))
                        advance(found[chain_id])
    return reports


def _logged(repository: AuditChainRepository, tenant: str, chain_id: UUID) -> ChainReport:
    """Verify in the database and say what was found, which a second look must not contradict."""
    valid = repository.verify(chain_id)
    # What was found stays on record even if a later chain keeps the command from ending well.
    repository.session.commit()
    if valid:
        head = repository.head(chain_id)
        assert head is not None
        return ChainReport(tenant, str(chain_id), head.sequence_number, head.entry_hash)
    state = repository.inspect(chain_id)
    entry = None if state.entry_id is None else str(state.entry_id)
    fault = state.fault or Fault.CHANGED
    return ChainReport(tenant, str(chain_id), state.entries, state.head_hash, fault, state.number, entry, state.message)


def _every_tenant() -> list[str]:
    with owner_engine().connect() as connection:
        return active_tenants(connection)


def _named(tenant: str, chains: list[UUID] | None, found: dict[UUID, int]) -> None:
    for missing in set(chains or ()) - found.keys():
        raise HedgerowError(
            f"Tenant {tenant} has no chain {missing}.", remedy="name its tenant with --tenant, or correct the id"
        )


# --- What is shown -------------------------------------------------------------------------------------------------


def _show(reports: list[ChainReport], seconds: float, verbose: bool) -> None:
    broken = [report for report in reports if report.fault]
    for report in reports:
        if report.fault or verbose:
            console.print(Text(line_of(report), style="bold red" if report.fault else ""))
    entries = sum(report.entries for report in reports)
    size = f"{len(reports):,} chain{'s' * (len(reports) != 1)}, {entries:,} entries, {seconds:.1f} s"
    if not reports:
        console.print("There are no audit chains.")
    elif broken:
        console.print(Text(f"{len(broken):,} broken of {size}", style="bold red"))
        raise typer.Exit(BROKEN)
    else:
        console.print(Text(f"All proven: {size} ({entries / max(seconds, 1e-9):,.0f} entries/s)", style="green"))


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    """A progress bar on standard error, so that standard output can be read by a program."""
    screen = Console(stderr=True, highlight=False)
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("[dim]{task.description}"), console=screen, transient=True, disable=not screen.is_terminal
    ) as bar:
        yield bar


def _advance(bar: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda count: bar.update(task, advance=count)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that was not there before: an earlier export is evidence. Half of one is not kept."""
    try:
        out = path.open("xb")
    except FileExistsError:
        raise HedgerowError(
            f"{path} exists.", remedy="choose another name: an earlier export is a checkpoint"
        ) from None
    try:
        with out:
            yield out
    except BaseException:
        path.unlink()
        raise


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
