"""A state put together row by row, without events: for what reads states and decides nothing.

``Placed`` has the areas of a city of two districts, as many contests and stations as asked for, and puts forms where a test wants
them.  The rows are such as the fold makes; ``tests/tally/test_status.py`` and others go through the fold itself.
"""

from __future__ import annotations

from typing import Any, Final

from ledger.tally.eventdata.election import Candidate
from ledger.tally.events import Figures
from ledger.tally.forms import FormDefinition, shipped_form
from ledger.tally.memory import Memory
from ledger.tally.rows import (
    Area,
    Attestation,
    CandidateChange,
    Certificate,
    Contest,
    Election,
    Governance,
    Slot,
    Standing,
    VotersOf,
)
from ledger.tally.rules import CompiledForm, compile_form
from ledger.tally.state import (
    AREAS,
    ATTESTATIONS,
    CANDIDATES,
    CERTIFICATES,
    CONTESTS,
    ELECTION,
    FORMS,
    SINGLE,
    SLOTS,
    VOTERS,
    area_key,
    attestation_key,
    candidate_key,
    form_key,
    slot_key,
)

from ..governed import Governed

_ELECTION: Final[list[Election]] = []


def election() -> Election:
    """The governed election of ``tests/governed.py``; made once."""
    if not _ELECTION:
        world = Governed()
        _ELECTION.append(Election(world.ledger, world.opening, Governance((), (), (), ())))
    return _ELECTION[0]


class Placed:
    """The state and what is put there.  ``index`` counts on as events do."""

    def __init__(self) -> None:
        self.state = Memory()
        self.index = 10
        self.state.put(ELECTION, SINGLE, election())
        for level, code in enumerate(("17", "1771", "177101", "177102")):
            self.state.put(AREAS, code.encode(), Area(code, min(level, 2), "", None, None, (), ""))
        self.forms: dict[str, CompiledForm] = {}

    def contest(
        self,
        code: str,
        area: str,
        names: str,
        *,
        form: FormDefinition | None = None,
        rule: str = "plurality",
        population: int = 0,
        deciding: str = "city",
        certifying: tuple[str, ...] = ("city", "district"),
    ) -> None:
        """A contest; ``names`` of the candidates, apart by blanks, ``-`` for the empty box."""
        candidates = tuple(
            Candidate(number, "Kolom kosong" if name == "-" else name, "empty-box" if name == "-" else "candidate")
            for number, name in enumerate(names.split(), 1)
        )
        definition = form or shipped_form("kwk-wali-kota", len(candidates))
        self.forms[code] = compile_form(definition)
        self.state.put(FORMS, form_key(definition.code, definition.version), self.forms[code])
        contest = Contest(code, code, definition.code, definition.version, area, candidates, certifying, deciding, rule, population)
        self.state.put(CONTESTS, code.encode(), contest)

    def station(self, station: str, *contests: str, voters: int | None = 300) -> None:
        """A listed station with empty slots; half of the voters are men."""
        male, female = (None, None) if voters is None else (voters // 2, voters - voters // 2)
        self.state.put(AREAS, station.encode(), Area(station, 4, "Asia/Jakarta", male, female, contests, ""))
        for contest in contests:
            self.state.put(SLOTS, slot_key(contest, station, 0), Slot.empty(self.index))

    def voters(self, contest: str, station: str, male: int | None, female: int | None) -> None:
        """The contest's own list at the station."""
        self.state.put(VOTERS, area_key(contest, station), VotersOf(male, female))

    def figures(self, contest: str, **figures: Any) -> Figures:
        """A form of which only these figures are filled in (codes with ``_`` for ``-``)."""
        codes = [figure.code for figure in self.forms[contest].form.figures]
        given = {code.replace("_", "-"): figure for code, figure in figures.items()}
        assert not set(given) - set(codes), set(given) - set(codes)
        return tuple(given.get(code) for code in codes)

    def sound(self, contest: str, *votes: int, voters: int = 300, invalid: int = 5, **figures: Any) -> Figures:
        """A form that adds up: these votes, all users registered ones; ``figures`` replace what they name."""
        valid = sum(votes)
        users = valid + invalid
        received = voters + -(-voters * 25 // 1000)
        usual: dict[str, Any] = dict.fromkeys((figure.code for figure in self.forms[contest].form.figures), 0)
        for line, number in (("dpt", voters), ("pengguna-dpt", users), ("pengguna-total", users)):
            usual |= {f"{line}-l": number // 2, f"{line}-p": number - number // 2, f"{line}-j": number}
        usual |= {
            "surat-suara-diterima": received,
            "surat-suara-digunakan": users,
            "surat-suara-tidak-digunakan": received - users,
            "suara-sah": valid,
            "suara-tidak-sah": invalid,
            "suara-total": users,
            **{f"suara-{number}": each for number, each in enumerate(votes, 1)},
            **{code.replace("_", "-"): figure for code, figure in figures.items()},
        }
        return tuple(usual[figure.code] for figure in self.forms[contest].form.figures)

    def standing(self, figures: Figures, *, seat: str = "1", role: str = "operator", scope: str = "") -> Standing:
        """An event that stands, with an id of its own."""
        self.index += 1
        return Standing(self.index.to_bytes(32), self.index, role, scope, seat, 0, figures, ())

    def put(self, contest: str, station: str, *forms: Figures, round_: int = 0, **marks: int) -> Slot:
        """The forms of one seat or both, as they stand; ``marks``: other fields of the slot."""
        seats = tuple(self.standing(figures, seat=str(seat)) for seat, figures in enumerate(forms, 1))
        usual: dict[str, Any] = dict.fromkeys(Slot.__struct_fields__, 0)
        slot = Slot(**{**usual, "decided": (), "seats": seats, "opened": 1, "changed": self.index, **marks})
        self.state.put(SLOTS, slot_key(contest, station, round_), slot)
        return slot

    def out(self, contest: str, number: int, change: str) -> None:
        """The candidate is out, or in again."""
        self.state.put(CANDIDATES, candidate_key(contest, number), CandidateChange(self.index, change, "", "r", "SK 1"))

    def attest(self, contest: str, station: str, event: bytes, figures: Figures = (), *, who: str = "agent-1") -> None:
        """What an attester last said."""
        self.index += 1
        key = attestation_key(slot_key(contest, station, 0), "agent", "1771", who)
        self.state.put(ATTESTATIONS, key, Attestation(self.index, event, "agent", "pair-1", figures))

    def certify(self, contest: str, area: str, sums: tuple[int, ...], **other: Any) -> Certificate:
        """A certificate over all that stands; the paper says the same."""
        self.index += 1
        usual: dict[str, Any] = {
            "event": self.index.to_bytes(32),
            "index": self.index,
            "time": 0,
            "size": self.index,
            "commitment": bytes(32),
            "sums": sums,
            "paper": sums,
            "differences": (),
            "missing": (),
            "document": f"BA {area}",
            "held_at": 1_733_000_000_000,
            "seat": "chair",
            "read": 0,
            "corrected": 0,
            "renew": 0,
            "reopened": (),
        }
        row = Certificate(**{**usual, **other})
        self.state.put(CERTIFICATES, area_key(contest, area), row)
        return row
