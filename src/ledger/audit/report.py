"""What a verification found: for programs as structures (JSON by msgspec, field names are a promise), for people as sentences.

Every step has one of three outcomes.  *passed*: all of it was checked and nothing was wrong.  *failed*: something was wrong.
*not-evaluated*: it could not be checked, or not to its end; never taken for passed.  ``detail`` is one English clause as in a log
line; codes are listed in docs/RULES.md and their words for people live in the message catalogue of ``ledger.cli``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

__all__ = [
    "FAILURES_SHOWN",
    "STEPS",
    "CandidateTotal",
    "ContestTotal",
    "Failure",
    "Identity",
    "KeyFound",
    "Language",
    "Outcome",
    "Report",
    "Step",
    "identity_words",
    "outcome_words",
    "step_title",
]

FAILURES_SHOWN: Final = 100
"""Verification ends after so many failures: by then nobody doubts, and a log of nothing but failures must not run for ever."""

STEPS: Final = ("checkpoint", "entries", "chain", "tree", "signatures", "streams", "authority", "references", "totals")
"""Names of steps 1 to 9."""

Identity = Literal["checked", "not-checked", "other", "unknown"]
KeyFound = Literal["checked", "not-checked", "other"]
Language = Literal["en", "id"]
Outcome = Literal["passed", "failed", "not-evaluated"]


class Failure(Struct, frozen=True, kw_only=True):
    """One thing that is wrong.  ``index``: the entry concerned, or the first of those in the file concerned; None where no entry
    is.  ``place``: a file's path, or ``table/key`` of a ledger's own store."""

    step: int
    code: str
    index: int | None
    place: str
    detail: str


class Step(Struct, frozen=True, kw_only=True):
    """One numbered step.  ``checked`` counts what was compared and found in order: entries, files, signatures, ..."""

    number: int
    name: str
    outcome: Outcome
    checked: int
    detail: str


class CandidateTotal(Struct, frozen=True, kw_only=True):
    """A candidate's votes in the contest's whole area, and the number of stations whose form they come from."""

    number: int
    name: str
    kind: str
    votes: int
    stations: int


class ContestTotal(Struct, frozen=True, kw_only=True):
    """A contest's totals as recomputed from the entries.  ``counts``: stations by state, in the words of ``rollup.COUNTS``."""

    code: str
    name_id: str
    name_en: str
    area: str
    counts: dict[str, int]
    candidates: tuple[CandidateTotal, ...]


class Report(Struct, frozen=True, kw_only=True):
    """A verification's result.  Ids and root are in hex; ``size`` and ``root`` are what the checkpoint says, ``events``, ``void``
    and ``contests`` what was recomputed; ``contests`` is empty where the entries could not all be folded.

    ``void``: entries that took no effect; ``voids`` the same by code.  ``pending``: acts put down for a second seat that none has
    approved, those among them whose time is over too.  ``certificates``: acts by which a recap was certified, ``seals``: seals
    over all recaps; each was recomputed at its own height, from the entries before it, and found equal.

    ``failures`` are in the order of their place in the log.  ``known_size``: the size of the earlier checkpoint that was to be a
    prefix, None where none was given.  ``witnesses``: valid cosignatures on the checkpoint by those whom entry 0 names, of which
    ``quorum`` are needed; ``cosigned``: the names of the policy's witnesses that have, None where no policy was given.
    ``log_key``: whether the checkpoint is signed by the key that was given; ``log_vkey``: the key in force at its size, by entry 0
    and by rekeyings, None where that is not known.

    ``bytes_read``: content read from the source.  ``receipts``: those given whose entry stands in this log.  ``resumed_size``: so
    many entries were verified earlier and not read again, the first of them at ``resumed_since`` (ms since 1970); None where all
    were read.  ``unseen``: what could not be looked at whatever it is: ``unlisted``, files beside those that the checkpoint
    implies; ``unwitnessed``, whether other readers are shown the same log, as neither entry 0 nor a policy asks for a witness.
    """

    ok: bool
    source: str
    ledger_id: str | None
    identity: Identity
    origin: str | None
    size: int | None
    root: str | None
    election_name: str | None
    election_kind: str | None
    election_day: str | None
    witnesses: int
    quorum: int
    cosigned: tuple[str, ...] | None
    log_key: KeyFound
    log_vkey: str | None
    known_size: int | None
    events: dict[str, int]
    void: int
    voids: dict[str, int]
    pending: int
    certificates: int
    seals: int
    steps: tuple[Step, ...]
    failures: tuple[Failure, ...]
    stopped: bool
    contests: tuple[ContestTotal, ...]
    seconds: float
    bytes_read: int
    receipts: int
    resumed_size: int | None
    resumed_since: int | None
    unseen: tuple[str, ...]

    def sentence(self, lang: Language) -> str:
        """The result in one sentence."""
        words = _WORDS[lang]
        if self.ok and not self.size:
            return words["empty"].format(origin=self.origin) + "".join(self._clauses(lang)) + "."
        if self.ok:
            passed = "good" if self.steps[-1].outcome == "passed" else "good-without-totals"
            return words[passed].format(
                entries=_grouped(self.size or 0, lang),
                ledger=(self.ledger_id or "")[:16],
                identity=identity_words(self.identity, lang) + "".join(self._clauses(lang)),
            )
        if not self.failures:
            return words["incomplete"]
        first = self.failures[0]
        at = words["at-entry"].format(index=_grouped(first.index, lang)) if first.index is not None else ""
        count = _grouped(len(self.failures), lang) + ("+" if self.stopped else "")
        return words["bad"].format(
            count=count, step=first.step, title=step_title(first.step, lang), at=at, place=first.place, code=first.code
        )

    def _clauses(self, lang: Language) -> Iterator[str]:
        """What else was proven, what could not be evaluated, and since when what was not read again is known."""
        words = _WORDS[lang]
        if self.log_key == "checked" and self.size:
            yield words["log-key"]
        if self.cosigned is not None:
            yield words["policy"].format(count=_grouped(len(self.cosigned), lang))
        elif self.quorum and self.witnesses:
            yield words["witnesses"].format(count=_grouped(self.witnesses, lang), quorum=_grouped(self.quorum, lang))
        if self.receipts:
            yield words["receipts"].format(count=_grouped(self.receipts, lang))
        if self.known_size is not None:
            yield words["known"].format(size=_grouped(self.known_size, lang))
        if self.resumed_size and self.resumed_since is not None:
            moment = datetime.fromtimestamp(self.resumed_since / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
            yield words["resumed"].format(size=_grouped(self.resumed_size, lang), moment=moment)
        for each in self.unseen:
            yield words[each]

    def to_json(self) -> bytes:
        """The report as one JSON object."""
        return msgspec.json.encode(self)


_TITLES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "checkpoint and identity",
        "entries in canonical form, in order",
        "chain of entries",
        "tree, tiles and bundles",
        "signatures",
        "streams of the keys",
        "authority at that height",
        "what the acts name",
        "totals recomputed",
    ),
    "id": (
        "checkpoint dan identitas",
        "entri dalam bentuk kanonis, berurutan",
        "rantai entri",
        "pohon, tile, dan bundel",
        "tanda tangan",
        "aliran tiap kunci",
        "wewenang pada saat itu",
        "yang dirujuk setiap tindakan",
        "total dihitung ulang",
    ),
}

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "good": "Verified: all {entries} entries of ledger {ledger} are in order and give the totals shown; {identity}.",
        "good-without-totals": "Verified: all {entries} entries of ledger {ledger} are in order, no shown totals were compared; "
        "{identity}.",
        "bad": "NOT verified, failures: {count}; the first at step {step} ({title}){at}, {place}: {code}.",
        "incomplete": "NOT verified: not every step could be evaluated.",
        "empty": "Verified: the log {origin} is signed by a key known for it and has no entry yet",
        "log-key": "; the log's key is the one given",
        "policy": "; cosigned by witnesses of the policy: {count}, enough for its quorum",
        "witnesses": "; cosigned by witnesses of the election: {count}, of which {quorum} are needed",
        "unwitnessed": "; not evaluated: whether others are shown this same log, as no witness is asked for",
        "at-entry": ", entry {index}",
        "receipts": "; receipts found in it: {count}",
        "known": "; it continues the log of {size} entries known before",
        "resumed": "; of these {size} were verified earlier, since {moment}, and not read again",
        "unlisted": "; not evaluated: files beside those that the checkpoint implies",
        "checked": "identity checked",
        "not-checked": "consistent in itself, identity not checked",
        "other": "another ledger than the one expected",
        "unknown": "identity unknown",
        "passed": "passed",
        "failed": "failed",
        "not-evaluated": "not evaluated",
    },
    "id": {
        "good": "Terverifikasi: seluruh {entries} entri buku besar {ledger} sah dan menghasilkan total yang ditampilkan; "
        "{identity}.",
        "good-without-totals": "Terverifikasi: seluruh {entries} entri buku besar {ledger} sah, tidak ada total tampilan yang "
        "dibandingkan; {identity}.",
        "bad": "TIDAK terverifikasi, kegagalan: {count}; yang pertama pada langkah {step} ({title}){at}, {place}: {code}.",
        "incomplete": "TIDAK terverifikasi: tidak semua langkah dapat dievaluasi.",
        "empty": "Terverifikasi: log {origin} ditandatangani kunci yang dikenal untuknya dan belum berisi entri",
        "log-key": "; kunci log adalah yang diberikan",
        "policy": "; diteguhkan peneguh log dari kebijakan: {count}, memenuhi kuorumnya",
        "witnesses": "; diteguhkan peneguh log pemilihan: {count}, dari {quorum} yang diperlukan",
        "unwitnessed": "; tidak dievaluasi: apakah pihak lain melihat log yang sama, karena tidak ada peneguh log yang diminta",
        "at-entry": ", entri {index}",
        "receipts": "; tanda terima yang ada di dalamnya: {count}",
        "known": "; log ini kelanjutan dari {size} entri yang dahulu diketahui",
        "resumed": "; di antaranya {size} telah diperiksa sebelumnya, sejak {moment}, dan tidak dibaca ulang",
        "unlisted": "; tidak dievaluasi: berkas di luar yang tersirat dari checkpoint",
        "checked": "identitas telah diperiksa",
        "not-checked": "konsisten di dalam dirinya, identitas belum diperiksa",
        "other": "bukan buku besar yang diharapkan",
        "unknown": "identitas tidak diketahui",
        "passed": "lulus",
        "failed": "gagal",
        "not-evaluated": "tidak dievaluasi",
    },
}


def step_title(number: int, lang: Language) -> str:
    """What step 1 to 9 looks at."""
    return _TITLES[lang][number - 1]


def outcome_words(outcome: Outcome, lang: Language) -> str:
    """A step's outcome."""
    return _WORDS[lang][outcome]


def identity_words(identity: Identity, lang: Language) -> str:
    """Whether this is known to be the ledger that was meant."""
    return _WORDS[lang][identity]


def _grouped(number: int, lang: Language) -> str:
    grouped = f"{number:,}"
    return grouped.replace(",", ".") if lang == "id" else grouped
