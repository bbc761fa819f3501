"""What the rules that look across say: codes, severities, sentences and advice, in Indonesian and English (docs/RULES.md).

``crosschecks`` computes them.  None blocks anything, and none keeps a form out of a total.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from ledger.tally.facts.wording import Said, said
from ledger.tally.rules import Language

__all__ = ["ADVICE", "CHECKS", "REASONS", "ROLES", "Advice", "Check", "Role", "advice", "check_of"]

Role = Literal["operator", "officer", "watcher", "public"]
"""Who is told what to do; a watcher is a party agent or a supervisor."""

ROLES: Final[Mapping[Role, Said]] = {
    "operator": ("operator TPS", "operator"),
    "officer": ("petugas rekapitulasi", "recap officer"),
    "watcher": ("saksi, pengawas", "party agent, supervisor"),
    "public": ("masyarakat", "public"),
}

Advice = Mapping[Role, Said]

ADVICE: Final[Mapping[str, Advice]] = {
    "list": {
        "operator": (
            "Bandingkan baris DPT dengan kertas. Salah ketik: kirim pembetulan. Begitu di kertas: biarkan.",
            "Compare the line of registered voters with the paper. Mistyped: send a correction. So on the paper: leave it.",
        ),
        "officer": (
            "Cocokkan dengan daftar pemilih. Jika daftarnya yang salah, minta administrator memperbaikinya dengan dasar dokumen.",
            "Compare with the list of voters. If the list is wrong, have the administrator amend it, with its document.",
        ),
        "watcher": (
            "Bandingkan dengan salinan DPT yang Anda pegang; ajukan keberatan bila salinan itu berkata lain.",
            "Compare with your own copy of the list; raise an objection if it says otherwise.",
        ),
        "public": (
            "Selisih daftar pemilih tidak mengubah suara; lihat riwayat TPS.",
            "A difference in the list of voters changes no vote; see the station's history.",
        ),
    },
    "users": {
        "operator": (
            "Bandingkan baris pengguna hak pilih dengan kertas. Salah ketik: kirim pembetulan. Begitu di kertas: biarkan.",
            "Compare the lines of voters who voted with the paper. Mistyped: send a correction. So on the paper: leave it.",
        ),
        "officer": (
            "Bahas di pleno dengan daftar hadir; jika kertas berselisih, catat sebagai kejadian khusus.",
            "Take it up in the plenary with the attendance list; if the paper itself differs, record an incident.",
        ),
        "watcher": (
            "Minta daftar hadir dibuka di pleno; selisih ini dapat menjadi dasar keberatan atau rekomendasi.",
            "Ask for the attendance list in the plenary; the difference can be a ground for an objection or a recommendation.",
        ),
        "public": (
            "Bandingkan foto formulir dengan angkanya; beri tahu pengawas bila berbeda.",
            "Compare the photo of the form with the number; tell a supervisor if they differ.",
        ),
    },
    "recap": {
        "operator": ("Tidak ada yang perlu dilakukan di TPS.", "Nothing is to be done at the station."),
        "officer": (
            "Jelaskan selisih per angka; jika angka di bawahnya yang berubah, buka kembali atau sahkan ulang rekap ini.",
            "Explain the difference, figure by figure; if what lies below changed, reopen this recap or certify it again.",
        ),
        "watcher": (
            "Bandingkan D.Hasil yang Anda pegang dengan rincian per TPS; ajukan keberatan di pleno tingkat itu.",
            "Compare your own D.Hasil with the stations' figures; raise an objection in that level's plenary.",
        ),
        "public": (
            "Lihat angka mana yang berbeda, di mana dan dengan alasan apa.",
            "See which figures differ, where, and for which reason.",
        ),
    },
    "copies": {
        "operator": (
            "Bandingkan kiriman dengan plano. Salah ketik: kirim pembetulan. Sesuai plano: biarkan.",
            "Compare what you sent with the plano. Mistyped: send a correction. As on the plano: leave it.",
        ),
        "officer": (
            "Buka plano di pleno dan bandingkan dengan salinan saksi dan pengawas; bila perlu hitung ulang surat suara.",
            "Open the plano in the plenary and compare it with the copies of agents and supervisors; recount ballots if need be.",
        ),
        "watcher": (
            "Bawa salinan Anda ke pleno; ajukan keberatan bila plano berbeda dari salinan.",
            "Bring your copy to the plenary; raise an objection if the plano differs from it.",
        ),
        "public": (
            "Ada salinan yang berkata lain; lihat salinan siapa dan angka mana.",
            "A copy says otherwise; see whose, and in which figures.",
        ),
    },
    "look": {
        "operator": (
            "Lihat lagi foto formulir. Salah ketik: kirim pembetulan. Begitu di kertas: biarkan; ini dapat benar.",
            "Look at the photo again. Mistyped: send a correction. So on the paper: leave it; it can be true.",
        ),
        "officer": (
            "Bandingkan foto dan angka sebelum pleno; bacakan TPS ini dengan teliti.",
            "Compare photo and number before the plenary; read this station with care.",
        ),
        "watcher": (
            "Bandingkan dengan salinan Anda; hadir saat TPS ini dibacakan.",
            "Compare with your copy; be there when this station is read.",
        ),
        "public": (
            "Angka ini tidak lazim, belum tentu salah; bandingkan dengan foto formulir.",
            "The number is unusual and not therefore wrong; compare it with the photo of the form.",
        ),
    },
}
"""What to do, per role, for each kind of remark."""


class Check(NamedTuple):
    """A rule that looks across.  ``rule`` in words; ``sentence`` with the numbers; ``advice``: a key of ADVICE."""

    code: str
    severity: Literal["error", "warning"]
    rule: Said
    sentence: Said
    source: str
    advice: str


CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "r15-contests",
        "error",
        (
            "Pemilih dalam DPT di satu TPS sama pada semua pemilihan dengan daftar yang sama.",
            "The registered voters of a station are the same in all contests with the same list.",
        ),
        ("Pemilih dalam DPT {here}, tetapi {there} pada {other}", "{here} registered voters, but {there} in {other}"),
        "inferred",
        "list",
    ),
    Check(
        "r15-list",
        "warning",
        (
            "Pemilih dalam DPT pada formulir sama dengan daftar pemilih.",
            "The registered voters on the form are those of the list.",
        ),
        ("{figure}: formulir menulis {here}, daftar pemilih {there}", "{figure}: the form says {here}, the list {there}"),
        "inferred",
        "list",
    ),
    Check(
        "r16",
        "warning",
        (
            "Pengguna hak pilih pada pemilihan gubernur tidak lebih sedikit dari pada pemilihan bupati atau wali kota.",
            "No fewer voters voted in the wider contest (governor) than in the narrower one (regent, mayor).",
        ),
        (
            "Pengguna hak pilih {here}, lebih sedikit dari {there} pada {other}",
            "{here} voters voted, fewer than {there} in {other}",
        ),
        "harianrakyatbengkulu.bacakoran.co/read/26768; cause inferred",
        "users",
    ),
    Check(
        "r17-paper",
        "warning",
        (
            "Berita acara rekap sama dengan jumlah dari log.",
            "The signed recap says what the log gave.",
        ),
        (
            "{figure}: berita acara menulis {here}, log {there} (alasan: {other})",
            "{figure}: the signed recap says {here}, the log {there} (reason: {other})",
        ),
        "PKPU 19/2020 art. 15A, 29",
        "recap",
    ),
    Check(
        "r17-children",
        "warning",
        (
            "Berita acara rekap sama dengan jumlah berita acara tingkat di bawahnya.",
            "The signed recap is the sum of the signed recaps of the level below.",
        ),
        (
            "{figure}: berita acara menulis {here}, jumlah dari {other} berita acara di bawahnya {there}",
            "{figure}: the signed recap says {here}, the {other} signed recaps below it add up to {there}",
        ),
        "recapitulation by levels (berjenjang)",
        "recap",
    ),
    Check(
        "r17-since",
        "warning",
        (
            "Jumlah sekarang sama dengan jumlah yang disahkan.",
            "The total is still the one that was certified.",
        ),
        ("{figure}: disahkan {there}, sekarang {here}", "{figure}: certified {there}, now {here}"),
        "recapitulation by levels (berjenjang)",
        "recap",
    ),
    Check(
        "r18",
        "error",
        (
            "Angka yang berlaku sama dengan salinan yang dipegang saksi dan pengawas.",
            "The standing figures are those of the copies of party agents and supervisors.",
        ),
        (
            "{figure}: salinan {other} menulis {there}, yang berlaku {here}",
            "{figure}: the copy of {other} says {there}, what stands {here}",
        ),
        "PKPU 19/2020 art. 15A(1)h",
        "copies",
    ),
    Check(
        "p-turnout-over",
        "error",
        (
            "Pengguna hak pilih dalam DPT tidak lebih banyak dari daftar pemilih.",
            "No more registered voters voted than stand on the list.",
        ),
        ("{here} pemilih DPT memilih, daftar {there}", "{here} registered voters voted, the list has {there}"),
        "inferred, as R3",
        "users",
    ),
    Check(
        "p-turnout-extreme",
        "warning",
        (
            "Tingkat kehadiran antara 20% dan 98% daftar pemilih (TPS dengan sekurang-kurangnya 50 pemilih).",
            "Turnout lies between 20 % and 98 % of the list (stations with at least 50 voters).",
        ),
        ("{here} pengguna hak pilih dari {there} pemilih", "{here} voters voted of {there}"),
        "inferred; Kota Bengkulu 2024: 72.19 %",
        "look",
    ),
    Check(
        "p-users-over-voters",
        "error",
        (
            "Pengguna hak pilih tidak lebih banyak dari pemilih dalam DPT, pindahan dan tambahan bersama.",
            "No more voters voted than registered, moved and added voters together.",
        ),
        ("{here} pengguna hak pilih, pemilih {there}", "{here} voters voted, {there} were voters"),
        "inferred, from R2 and R3",
        "users",
    ),
    Check(
        "p-all-for-one",
        "warning",
        (
            "Suara sah tidak semuanya untuk satu calon (mulai 20 suara sah).",
            "Not all valid votes are for one candidate (from 20 valid votes on).",
        ),
        ("Semua {here} suara sah untuk nomor urut {other}", "All {here} valid votes are for number {other}"),
        "inferred",
        "look",
    ),
    Check(
        "p-none-for-one",
        "warning",
        (
            "Tidak ada calon tanpa suara sama sekali (mulai 100 suara sah).",
            "No candidate is without any vote (from 100 valid votes on).",
        ),
        ("Tidak ada suara untuk nomor urut {other} dari {here} suara sah", "No vote for number {other} of {here} valid votes"),
        "inferred",
        "look",
    ),
    Check(
        "p-neighbours",
        "warning",
        (
            "Suara kurang dari sepuluh kali nilai tengah TPS tetangga: sekelurahan, atau sekecamatan bila kurang dari lima "
            "(mulai 100 suara).",
            "Votes are less than ten times the median of the neighbouring stations: of the village, or of the district where those "
            "are fewer than five (from 100 votes on).",
        ),
        (
            "{figure}: {here}, nilai tengah {other} TPS tetangga {there}",
            "{figure}: {here}, the median of {other} neighbouring stations is {there}",
        ),
        "detik.com, voi.id: +800 at one station (2024)",
        "look",
    ),
    Check(
        "p-beyond-ballots",
        "error",
        (
            "Tidak ada angka suara atau surat suara yang jauh melampaui daftar pemilih (lebih dari seperempat, dan lebih dari 20).",
            "No figure of votes or ballots lies far beyond the list of voters (by more than a quarter, and more than 20).",
        ),
        ("{figure}: {here}, daftar pemilih {there}", "{figure}: {here}, the list has {there} voters"),
        "ballots are the list and 2.5 % reserve (jpnn.com)",
        "look",
    ),
)
"""In the order of docs/RULES.md."""

REASONS: Final[Mapping[str, Said]] = {
    "no-figure": ("formulir tidak memuat angka itu", "the form has no such figure"),
    "no-number": ("angkanya kosong, tidak terbaca, atau tidak berlaku", "a figure is blank, illegible or not applicable"),
    "not-in": ("belum ada yang berlaku di TPS itu", "nothing stands at the station"),
    "other-list": ("daftar pemilihnya tidak sama", "the lists of voters are not the same"),
    "no-list": ("daftar pemilih tidak diketahui", "the list of voters is not known"),
    "few-voters": ("terlalu sedikit pemilih atau suara", "too few voters or votes"),
    "few-neighbours": ("TPS tetangga yang sudah masuk kurang dari lima", "fewer than five neighbouring stations are in"),
    "no-copy": ("belum ada salinan yang dapat dibandingkan", "no copy to compare with"),
    "not-certified": ("rekap di bawahnya belum semuanya disahkan", "not all recaps below are certified"),
}
"""Why a rule is not evaluated."""

_BY_CODE: Final = {check.code: check for check in CHECKS}


def check_of(code: str) -> Check | None:
    """The rule of this code; None where there is none."""
    return _BY_CODE.get(code)


def advice(check: Check, role: Role, lang: Language) -> str:
    """What someone in this role is to do."""
    return said(ADVICE[check.advice][role], lang)
