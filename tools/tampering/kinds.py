"""What a kind of attack is, and the list of all of them.

A kind says what the attacker has, makes the spoiled publication from a good one, and says where it must be found: at which step,
at which entry, in which file.  Whoever has the log's key chains, hashes and signs everything anew after the change, so that the
deepest check alone can find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.audit.forger import Files, Part, publication, relink
from tools.tampering.good import Good, Needs
from tools.tampering.verdicts import FOLD, Asked, Verdict

__all__ = ["KINDS", "Kind", "Link", "Must", "Spoiled", "add", "dropped", "kind", "resigned", "write"]


class Link(NamedTuple):
    """A symbolic link in the place of a file."""

    target: str


class Must(NamedTuple):
    """Where it must be found.  ``index`` and ``file`` are asked for where a verifier tells both or either; ``also``: steps that
    may fail as well, as what was changed shows there too.  Step 0: the single file is refused."""

    step: int
    index: int | None = None
    file: str | None = None
    also: frozenset[int] = frozenset()

    def met(self, verdict: Verdict) -> bool:
        """Whether a verifier found it there, and no step failed that has nothing to do with it."""
        right = not verdict.ok and one_fold(verdict.failed) <= one_fold(self.also | {self.step})
        return right and any(
            one_fold({finding.step}) == one_fold({self.step})
            and (self.index is None or finding.index in (None, self.index))
            and (self.file is None or finding.file in ("", self.file))
            and (self.index is None or self.file is None or finding.index is not None or finding.file != "")
            for finding in verdict.findings
        )


def one_fold(steps: Iterable[int]) -> frozenset[int]:
    """The steps, those of the fold as one."""
    return frozenset(min(FOLD) if step in FOLD else step for step in steps)


class Spoiled(NamedTuple):
    """What an attack gives.  ``files``: the whole folder, or one single file; where they must be found false; what the verifiers
    are told."""

    files: dict[str, bytes | Link]
    must: Must
    asked: Asked = Asked()


Make = Callable[[Good], Spoiled]


class Kind(NamedTuple):
    """``needs``: what the attacker holds; ``base``: the good publication that the table takes; ``group``: its heading there."""

    name: str
    group: str
    needs: Needs
    base: str
    story: str
    make: Make


KINDS: Final[dict[str, Kind]] = {}
"""By name, in the order of the table."""


def add(kind_: Kind) -> None:
    """One more; names are given once."""
    if kind_.name in KINDS:
        raise ValueError(f"two kinds are called {kind_.name}")
    KINDS[kind_.name] = kind_


def kind(group: str, name: str, story: str, *, needs: Needs = "folder", base: str = "season") -> Callable[[Make], Make]:
    """A function as a kind."""

    def noted(make: Make) -> Make:
        add(Kind(name, group, needs, base, story, make))
        return make

    return noted


def resigned(good: Good, parts: Sequence[Part]) -> Files:
    """A log of these parts, all of it chained, hashed, summed and signed anew by whoever holds the log's key."""
    entries = relink(parts)
    return publication(entries, good.signer, older=[size for size in good.older if size < len(entries)])


def dropped(files: Files, *paths: str) -> Files:
    """The folder without these files."""
    return {path: data for path, data in files.items() if path not in paths}


def write(folder: Path, spoiled: Spoiled) -> Path:
    """The folder on disk; of a single file its path."""
    for path, data in spoiled.files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, Link):
            place.symlink_to(data.target)
        else:
            place.write_bytes(data)
    if spoiled.asked.how == "folder":
        return folder
    (path,) = spoiled.files
    return folder / path
