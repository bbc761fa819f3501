"""Cosignatures: an election that asks for two witnesses, and a server that has not got them."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.audit.forger import checkpoint_of
from tools.tampering.good import COSIGNED_AT, Good, witnesses_of
from tools.tampering.kinds import Must, Spoiled, kind

from ledger.proof.note import NoteCosigner, NoteSigner

__all__: list[str] = []

GROUP: Final = "Witnesses"
FILE: Final = "checkpoint"
STRANGER: Final = Ed25519PrivateKey.from_private_bytes(b"\x63" * 32)
DASH: Final = "\N{EM DASH} ".encode()


def parts(good: Good) -> tuple[bytes, bytes, list[bytes]]:
    """The text, the log's line, the cosignatures."""
    text, _, lines = good.files[FILE].partition(b"\n\n")
    own, *cosigned = lines.splitlines(keepends=True)
    return text + b"\n", own, cosigned


def with_lines(good: Good, *lines: bytes) -> Spoiled:
    """The checkpoint with the log's line and these."""
    text, own, _ = parts(good)
    return Spoiled({**good.files, FILE: text + b"\n" + own + b"".join(lines)}, Must(1, file=FILE))


def cosigned(good: Good, number: int, text: bytes | None = None, at: int = COSIGNED_AT) -> bytes:
    """A witness's line; ``text``: over another one than the checkpoint's."""
    return witnesses_of(good)[number].sign(parts(good)[0] if text is None else text, timestamp=at)


def earlier(good: Good) -> bytes:
    """The text of an earlier checkpoint, which the witnesses have cosigned in their time."""
    return checkpoint_of(good.entries[: good.size // 2], good.signer).partition(b"\n\n")[0] + b"\n"


@kind(GROUP, "quorum short", "one of the two cosignatures is taken away", base="witnessed")
def short(good: Good) -> Spoiled:
    return with_lines(good, *parts(good)[2][:1])


@kind(GROUP, "no cosignature", "the log shows a head that no witness has seen", base="witnessed")
def none(good: Good) -> Spoiled:
    return with_lines(good)


@kind(GROUP, "one witness twice", "two lines of one witness are to count as two", base="witnessed")
def twice(good: Good) -> Spoiled:
    return with_lines(good, *parts(good)[2][:1] * 2)


@kind(GROUP, "one witness at two times", "the same, with two times", base="witnessed", needs="device keys")
def two_times(good: Good) -> Spoiled:
    return with_lines(good, cosigned(good, 0), cosigned(good, 0, at=COSIGNED_AT + 1))


@kind(GROUP, "cosignatures of strangers", "witnesses that entry 0 does not name", base="witnessed")
def strangers(good: Good) -> Spoiled:
    text = parts(good)[0]
    made = [NoteCosigner(f"stranger-{at}.example", STRANGER).sign(text, timestamp=COSIGNED_AT) for at in (1, 2)]
    return with_lines(good, *made)


@kind(
    GROUP,
    "stranger under a witness's name",
    "the witness's name with another key: an unknown line",
    base="witnessed",
)
def impostor(good: Good) -> Spoiled:
    name = witnesses_of(good)[1].key.name
    line = NoteCosigner(name, STRANGER).sign(parts(good)[0], timestamp=COSIGNED_AT)
    return with_lines(good, parts(good)[2][0], line)


@kind(GROUP, "replayed cosignature", "a witness's line from an earlier checkpoint", base="witnessed")
def replayed(good: Good) -> Spoiled:
    return with_lines(good, parts(good)[2][0], cosigned(good, 1, earlier(good)))


@kind(GROUP, "false line of a witness beside the quorum", "two lines hold, and a third witness's does not", base="witnessed")
def false_beside(good: Good) -> Spoiled:
    return with_lines(good, *parts(good)[2], cosigned(good, 2, earlier(good)))


def respelled(line: bytes, data: bytes) -> bytes:
    """The line with the same name and id and other bytes behind."""
    _, name, encoded = line.rstrip(b"\n").split(b" ")
    return DASH + name + b" " + base64.b64encode(base64.b64decode(encoded)[:4] + data) + b"\n"


def signature(line: bytes) -> bytes:
    """Time and signature of a line."""
    return base64.b64decode(line.rstrip(b"\n").split(b" ")[2])[4:]


@kind(GROUP, "time of a cosignature changed", "the witness is to have seen it earlier", base="witnessed")
def time_changed(good: Good) -> Spoiled:
    one, two = parts(good)[2]
    return with_lines(good, one, respelled(two, (COSIGNED_AT - 86_400).to_bytes(8, "big") + signature(two)[8:]))


@kind(GROUP, "time of a cosignature beyond 2^63", "a time that is none", base="witnessed")
def time_beyond(good: Good) -> Spoiled:
    one, two = parts(good)[2]
    return with_lines(good, one, respelled(two, b"\x80" + signature(two)[1:]))


@kind(
    GROUP,
    "cosignature without its time",
    "a plain signature over the text",
    base="witnessed",
    needs="device keys",
)
def timeless(good: Good) -> Spoiled:
    one, two = parts(good)[2]
    witness = witnesses_of(good)[1]
    return with_lines(good, one, respelled(two, witness._private.sign(parts(good)[0])))


@kind(GROUP, "one witness's signature under another's name", "one key in two places", base="witnessed")
def borrowed(good: Good) -> Spoiled:
    one, two = parts(good)[2]
    return with_lines(good, one, respelled(two, signature(one)))


@kind(
    GROUP,
    "cosigned, but not signed by the log",
    "a stranger's line in the place of the log's",
    base="witnessed",
)
def unsigned(good: Good) -> Spoiled:
    text, _, lines = parts(good)
    thief = NoteSigner(good.opening.origin, STRANGER).sign(text)
    return Spoiled({**good.files, FILE: text + b"\n" + thief + b"".join(lines)}, Must(1, file=FILE))
