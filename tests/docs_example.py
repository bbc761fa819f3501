"""The ledger that docs/FORMATS.md shows: every event type at least once, made from seeds.

A small governed election: two levels that certify, powers, second seats with their approvals, a certificate with a paper difference
and a missing station, a seal made by hand, a revote withdrawn and one that is still awaited, a rotated and a revoked key, and two
void events.  ``tests/docs_blocks.py`` turns it into the documents' blocks.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from ledger.errors import Refused, Waiting
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import Frontier, leaf_hash
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.tally import events as e
from ledger.tally import forms as f
from ledger.tally.fold import decide
from ledger.tally.memory import Memory
from ledger.tally.projection import PENDING_WORD, SUMS, sums_key, trace
from ledger.tally.recaps import RECAPS, current_root
from ledger.tally.rollup import roll_up
from ledger.tally.signing import (
    SigningKey,
    draft_digest,
    encode_entry,
    note_digest,
    open_submission,
    possession_digest,
    root_digest,
    rotation_digest,
    sealer_digest,
    sign_event,
)
from ledger.tally.state import At, area_key

ORIGIN: Final = "ledger.example/docs"
START_MS: Final = 1_732_690_800_000
CITY, DISTRICT, VILLAGE = "1771", "177101", "1771011001"
FIRST, SECOND, THIRD = "1771011001001", "1771011001002", "1771011001003"
CONTEST: Final = "wali-kota"
FORM: Final = e.FormRef("c-contoh", 1)

SALT: Final = hashlib.sha256(b"docs/salt").digest()[:16]
NOTE_TEXT: Final = "TPS dibuka pukul 07.40."


class Row(NamedTuple):
    """An entry of the example; ``word``: its void code, ``pending`` where it waits for a second seat, else empty."""

    name: str
    type: str
    submission: bytes
    event_id: bytes
    payload: bytes
    entry: bytes
    word: str


class Example(NamedTuple):
    """The example ledger; ``first_signer``: with entry 0's key of the log, ``signer``: with the one in force;
    ``administrator``: that row of its enrolment."""

    rows: list[Row]
    draft: bytes
    root: bytes
    checkpoint: bytes
    first_signer: NoteSigner
    signer: NoteSigner
    memory: Memory
    administrator: e.KeyRow

    def row(self, name: str) -> Row:
        """The entry of that name."""
        return next(row for row in self.rows if row.name == name)


def signing_key(seed: str) -> SigningKey:
    """The key of a seed, as the appendix of FORMATS.md names them."""
    return SigningKey.derive(f"docs/{seed}".encode())


def _form() -> f.FormDefinition:
    """Five figures and two rules: the smallest form that shows everything."""
    figures = [("suara-1", 0, 1), ("suara-2", 0, 2), ("suara-sah", 1, 0), ("suara-tidak-sah", 1, 0), ("suara-total", 1, 0)]
    return f.FormDefinition(
        "c-contoh",
        1,
        "Formulir contoh",
        "Example form",
        (f.Block("votes", "Perolehan suara", "Votes"), f.Block("totals", "Jumlah", "Totals")),
        tuple(f.FigureDefinition(code, block, candidate, 3, code, code) for code, block, candidate in figures),
        (
            f.RuleDefinition("r5", "error", ((1, 0), (1, 1)), "=", ((1, 2),)),
            f.RuleDefinition("r6", "error", ((1, 2), (1, 3)), "=", ((1, 4),)),
        ),
    )


_BODIES: Final = (
    ("commission", "registrar", ("administrator", "officer", "operator")),
    ("bawaslu", "registrar-bawaslu", ("supervisor",)),
    ("pair-1", "registrar-pair-1", ("agent",)),
)


def _registrar(bound_to: bytes, body: str, seed: str, roles: tuple[str, ...]) -> e.Registrar:
    """A registrar with its proof of possession over the draft digest (entry 0) or the ledger's id (an amendment)."""
    key = signing_key(seed)
    digest = possession_digest(bound_to, point=key.point, role="registrar", scope="", seat=body)
    return e.Registrar(body, key.point, "", roles, key.sign(digest))  # type: ignore[arg-type]


def _opening(log_key: NoteSigner, witness: NoteCosigner) -> e.ElectionOpened:
    """Entry 0's data, signed by everyone it names."""
    roots, sealer = [signing_key("root-1"), signing_key("root-2")], signing_key("sealer")
    data = e.ElectionOpened(
        name="Pemilihan Wali Kota Contoh",
        kind="synthetic",
        day="2024-11-27",
        zones=("Asia/Jakarta",),
        levels=(e.Level("city", 4), e.Level("district", 6), e.Level("village", 10), e.Level("station", 13)),
        origin=ORIGIN,
        log_key=log_key.vkey,
        sealer=e.Root(sealer.point, bytes(64)),
        witnesses=(witness.vkey,),
        quorum=0,
        roots=tuple(e.Root(root.point, bytes(64)) for root in roots),
        registrars=tuple(_registrar(bytes(32), *body) for body in _BODIES),
        second_seats=("recap.certified", "revote.ordered", "revote.withdrawn"),
        cutoffs=(e.Cutoff("operator", START_MS + 86_400_000),),
        powers=(
            e.Power("recap.certified", ("city", "district"), 0),
            e.Power("revote.ordered", ("city",), 1),
            e.Power("tally.corrected", ("city", "district"), 0),
        ),
        deadlines=(e.Deadline("district", START_MS + 86_400_000, START_MS + 6 * 86_400_000),),
    )
    draft = draft_digest(data)
    sealed = sealer.sign(possession_digest(draft, point=sealer.point, role="sealer", scope="", seat="sealer"))
    return structs.replace(
        data,
        roots=tuple(e.Root(root.point, root.sign(root_digest(draft))) for root in roots),
        registrars=tuple(_registrar(draft, *body) for body in _BODIES),
        sealer=e.Root(sealer.point, sealed),
    )


class _Ledger:
    """Signs as devices do and appends as the log does, in memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.rows: list[Row] = []
        self.ledger: bytes | None = None
        self._streams: dict[str, tuple[int, bytes | None]] = {}
        self._chain = bytes(32)

    def append(self, name: str, seed: str, data: e.EventData) -> bytes:
        """Signs, opens, decides and appends; returns the event id."""
        index = len(self.rows)
        time = START_MS + 60_000 * index
        position, previous = self._streams.get(seed, (0, None))
        submission, event_id = sign_event(
            signing_key(seed), data, ledger=self.ledger, position=position, previous=previous, claimed_at=time - 5_000
        )
        event = open_submission(submission)
        change = decide(self.memory, event, At(index, time))
        assert not isinstance(change, Refused | Waiting), (name, change)
        self.memory.apply(change)
        for table, key, row in trace(index, change):
            self.memory.put(table, key, row)
        entry = encode_entry(index=index, chain=self._chain, sequenced_at=time, payload=event.payload, signature=event.signature)
        self._streams[seed] = position + 1, event_id
        self._chain = leaf_hash(entry)
        self.ledger = self.ledger or event_id
        word = change.void or (PENDING_WORD if change.pending else "")
        self.rows.append(Row(name, event.type, submission, event_id, event.payload, entry, word))
        return event_id

    def approved(self, name: str, seed: str, event: bytes) -> None:
        """The second seat's word on a pending event."""
        self.append(name, seed, e.Approved(event=event))

    def key_row(self, seed: str, role: str, scope: str, seat: str) -> e.KeyRow:
        """A row of an enrolment, with its proof where the role needs one."""
        assert self.ledger is not None
        key = signing_key(seed)
        digest = possession_digest(self.ledger, point=key.point, role=role, scope=scope, seat=seat)
        proof = () if role == "operator" else (key.sign(digest),)
        return e.KeyRow(key.point, role, scope, seat, 0, proof)  # type: ignore[arg-type]

    def certificate(self, area: str, document: str) -> e.RecapCertified:
        """The recap of an area as the log gives it now, its paper equal and nothing missing."""
        recapped = self.memory.get(RECAPS, area_key(CONTEST, area))
        assert recapped is not None
        return e.RecapCertified(
            contest=CONTEST,
            area=area,
            size=len(self.rows),
            commitment=recapped.commitment,
            sums=recapped.sums.figures,
            paper=recapped.sums.figures,
            differences=(),
            missing=(),
            document=document,
            held_at=START_MS + 60_000 * len(self.rows),
            photos=(),
        )


# --- the story -------------------------------------------------------------------------------------------------------------------


def _set_up(log: _Ledger) -> e.KeyRow:
    """Entries 1 to 7: keys, form, contest, areas."""
    administrator = log.key_row("administrator", "administrator", "", "adm-1")
    log.append("keys.enrolled", "registrar", e.KeysEnrolled(keys=(administrator,)))
    log.append("forms.defined", "administrator", e.FormsDefined(forms=(_form(),)))
    pairs = (e.Candidate(1, "Ani dan Budi", "candidate"), e.Candidate(2, "Kolom kosong", "empty-box"))
    contest = e.ContestRow(CONTEST, "Wali Kota", "Mayor", "c-contoh", 1, CITY, pairs, ("district", "city"), "city")
    facts = (e.ContestFacts(CONTEST, "plurality", 391_117),)
    log.append("contests.listed", "administrator", e.ContestsListed(contests=(contest,), facts=facts))
    areas = (e.AreaRow(CITY, "Contoh"), e.AreaRow(DISTRICT, "Kecamatan Satu"), e.AreaRow(VILLAGE, "Desa Satu"))
    stations = (
        e.StationRow(FIRST, "TPS 001", "Asia/Jakarta", 140, 150, (CONTEST,)),
        e.StationRow(SECOND, "TPS 002", "Asia/Jakarta", 120, 118, (CONTEST,)),
        e.StationRow(THIRD, "TPS 003", "Asia/Jakarta", None, None, (CONTEST,)),
    )
    voters = (e.VotersRow(SECOND, CONTEST, 101, 99),)
    listed = e.JurisdictionsListed(areas=areas, stations=stations, voters=voters)
    log.append("jurisdictions.listed", "administrator", listed)
    operators = (("operator-1", FIRST, "1"), ("operator-2", FIRST, "2"), ("operator-3", SECOND, "1"))
    officers = (("district-1", DISTRICT), ("district-2", DISTRICT), ("city-1", CITY), ("city-2", CITY))
    rows = [log.key_row(seed, "operator", station, seat) for seed, station, seat in operators]
    rows += [log.key_row(seed, "officer", scope, f"{seed}") for seed, scope in officers]
    log.append("keys.enrolled-2", "registrar", e.KeysEnrolled(keys=tuple(rows)))
    supervisor = log.key_row("supervisor", "supervisor", CITY, "panwas-1")
    log.append("keys.enrolled-3", "registrar-bawaslu", e.KeysEnrolled(keys=(supervisor,)))
    agent = log.key_row("agent", "agent", CITY, "saksi-1")
    log.append("keys.enrolled-4", "registrar-pair-1", e.KeysEnrolled(keys=(agent,)))
    return administrator


class _Stands(NamedTuple):
    """What stands at the first two stations once the forms are in."""

    first: bytes
    second: bytes


def _count(log: _Ledger) -> _Stands:
    """Entries 8 to 17: forms in, differing, corrected, held and released, withdrawn, rotated."""
    photo = e.Photo(1, hashlib.sha256(b"docs/photo").digest(), 204_800)
    good, typo = (150, 60, 210, None, 217), (150, 66, 210, None, 217)
    submitted = e.TallySubmitted(
        contest=CONTEST,
        station=FIRST,
        round=0,
        form=FORM,
        source="plano",
        figures=good,
        photos=(photo,),
        crew=7,
        agents=("signed", "absent"),
    )
    first = log.append("tally.submitted", "operator-1", submitted)
    other = structs.replace(submitted, figures=typo, photos=())
    second = log.append("tally.submitted-2", "operator-2", other)
    corrected = e.TallyCorrected(
        contest=CONTEST,
        station=FIRST,
        round=0,
        form=FORM,
        source="plano",
        figures=good,
        photos=(),
        supersedes=(second,),
        reason="typing-error",
    )
    log.append("tally.corrected", "operator-2", corrected)
    held = e.TallyHeld(contest=CONTEST, station=FIRST, round=0, reason="photo-unreadable")
    log.append("tally.held", "district-1", held)
    released = e.TallyReleased(contest=CONTEST, station=FIRST, round=0, reason="photo-checked", basis="12/PPK/2024")
    log.append("tally.released", "district-1", released)
    stale = structs.replace(corrected, figures=typo, supersedes=tuple(sorted((first, second))))
    log.append("tally.corrected-void", "district-1", stale)
    wrong = structs.replace(other, station=SECOND, figures=good, agents=("signed", "absent"))
    wrong_id = log.append("tally.submitted-3", "operator-3", wrong)
    withdrawn = e.TallyWithdrawn(contest=CONTEST, station=SECOND, round=0, withdraws=(wrong_id,), reason="wrong-station")
    log.append("tally.withdrawn", "operator-3", withdrawn)
    unsummed = structs.replace(wrong, figures=(80, 70, 140, 5, 145))
    standing = log.append("tally.submitted-4", "operator-3", unsummed)
    new, old = signing_key("operator-1b"), signing_key("operator-1")
    assert log.ledger is not None
    proof = new.sign(rotation_digest(log.ledger, old=old.point, new=new.point, seat="1"))
    log.append("key.rotated", "operator-1", e.KeyRotated(point=new.point, seat="1", proof=proof, reason="new-device"))
    return _Stands(first, standing)


def _witness(log: _Ledger, stands: _Stands) -> bytes:
    """Entries 18 to 22: what others say of the forms; the objection's event id."""
    explained = e.FindingExplained(
        contest=CONTEST, station=SECOND, round=0, event=stands.second, findings=("r5",), reason="stands-on-paper"
    )
    log.append("finding.explained", "operator-3", explained)
    attested = e.TallyAttested(
        contest=CONTEST, station=SECOND, round=0, event=stands.second, photos=(), figures=(80, 60, 140, 5, 145)
    )
    log.append("tally.attested", "agent", attested)
    raised = e.ObjectionRaised(contest=CONTEST, code=SECOND, ground="votes-differ", photos=(), event=stands.second)
    objection = log.append("objection.raised", "agent", raised)
    incident = e.IncidentRecorded(code=SECOND, kind="opened-late", photos=(), contest=CONTEST, note=note_digest(SALT, NOTE_TEXT))
    log.append("incident.recorded", "supervisor", incident)
    postponed = e.VotePostponed(
        contest=CONTEST, stations=(THIRD,), kind="pss", until="2024-12-05", reason="flood", basis="88/KPU/2024"
    )
    log.append("vote.postponed", "city-1", postponed)
    return objection


def _certify_district(log: _Ledger, stands: _Stands, objection: bytes) -> bytes:
    """Entries 23 to 26: the district's plenary; its certificate."""
    rows = (e.ReadRow(FIRST, 0, stands.first), e.ReadRow(SECOND, 0, stands.second))
    log.append("recap.read", "district-1", e.RecapRead(contest=CONTEST, rows=rows))
    settled = e.ObjectionSettled(
        objection=objection, outcome="rejected", corrections=(), reason="paper-confirms", basis="14/PPK/2024"
    )
    log.append("objection.settled", "district-1", settled)
    made = log.certificate(DISTRICT, "15/PPK/2024")
    certified = structs.replace(
        made,
        paper=(*made.sums[:3], made.sums[3] + 1, made.sums[4]),
        differences=(e.DifferenceRow(3, "paper-sum-wrong"),),
        missing=(e.MissingRow(THIRD, "postponed", ("88/KPU/2024",)),),
        agents=("signed", "absent"),
    )
    district = log.append("recap.certified", "district-1", certified)
    log.approved("approved", "district-2", district)
    return district


def _order_and_withdraw(log: _Ledger) -> e.RevoteOrdered:
    """Entries 27 to 32: a revote is recommended, ordered, answered and withdrawn; the order."""
    issued = e.RecommendationIssued(
        contest=CONTEST,
        kind="psu",
        number="7/PANWAS/2024",
        ground="voted-twice",
        codes=(SECOND,),
        deadline=START_MS + 7 * 86_400_000,
    )
    recommendation = log.append("recommendation.issued", "supervisor", issued)
    ordered = e.RevoteOrdered(
        contest=CONTEST, stations=(SECOND,), kind="psu", day="2024-12-05", reason="voted-twice", basis="90/KPU/2024"
    )
    order = log.append("revote.ordered", "city-1", ordered)
    log.approved("approved-2", "city-2", order)
    answered = e.RecommendationAnswered(
        recommendation=recommendation, answer="executed", events=(order,), reason="followed", basis="90/KPU/2024"
    )
    log.append("recommendation.answered", "city-1", answered)
    withdrawn = e.RevoteWithdrawn(order=order, reason="wrong-station", basis="91/KPU/2024")
    log.approved("approved-3", "city-2", log.append("revote.withdrawn", "city-1", withdrawn))
    return ordered


def _certify_city(log: _Ledger, district: bytes, ordered: e.RevoteOrdered) -> None:
    """Entries 33 to 39: the city's plenary and the seal; the court orders a revote, and the district reopens for it."""
    log.append("recap.read-2", "city-1", e.RecapRead(contest=CONTEST, rows=(e.ReadRow(DISTRICT, 0, district),)))
    city = log.append("recap.certified-2", "city-1", log.certificate(CITY, "92/KPU/2024"))
    log.approved("approved-4", "city-2", city)
    size = len(log.rows)
    log.append("recap.sealed", "sealer", e.RecapSealed(size=size, root=current_root(log.memory, size=size)))
    court = structs.replace(ordered, kind="psu-mk", day="2025-02-22", reason="court-order", basis="3/PHPU.WAKO/2025")
    log.approved("approved-5", "city-2", log.append("revote.ordered-2", "city-1", court))
    reopened = e.RecapReopened(
        contest=CONTEST, area=DISTRICT, certificate=district, stations=(SECOND,), reason="revote", basis="3/PHPU.WAKO/2025"
    )
    log.append("recap.reopened", "district-1", reopened)


def _amend(log: _Ledger, stands: _Stands) -> None:
    """Entries 40 to 45: what changes of the election itself, and a lost device's late event."""
    changed = e.CandidateChanged(contest=CONTEST, number=1, change="withdrawn", reason="illness", basis="97/KPU/2024")
    log.append("candidate.changed", "city-1", changed)
    third = e.StationRow(THIRD, "TPS 003", "Asia/Jakarta", 88, 91, (CONTEST,))
    jurisdictions = e.JurisdictionsAmended(
        reason="list-found", basis="98/KPU/2024", areas=(), added=(), merged=(), cancelled=(), corrected=(third,), voters=()
    )
    log.append("jurisdictions.amended", "administrator", jurisdictions)
    assert log.ledger is not None
    pair = _registrar(log.ledger, "pair-2", "registrar-pair-2", ("agent",))
    cutoff = e.Cutoff("operator", START_MS + 2 * 86_400_000)
    amended = e.ElectionAmended(reason="late-vote", basis="99/KPU/2024", cutoffs=(cutoff,), registrars=(pair,))
    log.approved("approved-6", "root-2", log.append("election.amended", "root-1", amended))
    lost = e.KeyRevoked(key=signing_key("operator-3").point, reason="device-lost", suspect_since=17, last_good=4)
    log.append("key.revoked", "registrar", lost)
    late = e.TallyWithdrawn(contest=CONTEST, station=SECOND, round=0, withdraws=(stands.second,), reason="sent-twice")
    log.append("tally.withdrawn-void", "operator-3", late)


def _log_key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())


def _rekey(log: _Ledger, signer: NoteSigner) -> None:
    """Entries 46 and 47: the log's key and the sealer's are replaced."""
    assert log.ledger is not None
    key = signing_key("sealer-2")
    sealer = e.Root(key.point, key.sign(sealer_digest(log.ledger, key.point)))
    data = e.LogRekeyed(reason="key-stolen", basis="100/KPU/2024", log_key=signer.vkey, sealer=sealer)
    log.approved("approved-7", "root-1", log.append("log.rekeyed", "root-2", data))


@cache
def example() -> Example:
    """The whole of it."""
    first_signer, signer = (NoteSigner(ORIGIN, _log_key(seed)) for seed in (b"docs/log", b"docs/log-2"))
    witness = NoteCosigner("witness.example", Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"docs/witness").digest()))
    log = _Ledger()
    opening = _opening(first_signer, witness)
    log.append("election.opened", "root-1", opening)
    administrator = _set_up(log)
    stands = _count(log)
    district = _certify_district(log, stands, _witness(log, stands))
    _certify_city(log, district, _order_and_withdraw(log))
    _amend(log, stands)
    _rekey(log, signer)
    for (code, area), sums in roll_up(log.memory).items():
        log.memory.put(SUMS, sums_key(code, area), sums)
    frontier = Frontier.EMPTY.extend([leaf_hash(row.entry) for row in log.rows])
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), signer)
    return Example(log.rows, draft_digest(opening), frontier.root(), checkpoint, first_signer, signer, log.memory, administrator)
