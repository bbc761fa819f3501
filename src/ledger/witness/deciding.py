"""What a witness answers to ``add-checkpoint``: the old state and a request in, the new state and an answer out.  Pure.

    old 20852014                                         the size that the witness last cosigned, as the client knows it
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=         at most 63 hashes: the consistency proof from there
                                                         a blank line
    example.com/log                                      the signed checkpoint
    ...

| status | where |
|---|---|
| 400 | the request cannot be read, or its old size is above the checkpoint's |
| 404 | the origin is of no known log |
| 403 | no line by a trusted key, or one that fails |
| 409 | the old size is not the recorded one (which is the body); v1.0.0: one size with two roots |
| 422 | the consistency proof does not hold; later text: one size with two roots |
| 200 | the body is the witness's cosignature |

``later`` turns on the text of the specification after v1.0.0 (docs/FORMATS.md section 8.8).  A checkpoint with extension lines, or
one of size 0 with the root of something, is never cosigned.  The time of a cosignature never falls, whatever the clock does: the
larger tree is never the older statement.

Left to others: that the new state is durable before the answer leaves, and is put in place of the very state that was decided on
(folder.py, serving.py); the clock.  Spec: C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.lines import decode_base64, decode_decimal
from ledger.proof.merkle import EMPTY_ROOT, HASH_BYTES, PATH_LIMIT_HASHES, TREE_LIMIT_LEAVES, check_consistency
from ledger.proof.note import NoteCosigner, NoteKey, cosigned_at, encode_note, open_note, parse_note
from ledger.witness.evidence import fork_by_path

__all__ = [
    "NEVER",
    "REQUEST_LIMIT_BYTES",
    "SIZE_TYPE",
    "Answer",
    "Recorded",
    "Request",
    "Step",
    "decide",
    "encode_request",
    "open_recorded",
    "parse_request",
]

REQUEST_LIMIT_BYTES: Final = 65_536
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

_OLD: Final = b"old "


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be read; nothing of it is verified.  ``checkpoint`` is what ``note`` says."""

    old: int
    path: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a witness remembers of a log: the note that it last cosigned, with the log's line and its own; b'' before the first.

    ``time`` is that cosignature's, in POSIX seconds.
    """

    size: int
    root: bytes
    time: int
    note: bytes


NEVER: Final = Recorded(0, EMPTY_ROOT, 0, b"")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Step:
    """An answer.  ``recorded``: what must be durable before it leaves, None where nothing changes.  ``fork``: evidence, if the
    request gave any."""

    answer: Answer
    recorded: Recorded | None
    fork: bytes | None


def encode_request(*, old: int, path: Sequence[bytes], note: bytes) -> bytes:
    """The body that asks for a cosignature of ``note``."""
    return b"\n".join([_OLD + b"%d" % old, *(base64.b64encode(step) for step in path), b"", note])


def parse_request(body: bytes) -> Request:
    """The request that ``body`` spells; ``BadInput`` ``bad-request``, ``bad-note`` or ``bad-checkpoint`` for anything else."""
    if len(body) > REQUEST_LIMIT_BYTES:
        raise BadInput("bad-request", "too long", bytes=len(body))
    head, blank, note = body.partition(b"\n\n")
    lines = head.split(b"\n", 1 + PATH_LIMIT_HASHES)
    if not blank or not lines[0].startswith(_OLD):
        raise BadInput("bad-request", "no old size, or no blank line")
    if len(lines) > 1 + PATH_LIMIT_HASHES:
        raise BadInput("bad-request", f"more than {PATH_LIMIT_HASHES} hashes")
    old = decode_decimal(lines[0].removeprefix(_OLD), limit=TREE_LIMIT_LEAVES, code="bad-request")
    path = tuple(decode_base64(line, code="bad-request") for line in lines[1:])
    if any(len(step) != HASH_BYTES for step in path):
        raise BadInput("bad-request", "a hash is not 32 bytes long")
    return Request(old, path, note, parse_checkpoint(parse_note(note).text))


def open_recorded(data: bytes, *, key: NoteKey, origin: str) -> Recorded:
    """What a witness of ``key`` wrote down of the log ``origin``; b'' is ``NEVER``.

    Raises ``NotVerified`` or ``BadInput`` for what it did not cosign, or of another log.
    """
    if not data:
        return NEVER
    note = open_note(data, [key])
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise NotVerified("checkpoint-other-origin", "of another log", expected=origin, found=checkpoint.origin)
    return Recorded(checkpoint.size, checkpoint.root, cosigned_at(note.lines[0]), data)


def decide(
    request: Request, *, keys: Sequence[NoteKey], recorded: Recorded, cosigner: NoteCosigner, now_seconds: int, later: bool
) -> Step:
    """What ``request`` is answered, and what is remembered then.  ``keys``: those trusted for its origin, none for an unknown log;
    ``recorded``: what is remembered of that log.

    The origin is known, the log signed, the sizes are in order, the old size is the recorded one, the root is that one's or its
    extension's: in this order, as the table above says.
    """
    checkpoint = request.checkpoint
    if not keys:
        return _refused(404, "unknown origin")
    try:
        open_checkpoint(request.note, keys, checkpoint.origin)
    except NotVerified as problem:
        return _refused(403, problem.code)
    if request.old > checkpoint.size:
        return _refused(400, "the old size is above the checkpoint's")
    if request.old != recorded.size:
        return Step(_size(recorded.size), None, _fork(request, keys, recorded))
    if checkpoint.size == recorded.size > 0 and checkpoint.root != recorded.root and not later:
        return Step(_size(recorded.size), None, _fork(request, keys, recorded))
    try:
        check_consistency(old=request.old, new=checkpoint.size, old_root=recorded.root, new_root=checkpoint.root, path=request.path)
    except NotVerified as problem:
        return Step(_refused(422, problem.detail).answer, None, _fork(request, keys, recorded))
    return _cosigned(request, keys, recorded, cosigner, now_seconds)


def _cosigned(request: Request, keys: Sequence[NoteKey], recorded: Recorded, cosigner: NoteCosigner, now_seconds: int) -> Step:
    log = open_note(request.note, keys)
    time = max(now_seconds, recorded.time)
    line = cosigner.sign(log.text, timestamp=time)
    note = encode_note(log.text, [*(signed.raw for signed in log.lines), line])
    return Step(Answer(200, line, TEXT_TYPE), Recorded(request.checkpoint.size, request.checkpoint.root, time, note), None)


def _fork(request: Request, keys: Sequence[NoteKey], recorded: Recorded) -> bytes | None:
    """Evidence, if one key signed both what is recorded and what is asked for, and they cannot both be true."""
    for key in keys:
        try:
            fork = fork_by_path(key, old=recorded.note, new=request.note, path=request.path)
        except (BadInput, NotVerified):  # nothing is recorded, or another of the log's keys signed it
            continue
        if fork is not None:
            return fork
    return None


def _refused(status: int, words: str) -> Step:
    return Step(Answer(status, words.encode() + b"\n", TEXT_TYPE), None, None)


def _size(size: int) -> Answer:
    return Answer(409, b"%d\n" % size, SIZE_TYPE)
