#!/usr/bin/env python3
"""A second, stand-alone verifier of a published election tally ledger.

    python tools/verify_ledger.py FOLDER [--ledger-id HEX] [--seen CHECKPOINT] [--json]

It was written from docs/FORMATS.md and from published folders alone, by someone who has not read the program under src/: two
programs that agree are worth more than one that is trusted. It reads a published folder, recomputes everything in it from the
entries, and says at which place something differs.

How to read it: the parts stand in the order of docs/FORMATS.md and carry its section numbers. Begin with section 9, `Run.take`,
which handles one entry. `Broken` says that published bytes are wrong. `Refused` (which also stands for "waiting") says that an
entry could never have been appended: its log is not verified. `Void` says that an entry stands in the log without effect: that is
no fault. In section 6 `must(...)` refuses and `want(...)` makes void. FINDING marks a place where the document can be read in two
ways, and says what is assumed.

Memory: the election's state, the paths of the folder's files, and one bundle of entries at a time.
Exit status: 0 verified, 1 not verified, 2 usage, 4 cannot read.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import functools
import hashlib
import json
import os
import re
import sys
from collections import ChainMap, Counter, namedtuple
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

# -------------------- 0. Limits (section 10), and how a failure is said ----------------------------------------------------------

MAX_INTEGER, MAX_FIGURE, MAX_TERM, MAX_PHOTO_BYTES = 2**53 - 1, 999_999, 10_000_000, 2**40
MAX_ENTRY_BYTES, MAX_NOTE_BYTES, MAX_NOTE_LINES = 65_535, 1_000_000, 100
MAX_ROUND, MAX_ROTATIONS, MAX_APPROVAL_MS = 9, 8, 86_400_000
MAX_FILES, MAX_FOLDER_DEPTH = 4_000_000, 12  # ours: far above a nation's stations, contests and sizes
MAX_FAILURES_LISTED = 50  # ours, for each step; all are counted
TILE_WIDTH, HASH_BYTES = 256, 32
MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)


class Broken(Exception):  # Published bytes are not what they must be
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail


class Refused(Broken):
    """This entry could never have been appended (refused or waiting, section 6)."""


class Void(Broken):
    """This entry stands in the log and has no effect."""


class CannotRead(Exception):
    """The folder or a file of it cannot be read at all."""


def require(holds: object, code: str, detail: str = "") -> None:
    if not holds:
        raise Broken(code, detail)


# -------------------- 1. Canonical MessagePack -----------------------------------------------------------------------------------

Check = Callable[[Any], bool]
UNPACK_ERRORS = (ValueError, TypeError, OverflowError, RecursionError, MemoryError, msgpack.exceptions.UnpackException)


def in_key_order(value: Any) -> Any:
    """The same value with every map's keys ascending. Called after the schema check, which bounds the depth."""
    if type(value) is dict:
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(item) for item in value] if type(value) in (list, tuple) else value


def pack(value: Any) -> bytes:  # mp[...] of the document: the one canonical form
    return msgpack.packb(in_key_order(value), use_bin_type=True)


def unpack(data: bytes, check: Check, what: str) -> Any:
    """Decode, check the schema, encode again, compare (section 1, last paragraphs)."""
    try:
        value = msgpack.unpackb(data, raw=False, strict_map_key=True, unicode_errors="strict")
    except UNPACK_ERRORS as error:
        raise Broken("not-msgpack", f"{what}: {type(error).__name__}") from error
    require(check(value), "schema", what)
    require(pack(value) == data, "not-canonical", what)
    return value


def uint(low: int = 0, high: int = MAX_INTEGER) -> Check:  # An integer, and no boolean or float that equals one
    return lambda value: type(value) is int and low <= value <= high


def binary(low: int, high: int) -> Check:
    return lambda value: type(value) is bytes and low <= len(value) <= high


def letters(expression: str) -> Check:
    pattern = re.compile(expression, re.ASCII)
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def any_of(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def nil(value: Any) -> bool:
    return value is None


def many(low: int, high: int, item: Check) -> Check:
    return lambda value: type(value) is list and low <= len(value) <= high and all(item(each) for each in value)


def fields(*items: Check) -> Check:  # A row: an array of exactly these
    return lambda value: (
        type(value) is list and len(value) == len(items) and all(map(lambda check, each: check(each), items, value))
    )


def record(keys: dict[str, Check]) -> Check:
    """A map with exactly these keys; one written with a question mark may be absent. Says which key is wrong."""
    checks = {name.rstrip("?"): check for name, check in keys.items()}
    needed = {name for name in keys if not name.endswith("?")}

    def check(value: Any) -> bool:
        require(type(value) is dict and all(type(key) is str for key in value), "schema", "not a map")
        require(needed <= set(value) <= set(checks), "schema", "keys: " + ", ".join(sorted(needed ^ set(value))[:5]))
        for key, inner in value.items():
            require(checks[key](inner), "schema", key)
        return True

    return check


LAST_TWO_OF_PLANES = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
TEXT = "[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef" + LAST_TWO_OF_PLANES + "]{1,120}"

# -------------------- 2. Hashes and signatures -----------------------------------------------------------------------------------

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
ED_SMALL_ORDER = {0, 1, ED_P - 1, ED_Y8, ED_P - ED_Y8}


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def tagged(tag: str, data: bytes) -> bytes:  # T(tag, data)
    return sha256(tag.encode("ascii") + b"\n" + data)


@functools.lru_cache(maxsize=4096)
def p256_key(encoded: bytes) -> ec.EllipticCurvePublicKey:  # `point-invalid` unless it is 04 || X || Y and on the curve
    try:
        require(len(encoded) == 65 and encoded[0] == 4, "point-invalid")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except ValueError as error:
        raise Broken("point-invalid") from error


def check_p256(encoded: bytes, digest: bytes, raw_signature: bytes, what: str) -> None:
    """ECDSA over P-256; the digest is signed as it is; a high s is good (section 2)."""
    key = p256_key(encoded)
    r, s = int.from_bytes(raw_signature[:32], "big"), int.from_bytes(raw_signature[32:], "big")
    require(0 < r < P256_ORDER and 0 < s < P256_ORDER, "signature-invalid", f"{what}: r or s out of range")
    try:
        key.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature as error:
        raise Broken("signature-invalid", what) from error


def check_ed25519(public: bytes, message: bytes, raw_signature: bytes, name: str) -> None:
    """Ed25519 with the refusals of section 12, on which libraries differ."""
    ys = [int.from_bytes(encoded, "little") & (2**255 - 1) for encoded in (public, raw_signature[:32])]
    honest = all(y < ED_P and y not in ED_SMALL_ORDER for y in ys) and int.from_bytes(raw_signature[32:], "little") < ED_L
    try:
        require(honest and len(raw_signature) == 64, "note-signature-invalid", f"{name}: length, point or S")
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(raw_signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Broken("note-signature-invalid", name) from error


def check_possession(ledger: bytes, who: bytes, role: str, scope: str, seat: str, proof: bytes) -> None:
    signed = tagged("tally-ledger/possession/v1", pack([ledger, who, role, scope, seat]))
    check_p256(who, signed, proof, f"possession of {role} {seat}")


# -------------------- 3. Submission ----------------------------------------------------------------------------------------------

# `id` is the event id; the others are the payload's, and the submission's signature.
Event = namedtuple("Event", "id signature key ledger position previous type data")


def payload_schema(value: Any) -> bool:  # The seven keys, then `data` by its type (steps 2 to 4)
    head = {"claimed_at": "u", "key": "point", "position": "u", "type": "act"}
    checks = {key: KINDS[kind] for key, kind in head.items()} | {"data": lambda each: type(each) is dict}
    record(checks | dict.fromkeys(("ledger", "previous"), any_of(nil, KINDS["hash"])))(value)
    name = value["type"]
    require(name not in LATER_TYPES, "type-later", name)
    require(name in SCHEMAS, "type-unknown", name)
    require((value["ledger"] is None) == (name == "election.opened"), "schema", "ledger")
    require((value["previous"] is None) == (value["position"] == 0), "schema", "previous")
    return SCHEMAS[name](value["data"])


def open_payload(payload: bytes, raw_signature: bytes) -> Event:
    """Steps 1 to 4: shape and canonical form. Signatures are looked at by `check_signatures`."""
    value = unpack(payload, payload_schema, "payload")
    named = {key: value[key] for key in ("key", "ledger", "position", "previous", "type", "data")}
    return Event(id=tagged("tally-ledger/event/v1", payload), signature=raw_signature, **named)


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
        check_possession(ledger, data["sealer"][0], "sealer", "", "sealer", data["sealer"][1])
    for body, who, scope, _, proof in data.get("registrars", []):  # of election.opened and election.amended
        check_possession(ledger, who, "registrar", scope, body, proof)
    check_p256(event.key, event.id, event.signature, "the event's signature")


# -------------------- 4. Entries, chain, and the Merkle tree of RFC 6962 ---------------------------------------------------------

ENTRY = fields(uint(1, 1), uint(), binary(32, 32), uint(), fields(binary(0, MAX_ENTRY_BYTES), binary(64, 64)))


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


class Frontier:  # The roots of the perfect subtrees that cover the leaves so far: enough to append and to give the root
    def __init__(self) -> None:
        self.size, self.subtrees = 0, list[bytes]()

    def add(self, leaf: bytes) -> None:
        self.subtrees.append(leaf)
        self.size += 1
        trailing = self.size
        while trailing % 2 == 0:
            right = self.subtrees.pop()
            self.subtrees[-1] = sha256(b"\x01" + self.subtrees[-1] + right)
            trailing //= 2

    def root(self) -> bytes:
        return functools.reduce(lambda right, left: sha256(b"\x01" + left + right), reversed(self.subtrees or [sha256(b"")]))


def merkle_root(leaves: list[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


# -------------------- 5. Event types ---------------------------------------------------------------------------------------------

ROLES = ("administrator", "agent", "importer", "officer", "operator", "registrar", "supervisor")
KINDS: dict[str, Check] = {"text": letters(TEXT), "u": uint(), "voters": any_of(nil, uint(0, 999_999))}
KINDS |= {"point": binary(65, 65), "signature": binary(64, 64), "hash": binary(32, 32), "role": letters("|".join(ROLES))}
KINDS |= {"figure": any_of(nil, letters("x|-"), uint(0, MAX_FIGURE)), "total": any_of(nil, letters("x|-"), uint())}
KINDS |= {"code": letters("[a-z0-9-]{1,32}"), "area": letters("[0-9]{0,16}"), "station": letters("[0-9]{1,16}")}
KINDS |= {"day": letters("[0-9]{4}-[0-9]{2}-[0-9]{2}"), "zone": letters("[A-Za-z0-9+_/-]{1,40}"), "act": letters("[a-z.]{1,40}")}
KINDS |= {"vkey": letters("[!-~]{1,255}"), "origin": letters("[!-*,-~]{1,128}"), "document": letters("[ -~]{1,64}")}


def schema(source: str) -> Check:
    """A kind by its name, or: `2..8` an integer; `a|b` a word; `[0..8 X]` a list of that many X; `(X Y)` a row of X and Y."""
    words = re.findall(r"\[|\]|\(|\)|[^\s\[\]()]+", source)

    def take() -> Check:
        word, items = words.pop(0), list[Check]()
        if word == "[":
            low, high = words.pop(0).split("..")
            items.append(take())
            words.pop(0)
            return many(int(low), int(high), items[0])
        if word == "(":
            while words[0] != ")":
                items.append(take())
            words.pop(0)
            return fields(*items)
        if ".." in word:
            return uint(*map(int, word.split("..")))
        return KINDS[word] if word in KINDS else letters(word)

    return take()


# A name for a schema that several types share. A term of a rule's side is [constant] or [coefficient, figure index].
SHARED_SCHEMAS = f"""
photos = [0..12 (1..99 hash 0..{MAX_PHOTO_BYTES})]
cutoffs = [0..8 (role u)]
deadlines = [0..32 (code u u)]
powers = [0..40 (act [0..8 code] 0..1)]
registrars = [1..32 (code point area [1..8 role] signature)]
arearow = (area text)
stationrow = (station text zone voters voters [1..8 code])
votersrow = (station code voters voters)
side = [1..64 [1..2 0..{MAX_TERM}]]
formfigure = (code 0..31 0..99 1..6 text text)
form = (code 1..999 text text [1..32 (code text text)] [1..128 formfigure] [0..128 (code error|warning side =|<= side)])
contestrow = (code text text code 1..999 area [1..99 (1..99 text candidate|empty-box)] [0..8 code] code)
marks = [0..99 signed|refused|absent]
ref = (area 0..{MAX_ROUND} hash)
"""
for line in SHARED_SCHEMAS.strip().split("\n"):
    KINDS[line.split(" = ", 1)[0]] = schema(line.split(" = ", 1)[1])

# Each type: its keys and their schemas, as in the tables of 5.1 to 5.30; `&` takes in a line above.
SCHEMA_LINES = """
election.opened: cutoffs cutoffs; day day; deadlines? deadlines; kind official|rehearsal|synthetic|import; log_key vkey; name text;
  levels [2..8 (code 0..16)]; origin origin; powers? powers; quorum 0..32; registrars registrars; roots [2..32 (point signature)];
  sealer (point signature); second_seats [0..32 act]; witnesses [0..32 vkey]; zones [1..32 zone]
keys.enrolled: keys [1..200 (point role area code u [0..1 signature])]
key.revoked: key point; last_good? u; note? hash; reason code; suspect_since? u
forms.defined: forms [1..32 form]
contests.listed: contests [1..200 contestrow]; facts? [1..200 (code plurality|two-round 0..1000000000)]
jurisdictions.listed: areas [0..1000 arearow]; stations [0..1000 stationrow]; voters? [1..1000 votersrow]
slot: contest code; round 0..9; station station
tally.submitted: &slot; agents? marks; crew? 0..9; figures [0..128 figure]; form (code 1..999); photos photos;
  source plano|copy|import
tally.corrected: &tally.submitted; basis? document; note? hash; reason code; supersedes [1..8 hash]
tally.held: &slot; basis? document; note? hash; reason code
tally.released: &tally.held
tally.withdrawn: &tally.held; withdraws [1..8 hash]
finding.explained: &tally.held; event hash; findings [1..32 code]
tally.attested: &slot; event hash; figures? [0..128 figure]; note? hash; photos photos
recap.read: contest code; note? hash; rows [1..500 ref]
recap.certified: agents? marks; area area; commitment hash; contest code; differences [0..128 (0..127 code)]; held_at u;
  document document; missing [0..500 (area code [0..1 document])]; note? hash; paper [0..128 total]; photos photos; size u;
  sums [0..128 u]
recap.reopened: area area; basis document; certificate hash; contest code; note? hash; reason code; stations [0..200 station]
recap.sealed: root hash; size u
objection.raised: code area; contest code; event? hash; ground code; note? hash; photos photos
objection.settled: basis? document; corrections [0..8 ref]; note? hash; objection hash; reason code;
  outcome accepted|repaired|rejected|carried|withdrawn|court
recommendation.issued: codes [1..200 area]; contest code; deadline u; ground code; kind psu|psl|pss|pssu|correction|other;
  note? hash; number document
recommendation.answered: answer executed|refused; basis? document; events [0..32 hash]; note? hash; reason code; recommendation hash
incident.recorded: basis? document; code area; contest? code; kind code; note? hash; photos photos
vote.postponed: basis document; contest code; kind psl|pss|resumed; note? hash; reason code; stations [1..200 station]; until day
revote.ordered: basis document; contest code; day day; kind psu|psu-mk; note? hash; reason code; stations [1..200 station]
revote.withdrawn: basis document; note? hash; order hash; reason code
approved: event hash
key.rotated: point point; proof signature; reason code; seat code
election.amended: basis document; cutoffs? cutoffs; deadlines? deadlines; powers? powers; reason code; registrars? registrars;
  second_seats? [0..32 act]
candidate.changed: basis document; change withdrawn|disqualified|replaced|restored; contest code; name? text; number 1..99;
  reason code
jurisdictions.amended: added [0..200 stationrow]; areas [0..200 arearow]; basis document; cancelled [0..200 station]; reason code;
  corrected [0..200 stationrow]; merged [0..200 (station station)]; voters [0..200 votersrow]
"""


def read_schemas() -> dict[str, dict[str, Check]]:
    found: dict[str, dict[str, Check]] = {}
    for line in SCHEMA_LINES.strip().replace(";\n  ", "; ").split("\n"):
        name, keys = line.split(": ", 1)
        each_key = [each.split(" ", 1) for each in keys.split("; ")]
        found[name] = {key: schema(source[0]) for key, *source in each_key if source}
        for taken in (key[1:] for key, *source in each_key if not source):
            found[name] |= found[taken]
    return {name: keys for name, keys in found.items() if name != "slot"}


SCHEMA_KEYS = read_schemas()
SCHEMAS = {name: record(keys) for name, keys in SCHEMA_KEYS.items()}
LATER_TYPES = {"attachment.restored", "attachment.withheld", "log.rekeyed"}
TYPES_WITH_BASIS = {name for name, keys in SCHEMA_KEYS.items() if "basis" in keys or "basis?" in keys}  # for 6.3.6, powers

# -------------------- 6. The fold, and 7. totals and recap pages -----------------------------------------------------------------

# 6.1 State. Rows are SimpleNamespaces, made where they begin: keys in `enrol`, certificates in `recap_certified`, and so on.
Row = SimpleNamespace
Steps = Iterator[None]
COUNTING_ROLES = {"administrator", "importer", "officer", "operator", "registrar"}
WATCHING_ROLES = {"agent", "supervisor"}
NEVER_SECOND = set("approved election.opened key.revoked key.rotated recap.sealed tally.held tally.submitted".split())
RULE_NAMES = ("second_seats", "cutoffs", "powers", "deadlines")


def must(*pairs: Any) -> None:
    """must(holds, code, holds, code, ...): the first that does not hold refuses the entry, and with it the log."""
    for holds, code in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds:
            raise Refused(code)


def want(*pairs: Any) -> None:  # want(holds, code, holds, code, ...): the first that does not hold makes the entry void
    for holds, code in zip(pairs[::2], pairs[1::2], strict=True):
        if not holds:
            raise Void(code)


def known(row: Any, void_code: str) -> Any:
    want(row is not None, void_code)
    return row


def ascends(values: list[Any]) -> bool:  # Bytewise, strictly. All codes are ASCII, so the order of texts is that of their bytes.
    return all(left < right for left, right in pairwise(values))


def distinct(values: list[Any]) -> bool:
    return len(set(values)) == len(values)


def is_date(value: str) -> bool:  # FINDING (6.3.1, 6.8): the year 0000 is taken for no date of the Gregorian calendar
    try:
        return bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


class Slot:  # 6.4: a tally's place, of one contest, station and round
    def __init__(self, contest: str, station: str, number: int, index: int, order: int) -> None:
        self.contest, self.station, self.round, self.opened, self.changed, self.order = (
            contest,
            station,
            number,
            index,
            index,
            order,
        )
        self.seats: dict[str, Row] = {}
        self.decided: Row | None = None
        self.held = self.changes = self.read = self.annulled = self.postponed = 0

    def standing(self) -> list[Row]:
        return [self.decided] if self.decided else [self.seats[seat] for seat in sorted(self.seats)]

    def find(self, event: bytes) -> Row | None:
        return next((each for each in self.standing() if each.id == event), None)

    def state(self) -> str:  # 6.5: the first that fits
        standing = self.standing()
        if self.annulled or not standing or self.held:
            return "annulled" if self.annulled else "none" if not standing else "held"
        if len(standing) == 2:
            return "confirmed" if standing[0].figures == standing[1].figures else "differing"
        return "corrected" if standing[0].corrects else "single"


def in_force(certificate: Row | None) -> bool:
    return certificate is not None and certificate.reopened is None and certificate.renew == 0


def binds(certificate: Row, slot: Slot) -> bool:  # 6.6; reopened for no named station is reopened for all
    reopened = certificate.reopened
    return slot.opened <= certificate.index and (reopened is None or (bool(reopened) and slot.station not in reopened))


class Act:
    """One act by one key at one place of the log: what the checks below look at. `over`: it reaches over a lower certificate."""

    def __init__(
        self, key: Row, event_type: str, data: Any, event: bytes, index: int, time: int, approver: Row | None = None
    ) -> None:
        self.key, self.type, self.data, self.event, self.index, self.time = key, event_type, data, event, index, time
        self.scope, self.operator, self.approver, self.over, self.noted = (
            key.scope,
            key.role == "operator",
            approver,
            False,
            list[str](),
        )

    def within(self, place: str) -> None:
        must(place.startswith(self.scope), "beyond-scope")

    def note(self, *pairs: Any) -> bool:
        """Void codes in square brackets (6.3): the first that does not hold is noted, and the checks go on."""
        missed = [code for holds, code in zip(pairs[::2], pairs[1::2], strict=True) if not holds]
        self.noted += missed[:1]
        return not missed

    def settle(self) -> None:
        want(not self.noted, self.noted and self.noted[0])


def authority_holds(rules: dict[str, Any], named: list[Any], levels: list[Any]) -> bool:
    """6.3.6, over `rules` (second_seats, cutoffs, powers) and the registrars that the event names."""
    seconds, powers, roles = rules["second_seats"], rules.get("powers", []), [set(row[3]) for row in named]
    return (
        not any(may & COUNTING_ROLES and may & WATCHING_ROLES for may in roles)
        and all("operator" in may for may in roles if "registrar" in may)
        and distinct([(row[2], row[0]) for row in named])
        and distinct([role for role, _ in rules["cutoffs"]])
        and ascends(seconds)
        and set(seconds) <= set(SCHEMAS) - NEVER_SECOND
        and ascends([name for name, _, _ in powers])
        and {name for name, _, _ in powers} <= set(SCHEMAS) - {"approved", "election.opened"}
        and all(set(names) <= {level for level, _ in levels} for _, names, _ in powers)
        and all(basis == 0 or name in TYPES_WITH_BASIS for name, _, basis in powers)
    )


def opening_holds(event: Event) -> bool:  # 6.3.1
    data, roots = event.data, [who for who, _ in event.data["roots"]]
    try:
        log_key, witnesses = parse_vkey(data["log_key"]), [parse_vkey(each) for each in data["witnesses"]]
    except Broken:
        return False
    return (
        (event.key in roots and event.position == 0 and is_date(data["day"]))
        and ascends([digits for _, digits in data["levels"]])
        and distinct([name for name, _ in data["levels"]])
        and distinct([*roots, *(row[1] for row in data["registrars"]), data["sealer"][0]])
        and distinct(data["zones"])
        and (log_key.kind, log_key.name) == (KIND_ED25519, data["origin"])
        and all(each.kind == KIND_COSIGNATURE for each in witnesses)
        and distinct(data["witnesses"])  # FINDING: of the keys as texts; two names for one public key would pass
        and data["quorum"] <= len(witnesses)
        and authority_holds(data, data["registrars"], data["levels"])
    )


def form_of(definition: list[Any]) -> Row:  # Section 5.4: what a definition must also hold
    blocks, rows, rules = definition[4:]
    numbers = sorted(each[2] for each in rows if each[2])
    terms = [each for rule in rules for each in rule[2] + rule[4]]
    must(
        all(distinct([each[0] for each in named]) for named in (blocks, rows, rules))
        and all(each[1] < len(blocks) for each in rows)
        and all(len(each) == 1 or each[1] < len(rows) for each in terms)
        and numbers == list(range(1, len(numbers) + 1))
        and all(rule[0] != "r13" for rule in rules),
        "form-invalid",
    )
    blocks_of, digits = [each[1] for each in rows], [each[3] for each in rows]
    return Row(key=definition[:2], blocks=blocks_of, digits=digits, size=len(rows), candidates=len(numbers), rules=rules)


class Fold:
    """The state and the acts on it. An act is a generator: all checks, then `yield`, then the effect. So the checks can be made
    without the effect, for a second seat (6.10). Attestations, explanations, incidents, voters' lists and the count of corrections
    over a certificate decide nothing and are on no page: their acts are checked and nothing is kept of them."""

    def __init__(self) -> None:
        self.ledger: bytes | None = None
        self.opening: dict[str, Any] = {}
        self.rules: dict[str, list[Any]] = {}  # second_seats, cutoffs, powers, deadlines as they are at present
        self.digits: list[int] = []  # the levels' code lengths
        self.upper: dict[str, int] = {}  # the same by name, without the last level
        self.forms, self.contests, self.candidates = dict[Any, Row](), dict[str, Row](), dict[Any, str]()
        self.areas: dict[str, Row | None] = {}  # a station's `contests` and `gone`; None for an area above
        self.keys, self.streams = dict[bytes, Row](), dict[bytes, tuple[int, bytes | None]]()
        self.seats: dict[Any, bytes | None] = {}  # by (role, scope, seat). None: vacant, and had a key before
        self.slots: dict[tuple[str, str], dict[int, Slot]] = {}  # by contest and station, then round
        self.certificates: dict[tuple[str, str], Row] = {}  # by contest and area
        self.pending, self.objections, self.recommendations, self.revotes = ({}, {}, {}, {})  # by event id
        self.children: dict[tuple[str, str], set[str]] = {}  # what lies below an area, for one contest
        self.rows: dict[tuple[str, str], Any] = {}  # section 7's rows, until a slot below changes

    # Looking up, and the small effects.

    def levels_of(self, contest: str) -> list[int]:  # Code lengths from the contest's own area down to the stations
        return [digits for digits in self.digits if digits >= len(self.contests[contest].area)]

    def is_station(self, name: str) -> bool:
        return len(name) == self.digits[-1]

    def open_slot(self, contest: str, station: str, number: int, index: int, order: int = 0) -> None:
        slot, levels = Slot(contest, station, number, index, order), self.levels_of(contest)
        self.slots.setdefault((contest, station), {})[number] = slot
        for above, below in pairwise(levels):
            self.children.setdefault((contest, station[:above]), set()).add(station[:below])
        self.touch(slot)

    def touch(self, slot: Slot) -> None:  # Forget the rows that this slot is summed in
        for digits in self.levels_of(slot.contest):
            self.rows.pop((slot.contest, slot.station[:digits]), None)

    def annul(self, slot: Slot, index: int, annulled: int) -> None:
        """6.3.9, 6.8."""
        slot.annulled, slot.changed = annulled, index
        self.touch(slot)

    def slots_of(self, contest: str, station: str) -> dict[int, Slot]:
        return self.slots.get((contest, station), {})

    def current(self, contest: str, station: str) -> Slot | None:
        return next((slot for slot in self.slots_of(contest, station).values() if not slot.annulled), None)

    def below(self, contest: str, area: str, digits: int) -> Iterator[str]:
        """The areas (or stations) of that code length inside `area` that ever held a slot of the contest, in code order."""
        if len(area) == digits:
            yield area
            return
        for child in sorted(self.children.get((contest, area), ())):
            yield from self.below(contest, child, digits)

    def above(self, contest: str, code: str) -> list[Row]:
        """The certificates above a station or area, itself included, from the highest level down (6.6)."""
        found = (self.certificates.get((contest, code[:digits])) for digits in self.digits[:-1] if digits <= len(code))
        return [each for each in found if each is not None]

    def in_force_above(self, contest: str, code: str) -> list[Row]:
        return [each for each in self.above(contest, code) if in_force(each)]

    def binding(self, slot: Slot) -> list[Row]:
        return [each for each in self.above(slot.contest, slot.station) if binds(each, slot)]

    def locked_for(self, slot: Slot, key: Row) -> bool:  # 6.6; the deciding level's codes are as long as the contest's area
        deciding = len(self.contests[slot.contest].area)
        return any(len(each.area) <= len(key.scope) or len(each.area) == deciding for each in self.binding(slot))

    def contest(self, act: Act) -> Row:
        must(act.data["contest"] in self.contests, "contest-unknown")
        return self.contests[act.data["contest"]]

    def enrol(self, point: bytes, role: str, scope: str, seat: str, until: int = 0, **more: Any) -> None:
        """`may`: the roles that a registrar may enrol. `by_batch`: enrolled by keys.enrolled, not named by entry 0 or an amendment.
        `by`: the seats of the registrars that enrolled it and approved that. `before`, `since`: points, by rotation."""
        base = {"may": (), "by_batch": False, "by": set(), "before": (), "since": (), "revoked": False, "last_good": None} | more
        key = Row(point=point, role=role, scope=scope, seat=seat, place=(role, scope, seat), until=until, **base)
        self.keys[point], self.seats[key.place] = key, point

    # 6.2 Before the act: the same for every event.

    def take(self, event: Event, index: int, time: int) -> str:
        """One entry: its answer in words. `Refused` where the log could not have held it."""
        if event.type == "election.opened":
            must(self.ledger is None, "already-opened", opening_holds(event), "opening-invalid")
            self.open_election(event)
            self.streams[event.key] = (1, event.id)
            return "effect"
        must(
            self.ledger is not None,
            "not-opened",
            event.ledger == self.ledger,
            "other-ledger",
            event.key in self.keys,
            "key-unknown",
        )
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

    def decide(self, act: Act) -> str:  # Steps 5 to 8
        want(not act.key.revoked, "key-revoked")
        must(act.key.until == 0 or act.time <= act.key.until, "key-expired")
        steps, waits = self.checked(act), self.waits(act)
        if waits or self.is_replacement(act):
            row = Row(key=act.key, type=act.type, data=act.data, time=act.time, done=False, review=not waits)
            self.pending[act.event] = row
        if waits:
            return "pending"
        next(steps, None)
        return "effect"

    def checked(self, act: Act) -> Steps:  # The act with role, powers and all its own checks made, and its effect still to come
        must(act.key.role in ACTS[act.type][0], "role-not-entitled")
        role, lengths = act.key.role, dict(self.opening["levels"])
        free = role in ("operator", "root", "sealer") or (act.type == "objection.settled" and role != "officer")
        for name, levels, basis in self.rules["powers"]:
            if name == act.type and not free:
                must(len(act.scope) in {lengths[level] for level in levels}, "level-not-entitled")
                must(basis == 0 or "basis" in act.data, "basis-missing")
        steps: Steps = ACTS[act.type][1](self, act)
        next(steps)
        return steps

    # 6.3 The acts: opening, forms, contests.

    def open_election(self, event: Event) -> None:
        data = event.data
        self.ledger, self.opening = event.id, data
        self.rules = {name: data.get(name, []) for name in RULE_NAMES}
        self.digits, self.upper = [digits for _, digits in data["levels"]], dict(data["levels"][:-1])
        for place, (who, _) in enumerate(data["roots"], start=1):
            self.enrol(who, "root", "", f"root-{place}")
        self.enrol_registrars(data["registrars"])
        self.enrol(data["sealer"][0], "sealer", "", "sealer")

    def enrol_registrars(self, named: list[Any]) -> None:
        for body, who, scope, may, _ in named:
            self.enrol(who, "registrar", scope, body, may=tuple(may))

    def forms_defined(self, act: Act) -> Steps:
        new: dict[Any, Row] = {}
        for definition in act.data["forms"]:
            key = (definition[0], definition[1])
            must(key not in self.forms and key not in new, "form-exists")
            new[key] = form_of(definition)
        yield
        self.forms.update(new)

    def contests_listed(self, act: Act) -> Steps:
        """`named`: code lengths of the levels in `certifying`, ascending; `certifying`: these and the deciding level's."""
        rows, named = act.data["contests"], [fact[0] for fact in act.data.get("facts", [])]
        must(set(named) <= {each[0] for each in rows} and distinct(named), "contest-unknown")
        new: dict[str, Row] = {}
        for name, _, _, form_code, version, area, candidates, certifying, deciding in rows:
            act.within(area)
            must(name not in self.contests and name not in new, "contest-exists")
            must((form_code, version) in self.forms, "form-unknown")
            form = self.forms[form_code, version]
            must([each[0] for each in candidates] == list(range(1, form.candidates + 1)), "candidates-mismatch")
            fits = all(self.upper.get(level, -1) >= len(area) for level in certifying)
            must(len(area) in self.upper.values() and fits and self.upper.get(deciding) == len(area), "level-unknown")
            lengths = {self.upper[level] for level in certifying}
            new[name] = Row(code=name, area=area, form=form, candidates=len(candidates), named=sorted(lengths))
            new[name].certifying = sorted(lengths | {len(area)})
        yield
        self.contests.update(new)

    # 6.3.2 to 6.3.4, 6.3.9: areas and stations. `areas` are those of the state and of earlier rows.

    def place(self, act: Act, areas: Any, new: str, *, station: bool) -> None:
        act.within(new)
        must(len(new) in self.digits, "area-code", new not in areas, "area-exists")
        level = self.digits.index(len(new))
        must(level == 0 or new[: self.digits[level - 1]] in areas, "area-unknown", self.is_station(new) == station, "area-code")

    def check_station_row(self, listed: list[Any]) -> None:  # 6.3.3, steps 2 to 4
        name, _, zone, _, _, contests = listed
        must(zone in self.opening["zones"], "zone-unknown", distinct(contests), "contest-twice")
        for each in contests:
            must(each in self.contests and name.startswith(self.contests[each].area), "contest-unknown")

    def place_all(self, act: Act, areas: Any, new_areas: list[Any], stations: list[Any]) -> list[tuple[str, str, int]]:
        """6.3.2, 6.3.3 and the certificates above; the slots (contest, station, round) that are to be opened."""
        opened = []
        for new, _ in new_areas:
            self.place(act, areas, new, station=False)
            areas[new] = None
        for listed in stations:
            name, contests = listed[0], listed[5]
            self.place(act, areas, name, station=True)
            self.check_station_row(listed)
            for each in contests:
                act.note(not self.in_force_above(each, name), "locked")
                opened.append((each, name, 0))
            areas[name] = Row(contests=contests, gone=False)
        return opened

    def check_voters(self, act: Act, areas: Any, rows: list[Any]) -> None:
        """6.3.4. FINDING: whether a station that is gone still "is listed and holds the contest" is not said; taken as yes."""
        for name, contest, _, _ in rows:
            act.within(name)
            must(areas.get(name) is not None and contest in areas[name].contests, "station-unknown")

    def jurisdictions_listed(self, act: Act) -> Steps:
        """And jurisdictions.amended (6.3.9). `used`: stations that an earlier row added, corrected, cancelled or merged away."""
        data, areas, closed = act.data, ChainMap[str, Any]({}, self.areas), list[Slot]()
        said = [
            rows for key, rows in data.items() if type(rows) is list and (act.type == "jurisdictions.amended" or key != "voters")
        ]
        must(any(said), "batch-empty")
        added = data["stations"] if act.type == "jurisdictions.listed" else data["added"]
        opened, used = self.place_all(act, areas, data["areas"], added), {listed[0] for listed in added}
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
        self.check_voters(act, areas, data.get("voters", []))
        act.settle()
        yield
        self.areas.update(areas.maps[0])
        for slot in closed:
            self.annul(slot, act.index, act.index)
        for contest, name, number in opened:
            self.open_slot(contest, name, number, act.index)

    def there(self, act: Act, name: str, used: set[str]) -> Any:
        act.within(name)
        before = self.areas.get(name)
        must(before is not None, "station-unknown")
        act.note(before and not before.gone and name not in used, "station-gone")
        return before

    def close(self, act: Act, contest: str, name: str) -> list[Slot]:
        slots = [slot for _, slot in sorted(self.slots_of(contest, name).items())]
        free = not self.in_force_above(contest, name)
        for slot in slots:
            act.note(not slot.standing(), "station-has-tally", slot.annulled or free, "locked")
        return [slot for slot in slots if not slot.annulled]

    def open(self, act: Act, contest: str, name: str) -> tuple[str, str, int]:
        rounds = self.slots_of(contest, name)
        must(len(rounds) <= MAX_ROUND, "round-limit")
        act.note(not self.in_force_above(contest, name), "locked")
        return contest, name, max(rounds) + 1 if rounds else 0

    # 6.3 The acts: keys and the election's rules.

    def keys_enrolled(self, act: Act) -> Steps:
        """6.3.5."""
        points, seats = set(self.keys), {seat for seat, who in self.seats.items() if who is not None}
        for who, role, scope, seat, _, proofs in act.data["keys"]:
            must(role in act.key.may, "registrar-other-role")
            act.within(scope)
            must(scope == "" or scope in self.areas, "area-unknown")
            place = self.is_station(scope) and seat in ("1", "2") and not proofs
            must(role != "operator" or place, "operator-seat", role == "operator" or proofs, "proof-missing")
            must(who not in points, "point-enrolled", (role, scope, seat) not in seats, "seat-taken")
            points.add(who)
            seats.add((role, scope, seat))
        yield
        by = {each.place for each in (act.key, act.approver) if each is not None}
        for who, role, scope, seat, until, _ in act.data["keys"]:
            may = ("operator",) if role == "registrar" else ()
            self.enrol(who, role, scope, seat, until, may=may, by_batch=True, by=by)

    def key_rotated(self, act: Act) -> Steps:
        new, key = act.data["point"], act.key
        must(act.data["seat"] == key.seat, "seat-other", new not in self.keys, "point-enrolled")
        must(len(key.before) < MAX_ROTATIONS, "rotations-limit")
        yield
        before, same = (*key.before, key.point), {"may": key.may, "by_batch": key.by_batch, "by": key.by}
        self.enrol(new, *key.place, key.until, before=before, **same)
        for each in before:
            self.keys[each].since += (new,)

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

    def election_amended(self, act: Act) -> Steps:
        """6.3.7. FINDING: "differs" is taken of the lists as they are written, so another order of cut-offs is a difference."""
        named, said = act.data.get("registrars", []), {name: act.data.get(name, self.rules[name]) for name in RULE_NAMES}
        want(said != self.rules or named, "amendment-empty")
        must(authority_holds(said, named, self.opening["levels"]), "amendment-invalid")
        want(set(self.rules["second_seats"]) <= set(said["second_seats"]), "approvals-fewer")
        want(not self.rules["powers"] or said["powers"], "approvals-fewer")
        points = [row[1] for row in named]
        want(distinct(points) and not set(points) & set(self.keys), "point-enrolled")
        want(all(self.seats.get(("registrar", row[2], row[0])) is None for row in named), "seat-taken")
        yield
        self.rules = said
        self.enrol_registrars(named)

    def candidate_changed(self, act: Act) -> Steps:
        number, change, contest = act.data["number"], act.data["change"], self.contests.get(act.data["contest"])
        must(contest and number <= contest.candidates, "candidate-unknown")
        must(contest and act.scope == contest.area, "level-not-entitled")  # the deciding level's codes are as long as its area
        must(("name" in act.data) == (change == "replaced"), "candidate-name")
        last = self.candidates.get((act.data["contest"], number), "restored")
        want(last != change or change == "replaced", "candidate-unchanged")
        yield
        self.candidates[act.data["contest"], number] = change

    # 6.4 Tallies.

    def slot(self, act: Act) -> tuple[Row, Slot]:  # Steps 1 and 2 of all acts on a tally
        act.within(act.data["station"])
        contest, slots = self.contest(act), self.slots_of(act.data["contest"], act.data["station"])
        must(act.data["round"] in slots, "round-unknown" if act.data["round"] else "station-unknown")
        return contest, slots[act.data["round"]]

    def tally(self, act: Act) -> Steps:
        """tally.submitted, .corrected and .withdrawn. `mine`: what an operator (of the own seat) or an office (all) replaces."""
        data, (contest, slot) = act.data, self.slot(act)
        named = data.get("supersedes", data.get("withdraws"))
        must(named is None or ascends(named), "supersedes-order")
        if "figures" in data:
            must(data["form"] == contest.form.key, "form-other", len(data["figures"]) == contest.form.size, "figures-count")
            self.check_agents(data, contest)
        self.check_open_for(act, slot)
        want(slot.decided is None or (named is not None and not act.operator), "already-decided")
        mine = [each for each in slot.standing() if not act.operator or each.seat == act.key.seat]
        if named is None:
            want(not mine, "already-submitted")
        else:
            want(mine, "nothing-to-correct" if "figures" in data else "nothing-to-withdraw")
            want(named == sorted(each.id for each in mine), "stale")
        if act.type == "tally.corrected":
            want("basis" in data or not self.needs_basis(act, contest, slot), "basis-missing")
        yield
        differs = "figures" not in data or any(each.figures != data["figures"] for each in mine)
        corrects = int(named is not None and (differs or any(each.corrects for each in mine)))
        slot.seats = {seat: each for seat, each in slot.seats.items() if each not in mine}
        slot.decided, slot.changed, slot.changes = None, act.index, slot.changes + int(differs)
        slot.read = slot.read if act.operator and "figures" in data else 0
        if "figures" in data:
            findings = broken_rules(contest.form, data["figures"])
            new = Row(id=act.event, seat=act.key.seat, figures=data["figures"], findings=findings, corrects=corrects)
            slot.seats, slot.decided = (slot.seats | {act.key.seat: new}, None) if act.operator else ({}, new)
        self.touch(slot)

    def check_agents(self, data: dict[str, Any], contest: Row) -> None:
        must("agents" not in data or len(data["agents"]) == contest.candidates, "agents-count")

    def check_open_for(self, act: Act, slot: Slot) -> None:
        ends = [time for role, time in self.rules["cutoffs"] if role == act.key.role]
        in_time = not ends or act.time < ends[0] or slot.order or slot.postponed
        want(not slot.annulled, "round-annulled", in_time, "past-cut-off", not self.locked_for(slot, act.key), "locked")
        want(not act.operator or slot.read == 0, "already-read")
        act.over = bool(self.binding(slot))

    def needs_basis(self, act: Act, contest: Row, slot: Slot) -> bool:
        """Step 9. FINDING: with an empty `certifying` there is no lowest level named; then no basis is asked for."""
        if not self.rules["powers"] or act.operator or not contest.named:
            return False
        lowest = contest.named[-1]
        return len(act.scope) < lowest and all(len(each.area) != lowest for each in self.binding(slot))

    def tally_held(self, act: Act) -> Steps:
        """And tally.released. No certificate binds the slot: neither locked for the key nor over any."""
        _, slot = self.slot(act)
        want(not slot.annulled, "round-annulled", not self.binding(slot), "locked")
        if act.type == "tally.released":
            want(slot.held, "not-held")
        else:
            want(slot.standing(), "nothing-to-hold", not slot.held, "already-held")
        yield
        slot.held, slot.changed = int(act.type == "tally.held"), act.index
        self.touch(slot)

    def finding_explained(self, act: Act) -> Steps:
        _, slot = self.slot(act)
        standing = known(slot.find(act.data["event"]), "stale")
        want(not act.operator or (slot.decided is None and standing.seat == act.key.seat), "not-own-form")
        want(set(act.data["findings"]) <= set(standing.findings), "finding-unknown")
        yield

    # 6.7 Plenaries.

    def recap_read(self, act: Act) -> Steps:
        contest, rows = self.contest(act), act.data["rows"]
        must(ascends([row[0] for row in rows]), "rows-order")
        found = [self.readable(act, contest, *row) for row in rows]
        act.settle()
        yield
        for each in found:
            next_above = [] if isinstance(each, Slot) else [level for level in contest.certifying if level < len(each.area)]
            if isinstance(each, Slot) or next_above[-1:] == [len(act.scope)]:
                each.read = act.index

    def readable(self, act: Act, contest: Row, name: str, number: int, event: bytes) -> Any:
        """Steps 2 to 4 for one row; a row notes one void code at most."""
        act.within(name)
        if self.is_station(name):
            slots = self.slots_of(contest.code, name)
            must(number in slots, "station-unknown")
            slot = slots[number]
            act.note(not slot.annulled, "round-annulled", not self.locked_for(slot, act.key), "locked")
            act.note(slot.find(event), "stale", slot.state() not in ("held", "differing"), "not-readable")
            return slot
        fits = len(name) in contest.certifying and number == 0 and len(act.scope) < len(name)
        must(fits, "level-not-certifying")
        found = self.certificates.get((contest.code, name))
        act.note(found, "certificate-unknown", found and found.id == event, "stale", in_force(found), "certificate-not-in-force")
        return found

    def recap(self, act: Act) -> tuple[Row, str]:  # Step 1 of certifying and of reopening
        contest, name = self.contest(act), act.data["area"]
        act.within(name)
        must(len(act.scope) == len(name), "level-not-entitled")
        must(len(name) in contest.certifying and name.startswith(contest.area), "level-not-certifying")
        return contest, name

    def recap_certified(self, act: Act) -> Steps:
        data, (contest, name) = act.data, self.recap(act)
        self.check_agents(data, contest)
        sums, paper, missing = data["sums"], data["paper"], [each[0] for each in data["missing"]]
        must(len(paper) == len(sums), "figures-count")
        different = [place for place in range(len(sums)) if sums[place] != paper[place]]
        must([each[0] for each in data["differences"]] == different, "differences-wrong", ascends(missing), "rows-order")
        holding = self.in_force_above(contest.code, name)
        want(all(each.area == name for each in holding), "locked", not holding, "already-certified")
        found = known(self.row(contest, name), "nothing-to-certify")
        must(len(sums) == contest.form.size, "figures-count")
        stations = self.below(contest.code, name, self.digits[-1])
        changed = max(slot.changed for each in stations for slot in self.slots_of(contest.code, each).values())
        want(data["size"] <= act.index, "size-beyond-log", data["size"] > changed, "stale")
        want((sums, data["commitment"]) == (found[0][2], found[1]), "certificate-differs")
        absent, unread = self.absent_and_unread(contest, name)
        want(missing == absent, "missing-differs", not unread, "not-read")
        yield
        self.certificates[contest.code, name] = Row(id=act.event, area=name, index=act.index, read=0, renew=0, reopened=None)

    def absent_and_unread(self, contest: Row, name: str) -> tuple[list[str], list[str]]:
        """Steps 5 and 6, by the table of 6.7: what is missing, and what was not read of the rest."""
        lower = [digits for digits in contest.certifying if digits > len(name)]
        absent, unread = [], []
        for below in self.below(contest.code, name, lower[0] if lower else self.digits[-1]):
            slot, certificate, row = self.current(contest.code, below), self.certificates.get((contest.code, below)), None
            if lower:
                row = self.row(contest, below)
                is_absent = row is not None and not in_force(certificate) and not any(row[0][3])
                read = row is None or (in_force(certificate) and certificate is not None and certificate.read > 0)
            else:
                is_absent = slot is not None and slot.state() in ("none", "held", "differing")
                read = slot is None or slot.read > 0
            if is_absent:
                absent.append(below)
            elif not read:
                unread.append(below)
        return absent, unread

    def recap_reopened(self, act: Act) -> Steps:
        """FINDING (6.7): "each lies in the area" is taken of the code alone; that such a station is listed is not asked."""
        (contest, name), stations = self.recap(act), act.data["stations"]
        must(ascends(stations) and all(each.startswith(name) for each in stations), "rows-order")
        want(all(each.area == name for each in self.in_force_above(contest.code, name)), "locked")
        found = known(self.certificates.get((contest.code, name)), "certificate-unknown")
        want(found.id == act.data["certificate"], "stale", found.reopened is None, "already-reopened")
        yield
        found.reopened, found.read = stations, 0

    def recap_sealed(self, act: Act) -> Steps:
        must(act.data["size"] == act.index, "seal-size", act.data["root"] == self.recap_root(act.index), "seal-differs")
        yield

    # 6.8 Postponed and repeated votes.

    def named_stations(self, act: Act, day: str) -> tuple[Row, list[Slot | None]]:  # Steps 1 and 2, and the current slots
        must(is_date(day), "day-invalid")
        contest, stations = self.contest(act), act.data["stations"]
        must(ascends(stations), "rows-order")
        for name in stations:
            act.within(name)
            must(self.slots_of(contest.code, name), "station-unknown")
        return contest, [self.current(contest.code, name) for name in stations]

    def vote_postponed(self, act: Act) -> Steps:
        (_, slots), resumed = self.named_stations(act, act.data["until"]), act.data["kind"] == "resumed"
        for slot in slots:
            if act.note(slot, "round-annulled") and slot:
                act.note(not resumed or slot.postponed, "not-postponed", resumed or not slot.standing(), "already-submitted")
        act.settle()
        yield
        for slot in filter(None, slots):
            slot.postponed = 0 if resumed else act.index

    def revote_ordered(self, act: Act) -> Steps:
        contest, slots = self.named_stations(act, act.data["day"])
        for name, slot in zip(act.data["stations"], slots, strict=True):
            must(max(self.slots_of(contest.code, name)) < MAX_ROUND, "round-limit")
            lengths = [len(each.area) for each in self.in_force_above(contest.code, name)]
            locks = any(length < len(act.scope) or length == len(contest.area) for length in lengths)
            free = act.data["kind"] == "psu-mk" or not locks
            act.note(slot, "round-annulled", slot and (slot.order == 0 or slot.standing()), "already-ordered", free, "locked")
        act.settle()
        yield
        rounds = []
        for slot in filter(None, slots):
            self.annul(slot, act.index, act.index)
            rounds.append((slot.station, max(self.slots_of(contest.code, slot.station)) + 1))
            self.open_slot(contest.code, *rounds[-1], act.index, order=act.index)
        for each in self.certificates_over(contest.code, rounds):
            each.renew += 1
        self.revotes[act.event] = Row(index=act.index, scope=act.scope, contest=contest.code, rounds=rounds, withdrawn=False)

    def certificates_over(self, contest: str, rounds: list[tuple[str, int]]) -> list[Row]:
        """Every certificate above any of the stations, each once."""
        return list({each.area: each for name, _ in rounds for each in self.above(contest, name)}.values())

    def revote_withdrawn(self, act: Act) -> Steps:
        order = known(self.revotes.get(act.data["order"]), "referent-unknown")
        want(order.scope.startswith(act.scope), "beyond-scope", not order.withdrawn, "already-withdrawn")
        for name, number in order.rounds:
            want(not self.slots_of(order.contest, name)[number].annulled, "round-annulled")
            want(all(each.index <= order.index for each in self.in_force_above(order.contest, name)), "locked")
        yield
        order.withdrawn = True
        for name, number in order.rounds:
            for slot in self.slots_of(order.contest, name).values():
                if slot.annulled == order.index or slot.round == number:
                    self.annul(slot, act.index, 0 if slot.annulled else act.index)
        for each in self.certificates_over(order.contest, order.rounds):
            each.renew = max(0, each.renew - 1) if each.index < order.index else each.renew + 1

    # 6.9 What others say.

    def check_place(self, act: Act, contest: str | None, name: str) -> None:
        """A place in order; without a contest the second and third checks alone."""
        must(contest is None or contest in self.contests, "contest-unknown")
        act.within(name)
        must(name == "" or name in self.areas, "area-unknown")
        must(contest is None or name.startswith(self.contests[contest].area), "contest-unknown")

    def tally_attested(self, act: Act) -> Steps:
        contest, _ = self.slot(act)
        must("figures" not in act.data or len(act.data["figures"]) == contest.form.size, "figures-count")
        yield

    def objection_raised(self, act: Act) -> Steps:
        contest, code = act.data["contest"], act.data["code"]
        self.check_place(act, contest, code)
        level = max(digits for digits in self.contests[contest].certifying if digits <= len(code))
        yield
        self.objections[act.event] = Row(contest=contest, code=code, by=act.key.place, level=level, outcome=None)

    def objection_settled(self, act: Act) -> Steps:
        data, outcome, officer = act.data, act.data["outcome"], act.key.role == "officer"
        must(bool(data["corrections"]) == (outcome == "accepted"), "corrections-wrong")
        must(officer == (outcome != "withdrawn"), "role-not-entitled")
        found = known(self.objections.get(data["objection"]), "referent-unknown")
        want(found.outcome is None or (found.outcome == "withdrawn" and officer), "already-settled")
        upper = [digits for digits in self.contests[found.contest].certifying if digits < found.level]
        if outcome == "withdrawn":
            want(act.key.place == found.by, "not-own-objection")
        else:
            want(found.code.startswith(act.scope), "beyond-scope", len(act.scope) == found.level, "objection-other-level")
            for name, number, event in data["corrections"]:
                slot = self.slots_of(found.contest, name).get(number)
                want(slot and name.startswith(found.code), "referent-unknown", slot and slot.find(event), "stale")
            want(outcome != "carried" or upper, "no-level-above")
        yield
        found.level, found.outcome = (upper[-1], found.outcome) if outcome == "carried" else (found.level, outcome)

    def recommendation_issued(self, act: Act) -> Steps:
        must(ascends(act.data["codes"]), "rows-order")
        for name in act.data["codes"]:
            self.check_place(act, act.data["contest"], name)
        yield
        self.recommendations[act.event] = Row(codes=act.data["codes"], answered=False)

    def recommendation_answered(self, act: Act) -> Steps:
        must(bool(act.data["events"]) == (act.data["answer"] == "executed"), "events-wrong")
        found = known(self.recommendations.get(act.data["recommendation"]), "referent-unknown")
        want(not found.answered, "already-answered", all(name.startswith(act.scope) for name in found.codes), "beyond-scope")
        yield
        found.answered = True

    def incident_recorded(self, act: Act) -> Steps:
        self.check_place(act, act.data.get("contest"), act.data["code"])
        yield

    # 6.10 Second seats.

    def waits(self, act: Act) -> bool:
        if act.type == "approved" or self.is_replacement(act):
            return False
        listed = act.type in self.rules["second_seats"] and not act.operator
        return act.type == "election.amended" or act.over or listed

    def is_replacement(self, act: Act) -> bool:
        """New keys for operators' seats from the voting day on (00:00 in UTC+9): they act at once, and are reviewed."""
        if act.type != "keys.enrolled" or act.type not in self.rules["second_seats"]:
            return False
        days = datetime.date.fromisoformat(self.opening["day"]).toordinal() - datetime.date(1970, 1, 1).toordinal()
        # Asked before the effect, so `seats` holds what had a key before this event.
        replaced = all(row[1] == "operator" and (row[1], row[2], row[3]) in self.seats for row in act.data["keys"])
        return act.time >= days * 86_400_000 - 9 * 3_600_000 and replaced

    def approved(self, act: Act) -> Steps:
        waiting = known(self.pending.get(act.data["event"]), "referent-unknown")
        proposer = waiting.key
        want(not waiting.done, "already-approved", act.key.place != proposer.place, "self-approval")
        steps: Steps = iter(())
        if waiting.review:
            fits = all(row[1] in act.key.may and row[2].startswith(act.scope) for row in waiting.data["keys"])
            want(act.key.role == "registrar" and fits, "approver-not-entitled")
        else:
            want(act.time - waiting.time <= MAX_APPROVAL_MS, "approval-late")
            itself = (waiting.type, waiting.data, act.data["event"], act.index, act.time)
            own_is_void = self.own_act_is_void(Act(act.key, *itself))  # step 5
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

    def own_act_is_void(self, own: Act) -> bool:
        """6.10, step 5: whether the act, with the approver in the signer's place, would be void; refused is not entitled."""
        try:
            self.checked(own)
        except Refused as refused:
            raise Void("approver-not-entitled") from refused
        except Void:
            return True
        return False

    # 7. Totals and recap pages. A row here is (the row of a page, its commitment, its sums, present and counts of 7.3).

    def station_row(self, contest: Row, slot: Slot) -> Any:  # 7.2 and 7.3
        standing, state, none = slot.standing(), slot.state(), [0] * contest.form.size
        figures = standing_figures(contest.form, standing)
        findings = sorted({finding for each in standing for finding in each.findings})
        row = [slot.contest, slot.station, slot.round, [each.id for each in standing], state, figures, findings, slot.changes]
        present = [int(type(each) is int and not slot.held) for each in figures] or none
        sums = [each if counted else 0 for each, counted in zip(figures, present, strict=True)] if figures else none
        marks = [True, standing, state == "held", state == "differing", state == "confirmed", standing and slot.changes, findings]
        counts = [int(bool(each)) for each in [*marks, not standing and slot.order]]
        return row, tagged("tally-ledger/recap/station/v1", pack(row)), (sums, present, counts)

    def row(self, contest: Row, code: str) -> Any:
        """The row of an area (7.3) or station; None where no slot below is there or all are annulled. Kept until one changes."""
        key = (contest.code, code)
        if key not in self.rows:
            slot, children, self.rows[key] = self.current(*key), self.child_rows(contest, code), None
            if slot:
                self.rows[key] = self.station_row(contest, slot)
            elif children:
                parts = tuple([*map(sum, zip(*(each[2][part] for each in children), strict=True))] for part in range(3))
                row = [contest.code, code, *parts, len(children), sha256(b"".join(each[1] for each in children))]
                self.rows[key] = (row, tagged("tally-ledger/recap/area/v1", pack(row)), parts)
        return self.rows[key]

    def child_rows(self, contest: Row, code: str) -> list[Any]:
        return [
            row for child in sorted(self.children.get((contest.code, code), ())) if (row := self.row(contest, child)) is not None
        ]

    def recap_root(self, size: int) -> bytes:  # 7.5
        tops = [self.row(contest, contest.area) for _, contest in sorted(self.contests.items())]
        leaves = [leaf_hash(top[1]) for top in tops if top is not None]
        return tagged("tally-ledger/recap/root/v1", pack([self.ledger, size, len(leaves), merkle_root(leaves)]))

    def pages(self, size: int) -> Iterator[tuple[str, bytes]]:  # 7.4: path and bytes of every page, and of the root (7.5)
        yield f"recap/{size}/recap_root", self.recap_root(size)
        for _, contest in sorted(self.contests.items()):
            levels = self.levels_of(contest.code)[:-1]
            for code in (each for digits in levels for each in self.below(contest.code, contest.area, digits)):
                if self.row(contest, code) is not None:
                    rows = [each[0] for each in self.child_rows(contest, code)]
                    yield f"recap/{size}/{contest.code}/{code or 'all'}", pack([1, size, self.row(contest, code)[0], rows])


# The act table of 6.3: who may, and what is checked. `election.opened` is handled by `Fold.take` itself.
ROLES_OF_ACTS = """
administrator: forms.defined contests.listed jurisdictions.listed jurisdictions.amended
registrar: keys.enrolled
registrar root: key.revoked
root: election.amended
sealer: recap.sealed
administrator agent importer officer operator registrar supervisor: key.rotated
operator officer importer: tally.submitted tally.corrected tally.withdrawn
officer importer: tally.held tally.released
operator officer: finding.explained
officer: candidate.changed recap.read recap.certified recap.reopened vote.postponed revote.ordered revote.withdrawn
officer: recommendation.answered
agent supervisor: tally.attested objection.raised
agent supervisor officer: objection.settled
supervisor: recommendation.issued
agent supervisor officer operator: incident.recorded
administrator agent importer officer operator registrar supervisor root sealer: approved
"""
SHARED = {
    "jurisdictions.amended": "jurisdictions_listed",
    "tally.submitted": "tally",
    "tally.corrected": "tally",
    "tally.withdrawn": "tally",
    "tally.released": "tally_held",
}
ACTS: dict[str, tuple[set[str], Callable[[Fold, Act], Steps]]] = {
    name: (set(line.split(":")[0].split()), getattr(Fold, SHARED.get(name, name.replace(".", "_"))))
    for line in ROLES_OF_ACTS.strip().split("\n")
    for name in line.split(": ")[1].split()
}


def broken_rules(form: Row, figures: list[Any]) -> list[str]:
    """7.1: the codes of the rules that these figures break; a rule with a figure that is no integer is not evaluated."""
    broken = []
    for name, _, left, op, right in form.rules:
        if all(len(term) == 1 or type(figures[term[1]]) is int for term in left + right):
            a, b = (sum(term[0] * (figures[term[1]] if len(term) == 2 else 1) for term in side) for side in (left, right))
            broken += [] if (a == b if op == "=" else a <= b) else [name]
    over = any(type(each) is int and each >= 10**digits for each, digits in zip(figures, form.digits, strict=True))
    return broken + ["r13"] * over


def standing_figures(form: Row, standing: list[Row]) -> list[Any]:
    """7.2: where two events differ, the first's figures, with nil for every figure of a block in which any differs."""
    if not standing:
        return []
    first, last = standing[0].figures, standing[-1].figures
    differing = {block for block, a, b in zip(form.blocks, first, last, strict=True) if a != b}
    return [None if block in differing else each for block, each in zip(form.blocks, first, strict=True)]


# -------------------- 8. Publication ---------------------------------------------------------------------------------------------

KIND_ED25519, KIND_COSIGNATURE = 1, 4
VerifierKey = namedtuple("VerifierKey", "name id kind public")
Checkpoint = namedtuple("Checkpoint", "text lines origin size root")  # lines: (name, id, signature)
# FINDING (8.1): "white space, control character" is taken as Unicode's white space and U+0000-001F, U+007F-009F.
KEY_NAME = r"[^\s+\x00-\x1f\x7f-\x9f]+"


def strict_base64(value: str, code: str) -> bytes:  # Decode, encode again, compare (section 12)
    try:
        data = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Broken(code, "base64") from error
    require(base64.b64encode(data).decode() == value, code, "base64")
    return data


def parse_vkey(value: str) -> VerifierKey:  # 8.1: `<name>+<id>+<base64 of kind || public key>`, where the id must be its own
    found = re.fullmatch(f"({KEY_NAME})" + r"\+([0-9a-f]{8})\+(.*)", value)
    if found is None:
        raise Broken("bad-vkey")
    data = strict_base64(found[3], "bad-vkey")
    own = sha256(found[1].encode() + b"\n" + data)[:4]
    require(len(data) == 33 and found[2] == own.hex(), "bad-vkey", "not its own id")
    return VerifierKey(found[1], own, data[0], data[1:])


def parse_checkpoint(data: bytes) -> Checkpoint:
    """8.1: a signed note, whose text ends at the last empty line; 8.2: its text is exactly three lines."""
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("bad-note", "not UTF-8") from error
    require(len(data) <= MAX_NOTE_BYTES and re.search(r"[\x00-\x09\x0b-\x1f]", whole) is None, "bad-note")
    text, empty_line, below = whole.rpartition("\n\n")
    require(empty_line and below.endswith("\n") and below.count("\n") <= MAX_NOTE_LINES, "bad-note", "signature lines")
    lines = []
    for line in below[:-1].split("\n"):
        found = re.fullmatch(f"\u2014 ({KEY_NAME}) ([^ ]+)", line)
        signed = strict_base64(found[2], "bad-note") if found else b""
        require(found and len(signed) > 4, "bad-note", "signature line")
        lines.append((found[1] if found else "", signed[:4], signed[4:]))
    three = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([^\n]+)", text, re.ASCII)
    if three is None or int(three[2]) > MAX_INTEGER or len(root := strict_base64(three[3], "bad-checkpoint")) != HASH_BYTES:
        raise Broken("bad-checkpoint", "not three canonical lines")
    return Checkpoint(text + "\n", lines, three[1], int(three[2]), root)


def signed_by(note: Checkpoint, key: VerifierKey) -> bool:
    """Whether a line of this key stands there and verifies. A line of it that does not verify condemns the whole note.
    FINDING (8.1): two lines of one key are not spoken of; each must verify, and they count once."""
    found = [signed for name, key_id, signed in note.lines if (name, key_id) == (key.name, key.id)]
    for signed in found:
        message = note.text.encode()
        if key.kind == KIND_COSIGNATURE:
            require(len(signed) == 72 and signed[0] < 128, "note-signature-invalid", key.name)
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signed[:8], "big") + message
            signed = signed[8:]
        check_ed25519(key.public, message, signed, key.name)
    return bool(found)


def tile_path(level: int | str, tile: int, width: int) -> str:  # 8.3: 1234067 is x001/x234/067; a partial tile is `<N>.p/<W>`
    groups = f"{tile:,}".split(",")
    groups = [each.zfill(3) for each in groups]
    name = "/".join(["x" + each for each in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < TILE_WIDTH else "")


TILE_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
RECAP_PATH = re.compile(r"recap/([1-9][0-9]{0,15})/(recap_root|[a-z0-9-]{1,32}/(?:all|[0-9]{1,16}))", re.ASCII)


class Folder:  # The files that are there. FINDING (8): empty folders are not spoken of; they are passed over.
    def __init__(self, root: str, report: Report) -> None:
        self.root, self.sizes = root, dict[str, int]()
        self.partials: dict[tuple[str, int], set[int]] = {}  # by level and number, widths of partial tiles that are there
        self.recaps: dict[int, set[str]] = {}  # by tree size, the files of that recap
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            for each in os.scandir(os.path.join(root, inner)):
                path = f"{inner}/{each.name}" if inner else each.name
                if each.is_dir(follow_symlinks=False) and path.count("/") < MAX_FOLDER_DEPTH:
                    waiting.append(path)
                elif each.is_file(follow_symlinks=False):
                    self.sizes[path] = each.stat(follow_symlinks=False).st_size
                else:
                    report.fail(4, "file-not-plain", path)
                if len(self.sizes) + len(waiting) > MAX_FILES:
                    raise CannotRead("more files than any publication has")

    def read(self, path: str, limit: int) -> bytes:
        require(path in self.sizes, "file-missing", path)
        require(self.sizes[path] <= limit, "file-too-large", path)
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read(limit + 1)

    def classify(self, size: int, report: Report) -> None:
        """Every path: may a log of this size have published it? Pages are compared one by one in step 9."""
        for path in sorted(self.sizes):
            tile, recap = TILE_PATH.fullmatch(path), RECAP_PATH.fullmatch(path)
            beyond = False
            if tile:
                level, width, at = tile[1], int(tile[3] or TILE_WIDTH), int(re.sub("[x/]", "", tile[2]))
                beyond = at * TILE_WIDTH + width > size >> (8 * (0 if level == "entries" else int(level)))
                if tile_path(level, at, width) != path:
                    report.fail(4, "file-stray", path)
                elif tile[3]:
                    self.partials.setdefault((level, at), set()).add(width)
            elif recap:
                beyond = int(recap[1]) > size
                self.recaps.setdefault(int(recap[1]), set()).add(path)
            elif path not in ("checkpoint", "README.txt"):
                report.fail(4, "file-stray", path)
            if beyond:
                report.fail(4, "file-beyond-checkpoint", path)


# -------------------- 9. Verification --------------------------------------------------------------------------------------------

STEPS = dict(
    enumerate(
        "checkpoint and identity; entries in canonical form, in order; chain; tree, tiles and bundles; signatures; streams; "
        "authority at that height; what the acts name; totals recomputed".split("; "),
        start=1,
    )
)
STREAM_CODES = {"stream-gap", "stream-position", "stream-previous"}
AUTHORITY_CODES = set(
    "already-opened not-opened other-ledger key-unknown key-retired key-revoked key-expired role-not-entitled level-not-entitled "
    "basis-missing beyond-scope opening-invalid registrar-other-role operator-seat proof-missing point-enrolled seat-taken "
    "seat-other rotations-limit amendment-invalid".split()
)


class Report:  # Verdict and failures of each step. "Not evaluated" is never taken for passed.
    def __init__(self) -> None:
        self.failures: dict[int, list[dict[str, Any]]] = {step: [] for step in STEPS}
        self.left, self.counts, self.answers, self.facts = set[int](), Counter[int](), Counter[str](), dict[str, Any]()

    def fail(self, step: int, code: str, path: str | None = None, entry: int | None = None, detail: str = "") -> None:
        self.counts[step] += 1
        if len(self.failures[step]) < MAX_FAILURES_LISTED:
            self.failures[step].append({"code": code, "entry": entry, "path": path, "detail": detail})

    def verdict(self, step: int) -> str:
        return "failed" if self.counts[step] else "not evaluated" if step in self.left else "passed"

    def sentence(self, pinned: bool) -> str:
        missed = [f"step {step} {self.verdict(step)}" for step in STEPS if self.verdict(step) != "passed"]
        if missed:
            return "NOT VERIFIED: " + ", ".join(missed) + "."
        proven = f"every signature, authority and total of {self.facts['size']} entries was recomputed from the published files"
        if pinned:
            return f"Verified: {proven}, and the ledger is the one whose id was given."
        return f"Consistent in itself, identity not checked: {proven}; no ledger id was given."


class Tiles:  # Step 4: the tree over the leaves, and every tile compared as soon as it is full, or at the end
    def __init__(self, folder: Folder, report: Report) -> None:
        self.folder, self.report, self.tree = folder, report, Frontier()
        self.levels: list[tuple[int, list[bytes]]] = []  # of each level the tile that is being filled: its number, its items

    def add(self, item: bytes, level: int = 0) -> None:
        if level == len(self.levels):
            self.levels.append((0, []))
        number, items = self.levels[level]
        items.append(item)
        if len(items) == TILE_WIDTH:
            self.compare(level)
            self.levels[level] = (number + 1, [])
            self.add(merkle_root(items), level + 1)

    def compare(self, level: int) -> None:  # The tile of this size, and partial ones of earlier sizes, which hold its first hashes
        number, items = self.levels[level]
        for width in sorted({len(items)} | self.folder.partials.get((str(level), number), set()) - {0}):
            path = tile_path(level, number, width)
            try:
                data = self.folder.read(path, TILE_WIDTH * HASH_BYTES) if width else b""
                require(data == b"".join(items[:width]), "tile-differs", path)
            except Broken as error:
                self.report.fail(4, error.code, path)


def split_bundle(data: bytes, width: int, path: str) -> list[bytes]:
    """8.3: for each entry its length in two bytes, big-endian, then the entry."""
    entries, at = [], 0
    for _ in range(width):
        length = int.from_bytes(data[at : at + 2], "big")
        require(len(data) >= at + 2 + length, "bad-bundle", path)
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    require(at == len(data), "bad-bundle", path)
    return entries


def read_entries(folder: Folder, size: int, report: Report) -> Iterator[tuple[bytes, str]]:
    """Step 2: the bundles that the size implies, no entry more or less. Partial ones of earlier sizes hold the first entries."""
    for number in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        path = tile_path("entries", number, width)
        try:
            entries = split_bundle(folder.read(path, MAX_BUNDLE_BYTES), width, path)
        except Broken as error:
            report.fail(2, error.code, path, number * TILE_WIDTH)
            return
        for earlier in (each for each in folder.partials.get(("entries", number), ()) if each < width):
            expected = b"".join(len(each).to_bytes(2, "big") + each for each in entries[:earlier])
            at = tile_path("entries", number, earlier)
            if folder.sizes[at] != len(expected) or folder.read(at, MAX_BUNDLE_BYTES) != expected:
                report.fail(4, "bundle-differs", at)
        for raw in entries:
            yield raw, path


class Run:  # One pass over the entries
    def __init__(self, folder: Folder, report: Report, head: Checkpoint, ledger_id: bytes | None, seen: Checkpoint | None) -> None:
        self.folder, self.report, self.head, self.ledger_id, self.seen = folder, report, head, ledger_id, seen
        self.fold, self.tiles = Fold(), Tiles(folder, report)
        self.index, self.time, self.chain = 0, 0, bytes(HASH_BYTES)
        self.sound, self.identified = True, False  # sound: no entry so far failed step 2, 3, 5 or the fold

    def take(self, raw: bytes, path: str) -> None:  # One entry, in the order of the steps
        report, at, event, failing = self.report, {"path": path, "entry": self.index}, None, 2
        if self.sound and self.index in self.folder.recaps:
            self.check_recap(self.index)  # step 9, for an earlier size
        try:
            _, index, chain, time, (payload, signature) = unpack(raw, ENTRY, "entry")  # step 2
            require(index == self.index, "index-wrong")
            require(time >= self.time, "time-backwards")
            self.time = time
            if chain != self.chain:  # step 3
                report.fail(3, "chain-broken", **at)
                self.sound = False
            event = open_payload(payload, signature)
            failing = 5
            check_signatures(event)
        except Broken as error:
            report.fail(failing, error.code, **at, detail=error.detail)
            report.left |= {3, 5} if failing == 2 else set()
            self.sound = False
        self.chain = leaf_hash(raw)
        self.tiles.tree.add(self.chain)  # step 4
        self.tiles.add(self.chain)
        if self.seen and self.tiles.tree.size == self.seen.size and self.tiles.tree.root() != self.seen.root:
            report.fail(4, "history-rewritten", detail=f"another root at size {self.seen.size}")
        if self.index == 0 and event is not None and event.type == "election.opened":
            self.identify(event)
        if self.sound and event is not None:  # steps 6 to 8
            try:
                report.answers[self.fold.take(event, self.index, self.time)] += 1
            except Refused as refused:
                step = 6 if refused.code in STREAM_CODES else 7 if refused.code in AUTHORITY_CODES else 8
                report.fail(step, refused.code, **at, detail=event.type)
                self.sound = False
        self.index += 1

    def identify(self, event: Event) -> None:  # Step 1, what it asks of entry 0
        data, self.identified = event.data, True
        self.report.facts["ledger_id"] = event.id.hex()
        try:
            require(self.ledger_id in (None, event.id), "ledger-id-other", event.id.hex())
            for note in filter(None, (self.head, self.seen)):
                require(note.origin == data["origin"], "checkpoint-other-origin", note.origin)
                require(signed_by(note, parse_vkey(data["log_key"])), "note-unsigned")
            cosigned = sum(signed_by(self.head, parse_vkey(each)) for each in data["witnesses"])
            require(cosigned >= data["quorum"], "quorum-short", f"{cosigned} of {data['quorum']}")
        except Broken as error:
            self.report.fail(1, error.code, "checkpoint", 0, error.detail)

    def check_recap(self, size: int) -> None:
        """Step 9: the files of recap/<size>/ are these, byte for byte, none missing and none more."""
        left = set(self.folder.recaps.get(size, ()))
        for path, expected in self.fold.pages(size):
            left.discard(path)
            differs = "recap-root-differs" if path.endswith("recap_root") else "recap-differs"
            try:
                same = (
                    self.folder.sizes.get(path, len(expected)) == len(expected)
                    and self.folder.read(path, len(expected)) == expected
                )
                require(same, differs)
            except Broken as error:
                self.report.fail(9, error.code, path)
        for path in sorted(left):
            self.report.fail(9, "file-stray", path)

    def finish(self) -> None:
        report, head = self.report, self.head
        if not self.identified:
            report.left |= {1}
        if self.index < head.size:
            report.left |= {2, 3, 4, 5}
        else:
            for level in range(len(self.tiles.levels)):
                self.tiles.compare(level)
            if self.tiles.tree.root() != head.root:
                report.fail(4, "root-differs", "checkpoint")
        if self.seen and self.seen.size > head.size:
            report.fail(4, "log-shrank", "checkpoint", detail=f"{self.seen.size} entries were seen before")
        if not self.sound or self.index < head.size:
            report.left |= {6, 7, 8, 9}
            return
        self.check_recap(head.size)
        tops = {name: self.fold.row(contest, contest.area) for name, contest in sorted(self.fold.contests.items())}
        report.facts["totals"] = {name: top and {"sums": top[2][0], "counts": top[2][2]} for name, top in tops.items()}


def verify(path: str, ledger_id: bytes | None, seen: Checkpoint | None) -> Report:
    report = Report()
    folder = Folder(path, report)
    if "checkpoint" not in folder.sizes and not any(each.startswith("tile/") for each in folder.sizes):
        raise CannotRead("neither a checkpoint nor tiles: no publication")
    try:
        head = parse_checkpoint(folder.read("checkpoint", MAX_NOTE_BYTES))
        require(head.size > 0, "log-empty", "size 0")
    except Broken as error:
        report.fail(1, error.code, "checkpoint", detail=error.detail)
        report.left |= set(range(2, 10))
        return report
    report.facts |= {"origin": head.origin, "size": head.size, "root": head.root.hex()}
    folder.classify(head.size, report)
    run = Run(folder, report, head, ledger_id, seen)
    for raw, at in read_entries(folder, head.size, report):
        run.take(raw, at)
    run.finish()
    return report


# -------------------- Command line -----------------------------------------------------------------------------------------------


def show(report: Report) -> None:
    for step, name in STEPS.items():
        print(f"{step}. {name}: {report.verdict(step)}" + (f" ({report.counts[step]} places)" if report.counts[step] else ""))
        for each in report.failures[step]:
            entry = "" if each["entry"] is None else f", entry {each['entry']}"
            # A path is quoted: its name may hold anything.
            print(f"     {each['code']}: {json.dumps(each['path']) if each['path'] else 'the log'}{entry} {each['detail']}")
    for name, value in (report.facts | {"answers of the fold": report.answers}).items():
        print(f"{name}: {json.dumps(value)}")


def ledger_id_of(value: str) -> bytes:
    if re.fullmatch("[0-9a-f]{64}", value) is None:
        raise argparse.ArgumentTypeError("not 64 lower-case hex digits")
    return bytes.fromhex(value)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a published election tally ledger, independently of the program.")
    parser.add_argument("folder", help="the published folder")
    parser.add_argument("--ledger-id", type=ledger_id_of, help="the ledger's id, from the gazette or a printed form")
    parser.add_argument("--seen", metavar="FILE", help="the last checkpoint that you saw of this log")
    parser.add_argument("--json", action="store_true", help="the report as JSON on standard output")
    options = parser.parse_args()
    seen, pinned = None, options.ledger_id is not None
    try:
        if options.seen:
            with open(options.seen, "rb") as file:
                seen = parse_checkpoint(file.read(MAX_NOTE_BYTES + 1))
        report = verify(options.folder, options.ledger_id, seen)
    except (CannotRead, Broken, OSError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 4
    steps = [{"step": n, "name": STEPS[n], "verdict": report.verdict(n), "failures": report.failures[n]} for n in STEPS]
    verified = all(report.verdict(step) == "passed" for step in STEPS)
    whole = {"verified": verified, "identity": pinned, "sentence": report.sentence(pinned), "steps": steps, **report.facts}
    if options.json:
        print(json.dumps(whole, indent=1))
    else:
        show(report)
        print(report.sentence(pinned))
    return 0 if verified else 1


if __name__ == "__main__":
    sys.exit(main())
