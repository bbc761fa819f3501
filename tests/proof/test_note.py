"""Signed notes: the spec's own vector, one spelling for each note, and who is believed."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput, NotVerified
from ledger.proof.note import (
    COSIGNATURE,
    ED25519,
    NOTE_LIMIT_BYTES,
    NOTE_LIMIT_SIGNATURES,
    NoteCosigner,
    NoteKey,
    NoteSigner,
    cosign_message,
    cosigned_at,
    encode_note,
    open_note,
    parse_note,
    parse_vkey,
)

from .models import private_key, raising

SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

LOG = NoteSigner("example.com/log", private_key(1))
OTHER = NoteSigner("example.com/other", private_key(2))
WITNESS = NoteCosigner("witness.example/w1", private_key(3))
TEXT = b"example.com/log\n1\nsome root\n"
TIME = 1_760_000_000


def line(name: str, payload: bytes) -> bytes:
    return f"— {name} {base64.b64encode(payload).decode()}\n".encode()


def spoil(raw: bytes) -> bytes:
    """The same key's line with the last bit of its signature changed."""
    name, payload = raw.decode().split(" ")[1:]
    data = base64.b64decode(payload)
    return line(name, data[:-1] + bytes([data[-1] ^ 1]))


# The vector of the signed-note spec opens, and not with a byte changed anywhere.
def test_vector_of_the_spec() -> None:
    key = parse_vkey(SPEC_VKEY)
    assert (key.name, key.key_id.hex(), key.kind, len(key.public), key.vkey) == (
        "example.com/foo",
        "530d903a",
        ED25519,
        32,
        SPEC_VKEY,
    )
    note = open_note(SPEC_NOTE, [key])
    assert note.text == b"This is an example message.\n"
    assert [(signed.name, signed.key_id) for signed in note.lines] == [("example.com/foo", key.key_id)]
    for at in range(len(SPEC_NOTE)):
        with pytest.raises((BadInput, NotVerified)):
            open_note(SPEC_NOTE[:at] + bytes([SPEC_NOTE[at] ^ 1]) + SPEC_NOTE[at + 1 :], [key])


# Keys of both kinds survive their text form, and the same secret gives two different ids.
def test_vkey_round_trip() -> None:
    same = NoteCosigner(LOG.key.name, private_key(1))
    for signer in (LOG, OTHER, WITNESS, same):
        assert parse_vkey(signer.vkey) == signer.key
    assert same.key.key_id != LOG.key.key_id
    assert (LOG.key.kind, WITNESS.key.kind) == (ED25519, COSIGNATURE)


def bad_vkeys() -> list[str]:
    name, key_id, key = SPEC_VKEY.split("+", 2)
    data = base64.b64decode(key)

    def with_key(payload: bytes) -> str:
        # With its proper id, so that only the key itself is wrong.
        made = object.__new__(NoteKey)
        for field, value in (("name", name), ("kind", payload[0]), ("public", payload[1:])):
            object.__setattr__(made, field, value)
        return made.vkey

    return [
        "",
        name,
        f"{name}+{key_id}",
        f"{name}+{key_id}+",
        f"+{key_id}+{key}",
        f"{name}+{key_id.upper()}+{key}",
        f"{name}+530d903b+{key}",
        f"{name}+{key_id[1:]}+{key}",
        f"{name}+0{key_id}+{key}",
        f"{name}x+{key_id}+{key}",
        f"example.com foo+{key_id}+{key}",
        f"example.com\u2003foo+{key_id}+{key}",
        f"example.com\x01foo+{key_id}+{key}",
        f"example.com\ud800foo+{key_id}+{key}",
        f"{name}+{key_id}+{key}\n",
        f"{name}+{key_id}+{key}=",
        f"{name}+{key_id}+{key[:-4]}",
        f"{name}+{key_id}+{key[:-1]}é",
        f"{name}+{key_id}+\uff21{key[1:]}",
        f"{'x' * 2_000}+{key_id}+{key}",
        with_key(b"\x02" + data[1:]),
        with_key(b"\x06" + data[1:]),
        with_key(b"\xff" + data[1:]),
        with_key(data + b"\0"),
        with_key(b"\x01" + bytes(32)),
        with_key(b"\x01" + b"\x01" + bytes(31)),
        with_key(b"\x01" + b"\xff" * 32),
    ]


# A key has one text form; wrong ids, other kinds and points of small order are no keys.
@pytest.mark.parametrize("text", bad_vkeys(), ids=range(len(bad_vkeys())))
def test_bad_vkeys(text: str) -> None:
    with raising(BadInput, "bad-vkey"):
        parse_vkey(text)


# What a signer signs, its key opens; the secret shows nowhere.
def test_sign_and_open() -> None:
    data = encode_note(TEXT, [LOG.sign(TEXT), WITNESS.sign(TEXT, timestamp=TIME)])
    note = open_note(data, [LOG.key, WITNESS.key])
    assert (note.text, [signed.name for signed in note.lines]) == (TEXT, [LOG.key.name, WITNESS.key.name])
    assert cosigned_at(note.lines[1]) == TIME
    assert encode_note(note.text, [signed.raw for signed in note.lines]) == data
    for signer, secret in ((LOG, private_key(1)), (WITNESS, private_key(3))):
        shown = f"{signer!r} {signer} {signer.key!r}"
        assert secret.private_bytes_raw().hex() not in shown
        assert repr(secret.private_bytes_raw()) not in shown
        assert not re.search("private", shown, re.IGNORECASE)


TABLE = {
    "no signature line": TEXT + b"\n",
    "no blank line": TEXT + LOG.sign(TEXT),
    "no text": b"\n" + LOG.sign(TEXT),
    "nothing": b"",
    "no final line feed": (TEXT + b"\n" + LOG.sign(TEXT))[:-1],
    "blank line at the end": TEXT + b"\n" + LOG.sign(TEXT) + b"\n",
    "blank line between signatures": TEXT + b"\n" + LOG.sign(TEXT) + b"\n" + b"text\n",
    "CR LF": (TEXT + b"\n" + LOG.sign(TEXT)).replace(b"\n", b"\r\n"),
    "tab in the text": b"\t" + TEXT + b"\n" + LOG.sign(TEXT),
    "not UTF-8": b"\xff" + TEXT + b"\n" + LOG.sign(TEXT),
    "hyphen for dash": TEXT + b"\n" + LOG.sign(TEXT).replace("—".encode(), b"-"),
    "two spaces before name": TEXT + b"\n" + LOG.sign(TEXT).replace("— ".encode(), "—  ".encode()),
    "two spaces after name": TEXT + b"\n" + LOG.sign(TEXT).replace(b"log ", b"log  "),
    "space at the end": TEXT + b"\n" + LOG.sign(TEXT)[:-1] + b" \n",
    "name only": TEXT + b"\n" + "— example.com/log\n".encode(),
    "no name": TEXT + b"\n" + line("", bytes(68)),
    "plus in name": TEXT + b"\n" + line("a+b", bytes(68)),
    "no-break space in name": TEXT + b"\n" + line("a\u00a0b", bytes(68)),
    "id only": TEXT + b"\n" + line("a", bytes(4)),
    "empty base64": TEXT + b"\n" + "— a \n".encode(),
    "spare bits": TEXT + b"\n" + "— a AAAAAAB=\n".encode(),
    "no padding": TEXT + b"\n" + "— a AAAAAAA\n".encode(),
    "stray character": TEXT + b"\n" + "— a AAAA-AAA\n".encode(),
    "a bad line after a good one": TEXT + b"\n" + LOG.sign(TEXT) + b"x\n",
    "too many signatures": TEXT + b"\n" + line("a", bytes(68)) * (NOTE_LIMIT_SIGNATURES + 1),
    "too long": b"x" * NOTE_LIMIT_BYTES + TEXT + b"\n" + LOG.sign(TEXT),
}


# Anything but one canonical note is no note, before any key is looked at.
@pytest.mark.parametrize("why", TABLE)
def test_malformed_notes(why: str) -> None:
    with raising(BadInput, "bad-note"):
        parse_note(TABLE[why])
    with raising(BadInput, "bad-note"):
        open_note(TABLE[why], [LOG.key])


# The text may hold blank lines: the last one splits, so no reader can be shown another text than was signed.
@pytest.mark.parametrize("text", [b"\n", b"\n\n", b"a\n\nb\n", b"a\n\n\n", TEXT + b"\n" + LOG.sign(TEXT)])
def test_split_at_the_last_blank_line(text: bytes) -> None:
    data = encode_note(text, [OTHER.sign(text)])
    assert open_note(data, [LOG.key, OTHER.key]).text == text
    if text.startswith(TEXT):
        with raising(NotVerified, "note-unsigned"):
            open_note(data, [LOG.key])


# Only a key's own signature over the very text counts; strangers are passed over, impostors condemn the note.
def test_who_is_believed() -> None:
    good, cosigned = LOG.sign(TEXT), WITNESS.sign(TEXT, timestamp=TIME)
    stranger, failing = OTHER.sign(b"something else\n"), spoil(good)
    half_known = [line(LOG.key.name, bytes(68)), line("example.com/nobody", LOG.key.key_id + bytes(64))]

    def opened(lines: list[bytes], keys: list[NoteKey]) -> list[bytes]:
        return [signed.raw for signed in open_note(encode_note(TEXT, lines), keys).lines]

    keys = [LOG.key, WITNESS.key]
    assert opened([stranger, good, cosigned], keys) == [good, cosigned]
    assert opened([cosigned, *half_known, good], keys) == [cosigned, good]
    assert opened([good] * NOTE_LIMIT_SIGNATURES, [LOG.key, LOG.key]) == [good]
    later = WITNESS.sign(TEXT, timestamp=TIME + 1)
    assert opened([cosigned, later], keys) == [cosigned]
    for lines in ([stranger], half_known, [OTHER.sign(TEXT)]):
        with raising(NotVerified, "note-unsigned"):
            opened(lines, keys)
    with raising(NotVerified, "note-unsigned"):
        opened([good], [])
    short = line(LOG.key.name, LOG.key.key_id + bytes(63))
    for lines in ([failing], [good, failing], [failing, good], [cosigned, failing], [good, spoil(cosigned)], [good, short]):
        with raising(NotVerified, "note-signature-invalid"):
            opened(lines, keys)


# A cosignature is no log signature and a log signature no cosignature, even by one secret.
def test_kinds_do_not_mix() -> None:
    secret = private_key(4)
    log, witness = NoteSigner("example.com/x", secret), NoteCosigner("example.com/x", secret)
    as_witness = line("example.com/x", witness.key.key_id + base64.b64decode(log.sign(TEXT).split(b" ")[2])[4:])
    as_log = line("example.com/x", log.key.key_id + base64.b64decode(witness.sign(TEXT, timestamp=TIME).split(b" ")[2])[4:])
    for bad in (as_witness, as_log):
        with raising(NotVerified, "note-signature-invalid"):
            open_note(encode_note(TEXT, [bad]), [log.key, witness.key])


# What a cosigner signs, byte for byte; another time is another message; times beyond the limit are none.
def test_cosignature() -> None:
    assert cosign_message(TIME, TEXT) == b"cosignature/v1\ntime 1760000000\n" + TEXT
    signed = WITNESS.sign(TEXT, timestamp=TIME)
    payload = base64.b64decode(signed.split(b" ")[2])
    assert payload[:12] == WITNESS.key.key_id + TIME.to_bytes(8, "big")
    for moved in (payload[:11] + bytes([payload[11] ^ 1]) + payload[12:], payload[:4] + b"\x80" + payload[5:], payload[:6]):
        with raising(NotVerified, "note-signature-invalid"):
            open_note(encode_note(TEXT, [line(WITNESS.key.name, moved)]), [WITNESS.key])
    for timestamp in (-1, 2**63):
        with raising(BadInput, "bad-note"):
            cosign_message(timestamp, TEXT)


# Two keys under one name and id (ids are 4 bytes and can be made to collide) leave nobody to believe.
def test_ambiguous_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = NoteSigner(LOG.key.name, private_key(5))
    monkeypatch.setattr(NoteKey, "key_id", property(lambda self: b"same"))
    with raising(BadInput, "bad-vkey"):
        open_note(encode_note(TEXT, [LOG.sign(TEXT)]), [LOG.key, twin.key])


# Signers refuse what could not be read back.
def test_signers_refuse_bad_text() -> None:
    for text in (b"", b"no line feed", b"tab\t\n", b"\xff\n"):
        with raising(BadInput, "bad-note"):
            LOG.sign(text)
        with raising(BadInput, "bad-note"):
            WITNESS.sign(text, timestamp=TIME)
    good = LOG.sign(TEXT)
    bad_notes: list[tuple[bytes, list[bytes]]] = [
        (TEXT, []),
        (TEXT, [good[:-1]]),
        (TEXT, [good + good]),
        (TEXT, [b"\n" + good]),
        (b"x", [good]),
    ]
    for text, lines in bad_notes:
        with raising(BadInput, "bad-note"):
            encode_note(text, lines)
    for name in ("", "a b", "a+b", "a\nb"):
        with raising(BadInput, "bad-vkey"):
            NoteSigner(name, Ed25519PrivateKey.generate())


# Whatever bytes are read as a note are the only bytes that are read as that note.
@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\n\n", b"x+y", LOG.sign(TEXT), "— n AAAAAAA=\n".encode(), TEXT, b" ", "—".encode()]),
        max_size=9,
    )
)
def test_one_spelling(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    try:
        note = parse_note(data)
    except BadInput as error:
        assert error.code == "bad-note"
        return
    assert note.text + b"\n" + b"".join(signed.raw for signed in note.lines) == data
