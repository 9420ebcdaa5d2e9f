"""What the demo looks like: numbered steps that say how long they took, and tables of 100 columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from time import perf_counter

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH = 100

GOOD, BAD, DIM = "green", "red", "dim"


class Show:
    """Prints the steps of the demo.

    :param started: ``perf_counter()`` at the start of the program, imports included.
    """

    def __init__(self, started: float) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode shows question marks, no traceback
        self.console = Console(width=WIDTH, highlight=False)
        self._started = started
        self._mark = perf_counter()
        self.times = [("Imports", self._mark - started)]

    @contextmanager
    def step(self, title: str, meaning: str) -> Iterator[None]:
        """One step: its title and what it is about, what happens in it, how long it took."""
        number = len(self.times)
        self.console.print()
        self.console.rule(f"[bold]{number} · {escape(title)}[/]", align="left", style=DIM)
        self.say(meaning, DIM)
        yield
        now = perf_counter()
        self.times.append((title, now - self._mark))
        self.console.print(Text(f"took {now - self._mark:.2f} s", style=DIM), justify="right")
        self._mark = now

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str | Text]],
        *,
        right: Iterable[int] = (),
        nowrap: Iterable[int] = (0,),
        widths: Mapping[int, int] | None = None,
    ) -> None:
        """Print a table.

        :param right: columns of numbers.
        :param nowrap: columns that are never broken into lines.
        :param widths: columns of a fixed width.
        """
        table = Table(box=box.SIMPLE_HEAD, header_style="bold")
        numbers, unbroken = set(right), set(nowrap)
        for index, name in enumerate(columns):
            table.add_column(
                name,
                justify="right" if index in numbers else "left",
                no_wrap=index in unbroken,
                overflow="fold",
                width=(widths or {}).get(index),
            )
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
        self.console.print(table)

    def say(self, message: str, style: str = "") -> None:
        """Print a sentence."""
        self.console.print(Padding(Text(message, style=style), (0, 2)))

    def title(self, name: str, meaning: str) -> None:
        """Print what the program is."""
        self.console.print()
        self.say(name, "bold")
        self.say(meaning, DIM)
        self.say(f"Imports took {self.times[0][1]:.2f} s.", DIM)

    def total(self) -> None:
        """Print how long every step took, and all of it."""
        self.console.print()
        self.console.rule("[bold]Time[/]", align="left", style=DIM)
        self.table(
            ("", "Step", "Seconds"),
            [(str(number or ""), title, f"{seconds:.2f}") for number, (title, seconds) in enumerate(self.times)],
            right=(0, 2),
        )
        self.say(f"Total {perf_counter() - self._started:.2f} s", "bold")


def share(part: float, whole: float) -> str:
    """``part`` of ``whole`` in percent; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def seen(visible: int, there: int) -> Text:
    """How many rows are visible, of how many that are there."""
    style = GOOD if visible in (0, there) else BAD
    return Text(f"{visible:,} of {there:,}", style=DIM if visible == 0 else style)
