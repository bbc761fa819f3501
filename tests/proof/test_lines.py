"""One value, one spelling: what lax readers take and these do not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.proof.lines import decode_base64, decode_decimal, decode_text

from .models import raising

BAD_DECIMALS = [
    "",
    "-5",
    "+5",
    " 5",
    "5 ",
    "5\n",
    "007",
    "00",
    "-0",
    "1_000",
    "0x10",
    "1e3",
    "1.0",
    "\u0665",
    "\uff15",
    "²",
    "9" * 20,
    "9" * 5_000,
]
BAD_BASE64 = [
    "AB==",
    "AA",
    "AA=",
    "AA==AA==",
    "AA==\n",
    " AA==",
    "A A==",
    "AA\n==",
    "AA=A",
    "=AA=",
    "A-_A",
    "AAAA====",
    "AA==AA",
    "é===",
]


# int() takes most of these.
@pytest.mark.parametrize("text", BAD_DECIMALS)
def test_other_spellings_of_numbers(text: str) -> None:
    with raising(BadInput, "some-code"):
        decode_decimal(text.encode(), limit=2**63, code="some-code")


# What str() writes is read back, up to the limit and no further.
@given(st.integers(0, 2**63 - 1))
def test_decimals_round_trip(value: int) -> None:
    assert decode_decimal(str(value).encode(), limit=value, code="some-code") == value
    with raising(BadInput, "some-code"):
        decode_decimal(str(value + 1).encode(), limit=value, code="some-code")


# b64decode(validate=True) takes the first of these, b64decode() most.
@pytest.mark.parametrize("text", BAD_BASE64)
def test_other_spellings_of_base64(text: str) -> None:
    with raising(BadInput, "some-code"):
        decode_base64(text.encode(), code="some-code")


# What the encoder writes is read back, and no other text of the alphabet is read as the same bytes.
@given(st.binary(max_size=40), st.text("ABCwxyz019+/=", max_size=8))
def test_base64_round_trip(data: bytes, text: str) -> None:
    assert decode_base64(base64.b64encode(data), code="some-code") == data
    try:
        read = decode_base64(text.encode(), code="some-code")
    except BadInput:
        return
    assert base64.b64encode(read) == text.encode()


# Text is UTF-8 in its one form, without control characters but line feeds.
def test_text() -> None:
    assert decode_text("é\n— \x7f".encode(), code="some-code") == "é\n— \x7f"
    for bad in [b"\t", b"\r\n", b"\0", b"\x1f", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", "é".encode("latin-1"), b"\xe2\x80"]:
        with raising(BadInput, "some-code"):
            decode_text(bad, code="some-code")
