"""Data on stdout, words on stderr: JSON, tables, progress, and the label of an election that is not official."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.cli.language import grouped, text

if TYPE_CHECKING:
    from ledger.cli.app import App

__all__ = ["emit", "figure_text", "heading", "kind_label", "line", "progress", "state_word", "table"]

HEARTBEAT_SECONDS: Final = 60
WIDTH_WITHOUT_TERMINAL: Final = 140


def emit(value: object) -> None:
    """One JSON object, on one line."""
    plain = msgspec.to_builtins(value)
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    line(json.dumps(plain, ensure_ascii=not unicode))


def line(words: str = "") -> None:
    """A line of data."""
    try:
        sys.stdout.write(words + "\n")
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(words.encode(encoding, "replace").decode(encoding) + "\n")


# --- words that many screens share ------------------------------------------------------------------------------------------


def kind_label(kind: str) -> str:
    """What the first line of every screen says of an election that is not official; '' where it is."""
    labels = {
        "synthetic": ("SINTETIS - bukan hasil resmi", "SYNTHETIC - not official results"),
        "rehearsal": ("GLADI - bukan hasil resmi", "REHEARSAL - not official results"),
        "import": (
            "IMPOR dari publikasi KPU, pengubah tidak diketahui - bukan hasil resmi",
            "IMPORTED from KPU's publication, who changed it is unknown - not official results",
        ),
    }
    return text(*labels[kind]) if kind in labels else ""


def heading(kind: str, *lines: str) -> None:
    """The first lines of a screen; a label before all else."""
    for words in (kind_label(kind), *lines):
        if words:
            line(words)


_STATES: Final = {
    "none": ("belum masuk", "not in yet"),
    "single": ("masuk", "in"),
    "confirmed": ("masuk, sama dari dua akun", "in, confirmed by the second seat"),
    "differing": ("masuk, dua akun berbeda", "in, the two seats differ"),
    "corrected": ("masuk, ada pembetulan", "in, corrected"),
    "held": ("ditahan (tidak masuk jumlah)", "held (not in the totals)"),
}


def state_word(state: str) -> str:
    """A tally's state for people."""
    return text(*_STATES[state]) if state in _STATES else state


def figure_text(figure: int | str | None) -> str:
    """A figure for people: blank is not zero."""
    match figure:
        case int():
            return grouped(figure)
        case "x":
            return text("tidak terbaca", "illegible")
        case "-":
            return text("tidak berlaku", "not applicable")
        case _:
            return text("kosong", "blank")


# --- tables and progress ----------------------------------------------------------------------------------------------------


def table(app: App, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
    """A table on stdout.  ``numbers``: indexes of the columns that stand to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(
        file=sys.stdout,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=bool(app.no_color) or "NO_COLOR" in os.environ or None,
        width=None if terminal else WIDTH_WITHOUT_TERMINAL,
        safe_box=True,
    )
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    made = Table(box=None if ascii_only else SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        made.add_column(Text(name), justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    with console.capture() as captured:
        console.print(made)
    for words in captured.get().splitlines():
        line(words.rstrip())


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal, else one line a minute.  Gives a function that takes how much is done."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns: tuple[Any, ...] = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bars:
            task = bars.add_task(what, total=total)
            yield lambda done: bars.update(task, completed=done)
        return
    last = time.monotonic()

    def beat(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= HEARTBEAT_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{what}: {grouped(done)}" + (f" / {grouped(total)}\n" if total is not None else "\n"))
            sys.stderr.flush()

    yield beat
