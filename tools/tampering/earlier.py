"""What somebody kept from earlier, held against a log that has another past: a checkpoint that was seen, a receipt."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.audit.forger import Files, checkpoint_of, parts_of, publication, relink
from tools.tampering.good import COSIGNED_AT, Good, base, witnesses_of
from tools.tampering.kinds import Must, Spoiled, kind
from tools.tampering.singles import receipt, rewritten
from tools.tampering.verdicts import INPUT, Asked

from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.note import NoteSigner
from ledger.proof.tlogproof import encode_proof, parse_proof

__all__: list[str] = []

GROUP: Final = "Held against what was kept from earlier"
HEAD, TREE = 1, 4

INDEX: Final = 24


def shown(good: Good, entries: list[bytes]) -> Files:
    """Another log of the same owner, good in itself."""
    return publication(entries, good.signer)


def seen(files: Files, note: bytes, file: str | None = None, step: int = TREE, *also: int) -> Spoiled:
    """A publication beside a checkpoint that was kept."""
    return Spoiled(dict(files), Must(step, file=file, also=frozenset(also)), Asked(seen=note))


def held(files: Files, data: bytes, step: int = TREE, *also: int) -> Spoiled:
    """A publication beside a receipt."""
    return Spoiled(dict(files), Must(step, also=frozenset(also)), Asked(receipt=data))


@kind(GROUP, "stale checkpoint", "a log from before, good in itself: who saw more notices", needs="folder")
def stale(good: Good) -> Spoiled:
    return seen(shown(good, good.entries[: good.older[-1]]), good.files["checkpoint"])


@kind(GROUP, "truncated log", "the last entry is taken back, the rest signed anew", needs="log key")
def truncated(good: Good) -> Spoiled:
    return seen(shown(good, good.entries[:-1]), good.files["checkpoint"])


@kind(GROUP, "split view of one size", "two readers are shown two logs of the same size", needs="log key")
def split(good: Good) -> Spoiled:
    return seen(shown(good, rewritten(good, 50)), good.files["checkpoint"], "seen")


@kind(GROUP, "rewritten history", "a log from before was another one, though this one is longer", needs="log key")
def rewritten_history(good: Good) -> Spoiled:
    return seen(shown(good, rewritten(good, 50)), checkpoint_of(good.entries[:60], good.signer), "seen")


@kind(GROUP, "first entry rewritten", "a reader that saw one entry alone", needs="log key")
def rewritten_first(good: Good) -> Spoiled:
    return seen(shown(good, rewritten(good, 0)), checkpoint_of(good.entries[:1], good.signer), "seen")


@kind(GROUP, "kept checkpoint of another root", "the log signed a head that its entries never gave", needs="log key")
def false_head(good: Good) -> Spoiled:
    return seen(good.files, checkpoint_of(good.entries[:60], good.signer, root=bytes(32)), "seen")


@kind(GROUP, "kept checkpoint of size 0 with a root", "nothing has one root only", needs="log key")
def false_beginning(good: Good) -> Spoiled:
    note = sign_checkpoint(Checkpoint(good.signer.key.name, 0, bytes(range(32))), good.signer)
    return seen(good.files, note, "seen")


@kind(GROUP, "kept checkpoint by another key", "somebody hands over a head that the log did not sign")
def foreign_head(good: Good) -> Spoiled:
    thief = NoteSigner(good.opening.origin, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return seen(good.files, checkpoint_of(good.entries[:60], thief), "seen", TREE)


@kind(GROUP, "kept checkpoint of another origin", "a head of another log")
def other_origin(good: Good) -> Spoiled:
    other = NoteSigner("other.example/ledger", good.signer._private)
    return seen(good.files, checkpoint_of(good.entries[:60], other), "seen", TREE)


@kind(GROUP, "kept checkpoint with a witness's false line", "a head on which a known witness's line fails", base="witnessed")
def false_witness(good: Good) -> Spoiled:
    note = checkpoint_of(good.entries[:5], good.signer)
    line = witnesses_of(good)[0].sign(b"another text\n", timestamp=COSIGNED_AT)
    return seen(good.files, note + line, "seen", TREE)


@kind(GROUP, "kept checkpoint that is none", "a file that is no note")
def no_note(good: Good) -> Spoiled:
    return Spoiled(dict(good.files), Must(INPUT), Asked(seen=b"nothing\n"))


@kind(GROUP, "receipt of a dropped event", "the log was made again without the event that it gave a receipt for", needs="log key")
def dropped_event(good: Good) -> Spoiled:
    files = shown(good, relink(parts_of(good.entries)[:-1]))
    return held(files, receipt(good.entries, good.size - 1, good.signer))


@kind(GROUP, "receipt of a changed event", "the log was made again with another event at that place", needs="log key")
def changed_event(good: Good) -> Spoiled:
    return held(shown(good, rewritten(good, INDEX)), receipt(good.entries[:60], INDEX, good.signer))


@kind(
    GROUP,
    "receipt that the log never kept",
    "a head signed for one device alone, over an entry that no other sees",
    needs="log key",
)
def private_receipt(good: Good) -> Spoiled:
    return held(good.files, receipt(rewritten(good, INDEX)[:60], INDEX, good.signer))


def respelled(good: Good, **other: object) -> bytes:
    """A true receipt with other fields."""
    proof = parse_proof(receipt(good.entries[:60], INDEX, good.signer))
    fields = {"index": proof.index, "path": proof.path, "checkpoint": proof.checkpoint, "extra": proof.extra}
    return encode_proof(type(proof)(**{**fields, **other}))  # type: ignore[arg-type]


@kind(GROUP, "receipt of another entry", "the path is an entry's, the number another's")
def other_index(good: Good) -> Spoiled:
    return held(good.files, respelled(good, index=INDEX + 1))


@kind(GROUP, "receipt with a hash of the path changed", "it leads elsewhere")
def other_path(good: Good) -> Spoiled:
    path = parse_proof(receipt(good.entries[:60], INDEX, good.signer)).path
    return held(good.files, respelled(good, path=(bytes(32), *path[1:])))


@kind(GROUP, "receipt with a path too short", "it leads to a subtree")
def short_path(good: Good) -> Spoiled:
    path = parse_proof(receipt(good.entries[:60], INDEX, good.signer)).path
    return held(good.files, respelled(good, path=path[:-1]))


@kind(GROUP, "receipt with a path too long", "it leads beyond the root")
def long_path(good: Good) -> Spoiled:
    path = parse_proof(receipt(good.entries[:60], INDEX, good.signer)).path
    return held(good.files, respelled(good, path=(*path, bytes(32))))


@kind(GROUP, "receipt with an unsigned head", "its checkpoint is another key's")
def unsigned_receipt(good: Good) -> Spoiled:
    thief = NoteSigner(good.opening.origin, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return held(good.files, respelled(good, checkpoint=checkpoint_of(good.entries[:60], thief)))


@kind(GROUP, "receipt with an index beyond its tree", "an entry that its own tree does not have")
def beyond(good: Good) -> Spoiled:
    return held(good.files, respelled(good, index=60), INPUT)


@kind(GROUP, "receipt with a number written loosely", "a leading zero")
def loose_number(good: Good) -> Spoiled:
    data = respelled(good).replace(b"\nindex %d\n" % INDEX, b"\nindex 0%d\n" % INDEX)
    return Spoiled(dict(good.files), Must(INPUT), Asked(receipt=data))


@kind(GROUP, "receipt with a hash in loose base64", "spare bits in the path")
def loose_base64(good: Good) -> Spoiled:
    data = respelled(good)
    first = base64.b64encode(parse_proof(data).path[0])
    last = first[-2:-1]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = first[:-2] + alphabet[alphabet.index(last) + 1 :][:1] + b"="
    return Spoiled(dict(good.files), Must(INPUT), Asked(receipt=data.replace(first, other, 1)))


@kind(GROUP, "receipt of another log", "a good receipt, of another election")
def other_log(good: Good) -> Spoiled:
    other = base("long")
    return held(good.files, receipt(other.entries[:60], INDEX, other.signer))


@kind(GROUP, "receipt of another version", "a header that is not known")
def other_version(good: Good) -> Spoiled:
    return Spoiled(dict(good.files), Must(INPUT), Asked(receipt=respelled(good).replace(b"@v1", b"@v2", 1)))
