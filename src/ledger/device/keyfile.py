"""Key files: a device's P-256 key as encrypted PKCS#8, which OpenSSL and every other tool of the trade can open.

    -----BEGIN ENCRYPTED PRIVATE KEY-----     RFC 5958 section 3, EncryptedPrivateKeyInfo
    PBES2                                     RFC 8018 section 6.2
      PBKDF2, HMAC-SHA256, 600,000 rounds     OWASP's number for this function
      AES-256-CBC

``openssl pkcs8 -in key.pem`` opens such a file.  Reading is as strict as writing: another scheme, no encryption at all or fewer
rounds are refused, so that a key that anyone could guess is not taken for a protected one.  CBC carries no authentication: what a
changed file decrypts to is then no PKCS#8 key, or a key that no ledger enrolled.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509 import ObjectIdentifier

from ledger.errors import BadInput
from ledger.tally.signing import SigningKey

__all__ = ["KDF_ROUNDS", "KEY_FILE_LIMIT_BYTES", "PASSPHRASE_MIN_BYTES", "check_passphrase", "decode_key", "encode_key"]

KDF_ROUNDS: Final = 600_000
KDF_LIMIT_ROUNDS: Final = 20_000_000
"""More would only make the reader wait: about ten seconds here."""
KEY_FILE_LIMIT_BYTES: Final = 10_000
PASSPHRASE_MIN_BYTES: Final = 8
SALT_MIN_BYTES: Final = 8

_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 16

_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2: Final = ObjectIdentifier("1.2.840.113549.1.5.12")
_HMAC_SHA256: Final = ObjectIdentifier("1.2.840.113549.2.9")
_AES_256_CBC: Final = ObjectIdentifier("2.16.840.1.101.3.4.1.42")

_PEM: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END ENCRYPTED PRIVATE KEY-----\s*")


@asn1.sequence
class _Prf:
    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Pbkdf2Parameters:
    salt: bytes
    rounds: int
    key_length: int | None
    prf: _Prf


@asn1.sequence
class _Kdf:
    algorithm: ObjectIdentifier
    parameters: _Pbkdf2Parameters


@asn1.sequence
class _Cipher:
    algorithm: ObjectIdentifier
    iv: Annotated[bytes, asn1.Size(min=_BLOCK_BYTES, max=_BLOCK_BYTES)]


@asn1.sequence
class _Pbes2Parameters:
    kdf: _Kdf
    cipher: _Cipher


@asn1.sequence
class _Scheme:
    algorithm: ObjectIdentifier
    parameters: _Pbes2Parameters


@asn1.sequence
class _EncryptedPrivateKeyInfo:
    scheme: _Scheme
    data: bytes


def check_passphrase(passphrase: bytes) -> None:
    """Raises ``BadInput`` ``passphrase-short`` for fewer than 8 bytes."""
    if len(passphrase) < PASSPHRASE_MIN_BYTES:
        raise BadInput("passphrase-short", f"a passphrase has at least {PASSPHRASE_MIN_BYTES} bytes")


def encode_key(key: SigningKey, passphrase: bytes, *, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """The PEM file.  ``random`` gives so many bytes for salt and vector.

    Raises ``BadInput`` ``passphrase-short`` for fewer than 8 bytes.
    """
    check_passphrase(passphrase)
    salt, iv = random(_SALT_BYTES), random(_BLOCK_BYTES)
    plain = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    padder = padding.PKCS7(8 * _BLOCK_BYTES).padder()
    encryptor = Cipher(AES(_derive(passphrase, salt, KDF_ROUNDS)), CBC(iv)).encryptor()
    data = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    prf = _Prf(algorithm=_HMAC_SHA256, parameters=asn1.Null())
    stretching = _Pbkdf2Parameters(salt=salt, rounds=KDF_ROUNDS, key_length=None, prf=prf)
    kdf = _Kdf(algorithm=_PBKDF2, parameters=stretching)
    parameters = _Pbes2Parameters(kdf=kdf, cipher=_Cipher(algorithm=_AES_256_CBC, iv=iv))
    info = _EncryptedPrivateKeyInfo(scheme=_Scheme(algorithm=_PBES2, parameters=parameters), data=data)
    body = base64.b64encode(asn1.encode_der(info)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, "-----END ENCRYPTED PRIVATE KEY-----", ""]).encode()


def decode_key(data: bytes, passphrase: bytes) -> SigningKey:
    """The key in a PEM file.

    Raises ``BadInput``: ``key-file-invalid`` (no such file at all), ``key-file-weak`` (not encrypted, or with fewer than 600,000
    rounds), ``passphrase-wrong``.
    """
    info = _parse(data)
    kdf = info.scheme.parameters.kdf.parameters
    if kdf.rounds < KDF_ROUNDS:
        raise BadInput("key-file-weak", f"the passphrase is stretched by fewer than {KDF_ROUNDS:,} rounds", rounds=kdf.rounds)
    secret = _derive(passphrase, kdf.salt, kdf.rounds)
    decryptor = Cipher(AES(secret), CBC(info.scheme.parameters.cipher.iv)).decryptor()
    unpadder = padding.PKCS7(8 * _BLOCK_BYTES).unpadder()
    try:
        padded = decryptor.update(info.data) + decryptor.finalize()
        private = load_der_private_key(unpadder.update(padded) + unpadder.finalize(), None)
    except (ValueError, TypeError):
        raise BadInput("passphrase-wrong", "the passphrase does not open this key file") from None
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise BadInput("key-file-invalid", "the file holds no P-256 key")
    return SigningKey(private)


def _derive(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    return PBKDF2HMAC(hashes.SHA256(), _KEY_BYTES, salt, rounds).derive(passphrase)


def _parse(data: bytes) -> _EncryptedPrivateKeyInfo:
    """The file's structure, of exactly the scheme that ``encode_key`` writes."""
    if b"-----BEGIN PRIVATE KEY-----" in data or b"-----BEGIN EC PRIVATE KEY-----" in data:
        raise BadInput("key-file-weak", "the key is not encrypted")
    match = _PEM.fullmatch(data.strip() + b"\n") if len(data) <= KEY_FILE_LIMIT_BYTES else None
    if match is None:
        raise BadInput("key-file-invalid", "not an encrypted PKCS#8 key in PEM")
    try:
        info = asn1.decode_der(_EncryptedPrivateKeyInfo, base64.b64decode(match[1]))
    except (ValueError, binascii.Error):
        raise BadInput("key-file-invalid", "not PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC") from None
    parameters = info.scheme.parameters
    kdf = parameters.kdf.parameters
    found = (info.scheme.algorithm, parameters.kdf.algorithm, kdf.prf.algorithm, parameters.cipher.algorithm)
    if found != (_PBES2, _PBKDF2, _HMAC_SHA256, _AES_256_CBC) or kdf.key_length not in (None, _KEY_BYTES):
        raise BadInput("key-file-invalid", "not PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC")
    if len(kdf.salt) < SALT_MIN_BYTES or kdf.rounds > KDF_LIMIT_ROUNDS or len(info.data) % _BLOCK_BYTES:
        raise BadInput("key-file-invalid", "salt, rounds or data of a length that is not allowed")
    return info
