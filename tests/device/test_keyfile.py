"""Key files: what we write others can open, what we read is protected enough, and nothing else is taken."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.device.keyfile import KDF_ROUNDS, decode_key, encode_key
from ledger.errors import BadInput
from ledger.tally.signing import SigningKey
from tests.conftest import cannot_run

PASSPHRASE = b"correct horse battery"
KEY = SigningKey.derive(b"key file")
PEM = encode_key(KEY, PASSPHRASE, random=bytes)
"""Salt and vector of zeros: the file is the same at every run."""


def code_of(data: bytes, passphrase: bytes = PASSPHRASE) -> str:
    with pytest.raises(BadInput) as caught:
        decode_key(data, passphrase)
    return caught.value.code


def test_a_key_file_gives_its_key_back() -> None:
    """The point is the same after the way through the file."""
    assert decode_key(PEM, PASSPHRASE).point == KEY.point


def test_cryptography_opens_it() -> None:
    """``load_pem_private_key`` knows the format."""
    private = load_pem_private_key(PEM, PASSPHRASE)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert SigningKey(private).point == KEY.point


def test_openssl_opens_it(tmp_path: Path) -> None:
    """``openssl pkcs8 -in key.pem`` gives the plain key, and reports 600,000 rounds of HMAC-SHA256 with AES-256-CBC."""
    openssl = shutil.which("openssl")
    if openssl is None:
        cannot_run("no openssl on this machine")
    (tmp_path / "key.pem").write_bytes(PEM)
    (tmp_path / "pass").write_bytes(PASSPHRASE + b"\n")
    opened = subprocess.run(
        [openssl, "pkcs8", "-in", "key.pem", "-passin", "file:pass"], cwd=tmp_path, capture_output=True, check=True
    )
    private = load_pem_private_key(opened.stdout, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert SigningKey(private).point == KEY.point
    shown = subprocess.run([openssl, "asn1parse", "-in", "key.pem"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(word in shown.stdout for word in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", f"{KDF_ROUNDS:X}"))


def test_we_open_what_openssl_writes_with_enough_rounds(tmp_path: Path) -> None:
    """A key file made by openssl with 600,000 rounds is as good as ours; with its usual 2,048 it is refused."""
    openssl = shutil.which("openssl")
    if openssl is None:
        cannot_run("no openssl on this machine")
    plain = KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pass").write_bytes(PASSPHRASE + b"\n")
    made = [openssl, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "file:pass"]
    strong = subprocess.run([*made, "-iter", "600000"], input=plain, cwd=tmp_path, capture_output=True, check=True).stdout
    weak = subprocess.run(made, input=plain, cwd=tmp_path, capture_output=True, check=True).stdout
    assert decode_key(strong, PASSPHRASE).point == KEY.point
    assert code_of(weak) == "key-file-weak"


def test_another_passphrase_is_told() -> None:
    """Wrong, nearly right and empty passphrases all give one code."""
    for wrong in (b"correct horse batterz", b"", PASSPHRASE + b"\n"):
        assert code_of(PEM, wrong) == "passphrase-wrong"


def test_a_short_passphrase_protects_nothing() -> None:
    """Fewer than 8 bytes are refused when a key file is made."""
    with pytest.raises(BadInput, match="passphrase-short"):
        encode_key(KEY, b"1234567")


def test_keys_that_are_not_protected_are_refused() -> None:
    """Plain keys, and cryptography's own encryption with its fewer rounds."""
    private = KEY.private
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    old = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    best = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    assert code_of(plain) == code_of(old) == code_of(best) == "key-file-weak"


def test_a_key_of_another_curve_is_no_key_of_ours() -> None:
    """P-384 in a well-made file."""

    class Other:
        private = ec.generate_private_key(ec.SECP384R1())

    assert code_of(encode_key(Other, PASSPHRASE)) == "key-file-invalid"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 40,
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        PEM[:-60],
        PEM + b"x" * 20_000,
        PEM.replace(b"BEGIN ENCRYPTED", b"BEGIN CERTIFICATE"),
    ],
)
def test_what_is_no_key_file_is_told(data: bytes) -> None:
    """Garbage, cut files and other PEM give a code and no traceback."""
    assert code_of(data) == "key-file-invalid"


def test_every_changed_character_is_noticed() -> None:
    """A flipped character in the file never gives the key; it may be told as any of three codes."""
    lines = PEM.split(b"\n")
    told = set()
    for line in range(1, len(lines) - 2):
        changed = bytearray(lines[line])
        changed[7] = ord("B") if changed[7] == ord("A") else ord("A")
        data = b"\n".join([*lines[:line], bytes(changed), *lines[line + 1 :]])
        try:
            assert decode_key(data, PASSPHRASE).point != KEY.point
        except BadInput as problem:
            told.add(problem.code)
    assert told <= {"key-file-invalid", "key-file-weak", "passphrase-wrong"}
