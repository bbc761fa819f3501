#!/usr/bin/env python3
"""A second, stand-alone verifier of a published election tally ledger.

    python verify_ledger.py FOLDER [--ledger-id HEX] [--log-vkey VKEY] [--seen FILE] [--receipt FILE]    a publication (section 9)
    python verify_ledger.py --total FILE --ledger-id HEX (or: --log-vkey VKEY)                        a proof of a total (8.6)
    python verify_ledger.py --fork FILE --log-vkey VKEY                                              evidence of a fork (8.7)

It was written from docs/FORMATS.md and published files alone, by people who have not read the program under src/: two programs
that agree are worth more than one that is trusted. Give it the ledger's id, and the log's key if you have it, from the gazette or
a printed form, never from the folder. --seen is a checkpoint that you kept, --receipt a receipt that a device kept. --json prints
the report for machines. Exit status: 0 verified (or: consistent in itself, the proof holds), 1 not, 2 wrong usage, 4 unreadable.

How to read it: the parts stand in the order of docs/FORMATS.md and carry its section numbers; keep that document beside it.
`Broken` says that bytes are not what they must be. `Refused` (also for "waiting") says that an entry could never have been
appended: its log is not verified. `Void` says that an entry stands in the log without effect: that is no fault. In section 6
`must(condition, code, ...)` refuses and `want(condition, code, ...)` makes void. For one entry's way begin at `Run.take` (9).

What it does not check: photos and texts beside the log (only their hashes stand in it); whether what was typed is what the paper
says; the clocks; who held a key; whether a seal was due; whether an act that no total depends on (6.9) stands or is void; that
other people are shown the same log (that is what --seen, --fork and witnesses are for). It trusts Python, `cryptography` and
`msgpack`. Memory: the election's state, one bundle of entries, and a hash for each entry.
"""

# Formatted by ruff, then with one blank line instead of two between definitions, so as to be read in one evening.
# fmt: off
from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
import functools
import hashlib
import json
import os
import re
import sys
from collections import ChainMap, Counter, defaultdict, namedtuple
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import SimpleNamespace as Row
from typing import Any

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

# -------------------- 0. Limits (section 10), and how a failure is said ----------------------------------------------------------
MAX_INTEGER, MAX_TERM, MAX_PHOTO_BYTES, MAX_ENTRY_BYTES = 2**53 - 1, 10_000_000, 2**40, 65_535
MAX_NOTE_BYTES, MAX_NOTE_LINES, MAX_RECEIPT_BYTES, MAX_TOTAL_BYTES = 1_000_000, 100, 1_100_000, 64_000_000
MAX_ROUND, MAX_ROTATIONS, MAX_REKEYINGS, MAX_APPROVAL_MS = 9, 8, 8, 86_400_000
MAX_FILES, MAX_FOLDER_DEPTH, MAX_FAILURES_LISTED = 4_000_000, 12, 50  # our own: no publication has more; all failures are counted
TILE_WIDTH, HASH_BYTES, MAX_BUNDLE_BYTES = 256, 32, 256 * (2 + 65_535)

class Broken(ValueError):
    """Published bytes are not what they must be. Codes are those of docs/RULES.md."""
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail

class Refused(Broken):
    """This entry could never have been appended (refused or waiting, section 6)."""

class Void(Broken):
    """This entry stands in the log and has no effect."""

def require(holds: object, code: str, detail: str = "") -> None:
    if not holds:
        raise Broken(code, detail)

@contextlib.contextmanager
def turning(errors: Any, code: str, detail: str = "", into: type[Broken] = Broken) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise into(code, detail or str(error)[:200]) from error

# -------------------- 1. Canonical MessagePack -----------------------------------------------------------------------------------
UNPACK_ERRORS = (ValueError, TypeError, OverflowError, RecursionError, MemoryError, msgpack.exceptions.UnpackException)

def in_key_order(value: Any) -> Any:  # Every map's keys ascending; called after the check of the shape, which bounds the depth
    if type(value) is dict:
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(each) for each in value] if type(value) in (list, tuple) else value

def pack(value: Any) -> bytes:  # mp[...] of the document: the one canonical form
    return msgpack.packb(in_key_order(value), use_bin_type=True)

def unpack(data: bytes, check: Callable[[Any], object], what: str) -> Any:  # Decode, check the shape, encode again, compare
    with turning(UNPACK_ERRORS, "not-msgpack", what):
        value = msgpack.unpackb(data, raw=False, strict_map_key=True, unicode_errors="strict")
    require(check(value), "schema", what)
    require(pack(value) == data, "not-canonical", what)
    return value

def fits(value: Any, shape: Any) -> bool:
    """Whether a value has a shape, such as ("integer", 0, 9). A boolean or float is no integer. How shapes are written: 5."""
    kind, *what = shape
    if kind == "either":
        return any(fits(value, each) for each in what)
    if kind == "integer":
        return type(value) is int and what[0] <= value <= what[1]
    if kind == "bytes":
        return type(value) is bytes and what[0] <= len(value) <= what[1]
    if kind == "text":
        return type(value) is str and what[0].fullmatch(value) is not None
    if kind == "list":
        return type(value) is list and what[0] <= len(value) <= what[1] and all(fits(each, what[2]) for each in value)
    if kind == "row":
        return type(value) is list and len(value) == len(what) and all(map(fits, value, what))
    return kind == "any" or value is None  # or "nil"

def check_map(value: Any, shapes: dict[str, Any]) -> bool:
    """A map with exactly these keys; one written with a question mark may be absent. Says which key is wrong."""
    known = {name.rstrip("?"): shape for name, shape in shapes.items()}
    needed = {name for name in shapes if not name.endswith("?")}
    require(type(value) is dict and needed <= value.keys() <= known.keys(), "schema", "not a map of these keys")
    for key, each in value.items():
        require(fits(each, known[key]), "schema", key)
    return True

# -------------------- 2. Hashes and signatures -----------------------------------------------------------------------------------
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED_P, ED_L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
ED_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
ED_SMALL_ORDER = {0, 1, ED_P - 1, ED_Y8, ED_P - ED_Y8}

def sha256(*data: bytes) -> bytes:  # H(data joined)
    return hashlib.sha256(b"".join(data)).digest()

def tagged(tag: str, data: bytes) -> bytes:  # T(tag, data)
    return sha256(tag.encode("ascii"), b"\n", data)

@functools.lru_cache(maxsize=4096)
def p256_key(encoded: bytes) -> ec.EllipticCurvePublicKey:  # `point-invalid` unless it is 04 || X || Y and on the curve
    require(len(encoded) == 65 and encoded[0] == 4, "point-invalid")
    with turning(ValueError, "point-invalid"):
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)

def check_p256(encoded: bytes, digest: bytes, raw_signature: bytes, what: str) -> None:  # ECDSA; a high s is good
    r, s = int.from_bytes(raw_signature[:32], "big"), int.from_bytes(raw_signature[32:], "big")
    require(0 < r < P256_ORDER and 0 < s < P256_ORDER, "signature-invalid", f"{what}: r or s out of range")
    with turning(InvalidSignature, "signature-invalid", what):
        p256_key(encoded).verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

def sound_point(encoded: bytes) -> bool:  # Section 12: canonical, and not of small order
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    return y < ED_P and y not in ED_SMALL_ORDER

def check_ed25519(public: bytes, message: bytes, raw_signature: bytes, name: str) -> None:  # With section 12's refusals
    honest = sound_point(public) and sound_point(raw_signature[:32]) and int.from_bytes(raw_signature[32:], "little") < ED_L
    require(honest and len(raw_signature) == 64, "note-signature-invalid", f"{name}: length, point or S")
    with turning((InvalidSignature, ValueError), "note-signature-invalid", name):
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(raw_signature, message)

def check_possession(ledger: bytes, who: bytes, role: str, scope: str, seat: str, proof: bytes) -> None:
    signed = tagged("tally-ledger/possession/v1", pack([ledger, who, role, scope, seat]))
    check_p256(who, signed, proof, f"possession of {role} {seat}")

# -------------------- 3. Submission ----------------------------------------------------------------------------------------------
# `id` is the event id; `signature` the submission's; the others are the payload's.
Event = namedtuple("Event", "id signature key ledger position previous type data")

def check_payload(value: Any) -> bool:  # Steps 2 to 4: the seven keys, then `data` by its type
    check_map(value, PAYLOAD)
    name = value["type"]
    require(name in SCHEMAS, "type-unknown", name)  # 5.32: or `type-later`
    require((value["ledger"] is None) == (name == "election.opened"), "schema", "ledger")
    require((value["previous"] is None) == (value["position"] == 0), "schema", "previous")
    return check_map(value["data"], SCHEMAS[name])

def open_payload(payload: bytes, raw_signature: bytes) -> Event:  # Steps 1 to 4: shape and canonical form; signatures come later
    value = unpack(payload, check_payload, "payload")
    del value["claimed_at"]  # decides nothing
    return Event(id=tagged("tally-ledger/event/v1", payload), signature=raw_signature, **value)

def check_signatures(event: Event) -> None:
    """Steps 5 and 6: the signatures inside, then the event's own. Before there is a ledger id the draft digest stands for it."""
    data, ledger = event.data, event.ledger
    if event.type == "keys.enrolled":
        for who, role, scope, seat, _, proofs in data["keys"]:
            p256_key(who)
            for proof in proofs:
                check_possession(ledger, who, role, scope, seat, proof)
    elif event.type == "key.rotated":
        signed = tagged("tally-ledger/rotation/v1", pack([ledger, event.key, data["point"], data["seat"]]))
        check_p256(data["point"], signed, data["proof"], "rotation")
    elif event.type == "election.opened":
        unsigned = {"roots": [who for who, _ in data["roots"]], "registrars": [each[:4] for each in data["registrars"]]}
        ledger = sha256(pack(data | unsigned | {"sealer": data["sealer"][0]}))
        for who, root_signature in data["roots"]:
            check_p256(who, tagged("tally-ledger/root/v1", ledger), root_signature, "root string")
    for body, who, scope, _, proof in data.get("registrars", []):  # of election.opened and election.amended
        check_possession(ledger, who, "registrar", scope, body, proof)
    if "sealer" in data:  # of election.opened and log.rekeyed
        check_possession(ledger, data["sealer"][0], "sealer", "", "sealer", data["sealer"][1])
    check_p256(event.key, event.id, event.signature, "the event's signature")

# -------------------- 4. Entries, and the Merkle tree of RFC 6962 ----------------------------------------------------------------
LEAF, NODE = b"\x00", b"\x01"  # a leaf hash is sha256(LEAF, entry)
Entry = namedtuple("Entry", "index chain time event")

def open_entry(raw: bytes) -> Entry:
    require(len(raw) <= MAX_ENTRY_BYTES, "entry-too-large")
    _, index, chain, time, submission = unpack(raw, lambda value: fits(value, SHAPES["whole-entry"]), "entry")
    return Entry(index, chain, time, open_payload(*submission))

def merkle_root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)  # the largest power of two that is less
    return sha256(NODE, merkle_root(leaves[:split]), merkle_root(leaves[split:]))

def climb(index: int, last: int, start: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162, 2.1.3.2 and 2.1.4.2: from a node along a path to the root over `last` + 1 such nodes. Gives also the root over
    what lies left of the way, the node included: that of the smaller tree in a consistency proof."""
    left_part = whole = start
    for each in path:
        require(last > 0, "proof-invalid", "the path is too long")
        if index % 2 == 1 or index == last:
            left_part, whole = sha256(NODE, each, left_part), sha256(NODE, each, whole)
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            whole = sha256(NODE, whole, each)
        index, last = index // 2, last // 2
    require(last == 0, "proof-invalid", "the path is too short")
    return left_part, whole

def check_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    require(index < size and climb(index, size - 1, leaf, path)[1] == root, "proof-invalid", "leads to another root")

def check_consistency(first: int, first_root: bytes, second: int, second_root: bytes, path: list[bytes]) -> None:
    index, last = first - 1, second - 1  # for 0 < first < second
    while index % 2 == 1:
        index, last = index // 2, last // 2
    start = [first_root, *path] if first & (first - 1) == 0 else path  # a power of two is its own first node
    require(start and climb(index, last, start[0], start[1:]) == (first_root, second_root), "proof-invalid", "other roots")

# -------------------- 5. Event types ---------------------------------------------------------------------------------------------
PLANE_ENDS = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
NO_TEXT = f"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef{PLANE_ENDS}"
PATTERNS = {"text": f"[^{NO_TEXT}]{{1,120}}", "code": "[a-z0-9-]{1,32}", "area": "[0-9]{0,16}", "station": "[0-9]{1,16}"}
PATTERNS |= {"day": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "zone": "[A-Za-z0-9+_/-]{1,40}", "act": "[a-z.]{1,40}"}
PATTERNS |= {"vkey": "[!-~]{1,255}", "origin": "[!-*,-~]{1,128}", "document": "[ -~]{1,64}"}
BYTES = {"point": (65, 65), "signature": (64, 64), "hash": (32, 32), "payload": (0, MAX_ENTRY_BYTES)}
BYTES |= {"note": (1, MAX_NOTE_BYTES), "entry": (1, MAX_ENTRY_BYTES)}
SHAPES: dict[str, Any] = {"any": ("any",), "nil": ("nil",), "u": ("integer", 0, MAX_INTEGER)}
SHAPES |= {name: ("text", re.compile(pattern)) for name, pattern in PATTERNS.items()}
SHAPES |= {name: ("bytes", *lengths) for name, lengths in BYTES.items()}

def read_shape(source: str) -> Any:
    """A shape by its name, or: `2..8` an integer; `a|b` one of these; `[0..8 X]` a list; `(X Y)` a row; else the word itself."""
    words = re.findall(r"[\[\]()]|[^\s\[\]()]+", source)

    def take() -> Any:
        word, inner = words.pop(0), []
        if word in ("[", "("):
            low, _, high = words.pop(0).partition("..") if word == "[" else ("", "", "")
            while words[0] not in ("]", ")"):
                inner.append(take())
            words.pop(0)
            return ("list", int(low), int(high), *inner) if word == "[" else ("row", *inner)
        if "|" in word:
            return ("either", *map(read_shape, word.split("|")))
        if ".." in word:
            return ("integer", *map(int, word.split("..")))
        return SHAPES[word] if word in SHAPES else ("text", re.compile(re.escape(word)))

    return take()

# Shapes that others share. A term of a rule's side is [constant] or [coefficient, figure index]. The last: of 4, 7, 8.4, 8.6.
SHARED_SHAPES = f"""
role = administrator|agent|importer|officer|operator|registrar|supervisor
figure = 0..999999|nil|x|-
total = u|nil|x|-
voters = 0..999999|nil
photos = [0..12 (1..99 hash 0..{MAX_PHOTO_BYTES})]
marks = [0..99 signed|refused|absent]
cutoffs = [0..8 (role u)]
deadlines = [0..32 (code u u)]
powers = [0..40 (act [0..8 code] 0..1)]
registrars = [1..32 (code point area [1..8 role] signature)]
listed-area = (area text)
listed-station = (station text zone voters voters [1..8 code])
listed-voters = (station code voters voters)
side = [1..64 [1..2 0..{MAX_TERM}]]
form-figure = (code 0..31 0..99 1..6 text text)
form = (code 1..999 text text [1..32 (code text text)] [1..128 form-figure] [0..128 (code error|warning side =|<= side)])
contest = (code text text code 1..999 area [1..99 (1..99 text candidate|empty-box)] [0..8 code] code)
named-event = (area 0..9 hash)
whole-entry = (1..1 u hash u (payload signature))
state = confirmed|single|corrected|differing|held|none
station-row = (code station 0..9 [0..2 hash] state [0..128 figure] [0..129 code] u)
area-row = (code area [1..128 u] [1..128 u] [8..8 u] u hash)
page = (area [1..100000 station-row|area-row])
path = [0..63 hash]
total-proof = (1..1 note [4..36 (entry path)] u u path hash area area-row [1..100000 page])
"""
for line in SHARED_SHAPES.strip().split("\n"):
    SHAPES[line.split(" = ", 1)[0]] = read_shape(line.split(" = ", 1)[1])

PAYLOAD = {"claimed_at": SHAPES["u"], "data": SHAPES["any"], "key": SHAPES["point"], "ledger": read_shape("nil|hash")}
PAYLOAD |= {"position": SHAPES["u"], "previous": read_shape("nil|hash"), "type": SHAPES["act"]}

# Each type, as in the tables of 5.1 to 5.31: its name; who may do it (6.3); its keys and their shapes. `&` takes in a line above.
TYPE_LINES = """
election.opened, : cutoffs cutoffs; day day; deadlines? deadlines; kind official|rehearsal|synthetic|import; log_key vkey;
  name text; levels [2..8 (code 0..16)]; origin origin; powers? powers; quorum 0..32; registrars registrars;
  roots [2..32 (point signature)]; sealer (point signature); second_seats [0..32 act]; witnesses [0..32 vkey]; zones [1..32 zone]
keys.enrolled, registrar: keys [1..200 (point role area code u [0..1 signature])]
key.revoked, registrar root: key point; last_good? u; note? hash; reason code; suspect_since? u
forms.defined, administrator: forms [1..32 form]
contests.listed, administrator: contests [1..200 contest]; facts? [1..200 (code plurality|two-round 0..1000000000)]
jurisdictions.listed, administrator: areas [0..1000 listed-area]; stations [0..1000 listed-station]; voters? [1..1000 listed-voters]
slot, : contest code; round 0..9; station station
why, : basis? document; note? hash; reason code
order, : basis document; note? hash; reason code
tally.submitted, operator officer importer: &slot; agents? marks; crew? 0..9; figures [0..128 figure]; form (code 1..999);
  photos photos; source plano|copy|import
tally.corrected, operator officer importer: &tally.submitted; &why; supersedes [1..8 hash]
tally.held, officer importer: &slot; &why
tally.released, officer importer: &tally.held
tally.withdrawn, operator officer importer: &tally.held; withdraws [1..8 hash]
finding.explained, operator officer: &tally.held; event hash; findings [1..32 code]
tally.attested, agent supervisor: &slot; event hash; figures? [0..128 figure]; note? hash; photos photos
recap.read, officer: contest code; note? hash; rows [1..500 named-event]
recap.certified, officer: agents? marks; area area; commitment hash; contest code; differences [0..128 (0..127 code)]; held_at u;
  document document; missing [0..500 (area code [0..1 document])]; note? hash; paper [0..128 total]; photos photos; size u;
  sums [0..128 u]
recap.reopened, officer: &order; area area; certificate hash; contest code; stations [0..200 station]
recap.sealed, sealer: root hash; size u
objection.raised, agent supervisor: code area; contest code; event? hash; ground code; note? hash; photos photos
objection.settled, agent supervisor officer: &why; corrections [0..8 named-event]; objection hash;
  outcome accepted|repaired|rejected|carried|withdrawn|court
recommendation.issued, supervisor: codes [1..200 area]; contest code; deadline u; ground code;
  kind psu|psl|pss|pssu|correction|other; note? hash; number document
recommendation.answered, officer: &why; answer executed|refused; events [0..32 hash]; recommendation hash
incident.recorded, agent supervisor officer operator: basis? document; code area; contest? code; kind code; note? hash;
  photos photos
vote.postponed, officer: &order; contest code; kind psl|pss|resumed; stations [1..200 station]; until day
revote.ordered, officer: &order; contest code; day day; kind psu|psu-mk; stations [1..200 station]
revote.withdrawn, officer: &order; order hash
approved, administrator agent importer officer operator registrar supervisor root sealer: event hash
key.rotated, administrator agent importer officer operator registrar supervisor: point point; proof signature; reason code;
  seat code
election.amended, root: basis document; cutoffs? cutoffs; deadlines? deadlines; powers? powers; reason code; registrars? registrars;
  second_seats? [0..32 act]
log.rekeyed, root: basis? document; log_key? vkey; reason code; sealer? (point signature)
candidate.changed, officer: basis document; change withdrawn|disqualified|replaced|restored; contest code; name? text; number 1..99;
  reason code
jurisdictions.amended, administrator: added [0..200 listed-station]; areas [0..200 listed-area]; basis document;
  cancelled [0..200 station]; corrected [0..200 listed-station]; merged [0..200 (station station)]; reason code;
  voters [0..200 listed-voters]
"""
SCHEMAS, ROLES_OF = dict[str, dict[str, Any]](), dict[str, list[str]]()
for line in TYPE_LINES.strip().replace(";\n  ", "; ").split("\n"):
    head, keys = line.split(": ", 1)
    name, roles = head.split(", ", 1)
    SCHEMAS[name], ROLES_OF[name] = {}, roles.split()
    for key, _, source in (each.partition(" ") for each in keys.split("; ")):
        SCHEMAS[name] |= {key: read_shape(source)} if source else SCHEMAS[key[1:]]
SCHEMAS = {name: keys for name, keys in SCHEMAS.items() if "." in name or name == "approved"}
TYPES_WITH_BASIS = {name for name, keys in SCHEMAS.items() if "basis" in keys or "basis?" in keys}

# -------------------- 6. The fold ------------------------------------------------------------------------------------------------
# A Row is a row of a table of 6.1, made where it begins: keys in `enrol`, certificates in `recap_certified`, and so on.
WATCHING_ROLES = {"agent", "supervisor"}
NEVER_SECOND = {"approved", "election.opened", "key.revoked", "key.rotated", "log.rekeyed", "recap.sealed"}
NEVER_SECOND |= {"tally.held", "tally.submitted"}
RULE_NAMES = ("second_seats", "cutoffs", "powers", "deadlines")
Steps = Iterator[None]  # an act: all checks, then `yield`, then the effect

def must(*pairs: Any, error: type[Broken] = Refused) -> None:
    """must(holds, code, holds, code, ...): the first that does not hold refuses the entry, and with it the log."""
    for holds, code in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds:
            raise error(code)

want = functools.partial(must, error=Void)  # As `must`, but the first that does not hold makes the entry void

def known(row: Any, void_code: str) -> Any:
    want(row is not None, void_code)
    return row

def ascends(values: list[Any]) -> bool:  # Bytewise, strictly. All codes are ASCII, so the order of texts is that of their bytes.
    return all(left < right for left, right in pairwise(values))

def distinct(values: list[Any]) -> bool:
    return len(set(values)) == len(values)

class Slot(Row):
    """6.4: a tally's place, of one contest, station and round."""
    def standing(self) -> list[Row]:
        return [self.decided] if self.decided else [self.seats[seat] for seat in sorted(self.seats)]

    def state(self) -> str:  # 6.5: the first that fits
        standing = self.standing()
        if self.annulled or not standing or self.held:
            return "annulled" if self.annulled else "none" if not standing else "held"
        if len(standing) == 2:
            return "confirmed" if standing[0].figures == standing[1].figures else "differing"
        return "corrected" if standing[0].corrects else "single"

class Act(Row):
    """One act by one key at one place of the log. `over`: it reaches over a lower certificate (6.6). `noted`: the void codes that
    were gathered. `contest`, `slot`: what its data names."""
    def __init__(self, key: Row, kind: str, data: Any, event: bytes, index: int, time: int, approver: Row | None = None) -> None:
        super().__init__(key=key, type=kind, data=data, event=event, index=index, time=time, approver=approver)
        self.over, self.noted, self.contest, self.slot = False, list[str](), None, None

    def within(self, *places: str) -> None:
        must(all(place.startswith(self.key.scope) for place in places), "beyond-scope")

    def note(self, *pairs: Any) -> None:  # Void codes in square brackets (6.3): the first one noted decides when all is checked
        self.noted += [code for holds, code in zip(pairs[::2], pairs[1::2], strict=True) if not holds]

def in_force(certificate: Row | None) -> bool:
    return certificate is not None and certificate.reopened is None and certificate.renew == 0

def authority_holds(rules: dict[str, Any], named: list[Any], levels: list[Any]) -> bool:  # 6.3.6, of rules and registrars
    seconds, powers = rules["second_seats"], rules.get("powers", [])
    apart = all(set(row[3]) <= WATCHING_ROLES or not set(row[3]) & WATCHING_ROLES for row in named)
    delegates = all("operator" in row[3] for row in named if "registrar" in row[3])
    once = distinct([(row[2], row[0]) for row in named]) and distinct([role for role, _ in rules["cutoffs"]])
    listed = ascends(seconds) and set(seconds) <= set(SCHEMAS) - NEVER_SECOND and ascends([name for name, _, _ in powers])
    acts = {name for name, _, _ in powers} <= set(SCHEMAS) - {"approved", "election.opened", "log.rekeyed"}
    places = all(set(names) <= {level for level, _ in levels} for _, names, _ in powers)
    bases = all(basis == 0 or name in TYPES_WITH_BASIS for name, _, basis in powers)
    return apart and delegates and once and listed and acts and places and bases

class Fold:
    """The state and the acts on it: the method for an act has its name. The checks of an act can be made without its effect, for a
    second seat (6.10). Of what decides nothing and is on no page (6.9, voters, candidates, `corrected`) nothing is kept."""
    def __init__(self) -> None:
        self.ledger, self.opening = None, dict[str, Any]()
        self.rules: dict[str, list[Any]] = {}  # second_seats, cutoffs, powers, deadlines as they are at present
        self.log_keys: list[tuple[int, str]] = []  # from which size on, verifier key
        self.digits, self.upper = list[int](), dict[str, int]()  # the levels' code lengths; by name, without the last level
        self.forms, self.contests = dict[Any, Row](), dict[str, Row]()
        self.areas: dict[str, Row | None] = {}  # a station's `contests` and `gone`; None for an area above
        self.keys, self.streams = dict[bytes, Row](), dict[bytes, tuple[int, bytes | None]]()
        self.seats: dict[Any, bytes | None] = {}  # by (role, scope, seat). None: vacant, and had a key before
        self.slots = defaultdict[tuple[str, str], dict[int, Slot]](dict)  # by contest and station, then round
        self.certificates: dict[tuple[str, str], Row] = {}  # by contest and area
        self.pending, self.revotes = dict[bytes, Row](), dict[bytes, Row]()  # by event id
        self.children: dict[tuple[str, str], set[str]] = {}  # what lies below an area, for one contest
        self.rows: dict[tuple[str, str], Any] = {}  # section 7's rows, until a slot below changes

    def open_slot(self, contest: str, station: str, number: int, index: int, order: int = 0) -> None:
        zeros = dict.fromkeys(("held", "changes", "read", "annulled", "postponed"), 0)
        slot = Slot(contest=contest, station=station, round=number, opened=index, order=order, seats={}, decided=None, **zeros)
        self.slots[contest, station][number] = slot
        for above, below in pairwise(self.digits):
            self.children.setdefault((contest, station[:above]), set()).add(station[:below])
        self.touch(slot, index)

    def touch(self, slot: Slot, index: int, **fields: Any) -> None:  # Sets fields and `changed`; its rows are made anew
        slot.__dict__.update(fields, changed=index)
        for digits in self.digits:
            self.rows.pop((slot.contest, slot.station[:digits]), None)

    def current(self, contest: str, station: str) -> Slot | None:
        return next((slot for slot in self.slots[contest, station].values() if not slot.annulled), None)

    def below(self, contest: str, area: str, digits: int) -> Iterator[str]:  # What ever held a slot of it there, in order
        children = sorted(self.children.get((contest, area), ()))
        yield from [area] if len(area) == digits else (code for each in children for code in self.below(contest, each, digits))

    def above(self, contest: str, code: str) -> list[Row]:  # 6.6; itself included, from the highest level down
        found = (self.certificates.get((contest, code[:digits])) for digits in self.digits[:-1] if digits <= len(code))
        return [each for each in found if each is not None]

    def in_force_above(self, contest: str, code: str) -> list[Row]:
        return [each for each in self.above(contest, code) if in_force(each)]

    def binding(self, slot: Slot) -> list[Row]:  # 6.6; reopened for no named station is reopened for all
        older = [each for each in self.above(slot.contest, slot.station) if slot.opened <= each.index]
        return [each for each in older if each.reopened is None or (each.reopened and slot.station not in each.reopened)]

    def locked_for(self, slot: Slot, key: Row) -> bool:  # 6.6; the deciding level's codes are as long as the contest's area
        deciding = len(self.contests[slot.contest].area)
        return any(len(each.area) <= len(key.scope) or len(each.area) == deciding for each in self.binding(slot))

    def enrol(self, point: bytes, role: str, scope: str, seat: str, until: int = 0, **more: Any) -> None:
        """`may`: the roles that a registrar may enrol. `by_batch`: enrolled by keys.enrolled, not named by entry 0 or an amendment.
        `by`: the seats of the registrars that enrolled it and approved that. `before`, `since`: points, by rotation."""
        base = {"may": (), "by_batch": False, "by": set(), "before": (), "since": (), "revoked": False, "last_good": None} | more
        key = Row(point=point, role=role, scope=scope, seat=seat, place=(role, scope, seat), until=until, **base)
        self.keys[point], self.seats[key.place] = key, point

    def pass_on(self, key: Row, point: bytes) -> None:  # The seat of a key to a new point
        before = (*key.before, key.point)
        self.enrol(point, *key.place, key.until, before=before, may=key.may, by_batch=key.by_batch, by=key.by)
        for each in before:
            self.keys[each].since += (point,)

    # 6.2 Before the act: the same for every event.
    def take(self, event: Event, index: int, time: int) -> str:  # Its answer; `Refused` where the log could not have held it
        if event.type == "election.opened":
            must(self.ledger is None, "already-opened")
            self.open_election(event)
            return "effect"
        must(self.ledger is not None, "not-opened", event.ledger == self.ledger, "other-ledger")
        must(event.key in self.keys, "key-unknown")
        key, (position, previous) = self.keys[event.key], self.streams.get(event.key, (0, None))
        good = key.last_good is not None and event.position <= key.last_good
        must(not key.since or key.revoked, "key-retired", not key.revoked or good, "key-revoked")
        must(event.position <= position, "stream-gap", event.position == position, "stream-position")
        must(event.previous == previous, "stream-previous")
        try:
            answer = self.decide(Act(key, event.type, event.data, event.id, index, time))
        except Void as void:
            answer = f"void: {void.code}"
        self.streams[event.key] = (event.position + 1, event.id)
        return answer

    def decide(self, act: Act) -> str:
        """Steps 5 to 8, with 6.10: whether the act waits. A replacement (new keys for operators' seats from the voting day on, in
        UTC+9) acts at once and is reviewed. Asked before the effect, so `seats` holds what had a key before this event."""
        want(not act.key.revoked, "key-revoked")
        must(act.key.until == 0 or act.time <= act.key.until, "key-expired")
        steps, listed = self.checked(act), act.type in self.rules["second_seats"] and act.key.role != "operator"
        days = datetime.date.fromisoformat(self.opening["day"]).toordinal() - datetime.date(1970, 1, 1).toordinal()
        late = act.type == "keys.enrolled" and listed and act.time >= days * 86_400_000 - 9 * 3_600_000
        replaces = late and all(row[1] == "operator" and ("operator", *row[2:4]) in self.seats for row in act.data["keys"])
        waits = act.type in ("election.amended", "log.rekeyed") or act.over or (listed and not replaces)
        if waits or replaces:
            self.pending[act.event] = Row(key=act.key, type=act.type, data=act.data, time=act.time, done=False, review=replaces)
        if not waits:
            next(steps, None)
        return "pending" if waits else "effect"

    def checked(self, act: Act) -> Steps:  # The act with role, powers and all its own checks made, and its effect still to come
        role, lengths = act.key.role, dict(self.opening["levels"])
        must(role in ROLES_OF[act.type], "role-not-entitled")
        free = role in ("operator", "root", "sealer") or (act.type == "objection.settled" and role != "officer")
        for name, levels, basis in self.rules["powers"]:
            if name == act.type and not free:
                must(len(act.key.scope) in {lengths[level] for level in levels}, "level-not-entitled")
                must(basis == 0 or "basis" in act.data, "basis-missing")
        if "contest" in act.data:
            self.check_common(act)
        steps: Steps = getattr(self, act.type.replace(".", "_"))(act)
        next(steps)
        want(not act.noted, act.noted and act.noted[0])
        return steps

    def check_common(self, act: Act) -> None:
        """What 6.3 to 6.9 ask of these keys in every act that has a contest. All of it refuses, so it can be asked first."""
        data, contest = act.data, self.contests.get(act.data["contest"])
        must(contest is not None, "contest-unknown")
        act.contest = contest
        act.within(*(data[name] for name in ("area", "code", "station") if name in data))
        act.within(*data.get("codes", []), *data.get("stations", []))
        for name in ("codes", "missing", "rows", "stations", "supersedes", "withdraws"):
            must(ascends([each[0] if type(each) is list else each for each in data.get(name, [])]), "rows-order")
        must("agents" not in data or len(data["agents"]) == contest.candidates, "agents-count")
        must(data.get("form", contest.form.key) == contest.form.key, "form-other")
        must("figures" not in data or len(data["figures"]) == contest.form.size, "figures-count")
        with turning(ValueError, "day-invalid", into=Refused):
            datetime.date.fromisoformat(data.get("day", data.get("until", "2000-01-01")))
        if "station" in data:  # 6.4, steps 1 and 2
            act.slot = self.slots[contest.code, data["station"]].get(data["round"])
            must(act.slot is not None, "round-unknown" if data["round"] else "station-unknown")
        if "area" in data:  # 6.7, step 1
            certifies = len(data["area"]) in contest.certifying and data["area"].startswith(contest.area)
            must(len(act.key.scope) == len(data["area"]), "level-not-entitled", certifies, "level-not-certifying")

    # 6.3 The acts: opening, forms, contests.
    def open_election(self, event: Event) -> None:  # 6.3.1; witnesses are distinct as texts
        data, roots, levels = event.data, [who for who, _ in event.data["roots"]], event.data["levels"]
        with turning((Broken, ValueError), "opening-invalid", into=Refused):
            datetime.date.fromisoformat(data["day"])
            check_log_key(data["log_key"], data["origin"])
            witnesses = [parse_vkey(each) for each in data["witnesses"]]
            require(event.key in roots and event.position == 0 and distinct(data["zones"]), "signer, position or zones")
            require(ascends([digits for _, digits in levels]) and distinct([name for name, _ in levels]), "levels")
            require(distinct([*roots, *(row[1] for row in data["registrars"]), data["sealer"][0]]), "points")
            require(all(each.kind == KIND_COSIGNATURE for each in witnesses) and distinct(data["witnesses"]), "witnesses")
            require(data["quorum"] <= len(witnesses) and authority_holds(data, data["registrars"], levels), "authority")
        self.ledger, self.opening, self.log_keys = event.id, data, [(0, data["log_key"])]
        self.rules = {name: data.get(name, []) for name in RULE_NAMES}
        self.digits, self.upper = [digits for _, digits in levels], dict(levels[:-1])
        for place, who in enumerate(roots, start=1):
            self.enrol(who, "root", "", f"root-{place}")
        self.enrol_registrars(data["registrars"])
        self.enrol(data["sealer"][0], "sealer", "", "sealer")
        self.streams[event.key] = (1, event.id)

    def enrol_registrars(self, named: list[Any]) -> None:
        for body, who, scope, may, _ in named:
            self.enrol(who, "registrar", scope, body, may=tuple(may))

    def forms_defined(self, act: Act) -> Steps:
        new: dict[Any, Row] = {}
        for code, version, _, _, blocks, figures, rules in act.data["forms"]:
            must((code, version) not in self.forms and (code, version) not in new, "form-exists")
            numbers = sorted(each[2] for each in figures if each[2])
            terms = [each for rule in rules for each in rule[2] + rule[4]]
            once = all(distinct([each[0] for each in named]) for named in (blocks, figures, rules))  # section 5.4
            there = all(each[1] < len(blocks) for each in figures)
            there = there and all(len(each) == 1 or each[1] < len(figures) for each in terms)
            counted = numbers == list(range(1, len(numbers) + 1))
            must(once and there and counted and all(rule[0] != "r13" for rule in rules), "form-invalid")
            form = Row(key=[code, version], size=len(figures), candidates=len(numbers), rules=rules)
            form.blocks, form.digits = [each[1] for each in figures], [each[3] for each in figures]
            new[code, version] = form
        yield
        self.forms.update(new)

    def contests_listed(self, act: Act) -> Steps:
        """`named`: code lengths of the levels in `certifying`, ascending; `certifying`: these and the deciding level's."""
        rows, with_facts = act.data["contests"], [fact[0] for fact in act.data.get("facts", [])]
        must(set(with_facts) <= {each[0] for each in rows} and distinct(with_facts), "contest-unknown")
        new: dict[str, Row] = {}
        for name, _, _, form_code, version, area, candidates, certifying, deciding in rows:
            act.within(area)
            must(name not in self.contests and name not in new, "contest-exists")
            must((form_code, version) in self.forms, "form-unknown")
            form, lengths = self.forms[form_code, version], {self.upper.get(level, -1) for level in certifying}
            must([each[0] for each in candidates] == list(range(1, form.candidates + 1)), "candidates-mismatch")
            must(len(area) in self.upper.values() and all(each >= len(area) for each in lengths), "level-unknown")
            must(self.upper.get(deciding) == len(area), "level-unknown")
            new[name] = Row(code=name, area=area, form=form, candidates=len(candidates), named=sorted(lengths))
            new[name].certifying = sorted(lengths | {len(area)})
        yield
        self.contests.update(new)

    # 6.3.2 to 6.3.4, 6.3.9: areas and stations. `areas` are those of the state and of earlier rows.
    def place(self, act: Act, areas: Any, new: str, *, station: bool) -> None:  # 6.3.2, and the level's kind
        act.within(new)
        must(len(new) in self.digits, "area-code", new not in areas, "area-exists")
        level = self.digits.index(len(new))
        must(level == 0 or new[: self.digits[level - 1]] in areas, "area-unknown")
        must((len(new) == self.digits[-1]) == station, "area-code")

    def check_station_row(self, listed: list[Any]) -> None:  # 6.3.3, steps 2 to 4
        name, _, zone, _, _, contests = listed
        must(zone in self.opening["zones"], "zone-unknown", distinct(contests), "contest-twice")
        must(all(each in self.contests and name.startswith(self.contests[each].area) for each in contests), "contest-unknown")

    def jurisdictions_listed(self, act: Act) -> Steps:
        """And jurisdictions.amended (6.3.9). `used`: stations that an earlier row added, corrected, cancelled or merged away."""
        data, amended, areas = act.data, act.type == "jurisdictions.amended", ChainMap[str, Any]({}, self.areas)
        opened, closed, added = list[Any](), list[Slot](), data["added"] if amended else data["stations"]
        must(any(rows for key, rows in data.items() if type(rows) is list and (amended or key != "voters")), "batch-empty")
        for new, _ in data["areas"]:
            self.place(act, areas, new, station=False)
            areas[new] = None
        for listed in added:
            self.place(act, areas, listed[0], station=True)
            self.check_station_row(listed)
            opened += [self.open(act, each, listed[0]) for each in listed[5]]
            areas[listed[0]] = Row(contests=listed[5], gone=False)
        used = {listed[0] for listed in added}
        for listed in data.get("corrected", []):
            name, contests, before = listed[0], listed[5], self.there(act, listed[0], used)
            self.check_station_row(listed)
            closed += [slot for each in before.contests if each not in contests for slot in self.close(act, each, name)]
            opened += [self.open(act, each, name) for each in contests if each not in before.contests]
            areas[name] = Row(contests=contests, gone=False)
            used.add(name)
        for name, into in [(name, None) for name in data.get("cancelled", [])] + data.get("merged", []):
            before = self.there(act, name, used)
            if into is not None:
                self.there(act, into, used)
                must(into != name, "station-unknown")
            closed += [slot for each in before.contests for slot in self.close(act, each, name)]
            areas[name] = Row(contests=before.contests, gone=True)
            used.add(name)
        for name, contest, _, _ in data.get("voters", []):  # 6.3.4; a station that is gone is still listed
            act.within(name)
            must(areas.get(name) is not None and contest in areas[name].contests, "station-unknown")
        yield
        self.areas.update(areas.maps[0])
        for slot in closed:
            self.touch(slot, act.index, annulled=act.index)
        for contest, name, number in opened:
            self.open_slot(contest, name, number, act.index)

    def there(self, act: Act, name: str, used: set[str]) -> Any:
        act.within(name)
        before = self.areas.get(name)
        must(before is not None, "station-unknown")
        act.note(before and not before.gone and name not in used, "station-gone")
        return before

    def close(self, act: Act, contest: str, name: str) -> list[Slot]:
        slots, free = [slot for _, slot in sorted(self.slots[contest, name].items())], not self.in_force_above(contest, name)
        for slot in slots:
            act.note(not slot.standing(), "station-has-tally", slot.annulled or free, "locked")
        return [slot for slot in slots if not slot.annulled]

    def open(self, act: Act, contest: str, name: str) -> tuple[str, str, int]:  # A new station has no rounds yet: 0
        rounds = self.slots[contest, name]
        must(len(rounds) <= MAX_ROUND, "round-limit")
        act.note(not self.in_force_above(contest, name), "locked")
        return contest, name, max(rounds, default=-1) + 1

    # 6.3 The acts: keys and the election's rules.
    def keys_enrolled(self, act: Act) -> Steps:  # 6.3.5
        taken = set[Any]()  # points and seats of earlier rows
        for who, role, scope, seat, _, proofs in act.data["keys"]:
            must(role in act.key.may, "registrar-other-role")
            act.within(scope)
            must(scope == "" or scope in self.areas, "area-unknown")
            place = len(scope) == self.digits[-1] and seat in ("1", "2") and not proofs
            must(role != "operator" or place, "operator-seat", role == "operator" or proofs, "proof-missing")
            free = (role, scope, seat) not in taken and self.seats.get((role, scope, seat)) is None
            must(who not in self.keys and who not in taken, "point-enrolled", free, "seat-taken")
            taken |= {who, (role, scope, seat)}
        yield
        by = {each.place for each in (act.key, act.approver) if each is not None}
        for who, role, scope, seat, until, _ in act.data["keys"]:
            self.enrol(who, role, scope, seat, until, may=("operator",) if role == "registrar" else (), by_batch=True, by=by)

    def key_rotated(self, act: Act) -> Steps:
        must(act.data["seat"] == act.key.seat, "seat-other", act.data["point"] not in self.keys, "point-enrolled")
        must(len(act.key.before) < MAX_ROTATIONS, "rotations-limit")
        yield
        self.pass_on(act.key, act.data["point"])

    def key_revoked(self, act: Act) -> Steps:
        target = known(self.keys.get(act.data["key"]), "key-not-enrolled")
        own = target.role in act.key.may and (target.role != "registrar" or target.by_batch)
        own = own and (target.role != "agent" or act.key.place in target.by)
        must(target.role == "registrar" if act.key.role == "root" else own, "registrar-other-role")
        act.within(target.scope)
        want(not target.revoked, "key-already-revoked")
        yield
        target.revoked, target.last_good = True, act.data.get("last_good")
        for each in target.since:
            self.keys[each].revoked = True  # without a last good position, unless it was revoked before with one
        if self.seats[target.place] in (target.point, *target.since):
            self.seats[target.place] = None

    def election_amended(self, act: Act) -> Steps:  # 6.3.7; lists differ also in another order
        named, said = act.data.get("registrars", []), {name: act.data.get(name, self.rules[name]) for name in RULE_NAMES}
        points = [row[1] for row in named]
        want(said != self.rules or named, "amendment-empty")
        must(authority_holds(said, named, self.opening["levels"]), "amendment-invalid")
        want(set(self.rules["second_seats"]) <= set(said["second_seats"]), "approvals-fewer")
        want(not self.rules["powers"] or said["powers"], "approvals-fewer")
        want(distinct(points) and not set(points) & set(self.keys), "point-enrolled")
        want(all(self.seats.get(("registrar", row[2], row[0])) is None for row in named), "seat-taken")
        yield
        self.rules = said
        self.enrol_registrars(named)

    def log_rekeyed(self, act: Act) -> Steps:  # 6.3.10; the sealer's seat is never vacant, as its key cannot be revoked
        log_key, sealer = act.data.get("log_key"), act.data.get("sealer")
        old = self.keys[self.seats["sealer", "", "sealer"]]
        with turning(Broken, "rekey-invalid", into=Refused):
            require(log_key or sealer, "neither key is there")
            check_log_key(log_key or self.opening["log_key"], self.opening["origin"])
        want(log_key is None or len(self.log_keys) <= MAX_REKEYINGS, "rekeyings-limit")
        want(sealer is None or len(old.before) < MAX_REKEYINGS, "rekeyings-limit")
        want(all(each != log_key for _, each in self.log_keys), "log-key-used")
        want(sealer is None or sealer[0] not in self.keys, "point-enrolled")
        yield
        self.log_keys += [(act.index + 1, log_key)] if log_key else []
        if sealer is not None:
            self.pass_on(old, sealer[0])

    def candidate_changed(self, act: Act) -> Steps:  # 6.3.8; the deciding level's codes are as long as the contest's area
        must(act.data["number"] <= act.contest.candidates, "candidate-unknown")
        must(act.key.scope == act.contest.area, "level-not-entitled")
        must(("name" in act.data) == (act.data["change"] == "replaced"), "candidate-name")
        yield

    # 6.4 Tallies.
    def tally_submitted(self, act: Act) -> Steps:
        """And tally.corrected, tally.withdrawn. `mine`: what an operator (of the own seat) or an office (all) replaces. Step 9 of
        correcting: `lowest` is the lowest level named in `certifying`; where none is named, no basis is asked for."""
        data, operator, contest, slot = act.data, act.key.role == "operator", act.contest, act.slot
        named, binding = data.get("supersedes", data.get("withdraws")), self.binding(slot)
        ends = [time for role, time in self.rules["cutoffs"] if role == act.key.role]
        in_time = not ends or act.time < ends[0] or slot.order or slot.postponed
        want(not slot.annulled, "round-annulled", in_time, "past-cut-off", not self.locked_for(slot, act.key), "locked")
        want(not operator or slot.read == 0, "already-read", slot.decided is None or (named and not operator), "already-decided")
        act.over, mine = bool(binding), [each for each in slot.standing() if not operator or each.seat == act.key.seat]
        want(named is not None or not mine, "already-submitted")
        want(named is None or mine, "nothing-to-" + ("correct" if "figures" in data else "withdraw"))
        want(named in (None, sorted(each.id for each in mine)), "stale")
        if act.type == "tally.corrected" and self.rules["powers"] and not operator and contest.named and "basis" not in data:
            lowest = contest.named[-1]
            want(len(act.key.scope) >= lowest or any(len(each.area) == lowest for each in binding), "basis-missing")
        yield
        differs = "figures" not in data or any(each.figures != data["figures"] for each in mine)
        slot.changes += int(bool(named and differs))
        slot.seats = {seat: each for seat, each in slot.seats.items() if each not in mine}
        slot.decided, slot.read = None, slot.read if operator and "figures" in data else 0
        if "figures" in data:
            corrects = int(bool(named and (differs or any(each.corrects for each in mine))))
            findings = broken_rules(contest.form, data["figures"])
            new = Row(id=act.event, seat=act.key.seat, figures=data["figures"], findings=findings, corrects=corrects)
            slot.seats, slot.decided = (slot.seats | {act.key.seat: new}, None) if operator else ({}, new)
        self.touch(slot, act.index)

    def tally_held(self, act: Act) -> Steps:
        """And tally.released. No certificate binds the slot: neither locked for the key nor over any."""
        slot, hold = act.slot, act.type == "tally.held"
        want(not slot.annulled, "round-annulled", not self.binding(slot), "locked")
        want(slot.standing() or not hold, "nothing-to-hold", slot.held != hold, "already-held" if hold else "not-held")
        yield
        self.touch(slot, act.index, held=int(hold))

    # 6.7 Plenaries.
    def recap_read(self, act: Act) -> Steps:
        contest, found = act.contest, list[Any]()
        for name, number, event in act.data["rows"]:
            act.within(name)
            if len(name) == self.digits[-1]:
                slot = self.slots[contest.code, name].get(number)
                must(slot is not None, "station-unknown")
                act.note(not slot.annulled, "round-annulled", not self.locked_for(slot, act.key), "locked")
                act.note(
                    event in [each.id for each in slot.standing()],
                    "stale",
                    slot.state() not in ("held", "differing"),
                    "not-readable",
                )
                found.append(slot)
            else:
                certifies = len(name) in contest.certifying and number == 0 and len(act.key.scope) < len(name)
                must(certifies, "level-not-certifying")
                certificate = self.certificates.get((contest.code, name))
                act.note(certificate, "certificate-unknown", certificate and certificate.id == event, "stale")
                act.note(in_force(certificate), "certificate-not-in-force")
                higher = [digits for digits in contest.certifying if digits < len(name)]
                found += [certificate] if higher[-1:] == [len(act.key.scope)] else []
        yield
        for each in found:
            each.read = act.index

    def recap_certified(self, act: Act) -> Steps:
        data, contest, name, absent, unread = act.data, act.contest, act.data["area"], list[str](), list[str]()
        sums, paper = data["sums"], data["paper"]
        must(len(paper) == len(sums), "figures-count")
        different = [place for place in range(len(sums)) if sums[place] != paper[place]]
        must([each[0] for each in data["differences"]] == different, "differences-wrong")
        holding = self.in_force_above(contest.code, name)
        want(all(each.area == name for each in holding), "locked", not holding, "already-certified")
        found = known(self.row(contest, name), "nothing-to-certify")
        must(len(sums) == contest.form.size, "figures-count")
        stations = self.below(contest.code, name, self.digits[-1])
        changed = max(slot.changed for each in stations for slot in self.slots[contest.code, each].values())
        want(data["size"] <= act.index, "size-beyond-log", data["size"] > changed, "stale")
        want((sums, data["commitment"]) == (found[0][2], found[1]), "certificate-differs")
        lower = [digits for digits in contest.certifying if digits > len(name)]  # steps 5 and 6, by the table of 6.7
        for below in self.below(contest.code, name, lower[0] if lower else self.digits[-1]):
            row, slot = self.row(contest, below), self.current(contest.code, below)
            lesser = self.certificates.get((contest.code, below))
            if slot is not None:
                is_absent, read = slot.state() in ("none", "held", "differing"), slot.read > 0
            else:
                is_absent, read = not in_force(lesser) and row and not any(row[0][3]), in_force(lesser) and lesser.read > 0
            absent += [below] if row and is_absent else []
            unread += [below] if row and not is_absent and not read else []
        want([each[0] for each in data["missing"]] == absent, "missing-differs", not unread, "not-read")
        yield
        self.certificates[contest.code, name] = Row(id=act.event, area=name, index=act.index, read=0, renew=0, reopened=None)

    def recap_reopened(self, act: Act) -> Steps:
        name, code = act.data["area"], act.contest.code  # the area is the key's scope, so its stations are in it, by their codes
        want(all(each.area == name for each in self.in_force_above(code, name)), "locked")
        found = known(self.certificates.get((code, name)), "certificate-unknown")
        want(found.id == act.data["certificate"], "stale", found.reopened is None, "already-reopened")
        yield
        found.reopened, found.read = act.data["stations"], 0

    def recap_sealed(self, act: Act) -> Steps:
        must(act.data["size"] == act.index, "seal-size", act.data["root"] == self.recap_root(act.index), "seal-differs")
        yield

    # 6.8 Postponed and repeated votes.
    def current_slots(self, act: Act) -> list[Slot | None]:
        names, code = act.data["stations"], act.contest.code
        must(all(self.slots[code, name] for name in names), "station-unknown")
        return [self.current(code, name) for name in names]

    def vote_postponed(self, act: Act) -> Steps:
        slots, resumed = self.current_slots(act), act.data["kind"] == "resumed"
        for slot in slots:
            act.note(slot, "round-annulled", not resumed or (slot and slot.postponed), "not-postponed")
            act.note(resumed or not (slot and slot.standing()), "already-submitted")
        yield
        for slot in filter(None, slots):
            slot.postponed = 0 if resumed else act.index

    def revote_ordered(self, act: Act) -> Steps:
        contest, slots, rounds = act.contest, self.current_slots(act), list[tuple[str, int]]()
        for name, slot in zip(act.data["stations"], slots, strict=True):
            must(max(self.slots[contest.code, name]) < MAX_ROUND, "round-limit")
            lengths = [len(each.area) for each in self.in_force_above(contest.code, name)]
            locks = any(length < len(act.key.scope) or length == len(contest.area) for length in lengths)
            act.note(slot, "round-annulled", slot and (slot.order == 0 or slot.standing()), "already-ordered")
            act.note(act.data["kind"] == "psu-mk" or not locks, "locked")
        yield
        for slot in filter(None, slots):
            self.touch(slot, act.index, annulled=act.index)
            rounds.append((slot.station, max(self.slots[contest.code, slot.station]) + 1))
            self.open_slot(contest.code, *rounds[-1], act.index, order=act.index)
        for each in self.certificates_over(contest.code, rounds):
            each.renew += 1
        self.revotes[act.event] = Row(index=act.index, scope=act.key.scope, contest=contest.code, rounds=rounds, withdrawn=False)

    def certificates_over(self, contest: str, rounds: list[tuple[str, int]]) -> list[Row]:  # Each once
        return list({each.area: each for name, _ in rounds for each in self.above(contest, name)}.values())

    def revote_withdrawn(self, act: Act) -> Steps:
        order = known(self.revotes.get(act.data["order"]), "referent-unknown")
        want(order.scope.startswith(act.key.scope), "beyond-scope", not order.withdrawn, "already-withdrawn")
        for name, number in order.rounds:
            want(not self.slots[order.contest, name][number].annulled, "round-annulled")
            want(all(each.index <= order.index for each in self.in_force_above(order.contest, name)), "locked")
        yield
        order.withdrawn = True
        for name, number in order.rounds:
            for slot in self.slots[order.contest, name].values():
                if slot.annulled == order.index or slot.round == number:
                    self.touch(slot, act.index, annulled=0 if slot.annulled else act.index)
        for each in self.certificates_over(order.contest, order.rounds):
            each.renew = max(0, each.renew - 1) if each.index < order.index else each.renew + 1

    # 6.9 What others say. No page depends on whether such an act, or one on a candidate or a finding, is void: that is not asked.
    def tally_attested(self, act: Act) -> Steps:  # and finding.explained: the slot exists  # noqa: ARG002
        yield

    def incident_recorded(self, act: Act) -> Steps:  # and objection.raised, recommendation.issued: places in order
        codes = act.data.get("codes") or [act.data["code"]]
        act.within(*codes)
        must(all(code == "" or code in self.areas for code in codes), "area-unknown")
        must(act.contest is None or all(code.startswith(act.contest.area) for code in codes), "contest-unknown")
        yield

    def objection_settled(self, act: Act) -> Steps:  # and recommendation.answered
        data, outcome = act.data, act.data.get("outcome")
        must(bool(data.get("corrections")) == (outcome == "accepted"), "corrections-wrong")
        must(outcome is None or (act.key.role == "officer") == (outcome != "withdrawn"), "role-not-entitled")
        must(bool(data.get("events")) == (data.get("answer") == "executed"), "events-wrong")
        yield

    # 6.10 Second seats; who waits is said by `decide`.
    def approved(self, act: Act) -> Steps:
        waiting, steps, own_is_void = known(self.pending.get(act.data["event"]), "referent-unknown"), iter(()), False
        proposer, itself = waiting.key, (waiting.type, waiting.data, act.data["event"], act.index, act.time)
        want(not waiting.done, "already-approved", act.key.place != proposer.place, "self-approval")
        if waiting.review:
            own = all(row[1] in act.key.may and row[2].startswith(act.key.scope) for row in waiting.data["keys"])
            want(act.key.role == "registrar" and own, "approver-not-entitled")
        else:
            want(act.time - waiting.time <= MAX_APPROVAL_MS, "approval-late")
            try:  # step 5: the act with the approver in the signer's place
                self.checked(Act(act.key, *itself))
            except Broken as broken:
                own_is_void = isinstance(broken, Void)
                want(own_is_void, "approver-not-entitled")
            live = not proposer.revoked and (proposer.until == 0 or proposer.until >= act.time)
            want(live, "proposer-revoked")  # step 6
            try:
                steps = self.checked(Act(proposer, *itself, approver=act.key))
            except Refused as refused:
                raise Void(refused.code) from refused  # step 7: with the very same code
            want(not own_is_void, "approver-not-entitled")  # step 8
        yield
        next(steps, None)
        waiting.done = True

    jurisdictions_amended = jurisdictions_listed
    tally_corrected = tally_withdrawn = tally_submitted
    tally_released = tally_held
    objection_raised = recommendation_issued = incident_recorded
    finding_explained, recommendation_answered = tally_attested, objection_settled

    # Section 7's rows over the state: (row, its commitment, its sums, present and counts).
    def row(self, contest: Row, code: str) -> Any:
        """The row of an area or station; None where no slot below is there or all are annulled. Kept until one changes."""
        key = (contest.code, code)
        if key not in self.rows:
            slot, children, self.rows[key] = self.current(*key), self.child_rows(contest, code), None
            if slot:
                row = station_row(contest.form, slot)
                parts = contribution(row, contest.form.size, awaiting=bool(slot.order and not slot.standing()))
                self.rows[key] = (row, commitment(row), parts)
            elif children:
                parts = add_up([each[2] for each in children])
                row = [contest.code, code, *parts, len(children), sha256(*(each[1] for each in children))]
                self.rows[key] = (row, commitment(row), parts)
        return self.rows[key]

    def child_rows(self, contest: Row, code: str) -> list[Any]:
        rows = (self.row(contest, child) for child in sorted(self.children.get((contest.code, code), ())))
        return [row for row in rows if row is not None]

    def recap_root(self, size: int) -> bytes:  # 7.5
        tops = [self.row(contest, contest.area) for _, contest in sorted(self.contests.items())]
        leaves = [sha256(LEAF, top[1]) for top in tops if top is not None]
        return tagged(RECAP_ROOT, pack([self.ledger, size, len(leaves), merkle_root(leaves)]))

    def pages(self, size: int) -> Iterator[tuple[str, bytes]]:  # 7.4: path and bytes of every page
        for _, contest in sorted(self.contests.items()):
            levels = [digits for digits in self.digits[:-1] if digits >= len(contest.area)]
            for code in (each for digits in levels for each in self.below(contest.code, contest.area, digits)):
                if self.row(contest, code) is not None:
                    rows = [each[0] for each in self.child_rows(contest, code)]
                    yield f"recap/{size}/{contest.code}/{code or 'all'}", pack([1, size, self.row(contest, code)[0], rows])

# -------------------- 7. Totals --------------------------------------------------------------------------------------------------
RECAP_ROOT = "tally-ledger/recap/root/v1"

def broken_rules(form: Row, figures: list[Any]) -> list[str]:  # 7.1; a rule with a figure that is no integer is not evaluated
    broken = []
    for name, _, left, op, right in form.rules:
        if all(len(term) == 1 or type(figures[term[1]]) is int for term in left + right):
            a, b = (sum(term[0] * (figures[term[1]] if len(term) == 2 else 1) for term in side) for side in (left, right))
            broken += [] if (a == b if op == "=" else a <= b) else [name]
    over = any(type(each) is int and each >= 10**digits for each, digits in zip(figures, form.digits, strict=True))
    return broken + ["r13"] * over

def station_row(form: Row, slot: Slot) -> list[Any]:
    """7.2: where two events differ, the first's figures, with nil for every figure of a block in which any differs."""
    standing, figures = slot.standing(), []
    if standing:
        first, last = standing[0].figures, standing[-1].figures
        differing = {block for block, a, b in zip(form.blocks, first, last, strict=True) if a != b}
        figures = [None if block in differing else each for block, each in zip(form.blocks, first, strict=True)]
    findings, ids = sorted({finding for each in standing for finding in each.findings}), [each.id for each in standing]
    return [slot.contest, slot.station, slot.round, ids, slot.state(), figures, findings, slot.changes]

def contribution(row: list[Any], size: int, *, awaiting: bool) -> tuple[list[int], ...]:  # 7.3; `awaiting` is not in the row
    _, _, _, standing, state, figures, findings, changes = row
    present = [int(type(each) is int and state != "held") for each in figures] or [0] * size
    sums = [each if counted else 0 for each, counted in zip(figures or [0] * size, present, strict=True)]
    marks = [True, standing, state == "held", state == "differing", state == "confirmed", standing and changes, findings, awaiting]
    return sums, present, [int(bool(each)) for each in marks]

def add_up(parts: list[Any]) -> tuple[list[int], ...]:  # Item by item: sums, present, counts
    return tuple([sum(items) for items in zip(*(each[part] for each in parts), strict=True)] for part in range(3))

def commitment(row: list[Any]) -> bytes:  # 7.2, 7.3: a station's row has eight items, an area's seven
    return tagged(f"tally-ledger/recap/{'station' if len(row) == 8 else 'area'}/v1", pack(row))

# -------------------- 8. Publication and receipts --------------------------------------------------------------------------------
KIND_ED25519, KIND_COSIGNATURE = 1, 4
VerifierKey = namedtuple("VerifierKey", "name id kind public")
Note = namedtuple("Note", "text lines origin size root")  # a checkpoint; lines: (name, id, signature)
Receipt = namedtuple("Receipt", "index path note")
KEY_NAME = r"[^\s+\x00-\x1f\x7f-\x9f]+"  # 8.1: without Unicode's white space and control characters
DECIMAL = r"(0|[1-9][0-9]{0,15})"

def strict_base64(value: str, code: str) -> bytes:  # Decode, encode again, compare (section 12)
    with turning(ValueError, code, "base64"):
        data = base64.b64decode(value, validate=True)
    require(base64.b64encode(data).decode() == value, code, "base64")
    return data

def parse_vkey(value: str) -> VerifierKey:  # 8.1: `<name>+<id>+<base64 of kind || public key>`, where the id must be its own
    found = re.fullmatch(f"({KEY_NAME})" + r"\+([0-9a-f]{8})\+(.*)", value)
    require(found, "bad-vkey", "not name+id+key")
    data = strict_base64(found[3], "bad-vkey")
    own = sha256(found[1].encode() + b"\n" + data)[:4]
    require(len(data) == 33 and found[2] == own.hex() and sound_point(data[1:]), "bad-vkey", "not its own id, or its point")
    return VerifierKey(found[1], own, data[0], data[1:])

def check_log_key(value: str, origin: str | None = None) -> str:  # 6.3.1, 6.3.10
    key = parse_vkey(value)
    require(key.kind == KIND_ED25519 and origin in (None, key.name), "bad-vkey", "not of the kind and name of the log's key")
    return value

def parse_note(data: bytes) -> Note:
    """8.1: a signed note, whose text ends at the last empty line; 8.2: its text is exactly three lines."""
    with turning(ValueError, "bad-note", "not UTF-8"):
        whole = data.decode("utf-8")
    require(len(data) <= MAX_NOTE_BYTES and re.search(r"[\x00-\x09\x0b-\x1f]", whole) is None, "bad-note", "length or characters")
    text, empty_line, below = whole.rpartition("\n\n")
    require(empty_line and below.endswith("\n") and below.count("\n") <= MAX_NOTE_LINES, "bad-note", "signature lines")
    lines = []
    for line in below[:-1].split("\n"):
        found = re.fullmatch(f"\u2014 ({KEY_NAME}) ([^ ]+)", line)
        signed = strict_base64(found[2], "bad-note") if found else b""
        require(len(signed) > 4, "bad-note", "signature line")
        lines.append((found[1], signed[:4], signed[4:]))
    three = re.fullmatch(rf"([^\n]+)\n{DECIMAL}\n([^\n]+)", text)
    require(three and int(three[2]) <= MAX_INTEGER, "bad-checkpoint", "not three canonical lines")
    return Note(text + "\n", lines, three[1], int(three[2]), hash_lines(three[3], "bad-checkpoint")[0])

def hash_lines(text: str, code: str) -> list[bytes]:
    found = [strict_base64(line, code) for line in text.split("\n")]
    require(all(len(each) == HASH_BYTES for each in found), code, "not a hash")
    return found

def signed_by(note: Note, key: VerifierKey) -> bool:  # Each line of it must verify, or the note is condemned; two count once
    found = [signed for name, key_id, signed in note.lines if (name, key_id) == (key.name, key.id)]
    for signed in found:
        message = note.text.encode()
        if key.kind == KIND_COSIGNATURE:
            require(len(signed) == 72 and signed[0] < 128, "note-signature-invalid", key.name)
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signed[:8], "big") + message
            signed = signed[8:]
        check_ed25519(key.public, message, signed, key.name)
    return bool(found)

def check_note(note: Note, opening: dict[str, Any], log_key: str, quorum: int) -> None:
    """8.2, and section 9, step 1: the note is of the log with this entry 0, signed by its key at this size, and cosigned."""
    require(note.origin == opening["origin"], "checkpoint-other-origin", note.origin)
    require(signed_by(note, parse_vkey(log_key)), "note-unsigned", "no line by the log's key at this size")
    cosigned = sum(signed_by(note, parse_vkey(each)) for each in opening["witnesses"])
    require(cosigned >= quorum, "quorum-short", f"{cosigned} of {quorum}")

def key_at(size: int, keys: list[Any]) -> Any:  # of (from size, key), ascending
    return [key for start, key in keys if start <= size][-1]

def tile_path(level: int | str, tile: int, width: int) -> str:  # 8.3: 1234067 is x001/x234/067; a partial tile is `<N>.p/<W>`
    groups = [each.zfill(3) for each in f"{tile:,}".split(",")]
    name = "/".join(["x" + each for each in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < TILE_WIDTH else "")

def split_bundle(data: bytes, width: int) -> list[bytes]:  # 8.3: of each entry its length in two bytes, big-endian, then the entry
    entries, at = [], 0
    for _ in range(width):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    require(at == len(data), "bad-bundle")
    return entries

def parse_receipt(data: bytes) -> Receipt:  # 8.4; `Run.take` compares it with the log
    head, _, note = data.partition(b"\n\n")
    found = re.fullmatch(rf"c2sp\.org/tlog-proof@v1\nextra ([^\n]+)\nindex {DECIMAL}((?:\n[^\n]+)*)", head.decode("latin-1"))
    require(found and len(data) <= MAX_RECEIPT_BYTES, "bad-proof")
    strict_base64(found[1], "bad-proof")  # `extra` is for the device that holds the submission, and authenticated by nothing
    receipt = Receipt(int(found[2]), hash_lines(found[3][1:], "bad-proof") if found[3] else [], parse_note(note))
    require(receipt.index < receipt.note.size, "bad-proof", "an index beyond the tree")
    return receipt

def follow_keys(opening: Entry, chain: list[Entry]) -> tuple[list[Any], list[Any]]:
    """8.4: the log's and the sealer's keys, each with the size from which on it holds; by each `log.rekeyed` and its `approved`."""
    first, waiting = opening.event.data, dict[bytes, Entry]()
    log_keys, sealers, roots = [(0, first["log_key"])], [(0, first["sealer"][0])], [who for who, _ in first["roots"]]
    for entry in chain:
        require(entry.event.key in roots, "proof-invalid", "a rekeying that no root key signed")
        if entry.event.type == "log.rekeyed":
            waiting[entry.event.id] = entry
            continue
        proposal = waiting.pop(entry.event.data["event"], None)
        require(proposal and proposal.event.key != entry.event.key, "proof-invalid", "an approval of nothing, or by the same key")
        require(entry.time - proposal.time <= MAX_APPROVAL_MS, "proof-invalid", "approved too late")
        log_key, sealer = proposal.event.data.get("log_key"), proposal.event.data.get("sealer")
        require(log_key or sealer, "rekey-invalid")
        log_keys += [(entry.index + 1, check_log_key(log_key, first["origin"]))] if log_key else []
        sealers += [(entry.index + 1, sealer[0])] if sealer else []
    require(not waiting, "proof-invalid", "a rekeying without its approval")
    for keys in (log_keys, sealers):  # 6.3.10, steps 2 to 4, as far as the chain shows them
        require(distinct([key for _, key in keys]) and len(keys) <= MAX_REKEYINGS + 1, "proof-invalid", "a key twice, or too many")
    return log_keys, sealers

def prove(holds: object, detail: str) -> None:
    require(holds, "total-not-proven", detail)

def check_total(data: bytes, ledger_id: bytes | None, given_key: str | None) -> dict[str, Any]:  # 8.6
    proof = unpack(data, lambda value: fits(value, SHAPES["total-proof"]), "proof")  # step 1
    _, note_bytes, entries, contests, place, path, root, area, top, pages = proof
    note, opened = parse_note(note_bytes), [open_entry(raw) for raw, _ in entries]
    for entry, (raw, inclusion) in zip(opened, entries, strict=True):
        check_signatures(entry.event)
        check_inclusion(sha256(LEAF, raw), entry.index, note.size, inclusion, note.root)
    opening, later = opened[0], opened[1:]  # steps 2 and 3
    first, ledger = opening.event.data, opening.event.id
    prove(ascends([each.index for each in opened]) and opening.event.type == "election.opened", "entry 0, or the order")
    prove(opening.index == 0 and all(each.event.ledger == ledger for each in later), "entries of another ledger")
    require(ledger_id in (None, ledger), "ledger-id-other", ledger.hex())
    log_keys, sealers = follow_keys(opening, [each for each in later if each.event.type in ("log.rekeyed", "approved")])
    log_key = key_at(note.size, log_keys)
    require(given_key in (None, log_key), "log-key-other", log_key)
    check_note(note, first, log_key, first["quorum"])
    keys = {parse_vkey(each)[:2] for each in (log_key, *first["witnesses"])}
    prove(all(line[:2] in keys for line in note.lines), "a signature line of an unknown key")
    rest = sorted((each.event.type, each) for each in later if each.event.type not in ("log.rekeyed", "approved"))
    prove([name for name, _ in rest] == ["contests.listed", "forms.defined", "recap.sealed"], "entries of other types")
    listed, forms, seal = (each for _, each in rest)
    contest = next((each for each in listed.event.data["contests"] if each[0] == top[0]), None)
    form = next((each for each in forms.event.data["forms"] if contest and each[:2] == contest[3:5]), None)
    prove(contest and form and top[1] == contest[5], "another contest, form or top")
    prove(seal.index > max(forms.index, listed.index) and seal.event.data["size"] == seal.index, "the seal's place")
    prove(seal.event.key == key_at(seal.index, sealers), "the seal is not signed by the sealer")
    sealed = tagged(RECAP_ROOT, pack([ledger, seal.index, contests, root]))  # step 4
    prove(seal.event.data["root"] == sealed, "another root was sealed")
    check_inclusion(sha256(LEAF, commitment(top)), place, contests, path, root)
    rows, levels, size = {top[1]: top}, [digits for _, digits in first["levels"]], len(form[5])  # step 5
    prove(ascends([code for code, _ in pages]) and len(top[2]) == len(top[3]) == size, "order of pages, or vectors")
    for code, below in pages:
        above, digits = rows.get(code, ()), min((each for each in levels if each > len(code)), default=0)
        prove(len(above) == 7 and (area.startswith(code) or code.startswith(area)), f"a page out of place: {code}")
        stations, fitting = digits == levels[-1], [row for row in below if len(row[1]) == digits and row[1].startswith(code)]
        prove(all(len(row) == (8 if stations else 7) and row[0] == top[0] for row in below), f"rows of {code}")
        prove(fitting == below and ascends([row[1] for row in below]), f"rows of {code}")
        prove(above[5:] == [len(below), sha256(*map(commitment, below))], f"commitments of {code}")
        lengths = {len(row[5]) for row in below} - {0} if stations else {len(each) for row in below for each in row[2:4]}
        prove(lengths <= {size}, f"vectors of {code}")
        # `awaiting` (count 7) is not in a station's row: here all that show nothing are counted, and it may be less.
        parts = [contribution(row, size, awaiting=not row[3]) for row in below] if stations else [row[2:5] for row in below]
        sums, present, counts = add_up(parts)
        prove([sums, present, counts[:7]] == [*above[2:4], above[4][:7]], f"{code} does not add up")
        prove(above[4][7] <= counts[7] if stations else above[4][7] == counts[7], f"{code} does not add up")
        rows |= {row[1]: row for row in below}
    paged = {code for code, _ in pages}  # step 6
    prove(area in rows and (len(rows[area]) == 8 or area in paged), "the area's row or page is not there")
    row, whole = rows[area], all(each in paged for each in rows if len(each) < levels[-1] and each.startswith(area))
    figures = zip((each[5] for each in form[5]), *(row[2:4] if len(row) == 7 else [row[5]]), strict=False)
    shown = {"figures": [list(each) for each in figures], "counts" if len(row) == 7 else "state": row[4], "candidates": contest[6]}
    when = datetime.datetime.fromtimestamp(min(seal.time // 1000, 253_402_300_799), datetime.UTC).isoformat()
    seen = {"size": note.size, "root": note.root.hex(), "sealed_size": seal.index, "sealed_at": when}
    seen |= {"added_up_from_all_stations": whole} if len(row) == 7 else {}
    return {"ledger_id": ledger.hex(), "log_key": log_key, "contest": contest[:3], "area": area, "form": form[:2]} | shown | seen

def check_fork(data: bytes, given_key: str) -> dict[str, Any]:  # 8.7: two notes that cannot both be true
    head, _, notes = data.partition(b"\n\n")
    pattern = rf"tally-ledger/fork/v1\nlog ([!-~]+)\nfirst {DECIMAL}(?:\nroot ([^\n]+)((?:\n[^\n]+){{0,63}}))?"
    found = re.fullmatch(pattern, head.decode("latin-1"))
    require(found, "bad-evidence")
    require(found[1] == given_key, "evidence-other-log", found[1])
    key, length = parse_vkey(given_key), int(found[2])
    first, second = parse_note(notes[:length]), parse_note(notes[length:])
    for note in (first, second):
        require(key.kind == KIND_ED25519 and note.origin == key.name, "checkpoint-other-origin", note.origin)
        require(signed_by(note, key), "note-unsigned")
    require((first.size, first.root) < (second.size, second.root), "bad-evidence", "the order, or the same checkpoint twice")
    require((found[3] is None) == (first.size == second.size), "bad-evidence", "root")
    if found[3] is not None:
        root, path = hash_lines(found[3], "bad-evidence")[0], hash_lines(found[4][1:], "bad-evidence") if found[4] else []
        require(root != first.root, "evidence-void", "the second checkpoint extends the first")
        if first.size == 0:
            require(root == sha256(b"") and not path, "bad-evidence", "root or path of an empty tree")
        else:
            check_consistency(first.size, root, second.size, second.root, path)
    sides = {"first": [first.size, first.root.hex()], "second": [second.size, second.root.hex()]}
    return {"log_key": given_key, **sides, "root_of_first_size_by_second": found[3]}

# -------------------- 9. Verification --------------------------------------------------------------------------------------------
STEPS = "checkpoint and identity; entries in canonical form, in order; chain; tree, tiles and bundles; signatures; streams; "
STEPS += "authority at that height; what the acts name; totals recomputed"
AUTHORITY_CODES = "already-op not-op other-ledger key- role- level-not-e basis- beyond- opening- registrar- operator- proof- "
AUTHORITY_CODES += "point- seat-taken seat-other rotations- amendment- rekey"

class Run:
    """One pass over a publication. `files`: path and length of what is there and was not yet looked at; `sound`: no entry so far
    failed step 2, 3, 5 or the fold."""
    def __init__(self, root: str, options: argparse.Namespace) -> None:
        self.root, self.ledger_id, self.log_key = root, options.ledger_id, options.log_vkey
        self.receipts = {path: parse_receipt(read_file(path, MAX_RECEIPT_BYTES)) for path in options.receipt}
        self.seen = {path: parse_note(read_file(path, MAX_NOTE_BYTES)) for path in options.seen}
        self.seen |= {path: receipt.note for path, receipt in self.receipts.items()}
        self.failures, self.counts, self.left = {step: list[Any]() for step in range(1, 10)}, Counter[int](), set[int]()
        self.facts, self.answers, self.files, self.fold = dict[str, Any](), Counter[str](), dict[str, int](), Fold()
        self.index, self.time, self.chain, self.leaves = 0, 0, bytes(HASH_BYTES), list[bytes]()
        self.sound, self.opening = True, None

    @contextlib.contextmanager
    def at(self, step: int, path: str, entry: int | None = None) -> Iterator[None]:
        """What is broken inside is a failure of this step at this place."""
        try:
            yield
        except Broken as broken:
            self.counts[step] += 1
            if len(self.failures[step]) < MAX_FAILURES_LISTED:
                self.failures[step].append({"code": broken.code, "path": path, "entry": entry, "detail": broken.detail})

    def verify(self) -> dict[str, Any]:
        self.list_files()
        require(any(each == "checkpoint" or each.startswith("tile/") for each in self.files), "cannot-read", "no publication")
        self.left = set(range(2, 10))
        with self.at(1, "checkpoint"):
            self.head = parse_note(self.read("checkpoint", MAX_NOTE_BYTES))
            self.facts = {"origin": self.head.origin, "size": self.head.size, "root": self.head.root.hex()}
            require(self.head.size > 0 or self.log_key, "log-empty", "size 0, and no key was given")
            self.left = set()
        if not self.left:
            self.files = {path: size for path, size in self.files.items() if path not in ("checkpoint", "README.txt")}
            for raw, path in self.read_entries():
                self.take(raw, path)
            self.finish()
            self.identify()
        return self.report()

    def list_files(self) -> None:  # Links and other things are reported; folders without files are not looked at
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            for each in os.scandir(os.path.join(self.root, inner)):
                path = f"{inner}/{each.name}" if inner else each.name
                if each.is_dir(follow_symlinks=False) and path.count("/") < MAX_FOLDER_DEPTH:
                    waiting.append(path)
                elif each.is_file(follow_symlinks=False):
                    self.files[path] = each.stat(follow_symlinks=False).st_size
                else:
                    with self.at(4, path):
                        raise Broken("file-not-plain")
                require(len(self.files) + len(waiting) <= MAX_FILES, "cannot-read", "more files than any publication has")

    def read(self, path: str, limit: int) -> bytes:
        require(path in self.files, "file-missing")
        require(self.files[path] <= limit, "file-too-large")
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read(limit + 1)

    def expect(self, step: int, path: str, expected: bytes, code: str) -> None:  # The file has these bytes
        with self.at(step, path):
            require(self.files.get(path, len(expected)) == len(expected) and self.read(path, len(expected)) == expected, code)
        self.files.pop(path, None)

    def read_entries(self) -> Iterator[tuple[bytes, str]]:
        """Step 2: the bundles that the size implies, no entry more or less. Partial ones of earlier sizes hold the first."""
        for number in range(-(-self.head.size // TILE_WIDTH)):
            width, entries, length = min(TILE_WIDTH, self.head.size - number * TILE_WIDTH), [], 0
            path = tile_path("entries", number, width)
            with self.at(2, path, number * TILE_WIDTH):
                data = self.read(path, MAX_BUNDLE_BYTES)
                entries = split_bundle(data, width)
                del self.files[path]
            for count, raw in enumerate(entries, start=1):
                length += 2 + len(raw)
                earlier = tile_path("entries", number, count)
                if count < width and earlier in self.files:
                    self.expect(4, earlier, data[:length], "bundle-differs")
                yield raw, path
            if not entries:
                return

    def take(self, raw: bytes, path: str) -> None:
        """One entry, in the order of the steps. Where the recap of so many entries is there, step 9 is made for it first."""
        entry, event, place = None, None, (path, self.index)
        if self.sound and self.index > 0 and f"recap/{self.index}/recap_root" in self.files:
            self.check_recap(self.index)
        with self.at(2, *place):
            entry = open_entry(raw)
            require(entry.index == self.index, "index-wrong")
            require(entry.time >= self.time, "time-backwards")
            self.time, event = entry.time, entry.event
        with self.at(3, *place):
            require(entry is None or entry.chain == self.chain, "chain-broken")
        with self.at(5, *place):
            self.left |= set() if event else {3, 5}
            check_signatures(event) if event else None
        self.sound = self.sound and not self.left and not self.counts[3] and not self.counts[5]
        self.chain = sha256(LEAF, raw)
        self.leaves.append(self.chain)
        for name, receipt in self.receipts.items():  # 8.4
            if receipt.index == self.index:
                with self.at(4, name, self.index):
                    check_inclusion(self.chain, self.index, receipt.note.size, receipt.path, receipt.note.root)
        if self.index == 0 and event and event.type == "election.opened":
            self.opening, self.facts["ledger_id"] = event, event.id.hex()
        try:  # steps 6 to 8
            self.answers[self.fold.take(event, self.index, self.time) if self.sound else "not evaluated"] += 1
        except Refused as refused:
            self.sound, code = False, refused.code
            with self.at(6 if code.startswith("stream-") else 7 if code.startswith(tuple(AUTHORITY_CODES.split())) else 8, *place):
                raise Broken(code, f"{event.type} {refused.detail}") from refused
        self.index += 1

    def check_tiles(self) -> None:  # Step 4: every tile, and partial ones of earlier sizes, which hold its first hashes
        level, items = 0, self.leaves
        while items:
            for number in range(-(-len(items) // TILE_WIDTH)):
                tile = items[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
                for width in range(1, len(tile) + 1):
                    path = tile_path(level, number, width)
                    if width == len(tile) or path in self.files:
                        self.expect(4, path, b"".join(tile[:width]), "tile-differs")
            full = range(0, len(items) - TILE_WIDTH + 1, TILE_WIDTH)
            level, items = level + 1, [merkle_root(items[at : at + TILE_WIDTH]) for at in full]

    def check_recap(self, size: int) -> None:  # Step 9: these files, byte for byte, none missing; what is more stays in `files`
        self.expect(9, f"recap/{size}/recap_root", self.fold.recap_root(size), "recap-root-differs")
        for path, expected in self.fold.pages(size):
            self.expect(9, path, expected, "recap-differs")

    def finish(self) -> None:
        """What steps 4 and 9 can say at the end only: the root, the last recap, and what no log of this size has."""
        head, complete = self.head, self.index == self.head.size
        self.left |= set() if complete else {2, 3, 4, 5}
        self.left |= set() if complete and self.sound else {6, 7, 8, 9}
        for name, note in self.seen.items():
            with self.at(4, name):
                require(note.size <= head.size, "log-shrank", f"{note.size} entries were seen before")
                root = merkle_root(self.leaves[: note.size])
                require(note.size > self.index or note.root == root, "history-rewritten", f"another root at size {note.size}")
        if not complete:
            return
        self.check_tiles()
        with self.at(4, "checkpoint"):
            require(merkle_root(self.leaves) == head.root, "root-differs")
        if self.sound and head.size > 0:
            self.check_recap(head.size)
            tops = {name: self.fold.row(contest, contest.area) for name, contest in sorted(self.fold.contests.items())}
            self.facts["totals"] = {name: top and {"sums": top[2][0], "counts": top[2][2]} for name, top in tops.items()}
        for path in sorted(self.files):  # a recap of size 0, or of a later size, no log of this size has: step 4
            recap = re.match("recap/([1-9][0-9]{0,15})/", path)
            own = recap is not None and int(recap[1]) <= head.size
            with self.at(9 if own else 4, path):
                require(own and not self.sound, "file-stray")

    def identify(self) -> None:  # Step 1; the log's keys are those that the fold reached
        head, given, opening = self.head, self.log_key, self.opening and self.opening.data
        if head.size == 0:
            opening = {"origin": parse_vkey(given).name, "log_key": given, "witnesses": [], "quorum": 0}
        if opening is None:
            self.left |= {1, 4} if self.seen else {1}
            return
        log_keys = self.fold.log_keys or [(0, opening["log_key"])]
        self.facts["log_key"] = key_at(head.size, log_keys)
        with self.at(1, "checkpoint", 0):
            require(head.size or self.ledger_id is None, "log-empty", "the ledger of this id has an entry")
            require(self.opening is None or self.ledger_id in (None, self.opening.id), "ledger-id-other")
            require(given in (None, self.facts["log_key"]), "log-key-other")
        for name, note in [("checkpoint", head), *self.seen.items()]:
            with self.at(1 if note is head else 4, name):
                check_note(note, opening, key_at(note.size, log_keys), opening["quorum"] if note is head else 0)

    def report(self) -> dict[str, Any]:
        verdicts = {n: "fail" if self.counts[n] else "not evaluated" if n in self.left else "pass" for n in self.failures}
        missed = [f"step {step} {verdict}" for step, verdict in verdicts.items() if verdict != "pass"]
        checked = self.ledger_id is not None and self.opening is not None and not missed
        sentence = f"every signature, authority and total of {self.index} entries was recomputed from the published files"
        if missed:
            sentence = "NOT VERIFIED: " + ", ".join(missed) + "."
        elif checked:
            sentence = f"Verified: {sentence}, and the ledger is the one whose id was given."
        else:
            sentence = f"Consistent in itself, identity not checked: {sentence}; no ledger id was given, or there is no entry yet."
        keys = ("step", "name", "verdict", "places", "failures")
        rows = ((n, name, verdicts[n], self.counts[n], self.failures[n]) for n, name in enumerate(STEPS.split("; "), start=1))
        whole = {"verified": not missed, "identity_checked": checked, "steps": [dict(zip(keys, row, strict=True)) for row in rows]}
        return whole | self.facts | {"answers": self.answers, "sentence": sentence}

# -------------------- Command line -----------------------------------------------------------------------------------------------
def show(whole: dict[str, Any]) -> None:  # Names and details may hold anything, so they are printed as JSON
    for step in whole.get("steps", []):
        print(f"{step['step']}. {step['name']}: {step['verdict']}" + (f" ({step['places']} places)" if step["places"] else ""))
        for each in step["failures"]:
            print(f"     {each['code']}: {json.dumps(each['path'])}, entry {each['entry']} {json.dumps(each['detail'])}")
    for name in (each for each in whole if each not in ("steps", "sentence")):
        print(f"{name}: " + json.dumps(whole[name]).replace("], [", "],\n    ["))
    print(whole["sentence"])

def ledger_id(value: str) -> bytes:
    require(re.fullmatch("[0-9a-f]{64}", value), "bad-hex")
    return bytes.fromhex(value)

def read_file(path: str, limit: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    require(len(data) <= limit, "file-too-large", path)
    return data

def examine(options: argparse.Namespace) -> dict[str, Any]:
    if options.folder is not None:
        return Run(options.folder, options).verify()
    try:
        if options.total is not None:
            facts = check_total(read_file(options.total, MAX_TOTAL_BYTES), options.ledger_id, options.log_vkey)
            return {"verified": True, **facts, "sentence": "Proven: the log signed this total, and its sealer sealed it."}
        facts = check_fork(read_file(options.fork, MAX_TOTAL_BYTES), options.log_vkey)
        return {"verified": True, **facts, "sentence": "Proven: the log signed two checkpoints that cannot both be true."}
    except Broken as broken:
        return {"verified": False, "code": broken.code, "detail": broken.detail, "sentence": "NOT PROVEN by this file."}

def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a published election tally ledger, independently of the program.")
    parser.add_argument("folder", nargs="?", help="the published folder")
    parser.add_argument("--ledger-id", type=ledger_id, metavar="HEX", help="the ledger's id, from the gazette or a printed form")
    parser.add_argument("--log-vkey", type=check_log_key, metavar="VKEY", help="the log's verifier key, from the same")
    parser.add_argument("--seen", action="append", default=[], metavar="FILE", help="a checkpoint that you saw of this log")
    parser.add_argument("--receipt", action="append", default=[], metavar="FILE", help="a receipt that a device had of this log")
    parser.add_argument("--total", metavar="FILE", help="check a proof of a total")
    parser.add_argument("--fork", metavar="FILE", help="check evidence of a fork")
    parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")
    options = parser.parse_args()
    if [options.folder, options.total, options.fork].count(None) != 2:
        parser.error("give one of FOLDER, --total FILE and --fork FILE")
    if options.log_vkey is None and (options.fork or (options.total and options.ledger_id is None)):
        parser.error("say whose log it is: --log-vkey, or for a total --ledger-id")
    try:
        whole = examine(options)
    except (Broken, OSError) as error:
        whole = {"verified": False, "code": "cannot-read", "detail": str(error), "sentence": "CANNOT BE READ."}
    print(json.dumps(whole, indent=1)) if options.json else show(whole)
    return 4 if whole.get("code") == "cannot-read" else 0 if whole["verified"] else 1

if __name__ == "__main__":
    sys.exit(main())
