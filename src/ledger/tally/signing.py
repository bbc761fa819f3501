"""Signing and opening: from bytes that anyone may have made to an event that only a key's holder can have signed.

``sign_event`` makes a submission; ``open_submission`` and ``open_entry`` take one apart, or refuse it.  What they return was
checked as far as the bytes alone allow: canonical form, schema, event id, signature.  Nobody holds an ``Opened`` that was not
opened here.
Whether the key may do this, here and now, is the fold's question (``fold``).

One algorithm and no choice: ECDSA over P-256 with the event id as the digest, signature as 64 bytes r || s.  High s is accepted
(browsers make it), so signature bytes are never an identity.  Signatures are made deterministically (RFC 6979).
docs/FORMATS.md sections 2 to 4; source of the curve's numbers: SEC 2, section 2.4.2.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import UNSET

from ledger.errors import Refused
from ledger.proof.merkle import leaf_hash
from ledger.tally.canonical import decode, encode, tagged_hash
from ledger.tally.events import (
    ENTRY_LIMIT_BYTES,
    LATER_TYPES,
    ElectionAmended,
    ElectionOpened,
    Entry,
    EventData,
    KeyRotated,
    KeysEnrolled,
    LogRekeyed,
    Payload,
    Root,
    Submission,
    decode_data,
    type_of,
)

__all__ = [
    "CURVE_ORDER",
    "Opened",
    "OpenedEntry",
    "SigningKey",
    "check_signature",
    "draft_digest",
    "encode_entry",
    "event_id_of",
    "key_id",
    "note_digest",
    "open_entry",
    "open_submission",
    "possession_digest",
    "reopen_entry",
    "root_digest",
    "rotation_digest",
    "sealer_digest",
    "sign_event",
]

EVENT_TAG: Final = "tally-ledger/event/v1"
POSSESSION_TAG: Final = "tally-ledger/possession/v1"
ROTATION_TAG: Final = "tally-ledger/rotation/v1"
ROOT_TAG: Final = "tally-ledger/root/v1"
TEXT_TAG: Final = "tally-ledger/text/v1"
SALT_BYTES: Final = 16

CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

SUBMISSION_OVERHEAD_BYTES: Final = 128
"""Room that the entry around a submission needs: version, index, chain, time and array heads."""

_LOADED_KEYS: Final = 8_192  # about 2 KiB each
_PREHASHED: Final = ec.ECDSA(Prehashed(hashes.SHA256()))
_DETERMINISTIC: Final = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)

_payload_decoder: Final = msgspec.msgpack.Decoder(Payload)
_submission_decoder: Final = msgspec.msgpack.Decoder(Submission)
_entry_decoder: Final = msgspec.msgpack.Decoder(Entry)
_encoder: Final = msgspec.msgpack.Encoder(order="sorted")


class Opened(NamedTuple):
    """An event whose bytes and signature were checked.  ``key`` is the signer's 65-byte point."""

    event_id: bytes
    ledger: bytes | None
    key: bytes
    position: int
    previous: bytes | None
    claimed_at: int
    type: str
    data: EventData
    payload: bytes
    signature: bytes


class OpenedEntry(msgspec.Struct, frozen=True):
    """An opened event with its place in the log and the entry's leaf hash."""

    index: int
    chain: bytes
    sequenced_at: int
    leaf: bytes
    event: Opened


class SigningKey:
    """A private P-256 key.  Shows its key id, never its secret."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise Refused("key-other-curve", "keys are P-256")
        self._private = private
        self.point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's source of randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def derive(cls, seed: bytes) -> SigningKey:
        """The key that ``seed`` gives, for synthetic and imported elections: reproducible, hence never a secret."""
        wide = int.from_bytes(hashlib.sha512(b"tally-ledger/derive/v1\n" + seed).digest())
        return cls(ec.derive_private_key(wide % (CURVE_ORDER - 1) + 1, ec.SECP256R1()))

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        """For the key file alone."""
        return self._private

    def sign(self, digest: bytes, /) -> bytes:
        """64 bytes r || s over a 32-byte digest."""
        r, s = decode_dss_signature(self._private.sign(digest, _DETERMINISTIC))
        return r.to_bytes(32) + s.to_bytes(32)

    def __repr__(self) -> str:
        return f"SigningKey({key_id(self.point).hex()[:16]})"


def key_id(point: bytes, /) -> bytes:
    """SHA-256 of the point: how a key is shown to people."""
    return hashlib.sha256(point).digest()


def event_id_of(payload: bytes, /) -> bytes:
    """The event's id, which is the very digest that is signed."""
    return tagged_hash(EVENT_TAG, payload)


@lru_cache(maxsize=_LOADED_KEYS)
def _load_point(point: bytes) -> ec.EllipticCurvePublicKey:
    if point[:1] != b"\x04":
        raise Refused("point-invalid", "a point is 65 bytes, 04 || X || Y")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Refused("point-invalid", "this is no point of the curve P-256") from None


def check_signature(point: bytes, digest: bytes, signature: bytes) -> None:
    """Raises ``Refused`` (``point-invalid``, ``signature-invalid``) unless ``signature`` is the key's over ``digest``."""
    public = _load_point(point)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if not (len(signature) == 64 and 0 < r < CURVE_ORDER and 0 < s < CURVE_ORDER):
        raise Refused("signature-invalid", "r and s must lie between 1 and the order of the curve")
    try:
        public.verify(encode_dss_signature(r, s), digest, _PREHASHED)
    except InvalidSignature:
        raise Refused("signature-invalid", "the signature is not this key's over these bytes") from None


# --- signing -----------------------------------------------------------------------------------------------------------------


def sign_event(
    key: SigningKey, data: EventData, *, ledger: bytes | None, position: int, previous: bytes | None, claimed_at: int
) -> tuple[bytes, bytes]:
    """The submission's bytes and the event id.  ``claimed_at`` in ms since 1970, as the device believes; it decides nothing."""
    payload = encode(
        {
            "ledger": ledger,
            "key": key.point,
            "position": position,
            "previous": previous,
            "claimed_at": claimed_at,
            "type": type_of(data),
            "data": data,
        }
    )
    event_id = event_id_of(payload)
    return _encoder.encode(Submission(payload, key.sign(event_id))), event_id


def draft_digest(data: ElectionOpened) -> bytes:
    """SHA-256 over entry 0's data without its signatures; binds the keys named there to this very election."""
    plain = msgspec.to_builtins(data, builtin_types=(bytes,))
    plain["roots"] = [row[0] for row in plain["roots"]]
    plain["registrars"] = [row[:4] for row in plain["registrars"]]
    plain["sealer"] = plain["sealer"][0]
    return hashlib.sha256(encode(plain)).digest()


def root_digest(draft: bytes) -> bytes:
    """What each root key signs in entry 0."""
    return tagged_hash(ROOT_TAG, draft)


def possession_digest(ledger: bytes, *, point: bytes, role: str, scope: str, seat: str) -> bytes:
    """What a registrar, officer, ... signs to show that the key is its own.  ``ledger`` is the ledger's id; for the registrars and
    the sealer of entry 0, which exist before the id does, the draft digest stands in its place."""
    return tagged_hash(POSSESSION_TAG, encode([ledger, point, role, scope, seat]))


def sealer_digest(ledger: bytes, point: bytes) -> bytes:
    """What a sealer's key signs to show that it is its own.  ``ledger``: for that of entry 0 the draft digest."""
    return possession_digest(ledger, point=point, role="sealer", scope="", seat="sealer")


def rotation_digest(ledger: bytes, *, old: bytes, new: bytes, seat: str) -> bytes:
    """What a new key signs to take over the seat of the key ``old``; the rotation itself is signed by the old one."""
    return tagged_hash(ROTATION_TAG, encode([ledger, old, new, seat]))


def note_digest(salt: bytes, text: str) -> bytes:
    """The hash of a text that lies beside the log; ``salt``: 16 bytes that lie with it."""
    if len(salt) != SALT_BYTES:
        raise Refused("schema", f"a salt has {SALT_BYTES} bytes")
    return tagged_hash(TEXT_TAG, salt + text.encode())


def encode_entry(*, index: int, chain: bytes, sequenced_at: int, payload: bytes, signature: bytes) -> bytes:
    """An entry's bytes.  Raises ``Refused`` ``entry-too-large`` beyond 65,535 bytes."""
    data = _encoder.encode(Entry(1, index, chain, sequenced_at, Submission(payload, signature)))
    if len(data) > ENTRY_LIMIT_BYTES:
        raise Refused("entry-too-large", f"an entry has at most {ENTRY_LIMIT_BYTES:,} bytes", bytes=len(data))
    return data


# --- opening -----------------------------------------------------------------------------------------------------------------


def open_submission(data: bytes, /) -> Opened:
    """The event in a submission's bytes; raises ``Refused`` with the code of the first check that fails."""
    if len(data) > ENTRY_LIMIT_BYTES - SUBMISSION_OVERHEAD_BYTES:
        raise Refused("entry-too-large", "a submission must fit an entry of 65,535 bytes", bytes=len(data))
    return _open(decode(data, _submission_decoder), check=True)


def open_entry(data: bytes, /) -> OpenedEntry:
    """The event in an entry's bytes, with its place; raises ``Refused`` as ``open_submission`` does."""
    return _placed(data, check=True)


def reopen_entry(data: bytes, /) -> OpenedEntry:
    """As ``open_entry`` without the signatures: for a ledger's own replay of entries that its intake opened before, and for an
    audit that checks every signature beside it.  Never for bytes that nobody checks."""
    return _placed(data, check=False)


def _placed(data: bytes, *, check: bool) -> OpenedEntry:
    if len(data) > ENTRY_LIMIT_BYTES:
        raise Refused("entry-too-large", f"an entry has at most {ENTRY_LIMIT_BYTES:,} bytes")
    entry = decode(data, _entry_decoder)
    event = _open(entry.submission, check=check)
    return OpenedEntry(entry.index, entry.chain, entry.sequenced_at, leaf_hash(data), event)


def _open(submission: Submission, *, check: bool) -> Opened:
    """1 canonical payload, 2 known type, 3 canonical data, 4 where nil may stand, 5 points and proofs inside, 6 signature."""
    payload = decode(submission.payload, _payload_decoder)  # 1
    data = decode_data(payload.type, bytes(payload.data))  # 3
    if data is None:  # 2
        code = "type-later" if payload.type in LATER_TYPES else "type-unknown"
        raise Refused(code, "this version of the ledger does not take this event type", type=payload.type)
    opening = isinstance(data, ElectionOpened)
    if (payload.ledger is None) != opening or (payload.previous is None) != (payload.position == 0):  # 4
        raise Refused("schema", "ledger is nil in entry 0 alone, previous at position 0 alone")
    event_id = event_id_of(submission.payload)
    if check:
        _check_inside(data, payload)  # 5
        check_signature(payload.key, event_id, submission.signature)  # 6
    return Opened(
        event_id,
        payload.ledger,
        payload.key,
        payload.position,
        payload.previous,
        payload.claimed_at,
        payload.type,
        data,
        submission.payload,
        submission.signature,
    )


def _check_inside(data: EventData, payload: Payload) -> None:
    """The points and signatures that the data itself holds."""
    ledger = payload.ledger or b""
    match data:
        case KeysEnrolled():
            _check_possession(data, ledger)
        case KeyRotated():
            digest = rotation_digest(ledger, old=payload.key, new=data.point, seat=data.seat)
            check_signature(data.point, digest, data.proof)
        case ElectionOpened():
            _check_founders(data)
        case ElectionAmended():
            for body in () if data.registrars is UNSET else data.registrars:
                digest = possession_digest(ledger, point=body.point, role="registrar", scope=body.scope, seat=body.body)
                check_signature(body.point, digest, body.signature)
        case LogRekeyed(sealer=Root() as sealer):
            check_signature(sealer.point, sealer_digest(ledger, sealer.point), sealer.signature)
        case _:
            pass


def _check_possession(data: KeysEnrolled, ledger: bytes) -> None:
    """Every enrolled point lies on the curve, and every proof is its key's."""
    for row in data.keys:
        _load_point(row.point)
        for proof in row.proof:
            digest = possession_digest(ledger, point=row.point, role=row.role, scope=row.scope, seat=row.seat)
            check_signature(row.point, digest, proof)


def _check_founders(data: ElectionOpened) -> None:
    """The signatures inside entry 0: each root's, each registrar's, the sealer's."""
    draft = draft_digest(data)
    for root in data.roots:
        check_signature(root.point, root_digest(draft), root.signature)
    for registrar in data.registrars:
        digest = possession_digest(draft, point=registrar.point, role="registrar", scope=registrar.scope, seat=registrar.body)
        check_signature(registrar.point, digest, registrar.signature)
    check_signature(data.sealer.point, sealer_digest(draft, data.sealer.point), data.sealer.signature)
