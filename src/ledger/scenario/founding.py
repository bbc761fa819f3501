"""A whole election's opening from a seed: the keys, entry 0 with its inner signatures, and the batches that list what there is.

For imports, the demo, tests and ``init``.  Every key is derived from the seed, so the same seed gives the same bytes, and whoever
knows the seed can sign as anybody.  So an election from a known seed says in its name and kind that it is no official one, and
``init`` draws a seed and keeps it nowhere.

    founding = found(seed, name=..., kind="synthetic", ..., opened_at=..., rules=governed(...))
    node = Node.create(folder, origin=founding.opened.origin, log_key=founding.log_key, clock=clock, sealer=founding.sealer)
    sender = Sender(node, clock)
    for name, signed in founding.setup(forms=..., contests=..., areas=..., stations=..., keys=..., claimed_at=...):
        sender.take(name, signed.submission, ...)

Left to others: the rules that entry 0 says (``governance``), what is listed and what follows (``kpu``, ``demo``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import UNSET

from ledger.device.stream import EventStream, Signed
from ledger.errors import Broken, LedgerError
from ledger.node import Node
from ledger.proof.note import NoteSigner
from ledger.scenario.governance import (
    DEFAULT_POWERS,
    DEFAULT_SECOND_SEATS,
    UNGOVERNED,
    Rules,
    governed,
)
from ledger.tally.events import (
    Approved,
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
from ledger.tally.signing import SigningKey, draft_digest, possession_digest, root_digest, sealer_digest

__all__ = [
    "BATCH_BYTES",
    "DEFAULT_POWERS",
    "DEFAULT_SECOND_SEATS",
    "UNGOVERNED",
    "Founding",
    "Rules",
    "Sender",
    "SteppedClock",
    "found",
    "governed",
    "office_key",
]

BATCH_BYTES: Final = 48_000
"""How large the rows of one batch may be: an entry holds 65,535 bytes, and a batch stays well below."""

SEND_EVENTS: Final = 1_000
SEND_BYTES: Final = 1_000_000

BATCH_AREAS: Final = 1_000
BATCH_KEYS: Final = 200

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

    ``opening`` is entry 0 as a submission; ``root`` has signed it.  ``registrars``: the bodies' streams by name, in entry 0's
    order; ``registrar`` is the first, the commission's.  ``administrator`` acts once ``administrator_row`` is enrolled.
    ``sealer``: the key for ``Node.create``.
    """

    seed: bytes
    opened: ElectionOpened
    opening: Signed
    log_key: Ed25519PrivateKey
    root: EventStream
    registrars: dict[str, EventStream]
    administrator: EventStream
    sealer: SigningKey

    def __repr__(self) -> str:
        return f"Founding({self.opened.origin}, {self.ledger.hex()[:16]})"  # never the seed, which is every key

    @property
    def ledger(self) -> bytes:
        """The ledger's id."""
        return self.opening.event_id

    @property
    def registrar(self) -> EventStream:
        """The commission's (first) registrar."""
        return next(iter(self.registrars.values()))

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

    @property
    def administrator_rows(self) -> tuple[KeyRow, ...]:
        """The administrator, and where acts of that office wait for a second seat (areas amended), the second one."""
        second = () if "jurisdictions.amended" not in self.opened.second_seats else (self.key_row("administrator", "", "admin-2"),)
        return (self.administrator_row, *second)

    def enrol(self, rows: Iterable[KeyRow], *, claimed_at: int, by: tuple[str, str] | None = None) -> Iterator[tuple[str, Signed]]:
        """``keys.enrolled`` in batches of 200, by the commission or by the bodies ``by``; where the election asks for a second
        seat, each with the second body's ``approved`` behind it."""
        bodies = [self.registrars[name] for name in by or tuple(self.registrars)[:2]]
        for batch in _batches(rows, BATCH_KEYS):
            proposed = bodies[0].sign(KeysEnrolled(keys=batch), claimed_at=claimed_at)
            yield "keys.enrolled", proposed
            if "keys.enrolled" in self.opened.second_seats:
                yield "approved", bodies[1].sign(Approved(event=proposed.event_id), claimed_at=claimed_at)

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
        yield from self.enrol(self.administrator_rows, claimed_at=claimed_at)
        yield "forms.defined", self.administrator.sign(FormsDefined(forms=tuple(forms)), claimed_at=claimed_at)
        yield "contests.listed", self.administrator.sign(ContestsListed(contests=tuple(contests)), claimed_at=claimed_at)
        for signed in self.list_areas(areas, stations, claimed_at=claimed_at):
            yield "jurisdictions.listed", signed
        yield from self.enrol(keys, claimed_at=claimed_at)


class Sender:
    """Submits a scenario's events in batches and counts them by type.  The clock shows the time of the last event of each batch.

    A scenario knows all that its ledger knows, so an answer other than the expected one is a fault of the scenario.
    """

    def __init__(self, node: Node, clock: SteppedClock) -> None:
        self.events: Counter[str] = Counter()
        self._node = node
        self._clock = clock
        self._batch: list[bytes] = []
        self._voids: list[str] = []
        self._batch_bytes = 0

    def take(self, name: str, submission: bytes, moment: int, *, void: str = "") -> None:
        """One more event, of the time ``moment`` (ms since 1970), that comes in with effect, or ``void`` with this code; a full
        batch is sent."""
        self.events[name] += 1
        self._batch.append(submission)
        self._voids.append(void)
        self._batch_bytes += len(submission)
        self._clock.now = moment
        if len(self._batch) == SEND_EVENTS or self._batch_bytes >= SEND_BYTES:
            self.send()

    def send(self) -> None:
        """All events taken so far are in the log.  Raises ``Broken`` ``scenario-refused``, and what the node raises."""
        answers = self._node.submit(self._batch)
        voids, self._batch, self._voids, self._batch_bytes = self._voids, [], [], 0
        for answer, void in zip(answers, voids, strict=True):
            if isinstance(answer, LedgerError) or answer.void != void or answer.before:
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
    rules: Rules = UNGOVERNED,
    witnesses: Sequence[str] = (),
    quorum: int = 0,
) -> Founding:
    """An election of two root keys, the registrars that ``rules`` name, one sealer and these log witnesses (verifier keys), opened
    at ``opened_at`` (ms since 1970)."""
    roots = [office_key(seed, f"root/{number}") for number in (1, 2)]
    registrars = {body.name: office_key(seed, f"registrar/{body.name}") for body in rules.bodies}
    sealer = office_key(seed, "sealer")
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
        witnesses=tuple(witnesses),
        quorum=quorum,
        roots=tuple(Root(root.point, _BLANK_SIGNATURE) for root in roots),
        registrars=tuple(
            Registrar(body.name, registrars[body.name].point, "", body.roles, _BLANK_SIGNATURE) for body in rules.bodies
        ),
        second_seats=rules.second_seats,
        cutoffs=rules.cutoffs,
        powers=rules.powers or UNSET,
        deadlines=rules.deadlines or UNSET,
    )
    opened = _countersigned(draft, roots, registrars, sealer)
    root = EventStream(roots[0], ledger=b"")
    opening = root.sign(opened, claimed_at=opened_at)
    return Founding(
        seed,
        opened,
        opening,
        log_key,
        root,
        {body: EventStream(key, ledger=opening.event_id) for body, key in registrars.items()},
        EventStream(_derive(seed, "administrator//admin"), ledger=opening.event_id),
        sealer,
    )


def _countersigned(
    draft: ElectionOpened, roots: Sequence[SigningKey], registrars: Mapping[str, SigningKey], sealer: SigningKey
) -> ElectionOpened:
    """The draft with the signatures of all whom it names: they bind each key to this very election."""
    digest = draft_digest(draft)
    bodies = []
    for row in draft.registrars:
        register = possession_digest(digest, point=row.point, role="registrar", scope=row.scope, seat=row.body)
        bodies.append(msgspec.structs.replace(row, signature=registrars[row.body].sign(register)))
    seal = sealer_digest(digest, sealer.point)
    return msgspec.structs.replace(
        draft,
        roots=tuple(Root(root.point, root.sign(root_digest(digest))) for root in roots),
        registrars=tuple(bodies),
        sealer=Root(sealer.point, sealer.sign(seal)),
    )


def office_key(seed: bytes, label: str) -> SigningKey:
    """An office's key: ``root/1``, ``root/2``, ``registrar/BODY``, ``sealer``.  From a random seed, a fresh key."""
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
