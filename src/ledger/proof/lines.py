"""Canonical lines: the decimals, base64 strings and text that signed notes, checkpoints and proofs are made of.

One value has one spelling here.  ``int()`` and ``b64decode()`` take signs, underscores, foreign digits, stray characters and
spare bits, so that two programs could read two meanings, or one meaning under two hashes; these readers refuse all of that.

The caller names the error code, since only the caller knows what it was reading.  Spec: C2SP signed-note, tlog-checkpoint and
tlog-proof (docs/FORMATS.md, pitfalls).
"""

from __future__ import annotations

import base64
import binascii
import re

from ledger.errors import BadInput

__all__ = ["decode_base64", "decode_decimal", "decode_text"]

_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


def decode_decimal(text: bytes, *, limit: int, code: str) -> int:
    """The integer 0..``limit`` that ``text`` spells in ASCII digits, without sign or leading zero; else ``BadInput`` ``code``."""
    if not _DECIMAL.fullmatch(text):
        raise BadInput(code, "a number is not a canonical decimal")
    value = int(text)
    if value > limit:
        raise BadInput(code, "a number is too large", limit=limit)
    return value


def decode_base64(text: bytes, *, code: str) -> bytes:
    """The bytes that ``text`` spells in padded standard base64 (RFC 4648 section 4), canonically; else ``BadInput`` ``code``."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise BadInput(code, "not base64") from None
    # Strict mode still takes spare bits after the last byte: only the very text that the encoder gives is good.
    if base64.b64encode(data) != text:
        raise BadInput(code, "not canonical base64")
    return data


def decode_text(data: bytes, *, code: str) -> str:
    """``data`` as text: valid UTF-8 without control characters below U+0020 but LF; else ``BadInput`` ``code``."""
    if _CONTROL.search(data):
        raise BadInput(code, "a control character")
    try:
        return data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise BadInput(code, "not UTF-8") from None
