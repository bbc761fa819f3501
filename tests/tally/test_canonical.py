"""One value, one string of bytes: two encoders agree, and every other spelling is refused by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Refused
from ledger.tally.canonical import UINT_MAX, decode, encode
from ledger.tally.events import DATA_TYPES, LATER_TYPES, Entry, EventData, Payload, Submission, type_of
from ledger.tally.signing import encode_entry, open_entry, open_submission, sign_event

from ..world import GOOD, START_MS, STATIONS, submitted
from .examples import EXAMPLES, SIGNERS, WORLD, events_of

NAMES = sorted(DATA_TYPES)
CODEC_CODES = {"not-msgpack", "schema", "not-canonical"}
DECODERS = {name: msgspec.msgpack.Decoder(data_type) for name, data_type in DATA_TYPES.items()}
typed_encode = msgspec.msgpack.Encoder(order="sorted").encode


def signed(data: EventData, *, ledger: bytes | None = WORLD.ledger) -> bytes:
    """A submission of the data at position 0, by the key ``operator``, or by the one that the example's own signatures name."""
    opening = data is EXAMPLES["election.opened"]
    key = WORLD.key(SIGNERS.get(type_of(data), "operator"))
    return sign_event(key, data, ledger=None if opening else ledger, position=0, previous=None, claimed_at=START_MS)[0]


def refusal(data: bytes) -> str:
    """The code with which the bytes are refused as a submission."""
    with pytest.raises(Refused) as caught:
        open_submission(data)
    return caught.value.code


def wrapped(payload: bytes) -> bytes:
    """A submission around payload bytes, with a signature that is none: codes of the codec come before it."""
    return msgpack.packb([payload, bytes(64)])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(values=st.data())
def test_two_encoders_agree_and_decoding_is_the_inverse(name: str, values: st.DataObject) -> None:
    """msgpack with sorted keys and msgspec's typed encoder make the same bytes of any data, and decode(encode(x)) == x."""
    value = values.draw(events_of(name))
    data = encode(value)
    assert data == typed_encode(value)
    assert msgpack.packb(msgpack.unpackb(data, raw=False), use_bin_type=True) == data
    assert decode(data, DECODERS[name]) == value


@pytest.mark.parametrize("name", NAMES)
def test_examples_open(name: str) -> None:
    """Every event type's example, with all its optional fields, opens to what was signed."""
    event = open_submission(signed(EXAMPLES[name]))
    assert (event.type, event.data) == (name, EXAMPLES[name])


@pytest.mark.parametrize("name", NAMES)
def test_examples_have_every_field(name: str) -> None:
    """Nothing optional is left out, so that the tests below see every field of every type."""
    assert msgspec.UNSET not in [getattr(EXAMPLES[name], field) for field in EXAMPLES[name].__struct_fields__]


# --- other spellings ---------------------------------------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """Shortest forms, keys in the order given."""
    return msgpack.packb(value, use_bin_type=True)


def head(value: Any) -> bytes:
    """The head of an array or map of this length."""
    packer = msgpack.Packer()
    return packer.pack_map_header(len(value)) if isinstance(value, dict) else packer.pack_array_header(len(value))


def spellings(value: Any) -> Iterator[tuple[str, bytes]]:
    """The value with exactly one node spelled in another than its one way, for every node and every way: (way, bytes)."""
    yield from own_spellings(value)
    if isinstance(value, list):
        for at, item in enumerate(value):
            for way, spelled in spellings(item):
                yield way, head(value) + b"".join([*map(pack, value[:at]), spelled, *map(pack, value[at + 1 :])])
    if isinstance(value, dict):
        pairs = list(value.items())
        for at, (key, item) in enumerate(pairs):
            for way, spelled in spellings(item):
                yield way, join(value, pairs[:at], pack(key) + spelled, pairs[at + 1 :])
            yield "str8", join(value, pairs[:at], b"\xd9" + bytes([len(key)]) + key.encode() + pack(item), pairs[at + 1 :])
            yield "key-bin", join(value, pairs[:at], pack(key.encode()) + pack(item), pairs[at + 1 :])


def join(value: dict[str, Any], before: list[Any], middle: bytes, after: list[Any]) -> bytes:
    """A map with one pair as given."""
    return head(value) + b"".join([*[pack(k) + pack(v) for k, v in before], middle, *[pack(k) + pack(v) for k, v in after]])


def own_spellings(value: Any) -> Iterator[tuple[str, bytes]]:
    """Other ways to write this very node."""
    data = pack(value)
    yield "ext", b"\xc7\x01\x05\x00"
    yield "timestamp", b"\xd6\xff\x00\x00\x00\x01"
    yield "unused-c1", b"\xc1"
    match value:
        case int():
            wide = [(0x7F, b"\xcc", "B"), (0xFF, b"\xcd", ">H"), (0xFFFF, b"\xce", ">I"), (2**32 - 1, b"\xcf", ">Q")]
            for limit, tag, width in wide:
                if value <= limit:
                    yield "overlong", tag + struct.pack(width, value)
            yield "signed", b"\xd3" + struct.pack(">q", value)
            yield "float", b"\xcb" + struct.pack(">d", value)
            yield "float", b"\xca" + struct.pack(">f", value)
            yield "negative", b"\xff"
            yield "too-large", pack(UINT_MAX + 1)
            yield "too-large", pack(2**64 - 1)
            yield "bool", b"\xc3" if value else b"\xc2"
            yield "nan", b"\xcb\x7f\xf8" + bytes(6)
        case str():
            text = value.encode()
            if len(text) < 32:
                yield "str8", b"\xd9" + bytes([len(text)]) + text
            yield "str16", b"\xda" + struct.pack(">H", len(text)) + text
            yield "str32", b"\xdb" + struct.pack(">I", len(text)) + text
            yield "bin-for-text", b"\xc4" + bytes([len(text)]) + text
            yield "bad-utf8", pack(text.decode() + "?")[:-1] + b"\xff"
            yield "nil", b"\xc0"
        case bytes():
            if len(value) < 256:
                yield "bin16", b"\xc5" + struct.pack(">H", len(value)) + value
            yield "bin32", b"\xc6" + struct.pack(">I", len(value)) + value
            yield "str-for-bin", b"\xda" + struct.pack(">H", len(value)) + value
            yield "bin-length", pack(value[:-1])
            yield "bin-length", pack(value + b"\x00")
            yield "nil", b"\xc0"
        case list():
            body = data[len(head(value)) :]
            if len(value) < 16:
                yield "array16", b"\xdc" + struct.pack(">H", len(value)) + body
            yield "array32", b"\xdd" + struct.pack(">I", len(value)) + body
            yield "array-claims-much", b"\xdd\xff\xff\xff\xff" + body
            yield "nil", b"\xc0"
        case dict():
            pairs = list(value.items())
            body = data[len(head(value)) :]
            if len(value) < 16:
                yield "map16", b"\xde" + struct.pack(">H", len(value)) + body
            yield "map32", b"\xdf" + struct.pack(">I", len(value)) + body
            if len(pairs) > 1:
                yield "key-order", pack(dict(pairs[::-1]))
                yield "key-order", pack(dict([*pairs[1:], pairs[0]]))
            extra = msgpack.Packer().pack_map_header(len(pairs) + 1)
            rows = b"".join(pack(k) + pack(v) for k, v in pairs)
            yield "duplicate-key", extra + rows + pack(pairs[-1][0]) + pack(pairs[-1][1])
            yield "duplicate-key", extra + pack(pairs[0][0]) + pack(pairs[0][1]) + rows
            yield "extra-field", extra + rows + pack("zzz") + b"\x01"
            yield "key-int", extra + rows + b"\x01\x01"
            yield "nil", b"\xc0"
        case None:
            yield "bool", b"\xc2"


REENCODED = (
    "overlong", "signed", "str8", "str16", "str32", "bin16", "bin32", "array16", "array32", "map16", "map32", "key-order",
    "duplicate-key",
)  # fmt: skip
MISFITS = ("ext", "timestamp", "bool", "negative", "too-large", "nan", "extra-field", "key-int", "nil")
EXPECTED = {
    **{way: {"not-canonical"} for way in REENCODED},
    **{way: {"schema"} for way in MISFITS},
    "float": {"schema", "not-canonical"},
    "key-bin": {"schema", "not-canonical"},
    "bin-for-text": {"schema"},
    "str-for-bin": {"schema", "not-msgpack"},
    "bad-utf8": {"not-msgpack", "schema"},
    "bin-length": {"schema"},
    "unused-c1": {"not-msgpack", "schema"},
    "array-claims-much": {"not-msgpack", "schema"},
}


WITH_BLANKS = ("recap.certified", "tally.attested", "tally.corrected", "tally.submitted")
"""What says figures, of which one is a mark ("x", "-") in the example and could be blank."""


@pytest.mark.parametrize("name", NAMES)
def test_every_other_spelling_of_every_node_is_refused(name: str) -> None:
    """Each node of each example's payload in each other way of writing it: refused, with the code of the first check."""
    payload = msgspec.msgpack.decode(signed(EXAMPLES[name]))[0]
    plain = msgpack.unpackb(payload, raw=False)
    if name in ("election.opened", "keys.enrolled", "forms.defined"):
        plain["data"] = trimmed(plain["data"])
    ways = set()
    for way, spelled in spellings(plain):
        assert spelled != pack(plain), way
        code = refusal(wrapped(spelled))
        if code == "signature-invalid":  # nil where a figure stood is another form, which nobody signed
            assert (way, name) in {("nil", kind) for kind in WITH_BLANKS}
        else:
            assert code in EXPECTED[way], (way, code)
        ways.add(way)
    assert len(ways) > 20


def trimmed(data: Any) -> Any:
    """The same shape with lists cut to their first two: enough nodes for every way."""
    if isinstance(data, dict):
        return {key: trimmed(value) for key, value in data.items()}
    if isinstance(data, list) and len(data) > 8:
        return [trimmed(item) for item in data[:2]]
    return [trimmed(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize("name", NAMES)
def test_fields_missing_and_rows_of_another_length(name: str) -> None:
    """A map without one of its required fields, and a row with one element more or less, do not fit the schema."""
    data = EXAMPLES[name]
    plain = msgpack.unpackb(encode(data), raw=False)
    optional = {field.name for field in msgspec.structs.fields(data) if not field.required}
    for field in plain:
        if field not in optional:
            with pytest.raises(Refused) as caught:
                decode(pack({key: value for key, value in plain.items() if key != field}), DECODERS[name])
            assert caught.value.code == "schema"
    for other in reshaped(data, plain):
        with pytest.raises(Refused) as caught:
            decode(pack(other), DECODERS[name])
        assert caught.value.code == "schema"


def reshaped(value: Any, plain: Any) -> Iterator[Any]:
    """``plain``, the builtins of ``value``, with one row (not a list) longer or shorter by an element, for every row in it."""
    if isinstance(value, msgspec.Struct):
        fields = value.__struct_fields__
        if isinstance(plain, list):
            yield plain[:-1]
            yield [*plain, plain[-1]]
        for at, field in enumerate(fields):
            place = at if isinstance(plain, list) else field
            if isinstance(plain, list) or field in plain:
                for other in reshaped(getattr(value, field), plain[place]):
                    copy = plain.copy()
                    copy[place] = other
                    yield copy
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            for other in reshaped(item, plain[at]):
                yield [*plain[:at], other, *plain[at + 1 :]]


def test_envelopes_are_as_strict_as_what_they_hold() -> None:
    """Submission and entry in every other spelling, with trailing bytes, with too few or too many elements, are refused."""
    submission = signed(submitted(STATIONS[0]))
    payload, signature = msgpack.unpackb(submission)
    entry = encode_entry(index=0, chain=bytes(32), sequenced_at=5, payload=payload, signature=signature)
    assert open_entry(entry).event == open_submission(submission)
    for opener, good in ((open_submission, submission), (open_entry, entry)):
        plain = msgpack.unpackb(good)
        bad = [data for way, data in spellings(plain) if not (way == "bin-length" and opener is open_submission)]
        bad += [good + b"\x00", good + good, good[:-1], b"", pack(plain[:-1]), pack([*plain, 0]), pack({"a": 1})]
        for data in bad:
            with pytest.raises(Refused) as caught:
                opener(data)
            assert caught.value.code in CODEC_CODES | {"signature-invalid"}
    for version in (0, 2, "1"):
        with pytest.raises(Refused) as caught:
            open_entry(pack([version, *msgpack.unpackb(entry)[1:]]))
        assert caught.value.code == "schema"
    assert refusal(wrapped(payload + b"\x00")) == "not-msgpack"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ledger": None}, "schema"),
        ({"previous": bytes(32)}, "schema"),
        ({"position": 1}, "schema"),
        *(({"type": name}, "type-later") for name in sorted(LATER_TYPES)),
        ({"type": "tally.invented"}, "type-unknown"),
        ({"type": "tally.corrected"}, "schema"),
        ({"type": "Tally.submitted"}, "schema"),
        ({"ledger": bytes(31)}, "schema"),
        ({"key": bytes(64)}, "schema"),
        ({"key": bytes(65)}, "point-invalid"),
        ({"data": None}, "schema"),
        ({"data": [1]}, "schema"),
        ({"claimed_at": 2**53}, "schema"),
    ],
)
def test_payload_fields_out_of_place(change: dict[str, Any], code: str) -> None:
    """nil stands for ``previous`` at position 0 and for ``ledger`` in entry 0 alone; types are of the closed list."""
    plain = msgpack.unpackb(msgpack.unpackb(signed(submitted(STATIONS[0])))[0], raw=False)
    assert refusal(wrapped(pack({**plain, **change}))) == code


FORBIDDEN = [
    *range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A), *range(0xFDD0, 0xFDF0),
    *(plane * 0x10000 + low for plane in range(17) for low in (0xFFFE, 0xFFFF)),
]  # fmt: skip
NEIGHBOURS = [0x20, 0x7E, 0xA0, 0x2027, 0x202F, 0x2065, 0x206A, 0xFDCF, 0xFDF0, 0xFFFD, 0x1FFFD, 0x20000, 0x10FFFD, 0x301]


def test_every_forbidden_character_is_refused_and_its_neighbours_are_not() -> None:
    """Controls, separators, marks that reorder text and noncharacters stand in no name; combining marks and the rest may."""
    for character in [*FORBIDDEN, *NEIGHBOURS]:
        plain = msgpack.unpackb(encode(EXAMPLES["jurisdictions.listed"]), raw=False)
        plain["areas"][0][1] = f"a{chr(character)}b"
        with pytest.raises(Refused) if character in FORBIDDEN else nullcontext() as caught:
            decode(pack(plain), DECODERS["jurisdictions.listed"])
        assert caught is None or caught.value.code == "schema", hex(character)


@pytest.mark.parametrize(
    "text", [b"\xed\xa0\x80", b"\xc0\x80", b"\xff", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf8\x88\x80\x80\x80", b"\x80"]
)
def test_invalid_utf8_is_refused(text: bytes) -> None:
    """Surrogates, overlong forms, code points beyond the last, cut and stray bytes."""
    name = pack("Provinsi")
    data = encode(EXAMPLES["jurisdictions.listed"]).replace(name, bytes([0xA0 + len(text)]) + text, 1)
    with pytest.raises(Refused) as caught:
        decode(data, DECODERS["jurisdictions.listed"])
    assert caught.value.code in ("not-msgpack", "schema")


@pytest.mark.parametrize("depth", [9, 1_000, 20_000, 65_000])
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a"])
def test_deep_nesting_is_refused_and_harms_nothing(depth: int, opening: bytes) -> None:
    """Arrays and maps nested to any depth that fits the limits end in a refusal, not in a RecursionError."""
    deep = opening * (depth // len(opening)) + b"\x01"
    plain = msgpack.unpackb(msgpack.unpackb(signed(submitted(STATIONS[0])))[0], raw=False)
    payload = pack({**plain, "data": 77}).replace(b"\xa4data\x4d", b"\xa4data" + deep)
    assert refusal(deep) in {"not-msgpack", "schema"}
    assert refusal(wrapped(payload)) in {"not-msgpack", "schema", "entry-too-large"}


def test_size_limits() -> None:
    """A submission that could not fit its entry is refused before it is decoded; the largest that fits is decoded."""
    assert refusal(bytes(65_535 - 127)) == "entry-too-large"
    assert refusal(bytes(65_535 - 128)) != "entry-too-large"
    with pytest.raises(Refused, match="entry-too-large"):
        open_entry(bytes(65_536))
    with pytest.raises(Refused, match="entry-too-large"):
        encode_entry(index=0, chain=bytes(32), sequenced_at=0, payload=bytes(65_500), signature=bytes(64))
    most = 65_535 - 128 - len(pack([bytes(60_000), bytes(64)])) + 60_000
    data = encode_entry(index=UINT_MAX, chain=bytes(32), sequenced_at=UINT_MAX, payload=bytes(most), signature=bytes(64))
    assert len(data) <= 65_535


@pytest.mark.parametrize("value", [True, False, 1.0, float("nan"), [[[[[[[[[[1]]]]]]]]]]])
def test_what_has_no_canonical_form_is_not_encoded(value: object) -> None:
    """Booleans, floats and more than eight levels cannot be signed by accident either."""
    with pytest.raises(Refused) as caught:
        encode({"a": value})
    assert caught.value.code == "not-canonical"


# --- flipped bits ------------------------------------------------------------------------------------------------------------


def test_no_flipped_bit_opens() -> None:
    """Every single bit of a whole submission, flipped: refused, by one exception and no other."""
    good = signed(submitted(STATIONS[0], GOOD))
    for at in range(8 * len(good)):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        assert refusal(bytes(bad))


@settings(max_examples=400, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    edits=st.lists(st.tuples(st.floats(0, 0.9999), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4),
)
def test_no_edited_submission_opens(name: str, edits: list[tuple[float, bytes, int]]) -> None:
    """Bytes put in, taken out or replaced anywhere: the result is the same bytes, or refused, or never the same event."""
    good = signed(EXAMPLES[name])
    bad = good
    for place, new, gone in edits:
        at = int(place * len(bad))
        bad = bad[:at] + new + bad[at + gone :]
    if bad != good:
        assert refusal(bad)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    """Random bytes are refused as a submission, as an entry, and as the data of every type."""
    assert refusal(noise) in CODEC_CODES
    with pytest.raises(Refused):
        open_entry(noise)
    for decoder in (*DECODERS.values(), msgspec.msgpack.Decoder(Payload), msgspec.msgpack.Decoder(Submission)):
        with pytest.raises(Refused):
            decode(noise, decoder)
    with pytest.raises(Refused):
        decode(noise, msgspec.msgpack.Decoder(Entry))
