"""Canonical MessagePack: one value, one string of bytes (docs/FORMATS.md section 1).

What is signed or hashed is encoded here by ``msgpack``, with map keys in bytewise order; what comes from outside is decoded by
``msgspec`` into a typed structure, encoded again and compared.  So a value that is not in its shortest form, has a key twice or in
the wrong place, a float, a boolean, an extension or a field too many is refused by one comparison.  That the two libraries agree
byte for byte is held by tests/tally/test_canonical.py.

This module knows no event and no election word; the schemas live in ``events``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgpack
import msgspec

from ledger.errors import Refused

__all__ = [
    "CODE_PATTERN",
    "UINT_MAX",
    "Code",
    "Digest",
    "Point",
    "SignatureBytes",
    "Text",
    "Uint",
    "decode",
    "encode",
    "tagged_hash",
]

UINT_MAX: Final = 2**53 - 1
"""The largest integer that every reader, a browser's included, holds exactly."""

NESTING_MAX: Final = 8

# What a text may not hold: control characters, line and paragraph separators, the marks that reorder or embed text in another
# direction (a name could display as another), and noncharacters.  Lone surrogates cannot occur in valid UTF-8.
_PLANES: Final = "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
_FORBIDDEN: Final = f"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef{_PLANES}"

CODE_PATTERN: Final = r"\A[a-z0-9-]{1,32}\Z"

Uint = Annotated[int, msgspec.Meta(ge=0, le=UINT_MAX)]
Code = Annotated[str, msgspec.Meta(pattern=CODE_PATTERN)]
Text = Annotated[str, msgspec.Meta(pattern=rf"\A[^{_FORBIDDEN}]{{1,120}}\Z")]
Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Point = Annotated[bytes, msgspec.Meta(min_length=65, max_length=65)]
SignatureBytes = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]

_builtins_encoder: Final = msgspec.msgpack.Encoder(order="sorted")

T = TypeVar("T")


def encode(value: object, /) -> bytes:
    """The canonical bytes of ``value``: a structure of this package, or maps, lists, integers, texts, bytes and None."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), order="sorted")
    return msgpack.packb(_sorted(plain, NESTING_MAX), use_bin_type=True, strict_types=True)  # type: ignore[no-any-return]


_SCALARS: Final = frozenset({bytes, int, str, type(None)})


def _sorted(value: object, depth: int) -> object:
    """``value`` with every map in key order; refuses what canonical bytes cannot say."""
    kind = type(value)
    if kind is bool or kind is float or depth < 0:
        raise Refused("not-canonical", "booleans, floats and more than 8 levels have no canonical form")
    if kind in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: _sorted(value[key], depth - 1) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [item if type(item) in _SCALARS and depth else _sorted(item, depth - 1) for item in value]
    return value


def decode(data: bytes, decoder: msgspec.msgpack.Decoder[T], /) -> T:
    """The structure whose canonical bytes are ``data``.

    Raises ``Refused`` with code ``not-msgpack`` (no whole MessagePack value), ``schema`` (another shape than the decoder's type)
    or ``not-canonical`` (the right value in other than its one byte string).
    """
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as problem:
        raise Refused("schema", str(problem)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise Refused("not-msgpack", str(problem)) from None
    if _builtins_encoder.encode(value) != data:
        raise Refused("not-canonical", "these bytes are not the canonical form of what they say")
    return value


def tagged_hash(tag: str, data: bytes, /) -> bytes:
    """SHA-256 over ``tag``, a line feed and ``data``: no two kinds of signed or hashed string can be taken for each other."""
    return hashlib.sha256(b"".join((tag.encode("ascii"), b"\n", data))).digest()
