"""``python -m offline EXPORT``: what ``hedgerow audit verify EXPORT`` does, without hedgerow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .export import ExportError
from .files import line_of, verify_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the file that the command line names."""
    parser = argparse.ArgumentParser(prog="offline", description="Verify an export of audit chains.")
    parser.add_argument("export")
    parser.add_argument("--checkpoint", help="an earlier export, or one of heads, that must still hold")
    chosen = parser.parse_args(arguments)
    try:
        reports = verify_file(chosen.export, chosen.checkpoint)
    except (ExportError, OSError) as error:
        print(f"Cannot be checked: {error}", file=sys.stderr)
        return 2
    for report in reports:
        print(line_of(report))
    return 1 if any(report.fault for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
