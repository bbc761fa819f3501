"""A whole election's opening from a seed: the keys, entry 0 with its inner signatures, and the batches that list what there is.

For imports, the demo, tests and ``init``.  Every key is derived from the seed, so the same seed gives the same bytes, and whoever
knows the seed can sign as anybody.  So an election from a known seed says in its name and kind that it is no official one, and
``init`` draws a seed and keeps it nowhere.

    founding = found(seed, name=..., kind="synthetic", ..., opened_at=...)
    node = Node.create(folder, origin=founding.opened.origin, log_key=founding.log_key, clock=clock)
    sender = Sender(node, clock)
    for name, signed in founding.setup(forms=..., contests=..., areas=..., stations=..., keys=..., claimed_at=...):
        sender.take(name, signed.submission, ...)

Left to others: what is listed and what follows (``kpu``, ``demo``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.device.stream import EventStream, Signed
from ledger.errors import Broken, LedgerError
from ledger.node import Node
from ledger.proof.note import NoteSigner
from ledger.tally.events import (
    AreaRow,
    ContestRow,
    ContestsListed,
    ElectionOpened,
    FormsDefined,
    JurisdictionsListed,
    KeyRow,
    KeysEnrolled,
    Level,
    Registrar,
    Role,
    Root,
    StationRow,
)
from ledger.tally.forms import FormDefinition
from ledger.tally.signing import SigningKey, draft_digest, possession_digest, root_digest

__all__ = ["BATCH_BYTES", "REGISTRAR_ROLES", "Founding", "Sender", "SteppedClock", "found", "office_key"]

BATCH_BYTES: Final = 48_000
"""How large the rows of one batch may be: an entry holds 65,535 bytes, and a batch stays well below."""

SEND_EVENTS: Final = 1_000
SEND_BYTES: Final = 1_000_000

BATCH_AREAS: Final = 1_000
BATCH_KEYS: Final = 200

REGISTRAR_ROLES: Final[tuple[Role, ...]] = ("administrator", "importer", "officer", "operator")
"""What the registrar body ``commission`` enrols."""

_BLANK_SIGNATURE: Final = bytes(64)
_encode_row: Final = msgspec.msgpack.Encoder().encode

RowT = TypeVar("RowT", AreaRow, StationRow, KeyRow)


class SteppedClock:
    """A clock that shows what it was last set to (ms since 1970): the scenario's time, not the machine's."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Founding(NamedTuple):
    """An election as entry 0 opens it, and those who can act in it from the start.

    ``opening`` is entry 0 as a submission; ``root`` has signed it.  ``registrar`` is the body ``commission``; ``administrator``
    acts once ``administrator_row`` is enrolled.
    """

    seed: bytes
    opened: ElectionOpened
    opening: Signed
    log_key: Ed25519PrivateKey
    root: EventStream
    registrar: EventStream
    administrator: EventStream

    def __repr__(self) -> str:
        return f"Founding({self.opened.origin}, {self.ledger.hex()[:16]})"  # never the seed, which is every key

    @property
    def ledger(self) -> bytes:
        """The ledger's id."""
        return self.opening.event_id

    def key(self, role: Role, scope: str, seat: str) -> SigningKey:
        """The key of a seat, from the seed."""
        return _derive(self.seed, f"{role}/{scope}/{seat}")

    def stream(self, role: Role, scope: str, seat: str) -> EventStream:
        """A new stream for the key of a seat."""
        return EventStream(self.key(role, scope, seat), ledger=self.ledger)

    def key_row(self, role: Role, scope: str, seat: str, *, key: SigningKey | None = None) -> KeyRow:
        """The row that enrols a seat's key (``key`` where it is not the derived one), with its proof but for operators."""
        key = key or self.key(role, scope, seat)
        if role == "operator":
            return KeyRow(key.point, role, scope, seat, 0, ())
        digest = possession_digest(self.ledger, point=key.point, role=role, scope=scope, seat=seat)
        return KeyRow(key.point, role, scope, seat, 0, (key.sign(digest),))

    @property
    def administrator_row(self) -> KeyRow:
        """The row that enrols the administrator."""
        return self.key_row("administrator", "", "admin", key=self.administrator.key)

    def enrol(self, rows: Iterable[KeyRow], *, claimed_at: int) -> Iterator[Signed]:
        """``keys.enrolled`` in batches of 200, by the registrar."""
        for batch in _batches(rows, BATCH_KEYS):
            yield self.registrar.sign(KeysEnrolled(keys=batch), claimed_at=claimed_at)

    def list_areas(self, areas: Iterable[AreaRow], stations: Iterable[StationRow], *, claimed_at: int) -> Iterator[Signed]:
        """``jurisdictions.listed`` in batches, by the administrator: first all areas, an area after the one that it lies in."""
        for area_batch in _batches(areas, BATCH_AREAS):
            yield self.administrator.sign(JurisdictionsListed(areas=area_batch, stations=()), claimed_at=claimed_at)
        for station_batch in _batches(stations, BATCH_AREAS):
            yield self.administrator.sign(JurisdictionsListed(areas=(), stations=station_batch), claimed_at=claimed_at)

    def setup(
        self,
        *,
        forms: Sequence[FormDefinition],
        contests: Sequence[ContestRow],
        areas: Iterable[AreaRow],
        stations: Iterable[StationRow],
        keys: Iterable[KeyRow],
        claimed_at: int,
    ) -> Iterator[tuple[str, Signed]]:
        """(event type, event) of everything before the first tally, from entry 0 on.  Forms and contests each fit one entry."""
        yield "election.opened", self.opening
        for signed in self.enrol([self.administrator_row], claimed_at=claimed_at):
            yield "keys.enrolled", signed
        yield "forms.defined", self.administrator.sign(FormsDefined(forms=tuple(forms)), claimed_at=claimed_at)
        yield "contests.listed", self.administrator.sign(ContestsListed(contests=tuple(contests)), claimed_at=claimed_at)
        for signed in self.list_areas(areas, stations, claimed_at=claimed_at):
            yield "jurisdictions.listed", signed
        for signed in self.enrol(keys, claimed_at=claimed_at):
            yield "keys.enrolled", signed


class Sender:
    """Submits a scenario's events in batches and counts them by type.  The clock shows the time of the last event of each batch.

    A scenario knows all that its ledger knows, so an answer other than appended and in effect is a fault of the scenario.
    """

    def __init__(self, node: Node, clock: SteppedClock) -> None:
        self.events: Counter[str] = Counter()
        self._node = node
        self._clock = clock
        self._batch: list[bytes] = []
        self._batch_bytes = 0

    def take(self, name: str, submission: bytes, moment: int) -> None:
        """One more event, of the time ``moment`` (ms since 1970); a full batch is sent."""
        self.events[name] += 1
        self._batch.append(submission)
        self._batch_bytes += len(submission)
        self._clock.now = moment
        if len(self._batch) == SEND_EVENTS or self._batch_bytes >= SEND_BYTES:
            self.send()

    def send(self) -> None:
        """All events taken so far are in the log.  Raises ``Broken`` ``scenario-refused``, and what the node raises."""
        answers = self._node.submit(self._batch)
        self._batch, self._batch_bytes = [], 0
        for answer in answers:
            if isinstance(answer, LedgerError) or answer.void or answer.before:
                raise Broken("scenario-refused", f"the ledger did not take an event of the scenario: {answer}")


def found(
    seed: bytes,
    *,
    name: str,
    kind: Literal["official", "rehearsal", "synthetic", "import"],
    day: str,
    zones: Sequence[str],
    levels: Sequence[Level],
    origin: str,
    opened_at: int,
) -> Founding:
    """An election of two root keys, one registrar, one sealer and no witnesses, opened at ``opened_at`` (ms since 1970)."""
    roots = [_derive(seed, f"root/{number}") for number in (1, 2)]
    registrar, sealer = _derive(seed, "registrar/commission"), _derive(seed, "sealer")
    log_key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"tally-ledger/log-key/v1\n" + seed).digest())
    draft = ElectionOpened(
        name=name,
        kind=kind,
        day=day,
        zones=tuple(zones),
        levels=tuple(levels),
        origin=origin,
        log_key=NoteSigner(origin, log_key).vkey,
        sealer=Root(sealer.point, _BLANK_SIGNATURE),
        witnesses=(),
        quorum=0,
        roots=tuple(Root(root.point, _BLANK_SIGNATURE) for root in roots),
        registrars=(Registrar("commission", registrar.point, "", REGISTRAR_ROLES, _BLANK_SIGNATURE),),
        second_seats=(),
        cutoffs=(),
    )
    opened = _countersigned(draft, roots, registrar, sealer)
    root = EventStream(roots[0], ledger=b"")
    opening = root.sign(opened, claimed_at=opened_at)
    return Founding(
        seed,
        opened,
        opening,
        log_key,
        root,
        EventStream(registrar, ledger=opening.event_id),
        EventStream(_derive(seed, "administrator//admin"), ledger=opening.event_id),
    )


def _countersigned(draft: ElectionOpened, roots: Sequence[SigningKey], registrar: SigningKey, sealer: SigningKey) -> ElectionOpened:
    """The draft with the signatures of all whom it names: they bind each key to this very election."""
    digest = draft_digest(draft)
    body = draft.registrars[0]
    register = possession_digest(digest, point=body.point, role="registrar", scope=body.scope, seat=body.body)
    seal = possession_digest(digest, point=sealer.point, role="sealer", scope="", seat="sealer")
    return msgspec.structs.replace(
        draft,
        roots=tuple(Root(root.point, root.sign(root_digest(digest))) for root in roots),
        registrars=(msgspec.structs.replace(body, signature=registrar.sign(register)),),
        sealer=Root(sealer.point, sealer.sign(seal)),
    )


def office_key(seed: bytes, label: str) -> SigningKey:
    """An office's key: ``root/1``, ``root/2``, ``registrar/commission``, ``sealer``.  From a random seed, a fresh key."""
    return _derive(seed, label)


def _derive(seed: bytes, label: str) -> SigningKey:
    """The key of ``label``; the line feed keeps a seed and a label apart."""
    return SigningKey.derive(b"".join((seed, b"\n", label.encode())))


def _batches(rows: Iterable[RowT], most: int) -> Iterator[tuple[RowT, ...]]:
    """``rows`` in order, at most ``most`` and ``BATCH_BYTES`` of them together."""
    batch: list[Any] = []
    size = 0
    for row in rows:
        row_bytes = len(_encode_row(row))
        if batch and (len(batch) == most or size + row_bytes > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(row)
        size += row_bytes
    if batch:
        yield tuple(batch)
