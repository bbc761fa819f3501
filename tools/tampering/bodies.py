"""The bytes of an entry and of an event: spellings that a careless reader takes, signed by the device that made them.

The device signs the very bytes, and the log takes, chains and hashes them as they are; so every signature holds, and only a strict
reader of canonical MessagePack and of the schemas finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgpack
from tests.audit.forger import checkpoint_of, publication, tree_files
from tests.governed import THREE
from tests.world import submitted
from tools.tampering.good import Good
from tools.tampering.kinds import Must, Spoiled, kind

from ledger.proof.merkle import leaf_hash
from ledger.tally.canonical import encode
from ledger.tally.signing import event_id_of, reopen_entry

__all__: list[str] = []

FRAME, PAYLOAD, DATA = "The spelling of an entry", "The spelling of an event", "Events that do not fit their schema"
ENTRIES, SIGNATURES = 2, 5


def appended(good: Good, raw: bytes, step: int = ENTRIES) -> Spoiled:
    """The log with these bytes as its last entry."""
    entries = [*good.entries, raw]
    files = publication(good.entries, good.signer) | tree_files(entries) | {"checkpoint": checkpoint_of(entries, good.signer)}
    pages = {path.replace(f"recap/{good.size}/", f"recap/{len(entries)}/"): data for path, data in files.items()}
    return Spoiled(dict(pages), Must(step, good.size, f"tile/entries/000.p/{len(entries)}"))


def framed(good: Good, submission: bytes, **other: bytes) -> bytes:
    """The bytes of the next entry around a submission; ``other``: fields in another spelling."""
    last = reopen_entry(good.entries[-1])
    usual = {
        "head": b"\x95",
        "version": encode(1),
        "index": encode(good.size),
        "chain": encode(leaf_hash(good.entries[-1])),
        "time": encode(last.sequenced_at + 1),
    }
    return b"".join({**usual, **other}.values()) + submission


def payload_of(good: Good) -> tuple[dict[str, Any], Callable[[bytes], bytes]]:
    """A good event of a device, as a value, and how that device signs other bytes in its place."""
    log = good.people
    name = f"{THREE}/1"
    signed = log.world.peek(name, submitted(THREE, contest="governor"))
    payload, _ = msgpack.unpackb(signed.submission)
    key = log.world.key(name)
    return msgpack.unpackb(payload), lambda data: key.sign(event_id_of(data))


def submission_of(payload: bytes, signature: bytes) -> bytes:
    """As a device sends it."""
    return b"\x92" + encode(payload) + encode(signature)


# --- the frame ------------------------------------------------------------------------------------------------------------------


def frame(name: str, story: str, make: Callable[[Good, bytes], bytes]) -> None:
    """A kind: a good submission in an entry of another spelling; the log's key is enough."""

    @kind(FRAME, name, story, needs="device keys")
    def spelled(good: Good) -> Spoiled:
        value, sign = payload_of(good)
        payload = encode(value)
        return appended(good, make(good, submission_of(payload, sign(payload))))


frame("entry of version 2", "a reader that skips what it does not know", lambda good, sub: framed(good, sub, version=encode(2)))
frame("over-long version", "1 in two bytes", lambda good, sub: framed(good, sub, version=b"\xcc\x01"))
frame(
    "over-long index", "the index in nine bytes", lambda good, sub: framed(good, sub, index=b"\xcf" + good.size.to_bytes(8, "big"))
)
frame("negative index", "a number that is none here", lambda good, sub: framed(good, sub, index=b"\xff"))
frame("index as a float", "equal in many languages", lambda good, sub: framed(good, sub, index=msgpack.packb(float(good.size))))
frame("time beyond 2^53", "a time that not every program can hold", lambda good, sub: framed(good, sub, time=encode_raw(2**53)))
frame("time as text", "a reader that converts", lambda good, sub: framed(good, sub, time=encode("1732700999999")))
frame("chain as text", "32 bytes under another type", lambda good, sub: framed(good, sub, chain=b"\xd9\x20" + b"0" * 32))
frame("chain of 31 bytes", "a hash cut short", lambda good, sub: framed(good, sub, chain=encode(bytes(31))))
frame("entry with bytes behind", "what comes after is read by nobody", lambda good, sub: framed(good, sub) + b"\0")
frame("entry with a field more", "an array of six", lambda good, sub: framed(good, sub, head=b"\x96") + encode(0))
frame(
    "entry with a long array head",
    "the length of the array in three bytes",
    lambda good, sub: framed(good, sub, head=b"\xdc\0\x05"),
)
frame("entry that is a map", "the same fields under names", lambda good, sub: encode({"entry": framed(good, sub)}))
frame("entry cut short", "the last byte is missing", lambda good, sub: framed(good, sub)[:-1])
frame("payload as text", "bytes under another type", lambda good, sub: framed(good, b"\x92\xda" + sub[2:]))
frame("signature of 63 bytes", "a signature cut short", lambda good, sub: framed(good, sub[:-66] + encode(sub[-64:-1])))
frame(
    "signature with a byte more",
    "a signature and something else",
    lambda good, sub: framed(good, sub[:-66] + encode(sub[-64:] + b"\0")),
)
frame("empty entry", "no byte at all", lambda _good, _sub: b"")


def encode_raw(value: object) -> bytes:
    """MessagePack without our rules."""
    return msgpack.packb(value, use_bin_type=True)


# --- the payload ----------------------------------------------------------------------------------------------------------------

HEAD: Final = b"\x87"


def pairs_of(value: dict[str, Any]) -> list[bytes]:
    """The keys and values of a payload, as they are encoded, in order."""
    return [encode(key) + encode(value[key]) for key in sorted(value)]


def spelled_payload(
    name: str, story: str, make: Callable[[dict[str, Any]], bytes], group: str = PAYLOAD, step: int = ENTRIES
) -> None:
    """A kind: a payload in another spelling, or of another shape, signed so by its device."""

    @kind(group, name, story, needs="device keys")
    def spelled(good: Good) -> Spoiled:
        value, sign = payload_of(good)
        data = make(value)
        return appended(good, framed(good, submission_of(data, sign(data))), step)


def with_data(value: dict[str, Any], **other: Any) -> bytes:
    """The payload with other fields in its data; None takes one away."""
    data = {key: each for key, each in {**value["data"], **other}.items() if each is not None}
    return encode_sorted({**value, "data": data})


def encode_sorted(value: Any) -> bytes:
    """MessagePack with keys in order and shortest forms, of any value at all."""
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + len(value).to_bytes(2, "big")
        return head + b"".join(encode_raw(key) + encode_sorted(value[key]) for key in sorted(value))
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + len(value).to_bytes(2, "big")
        return head + b"".join(map(encode_sorted, value))
    return encode_raw(value)


def replaced(value: dict[str, Any], key: str, data: bytes) -> bytes:
    """The payload with the value of one key in other bytes."""
    return HEAD + b"".join(encode(name) + (data if name == key else encode(value[name])) for name in sorted(value))


spelled_payload(
    "duplicate map key", "readers keep the first or the last", lambda v: b"\x88" + b"".join(pairs_of(v)) + pairs_of(v)[-1]
)
spelled_payload(
    "duplicate map key in data",
    "one program reads one number, another the other",
    lambda v: replaced(v, "data", duplicated(v["data"], "round")),
)
spelled_payload("map keys out of order", "the same values, another event id", lambda v: HEAD + b"".join(reversed(pairs_of(v))))
spelled_payload(
    "over-long integer", "the position in nine bytes", lambda v: replaced(v, "position", b"\xcf" + v["position"].to_bytes(8, "big"))
)
spelled_payload("over-long integer in a figure", "300 in five bytes", lambda v: replaced(v, "data", long_figure(v["data"])))
spelled_payload("over-long text", "the type with a longer head", lambda v: replaced(v, "type", b"\xda\0\x0f" + v["type"].encode()))
spelled_payload("over-long bytes", "the key with a longer head", lambda v: replaced(v, "key", b"\xc5\0\x41" + v["key"]))
spelled_payload("over-long map", "the map with a longer head", lambda v: b"\xde\0\x07" + b"".join(pairs_of(v)))
spelled_payload("payload with bytes behind", "what comes after is signed and read by nobody", lambda v: encode(v) + b"\0")
spelled_payload("payload cut short", "the last byte is missing", lambda v: encode(v)[:-1])
spelled_payload(
    "float for an integer", "equal in many languages", lambda v: replaced(v, "position", encode_raw(float(v["position"])))
)
spelled_payload("boolean for an integer", "equal to 1 in some languages", lambda v: with_data(v, round=True))
spelled_payload("negative integer", "a position before the first", lambda v: replaced(v, "position", b"\xff"))
spelled_payload(
    "integer beyond 2^53", "a number that not every program can hold", lambda v: replaced(v, "claimed_at", encode_raw(2**53))
)
spelled_payload("extension type", "a type that nobody knows", lambda v: replaced(v, "claimed_at", b"\xd4\x01\0"))
spelled_payload("nil for a number", "no value", lambda v: replaced(v, "claimed_at", b"\xc0"))
spelled_payload("text for bytes", "the event before, as text", lambda v: replaced(v, "previous", b"\xd9\x20" + b"0" * 32))
spelled_payload("payload with a key more", "a field that no reader looks at", lambda v: encode_sorted({**v, "zz": 1}))
spelled_payload(
    "payload with a key less", "no clock", lambda v: encode_sorted({k: each for k, each in v.items() if k != "claimed_at"})
)
spelled_payload("payload that is a list", "the same values without names", lambda v: encode_sorted([v[key] for key in sorted(v)]))
spelled_payload("payload of nothing", "an empty map", lambda _: b"\x80")
spelled_payload(
    "payload nested deep", "a reader that recurses without end", lambda v: replaced(v, "data", b"\x91" * 3_000 + b"\xc0")
)


def duplicated(data: dict[str, Any], key: str) -> bytes:
    """The data with one key twice, the second time with another value."""
    pairs = [encode(name) + encode(data[name]) for name in sorted(data)]
    again = sorted([*pairs, encode(key) + encode(1)])
    return bytes([0x80 | len(again)]) + b"".join(sorted(again, key=lambda pair: msgpack_key(pair)))


def msgpack_key(pair: bytes) -> bytes:
    """The key of an encoded pair."""
    return pair[1 : 1 + (pair[0] & 0x1F)]


def long_figure(data: dict[str, Any]) -> bytes:
    """The data with the first figure in a longer form."""
    usual = encode(data)
    short = encode(data["figures"][0])
    at = usual.index(encode("figures")) + len(encode("figures")) + 1
    return usual[:at] + b"\xce" + data["figures"][0].to_bytes(4, "big") + usual[at + len(short) :]


def shaped(name: str, story: str, make: Callable[[dict[str, Any]], bytes], step: int = ENTRIES) -> None:
    """A kind: canonical bytes of what no schema allows."""
    spelled_payload(name, story, make, DATA, step)


shaped("unknown event type", "an act that no reader knows", lambda v: encode_sorted({**v, "type": "tally.forgotten"}))
shaped(
    "event type that is to come later",
    "a name that is reserved",
    lambda v: encode_sorted({**v, "type": "attachment.withheld", "data": {}}),
)
shaped("event without a ledger", "it could stand in any log", lambda v: encode_sorted({**v, "ledger": None}))
shaped("position 0 with a previous event", "two ways to begin a stream", lambda v: encode_sorted({**v, "position": 0}))
shaped(
    "later position without a previous event", "an event that hangs on nothing", lambda v: encode_sorted({**v, "previous": None})
)
shaped("ledger id of 31 bytes", "an id cut short", lambda v: encode_sorted({**v, "ledger": v["ledger"][:-1]}))
shaped("compressed public key", "the same key in 33 bytes", lambda v: encode_sorted({**v, "key": b"\x02" + v["key"][1:33]}))
shaped(
    "public key with another tag",
    "06 and 07: hybrid points",
    lambda v: encode_sorted({**v, "key": b"\x06" + v["key"][1:]}),
    SIGNATURES,
)
shaped(
    "other curve point",
    "a public key that is not on the curve",
    lambda v: encode_sorted({**v, "key": v["key"][:-1] + bytes([v["key"][-1] ^ 1])}),
    SIGNATURES,
)
shaped("point at infinity", "a public key of zeros", lambda v: encode_sorted({**v, "key": b"\x04" + bytes(64)}), SIGNATURES)
shaped(
    "figure beyond its limit",
    "a million votes at one station",
    lambda v: with_data(v, figures=[1_000_000, *v["data"]["figures"][1:]]),
)
shaped("figure as text", "digits that a reader converts", lambda v: with_data(v, figures=["300", *v["data"]["figures"][1:]]))
shaped(
    "figure of another word", "illegible is x and nothing else", lambda v: with_data(v, figures=["?", *v["data"]["figures"][1:]])
)
shaped("too many figures", "129 of them", lambda v: with_data(v, figures=[0] * 129))
shaped("too many photos", "13 of them", lambda v: with_data(v, photos=[[1, bytes(32), 1]] * 13))
shaped("photo of page 0", "pages begin at 1", lambda v: with_data(v, photos=[[0, bytes(32), 1]]))
shaped("unknown source", "plano, copy and import are all", lambda v: with_data(v, source="radio"))
shaped("round 10", "rounds end at 9", lambda v: with_data(v, round=10))
shaped("station code with a letter", "codes are digits", lambda v: with_data(v, station="17710110010O1"))
shaped("station code with foreign digits", "digits of another script", lambda v: with_data(v, station="177101100100\u0661"))
shaped("contest code in capitals", "codes are lower case", lambda v: with_data(v, contest="Governor"))
shaped(
    "optional key that says nothing",
    "nil where the key is to be absent",
    lambda v: encode_sorted({**v, "data": {**v["data"], "crew": None}}),
)
shaped("data with a key more", "a field that no reader looks at", lambda v: with_data(v, remark="x"))
shaped("data without a key", "no station", lambda v: with_data(v, station=None))


def titled(name: str, story: str, text: bytes) -> None:
    """A kind: an area whose name holds what no text may."""

    @kind(DATA, name, story, needs="device keys")
    def spelled(good: Good) -> Spoiled:
        world = good.people.world
        stream = world.stream("administrator")
        data = {"areas": [["1772", "@"]], "stations": []}
        value = {
            "claimed_at": 1,
            "data": data,
            "key": stream.key.point,
            "ledger": world.ledger,
            "position": stream.position,
            "previous": stream.previous,
            "type": "jurisdictions.listed",
        }
        payload = encode_sorted(value).replace(b"\xa1@", bytes([0xA0 | len(text)]) + text)
        return appended(good, framed(good, submission_of(payload, stream.key.sign(event_id_of(payload)))))


titled("name with a control character", "a name that plays with a terminal", b"Kota\x1b[2J")
titled("name with a right-to-left override", "a name that reads as another", "Kota\u202e".encode())
titled("name with an isolate", "a name that reads as another", "Kota\u2066".encode())
titled("name with a noncharacter", "text that not every program can hold", "Kota\uffff".encode())
titled("name with a surrogate", "text that is no UTF-8", b"Kota\xed\xa0\x80")
titled("name in an overlong encoding", "text that is no UTF-8", b"Kota\xc0\xaf")
titled("name of nothing", "an empty text", b"")
