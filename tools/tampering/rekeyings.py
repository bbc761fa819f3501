"""A log that was rekeyed: words of a key that is not the log's at that size, and chains that do not lead to the key in force."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgpack
from tests.audit.forger import checkpoint_of, publication, recap_files, tree_files
from tests.governed import CITY, Governed, submissions
from tests.rekeying import LOG_2, SEALER_2, log_private, log_signer, rekeyed_season
from tests.world import World, make_node
from tools.tampering.good import Good
from tools.tampering.kinds import Must, Spoiled, kind
from tools.tampering.singles import receipt
from tools.tampering.verdicts import INPUT, Asked

from ledger.proof.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.proof.note import NoteSigner, parse_note
from ledger.tally.canonical import encode
from ledger.tally.events import Approved, LogRekeyed
from ledger.tally.signing import reopen_entry

__all__ = ["rekeyed_total"]

GROUP: Final = "A log that was rekeyed"
HEAD, TREE = 1, 4
OLD: Final = NoteSigner(World().origin, World().log_key)
NEW: Final = log_signer(LOG_2)
CHECKPOINT, ENTRIES = 1, 2
INDEX: Final = 24
GAZETTE: Final = "the reader has an old gazette, and is told that the key is another"
THIEF, EARLY = "whoever stole the key that was replaced signs on", "the new key's holder signs before it was the log's"


def turn(good: Good) -> int:
    """The size from which the new key signs."""
    return next(at for at, entry in enumerate(good.entries) if isinstance(reopen_entry(entry).event.data, LogRekeyed)) + 2


def signed_by(signer: NoteSigner, entries: list[bytes]) -> dict[str, Any]:
    """A publication with this key's word."""
    files = tree_files(entries) | recap_files(entries)
    return {**files, "checkpoint": checkpoint_of(entries, signer)}


@kind(GROUP, "signed by the key before", THIEF, needs="log key", base="rekeyed")
def signed_by_the_old(good: Good) -> Spoiled:
    return Spoiled(signed_by(OLD, good.entries), Must(HEAD, file="checkpoint"))


@kind(GROUP, "the approval's own tree, signed by the key before", THIEF, needs="log key", base="rekeyed")
def first_by_the_old(good: Good) -> Spoiled:
    return Spoiled(signed_by(OLD, good.entries[: turn(good)]), Must(HEAD, file="checkpoint"))


@kind(GROUP, "the proposal's tree, signed by the new key", EARLY, needs="log key", base="rekeyed")
def last_by_the_new(good: Good) -> Spoiled:
    return Spoiled(signed_by(NEW, good.entries[: turn(good) - 1]), Must(HEAD, file="checkpoint"))


@kind(GROUP, "a log of before, signed by the new key", EARLY, needs="log key", base="rekeyed")
def before_by_the_new(good: Good) -> Spoiled:
    return Spoiled(signed_by(NEW, good.entries[:60]), Must(HEAD, file="checkpoint"))


@kind(
    GROUP,
    "a rekeyed log for a reader who was told the old key",
    GAZETTE,
    base="rekeyed",
)
def told_the_old(good: Good) -> Spoiled:
    return Spoiled(dict(good.files), Must(HEAD, file="checkpoint"), Asked(log_vkey=OLD.vkey))


@kind(
    GROUP,
    "a log of before for a reader who was told the new key",
    "the rekeying is kept back: a stale log",
    needs="log key",
    base="rekeyed",
)
def told_the_new(good: Good) -> Spoiled:
    files = publication(good.entries[: turn(good) - 1], OLD)
    return Spoiled(files, Must(HEAD, file="checkpoint"), Asked(log_vkey=NEW.vkey))


def kept(good: Good, **asked: bytes) -> Spoiled:
    """The good log, beside something false that was kept."""
    (where,) = asked
    return Spoiled(dict(good.files), Must(TREE, file=where), Asked(**asked))  # type: ignore[arg-type]


@kind(GROUP, "kept checkpoint of before by the new key", EARLY, needs="log key", base="rekeyed")
def seen_by_the_new(good: Good) -> Spoiled:
    return kept(good, seen=checkpoint_of(good.entries[:60], NEW))


@kind(GROUP, "kept checkpoint of after by the key before", THIEF, needs="log key", base="rekeyed")
def seen_by_the_old(good: Good) -> Spoiled:
    return kept(good, seen=checkpoint_of(good.entries[: turn(good)], OLD))


@kind(GROUP, "receipt of before by the new key", EARLY, needs="log key", base="rekeyed")
def receipt_by_the_new(good: Good) -> Spoiled:
    return kept(good, receipt=receipt(good.entries[:60], INDEX, NEW))


@kind(GROUP, "receipt of after by the key before", THIEF, needs="log key", base="rekeyed")
def receipt_by_the_old(good: Good) -> Spoiled:
    return kept(good, receipt=receipt(good.entries, INDEX, OLD))


# --- proofs of a total -----------------------------------------------------------------------------------------------------------


@functools.cache
def rekeyed_total() -> tuple[bytes, str]:
    """The proof of the city's total by the new keys, with the ledger's id in hex."""
    with tempfile.TemporaryDirectory() as folder, make_node(Path(folder) / "ledger", Governed()) as node:
        node.signers.keep_log_key(log_private(LOG_2))
        node.signers.keep_sealer(Governed().key(SEALER_2))
        for submission in submissions(rekeyed_season().entries):
            node.submit([submission])
        return node.prove_total(contest="mayor", area=CITY).data, (node.ledger_id() or b"").hex()


def total(name: str, story: str, change: Callable[[list[Any]], object], *, vkey: str = NEW.vkey) -> None:
    """A kind: that proof with a change, for a reader who has the id and the key in force."""

    @kind(GROUP, f"rekeyed total: {name}", story, needs="log key", base="rekeyed")
    def spoiled(good: Good) -> Spoiled:
        del good
        data, ledger = rekeyed_total()
        value = msgpack.unpackb(data)
        change(value)
        return Spoiled({"proof": encode(value)}, Must(INPUT), Asked("total", ledger_id=ledger, log_vkey=vkey))


def leave_out(value: list[Any], *types: type) -> None:
    """The file without the entries of these types."""
    value[ENTRIES] = [row for row in value[ENTRIES] if not isinstance(reopen_entry(row[0]).event.data, types)]


def sign_old(value: list[Any]) -> None:
    """The same tree, by the key before."""
    value[CHECKPOINT] = sign_checkpoint(parse_checkpoint(parse_note(value[CHECKPOINT]).text), OLD)


def old_and_left_out(value: list[Any]) -> None:
    """As if there had been no rekeying."""
    sign_old(value)
    leave_out(value, LogRekeyed, Approved)


total("signed by the key before", THIEF, sign_old)
total("without the proposal", "a key that nobody proposed", lambda value: leave_out(value, LogRekeyed))
total("without the approval", "a key that nobody approved", lambda value: leave_out(value, Approved))
total("the rekeying left out", "the new key's word without what made it so", lambda value: leave_out(value, LogRekeyed, Approved))
total("the rekeying left out, signed by the key before", THIEF, old_and_left_out)
total("for a reader who was told the old key", GAZETTE, len, vkey=OLD.vkey)
