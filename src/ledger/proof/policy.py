"""Policies: which logs and witnesses are trusted, and which cosignatures together are enough.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...       at least k of its members, each a witness or a group defined above
    quorum <name>|none                       exactly once

Items stand apart by spaces or tabs; empty lines and lines that begin with ``#`` mean nothing.  Names are octets without a meaning
outside of the file; here they are text in which octets that are no UTF-8 are kept as lone surrogates.  A name is member of one
group at most, so that each witness counts in one way only.

Left to others: asking the witnesses (ledger.witness).  Spec: C2SP tlog-policy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.proof.lines import decode_decimal
from ledger.proof.note import COSIGNATURE, ED25519, NoteKey, SignatureLine, open_note, parse_note, parse_vkey

__all__ = ["POLICY_LIMIT_BYTES", "Group", "Judged", "Log", "Policy", "Witness", "judge", "parse_policy", "require_quorum"]

POLICY_LIMIT_BYTES: Final = 262_144
LOGS_LIMIT: Final = 64
WITNESSES_LIMIT: Final = 64
GROUPS_LIMIT: Final = 64
NONE: Final = "none"

_FOREIGN: Final = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_LEAST_WORDS: Final = {"log": 2, "witness": 3, "group": 4, "quorum": 2}
_MOST_WORDS: Final = {"log": 3, "witness": 4, "group": 3 + WITNESSES_LIMIT + GROUPS_LIMIT, "quorum": 2}


@dataclass(frozen=True, slots=True)
class Log:
    """A log that is trusted to speak for the origin ``key.name``; ``url`` is '' where none is given."""

    key: NoteKey
    url: str


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness; ``name`` is the policy's own word for it, ``url`` its submission prefix or ''."""

    name: str
    key: NoteKey
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses a checkpoint if at least ``threshold`` (1..its members) of ``members`` do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; ``quorum`` names a witness or a group, or is None where no cosignature is asked for."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    def is_met_by(self, cosigned: Collection[str]) -> bool:
        """Whether the witnesses of these names are enough."""
        if self.quorum is None:
            return True
        good = {witness.name for witness in self.witnesses} & set(cosigned)
        for group in self.groups:  # in the order of the file: members stand above
            if len(good & set(group.members)) >= group.threshold:
                good.add(group.name)
        return self.quorum in good

    def keys_of(self, origin: str) -> tuple[NoteKey, ...]:
        """The keys that may sign for a log of this origin; none where it is unknown."""
        return tuple(log.key for log in self.logs if log.key.name == origin)


@dataclass(frozen=True, slots=True)
class Judged:
    """A checkpoint of a known log, with the verified lines: the log's, and by the names of the policy its witnesses'."""

    checkpoint: Checkpoint
    text: bytes
    log_lines: tuple[SignatureLine, ...]
    cosigned: dict[str, SignatureLine]
    met: bool


def parse_policy(data: bytes) -> Policy:
    """The policy that ``data`` spells; ``BadInput`` ``bad-policy`` with the line for anything else."""
    if len(data) > POLICY_LIMIT_BYTES:
        raise BadInput("bad-policy", f"more than {POLICY_LIMIT_BYTES:,} bytes")
    if _FOREIGN.search(data):
        raise BadInput("bad-policy", "a control character")
    if data and not data.endswith(b"\n"):
        raise BadInput("bad-policy", "the last line is not ended")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n"), 1):
        words = [word for word in re.split(rb"[ \t]+", line) if word]
        if words and not words[0].startswith(b"#"):
            reader.take([word.decode("utf-8", "surrogateescape") for word in words], number)
    return reader.whole()


def judge(policy: Policy, data: bytes) -> Judged:
    """The checkpoint in the note ``data``, now known to be of a log of the policy; ``met`` says whether its quorum has cosigned.

    Raises as ``open_checkpoint``: a failing line of any log or witness of the policy condemns the note.
    """
    note = parse_note(data)
    origin = parse_checkpoint(note.text).origin
    keys = policy.keys_of(origin)
    if not keys:
        raise NotVerified("note-unsigned", "the policy has no log of this origin", origin=origin)
    witnesses = {(witness.key.name, witness.key.key_id): witness.name for witness in policy.witnesses}
    everyone = [*keys, *(witness.key for witness in policy.witnesses)]
    checkpoint = open_checkpoint(data, everyone, origin)
    pairs = [((line.name, line.key_id), line) for line in open_note(data, everyone).lines]
    cosigned = {witnesses[pair]: line for pair, line in pairs if pair in witnesses}
    log_lines = tuple(line for pair, line in pairs if pair not in witnesses)
    return Judged(checkpoint, note.text, log_lines, cosigned, policy.is_met_by(cosigned))


def require_quorum(policy: Policy, judged: Judged) -> Judged:
    """``judged``, cosigned by the policy's quorum; else ``NotVerified`` ``quorum-short``."""
    if not judged.met:
        words = f"cosigned by {len(judged.cosigned)} of the policy's {len(policy.witnesses)} witnesses, which its quorum is not"
        raise NotVerified("quorum-short", words)
    return judged


class _Reader:
    """Takes one line after the other; every name is known before it is used."""

    def __init__(self) -> None:
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._publics: set[tuple[int, bytes]] = set()
        self._pairs: set[tuple[str, bytes]] = set()
        self._quorum: list[str] = []

    def take(self, words: list[str], number: int) -> None:
        kind = words[0]
        if kind not in _LEAST_WORDS:
            raise _bad("no such kind of line", number)
        if not _LEAST_WORDS[kind] <= len(words) <= _MOST_WORDS[kind]:
            raise _bad("another number of items than this kind of line has", number)
        match kind:
            case "log":
                self._logs.append(Log(self._key(words[1], ED25519, number), "".join(words[2:])))
            case "witness":
                self._name(words[1], number)
                self._witnesses.append(Witness(words[1], self._key(words[2], COSIGNATURE, number), "".join(words[3:])))
            case "group":
                self._groups.append(self._group(words, number))
            case _:
                if self._quorum or (words[1] != NONE and words[1] not in self._names):
                    raise _bad("a second quorum, or of a name that is not defined above", number)
                self._quorum.append(words[1])
        if len(self._logs) > LOGS_LIMIT or len(self._witnesses) > WITNESSES_LIMIT or len(self._groups) > GROUPS_LIMIT:
            raise _bad("more logs, witnesses or groups than can be read", number)

    def whole(self) -> Policy:
        if not self._quorum:
            raise BadInput("bad-policy", "no line says what the quorum is")
        quorum = None if self._quorum[0] == NONE else self._quorum[0]
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), quorum)

    def _key(self, vkey: str, kind: int, number: int) -> NoteKey:
        try:
            key = parse_vkey(vkey)
        except BadInput as problem:
            raise _bad(f"not a verifier key: {problem.detail}", number) from None
        if key.kind != kind:
            raise _bad("a key of the other kind: logs sign, witnesses cosign", number)
        if (kind, key.public) in self._publics or (key.name, key.key_id) in self._pairs:
            raise _bad("a key stands twice", number)
        self._publics.add((kind, key.public))
        self._pairs.add((key.name, key.key_id))
        return key

    def _name(self, name: str, number: int) -> None:
        if name == NONE or name in self._names:
            raise _bad("a name is taken", number)
        self._names.add(name)

    def _group(self, words: list[str], number: int) -> Group:
        _, name, how, *members = words
        for member in members:
            if member not in self._names or member in self._members:
                raise _bad("a member that is not defined above, or is one of a group already", number)
            self._members.add(member)
        self._name(name, number)
        if how in ("any", "all"):
            return Group(name, 1 if how == "any" else len(members), tuple(members))
        try:
            threshold = decode_decimal(how.encode("utf-8", "surrogateescape"), limit=len(members), code="bad-policy")
        except BadInput:
            threshold = 0
        if not threshold:
            raise _bad("not all, any, or a number of its members", number)
        return Group(name, threshold, tuple(members))


def _bad(detail: str, number: int) -> BadInput:
    return BadInput("bad-policy", detail, line=number)
