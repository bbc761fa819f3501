"""Signatures on which libraries differ are refused before any library is asked; the curve's own arithmetic says which points."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import NotVerified
from ledger.proof.ed25519 import check_point, open_signature

from .models import private_key, raising

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1)

# https://github.com/novifinancial/ed25519-speccheck, cases.json: message, public key, signature.  Only number 3, of mixed order
# in both points, is one on which all libraries agree (they accept it).
SPECCHECK = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
        "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
    ),
    (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
        "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
    ),
]


def add(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    """The curve's addition law, RFC 8032 section 5.1.4, affine."""
    (x1, y1), (x2, y2) = left, right
    cross = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P) % P


def points_at(y: int) -> list[tuple[int, int]]:
    """The one or two points with this y, if it is on the curve."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT_OF_MINUS_1 % P
    return sorted({(x, y), (-x % P, y)}) if x * x % P == square else []


def times_8(point: tuple[int, int]) -> tuple[int, int]:
    for _ in range(3):
        point = add(point, point)
    return point


def spelled(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def torsion() -> set[tuple[int, int]]:
    """The points of small order: L times any point is one; from enough points come all eight."""
    found: set[tuple[int, int]] = set()
    for y in range(2, 40):
        for point in points_at(y):
            total, scalar = IDENTITY, L
            while scalar:
                total, point, scalar = add(total, point) if scalar & 1 else total, add(point, point), scalar >> 1
            found.add(total)
    return found


# The refused points are the eight points of small order, found here by arithmetic, and each is refused under either sign.
def test_all_points_of_small_order_are_refused() -> None:
    small = torsion()
    assert len(small) == 8
    assert {times_8(point) for point in small} == {IDENTITY}
    for _, y in small:
        for sign in (0, 1):
            with raising(NotVerified, "ed25519-invalid"):
                check_point(spelled(y, sign))


# All 19 spellings of y that are not below p are refused, under either sign; the neighbours are not.
def test_uncanonical_points_are_refused() -> None:
    for y in range(P, 2**255):
        for sign in (0, 1):
            with raising(NotVerified, "ed25519-invalid"):
                check_point(spelled(y, sign))
    for good in (P - 2, 2, 3):
        assert check_point(spelled(good, 1)) == spelled(good, 1)


# Ten cases on which libraries are known to differ, but the fourth.
@pytest.mark.parametrize("number", range(len(SPECCHECK)))
def test_speccheck(number: int) -> None:
    message, public, signature = (bytes.fromhex(text) for text in SPECCHECK[number])
    if number == 3:
        assert open_signature(public=public, message=message, signature=signature) == message
        return
    with raising(NotVerified, "ed25519-invalid"):
        open_signature(public=public, message=message, signature=signature)


# With the identity as a key, one signature fits every text: the library accepts it, we do not.
def test_key_of_small_order_would_sign_everything() -> None:
    seed = private_key(1)
    scalar = int.from_bytes(hashlib.sha512(seed.private_bytes_raw()).digest()[:32], "little")
    scalar = (scalar & (2**254 - 8) | 2**254) % L
    forged = seed.public_key().public_bytes_raw() + scalar.to_bytes(32, "little")
    for message in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(spelled(1, 0)).verify(forged, message)
        with raising(NotVerified, "ed25519-invalid"):
            open_signature(public=spelled(1, 0), message=message, signature=forged)


# With an honest key and the identity as nonce, libraries differ: the one below us accepts it, we do not.
def test_nonce_of_small_order_is_refused() -> None:
    private = private_key(2)
    public = private.public_key().public_bytes_raw()
    scalar = int.from_bytes(hashlib.sha512(private.private_bytes_raw()).digest()[:32], "little") & (2**254 - 8) | 2**254
    challenge = int.from_bytes(hashlib.sha512(spelled(1, 0) + public + b"text").digest(), "little")
    forged = spelled(1, 0) + (challenge * scalar % L).to_bytes(32, "little")
    private.public_key().verify(forged, b"text")
    with raising(NotVerified, "ed25519-invalid"):
        open_signature(public=public, message=b"text", signature=forged)


# An honest signature opens; any byte changed, S plus the order, or another length does not.
def test_honest_and_spoiled() -> None:
    private = private_key(3)
    public, message, signature = private.public_key().public_bytes_raw(), b"text", private.sign(b"text")
    assert open_signature(public=public, message=message, signature=signature) == message
    higher = int.from_bytes(signature[32:], "little") + L
    bad = [signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :] for at in range(64)]
    for wrong in [*bad, signature[:32] + higher.to_bytes(32, "little"), signature[:-1], signature + b"\0", b""]:
        with raising(NotVerified, "ed25519-invalid"):
            open_signature(public=public, message=message, signature=wrong)
    with pytest.raises(NotVerified, match="group order"):  # by us, whatever the library below would say
        open_signature(public=public, message=message, signature=signature[:32] + higher.to_bytes(32, "little"))
    for other in (public[:-1], public + b"\0", bytes([public[0] ^ 1]) + public[1:]):
        with raising(NotVerified, "ed25519-invalid"):
            open_signature(public=other, message=message, signature=signature)
    with raising(NotVerified, "ed25519-invalid"):
        open_signature(public=public, message=b"texts", signature=signature)
