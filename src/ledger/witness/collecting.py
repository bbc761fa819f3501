"""Cosignatures for our own checkpoint: every witness of a policy is asked at once, and what comes in time is kept.

No witness stops another: each has its own thread and the same seconds, and whoever is not done by then is told to be slow.  What a
witness says is verified before it is kept (asking.py).  The note comes back with the cosignatures where the quorum is met; else
unchanged, since a checkpoint that is not witnessed should not look as if it were.

``cosign_folder`` does so for a published folder: it reads the checkpoint and the tiles, and puts the cosigned note in place of that
very checkpoint, under the lock that publishers take.

Left to others: what a verifier asks for (the quorum of entry 0).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from ledger.errors import BadInput, Broken, LedgerError, Moved, NotVerified
from ledger.files import Files
from ledger.proof.checkpoint import parse_checkpoint
from ledger.proof.merkle import Tiles, root_at
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, SignatureLine, cosigned_at, encode_note, parse_note
from ledger.proof.policy import Judged, Policy, Witness, judge
from ledger.proof.tiles import published_tiles
from ledger.witness.asking import Asked, ask

__all__ = ["Collected", "Outcome", "collect", "cosign_folder", "folder_tiles"]

GRACE_SECONDS: Final = 1.0
"""For a thread to say that its time is over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one witness.  ``error``: None where it cosigned; ``time``: of its cosignature, POSIX seconds; ``fork``: a file
    of evidence, where the asking gave one."""

    witness: str
    error: LedgerError | None
    time: int | None
    fork: bytes | None


@dataclass(frozen=True, slots=True)
class Collected:
    """``note``: the checkpoint, with the cosignatures of the policy's witnesses where ``met``, else as it was; ``judged``: it, in
    either case with what was there before; ``outcomes``: of all who were asked, in the policy's order."""

    note: bytes
    met: bool
    judged: Judged
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    witness: str
    what: SignatureLine | LedgerError
    fork: bytes | None


def collect(data: bytes, *, policy: Policy, tiles: Tiles, seconds: float, clock: Callable[[], int]) -> Collected:
    """Asks every witness of ``policy`` that has an address to cosign the note ``data``.

    ``tiles``: the log's tree; ``seconds``: for all together; ``clock``: POSIX seconds.  Raises as ``judge``; ``NotVerified``
    ``root-differs`` where the tiles are not the checkpoint's: then nobody is asked.
    """
    judged = judge(policy, data)
    checkpoint = judged.checkpoint
    if root_at(checkpoint.size, tiles) != checkpoint.root:
        raise NotVerified("root-differs", "the tiles give another root than the checkpoint", size=checkpoint.size)
    note = encode_note(judged.text, [line.raw for line in judged.log_lines])
    asked = Asked(note, checkpoint, _key_of(policy, judged), tiles)
    lines, outcomes = dict(judged.cosigned), dict[str, Outcome]()
    for said in _all_asked([one for one in policy.witnesses if one.url], asked, seconds, clock):
        if isinstance(said.what, SignatureLine):
            lines[said.witness] = said.what
            outcomes[said.witness] = Outcome(said.witness, None, cosigned_at(said.what), said.fork)
        else:
            outcomes[said.witness] = Outcome(said.witness, said.what, None, said.fork)
    met = policy.is_met_by(lines)
    if met:
        data = encode_note(judged.text, [line.raw for line in (*judged.log_lines, *_ordered(policy, lines))])
        judge(policy, data)
    return Collected(data, met, judged, tuple(outcomes[one.name] for one in policy.witnesses if one.name in outcomes))


def cosign_folder(folder: Path, *, policy: Policy, files: Files, seconds: float, clock: Callable[[], int]) -> Collected:
    """``collect`` for a published folder; where the quorum is met its checkpoint now bears the cosignatures, durably.

    Raises as ``collect``; ``BadInput`` ``cannot-read``; ``Waiting`` ``folder-busy``; ``Moved`` ``checkpoint-moved`` where it was
    published anew meanwhile: the cosignatures are of the checkpoint before, and nothing is written.
    """
    path = folder / "checkpoint"
    data = files.read(path, NOTE_LIMIT_BYTES)
    size = parse_checkpoint(parse_note(data).text).size
    done = collect(data, policy=policy, tiles=folder_tiles(folder, files, size=size), seconds=seconds, clock=clock)
    if done.met:  # also what is there already: who wrote it may have died before it was synced
        with files.locked(folder, wait=False):
            if files.read(path, NOTE_LIMIT_BYTES) != data:
                raise Moved("checkpoint-moved", "the folder was published anew while witnesses were asked", path=str(path))
            files.write(path, done.note)
    return done


def folder_tiles(folder: Path, files: Files, *, size: int) -> Tiles:
    """The tiles of a folder published at ``size``; they raise ``BadInput`` ``cannot-read``, ``file-too-large`` or ``bad-tile``."""
    return published_tiles(size, lambda path, limit: files.read(folder / path, limit))


def _all_asked(witnesses: list[Witness], asked: Asked, seconds: float, clock: Callable[[], int]) -> list[_Said]:
    """What each said, or that it said nothing in time.  A thread that hangs is left behind: it dies with the process."""
    queue: SimpleQueue[_Said] = SimpleQueue()
    for witness in witnesses:
        Thread(target=_one_asked, args=(witness, asked, seconds, clock, queue), daemon=True).start()
    ends = time.monotonic() + seconds + GRACE_SECONDS
    heard: dict[str, _Said] = {}
    while len(heard) < len(witnesses):
        try:
            said = queue.get(timeout=max(ends - time.monotonic(), 0.001))
        except Empty:
            break
        heard[said.witness] = said
    for one in witnesses:
        if one.name not in heard:
            slow = BadInput("witness-slow", "no whole answer in time", witness=one.name)
            heard[one.name] = _Said(one.name, slow, None)
    return [heard[one.name] for one in witnesses]


def _one_asked(witness: Witness, asked: Asked, seconds: float, clock: Callable[[], int], queue: SimpleQueue[_Said]) -> None:
    forks: list[bytes] = []
    said: SignatureLine | LedgerError
    try:
        # 0 is right for a witness that never saw this log; any other says so, at the price of one request more.
        said = ask(witness, asked, old=0, seconds=seconds, clock=clock, keep_fork=forks.append)
    except LedgerError as problem:
        said = problem
    except Exception as problem:  # a fault of ours must not pass for a slow witness
        said = Broken("internal", f"{type(problem).__name__}: {problem}")
    queue.put(_Said(witness.name, said, forks[0] if forks else None))


def _key_of(policy: Policy, judged: Judged) -> NoteKey:
    """The first of the log's keys whose line is on the note."""
    pairs = {(line.name, line.key_id) for line in judged.log_lines}
    return next(key for key in policy.keys_of(judged.checkpoint.origin) if (key.name, key.key_id) in pairs)


def _ordered(policy: Policy, lines: dict[str, SignatureLine]) -> list[SignatureLine]:
    return [lines[witness.name] for witness in policy.witnesses if witness.name in lines]
