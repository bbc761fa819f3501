"""The verbs: who uses them, one line of help in each language, and where they are.  Nothing is imported until a verb runs."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["GROUPS", "VERBS", "Verb"]


class Verb(NamedTuple):
    """``place`` is ``module:function`` in ``ledger.cli``."""

    name: str
    group: str
    id: str
    en: str
    place: str


GROUPS: Final = {
    "administrator": ("Administrator", "Administrator"),
    "operator": ("Operator TPS", "Operator at a polling station"),
    "officer": ("Petugas rekapitulasi", "Recap officer"),
    "everyone": ("Siapa saja", "Everyone"),
    "trial": ("Mencoba", "Trying it out"),
}

_TABLE: Final = """
init           | administrator | Membuat ledger dan membuka pemilihan | Make a ledger and open the election | init:init
area add       | administrator | Mendaftarkan wilayah dan TPS dari CSV | List areas and polling stations from CSV | setup:area_add
contest add    | administrator | Mendaftarkan pemilihan (kontes) dari TOML | List contests from TOML | setup:contest_add
form add       | administrator | Menetapkan formulir bawaan | Define a shipped form | setup:form_add
enrol          | administrator | Mendaftarkan kunci operator dan petugas | Enrol keys of operators and officers | keys:enrol
revoke         | administrator | Mencabut kunci | Revoke a key | keys:revoke
replay         | administrator | Menghitung ulang dari log dan membandingkan | Replay the log and compare | upkeep:replay
publish        | administrator | Menerbitkan log sebagai folder berkas | Publish the log as a folder of files | upkeep:publish
doctor         | administrator | Memeriksa komputer dan ledger ini | Check this machine and ledger | doctor:doctor
key new        | operator | Membuat perangkat dengan kunci baru | Make a device with a new key | keys:key_new
key show       | operator | Menampilkan kunci dan posisi perangkat | Show a device's key and stream | keys:key_show
submit         | operator | Mengirim angka satu formulir C.Hasil | Send in the figures of one tally form | tallies:submit
correct        | operator | Mengirim pembetulan dengan alasan | Send a correction with its reason | tallies:correct
receipt check  | operator | Memeriksa tanda terima tanpa jaringan | Check a receipt offline | proofs:receipt_check
hold           | officer | Menahan hasil TPS (tidak masuk jumlah) | Keep a tally out of the totals | tallies:hold
release        | officer | Melepas hasil yang ditahan | Put a held tally back into the totals | tallies:release
recap          | everyone | Rekap suatu wilayah atau TPS | The recap of an area or station | reading:recap
history        | everyone | Bagaimana angka satu TPS terjadi | How a station's numbers came to be | reading:history
findings       | everyone | Catatan pemeriksaan aturan formulir | Remarks of the rules on the forms | reading:findings
log            | everyone | Isi log, satu baris per entri | The log, one line an entry | entries:log
show           | everyone | Satu entri selengkapnya | One entry in full | entries:show
explain        | everyone | Arti suatu kode dan apa yang harus dilakukan | What a code means and what to do | explaining:explain
verify         | everyone | Memeriksa seluruh log dan semua jumlah | Verify a whole log and all its totals | auditing:verify
prove          | everyone | Bukti bahwa suatu entri ada dalam log | A proof that an entry is in the log | proofs:prove
demo           | trial | Satu pemilihan lengkap dalam satu folder | A whole election in a folder | trial:demo
import kpu     | trial | Mengimpor data terbitan KPU | Import data as KPU published it | trial:import_kpu
completion     | trial | Skrip pelengkap untuk shell | The completion script of a shell | explaining:completion
help           | trial | Bantuan, atau help exit-codes | Help, or help exit-codes | explaining:help_
"""

VERBS: Final = {
    name: Verb(name, *rest) for name, *rest in ([cell.strip() for cell in line.split("|")] for line in _TABLE.strip().splitlines())
}
