"""Who signed: one algorithm, both halves of its symmetry, and nothing that can be taken for something else."""

from __future__ import annotations

import hashlib
from typing import Any

import msgpack
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Refused
from ledger.tally.canonical import encode
from ledger.tally.events import ElectionOpened, KeyRow, KeysEnrolled, Registrar, Root
from ledger.tally.signing import (
    CURVE_ORDER,
    SigningKey,
    check_signature,
    draft_digest,
    event_id_of,
    key_id,
    open_entry,
    open_submission,
    possession_digest,
    reopen_entry,
    root_digest,
    sign_event,
)

from ..world import START_MS, STATIONS, MemoryLog, World, submitted

WORLD = World()
KEY = WORLD.key("operator")
DIGEST = hashlib.sha256(b"what is signed").digest()
GOOD = KEY.sign(DIGEST)
R, S = int.from_bytes(GOOD[:32]), int.from_bytes(GOOD[32:])
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1


def joined(r: int, s: int) -> bytes:
    """r || s."""
    return r.to_bytes(32) + s.to_bytes(32)


def refusal(point: bytes, digest: bytes, signature: bytes) -> str:
    """The code with which a signature is refused."""
    with pytest.raises(Refused) as caught:
        check_signature(point, digest, signature)
    return caught.value.code


def test_high_s_is_accepted() -> None:
    """(r, n - s) is the same signature: browsers make either, so signature bytes are never an identity."""
    check_signature(KEY.point, DIGEST, GOOD)
    check_signature(KEY.point, DIGEST, joined(R, CURVE_ORDER - S))


@pytest.mark.parametrize(
    "signature",
    [
        joined(0, S), joined(R, 0), joined(0, 0), joined(CURVE_ORDER, S), joined(R, CURVE_ORDER), joined(R, CURVE_ORDER + 1),
        joined(2**256 - 1, S), joined(R, 2**256 - 1), joined(S, R), joined(R, S ^ 1), joined(CURVE_ORDER - R, S),
        GOOD[:63], GOOD + b"\x00", b"", b"\x00" + GOOD,
        encode_dss_signature(R, S),
    ],
)  # fmt: skip
def test_numbers_out_of_range_and_other_encodings_are_refused(signature: bytes) -> None:
    """r and s lie between 1 and n - 1, in 64 bytes; DER is not taken."""
    assert refusal(KEY.point, DIGEST, signature) == "signature-invalid"


def test_another_key_and_another_message_are_refused() -> None:
    """A signature is one key's over one digest."""
    assert refusal(WORLD.key("other").point, DIGEST, GOOD) == "signature-invalid"
    assert refusal(KEY.point, hashlib.sha256(b"another").digest(), GOOD) == "signature-invalid"


@pytest.mark.parametrize(
    "point",
    [
        KEY.point[:33], b"\x02" + KEY.point[1:33], b"\x03" + KEY.point[1:33], KEY.point[1:], b"\x05" + KEY.point[1:],
        b"\x06" + KEY.point[1:], b"\x07" + KEY.point[1:], b"\x00" * 65, b"\x00", b"", KEY.point + b"\x00",
        KEY.point[:-1] + bytes([KEY.point[-1] ^ 1]), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64,
        b"\x04" + (int.from_bytes(KEY.point[1:33]) + FIELD if int.from_bytes(KEY.point[1:33]) + FIELD < 2**256 else 0).to_bytes(32)
        + KEY.point[33:],
    ],
)  # fmt: skip
def test_only_points_of_the_curve_in_their_long_form_are_keys(point: bytes) -> None:
    """Compressed, hybrid, cut, the point at infinity, coordinates beyond the field, points off the curve: no keys."""
    assert refusal(point, DIGEST, GOOD) == "point-invalid"


def test_signatures_are_deterministic() -> None:
    """RFC 6979: the same key and digest give the same bytes; the vector of its appendix A.2.5 (SHA-256, "sample") comes out."""
    assert KEY.sign(DIGEST) == GOOD
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = SigningKey(ec.derive_private_key(secret, ec.SECP256R1()))
    assert key.sign(hashlib.sha256(b"sample").digest()).hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_any_ecdsa_library_can_verify() -> None:
    """The event id is SHA-256 over the tag and the payload, so a plain ECDSA-with-SHA-256 verifier takes tag || payload."""
    submission, event_id = sign_event(
        KEY, submitted(STATIONS[0]), ledger=WORLD.ledger, position=0, previous=None, claimed_at=START_MS
    )
    payload, signature = msgpack.unpackb(submission)
    message = b"tally-ledger/event/v1\n" + payload
    assert event_id == event_id_of(payload) == hashlib.sha256(message).digest()
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), KEY.point)
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public.verify(der, message, ec.ECDSA(hashes.SHA256()))
    theirs = KEY.private.sign(message, ec.ECDSA(hashes.SHA256()))
    from_outside = joined(*_numbers(theirs))
    assert open_submission(msgpack.packb([payload, from_outside])).event_id == event_id


def _numbers(der: bytes) -> tuple[int, int]:
    length = der[3]
    return int.from_bytes(der[4 : 4 + length]), int.from_bytes(der[6 + length :])


def test_one_event_under_two_signatures_is_one_event() -> None:
    """The id is the payload's: another valid signature makes another submission of the same event."""
    submission, event_id = sign_event(
        KEY, submitted(STATIONS[0]), ledger=WORLD.ledger, position=0, previous=None, claimed_at=START_MS
    )
    payload, signature = msgpack.unpackb(submission)
    other = msgpack.packb([payload, signature[:32] + (CURVE_ORDER - int.from_bytes(signature[32:])).to_bytes(32)])
    assert other != submission
    assert open_submission(other).event_id == open_submission(submission).event_id == event_id


def test_no_kind_of_signed_string_passes_for_another() -> None:
    """Event, possession and root strings bear their own tags: the same bytes under another tag are another digest."""
    draft = draft_digest(WORLD.opening)
    digests = {
        event_id_of(draft),
        root_digest(draft),
        hashlib.sha256(draft).digest(),
        possession_digest(draft, point=KEY.point, role="sealer", scope="", seat="sealer"),
        event_id_of(encode([draft, KEY.point, "sealer", "", "sealer"])),
    }
    assert len(digests) == 5
    payload = encode(["not", "a", "payload"])
    foreign = KEY.sign(hashlib.sha256(b"tally-ledger/root/v1\n" + payload).digest())
    assert refusal(KEY.point, event_id_of(payload), foreign) == "signature-invalid"


def test_every_field_of_the_proof_of_possession_is_bound() -> None:
    """Point, role, scope, seat and ledger each change the digest, and moving a letter between fields does too."""
    usual: dict[str, Any] = {"point": KEY.point, "role": "officer", "scope": "1771", "seat": "city-1"}
    digests = {possession_digest(WORLD.ledger, **usual), possession_digest(bytes(32), **usual)}
    for field, value in (("point", WORLD.key("other").point), ("role", "importer"), ("scope", "17"), ("seat", "71city-1")):
        digests.add(possession_digest(WORLD.ledger, **{**usual, field: value}))
    digests.add(possession_digest(WORLD.ledger, **{**usual, "scope": "17", "seat": "71city-1"}))
    assert len(digests) == 7


@pytest.mark.parametrize("change", ["point", "role", "scope", "seat", "ledger", "flip", "swap", "off-curve"])
def test_an_officer_row_without_its_own_proof_is_refused(change: str) -> None:
    """A registrar cannot enrol a key whose holder did not sign for this very ledger, role, scope and seat."""
    row = WORLD.key_row("officer", "officer", "1771", "city-1")
    ledger = WORLD.ledger
    match change:
        case "point":
            row = msgspec.structs.replace(row, point=WORLD.key("other").point)
        case "off-curve":
            row = msgspec.structs.replace(row, point=row.point[:-1] + bytes([row.point[-1] ^ 1]))
        case "flip":
            row = msgspec.structs.replace(row, proof=(row.proof[0][:-1] + bytes([row.proof[0][-1] ^ 1]),))
        case "swap":
            row = msgspec.structs.replace(row, proof=WORLD.key_row("other", "officer", "1771", "city-1").proof)
        case "ledger":
            ledger = bytes(32)
        case field:
            row = msgspec.structs.replace(row, **{field: {"role": "importer", "scope": "17", "seat": "city-2"}[field]})
    good = WORLD.key_row("importer", "importer", "17", "import")
    data = KeysEnrolled(keys=(good, row) if ledger == WORLD.ledger else (row,))
    submission, _ = sign_event(WORLD.key("commission"), data, ledger=ledger, position=0, previous=None, claimed_at=START_MS)
    with pytest.raises(Refused) as caught:
        open_submission(submission)
    assert caught.value.code == ("point-invalid" if change == "off-curve" else "signature-invalid")


def test_an_operator_row_is_still_a_point() -> None:
    """Operators bring no proof (their first event is it), but what is enrolled must be a key at all."""
    row = KeyRow(b"\x04" + bytes(64), "operator", STATIONS[0], "1", 0, ())
    submission, _ = sign_event(
        WORLD.key("commission"), KeysEnrolled(keys=(row,)), ledger=WORLD.ledger, position=0, previous=None, claimed_at=1
    )
    with pytest.raises(Refused) as caught:
        open_submission(submission)
    assert caught.value.code == "point-invalid"


def opening_with(signer: str, data: ElectionOpened) -> bytes:
    """Entry 0's submission, signed by a root whatever the data says."""
    return sign_event(WORLD.key(signer), data, ledger=None, position=0, previous=None, claimed_at=START_MS)[0]


def spoiled(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


@pytest.mark.parametrize("whose", ["root 0", "root 1", "registrar 0", "registrar 1", "sealer"])
def test_each_signature_inside_entry_0_is_checked(whose: str) -> None:
    """One flipped bit in one founder's signature, and the outer signature right: refused."""
    data = WORLD.opening
    kind, _, number = whose.partition(" ")
    if kind == "sealer":
        data = msgspec.structs.replace(data, sealer=Root(data.sealer.point, spoiled(data.sealer.signature)))
    else:
        field = {"root": "roots", "registrar": "registrars"}[kind]
        rows: list[Root | Registrar] = list(getattr(data, field))
        rows[int(number)] = msgspec.structs.replace(rows[int(number)], signature=spoiled(rows[int(number)].signature))
        data = msgspec.structs.replace(data, **{field: tuple(rows)})
    with pytest.raises(Refused) as caught:
        open_submission(opening_with("root-1", data))
    assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Another"}, {"day": "2024-11-28"}, {"quorum": 1}, {"kind": "official"}, {"origin": "other.example/x"},
        {"zones": ("Asia/Jakarta",)}, {"log_key": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_founders_sign_all_of_entry_0(change: dict[str, Any]) -> None:
    """Every field of entry 0 is in the draft that each founder signed: change one, and the signatures inside are wrong."""
    with pytest.raises(Refused) as caught:
        open_submission(opening_with("root-1", msgspec.structs.replace(WORLD.opening, **change)))
    assert caught.value.code == "signature-invalid"
    registrar = msgspec.structs.replace(WORLD.opening.registrars[0], roles=("operator",))
    with pytest.raises(Refused):
        open_submission(opening_with("root-1", msgspec.structs.replace(WORLD.opening, registrars=(registrar,))))


def test_entries_open_to_the_same_event_and_only_checked_ones_are_safe() -> None:
    """``open_entry`` checks the signature; ``reopen_entry``, for one's own log, gives the same event and does not."""
    log = MemoryLog(WORLD.founding())
    for index, data in enumerate(log.entries):
        opened = open_entry(data)
        assert (opened.index, opened) == (index, reopen_entry(data))
    entry = msgpack.unpackb(log.entries[2])
    entry[4][1] = spoiled(entry[4][1])
    bad = msgpack.packb(entry)
    with pytest.raises(Refused, match="signature-invalid"):
        open_entry(bad)
    assert reopen_entry(bad).event.payload == entry[4][0]


@settings(max_examples=50, deadline=None)
@given(seed=st.binary(max_size=40))
def test_derived_keys_sign_what_they_check(seed: bytes) -> None:
    """Any seed gives a key, the same one each time, that signs what ``check_signature`` takes; its repr shows no secret."""
    key = SigningKey.derive(seed)
    assert key.point == SigningKey.derive(seed).point
    check_signature(key.point, DIGEST, key.sign(DIGEST))
    secret = key.private.private_numbers().private_value
    assert f"{secret:x}"[:16] not in repr(key)
    assert key_id(key.point).hex()[:16] in repr(key)


def test_other_curves_are_refused() -> None:
    """Keys are P-256."""
    with pytest.raises(Refused, match="key-other-curve"):
        SigningKey(ec.generate_private_key(ec.SECP384R1()))
    assert SigningKey.generate().point != SigningKey.generate().point
