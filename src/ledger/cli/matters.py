"""``object``, ``settle``, ``recommend``, ``answer``, ``incident``: what is raised beside the numbers, and what becomes of it.

Party agents and supervisors raise, offices settle and answer.  None of it changes a number: an accepted objection names the
correction that did.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from ledger.cli.app import App
from ledger.cli.attachments import attach, note_option, photo_option
from ledger.cli.choosing import (
    basis_option,
    chosen_contest,
    contest_option,
    event_named,
    find_act,
    moment_of,
    one_of,
    reason_option,
    standing_row,
)
from ledger.cli.completing import complete_area
from ledger.cli.program import argument, command, option
from ledger.cli.signing import Signing, append, signing_options
from ledger.cli.speaking import known_contest
from ledger.cli.tables import checked
from ledger.errors import Usage
from ledger.recap.places import area_name, require_area
from ledger.tally.events import (
    IncidentRecorded,
    ObjectionRaised,
    ObjectionSettled,
    RecommendationAnswered,
    RecommendationIssued,
)
from ledger.tally.rows import Objection, Recommendation
from ledger.tally.state import OBJECTIONS, RECOMMENDATIONS

__all__ = ["answer", "incident", "object_", "recommend", "settle"]

OUTCOMES: Final = ("accepted", "repaired", "rejected", "carried", "court")
ANSWERS: Final = ("executed", "refused")
KINDS: Final = ("psu", "psl", "pss", "pssu", "correction", "other")

_ground_option: Final = option(
    "--ground", required=True, metavar="CODE", ind="Dasar, satu kata kode (a-z, 0-9, -)", eng="The ground, a code (a-z, 0-9, -)"
)


# --- objections ------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger object 1771010001001 --ground selisih-dengan-salinan --photo 1:salinan.jpg --device saksi",
        "ledger object 177101 --contest wali-kota --ground saksi-dihalangi --note-text @uraian.txt --device saksi",
    )
)
@argument("code", metavar="STATION|AREA", shell_complete=complete_area)
@contest_option
@_ground_option
@option("--event", metavar="ENTRY", ind="Entri yang dikeberatani", eng="The entry that is objected to")
@photo_option
@note_option
@signing_options
def object_(
    app: App,
    signing: Signing,
    code: str,
    contest: str | None,
    ground: str,
    event: str | None,
    photos: tuple[str, ...],
    note_text: str | None,
) -> int:
    """An agent or supervisor objects; the level that certifies the place settles it."""
    with app.node.snapshot() as snapshot:
        chosen = chosen_contest(snapshot.state, code, contest)
        name = area_name(snapshot.state, code)
    attached = attach(photos, note_text)
    data = ObjectionRaised(
        contest=chosen,
        code=code,
        ground=ground,
        photos=attached.photos,
        event=UNSET if event is None else event_named(app, event),
        note=attached.note,
    )
    question = (f"Ajukan keberatan atas {name} ({code})?", f"Object to what happened at {name} ({code})?")
    said = checked(data, code=code)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)


@command(
    examples=(
        "ledger settle 3f2a9c01d4e5 rejected --reason tidak-terbukti --device ppk",
        "ledger settle 3f2a9c01d4e5 accepted --station 1771010001001 --reason dibetulkan --basis 12/BA/2024 --device ppk",
        "ledger settle 3f2a9c01d4e5 --withdraw --reason sudah-jelas --device saksi",
    )
)
@argument("objection", metavar="ENTRY|EVENT")
@argument("outcome", required=False, default=None, metavar="[OUTCOME]")
@option(
    "--station",
    "stations",
    multiple=True,
    metavar="CODE",
    ind="TPS yang sudah dibetulkan (accepted); boleh berulang",
    eng="Station that was corrected (accepted); may be repeated",
)
@option("--withdraw", is_flag=True, ind="Tarik keberatan sendiri", eng="Withdraw one's own objection")
@reason_option
@basis_option
@note_option
@signing_options
def settle(
    app: App,
    signing: Signing,
    objection: str,
    outcome: str | None,
    stations: tuple[str, ...],
    withdraw: bool,
    reason: str,
    basis: str | None,
    note_text: str | None,
) -> int:
    """What became of an objection: accepted, repaired, rejected, carried (to the level above), court; or withdrawn by who raised
    it."""
    if withdraw == (outcome is not None):
        raise Usage("argument-missing", "name the outcome, or --withdraw", command="ledger settle", argument="OUTCOME")
    word: Any = "withdrawn" if outcome is None else one_of(outcome, OUTCOMES, "OUTCOME", "settle")
    with app.node.snapshot() as snapshot:
        state = snapshot.state
        event = find_act(state, OBJECTIONS, objection)
        row = state.get(OBJECTIONS, event)
        where = row if isinstance(row, Objection) else None
        contest = where.contest if where else ""
        corrections = tuple(standing_row(state, contest, code) for code in sorted(set(stations)))
        name = area_name(state, where.code) if where else ""
    attached = attach((), note_text)
    data = ObjectionSettled(
        objection=event,
        outcome=word,
        corrections=corrections,
        reason=reason,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    ground = where.ground if where else ""
    question = (
        f"Putuskan keberatan atas {name} ({ground}): {word}?",
        f"Settle the objection at {name} ({ground}): {word}?",
    )
    said = checked(data, objection=objection)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)


# --- recommendations -------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger recommend 1771010001001 --kind psu --number 12/PM/2024 --ground memilih-dua-kali"
        " --deadline 2024-12-03T23:59 --device panwaslu",
    )
)
@argument("codes", nargs=-1, required=True, metavar="STATION|AREA...", shell_complete=complete_area)
@contest_option
@option("--kind", required=True, metavar="KIND", ind=f"Jenis: {', '.join(KINDS)}", eng=f"Kind: {', '.join(KINDS)}")
@option("--number", required=True, metavar="NUMBER", ind="Nomor surat", eng="Number of the letter")
@_ground_option
@option("--deadline", required=True, metavar="YYYY-MM-DDTHH:MM", ind="Harus dijawab sebelum", eng="To be answered by")
@note_option
@signing_options
def recommend(
    app: App,
    signing: Signing,
    codes: tuple[str, ...],
    contest: str | None,
    kind: str,
    number: str,
    ground: str,
    deadline: str,
    note_text: str | None,
) -> int:
    """A supervisor recommends; an office must answer."""
    with app.node.snapshot() as snapshot:
        chosen = chosen_contest(snapshot.state, codes[0], contest)
        for code in codes:
            require_area(snapshot.state, code)
        moment = moment_of(snapshot.state, deadline, "--deadline")
    attached = attach((), note_text)
    data = RecommendationIssued(
        contest=chosen,
        kind=one_of(kind, KINDS, "--kind", "recommend"),
        number=number,
        ground=ground,
        codes=tuple(sorted(set(codes))),
        deadline=moment,
        note=attached.note,
    )
    question = (
        f"Keluarkan rekomendasi {number} ({kind}) untuk {len(data.codes)} tempat?",
        f"Issue recommendation {number} ({kind}) for {len(data.codes)} places?",
    )
    said = checked(data, number=number)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)


@command(
    examples=(
        "ledger answer 3f2a9c01d4e5 refused --reason tidak-memenuhi-syarat --basis 30/KPU/2024 --device kpu",
        "ledger answer 3f2a9c01d4e5 executed --event 812 --reason psu-diperintahkan --device kpu",
    )
)
@argument("recommendation", metavar="ENTRY|EVENT")
@argument("said", metavar="executed|refused")
@option(
    "--event",
    "events",
    multiple=True,
    metavar="ENTRY",
    ind="Entri yang menjalankannya; boleh berulang",
    eng="Entry that carries it out; may be repeated",
)
@reason_option
@basis_option
@note_option
@signing_options
def answer(
    app: App,
    signing: Signing,
    recommendation: str,
    said: str,
    events: tuple[str, ...],
    reason: str,
    basis: str | None,
    note_text: str | None,
) -> int:
    """An office answers a recommendation: executed, by these events, or refused with the reason."""
    word = one_of(said, ANSWERS, "executed|refused", "answer")
    with app.node.snapshot() as snapshot:
        event = find_act(snapshot.state, RECOMMENDATIONS, recommendation)
        row = snapshot.state.get(RECOMMENDATIONS, event)
    number = row.number if isinstance(row, Recommendation) else ""
    attached = attach((), note_text)
    data = RecommendationAnswered(
        recommendation=event,
        answer=word,
        events=tuple(event_named(app, each) for each in events),
        reason=reason,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    question = (f"Jawab rekomendasi {number}: {word}?", f"Answer recommendation {number}: {word}?")
    told = checked(data, recommendation=recommendation)
    return append(app, signing, app.device(), [told], ask=question, keep=attached.keep)


# --- incidents -------------------------------------------------------------------------------------------------------------------


@command(
    examples=(
        "ledger incident 1771010001001 --kind listrik-padam --note-text 'padam 20 menit' --device perangkat",
        "ledger incident 177101 --kind kotak-tertukar --contest wali-kota --photo 1:kotak.jpg --device panwaslu",
    )
)
@argument("code", metavar="STATION|AREA", shell_complete=complete_area)
@option("--kind", required=True, metavar="CODE", ind="Kejadian, satu kata kode", eng="What happened, a code")
@contest_option
@basis_option
@photo_option
@note_option
@signing_options
def incident(
    app: App,
    signing: Signing,
    code: str,
    kind: str,
    contest: str | None,
    basis: str | None,
    photos: tuple[str, ...],
    note_text: str | None,
) -> int:
    """Records a special incident at a station or area."""
    with app.node.snapshot() as snapshot:
        require_area(snapshot.state, code)
        known_contest(snapshot.state, contest)
        name = area_name(snapshot.state, code)
    attached = attach(photos, note_text)
    data = IncidentRecorded(
        code=code,
        kind=kind,
        photos=attached.photos,
        contest=UNSET if contest is None else contest,
        basis=UNSET if basis is None else basis,
        note=attached.note,
    )
    question = (f"Catat kejadian khusus {kind} di {name} ({code})?", f"Record the incident {kind} at {name} ({code})?")
    said = checked(data, code=code)
    return append(app, signing, app.device(), [said], ask=question, keep=attached.keep)
