"""Verifies audit chains without the database that wrote them.

Comes in: a file of ``hedgerow audit export``. Goes out: for each chain the first entry that is not proven, or none.

This package uses the standard library alone. An auditor can read it in an hour, copy the folder to another machine,
and run it there, beside the folder::

    python -m offline EXPORT [--checkpoint EARLIER_EXPORT]

Exit status: 0 everything is proven, 1 something is not, 2 it could not be checked.
"""

from .chain import ChainReport, ChainVerifier, Checkpoint, Fault, Known
from .export import ExportError, ExportReport, ExportWriter, verify_export
from .sealing import canonical, decoded, entry_hash, payload_hash

__all__ = [
    "ChainReport",
    "ChainVerifier",
    "Checkpoint",
    "ExportError",
    "ExportReport",
    "ExportWriter",
    "Fault",
    "Known",
    "canonical",
    "decoded",
    "entry_hash",
    "payload_hash",
    "verify_export",
]
