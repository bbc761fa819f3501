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
    "watcher": ("Saksi dan pengawas", "Party agents and supervisors"),
    "everyone": ("Siapa saja", "Everyone"),
    "witness": ("Peneguh log", "Log witnesses"),
    "trial": ("Mencoba", "Trying it out"),
}

_TABLE: Final = """
init           | administrator | Membuat ledger dan membuka pemilihan | Make a ledger and open the election | init:init
area add       | administrator | Mendaftarkan wilayah dan TPS dari CSV | List areas and polling stations from CSV | setup:area_add
area amend     | administrator | Mengubah daftar wilayah dan TPS | Change the list of areas and stations | amending:area_amend
contest add    | administrator | Mendaftarkan pemilihan (kontes) dari TOML | List contests from TOML | setup:contest_add
form add       | administrator | Menetapkan formulir bawaan | Define a shipped form | setup:form_add
enrol          | administrator | Mendaftarkan kunci | Enrol keys | keys:enrol
revoke         | administrator | Mencabut kunci | Revoke a key | keys:revoke
rotate         | administrator | Mengganti kunci suatu kursi | Pass a seat to a new key | rotating:rotate
rekey          | administrator | Kunci log atau penyegel yang baru | A new key of the log or the sealer | rekeying:rekey
approve        | administrator | Menyetujui tindakan sebagai kursi kedua | Approve an act as its second seat | approving:approve
amend          | administrator | Mengubah aturan pemilihan | Amend the rules of the election | amending:amend
candidate      | administrator | Calon gugur, diganti, atau dipulihkan | A candidate out, replaced or restored | amending:candidate
status         | administrator | Sampai di mana pemilihan ini | How far the election has come | worklists:status
keys           | administrator | Semua kunci dan tanda-tandanya | All keys and what is known of them | worklists:keys
replay         | administrator | Menghitung ulang dari log dan membandingkan | Replay the log and compare | upkeep:replay
publish        | administrator | Menerbitkan log sebagai folder berkas | Publish the log as a folder of files | publishing:publish
serve          | administrator | Melayani ledger lewat jaringan | Serve the ledger over the network | serving:serve
seal           | administrator | Menyegel semua rekap sekarang | Seal all recaps now | sealing:seal
restore        | administrator | Ledger dibuat lagi dari terbitan | A ledger again from a publication | restoring:restore
anchor         | administrator | Jangkar log di luar folder ini | The log's anchor, outside this folder | restoring:anchor
cosign         | administrator | Meminta tanda tangan peneguh log | Collect cosignatures for a publication | publishing:cosign
doctor         | administrator | Memeriksa komputer dan ledger ini | Check this machine and ledger | doctor:doctor
key new        | operator | Membuat perangkat dengan kunci baru | Make a device with a new key | keys:key_new
key show       | operator | Menampilkan kunci dan posisi perangkat | Show a device's key and stream | keys:key_show
submit         | operator | Mengirim angka satu formulir C.Hasil | Send in the figures of one tally form | tallies:submit
correct        | operator | Mengirim pembetulan dengan alasan | Send a correction with its reason | tallies:correct
outbox         | operator | Yang ditandatangani dan belum terkirim | What was signed and not yet delivered | sending:outbox
send           | operator | Mengirim outbox ke node | Deliver the outbox to a node | sending:send
withdraw       | operator | Menarik formulir yang salah kirim | Withdraw a form sent by mistake | standing:withdraw
finding explain | operator | Catatan memang tertulis di kertas | Say that a remark is on the paper | standing:finding_explain
receipt check  | operator | Memeriksa tanda terima tanpa jaringan | Check a receipt offline | proofs:receipt_check
receipt upgrade | operator | Tanda terima ke checkpoint lebih baru | Bring a receipt to a later checkpoint | proofs:receipt_upgrade
hold           | officer | Menahan hasil TPS (tidak masuk jumlah) | Keep a tally out of the totals | tallies:hold
worklist       | officer | Yang menunggu, menurut peran | What waits, by role | worklists:worklist
compare        | officer | Membandingkan dengan rekap luar (CSV) | Compare with an outside recap (CSV) | diffing:compare
release        | officer | Melepas hasil yang ditahan | Put a held tally back into the totals | tallies:release
read           | officer | Menyatakan hasil sudah dibacakan dalam pleno | State that results were read in the plenary | plenary:read
certify        | officer | Mengesahkan rekap wilayah | Certify the recap of an area | certifying:certify
reopen         | officer | Membuka lagi rekap yang sudah disahkan | Reopen a certified recap | plenary:reopen
settle         | officer | Memutuskan keberatan | Settle an objection | matters:settle
answer         | officer | Menjawab rekomendasi | Answer a recommendation | matters:answer
postpone       | officer | Pemungutan lanjutan atau susulan | A vote continued or held later | revotes:postpone
revote order   | officer | Memerintahkan pemungutan suara ulang | Order a vote again | revotes:revote_order
revote withdraw | officer | Menarik perintah pemungutan ulang | Withdraw the order of a revote | revotes:revote_withdraw
attest         | watcher | Menyatakan isi salinan sendiri | Say what the own copy shows | standing:attest
object         | watcher | Mengajukan keberatan | Raise an objection | matters:object_
recommend      | watcher | Mengeluarkan rekomendasi pengawas | Issue a supervisor's recommendation | matters:recommend
incident       | watcher | Mencatat kejadian khusus | Record a special incident | matters:incident
recap          | everyone | Rekap suatu wilayah atau TPS | The recap of an area or station | reading:recap
history        | everyone | Bagaimana angka terjadi: TPS, wilayah, kunci | How numbers came to be | histories:history
why            | everyone | Bagaimana satu jumlah terjadi | How a total comes to be | diffing:why
diff           | everyone | Angka yang berubah di antara dua saat | Numbers that changed between two heights | diffing:diff
findings       | everyone | Catatan pemeriksaan aturan formulir | Remarks of the rules on the forms | reading:findings
log            | everyone | Isi log, satu baris per entri | The log, one line an entry | entries:log
show           | everyone | Satu entri selengkapnya | One entry in full | entries:show
explain        | everyone | Arti suatu kode dan apa yang harus dilakukan | What a code means and what to do | explaining:explain
verify         | everyone | Memeriksa seluruh log dan semua jumlah | Verify a whole log and all its totals | auditing:verify
prove          | everyone | Bukti bahwa suatu entri ada dalam log | A proof that an entry is in the log | proofs:prove
prove-total    | everyone | Bukti suatu jumlah sampai ke checkpoint | A proof of a total up to the checkpoint | sealing:prove_total
check-total    | everyone | Memeriksa bukti jumlah tanpa jaringan | Check the proof of a total offline | sealing:check_total
prove-consistency | everyone | Bukti bahwa log hanya bertambah | A proof that the log only grew | extending:prove_consistency
check-consistency | everyone | Memeriksa bukti itu | Check such a proof | extending:check_consistency
demo           | trial | Satu pemilihan lengkap dalam satu folder | A whole election in a folder | trial:demo
import kpu     | trial | Mengimpor data terbitan KPU | Import data as KPU published it | trial:import_kpu
bench fold     | trial | Mengukur kecepatan hitung ulang di mesin ini | Measure how fast this machine replays | benching:bench_fold
witness init   | witness | Membuat peneguh log dalam folder baru | Make a log witness in a new folder | witnessing:witness_init
witness add-log | witness | Mengenalkan sebuah log kepada peneguh | Tell a log witness of a log | witnessing:witness_add_log
witness serve  | witness | Menjalankan peneguh log sebagai server | Run a log witness as a server | witnessing:witness_serve
witness evidence | witness | Memeriksa bukti bahwa sebuah log bercabang | Check the evidence of a fork | witnessing:witness_evidence
completion     | trial | Skrip pelengkap untuk shell | The completion script of a shell | explaining:completion
help           | trial | Bantuan, atau help exit-codes | Help, or help exit-codes | explaining:help_
"""

VERBS: Final = {
    name: Verb(name, *rest) for name, *rest in ([cell.strip() for cell in line.split("|")] for line in _TABLE.strip().splitlines())
}
