"""Checkpoints: one spelling, three lines, the log's own signature."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, encode_checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.proof.merkle import EMPTY_ROOT
from ledger.proof.note import NoteCosigner, NoteSigner, encode_note

from .models import leaves, private_key, raising

ORIGIN = "example.com/log"
ROOT = base64.b64encode(leaves(1)[0]).decode()
LOG = NoteSigner(ORIGIN, private_key(1))
WITNESS = NoteCosigner("witness.example/w1", private_key(2))

BAD_TEXTS = [
    "",
    "\n\n\n",
    f"{ORIGIN}\n1\n",
    f"{ORIGIN}\n1\n{ROOT}",
    f"{ORIGIN}\n1\n{ROOT}\n\n",
    f"{ORIGIN}\n1\n{ROOT}\nextension\n",
    f"\n{ORIGIN}\n1\n{ROOT}\n",
    f"\n1\n{ROOT}\n",
    f"{ORIGIN}\r\n1\r\n{ROOT}\r\n",
    f"a\tb\n1\n{ROOT}\n",
    f"{'x' * 256}\n1\n{ROOT}\n",
    f"{ORIGIN}\n1\n{ROOT[:-1]}\n",
    f"{ORIGIN}\n1\n{ROOT} \n",
    f"{ORIGIN}\n1\n{ROOT[:-2]}{chr(ord(ROOT[-2]) + 1)}=\n",
    f"{ORIGIN}\n1\n{base64.b64encode(bytes(31)).decode()}\n",
    f"{ORIGIN}\n1\n{base64.b64encode(bytes(33)).decode()}\n",
    f"{ORIGIN}\n1\n-{ROOT[1:]}\n",
    *(
        f"{ORIGIN}\n{size}\n{ROOT}\n"
        for size in [
            "",
            "-1",
            "+1",
            " 1",
            "1 ",
            "01",
            "00",
            "1_000",
            "0x10",
            "1.0",
            "\u0663",
            "\uff19",
            "9007199254740992",
            "9" * 400,
        ]
    ),
]


# The bytes of the spec's form.
def test_bytes() -> None:
    assert encode_checkpoint(Checkpoint(ORIGIN, 2**53 - 1, leaves(1)[0])) == f"{ORIGIN}\n9007199254740991\n{ROOT}\n".encode()
    assert encode_checkpoint(Checkpoint("x", 0, EMPTY_ROOT)) == b"x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


# Whatever can be stated is read back as it was.
@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=60),
    st.integers(0, 2**53 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_round_trip(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert parse_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


# Lax readers take many of these, each with a meaning of its own.
@pytest.mark.parametrize("text", BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_other_spellings(text: str) -> None:
    with raising(BadInput, "bad-checkpoint"):
        parse_checkpoint(text.encode())
    if text.endswith("\n") and "\t" not in text and "\r" not in text:
        with raising(BadInput, "bad-checkpoint"):
            open_checkpoint(encode_note(text.encode(), [LOG.sign(text.encode())]), [LOG.key], ORIGIN)


# A checkpoint that could not be written is never made.
@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, bytes(32)),
        ("a\nb", 1, bytes(32)),
        ("\ud800", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", 2**53, bytes(32)),
        ("a", 1, bytes(31)),
    ],
)
def test_impossible_values(origin: str, size: int, root: bytes) -> None:
    with raising(BadInput, "bad-checkpoint"):
        Checkpoint(origin, size, root)


# A signed checkpoint opens with the log's key and origin, whoever else signed, and is refused for anybody else.
def test_sign_and_open() -> None:
    checkpoint = Checkpoint(ORIGIN, 1, leaves(1)[0])
    data = sign_checkpoint(checkpoint, LOG)
    cosignature = WITNESS.sign(encode_checkpoint(checkpoint), timestamp=1)
    assert open_checkpoint(data, [LOG.key], ORIGIN) == checkpoint
    assert open_checkpoint(data + cosignature, [WITNESS.key, LOG.key], ORIGIN) == checkpoint
    with raising(NotVerified, "checkpoint-other-origin"):
        open_checkpoint(data, [LOG.key], "example.com/other")
    with raising(NotVerified, "note-unsigned"):
        open_checkpoint(data, [NoteSigner(ORIGIN, private_key(3)).key], ORIGIN)
    with raising(NotVerified, "note-signature-invalid"):
        open_checkpoint(data.replace(b"\n1\n", b"\n2\n"), [LOG.key], ORIGIN)


# Witnesses alone cannot make a checkpoint: the log itself must have signed.
def test_cosignatures_are_no_logs_word() -> None:
    text = encode_checkpoint(Checkpoint(ORIGIN, 1, leaves(1)[0]))
    data = encode_note(text, [WITNESS.sign(text, timestamp=1), NoteSigner(ORIGIN, private_key(3)).sign(text)])
    with raising(NotVerified, "note-unsigned"):
        open_checkpoint(data, [LOG.key, WITNESS.key], ORIGIN)
