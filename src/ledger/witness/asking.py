"""One witness asked for its cosignature of one checkpoint, over HTTP.

The witness is a stranger: it may be slow, drip, answer for ever, point elsewhere or lie.  So the whole conversation has one
deadline and a limit of requests, an answer has a limit in bytes, no redirection is followed, and a cosignature is kept only after
it was verified: by the key that the policy names, over this very text, at a time that is about now.

1. Ask with the size that the witness is thought to have last signed.
2. 409 tells the right one; the proof from there is made and checked here, and it is asked again.
3. 200: its line is verified.

A proof that was checked here and that the witness still refuses means that it cosigned another history, or lies.  Its own
checkpoint (later text of the specification) may turn that into evidence.

Errors: ``BadInput`` ``witness-unreachable``, ``witness-slow``, ``witness-answered``, ``bad-url``; ``NotVerified``
``witness-ahead``, ``witness-differs``, ``cosignature-time``, ``note-unsigned``, ``note-signature-invalid``.
Spec: C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from ledger.errors import BadInput, NotVerified
from ledger.http import Server
from ledger.proof.checkpoint import Checkpoint
from ledger.proof.lines import decode_decimal
from ledger.proof.merkle import EMPTY_ROOT, TREE_LIMIT_LEAVES, Tiles, check_consistency, prove_consistency, root_at
from ledger.proof.note import NoteKey, SignatureLine, cosigned_at, open_note, parse_note
from ledger.proof.policy import Witness
from ledger.witness.deciding import encode_request
from ledger.witness.evidence import fork_by_tiles

__all__ = ["Asked", "KeepFork", "ask"]

REQUESTS_LIMIT: Final = 4
ANSWER_LIMIT_BYTES: Final = 65_536
AHEAD_LIMIT_SECONDS: Final = 300
BEHIND_LIMIT_SECONDS: Final = 86_400
"""A cosignature is a statement of its own time; a clock may be wrong a little, and an answer from yesterday is none."""

KeepFork = Callable[[bytes], None]
"""Takes a file of evidence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: the log's note without cosignatures, what it says, the log's key, and its tree."""

    note: bytes
    checkpoint: Checkpoint
    key: NoteKey
    tiles: Tiles


def ask(
    witness: Witness, asked: Asked, *, old: int, seconds: float, clock: Callable[[], int], keep_fork: KeepFork
) -> SignatureLine:
    """The witness's cosignature, verified.  ``old``: the size that it is thought to have last signed; ``seconds``: for all of it;
    ``clock``: POSIX seconds; ``keep_fork`` is given evidence, if there is any.  Errors as the module says."""
    ends = time.monotonic() + seconds
    with _told(witness), Server(witness.url, agent="tally-ledger-cosign") as server:
        return _conversation(server, witness, asked, old, ends, clock, keep_fork)


def _conversation(
    server: Server, witness: Witness, asked: Asked, old: int, ends: float, clock: Callable[[], int], keep_fork: KeepFork
) -> SignatureLine:
    size = asked.checkpoint.size
    for _ in range(REQUESTS_LIMIT):
        body = encode_request(old=old, path=_proof(asked, old), note=asked.note)
        reply = server.request("POST", "add-checkpoint", body, {}, limit_bytes=ANSWER_LIMIT_BYTES, ends=ends)
        match reply.status:
            case 200:
                return _opened(witness, asked, reply.body, clock())
            case 409:
                told = decode_decimal(reply.body.removesuffix(b"\n"), limit=TREE_LIMIT_LEAVES, code="witness-answered")
                if told > size:
                    raise NotVerified("witness-ahead", "it has cosigned a larger tree", size=size, witnessed=told)
                if told == old:  # and yet that is not the right one: one size with two roots, in the words of v1.0.0
                    raise _differs(server, witness, asked, old, ends, keep_fork)
                old = told
            case 422:
                raise _differs(server, witness, asked, old, ends, keep_fork)
            case status:
                words = reply.body[:100].decode("ascii", "replace").strip()
                raise BadInput("witness-answered", words or "no cosignature", witness=witness.name, status=status)
    raise BadInput("witness-answered", "it names another size each time", witness=witness.name)


def _proof(asked: Asked, old: int) -> list[bytes]:
    """The path from ``old``, which holds: whoever refuses it has another tree."""
    checkpoint, tiles = asked.checkpoint, asked.tiles
    path = prove_consistency(old, checkpoint.size, tiles)
    old_root = root_at(old, tiles) if old else EMPTY_ROOT
    check_consistency(old=old, new=checkpoint.size, old_root=old_root, new_root=checkpoint.root, path=path)
    return path


def _opened(witness: Witness, asked: Asked, body: bytes, now_seconds: int) -> SignatureLine:
    try:
        note = open_note(asked.note + body, [witness.key])
    except BadInput as problem:
        raise BadInput("witness-answered", f"not signature lines: {problem.detail}", witness=witness.name) from None
    if note.text != parse_note(asked.note).text:  # a blank line in the answer would make a longer text of ours, signed by it
        raise BadInput("witness-answered", "more than signature lines", witness=witness.name)
    line = note.lines[0]
    ahead = cosigned_at(line) - now_seconds
    if not -BEHIND_LIMIT_SECONDS <= ahead <= AHEAD_LIMIT_SECONDS:
        raise NotVerified("cosignature-time", "its clock or its word is wrong", witness=witness.name, seconds=ahead)
    return line


def _differs(server: Server, witness: Witness, asked: Asked, old: int, ends: float, keep_fork: KeepFork) -> NotVerified:
    """With evidence, where the witness shows the log's own signature under the other history."""
    words = "it does not take what extends this very log"
    with suppress(BadInput, NotVerified):
        path = f"{hashlib.sha256(asked.checkpoint.origin.encode()).hexdigest()}/checkpoint"
        reply = server.get(path, limit_bytes=ANSWER_LIMIT_BYTES, ends=ends)
        fork = fork_by_tiles(asked.key, theirs=reply.body, ours=asked.note, tiles=asked.tiles) if reply.status == 200 else None
        if fork is not None:
            keep_fork(fork)
            words = "the log signed another history for it"
    return NotVerified("witness-differs", words, witness=witness.name, size=old)


# --- the way ----------------------------------------------------------------------------------------------------------------


@contextmanager
def _told(witness: Witness) -> Iterator[None]:
    """What went wrong on the way, as this witness's fault."""
    try:
        yield
    except BadInput as problem:
        match problem.code:
            case "server-unreachable":
                raise BadInput("witness-unreachable", problem.detail, witness=witness.name) from None
            case "server-slow":
                raise BadInput("witness-slow", problem.detail, witness=witness.name) from None
            case "server-cut" | "answer-too-large" | "answer-encoded":
                raise BadInput("witness-answered", problem.detail, witness=witness.name) from None
            case _:
                raise
