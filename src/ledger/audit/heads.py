"""The signed head: what a checkpoint says, whose word it is, who cosigned it, and what was known before (step 1).

Two sides judge it.  Entry 0 names the log's key, its origin and its witnesses, and rekeyings name other keys from some size on; but
entry 0 comes from whoever shows the log, and only who knows the ledger's id can tell that it is the right one.  What the reader has
from elsewhere, the log's key or a policy, is asked of the head beside that, and it is all there is while the log is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.audit.report import KeyFound
from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.note import NoteKey, open_note, parse_note, parse_vkey
from ledger.proof.policy import Policy, judge, require_quorum
from ledger.tally.events import ElectionOpened
from ledger.tally.rows import LogKey, log_key_at

__all__ = ["Expected", "Head", "Known", "open_head", "parse_head"]


class Expected(Struct, frozen=True):
    """What the reader knows of the log from elsewhere: the ledger's id, the log's key, the logs and witnesses that it trusts."""

    ledger_id: bytes | None = None
    log_key: NoteKey | None = None
    policy: Policy | None = None


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


def open_head(note: bytes, election: ElectionOpened, log_keys: Sequence[LogKey]) -> int:
    """How many of the witnesses that ``election`` names have cosigned the note, now known to be the word of the log that it names.

    ``log_keys``: the log's, each from its size on; the one at the note's size must have signed.  ``NotVerified`` ``note-unsigned``,
    ``note-signature-invalid`` (of log or witness), ``checkpoint-other-origin``; ``BadInput`` for a key that is none.
    """
    own = log_key_at(log_keys, parse_head(note).size)
    keys = [parse_vkey(vkey) for vkey in (own, *election.witnesses)]
    open_checkpoint(note, keys, election.origin)
    return len(open_note(note, keys).lines) - 1


class Head:
    """The head ``note`` of the log that ``expected`` is asked of; ``shown`` is what it says, nothing verified.  ``published``: the
    witnesses must have cosigned it; a ledger's own head goes to them only when it is published.

    ``vkey``: the log's key in force at its size, '' until it was judged.  ``witnesses``: how many of those that entry 0 names have;
    ``cosigned``: the policy's, by its names, None without a policy;
    ``key``: whether the log's key was found to be the one given.  Raises as ``parse_head``.
    """

    def __init__(self, note: bytes, expected: Expected, *, published: bool) -> None:
        self.note: Final = note
        self.shown: Final = parse_head(note)
        self._expected: Final = expected
        self._published: Final = published
        self.witnesses = 0
        self.vkey = ""
        self.cosigned: tuple[str, ...] | None = None
        self.key: KeyFound = "not-checked"

    @property
    def unwitnessed(self) -> bool:
        """Whether nobody but the log was asked to vouch for this head."""
        policy = self._expected.policy
        return self._published and not self.witnesses and (policy is None or policy.quorum is None)

    def judge(self, election: ElectionOpened, log_keys: Sequence[LogKey]) -> Iterator[BadInput | NotVerified]:
        """What is wrong with the head, by what entry 0 names, by the log's keys, and by what was expected."""
        self.vkey = log_key_at(log_keys, self.shown.size)
        try:
            self.witnesses = open_head(self.note, election, log_keys)
        except (BadInput, NotVerified) as problem:
            yield problem
        else:
            if self._published and self.witnesses < election.quorum:
                words = f"{self.witnesses} of the {election.quorum} cosignatures that entry 0 asks for"
                yield NotVerified("quorum-short", words)
        yield from self._judge_expected()

    @property
    def anybodys(self) -> bool:
        """Whether the reader knows no key that could have signed it: entry 0 alone could name one."""
        policy = self._expected.policy
        return self._expected.log_key is None and (policy is None or not policy.keys_of(self.shown.origin))

    def judge_empty(self) -> Iterator[BadInput | NotVerified]:
        """What is wrong with the head of a log without an entry, of which only the reader's own knowledge can tell.  Its root is
        another question."""
        if self.anybodys:
            yield NotVerified("log-empty", "without entry 0, nobody is named who could have signed it")
            return
        if self._expected.ledger_id is not None:
            yield NotVerified("log-empty", "the ledger that is expected has an entry 0")
        yield from self._judge_expected()

    def _judge_expected(self) -> Iterator[BadInput | NotVerified]:
        key, policy = self._expected.log_key, self._expected.policy
        if key is not None:
            self.key = "checked"
            try:
                open_checkpoint(self.note, [key], key.name)
                if self.vkey not in ("", key.vkey):
                    raise NotVerified("note-unsigned", "another key of the log is in force at this size")
            except (BadInput, NotVerified) as problem:
                self.key = "other"
                yield type(problem)(problem.code, f"by the log's key as given: {problem.detail}")
        if policy is None:
            return
        try:
            judged = judge(policy, self.note)
            self.cosigned = tuple(judged.cosigned)
            require_quorum(policy, judged)
        except (BadInput, NotVerified) as problem:
            yield type(problem)(problem.code, f"by the policy: {problem.detail}")
