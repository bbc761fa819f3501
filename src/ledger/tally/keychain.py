"""The log's and the sealer's keys by the entries that made them: for whoever has these entries and not the log.

Entry 0 names the first keys; each ``log.rekeyed`` that took effect, with the ``approved`` that gave it effect, names others.
Signatures bind what an entry says and not where it stands: so each comes with its path to a checkpoint, and the key that signed
that is the last of the chain.  A chain cannot show that a later rekeying was left out: who fears that asks for the present key
elsewhere.  docs/FORMATS.md section 8.4.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct

from ledger.errors import BadInput, NotVerified, Refused
from ledger.proof.checkpoint import open_checkpoint, parse_checkpoint
from ledger.proof.merkle import PATH_LIMIT_HASHES, check_inclusion
from ledger.proof.note import NOTE_LIMIT_BYTES, parse_note, parse_vkey
from ledger.tally.acts.approvals import APPROVAL_LIMIT_MS
from ledger.tally.acts.rekeying import REKEYINGS_MAX, rekeying_fault
from ledger.tally.canonical import Digest, decode
from ledger.tally.events import ENTRY_LIMIT_BYTES, Approved, ElectionOpened, LogRekeyed
from ledger.tally.rows import LogKey, log_key_at
from ledger.tally.signing import OpenedEntry, open_entry

__all__ = ["CHAIN_MAX", "KeyChainFile", "Keychain", "Stated", "follow_keys", "open_chain"]

CHAIN_MAX: Final = 2 * 2 * REKEYINGS_MAX
"""Entries of a chain after entry 0: so many proposals of each of two keys, each with its approval."""

KEY_CHAIN_LIMIT_BYTES: Final = 4_000_000


class Stated(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An entry and its inclusion path in a checkpoint's tree."""

    entry: Annotated[bytes, Meta(max_length=ENTRY_LIMIT_BYTES)]
    path: Annotated[tuple[Digest, ...], Meta(max_length=PATH_LIMIT_HASHES)]


class KeyChainFile(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The file.  ``stated``: entry 0 and the chain."""

    version: Literal[1]
    checkpoint: Annotated[bytes, Meta(max_length=NOTE_LIMIT_BYTES)]
    stated: Annotated[tuple[Stated, ...], Meta(min_length=1, max_length=1 + CHAIN_MAX)]


_chain_decoder: Final = msgspec.msgpack.Decoder(KeyChainFile)


class Keychain(NamedTuple):
    """``log_keys``: the log's, each from its size on; ``sealers``: (index from which it seals, point), ascending too."""

    log_keys: tuple[LogKey, ...]
    sealers: tuple[tuple[int, bytes], ...]

    def sealer_at(self, index: int) -> bytes:
        """The sealer's point that could sign the entry at this index."""
        return next(point for begins, point in reversed(self.sealers) if begins <= index)


def follow_keys(opened: ElectionOpened, chain: Sequence[OpenedEntry]) -> Keychain:
    """The keys that entry 0 and the ``chain`` name: proposals and approvals, in ascending order of index, whose own signatures and
    whose ledger hold.

    Raises ``NotVerified`` ``key-chain-broken`` where one of them is not what it must be, or a proposal has no approval.
    """
    roots = {root.point for root in opened.roots}
    waiting: dict[bytes, OpenedEntry] = {}
    log_keys, sealers = [LogKey(0, opened.log_key)], [(0, opened.sealer.point)]
    for entry in chain:
        data = entry.event.data
        if entry.event.key not in roots:
            raise _broken("not signed by a root key", entry)
        if isinstance(data, LogRekeyed):
            fault = rekeying_fault(data, opened.origin)
            if fault:
                raise _broken(fault, entry)
            waiting[entry.event.event_id] = entry
            continue
        proposal = waiting.pop(data.event, None) if isinstance(data, Approved) else None
        if proposal is None or not isinstance(proposal.event.data, LogRekeyed):
            raise _broken("it approves no rekeying before it", entry)
        if proposal.event.key == entry.event.key:
            raise _broken("proposed and approved by one key", entry)
        if entry.sequenced_at - proposal.sequenced_at > APPROVAL_LIMIT_MS:
            raise _broken("approved too late", entry)
        said = proposal.event.data
        if said.log_key is not UNSET:
            log_keys.append(LogKey(entry.index + 1, said.log_key))
        if said.sealer is not UNSET:
            sealers.append((entry.index + 1, said.sealer.point))
    for entry in waiting.values():
        raise _broken("it has no approval", entry)
    for keys in ([key.vkey for key in log_keys], [point for _, point in sealers]):
        if len(set(keys)) != len(keys) or len(keys) > REKEYINGS_MAX + 1:
            raise NotVerified("key-chain-broken", "a key twice, or more than there can be")
    return Keychain(tuple(log_keys), tuple(sealers))


def open_chain(data: bytes, *, ledger: bytes) -> Keychain:
    """The keys that a key chain file names, of the ledger with this id.

    1. read the file   2. the entries, by their own signatures, in the log's order   3. the keys that they make
    4. the checkpoint, by the key in force at its size   5. every entry stands in that tree, at its index

    Raises ``NotVerified`` ``key-chain-broken``; ``note-unsigned``, ``proof-invalid``, ... for checkpoint and paths.
    """
    if len(data) > KEY_CHAIN_LIMIT_BYTES:
        raise NotVerified("key-chain-broken", "longer than a chain can be")
    try:
        chain = decode(data, _chain_decoder)  # 1
        entries = [open_entry(each.entry) for each in chain.stated]  # 2
        size = parse_checkpoint(parse_note(chain.checkpoint).text).size
    except (Refused, BadInput) as problem:
        raise NotVerified("key-chain-broken", f"{problem.code}: {problem.detail}") from None
    opened = entries[0].event.data
    if not isinstance(opened, ElectionOpened) or entries[0].event.event_id != ledger:
        raise NotVerified("key-chain-broken", "it does not begin with this ledger's entry 0")
    for before, entry in itertools.pairwise(entries):
        if entry.event.ledger != ledger or entry.index <= before.index:
            raise _broken("of another ledger, or not in the log's order", entry)
    keys = follow_keys(opened, entries[1:])  # 3
    checkpoint = open_checkpoint(chain.checkpoint, [parse_vkey(log_key_at(keys.log_keys, size))], opened.origin)  # 4
    for stated, entry in zip(chain.stated, entries, strict=True):  # 5
        check_inclusion(index=entry.index, size=size, leaf=entry.leaf, path=stated.path, root=checkpoint.root)
    return keys


def _broken(detail: str, entry: OpenedEntry) -> NotVerified:
    return NotVerified("key-chain-broken", detail, index=entry.index)
