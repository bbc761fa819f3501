"""Evidence of a fork: two checkpoints that one log signed and that cannot both be true, in one file that anyone can check.

    tally-ledger/fork/v1
    log example.com/log+d8b1f0d2+AeQo...              whose word is turned against itself
    first 213                                         the length of the first note, in bytes
    root bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=   only where the sizes differ, with the path:
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=        the tree of the second has this root at the size of the first
                                                      a blank line
    example.com/log                                   the first note, then the second, each verbatim
    ...

Of one size: two roots.  Of two sizes: ``root``, which the path shows to be the root of the second tree's first leaves, is not what
the first checkpoint says.  A proof that merely fails shows nothing, since anyone can spoil a proof; this one holds, and by the
collision resistance of SHA-256 nobody can make one against a log that kept to one history.

The smaller tree is the first; of one size, the smaller root.  So one fork has one file.  Docs: docs/FORMATS.md section 8.7.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, open_checkpoint
from ledger.proof.lines import decode_base64, decode_decimal
from ledger.proof.merkle import (
    HASH_BYTES,
    PATH_LIMIT_HASHES,
    Tiles,
    check_consistency,
    node_hash,
    prove_consistency,
    root_at,
)
from ledger.proof.note import NOTE_LIMIT_BYTES, NoteKey, parse_vkey

__all__ = ["EVIDENCE_LIMIT_BYTES", "Fork", "check_fork", "fork_by_path", "fork_by_tiles"]

EVIDENCE_LIMIT_BYTES: Final = 2 * NOTE_LIMIT_BYTES + 10_000

_HEADER: Final = b"tally-ledger/fork/v1"


@dataclass(frozen=True, slots=True)
class Fork:
    """The log of ``key`` signed both.  ``root``: what the second tree's first leaves give; None where the sizes are equal."""

    key: NoteKey
    first: Checkpoint
    second: Checkpoint
    root: bytes | None


def check_fork(data: bytes, *, key: NoteKey | None) -> Fork:
    """The fork that ``data`` proves.  ``key``: the log's, from elsewhere; None believes the file's, and then it is for whoever
    reads the result to compare ``Fork.key``.

    1. The file is canonical.  ``BadInput`` ``bad-evidence``, ``bad-vkey``, ``bad-note``, ``bad-checkpoint``.
    2. Its key is the one given; ``NotVerified`` ``evidence-other-log``.
    3. Both notes are checkpoints that this key signed, of its origin; errors as ``open_checkpoint``.
    4. One size: the roots differ.  Two sizes: the path holds from ``root`` to the second, and the first root is another one.
       ``NotVerified`` ``proof-invalid``, ``evidence-void``.
    """
    # 1.
    if len(data) > EVIDENCE_LIMIT_BYTES:
        raise BadInput("bad-evidence", "too long", bytes=len(data))
    head, _, notes = data.partition(b"\n\n")
    lines = head.split(b"\n", 5 + PATH_LIMIT_HASHES)
    if len(lines) < 3 or lines[0] != _HEADER:
        raise BadInput("bad-evidence", "not evidence of version 1")
    own = parse_vkey(_after(lines[1], b"log ").decode("utf-8", "replace"))
    length = decode_decimal(_after(lines[2], b"first "), limit=len(notes), code="bad-evidence")
    root = decode_base64(_after(lines[3], b"root "), code="bad-evidence") if len(lines) > 3 else None
    path = [decode_base64(line, code="bad-evidence") for line in lines[4:]]
    if root is not None and len(root) != HASH_BYTES:
        raise BadInput("bad-evidence", "the root is not 32 bytes long")
    # 2.
    if key is not None and own != key:
        raise NotVerified("evidence-other-log", "the file speaks of another key", expected=key.name, found=own.name)
    # 3.
    first = open_checkpoint(notes[:length], [own], own.name)
    second = open_checkpoint(notes[length:], [own], own.name)
    if (first.size, first.root) > (second.size, second.root) or (root is None) != (first.size == second.size):
        raise BadInput("bad-evidence", "the notes stand in the other order, or a root is missing or too many")
    # 4.
    if root is not None:
        check_consistency(old=first.size, new=second.size, old_root=root, new_root=second.root, path=path)
    if first.root == (second.root if root is None else root):
        raise NotVerified("evidence-void", "the two checkpoints agree", size=first.size)
    return Fork(own, first, second, root)


def fork_by_path(key: NoteKey, *, old: bytes, new: bytes, path: Sequence[bytes]) -> bytes | None:
    """Evidence from two signed notes and the path that was offered between them; None where it shows no fork.

    ``path`` may be anything.  From an old size that is a power of two a path does not name the old root, so that a fork is not
    shown by it; ``fork_by_tiles`` shows those too.
    """
    before, after = open_checkpoint(old, [key], key.name), open_checkpoint(new, [key], key.name)
    if before.size == after.size:
        return _made(key, old, new, None, ())
    if not 0 < before.size < after.size or not path:
        return None
    return _made(key, old, new, _old_root(before.size, after.size, path), path)


def fork_by_tiles(key: NoteKey, *, theirs: bytes, ours: bytes, tiles: Tiles) -> bytes | None:
    """Evidence from a signed note of somebody else's and our own, whose ``tiles`` we hold; None where it shows no fork, or where
    theirs is the larger tree, whose tiles only they hold.  Errors as ``prove_consistency``."""
    other, own = open_checkpoint(theirs, [key], key.name), open_checkpoint(ours, [key], key.name)
    if other.size == own.size:
        return _made(key, theirs, ours, None, ())
    if other.size > own.size:
        return None
    return _made(key, theirs, ours, root_at(other.size, tiles), prove_consistency(other.size, own.size, tiles))


def _made(key: NoteKey, first: bytes, second: bytes, root: bytes | None, path: Sequence[bytes]) -> bytes | None:
    """The file, if it proves a fork."""
    if root is None:
        first, second = sorted((first, second), key=lambda note: open_checkpoint(note, [key], key.name).root)
    lines = [_HEADER, b"log " + key.vkey.encode(), b"first %d" % len(first)]
    if root is not None:
        lines += [b"root " + base64.b64encode(root), *(base64.b64encode(step) for step in path)]
    data = b"\n".join([*lines, b"", first + second])
    try:
        check_fork(data, key=key)
    except NotVerified:
        return None
    return data


def _old_root(old: int, new: int, path: Sequence[bytes]) -> bytes:
    """The root of the first ``old`` leaves to which a consistency path leads (RFC 9162 2.1.4.2), whatever the new root be."""
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    result, *rest = path
    for sibling in rest:
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    return result


def _after(line: bytes, word: bytes) -> bytes:
    if not line.startswith(word):
        raise BadInput("bad-evidence", "a line is missing or stands at another place")
    return line.removeprefix(word)
