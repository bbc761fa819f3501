"""Table 2, acts that are wrong in themselves: what a device could have known, whatever the state (and three that it could not).

The answers stand in ``acts_by_state.toml`` under ``act``.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from msgspec.structs import replace

from ledger.tally import events as e

from ..governed import CITY, DISTRICT_A
from ..world import FORM, GOOD, contest_row, corrected, submitted
from .act_scenes import NOBODY, ONE, TWO, WRONG, Made, Scene
from .acts_by_role import added, ordered, postponed, recommended, rotated, sealed
from .acts_by_state import (
    CITY_OFFICE,
    CLERK,
    CONTEST,
    DISTRICT,
    NEW,
    OPERATOR,
    SECOND,
    Group,
    Tried,
    answering,
    by,
    certify_wrongly,
    districts_in,
    incident,
    new_station,
    reopen,
    rotation,
    unknown,
)


def _wrong_forms() -> dict[str, Tried]:
    """Forms and what officers do with them."""
    rows = (e.ReadRow(TWO, 0, NOBODY), e.ReadRow(ONE, 0, NOBODY))
    two = (b"\2" * 32, b"\1" * 32)
    return {
        "form of an unlisted contest": by(OPERATOR, lambda _s, _n: submitted(ONE, GOOD, contest="moon")),
        "form of another station": by(OPERATOR, lambda _s, _n: submitted(TWO, GOOD)),
        "form of an unlisted station": by(DISTRICT, lambda _s, _n: submitted(NEW, GOOD)),
        "form of a round that was not ordered": by(OPERATOR, lambda _s, _n: submitted(ONE, GOOD, round=3)),
        "form on another paper": by(OPERATOR, lambda _s, _n: submitted(ONE, GOOD, form=e.FormRef("small", 9))),
        "form with too few figures": by(OPERATOR, lambda _s, _n: submitted(ONE, GOOD[1:])),
        "form with too many agents": by(OPERATOR, lambda _s, _n: submitted(ONE, GOOD, agents=("signed",) * 3)),
        "correction naming events out of order": by(DISTRICT, lambda _s, _n: replace(corrected(ONE, two, GOOD), supersedes=two)),
        "withdrawal naming events out of order": by(
            DISTRICT,
            lambda _s, _n: e.TallyWithdrawn(contest="mayor", station=ONE, round=0, withdraws=two, reason="twice"),
        ),
        "release without the basis that the manifest asks for": by(
            DISTRICT, lambda _s, _n: e.TallyReleased(contest="mayor", station=ONE, round=0, reason="reviewed")
        ),
        "reading out of order": by(DISTRICT, lambda _s, _n: e.RecapRead(contest="mayor", rows=rows)),
        "reading of an unlisted contest": by(DISTRICT, lambda _s, _n: e.RecapRead(contest="moon", rows=rows[:1])),
        "reading of an unlisted station": by(
            DISTRICT, lambda _s, _n: e.RecapRead(contest="mayor", rows=(e.ReadRow(NEW, 0, NOBODY),))
        ),
        "explanation of another seat's form": by(
            SECOND,
            lambda s, _n: e.FindingExplained(
                contest="mayor", station=ONE, round=0, event=s.ids["form"], findings=("r5",), reason="paper-says-so"
            ),
        ),
        "explanation of a finding that is none": by(
            DISTRICT,
            lambda s, _n: e.FindingExplained(
                contest="mayor", station=ONE, round=0, event=s.ids["form"], findings=("r9",), reason="paper-says-so"
            ),
        ),
        "attestation with too few figures": by(
            "agent-1",
            lambda _s, _n: e.TallyAttested(contest="mayor", station=ONE, round=0, event=NOBODY, photos=(), figures=(1,)),
        ),
    }


def _wrong_certificates() -> dict[str, Tried]:
    """Over a district that is read."""
    faults = (
        "paper's difference not explained",
        "paper of another form",
        "figures of another form",
        "missing out of order",
    )
    return {
        **{f"certificate: {fault}": by(DISTRICT, certify_wrongly(fault)) for fault in faults},
        "certificate of an unlisted contest": by(
            DISTRICT, lambda s, _n: replace(s.certificate(CONTEST, DISTRICT_A), contest="moon")
        ),
        "reopening with stations out of order": by(DISTRICT, reopen(DISTRICT_A, "none", stations=(TWO, ONE))),
        "seal of another size": by("sealer", lambda s, n: replace(sealed(s, n), size=1)),
        "seal of another root": by("sealer", lambda s, n: replace(sealed(s, n), root=NOBODY)),
    }


def _wrong_matters() -> dict[str, Tried]:
    def recommending(*codes: str) -> Made:
        return lambda _s, _n: replace(recommended(), codes=codes)

    def accepting(outcome: str, rows: tuple[e.ReadRow, ...]) -> Made:
        return lambda _s, _n: e.ObjectionSettled(
            objection=NOBODY,
            outcome=outcome,  # type: ignore[arg-type]
            corrections=rows,
            reason="heard",
        )

    return {
        "objection to an unlisted contest": by(
            "agent-1", lambda _s, _n: e.ObjectionRaised(contest="moon", code=ONE, ground="g", photos=())
        ),
        "objection at an unlisted station": by(
            "agent-1", lambda _s, _n: e.ObjectionRaised(contest="mayor", code=NEW, ground="g", photos=())
        ),
        "incident at an unlisted station": by("agent-1", lambda _s, _n: e.IncidentRecorded(code=NEW, kind="power-cut", photos=())),
        "incident beyond the scope": by("chair-b", incident),
        "objection accepted without a correction": by(DISTRICT, accepting("accepted", ())),
        "objection rejected with a correction": by(DISTRICT, accepting("rejected", (e.ReadRow(ONE, 0, NOBODY),))),
        "recommendation out of order": by("supervisor", recommending(TWO, ONE)),
        "recommendation executed by nothing": by(CITY_OFFICE, lambda s, n: answering("executed", ())(unknown("recommendation"), n)),
        "recommendation refused by an event": by(
            CITY_OFFICE, lambda s, n: answering("refused", (NOBODY,))(unknown("recommendation"), n)
        ),
        "revote of stations out of order": by(CITY_OFFICE, lambda _s, _n: ordered(stations=(TWO, ONE))),
        "revote of an unlisted contest": by(CITY_OFFICE, lambda _s, _n: ordered(contest="moon")),
        "revote of an unlisted station": by(CITY_OFFICE, lambda _s, _n: ordered(stations=(NEW,))),
        "revote beyond the scope": by(CITY_OFFICE, lambda _s, _n: ordered(stations=("1772011001001",))),
        "revote on no day": by(CITY_OFFICE, lambda _s, _n: ordered(day="2024-02-30")),
        "vote postponed to no day": by(CITY_OFFICE, lambda _s, _n: postponed(until="2024-02-30")),
        "revote after nine": lambda scene: _nine_revotes().answer(CITY_OFFICE, ordered()),
    }


@cache
def _nine_revotes() -> Scene:
    made = Scene()
    for round_ in range(1, 10):
        made.log.propose(CITY_OFFICE, ordered())
        made.log.send(ONE, round=round_)
    return made


def _wrong_lists() -> dict[str, Tried]:
    """What an administrator lists."""

    def listing(*rows: e.StationRow, areas: tuple[e.AreaRow, ...] = (), **more: Any) -> Tried:
        return by("administrator", lambda _s, _n: e.JurisdictionsListed(areas=areas, stations=rows, **more))

    def contest(**other: Any) -> Tried:
        row = replace(contest_row("council", CITY), **other)
        return by("administrator", lambda _s, _n: e.ContestsListed(contests=(row,)))

    good = new_station(NEW, ("mayor",))
    facts = (e.ContestFacts("moon", "plurality", 0),)
    return {
        "form that is defined": by("administrator", lambda _s, _n: e.FormsDefined(forms=(FORM,))),
        "contest that is listed": contest(code="mayor"),
        "contest on an undefined form": contest(form="moon"),
        "contest with other candidates than the form has": contest(candidates=contest_row("x", CITY).candidates[:1]),
        "contest of an unknown level": contest(deciding="moon"),
        "facts of another contest": by(
            "administrator", lambda _s, _n: e.ContestsListed(contests=(contest_row("council", CITY),), facts=facts)
        ),
        "list of nothing": listing(),
        "amendment of nothing": by("administrator", lambda _s, _n: added(added=())),
        "area with a code of no level": listing(areas=(e.AreaRow("17711", "Kota"),)),
        "area whose parent is not listed": listing(areas=(e.AreaRow("177201", "Kecamatan"),)),
        "area with a station's code": listing(areas=(e.AreaRow(NEW, "TPS"),)),
        "station in an unknown time zone": listing(replace(good, zone="Asia/Moon")),
        "station with a contest twice": listing(replace(good, contests=("mayor", "mayor"))),
        "station with an unlisted contest": listing(replace(good, contests=("moon",))),
        "voters of a contest that the station has not": listing(good, voters=(e.VotersRow(NEW, "governor", 1, 1),)),
    }


def _wrong_keys() -> dict[str, Tried]:
    def enrolling(name: str, role: str, scope: str, seat: str, **other: Any) -> Tried:
        return by(
            "commission-1",
            lambda s, _n: e.KeysEnrolled(keys=(replace(s.world.key_row(name, role, scope, seat), **other),)),
        )

    return {
        "officer's key without its proof": enrolling(CLERK, "officer", DISTRICT_A, "clerk", proof=()),
        "operator above the stations": enrolling("somebody", "operator", DISTRICT_A, "1"),
        "operator in a third seat": enrolling("somebody", "operator", ONE, "3"),
        "officer of an unlisted area": enrolling(CLERK, "officer", "1799", "clerk"),
        "agent by the commission": enrolling("somebody", "agent", CITY, "agent-9"),
        "rotation naming another seat": by(DISTRICT, lambda s, n: rotation(s, n, seat="clerk")),
        "rotation to a key that is enrolled": by(DISTRICT, lambda s, n: rotation(s, n, seat="chair", to="agent-2")),
        "rotation after eight": lambda scene: _rotated_eight_times().answer("turn-8", rotated(_rotated_eight_times(), "turn-8")),
    }


@cache
def _rotated_eight_times() -> Scene:
    made = Scene()
    made.enrol("commission-1", [made.world.key_row("turn-0", "officer", DISTRICT_A, "turn")])
    for turn in range(8):
        made.log.act(f"turn-{turn}", rotation(made, f"turn-{turn}", seat="turn", to=f"turn-{turn + 1}"))
    return made


def _both_contests() -> Scene:
    """A form of the mayor's contest, and the governor's forms read: what is wrong is in the act."""
    made = districts_in(one=True)
    return made.did("form", made.log.send(ONE, WRONG))


WRONG_IN_ITSELF: Final = Group(
    {**_wrong_forms(), **_wrong_certificates(), **_wrong_matters(), **_wrong_lists(), **_wrong_keys()}, {"any": _both_contests}
)
