"""The story of one tally in words: who did what when and why, what it said before and after, and where the proof is.

The demo prints it.  It is told from the log alone: the events of the station's tally, and the certificates above it.  Codes that
the demo gives have their own words here; any other code is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

from ledger.cli.language import local_time, text
from ledger.cli.output import figure_text, line
from ledger.errors import BadInput
from ledger.node import Snapshot
from ledger.tally.events import (
    Approved,
    EventData,
    Figures,
    ObjectionRaised,
    ObjectionSettled,
    RecapCertified,
    RecapRead,
    TallyAttested,
    TallyCorrected,
    TallySubmitted,
)
from ledger.tally.projection import PENDING_WORD, VERSIONS, version_index, version_prefix
from ledger.tally.rollup import contest_form, standing_figures
from ledger.tally.rows import Key
from ledger.tally.signing import OpenedEntry, reopen_entry
from ledger.tally.state import AREAS, CONTESTS, ELECTION, KEYS, SINGLE, SLOTS, area_place, slot_key

__all__ = ["tell_story"]

WIDTH: Final = 100
INDENT: Final = " " * 14

UNBROKEN: Final = "\N{NO-BREAK SPACE}"
"""Keeps a pair's number and votes on one line; printed as a plain space."""

_CODES: Final = {
    "rows-exchanged": ("baris dua pasangan tertukar", "the rows of two pairs have changed places"),
    "paper-against-copies": ("plano dan salinan tidak sama", "the paper and the copies disagree"),
    "ballots-recounted": ("surat suara dihitung ulang", "the ballots were counted again"),
}
"""Grounds and reasons that the demo gives."""


class _Beat(NamedTuple):
    """One step of the story: when (ms since 1970), which entries prove it, and what happened."""

    time: int
    entries: tuple[int, ...]
    words: str


class _Teller:
    """Tells of one tally in one snapshot of the ledger."""

    def __init__(self, snapshot: Snapshot, contest: str, station: str) -> None:
        self._state = snapshot.state
        self._contest, self._station = contest, station
        row, election = self._state.get(CONTESTS, contest.encode()), self._state.get(ELECTION, SINGLE)
        area = self._state.get(AREAS, station.encode())
        if row is None or election is None or area is None:
            raise BadInput("station-unknown", "no such station holds this contest", station=station, contest=contest)
        self.row = row
        self._election = election
        self.zone = area.zone
        self._codes = contest_form(self._state, row).candidate_figures
        self._words_of = self._indexes()
        self.entries = {index: reopen_entry(snapshot.entry(index)) for index in sorted(self._words_of)}
        self._proposed = {entry.event.event_id: entry for entry in self.entries.values()}
        self.first, self.last = self._figures()
        self._pairs = tuple(
            number for number, at in enumerate(self._codes, 1) if self.first and self.last and self.first[at] != self.last[at]
        )

    def _indexes(self) -> dict[int, str]:
        """Every entry in the tally's history, and in that of the areas above, with its void code or the word that it waits."""
        places = [slot_key(self._contest, self._station, 0)]
        places += [
            area_place(self._contest, self._station[:length]) for length in self._election.digits if length < len(self._station)
        ]
        rows = (row for place in places for row in self._state.under(VERSIONS, version_prefix(place)))
        return {version_index(key): word for key, word in rows}

    def _figures(self) -> tuple[Figures, Figures]:
        """What was first sent, and what stands."""
        first = next((e.event.data.figures for e in self.entries.values() if isinstance(e.event.data, TallySubmitted)), ())
        slot = self._state.get(SLOTS, slot_key(self._contest, self._station, 0))
        return first, () if slot is None else standing_figures(slot, contest_form(self._state, self.row))

    def place(self) -> str:
        """Station, village and district by name."""
        names = [self._state.get(AREAS, self._station[:length].encode()) for length in self._election.digits[:-4:-1]]
        return ", ".join(row.name for row in names if row is not None)

    def pairs(self) -> list[str]:
        """The pairs whose votes are not what was first sent."""
        return [f"{number}. {self.row.candidates[number - 1].name}" for number in self._pairs]

    def votes(self, figures: Figures) -> str:
        """Their votes."""
        said = [(number, figure_text(figures[self._codes[number - 1]])) for number in self._pairs]
        whole = ", ".join(text(f"nomor_{pair}_=_{votes}", f"no._{pair}_=_{votes}") for pair, votes in said)
        return whole.replace("_", UNBROKEN)

    # --- who ---------------------------------------------------------------------------------------------------------------------

    def who(self, entry: OpenedEntry) -> str:
        """The seat in words."""
        key = self._state.get(KEYS, entry.event.key)
        return "?" if key is None else self._seat(key)

    def _seat(self, key: Key) -> str:
        area = self._state.get(AREAS, key.scope.encode())
        name = key.scope if area is None else area.name
        if key.role == "operator":
            return text("operator TPS", "the station's operator")
        if key.role == "agent":
            number = key.seat.rpartition("-")[2]
            return text(f"saksi pasangan nomor {number}", f"the agent of pair no. {number}")
        if key.role == "supervisor":
            return text(f"pengawas {name}", f"the supervisor of {name}")
        chair = key.seat.endswith("ketua")
        office = f"PPK {name}" if self._election.level_of(key.scope) == "district" else f"KPU {name}"
        return text(
            f"ketua {office}" if chair else f"anggota {office}",
            f"the chair of {office}" if chair else f"a member of {office}",
        )

    # --- what --------------------------------------------------------------------------------------------------------------------

    def beats(self) -> Iterator[_Beat]:
        """The steps in order; attestations that follow on each other and say the same are one."""
        group: list[OpenedEntry] = []
        for index, entry in self.entries.items():
            data = entry.event.data
            if isinstance(data, TallyAttested):
                if group and _copy(group[-1]) != data.figures:
                    yield self._attested(group)
                    group = []
                group.append(entry)
                continue
            if group:
                yield self._attested(group)
                group = []
            words = self._words(entry, data)
            if words:
                yield _Beat(entry.sequenced_at, (index,), words)
        if group:
            yield self._attested(group)

    def _attested(self, group: Sequence[OpenedEntry]) -> _Beat:
        names = [self.who(entry) for entry in group]
        who = names[0] if len(names) == 1 else ", ".join(names[:-1]) + text(" dan ", " and ") + names[-1]
        figures = _copy(group[0])
        if isinstance(figures, tuple):
            words = text(
                f"menurut salinan pada {who}, angkanya lain: {self.votes(figures)}",
                f"the copies of {who} say otherwise: {self.votes(figures)}",
            )
        else:
            words = text(f"menurut salinan pada {who}, angkanya sama", f"the copies of {who} say the same")
        return _Beat(group[0].sequenced_at, tuple(entry.index for entry in group), words)

    def _words(self, entry: OpenedEntry, data: EventData) -> str:
        who = self.who(entry)
        match data:
            case TallySubmitted():
                votes = self.votes(data.figures)
                return text(
                    f"{who} mengirim angka dari plano: {votes}", f"{who} sends the figures of the paper on the wall: {votes}"
                )
            case TallyCorrected():
                return self._corrected(who, data, waits=self._words_of[entry.index] == PENDING_WORD)
            case ObjectionRaised():
                return text(f"{who} mengajukan keberatan: {_said(data.ground)}", f"{who} objects: {_said(data.ground)}")
            case ObjectionSettled():
                return self._settled(who, data)
            case RecapRead():
                return self._read(who, data)
            case Approved():
                return self._approved(who, data)
            case RecapCertified():
                return ""  # told with its approval
            case _:
                reason = getattr(data, "reason", "")
                return f"{who}: {entry.event.type}" + (f" ({_said(reason)})" if reason else "")

    def _corrected(self, who: str, data: TallyCorrected, *, waits: bool) -> str:
        votes, reason = self.votes(data.figures), _said(data.reason)
        document = "" if not isinstance(data.basis, str) else text(f", dokumen {data.basis}", f", document {data.basis}")
        if not waits:
            return text(f"{who} membetulkan: {votes} ({reason}{document})", f"{who} corrects: {votes} ({reason}{document})")
        return text(
            f"{who} mengusulkan pembetulan: {votes} ({reason}{document}). Angka ini sudah disahkan di bawah, maka satu kunci saja"
            " tidak dapat mengubahnya",
            f"{who} proposes a correction: {votes} ({reason}{document}). The number was certified below, so no single key can"
            " change it",
        )

    def _settled(self, who: str, data: ObjectionSettled) -> str:
        reason = _said(data.reason)
        if data.outcome == "carried":
            return text(
                f"{who} membawa keberatan itu ke tingkat di atasnya: {reason}",
                f"{who} carries the objection to the level above: {reason}",
            )
        if data.outcome == "accepted":
            return text(f"{who} menerima keberatan itu: {reason}", f"{who} accepts the objection: {reason}")
        return text(f"{who} memutus keberatan itu: {data.outcome}", f"{who} settles the objection: {data.outcome}")

    def _read(self, who: str, data: RecapRead) -> str:
        if self._station in [row.code for row in data.rows]:
            return text(
                f"{who} membacakan formulir ini dalam pleno; angkanya sama dengan formulir kertas",
                f"{who} reads the form aloud in the plenary; the figures are those of the paper",
            )
        return text(
            f"{who} membacakan rekap {len(data.rows)} wilayah di bawahnya dalam pleno",
            f"{who} reads aloud in the plenary the recaps of the {len(data.rows)} areas below",
        )

    def _approved(self, who: str, data: Approved) -> str:
        proposed = self._proposed.get(data.event)
        if proposed is None:
            return ""
        if isinstance(proposed.event.data, TallyCorrected):
            return text(
                f"{who} menyetujuinya dengan kunci lain. Sejak saat ini angka baru itu yang dihitung",
                f"{who} approves it with another key. From now on the new figures count",
            )
        if not isinstance(proposed.event.data, RecapCertified):
            return ""
        certified = proposed.event.data
        area = self._state.get(AREAS, certified.area.encode())
        name = certified.area if area is None else area.name
        word = text("mengesahkan rekap", "certifies the recap of")
        if certified.area == self.row.area:
            word = text("menetapkan hasil", "determines the result of")
        first, second = self.who(proposed), _without_office(who)
        return text(
            f"{first} {word} {name}, dan {second} menyetujui (dokumen {certified.document})",
            f"{first} {word} {name}, and {second} approves (document {certified.document})",
        )


def _copy(entry: OpenedEntry) -> object:
    """The figures of an attestation; UNSET where it agrees."""
    return getattr(entry.event.data, "figures", None)


def _without_office(who: str) -> str:
    """A second seat of an office that was just named: the chair, a member."""
    return who.partition(" of ")[0] if who.startswith(("the ", "a ")) else who.partition(" ")[0]


def _said(code: str) -> str:
    """A reason's words, or its code."""
    return text(*_CODES[code]) if code in _CODES else code


def _when(milliseconds: int, zone: str) -> str:
    """Day, month, hour and minute."""
    day, month, _year, clock, _zone = local_time(milliseconds, zone).split()
    return f"{day} {month} {clock[:5]}"


def tell_story(snapshot: Snapshot, contest: str, station: str) -> None:
    """Prints it.  The contest and the station are listed."""
    teller = _Teller(snapshot, contest, station)
    name = text(teller.row.name_id, teller.row.name_en)
    line(text("Bagaimana satu angka terjadi", "How one number came to be"))
    line(f"{teller.place()} ({station}), {name}")
    for pair in teller.pairs():
        line(f"  {pair}")
    line(
        text(
            "Masalah di TPS ini rekaan, seperti semua angka di bawah kecamatan.",
            "This trouble is invented, as is everything below the districts.",
        )
    )
    line(text("PPK: panitia kecamatan; KPU: komisi pemilihan.", "PPK is the district's committee, KPU the election commission."))
    line()
    for beat in teller.beats():
        refs = ", ".join(f"#{index}" for index in beat.entries)
        when = _when(beat.time, teller.zone)
        words = f"{beat.words[0].upper()}{beat.words[1:]}. ({refs})"
        for number, said in enumerate(wrap(words, WIDTH - len(INDENT), break_on_hyphens=False)):
            line((f"{when:<{len(INDENT)}}" if number == 0 else INDENT) + said.replace(UNBROKEN, " "))
    line()
    line(text("Dulu:     ", "Before:  ") + teller.votes(teller.first).replace(UNBROKEN, " "))
    line(text("Sekarang: ", "Now:     ") + teller.votes(teller.last).replace(UNBROKEN, " "))
    line(
        text(
            "Bukti: setiap #N adalah entri dalam log; ledger show N menampilkannya, ledger prove N membuktikannya.",
            "Proof: each #N is an entry of the log; ledger show N shows it, ledger prove N proves it.",
        )
    )
