"""The signed checkpoint: spoiled by whoever holds the folder, and signed wrong by whoever holds the log's key.

A spelling that a careless reader would take is signed by the log's own key here: its signature holds, and only the strict reader
finds it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs
from tests.audit.forger import checkpoint_of, part, publication, relink, tree_files
from tests.governed import Governed
from tests.world import START_MS
from tools.tampering.good import Good
from tools.tampering.kinds import Kind, Must, Spoiled, add, dropped, kind
from tools.tampering.verdicts import Asked

from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.note import NoteSigner
from ledger.tally.events import ElectionOpened
from ledger.tally.pages import recap_root

__all__: list[str] = []

GROUP, SPELLING, SIGNED = "The checkpoint", "The checkpoint's spelling", "The checkpoint's signature"
HEAD, TREE = 1, 4
FILE: Final = "checkpoint"
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's group."""
THIEF: Final = Ed25519PrivateKey.from_private_bytes(bytes(32))


def parts(good: Good) -> tuple[bytes, bytes]:
    """The text, with its line feed, and the signature lines."""
    text, _, lines = good.files[FILE].partition(b"\n\n")
    return text + b"\n", lines


def with_note(good: Good, note: bytes, step: int = HEAD, index: int | None = None, file: str | None = FILE) -> Spoiled:
    """The folder with another checkpoint."""
    return Spoiled({**good.files, FILE: note}, Must(step, index, file))


def signed_anyway(good: Good, text: bytes) -> bytes:
    """A note of any text at all, with a signature of the log's key that holds."""
    key = good.signer.key
    line = base64.b64encode(key.key_id + good.signer._private.sign(text)).decode()
    return text + b"\n" + f"\N{EM DASH} {key.name} {line}\n".encode()


# --- spelling -------------------------------------------------------------------------------------------------------------------


def spelled(name: str, story: str, respell: Callable[[bytes, bytes, bytes], bytes]) -> None:
    """A kind: the text of the checkpoint, from its three lines, in another spelling, and signed so."""

    def make(good: Good) -> Spoiled:
        origin, size, root = parts(good)[0].splitlines()
        return with_note(good, signed_anyway(good, respell(origin, size, root)))

    add(Kind(name, SPELLING, "log key", "season", story, make))


def three(origin: bytes, size: bytes, root: bytes) -> bytes:
    """The usual text."""
    return b"%s\n%s\n%s\n" % (origin, size, root)


def spare(root: bytes) -> bytes:
    """The same hash with a bit set that decodes to nothing."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return root[:-2] + bytes([alphabet[alphabet.index(root[-2]) + 1]]) + root[-1:]


SIZES: Final = {
    "a plus sign": lambda size: b"+" + size,
    "a minus sign": lambda size: b"-" + size,
    "a leading zero": lambda size: b"0" + size,
    "an underscore": lambda size: size[:1] + b"_" + size[1:],
    "a space before": lambda size: b" " + size,
    "a space behind": lambda size: size + b" ",
    "other digits": lambda size: "".join(chr(0x660 + digit - 0x30) for digit in size).encode(),
    "a decimal point": lambda size: size + b".0",
    "an exponent": lambda size: size + b"e0",
    "hexadecimal digits": lambda size: b"0x%x" % int(size),
}
for _name, _change in SIZES.items():
    spelled(
        f"checkpoint size with {_name}",
        "programs that read numbers loosely see one tree, strict ones another",
        lambda origin, size, root, change=_change: three(origin, change(size), root),
    )
spelled(
    "checkpoint size beyond 2^53", "a tree that no program can count", lambda origin, _size, root: three(origin, b"9" * 17, root)
)
spelled("checkpoint size missing", "an empty line instead", lambda origin, _size, root: three(origin, b"", root))
spelled("root with spare bits", "one hash in two spellings of base64", lambda origin, size, root: three(origin, size, spare(root)))
spelled("root without padding", "one hash in two spellings", lambda origin, size, root: three(origin, size, root.rstrip(b"=")))
spelled(
    "root in the URL alphabet",
    "one hash in two spellings",
    lambda origin, size, root: three(origin, size, root.translate(bytes.maketrans(b"+/", b"-_")).replace(b"A", b"-")),
)
spelled("root of 31 bytes", "a hash that is none", lambda origin, size, _root: three(origin, size, base64.b64encode(bytes(31))))
spelled(
    "root with a stray character",
    "decoders that skip what they do not know",
    lambda origin, size, root: three(origin, size, b"~" + root),
)
spelled("checkpoint with an extension line", "words that no verifier looks at, signed", lambda *lines: three(*lines) + b"more\n")
spelled("checkpoint of two lines", "no root", lambda origin, size, _root: b"%s\n%s\n" % (origin, size))
spelled("checkpoint with carriage returns", "another platform's line ends", lambda *lines: three(*lines).replace(b"\n", b"\r\n"))
spelled("checkpoint with an empty line inside", "where the text ends is to be doubtful", lambda *lines: three(*lines) + b"\nmore\n")
spelled("checkpoint with a control character", "an origin that looks like another", lambda o, s, r: three(o + b"\x08", s, r))
spelled("checkpoint that is not UTF-8", "an origin that looks like another", lambda o, s, r: three(o + b"\xff", s, r))


@kind(SPELLING, "several blank lines before the signatures", "where the text ends is to be doubtful")
def blank_lines(good: Good) -> Spoiled:
    text, lines = parts(good)
    return with_note(good, text + b"\n\n" + lines)


@kind(SPELLING, "a blank line behind the signatures", "where the text ends is to be doubtful")
def blank_line_behind(good: Good) -> Spoiled:
    return with_note(good, good.files[FILE] + b"\n")


@kind(SPELLING, "checkpoint without its last line feed", "cut short by a byte")
def without_end(good: Good) -> Spoiled:
    return with_note(good, good.files[FILE][:-1])


@kind(SPELLING, "signature line with a hyphen", "a line that only looks like a signature")
def hyphen(good: Good) -> Spoiled:
    return with_note(good, good.files[FILE].replace("\N{EM DASH}".encode(), b"-"))


@kind(SPELLING, "signature line with spare bits", "one signature in two spellings")
def spare_signature(good: Good) -> Spoiled:
    text, lines = parts(good)
    first, *rest = lines.splitlines(keepends=True)
    data = base64.b64decode(first.split(b" ")[2])
    padded = base64.b64encode(data)
    name = first.split(b" ")[1]
    other = spare(padded) if padded.endswith(b"=") else padded + b"="
    return with_note(good, text + b"\n" + "\N{EM DASH} ".encode() + name + b" " + other + b"\n" + b"".join(rest))


@kind(SPELLING, "signature line that holds an id alone", "a line of nothing")
def id_alone(good: Good) -> Spoiled:
    text, _ = parts(good)
    line = f"\N{EM DASH} stranger.example {base64.b64encode(bytes(4)).decode()}\n"
    return with_note(good, good.files[FILE] + line.encode() if text else b"")


@kind(SPELLING, "too many signature lines", "a note that costs more than any is worth: 101 lines")
def many_lines(good: Good) -> Spoiled:
    strangers = (f"\N{EM DASH} stranger-{at}.example {base64.b64encode(bytes(68)).decode()}\n" for at in range(100))
    return with_note(good, good.files[FILE] + "".join(strangers).encode())


@kind(SPELLING, "checkpoint of a megabyte", "a note that costs more than any is worth")
def long_note(good: Good) -> Spoiled:
    line = f"\N{EM DASH} stranger.example {base64.b64encode(bytes(750_000)).decode()}\n"
    return with_note(good, good.files[FILE] + line.encode())


@kind(SPELLING, "empty checkpoint", "a publisher without a file layer lost its content")
def empty(good: Good) -> Spoiled:
    return with_note(good, b"")


@kind(SPELLING, "no signature at all", "the text alone")
def text_alone(good: Good) -> Spoiled:
    return with_note(good, parts(good)[0] + b"\n")


@kind(SPELLING, "no checkpoint", "nothing says how long the log is")
def no_checkpoint(good: Good) -> Spoiled:
    return Spoiled(dropped(good.files, FILE), Must(HEAD, file=FILE))


# --- signatures -----------------------------------------------------------------------------------------------------------------


@kind(SIGNED, "checkpoint by another key", "a mirror that has not the log's key signs under the log's name")
def another_key(good: Good) -> Spoiled:
    thief = NoteSigner(good.opening.origin, THIEF)
    return with_note(good, checkpoint_of(good.entries, thief))


@kind(SIGNED, "another key's signature under the log's key id", "the id is four bytes and no security")
def borrowed_id(good: Good) -> Spoiled:
    text, lines = parts(good)
    _, name, encoded = lines.splitlines()[0].split(b" ")
    forged = base64.b64encode(base64.b64decode(encoded)[:4] + THIEF.sign(text))
    return with_note(good, text + b"\n" + "\N{EM DASH} ".encode() + name + b" " + forged + b"\n")


@kind(SIGNED, "replayed signature", "the signature of an earlier checkpoint under this one", needs="folder")
def replayed(good: Good) -> Spoiled:
    earlier = checkpoint_of(good.entries[: good.size // 2], good.signer)  # anybody may have kept it
    return with_note(good, parts(good)[0] + b"\n" + earlier.partition(b"\n\n")[2])


@kind(SIGNED, "known key whose line fails", "a false line of the log's key beside the true one")
def false_line_beside(good: Good) -> Spoiled:
    _, lines = parts(good)
    _, name, encoded = lines.splitlines()[0].split(b" ")
    data = bytearray(base64.b64decode(encoded))
    data[-1] ^= 1
    return with_note(good, good.files[FILE] + "\N{EM DASH} ".encode() + name + b" " + base64.b64encode(data) + b"\n")


@kind(SIGNED, "signature cut short", "63 bytes")
def short_signature(good: Good) -> Spoiled:
    text, lines = parts(good)
    _, name, encoded = lines.splitlines()[0].split(b" ")
    return with_note(
        good, text + b"\n" + "\N{EM DASH} ".encode() + name + b" " + base64.b64encode(base64.b64decode(encoded)[:-1]) + b"\n"
    )


def reshaped(good: Good, signature: Callable[[bytes], bytes]) -> Spoiled:
    """The log's signature line with another signature made of the true one."""
    text, lines = parts(good)
    _, name, encoded = lines.splitlines()[0].split(b" ")
    data = base64.b64decode(encoded)
    return with_note(
        good, text + b"\n" + "\N{EM DASH} ".encode() + name + b" " + base64.b64encode(data[:4] + signature(data[4:])) + b"\n"
    )


@kind(SIGNED, "malleable Ed25519 signature", "S plus the group's order: some libraries take it, and one note has two spellings")
def malleable(good: Good) -> Spoiled:
    return reshaped(good, lambda data: data[:32] + (int.from_bytes(data[32:], "little") + ORDER).to_bytes(32, "little"))


@kind(SIGNED, "nonce point of small order", "R is the neutral element, S is 0")
def small_order(good: Good) -> Spoiled:
    return reshaped(good, lambda _data: (1).to_bytes(32, "little") + bytes(32))


@kind(SIGNED, "nonce point in another encoding", "R's y is not below the field's prime")
def other_encoding(good: Good) -> Spoiled:
    return reshaped(good, lambda data: (2**255 - 18).to_bytes(32, "little") + data[32:])


# --- what it says ---------------------------------------------------------------------------------------------------------------


@kind(GROUP, "re-signed checkpoint with another root", "the log's owner signs a tree that the entries do not give", needs="log key")
def another_root(good: Good) -> Spoiled:
    return with_note(good, checkpoint_of(good.entries, good.signer, root=bytes(32)), TREE)


@kind(GROUP, "re-signed checkpoint with a smaller size", "the last entry is hidden; its files are still there", needs="log key")
def smaller_size(good: Good) -> Spoiled:
    files = {**good.files, FILE: checkpoint_of(good.entries[:-1], good.signer)}
    return Spoiled(
        files, Must(2, file=good.bundle(good.size - 1).replace(str(good.size), str(good.size - 1)), also=frozenset({TREE}))
    )


@kind(GROUP, "re-signed checkpoint with a larger size", "the log claims an entry that it does not show", needs="log key")
def larger_size(good: Good) -> Spoiled:
    note = sign_checkpoint(Checkpoint(good.signer.key.name, good.size + 1, bytes(32)), good.signer)
    return with_note(good, note, 2, None, good.bundle(good.size - 1).replace(str(good.size), str(good.size + 1)))


@kind(GROUP, "checkpoint size changed by one digit", "the text is changed, the signature stays")
def size_changed(good: Good) -> Spoiled:
    text, lines = parts(good)
    origin, size, root = text.splitlines()
    note = three(origin, b"%d" % (int(size) - 1), root) + b"\n" + lines
    spoiled = with_note(good, note, 2, None, None)
    return spoiled._replace(must=spoiled.must._replace(also=frozenset({TREE})))


@kind(GROUP, "checkpoint root changed", "the text is changed, the signature stays")
def root_changed(good: Good) -> Spoiled:
    text, lines = parts(good)
    origin, size, _ = text.splitlines()
    spoiled = with_note(good, three(origin, size, base64.b64encode(bytes(32))) + b"\n" + lines)
    return spoiled._replace(must=spoiled.must._replace(also=frozenset({TREE})))


@kind(GROUP, "wrong origin", "a checkpoint of another log by the same key bytes", needs="log key")
def wrong_origin(good: Good) -> Spoiled:
    other = NoteSigner("other.example/ledger", good.signer._private)
    return with_note(good, checkpoint_of(good.entries, other))


@kind(
    GROUP,
    "wrong origin under the log's own key",
    "the key is the log's, by name and id; the text is of another log",
    needs="log key",
)
def wrong_origin_own_key(good: Good) -> Spoiled:
    _, size, root = parts(good)[0].splitlines()
    return with_note(good, signed_anyway(good, three(b"other.example/ledger", size, root)))


@kind(GROUP, "checkpoint of an empty log", "the log says that there is nothing", needs="log key")
def emptied(good: Good) -> Spoiled:
    return with_note(good, checkpoint_of([], good.signer))


@kind(GROUP, "empty log with a root", "size 0 has one root only", needs="log key")
def empty_with_root(good: Good) -> Spoiled:
    note = sign_checkpoint(Checkpoint(good.signer.key.name, 0, bytes(range(32))), good.signer)
    return Spoiled({FILE: note}, Must(TREE, file=FILE), Asked(log_vkey=good.signer.vkey))


@kind(GROUP, "empty log where a ledger was meant", "whoever knows the id knows that there is an entry", needs="log key")
def empty_with_id(good: Good) -> Spoiled:
    files = {FILE: checkpoint_of([], good.signer)}
    return Spoiled(files, Must(HEAD, file=FILE), Asked(ledger_id=good.ledger, log_vkey=good.signer.vkey))


@kind(GROUP, "empty log that shows a tile", "nothing has no tiles", needs="log key")
def empty_with_tile(good: Good) -> Spoiled:
    files = {FILE: checkpoint_of([], good.signer), "tile/0/000.p/1": bytes(32)}
    return Spoiled(files, Must(TREE, file="tile/0/000.p/1"), Asked(log_vkey=good.signer.vkey))


# --- another ledger altogether --------------------------------------------------------------------------------------------------


@kind(GROUP, "forged ledger", "a ledger of the forger's own, good in itself, shown to who knows the id", needs="folder")
def forged_ledger(good: Good) -> Spoiled:
    from tests.world import MemoryLog, World, season

    world = World(name="Pemilihan lain", log_key=THIEF)
    log = MemoryLog(world.founding())
    for signed in season(world):
        log.take(signed.submission)
    return Spoiled(dict(publication(log.entries, world.signer)), Must(HEAD, 0), Asked(ledger_id=good.ledger))


@kind(GROUP, "forged ledger, held against the log's key", "the same, shown to who knows the log's key")
def forged_ledger_by_key(good: Good) -> Spoiled:
    spoiled = forged_ledger(good)
    return Spoiled(spoiled.files, Must(HEAD, file=FILE), Asked(log_vkey=good.opening.log_key))


# --- a log that anybody can sign for --------------------------------------------------------------------------------------------

NEUTRAL: Final = (1).to_bytes(32, "little")
"""The neutral element of Ed25519: as a public key it verifies R = itself, S = 0 for every text, if it is let through."""


def neutral_key(name: str, kind_of_key: int) -> str:
    """The verifier key of that name that is the neutral element."""
    data = bytes([kind_of_key]) + NEUTRAL
    key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(data).decode()}"


class Anybodys(Governed):
    """An election whose log's key is the neutral element."""

    def _founders(self, *arguments: Any) -> ElectionOpened:
        return structs.replace(super()._founders(*arguments), log_key=neutral_key(self.origin, 1))


class AnybodysWitness(Governed):
    """An election with such a witness, which it need not ask."""

    def _founders(self, *arguments: Any) -> ElectionOpened:
        return structs.replace(super()._founders(*arguments), witnesses=(neutral_key("witness.example", 4),))


def alone(world: Governed) -> tuple[list[bytes], dict[str, bytes]]:
    """A log of entry 0, and its files but for the checkpoint."""
    entries = relink([part(world.first.submission, START_MS)])
    return entries, tree_files(entries) | {"recap/1/recap_root": recap_root(ledger=world.ledger, size=1, tops=[])}


@kind(
    SIGNED, "witness of small order", "an election with a witness for whom anybody can sign; nobody is asked", needs="device keys"
)
def witness_of_small_order(good: Good) -> Spoiled:
    del good
    world = AnybodysWitness()
    entries, files = alone(world)
    must = Must(7, 0, "tile/entries/000.p/1", frozenset({HEAD}))
    return Spoiled({**files, FILE: checkpoint_of(entries, world.signer)}, must)


@kind(
    SIGNED,
    "log key of small order",
    "an election whose log anybody can sign for: R is the neutral element, S is 0",
    needs="device keys",
)
def of_small_order(good: Good) -> Spoiled:
    del good
    world = Anybodys()
    entries, files = alone(world)
    text = checkpoint_of(entries, world.signer).partition(b"\n\n")[0] + b"\n"
    name, key_id, _ = world.opening.log_key.split("+", 2)
    line = base64.b64encode(bytes.fromhex(key_id) + NEUTRAL + bytes(32)).decode()
    note = text + b"\n" + f"\N{EM DASH} {name} {line}\n".encode()
    return Spoiled({**files, FILE: note}, Must(HEAD, file=FILE, also=frozenset({7})))
