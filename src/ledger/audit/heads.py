"""Signed heads: what a checkpoint says, whose word it is, and what was known before (step 1, and the known tree of step 4).

Entry 0 names the log's key, its origin and its witnesses; so a head can be judged only once entry 0 is read, and entry 0 itself
only by who knows the ledger's id.
"""

from __future__ import annotations

from msgspec import Struct

from ledger.errors import NotVerified
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.note import open_note, parse_note, parse_vkey
from ledger.tally.events import ElectionOpened

__all__ = ["Known", "count_witnesses", "open_head", "parse_head"]


class Known(Struct, frozen=True):
    """A tree that was seen before and must be a prefix of this one.

    ``note``: the signed checkpoint it comes from, b'' where size and root are the caller's own knowledge.
    """

    size: int
    root: bytes
    note: bytes

    @classmethod
    def from_note(cls, note: bytes) -> Known:
        """From a checkpoint that was kept; its signature is checked once the log's key is known.  ``BadInput`` if it is none."""
        checkpoint = parse_head(note)
        return cls(checkpoint.size, checkpoint.root, note)

    @classmethod
    def from_head(cls, size: int, root: bytes) -> Known:
        """From a size and a root."""
        return cls(size, root, b"")


def parse_head(note: bytes) -> Checkpoint:
    """What the note says, nothing verified; ``BadInput`` ``bad-note``, ``bad-checkpoint``."""
    return parse_checkpoint(parse_note(note).text)


def open_head(note: bytes, election: ElectionOpened) -> Checkpoint:
    """What the note says, now known to be the word of the log that ``election`` names.

    ``NotVerified`` ``note-unsigned``, ``note-signature-invalid``, ``checkpoint-other-origin``; ``BadInput`` for a key that is none.
    """
    return open_checkpoint(note, [parse_vkey(election.log_key)], election.origin)


def count_witnesses(note: bytes, election: ElectionOpened) -> int:
    """Valid cosignatures by the witnesses that ``election`` names; a line of theirs that does not verify raises ``NotVerified``."""
    try:
        return len(open_note(note, [parse_vkey(vkey) for vkey in election.witnesses]).lines)
    except NotVerified as problem:
        if problem.code != "note-unsigned":
            raise
        return 0
