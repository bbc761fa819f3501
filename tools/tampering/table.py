"""docs/DETECTION.md: what was spoiled, where each verifier found it, and that neither found anything where nothing was wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tools.tampering.flips import Flip, Region, Tally, flips_of, regions, tallied
from tools.tampering.good import base
from tools.tampering.kinds import KINDS, Kind, Must, write
from tools.tampering.unspoiled import UNSPOILED, Unspoiled
from tools.tampering.verdicts import INPUT, Verdict, first, second

__all__ = [
    "FLIPS",
    "SEED",
    "UNSPOILT",
    "Row",
    "accepted",
    "document",
    "flip_line",
    "flip_tables",
    "good_line",
    "kind_line",
    "rows",
    "tried",
]

FLIPS: Final = 20
"""Of each region, in the document."""
SEED: Final = 1

GOOD: Final = Verdict(True, "p" * 9, ())
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


def rows(kinds: Iterable[Kind]) -> Iterator[Row]:
    """Each tried, one after the other."""
    return map(tried, kinds)


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


def totals_line(made: Sequence[Row]) -> str:
    """The rate."""
    found = sum(row.found for row in made)
    return f"Kinds of attack: {len(made)}; found by both verifiers at the right place: {found}."


def kind_tables(made: Sequence[Row]) -> Iterator[str]:
    """The attacks by group."""
    for group in dict.fromkeys(row.kind.group for row in made):
        yield f"## {group}"
        yield ""
        yield from head(["attack", "what it is", "the attacker has", "must be found", "first verifier", "second verifier", "found"])
        yield from (kind_line(row) for row in made if row.kind.group == group)
        yield ""


def accepted(ledger: Unspoiled) -> bool:
    """Whether both verifiers find a good publication good, whole and of the right ledger."""
    spoiled = ledger.make()
    with tempfile.TemporaryDirectory() as folder:
        place = write(Path(folder), spoiled)
        return all(verdict == GOOD for verdict in (first(place, spoiled.asked), second(place, spoiled.asked)))


def good_line(ledger: Unspoiled) -> str:
    """A good publication's line."""
    return line([ledger.name, "none" if accepted(ledger) else "**A FALSE ALARM**"])


def good_tables(ledgers: Sequence[Unspoiled]) -> Iterator[str]:
    """What nobody may find fault with."""
    yield f"## {UNSPOILT}"
    yield ""
    yield f"Good publications: {len(ledgers)}. Each is verified by both with what a reader has from elsewhere (the ledger's id, of an"
    yield "empty log its key), and all nine steps pass. A node or the tests' forger made them."
    yield ""
    yield from head(["publication", "found by either"])
    yield from map(good_line, ledgers)
    yield ""


def flip_tables(count: int, seed: int, missed: Missed) -> Iterator[str]:
    """The regions."""
    yield "## One bit changed"
    yield ""
    yield f"In each region of each kind of file {count} bits, drawn by the seed {seed}, one at a time; fewer where it has"
    yield "not so many. Found means: refused, and the file or the entry is named."
    yield ""
    yield from head(["file", "region", "tried", "first", "second"])
    tallies = [(region, tallied(flips_of(region, count, seed), missed)) for region in regions()]
    yield from (flip_line(region, tally) for region, tally in tallies)
    tried_, by_first, by_second = (sum(column) for column in zip(*(tally for _, tally in tallies), strict=True))
    yield line(["all", "", tried_, by_first, by_second])
    yield ""


def document(*, flips: int, seed: int, missed: Missed) -> str:
    """The whole text."""
    made = list(rows(KINDS.values()))
    ledgers = list(UNSPOILED.values())
    lines = [INTRODUCTION + totals_line(made), "", *kind_tables(made), *flip_tables(flips, seed, missed), *good_tables(ledgers)]
    return "\n".join(lines).rstrip("\n") + "\n"
