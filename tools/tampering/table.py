"""docs/DETECTION.md: what was spoiled, where each verifier found it, and that neither found anything where nothing was wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tools.tampering import ATTACKS
from tools.tampering.flips import Flip, Region, Tally, flips_of, regions, tallied
from tools.tampering.good import base
from tools.tampering.kinds import KINDS, Kind, Must, write
from tools.tampering.unspoiled import UNSPOILED, WITHOUT_EFFECT, Unspoiled
from tools.tampering.verdicts import INPUT, Verdict, first, second

__all__ = [
    "BITS",
    "FLIPS",
    "SEED",
    "UNSPOILT",
    "Row",
    "Tried",
    "alarms_of",
    "document",
    "flip_line",
    "good_line",
    "kind_line",
    "tried",
    "try_all",
]

FLIPS: Final = 20
"""Of each region, in the document."""
SEED: Final = 1

GOOD: Final = Verdict(True, "p" * 9, ())
BITS: Final = "One bit changed"
UNSPOILT: Final = "No false alarm"

Missed = Callable[[Flip, Verdict, Verdict], None]


class Row(NamedTuple):
    """A kind, where it must be found, what both said."""

    kind: Kind
    must: Must
    first: Verdict
    second: Verdict

    @property
    def found(self) -> bool:
        """By both, at the right place."""
        return self.must.met(self.first) and self.must.met(self.second)


def tried(kind: Kind) -> Row:
    """The attack on its usual base, before both verifiers."""
    spoiled = kind.make(base(kind.base))
    with tempfile.TemporaryDirectory() as folder:
        place = write(Path(folder), spoiled)
        return Row(kind, spoiled.must, first(place, spoiled.asked), second(place, spoiled.asked))


# --- cells ----------------------------------------------------------------------------------------------------------------------


def place_words(step: int, index: int | None, file: str | None) -> str:
    """A place in a cell."""
    words = [] if step == INPUT else [f"step {step}"]
    words += [] if index is None else [f"entry {index}"]
    words += [f"`{file}`"] if file else []
    return ", ".join(words) or "the file"


def said(must: Must, verdict: Verdict) -> str:
    """What a verifier said that answers to what must be found; of several the first."""
    if verdict.ok:
        return "nothing"
    alone = [verdict._replace(findings=(each,)) for each in verdict.findings]
    fitting = [each.findings[0] for each in alone if must.met(each)] or list(verdict.findings)
    told = fitting[0]
    return f"`{told.code}` {place_words(told.step, told.index, None)}" if told.step != INPUT else f"`{told.code}`"


def line(cells: Sequence[object]) -> str:
    """A line of a table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def head(cells: Sequence[str]) -> list[str]:
    """A table's head."""
    return [line(cells), "|" + "---|" * len(cells)]


def kind_line(row: Row) -> str:
    """A kind's line."""
    must = row.must
    where = place_words(must.step, must.index, must.file)
    found = "both" if row.found else "**NO**"
    return line([row.kind.name, row.kind.story, row.kind.needs, where, said(must, row.first), said(must, row.second), found])


def flip_line(region: Region, tally: Tally) -> str:
    """A region's line."""
    return line([region.kind, region.name, tally.tried, tally.first, tally.second])


# --- the document ---------------------------------------------------------------------------------------------------------------

INTRODUCTION: Final = """# Detection

What `tools/tamper.py` spoils, and where the two verifiers find it: `ledger verify` (the first) and `tools/verify_ledger.py` (the
second), which share no code. Made by

    tools/tamper.py table --out docs/DETECTION.md

and made again by a test (`tests/test_tampering_table.py`); whoever changes a verifier, a kind of attack or the tests' election runs
that command and reads the difference. Steps are those of [FORMATS.md](FORMATS.md), section 9; codes are explained in
[RULES.md](RULES.md).

- *The attacker has*: the published folder alone; the log's signing key too, with which everything after the change is chained,
  hashed, summed and signed anew, so that only the deeper check can find it; or keys of people as well.
- *Must be found* names step, entry and file. A verifier that tells no entry, or no file, is not asked for it. Steps 6 to 8 are one
  here: under which of them a rule of the fold is listed is a verifier's own affair. No step may fail that the attack did not touch.
- *Found* is "both" where each verifier refuses the publication and says so at that place.
"""


LIMITS: Final = """What no verifier can tell from a folder alone:

- that a log ends earlier than somebody saw it, or that others are shown another one of the same size: who kept a checkpoint or a
  receipt gives it to the verifier (`--known`, `--seen`, `--receipt`), and it is found; witnesses stand for those who kept none;
- that a ledger which agrees with itself is somebody else's: it takes the ledger's id, or the log's key, from elsewhere;
- that an event was never appended: its device has no receipt;
- the hour: times must not fall, and the last entry may claim any; clocks decide nothing;
- which of an event's two valid signatures was logged: both are good, and the event id is the same.

`ledger verify` can be given a policy of witnesses beside those of entry 0; the second verifier cannot, so no kind here needs one
(`tests/audit/test_expected.py`).
"""


class Tried(NamedTuple):
    """All that the document tells.  ``alarms``: of each good publication, whether the first and the second found fault with it."""

    rows: list[Row]
    tallies: list[tuple[Region, Tally]]
    alarms: dict[str, tuple[bool, bool]]


def alarms_of(ledger: Unspoiled) -> tuple[bool, bool]:
    """Whether the first and the second verifier find fault with a good publication: anything but nine steps passed."""
    spoiled = ledger.make()
    with tempfile.TemporaryDirectory() as folder:
        place = write(Path(folder), spoiled)
        return first(place, spoiled.asked) != GOOD, second(place, spoiled.asked) != GOOD


def in_order() -> list[Kind]:
    """Every kind, by the order of the modules in ``ATTACKS``, in whatever order they were imported."""
    return sorted(KINDS.values(), key=lambda kind: ATTACKS.index(kind.make.__module__.rpartition(".")[2]))


def try_all(*, flips: int, seed: int, missed: Missed) -> Tried:
    """Every kind, every region, every good publication."""
    return Tried(
        [tried(kind) for kind in in_order()],
        [(region, tallied(flips_of(region, flips, seed), missed)) for region in regions()],
        {name: alarms_of(ledger) for name, ledger in UNSPOILED.items()},
    )


def summary(made: Tried) -> Iterator[str]:
    """The rates."""
    bits = [sum(column) for column in zip(*(tally for _, tally in made.tallies), strict=True)]
    met = [sum(row.must.met(row.first) for row in made.rows), sum(row.must.met(row.second) for row in made.rows)]
    alarms = [sum(column) for column in zip(*made.alarms.values(), strict=True)]
    yield from head(["", "tried", "first verifier", "second verifier"])
    yield line(["kinds of attack, found at the right place", len(made.rows), *met])
    yield line(["changed bits, found at the right place", *bits])
    yield line(["good publications, found fault with", len(made.alarms), *alarms])
    yield ""
    whole = met == [len(made.rows)] * 2 and bits == bits[:1] * 3 and alarms == [0, 0]
    yield "Found by both: 100 percent. No false alarm." if whole else "**Not everything is as it must be: see below.**"
    yield ""


def kind_tables(made: Sequence[Row]) -> Iterator[str]:
    """The attacks by group."""
    for group in dict.fromkeys(row.kind.group for row in made):
        yield f"## {group}"
        yield ""
        yield from head(["attack", "what it is", "the attacker has", "must be found", "first verifier", "second verifier", "found"])
        yield from (kind_line(row) for row in made if row.kind.group == group)
        yield ""


def flip_table(tallies: Sequence[tuple[Region, Tally]], seed: int) -> Iterator[str]:
    """The regions."""
    yield f"## {BITS}"
    yield ""
    yield f"Of each region of each kind of file some bits, drawn by the seed {seed}, one at a time. Found means: refused, and the"
    yield "file or the entry is named."
    yield ""
    yield from head(["file", "region", "tried", "first", "second"])
    yield from (flip_line(region, tally) for region, tally in tallies)
    yield ""


def good_line(name: str, alarms: Sequence[tuple[bool, bool]]) -> str:
    """A line of good publications."""
    return line([name, "**A FALSE ALARM**" if any(map(any, alarms)) else "none"])


def good_table(alarms: dict[str, tuple[bool, bool]]) -> Iterator[str]:
    """What nobody may find fault with."""
    yield f"## {UNSPOILT}"
    yield ""
    yield "Good publications, each before both verifiers with what a reader has from elsewhere: the ledger's id, or of an empty log"
    yield "its key. All nine steps pass. A node or the tests' forger made them."
    yield ""
    yield from head(["publication", "found by either"])
    void = [each for name, each in alarms.items() if name.startswith(WITHOUT_EFFECT)]
    yield from (good_line(name, [each]) for name, each in alarms.items() if not name.startswith(WITHOUT_EFFECT))
    yield good_line(f"logs with one act without effect at their end, void or pending, each of another kind: {len(void)}", void)
    yield ""


def document(made: Tried, *, seed: int) -> str:
    """The whole text."""
    lines = [
        INTRODUCTION,
        *summary(made),
        LIMITS,
        *kind_tables(made.rows),
        *flip_table(made.tallies, seed),
        *good_table(made.alarms),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"
