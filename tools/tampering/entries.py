"""Entries: dropped, moved, put in and changed, by whoever holds the folder, and by whoever can sign the log anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import structs
from tests.audit.forger import Part, part, parts_of, publication
from tests.world import STATIONS
from tools.tampering.good import P256_ORDER, Good, base, other_s
from tools.tampering.kinds import Must, Spoiled, kind, resigned

from ledger.device.stream import EventStream
from ledger.errors import Usage
from ledger.proof.merkle import leaf_hash
from ledger.proof.tiles import encode_bundle
from ledger.tally.signing import encode_entry, reopen_entry

__all__: list[str] = []

SERVED, SIGNED = "Entries, changed where they are served", "Entries, with the log signed anew"
ENTRIES, CHAIN, TREE, SIGNATURES, STREAMS, AUTHORITY = 2, 3, 4, 5, 6, 7
AT: Final = 24
"""Of the season's entries the one that most attacks change: an operator's form."""


def bundled(good: Good, entries: Sequence[bytes]) -> bytes:
    """The last bundle, of these entries."""
    return encode_bundle(entries[good.size // 256 * 256 :])


def served(good: Good, entries: Sequence[bytes], step: int, index: int, *also: int) -> Spoiled:
    """The folder as it is, with these entries in the newest bundle."""
    path = good.bundle(good.size - 1)
    return Spoiled({**good.files, path: bundled(good, entries)}, Must(step, index, path, frozenset(also)))


def moved(good: Good, first: int, second: int) -> list[bytes]:
    """Two entries in each other's place."""
    entries = [*good.entries]
    entries[first], entries[second] = entries[second], entries[first]
    return entries


@kind(SERVED, "dropped entry, the next in its place", "the bundle is closed over the gap and filled up with the last entry again")
def served_dropped(good: Good) -> Spoiled:
    entries = [*good.entries[:AT], *good.entries[AT + 1 :], good.entries[-1]]
    return served(good, entries, ENTRIES, AT, CHAIN, TREE)


@kind(SERVED, "inserted entry", "an entry of another election is put in; the bundle has as many as before")
def served_inserted(good: Good) -> Spoiled:
    entries = [*good.entries[:AT], base("long").entries[AT], *good.entries[AT:-1]]
    return served(good, entries, CHAIN, AT, ENTRIES, TREE)


@kind(SERVED, "swapped entries", "the order of two entries is changed, nothing else")
def served_swapped(good: Good) -> Spoiled:
    return served(good, moved(good, AT, AT + 1), ENTRIES, AT, CHAIN, TREE)


@kind(SERVED, "duplicated entry", "an entry takes the place of the next")
def served_twice(good: Good) -> Spoiled:
    entries = [*good.entries[: AT + 1], good.entries[AT], *good.entries[AT + 2 :]]
    return served(good, entries, ENTRIES, AT + 1, CHAIN, TREE)


def changed_entry(good: Good, at: int, **other: Any) -> bytes:
    """The entry with other fields, its payload and signature otherwise as they are."""
    opened = reopen_entry(good.entries[at])
    usual: dict[str, Any] = {
        "index": at,
        "chain": opened.chain,
        "sequenced_at": opened.sequenced_at,
        "payload": opened.event.payload,
        "signature": opened.event.signature,
    }
    return encode_entry(**usual | other)


def served_entry(good: Good, step: int, *also: int, **other: Any) -> Spoiled:
    """One entry with other fields, where it is served."""
    entries = [*good.entries]
    entries[AT] = changed_entry(good, AT, **other)
    return served(good, entries, step, AT, *also)


@kind(SERVED, "changed figure", "a number in a signed form is another one")
def served_figure(good: Good) -> Spoiled:
    payload = reopen_entry(good.entries[AT]).event.payload
    other = payload.replace(b"\xa7figures\x96\xcd\x01\x2c", b"\xa7figures\x96\xcd\x01\x2d")
    if other == payload:
        raise Usage("no-publication", f"entry {AT} is no form of the tests' election")
    return served_entry(good, SIGNATURES, CHAIN, TREE, payload=other)


@kind(SERVED, "changed signature", "an event without its author's signature")
def served_signature(good: Good) -> Spoiled:
    return served_entry(good, SIGNATURES, CHAIN, TREE, signature=reopen_entry(good.entries[AT - 1]).event.signature)


@kind(
    SERVED,
    "malleable signature in one served entry",
    "the other s of the same signature: valid, but not the bytes that were logged",
)
def served_high_s(good: Good) -> Spoiled:
    return served_entry(good, TREE, CHAIN, signature=other_s(reopen_entry(good.entries[AT]).event.signature))._replace(
        must=Must(TREE, AT, good.tile(AT), frozenset({CHAIN}))
    )


@kind(SERVED, "changed index", "an entry claims another place")
def served_index(good: Good) -> Spoiled:
    return served_entry(good, ENTRIES, CHAIN, TREE, index=AT + 1)


@kind(SERVED, "changed time", "an entry claims another hour, within the order")
def served_time(good: Good) -> Spoiled:
    spoiled = served_entry(good, TREE, CHAIN, sequenced_at=reopen_entry(good.entries[AT]).sequenced_at + 1)
    return spoiled._replace(must=Must(TREE, AT, good.tile(AT), frozenset({CHAIN})))


@kind(SERVED, "changed chain", "an entry claims another predecessor")
def served_chain(good: Good) -> Spoiled:
    return served_entry(good, CHAIN, TREE, chain=bytes(32))


# --- the log signed anew --------------------------------------------------------------------------------------------------------


def anew(good: Good, parts: Sequence[Part], step: int, index: int) -> Spoiled:
    """A log of these parts, in order in itself but for what they are."""
    files = resigned(good, parts)
    size = len(parts)
    path = good._replace(entries=[b""] * size).bundle(index)
    return Spoiled(dict(files), Must(step, index, path))


def followed(good: Good) -> tuple[int, int]:
    """A form and its key's next event: those that stand closest."""
    keys = [reopen_entry(entry).event for entry in good.entries]
    latest: dict[bytes, int] = {}
    pairs = []
    for index, event in enumerate(keys):
        before = latest.get(event.key)
        if before is not None and keys[before].type == "tally.submitted":
            pairs.append((index - before, before, index))
        latest[event.key] = index
    if not pairs:
        raise Usage("no-publication", "no device of this log sent a form and anything after it")
    _, index, after = min(pairs)
    return index, after


@kind(SIGNED, "dropped entry", "an event is silenced: its device's next event shows the gap", needs="log key")
def dropped_entry(good: Good) -> Spoiled:
    index, after = followed(good)
    parts = parts_of(good.entries)
    del parts[index]
    return anew(good, parts, STREAMS, after - 1)


@kind(SIGNED, "reordered stream", "two events of one device in the other order", needs="log key")
def reordered_stream(good: Good) -> Spoiled:
    index, after = followed(good)
    parts = parts_of(good.entries)
    first, second = parts[index], parts[after]
    parts[index], parts[after] = second._replace(time=first.time), first._replace(time=second.time)
    return anew(good, parts, STREAMS, index)


@kind(
    SIGNED, "inserted event", "an event is put before others of its device: the next of them has its position", needs="device keys"
)
def inserted_event(good: Good) -> Spoiled:
    index, _ = followed(good)
    log = good.people
    parts = parts_of(good.entries)
    event = reopen_entry(good.entries[index]).event
    name = next(
        name for name in (f"{station}/{seat}" for station in STATIONS for seat in "12") if log.world.key(name).point == event.key
    )
    stream = EventStream(log.world.key(name), ledger=log.world.ledger, position=event.position, previous=event.previous)
    other = stream.sign(structs.replace(event.data, source="copy"), claimed_at=1)
    return anew(good, [*parts[:index], part(other.submission, parts[index].time), *parts[index:]], STREAMS, index + 1)


@kind(SIGNED, "event replayed", "an event counts twice", needs="log key")
def replayed_event(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    return anew(good, [*parts, parts[AT]._replace(time=parts[-1].time)], STREAMS, good.size)


@kind(SIGNED, "event replayed at once", "an event counts twice, the second time right behind the first", needs="log key")
def replayed_at_once(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    return anew(good, [*parts[: AT + 1], parts[AT], *parts[AT + 1 :]], STREAMS, AT + 1)


@kind(SIGNED, "log without entry 0", "nobody is named whose word anything is", needs="log key")
def headless(good: Good) -> Spoiled:
    return anew(good, parts_of(good.entries)[1:], AUTHORITY, 0)


@kind(
    SIGNED, "signature of another device", "an event with a signature that another device made over another event", needs="log key"
)
def signature_of_another(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    parts[AT] = parts[AT]._replace(signature=parts[AT - 1].signature)
    return anew(good, parts, SIGNATURES, AT)


def signed(name: str, story: str, make: Callable[[bytes], bytes]) -> None:
    """A kind: one event with another signature."""

    @kind(SIGNED, name, story, needs="log key")
    def with_signature(good: Good) -> Spoiled:
        parts = parts_of(good.entries)
        parts[AT] = parts[AT]._replace(signature=make(parts[AT].signature))
        return anew(good, parts, SIGNATURES, AT)


signed("signature of zeros", "r and s are 0: a library that divides by them", lambda _: bytes(64))
signed("signature with r of 0", "r is out of range", lambda old: bytes(32) + old[32:])
signed("signature with s of 0", "s is out of range", lambda old: old[:32] + bytes(32))
signed("signature with r of n", "r is out of range", lambda old: P256_ORDER.to_bytes(32, "big") + old[32:])
signed("signature with s of n", "s is out of range", lambda old: old[:32] + P256_ORDER.to_bytes(32, "big"))
signed("signature of ones", "r and s are 1", lambda _: bytes(31) + b"\1" + bytes(31) + b"\1")
signed("signature with r and s exchanged", "another encoding's order", lambda old: old[32:] + old[:32])


@kind(SIGNED, "wrong index", "an entry says that it is another", needs="log key")
def wrong_index(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    parts[AT] = parts[AT]._replace(index=AT + 1)
    return anew(good, parts, ENTRIES, AT)


@kind(SIGNED, "backwards timestamp", "an entry is older than the one before", needs="log key")
def backwards(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    parts[AT] = parts[AT]._replace(time=5)
    return anew(good, parts, ENTRIES, AT)


@kind(SIGNED, "future timestamp", "an entry of the year 2100: whatever comes after it is older", needs="log key")
def future(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    parts[AT] = parts[AT]._replace(time=4_102_444_800_000)
    return anew(good, parts, ENTRIES, AT + 1)


@kind(SIGNED, "broken chain", "one entry names another predecessor; all that follows is chained to it", needs="log key")
def broken_chain(good: Good) -> Spoiled:
    parts = parts_of(good.entries)
    entries: list[bytes] = []
    chain = bytes(32)
    for index, each in enumerate(parts):
        given = bytes(32) if index == AT else chain
        entries.append(
            encode_entry(index=index, chain=given, sequenced_at=each.time, payload=each.payload, signature=each.signature)
        )
        chain = leaf_hash(entries[-1])
    return Spoiled(dict(publication(entries, good.signer)), Must(CHAIN, AT, good.bundle(AT)))


@kind(SIGNED, "entry of another election", "a good event of another ledger, signed by somebody of the same name", needs="log key")
def of_another_election(good: Good) -> Spoiled:
    other = parts_of(base("long").entries)[10]
    parts = parts_of(good.entries)
    return anew(good, [*parts, other._replace(time=parts[-1].time)], AUTHORITY, good.size)


@kind(SIGNED, "second entry 0", "another election is opened in the same log", needs="log key")
def second_opening(good: Good) -> Spoiled:
    other = parts_of(base("long").entries)[0]
    parts = parts_of(good.entries)
    return anew(good, [*parts, other._replace(time=parts[-1].time)], AUTHORITY, good.size)
