"""Whole files: one export by itself, and one held against an earlier one."""

from __future__ import annotations

from .chain import ChainReport, ChainVerifier, Checkpoint
from .export import Chain, ExportError, ExportReport, verify_export


def verify_file(path: str, checkpoint: str | None = None) -> list[ChainReport]:
    """Verify an export, and hold it against an earlier one.

    :raises ExportError: one of the files is not a whole export, or the earlier one is not intact.
    :raises OSError: one of them cannot be read.
    """
    known: dict[Chain, Checkpoint] = {}
    if checkpoint is not None:
        known = checkpoints_of(checkpoint)
    with open(path, "rb") as file:
        report = verify_export(file, known.get)
    return reports_of(report, known)


def checkpoints_of(path: str) -> dict[Chain, Checkpoint]:
    """What an export proves of each chain.

    :raises ExportError: it is not a whole export, or not intact itself.
    """
    with open(path, "rb") as file:
        report = verify_export(file)
    if not report.proven:
        raise ExportError(f"{path} is not intact itself, so nothing can be held against it.")
    return report.checkpoints


def reports_of(report: ExportReport, known: dict[Chain, Checkpoint]) -> list[ChainReport]:
    """The reports of a file, and of the chains that should be in it.

    :raises ExportError: there is nothing to verify, or the file was changed outside of its entries.
    """
    if not report.chains and report.checkpoints:
        raise ExportError("The file holds checkpoints and no entries: it can only be held against something.")
    found = {(chain.tenant_id, chain.chain_id) for chain in report.chains}
    gone = [ChainVerifier(*chain, known[chain]).report() for chain in known if chain not in found]
    reports = [*report.chains, *gone]
    if not report.unaltered and all(chain.fault is None for chain in reports):
        raise ExportError("The file was changed after it was written, in a line that no entry's hash covers.")
    return reports


def line_of(report: ChainReport) -> str:
    """A report in one line."""
    where = f"tenant {report.tenant_id}, chain {report.chain_id}"
    if report.fault is None:
        return f"ok      {where}: {report.entries:,} entries, head {report.head_hash}"
    line = f" (line {report.line})" if report.line else ""
    entry = f" [entry_id {report.entry_id}]" if report.entry_id else ""
    return f"BROKEN  {where}: {report.message}{line}{entry}"
