"""Single files, refused offline: proofs of a total, and evidence of a fork."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.audit.forger import checkpoint_of, tree_files
from tests.world import LOG_KEY, World
from tools.tampering.good import Good
from tools.tampering.kinds import Must, Spoiled, kind
from tools.tampering.singles import fork, rewritten, tiles_of, total
from tools.tampering.verdicts import INPUT, Asked

from ledger.proof.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.proof.merkle import EMPTY_ROOT, leaf_hash, prove_consistency, root_at
from ledger.proof.note import NoteSigner, parse_note
from ledger.tally.canonical import encode, tagged_hash
from ledger.tally.pages import AREA_TAG, STATION_TAG
from ledger.tally.signing import encode_entry, reopen_entry

__all__: list[str] = []

TOTAL, FORK = "Proofs of a total", "Evidence of a fork"
REFUSED: Final = Must(INPUT)
THIEF: Final = Ed25519PrivateKey.from_private_bytes(bytes(32))
Proof = list[Any]
"""As in docs/FORMATS.md 8.6."""
VERSION, CHECKPOINT, ENTRIES, CONTESTS, PLACE, PATH, ROOT, AREA, TOP, PAGES = range(10)


def commitment(row: Sequence[Any]) -> bytes:
    """Of a station's or an area's row."""
    return tagged_hash(STATION_TAG if len(row) == 8 else AREA_TAG, encode(row))


def of_rows(rows: Sequence[Sequence[Any]]) -> bytes:
    """The hash over the commitments of rows."""
    return hashlib.sha256(b"".join(map(commitment, rows))).digest()


# --- a total --------------------------------------------------------------------------------------------------------------------


def proof(name: str, story: str, change: Callable[[Proof], object], asked: Asked | None = None) -> None:
    """A kind: the proof of the city's total, down to its stations, with a change."""

    @kind(TOTAL, f"total: {name}", story)
    def spoiled(good: Good) -> Spoiled:
        del good
        data, ledger, _ = total()
        value: Proof = msgpack.unpackb(data)
        change(value)
        return Spoiled({"proof": encode(value)}, REFUSED, asked or Asked("total", ledger_id=ledger))


def to_other(figures: list[int]) -> None:
    """Ten votes from one candidate to the other."""
    figures[1] += 10
    figures[2] -= 10


def carried(value: Proof) -> None:
    """Ten votes change hands at one station, and every row above follows, up to the top row."""
    pages = dict(value[PAGES])
    village = next(area for area, rows in value[PAGES] if len(rows[0]) == 8 and len(rows[0][5]) > 0)
    to_other(pages[village][0][5])
    for digits in (6, 4):
        above, below = pages[village[:digits]], village[: {6: 10, 4: 6}[digits]]
        row = next(row for row in above if row[1] == below)
        to_other(row[2])
        row[6] = of_rows(pages[below])
    to_other(value[TOP][2])
    value[TOP][6] = of_rows(pages[value[TOP][1]])


def swap_stations(value: Proof) -> None:
    """Two stations of a village exchange what stands there."""
    rows = next(rows for _, rows in value[PAGES] if len(rows[0]) == 8 and len(rows) > 1)
    rows[0][2:], rows[1][2:] = rows[1][2:], rows[0][2:]


def seal_of(value: Proof) -> list[Any]:
    """The entry of the seal."""
    return msgpack.unpackb(value[ENTRIES][-1][0])


def reseal(value: Proof) -> None:
    """The false total of ``carried``, with a seal over it that another key signs."""
    carried(value)
    value[ROOT] = leaf_hash(commitment(value[TOP]))
    _, index, chain, time, (payload, signature) = seal_of(value)
    data = msgpack.unpackb(payload)
    root = encode([data["ledger"], data["data"]["size"], 1, value[ROOT]])
    data["data"]["root"] = tagged_hash("tally-ledger/recap/root/v1", root)
    value[CONTESTS], value[PLACE], value[PATH] = 1, 0, []
    value[ENTRIES][-1][0] = encode_entry(index=index, chain=chain, sequenced_at=time, payload=encode(data), signature=signature)


def set_row(value: Proof, place: int, change: Callable[[Any], Any]) -> None:
    """One field with another value."""
    value[place] = change(value[place])


def drop_page(value: Proof) -> None:
    """The page of the area itself is away."""
    value[PAGES] = [page for page in value[PAGES] if page[0] != value[AREA]]


def own_checkpoint(value: Proof) -> None:
    """The same tree, signed by a thief."""
    note = parse_note(value[CHECKPOINT])
    value[CHECKPOINT] = sign_checkpoint(parse_checkpoint(note.text), NoteSigner(World().origin, THIEF))


def another_tree(value: Proof) -> None:
    """The log signs a tree that does not hold the entries."""
    shown = parse_checkpoint(parse_note(value[CHECKPOINT]).text)
    value[CHECKPOINT] = sign_checkpoint(Checkpoint(shown.origin, shown.size, bytes(32)), NoteSigner(shown.origin, LOG_KEY))


def other_opening(value: Proof) -> None:
    """Entry 0 of another election."""
    first = World(name="Pemilihan lain").first
    payload, signature = msgpack.unpackb(first.submission)
    value[ENTRIES][0][0] = encode_entry(index=0, chain=bytes(32), sequenced_at=1, payload=payload, signature=signature)


def other_signature(value: Proof) -> None:
    """The seal with the signature of another entry."""
    _, index, chain, time, (payload, _) = seal_of(value)
    other = reopen_entry(value[ENTRIES][1][0]).event.signature
    value[ENTRIES][-1][0] = encode_entry(index=index, chain=chain, sequenced_at=time, payload=payload, signature=other)


def line_of_a_stranger(value: Proof) -> None:
    """A line that nobody asked for: here every byte is bound."""
    text = parse_note(value[CHECKPOINT]).text
    value[CHECKPOINT] += NoteSigner("stranger.example", THIEF).sign(text)


proof("votes moved in the top row", "one row is changed and nothing else", lambda v: to_other(v[TOP][2]))
proof("votes moved at a station", "one row is changed and nothing else", lambda v: to_other(v[PAGES][-1][1][0][5]))
proof("false total, carried up", "a station's row is changed, and every row above follows; the sealed root does not", carried)
proof("false total under a seal of one's own", "the same, with a seal over it, signed by nobody who may", reseal)
proof("swapped children", "two stations exchange their numbers; the sum is true", swap_stations)
proof("children in another order", "rows of a page turned round", lambda v: v[PAGES][0][1].reverse())
proof("a row left out", "a station is missing from its page", lambda v: next(rows for _, rows in v[PAGES] if len(rows) > 1).pop())
proof("a row twice", "a station stands there twice", lambda v: v[PAGES][-1][1].append(v[PAGES][-1][1][-1]))
proof("a page twice", "one page stands there twice", lambda v: v[PAGES].append(v[PAGES][-1]))
proof("a page out of order", "pages turned round", lambda v: v[PAGES].reverse())
proof("the area's page left out", "the row without what it adds up", drop_page)
proof("no page", "nothing is added up", lambda v: v[PAGES].clear())
proof("a page of an area that is none", "rows of nowhere", lambda v: v[PAGES].append(["1799", v[PAGES][-1][1]]))
proof("another area", "the proof of one area under another's name", lambda v: set_row(v, AREA, lambda _: "1772"))
proof("another number of contests", "the tree of the tops has another size", lambda v: set_row(v, CONTESTS, lambda n: n + 1))
proof("another place among the contests", "the top stands elsewhere", lambda v: set_row(v, PLACE, lambda n: 1 - n))
proof("another path of the contest", "it leads elsewhere", lambda v: set_row(v, PATH, lambda path: [bytes(32)] * len(path)))
proof("another root", "a root that nobody sealed", lambda v: set_row(v, ROOT, lambda _: bytes(32)))
proof("another version", "a reader that skips what it does not know", lambda v: set_row(v, VERSION, lambda _: 2))
proof("checkpoint by another key", "a tree that the log did not sign", own_checkpoint)
proof("checkpoint of another tree", "the log signs a tree without the entries", another_tree)
proof("checkpoint with a stranger's line", "here every byte is bound, a stranger's line too", line_of_a_stranger)
proof("entry 0 of another election", "the seal of one, the opening of another", other_opening)
proof("seal with another's signature", "the sealer never signed it", other_signature)
proof("seal's path too short", "it leads to a subtree", lambda v: v[ENTRIES][-1][1].pop())
proof("entries out of order", "entries turned round", lambda v: v[ENTRIES].reverse())
proof("no seal", "the last entry once more in its place", lambda v: v[ENTRIES].__setitem__(3, v[ENTRIES][2]))


@kind(TOTAL, "total: of another ledger", "a good proof, held against another ledger's id")
def of_another_ledger(good: Good) -> Spoiled:
    del good
    return Spoiled({"proof": total()[0]}, REFUSED, Asked("total", ledger_id="00" * 32))


@kind(TOTAL, "total: of another log", "a good proof, held against another log's key")
def of_another_log(good: Good) -> Spoiled:
    del good
    return Spoiled({"proof": total()[0]}, REFUSED, Asked("total", log_vkey=NoteSigner(World().origin, THIEF).vkey))


@kind(TOTAL, "total: in a longer spelling", "the same values in other bytes")
def longer(good: Good) -> Spoiled:
    del good
    data, ledger, _ = total()
    return Spoiled({"proof": b"\x9a\xcc\x01" + data[2:]}, REFUSED, Asked("total", ledger_id=ledger))


@kind(TOTAL, "total: with bytes behind", "something that is read by nobody")
def bytes_behind(good: Good) -> Spoiled:
    del good
    data, ledger, _ = total()
    return Spoiled({"proof": data + b"\0"}, REFUSED, Asked("total", ledger_id=ledger))


@kind(TOTAL, "total: cut short", "the last byte is missing")
def cut(good: Good) -> Spoiled:
    del good
    data, ledger, _ = total()
    return Spoiled({"proof": data[:-1]}, REFUSED, Asked("total", ledger_id=ledger))


# --- a fork -----------------------------------------------------------------------------------------------------------------------


def evidence(good: Good, data: bytes, vkey: str = "") -> Spoiled:
    """Evidence that must convince nobody."""
    return Spoiled({"evidence": data}, REFUSED, Asked("fork", log_vkey=vkey or good.signer.vkey))


def assembled(good: Good, first: bytes, second: bytes, root: bytes | None, path: Sequence[bytes] = ()) -> bytes:
    """An evidence file of these parts."""
    lines = [b"tally-ledger/fork/v1", b"log " + good.signer.vkey.encode(), b"first %d" % len(first)]
    if root is not None:
        lines += [b"root " + base64.b64encode(root), *map(base64.b64encode, path)]
    return b"\n".join([*lines, b"", first + second])


def honest(good: Good) -> tuple[bytes, bytes, bytes, list[bytes]]:
    """Two heads of the true log, the root at the first's size, and the path between them."""
    half = good.size // 2
    tiles = tiles_of(tree_files(good.entries[:half]) | tree_files(good.entries))
    return (
        checkpoint_of(good.entries[:half], good.signer),
        checkpoint_of(good.entries, good.signer),
        root_at(half, tiles),
        prove_consistency(half, good.size, tiles),
    )


@kind(FORK, "fork: of an honest log", "two heads of one history, with the path between them")
def accused(good: Good) -> Spoiled:
    return evidence(good, assembled(good, *honest(good)))


@kind(FORK, "fork: of an honest log with another root", "a root that the path does not lead to")
def accused_with_root(good: Good) -> Spoiled:
    first, second, _, path = honest(good)
    return evidence(good, assembled(good, first, second, bytes(32), path))


@kind(FORK, "fork: a spoiled path", "a path that fails shows nothing, whatever it was", needs="log key")
def spoiled_path(good: Good) -> Spoiled:
    data = fork(good)
    return evidence(good, re.sub(rb"(\nroot [^\n]+\n)[^\n]+", rb"\1" + b"A" * 43 + b"=", data, count=1))


@kind(FORK, "fork: one checkpoint twice", "a head does not contradict itself")
def same_twice(good: Good) -> Spoiled:
    note = good.files["checkpoint"]
    return evidence(good, assembled(good, note, note, None))


@kind(FORK, "fork: two sizes without a root", "nothing ties the two")
def without_root(good: Good) -> Spoiled:
    first, second, _, _ = honest(good)
    return evidence(good, assembled(good, first, second, None))


@kind(FORK, "fork: an empty log with a root", "an empty log is the beginning of every log", needs="log key")
def empty_root(good: Good) -> Spoiled:
    empty = checkpoint_of([], good.signer)
    return evidence(good, assembled(good, empty, good.files["checkpoint"], EMPTY_ROOT))


@kind(FORK, "fork: signed by another key", "two heads that the accused never signed")
def foreign(good: Good) -> Spoiled:
    thief = NoteSigner(good.opening.origin, THIEF)
    ours = rewritten(good, 50)
    notes = sorted((checkpoint_of(entries, thief) for entries in (good.entries, ours)), key=lambda note: note.splitlines()[2])
    return evidence(good, assembled(good, *notes, None))


@kind(FORK, "fork: of another log", "good evidence, held against another log's key", needs="log key")
def other_log(good: Good) -> Spoiled:
    return evidence(good, fork(good), NoteSigner(good.opening.origin, THIEF).vkey)


@kind(FORK, "fork: notes exchanged", "good evidence with its notes in the other order", needs="log key")
def exchanged(good: Good) -> Spoiled:
    data = fork(good, same_size=True)
    head, _, notes = data.partition(b"\n\n")
    length = int(re.findall(rb"first (\d+)", head)[0])
    return evidence(good, assembled(good, notes[length:], notes[:length], None))


def respelled(name: str, story: str, change: Callable[[bytes], bytes]) -> None:
    """A kind: good evidence in another spelling."""

    @kind(FORK, f"fork: {name}", story, needs="log key")
    def spoiled(good: Good) -> Spoiled:
        return evidence(good, change(fork(good)))


respelled("length with a leading zero", "a number written loosely", lambda data: data.replace(b"\nfirst ", b"\nfirst 0", 1))
respelled("length that lies", "the first note ends elsewhere", lambda data: re.sub(rb"\nfirst \d+", b"\nfirst 40", data, count=1))
respelled(
    "without its path",
    "the root without what ties it to the second head",
    lambda data: re.sub(rb"(\nroot [^\n]+)(\n[^\n]+)+", rb"\1", data, count=1),
)
respelled(
    "a hash more", "a path that is too long", lambda data: re.sub(rb"(\nroot [^\n]+)", rb"\1\n" + b"A" * 43 + b"=", data, count=1)
)
respelled("another version", "a header that is not known", lambda data: data.replace(b"fork/v1", b"fork/v2", 1))
respelled("with bytes behind", "something that is read by nobody", lambda data: data + b"\n")
respelled("cut short", "the last byte is missing", lambda data: data[:-1])
