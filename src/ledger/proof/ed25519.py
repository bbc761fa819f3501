"""One Ed25519 signature, opened by a rule on which the libraries of others agree.

RFC 8032 leaves open what to do with points that no honest signer makes, and libraries differ there: a forger of such points
could hold a note that one auditor accepts and another refuses, or one signature that fits many texts.  So before the library
is asked, these are refused:

- a public key A or a nonce point R of small order (the eight torsion points, under every sign bit),
- a point A or R that is not canonically encoded (y not below p),
- a signature's S not below the group order L.

What this does not give: a point of mixed order (one of prime order plus a torsion point) is not seen, for that needs curve
arithmetic.  A mixed-order R never passes with a key of prime order, since OpenSSL compares R itself.  A mixed-order A is made
only by who holds its secret; some of that signer's own signatures then pass here and fail in libsodium.  So whoever admits a
key asks for a proof of possession, and may ask libsodium (``crypto_core_ed25519_is_valid_point``) as well.  Nor is a point
known to lie on the curve before a signature by it was opened.  Signature bytes are never an identity.

Source: RFC 8032 section 5.1; docs/FORMATS.md, pitfalls.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import NotVerified

__all__ = ["PUBLIC_BYTES", "SIGNATURE_BYTES", "check_point", "open_signature"]

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_Y_OF_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

# The y of orders 1, 2, 4 and 8; each with both sign bits covers all eight points, and (0, 1), (0, -1) spelled with a sign.
_SMALL_ORDER_Y = frozenset({1, _P - 1, 0, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8})


def check_point(encoded: bytes) -> bytes:
    """``encoded`` (32 bytes), canonical and not of small order; else ``NotVerified`` ``ed25519-invalid``."""
    if len(encoded) != PUBLIC_BYTES:
        raise NotVerified("ed25519-invalid", "a point is not 32 bytes long")
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _P:
        raise NotVerified("ed25519-invalid", "a point is not canonically encoded")
    if y in _SMALL_ORDER_Y:
        raise NotVerified("ed25519-invalid", "a point of small order")
    return encoded


def open_signature(*, public: bytes, message: bytes, signature: bytes) -> bytes:
    """``message``, now known to be signed by ``public`` (32 bytes) with ``signature`` (R then S, 64 bytes).

    Raises ``NotVerified`` ``ed25519-invalid`` for what the module refuses and for a signature that does not fit.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise NotVerified("ed25519-invalid", "a signature is not 64 bytes long")
    check_point(public)
    check_point(signature[:PUBLIC_BYTES])
    if int.from_bytes(signature[PUBLIC_BYTES:], "little") >= _L:
        raise NotVerified("ed25519-invalid", "S is not below the group order")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise NotVerified("ed25519-invalid", "the signature does not fit") from None
    return message
