"""How acts, keys and places read on screens: the words for every act of the log, who did it, and the options that reading verbs
share."""

from __future__ import annotations

from textwrap import wrap
from typing import Any, Final

import msgspec

from ledger.cli.completing import complete_contest
from ledger.cli.language import grouped, iso_time, language, local_time, text
from ledger.cli.output import figure_text, line
from ledger.cli.program import option
from ledger.cli.tables import near
from ledger.errors import BadInput
from ledger.recap.places import election_of
from ledger.recap.views import EntryView
from ledger.tally.facts.wording import level_label
from ledger.tally.state import AREAS, CONTESTS, Reader

__all__ = [
    "ROLES",
    "WIDTH",
    "act_word",
    "at_option",
    "change_lines",
    "codes_text",
    "contest_option",
    "entry_object",
    "facts_text",
    "known_contest",
    "level_word",
    "marks_text",
    "role_word",
    "said_lines",
    "who",
    "zone_of",
]

WIDTH: Final = 110
CODES_SHOWN: Final = 12
"""Codes of stations named in one line; the rest is counted."""

at_option = option(
    "--at", type=int, metavar="N", ind="Seperti setelah N entri pertama", eng="As it stood after the first N entries"
)
contest_option = option(
    "--contest", shell_complete=complete_contest, metavar="CODE", ind="Hanya kontes ini", eng="This contest alone"
)


def known_contest(state: Reader, contest: str | None) -> None:
    """Raises ``BadInput`` ``contest-unknown`` with what may have been meant."""
    if contest is not None and state.get(CONTESTS, contest.encode()) is None:
        codes = [key.decode() for key, _ in state.under(CONTESTS)]
        mean = near(contest, codes) or ", ".join(codes[:8])
        raise BadInput("contest-unknown", "no such contest is listed", contest=contest, did_you_mean=mean)


def zone_of(state: Reader, station: str) -> str:
    """A station's time zone, or the election's first."""
    area = state.get(AREAS, station.encode()) if station else None
    return (area.zone if area else "") or election_of(state).opened.zones[0]


def level_word(level: str, area: str = "") -> str:
    """A level for people; of one ``area`` whether it is a regency or a city."""
    return level_label(level, language(), area=area)


# --- who -------------------------------------------------------------------------------------------------------------------------

_ROLES: Final = {
    "administrator": ("administrator", "administrator"),
    "agent": ("saksi", "agent"),
    "importer": ("pengimpor", "importer"),
    "officer": ("petugas", "officer"),
    "operator": ("operator", "operator"),
    "registrar": ("pendaftar kunci", "registrar"),
    "root": ("kunci akar", "root"),
    "sealer": ("penyegel", "sealer"),
    "supervisor": ("pengawas", "supervisor"),
}


ROLES: Final = tuple(_ROLES)
"""Every role that a key may have."""


def role_word(role: str) -> str:
    """A role for people."""
    return text(*_ROLES[role]) if role in _ROLES else role


def who(view: EntryView) -> str:
    """Role, scope, seat and the key's short id, and what is to be known of the key."""
    role = role_word(view.role) or text("kunci tidak terdaftar", "key not enrolled")
    marks = marks_text(view.marks)
    return f"{role} {view.scope or '-'} / {view.seat or '-'} ({view.key[:12]})" + (f" [{marks}]" if marks else "")


_MARKS: Final = {
    "alone": ("kunci pengganti, belum ditinjau", "replaced key, not reviewed yet"),
    "suspect": ("kunci dicurigai sejak sebelum ini", "key suspect since before this"),
    "late": ("didaftarkan setelah pemungutan dibuka", "enrolled after the polls opened"),
    "rotated": ("kursi beralih ke kunci lain", "its seat passed to another key"),
    "revoked": ("dicabut", "revoked"),
}


def marks_text(marks: tuple[str, ...]) -> str:
    """What is to be known of a key."""
    return ", ".join(text(*_MARKS[mark]) for mark in marks if mark in _MARKS)


def entry_object(view: EntryView, zone: str) -> dict[str, Any]:
    """An entry as JSON: the view's fields, and the time in ISO 8601."""
    plain: dict[str, Any] = msgspec.to_builtins(view)
    return {**plain, "time": iso_time(view.sequenced_at, zone)}


# --- what ------------------------------------------------------------------------------------------------------------------------

_ACTS: Final = {
    "submitted": ("masuk", "sent in"),
    "confirmed": ("operator kedua: angka sama", "second operator: same figures"),
    "differs": ("operator kedua: angka berbeda", "second operator: different figures"),
    "corrected": ("pembetulan", "correction"),
    "photo-added": ("foto ditambahkan, angka sama", "photo added, same figures"),
    "held": ("ditahan (tidak masuk jumlah)", "held (not in the totals)"),
    "released": ("dilepas, masuk jumlah lagi", "released, in the totals again"),
    "withdrawn": ("kiriman ditarik, belum masuk lagi", "withdrawn, not in yet again"),
    "explained": ("catatan pemeriksaan dijelaskan", "remark explained"),
    "attested-agrees": ("salinan sendiri: sama", "own copy agrees"),
    "attested-differs": ("salinan sendiri: angka lain", "own copy says other figures"),
    "read": ("dibacakan di pleno dan cocok", "read in the plenary and found to agree"),
    "certified": ("rekap disahkan", "recap certified"),
    "determined": ("hasil ditetapkan", "result determined"),
    "reopened": ("pengesahan dibuka kembali", "certificate reopened"),
    "sealed": ("semua rekap disegel", "all recaps sealed"),
    "postponed-psl": ("pemungutan dilanjutkan di hari lain (PSL)", "voting goes on another day (PSL)"),
    "postponed-pss": ("pemungutan diadakan di hari lain (PSS)", "voting is held on another day (PSS)"),
    "resumed": ("PSL atau PSS dicabut", "postponement taken back"),
    "revote-ordered": ("PSU diperintahkan, putaran ini dibatalkan", "revote ordered, this round is annulled"),
    "revote-withdrawn": ("perintah PSU dicabut, putaran lama berlaku lagi", "revote order withdrawn, the old round stands again"),
    "objected": ("keberatan", "objection"),
    "objection-accepted": ("keberatan diterima dengan pembetulan", "objection accepted, with a correction"),
    "objection-repaired": ("keberatan: prosedur diperbaiki", "objection: procedure repaired"),
    "objection-rejected": ("keberatan ditolak", "objection rejected"),
    "objection-carried": ("keberatan dibawa ke tingkat atas", "objection carried to the level above"),
    "objection-withdrawn": ("keberatan dicabut oleh yang mengajukan", "objection withdrawn by who raised it"),
    "objection-court": ("diputus Mahkamah Konstitusi", "decided by the Constitutional Court"),
    "recommended": ("rekomendasi pengawas", "supervisor's recommendation"),
    "recommendation-executed": ("rekomendasi dilaksanakan", "recommendation carried out"),
    "recommendation-refused": ("rekomendasi tidak dilaksanakan", "recommendation refused"),
    "incident": ("kejadian khusus", "special incident"),
    "approved": ("persetujuan kursi kedua", "second seat's approval"),
    "enrolled": ("kunci didaftarkan", "keys enrolled"),
    "rotated": ("kunci diganti oleh pemegangnya", "key rotated"),
    "revoked": ("kunci dicabut", "key revoked"),
    "candidate-withdrawn": ("calon mengundurkan diri", "candidate withdrawn"),
    "candidate-disqualified": ("calon dibatalkan", "candidate disqualified"),
    "candidate-replaced": ("calon diganti", "candidate replaced"),
    "candidate-restored": ("calon dipulihkan", "candidate restored"),
    "forms-defined": ("formulir ditetapkan", "forms defined"),
    "contests-listed": ("kontes didaftarkan", "contests listed"),
    "areas-listed": ("wilayah dan TPS didaftarkan", "areas and stations listed"),
    "areas-amended": ("daftar wilayah dan TPS diubah", "list of areas and stations amended"),
    "amended": ("manifes diubah", "manifest amended"),
    "rekeyed": ("kunci log atau penyegel diganti", "key of the log or the sealer replaced"),
    "election.opened": ("pemilihan dibuka", "election opened"),
}


def act_word(word: str) -> str:
    """An act for people."""
    return text(*_ACTS[word]) if word in _ACTS else word


_FACTS: Final = {
    "act": ("perbuatan", "act"),
    "added": ("ditambah", "added"),
    "agents": ("tanda saksi", "agents' marks"),
    "areas": ("wilayah", "areas"),
    "approved": ("keadaan", "state"),
    "basis": ("dasar", "basis"),
    "by": ("oleh", "by"),
    "cancelled": ("dibatalkan", "cancelled"),
    "contests": ("kontes", "contests"),
    "corrected": ("baris dibetulkan", "rows corrected"),
    "crew": ("tanda tangan KPPS", "crew signatures"),
    "day": ("tanggal", "day"),
    "deadline": ("batas waktu", "deadline"),
    "differences": ("selisih dengan kertas", "differences from the paper"),
    "document": ("dokumen", "document"),
    "event": ("peristiwa", "event"),
    "figures": ("angka", "figures"),
    "findings": ("catatan", "remarks"),
    "forms": ("formulir", "forms"),
    "ground": ("pokok", "ground"),
    "key": ("kunci", "key"),
    "keys": ("kunci", "keys"),
    "kind": ("jenis", "kind"),
    "level": ("tingkat", "level"),
    "last_good": ("posisi terakhir yang baik", "last good position"),
    "merged": ("digabung", "merged"),
    "missing": ("tidak masuk rekap", "not in the recap"),
    "name": ("nama", "name"),
    "number": ("nomor", "number"),
    "objection": ("keberatan", "objection"),
    "order": ("perintah", "order"),
    "overdue": ("batas waktu", "deadline"),
    "photos": ("foto", "photos"),
    "reason": ("alasan", "reason"),
    "role": ("peran", "role"),
    "root": ("akar", "root"),
    "rows": ("dibacakan bersama", "read together"),
    "size": ("ukuran log", "log size"),
    "source": ("sumber", "source"),
    "stations": ("TPS", "stations"),
    "suspect_since": ("dicurigai sejak", "suspect since"),
    "to": ("kunci baru", "new key"),
    "until": ("sampai", "until"),
    "void": ("tidak berlaku", "without effect"),
    "what": ("tentang", "about"),
    "why": ("sertifikat", "certificate"),
}


def facts_text(facts: tuple[tuple[str, str], ...], zone: str, *, without: tuple[str, ...] = ("act",), area: str = "") -> list[str]:
    """``name: value`` of each fact; the reason comes first.  ``area``: whose levels are meant."""
    said: list[str] = []
    for name, value in sorted(facts, key=lambda fact: fact[0] != "reason"):
        if name in without:
            continue
        shown, word = value, name
        if name == "deadline_ms":
            shown, word = local_time(int(value), zone), "deadline"
        parts = tuple(shown.split(", "))
        shown = codes_text(parts) if len(parts) > CODES_SHOWN else shown
        said.append(f"{text(*_FACTS[word]) if word in _FACTS else word}: {_value(word, shown, area)}")
    return said


def _value(name: str, value: str, area: str) -> str:
    match name:
        case "role":
            return role_word(value)
        case "level":
            return level_word(value, area)
        case "act":
            return act_word(value)
        case "overdue":
            return text("LEWAT BATAS", "OVERDUE")
        case "why":
            return text(*_WHYS[value]) if value in _WHYS else value
        case _:
            return value


_WHYS: Final = {
    "none": ("belum ada", "none yet"),
    "reopened": ("dibuka kembali", "reopened"),
    "renewal": ("perlu disahkan ulang", "to be certified again"),
    "older-version": ("baru versi lama yang dicocokkan", "an older version alone was"),
}


def said_lines(said: list[str], indent: str = "  ") -> None:
    """Facts on as few lines as fit."""
    if said:
        for words in wrap("; ".join(said), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False):
            line(words)


def change_lines(changed: tuple[tuple[str, Any, Any], ...], indent: str = "  ") -> None:
    """``code: before -> after``, one a line."""
    for code, before, after in changed:
        line(f"{indent}{code}: {figure_text(before)} -> {figure_text(after)}")


def codes_text(codes: tuple[str, ...], whole: int | None = None) -> str:
    """The first codes of a list and how many more there are; ``whole``: how many in all."""
    count = len(codes) if whole is None else max(whole, len(codes))
    more = count - min(len(codes), CODES_SHOWN)
    said = ", ".join(codes[:CODES_SHOWN])
    return said + (text(f", dan {grouped(more)} lagi", f", and {grouped(more)} more") if more > 0 else "")
