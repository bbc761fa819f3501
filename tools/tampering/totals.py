"""False totals: pages and roots that the entries do not give.

A liar who changes one number and nothing else is found by a hash.  The liar here who knows the formats makes all that follows anew,
page by page up to ``recap_root``, so that every page proves the next; what finds it is the replay of the entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgpack
from msgspec import structs
from tests.audit.forger import part, parts_of, publication, recap_files, relink, state_of
from tests.audit.liar import Void, claimed, evening, lying, too_much
from tests.audit.test_void_acts import VOID
from tests.governed import DISTRICT_A, DISTRICT_B, THREE
from tools.tampering.good import Good
from tools.tampering.kinds import Kind, Link, Must, Spoiled, add, dropped, kind

from ledger.proof.merkle import Frontier, leaf_hash
from ledger.tally.canonical import encode, tagged_hash
from ledger.tally.events import RecapSealed
from ledger.tally.memory import Memory
from ledger.tally.pages import AREA_TAG, ROOT_TAG, STATION_TAG, recap_pages, recap_root
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import roll_up
from ledger.tally.state import SLOTS, At, Change, slot_key

__all__: list[str] = []

PAGES, LIES = "Recap pages", "Void and pending acts, shown as if they had taken effect"
TREE, REFERENCES, TOTALS = 4, 8, 9
FIGURES: Final = 6
"""Of the tests' form."""
Page = list[Any]
"""As in docs/FORMATS.md 7.4: version, size, row, rows of the children."""


def page_path(good: Good, area: str, contest: str = "mayor", size: int | None = None) -> str:
    """Where an area's page is."""
    return f"recap/{good.size if size is None else size}/{contest}/{area}"


def root_path(good: Good, size: int | None = None) -> str:
    """Where the root is."""
    return f"recap/{good.size if size is None else size}/recap_root"


def with_file(good: Good, path: str, data: bytes | Link | None) -> Spoiled:
    """One file of the recap with other bytes, or away."""
    files: dict[str, bytes | Link] = dict(dropped(good.files, path))
    return Spoiled(files if data is None else {**files, path: data}, Must(TOTALS, file=path))


def repaged(good: Good, area: str, change: Callable[[Page], object]) -> Spoiled:
    """One page with a change, and nothing else."""
    path = page_path(good, area)
    page: Page = msgpack.unpackb(good.files[path])
    change(page)
    return with_file(good, path, encode(page))


# --- one page ---------------------------------------------------------------------------------------------------------------------


def votes(page: Page) -> None:
    """Ten votes from the second candidate to the first, in an area's sums."""
    page[2][2][1] += 10
    page[2][2][2] -= 10


@kind(PAGES, "recap page changed", "ten votes go from one candidate to the other in a district's total")
def changed_sums(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, votes)


@kind(PAGES, "recap page: a row of the children changed", "the district's total stays, a village's is another")
def changed_row(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page[3][0][2].__setitem__(1, page[3][0][2][1] + 10))


@kind(PAGES, "recap page: counts changed", "a station that is missing is counted as in")
def changed_counts(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page[2][4].__setitem__(1, page[2][4][1] + 1))


@kind(PAGES, "recap page: children swapped", "two villages in the other order; the sum is the same")
def swapped_children(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page[3].reverse())


@kind(PAGES, "recap page: a child left out", "a village is missing from the page and not from the total")
def child_left_out(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page[3].pop())


@kind(PAGES, "recap page: a child twice", "a village stands there twice")
def child_twice(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page[3].append(page[3][-1]))


@kind(PAGES, "recap page of another size", "the page says that it is of a later tree")
def other_size(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page.__setitem__(1, good.size + 1))


@kind(PAGES, "recap page of version 2", "a reader that skips what it does not know")
def other_version(good: Good) -> Spoiled:
    return repaged(good, DISTRICT_A, lambda page: page.__setitem__(0, 2))


@kind(PAGES, "recap page in a longer spelling", "the same numbers in other bytes")
def longer(good: Good) -> Spoiled:
    path = page_path(good, DISTRICT_A)
    return with_file(good, path, b"\x94\xcc\x01" + good.files[path][2:])


@kind(PAGES, "recap page with bytes behind", "something that is read by nobody")
def bytes_behind(good: Good) -> Spoiled:
    path = page_path(good, DISTRICT_A)
    return with_file(good, path, good.files[path] + b"\0")


@kind(PAGES, "recap page cut short", "the last byte is missing")
def cut(good: Good) -> Spoiled:
    path = page_path(good, DISTRICT_A)
    return with_file(good, path, good.files[path][:-1])


@kind(PAGES, "recap page omitted", "a district's page is not served")
def omitted(good: Good) -> Spoiled:
    return with_file(good, page_path(good, DISTRICT_A), None)


@kind(PAGES, "recap page of another contest", "the governor's page under the mayor's name")
def of_another_contest(good: Good) -> Spoiled:
    return with_file(good, page_path(good, DISTRICT_A), good.files[page_path(good, DISTRICT_A, "governor")])


@kind(PAGES, "recap page of another area", "one village's page under another's name")
def of_another_area(good: Good) -> Spoiled:
    return with_file(good, page_path(good, "1771011002"), good.files[page_path(good, "1771011001")])


@kind(PAGES, "stale recap page", "the page of an earlier hour")
def stale(good: Good) -> Spoiled:
    return with_file(good, page_path(good, DISTRICT_A), good.files[page_path(good, DISTRICT_A, size=good.older[-1])])


@kind(PAGES, "stale recap page with the new size", "the numbers of an earlier hour under the present size")
def stale_renamed(good: Good) -> Spoiled:
    page: Page = msgpack.unpackb(good.files[page_path(good, DISTRICT_A, size=good.older[-1])])
    page[1] = good.size
    return with_file(good, page_path(good, DISTRICT_A), encode(page))


@kind(PAGES, "link in the place of a recap page", "the verifier is led out of the folder")
def linked(good: Good) -> Spoiled:
    spoiled = with_file(good, page_path(good, DISTRICT_A), Link("177102"))
    return spoiled._replace(must=spoiled.must._replace(also=frozenset({TREE})))


@kind(PAGES, "recap root changed", "the commitment of all recaps is another one")
def changed_root(good: Good) -> Spoiled:
    return with_file(good, root_path(good), bytes(32))


@kind(PAGES, "recap root of an earlier size", "the commitment of an earlier hour")
def stale_root(good: Good) -> Spoiled:
    return with_file(good, root_path(good), good.files[root_path(good, good.older[-1])])


@kind(PAGES, "recap root with bytes behind", "33 bytes")
def long_root(good: Good) -> Spoiled:
    return with_file(good, root_path(good), good.files[root_path(good)] + b"\0")


@kind(PAGES, "recap root omitted", "the pages without what they add up to")
def no_root(good: Good) -> Spoiled:
    return with_file(good, root_path(good), None)


@kind(PAGES, "no recap at all", "entries without their totals")
def no_recap(good: Good) -> Spoiled:
    under = f"recap/{good.size}/"
    files = {path: data for path, data in good.files.items() if not path.startswith(under)}
    return Spoiled(dict(files), Must(TOTALS, file=root_path(good)))


@kind(PAGES, "recap page of an earlier size changed", "what was shown at an earlier hour is to have been another total")
def changed_older(good: Good) -> Spoiled:
    path = page_path(good, DISTRICT_A, size=good.older[-1])
    page: Page = msgpack.unpackb(good.files[path])
    votes(page)
    return with_file(good, path, encode(page))


@kind(PAGES, "recap page of an earlier size omitted", "what was shown at an earlier hour is to be forgotten")
def omitted_older(good: Good) -> Spoiled:
    return with_file(good, page_path(good, DISTRICT_A, size=good.older[-1]), None)


@kind(PAGES, "recap root of an earlier size changed", "the commitment of an earlier hour is another one")
def changed_older_root(good: Good) -> Spoiled:
    return with_file(good, root_path(good, good.older[-1]), bytes(32))


@kind(PAGES, "recap page beside an earlier recap", "a page of an area that is none, in the recap of an earlier hour")
def stray_older(good: Good) -> Spoiled:
    path = page_path(good, "9999", size=good.older[-1])
    return with_file(good, path, good.files[page_path(good, DISTRICT_A)])


# --- all that follows made anew -------------------------------------------------------------------------------------------------


def commitment(row: Sequence[Any]) -> bytes:
    """Of a station's or an area's row."""
    return tagged_hash(STATION_TAG if len(row) == 8 else AREA_TAG, encode(row))


def added(rows: Sequence[Any]) -> list[list[int]]:
    """What the rows of stations add up to: sums, present, and counts but ``awaiting``, which no station's row says."""
    sums, present, counts = [0] * FIGURES, [0] * FIGURES, [0] * 7
    for _, _, _, standing, state, figures, findings, changes in rows:
        for at, each in enumerate(figures):
            if isinstance(each, int) and state != "held":
                sums[at] += each
                present[at] += 1
        marks = (True, standing, state == "held", state == "differing", state == "confirmed", standing and changes, findings)
        counts = [count + bool(mark) for count, mark in zip(counts, marks, strict=True)]
    return [sums, present, counts]


def carried_up(good: Good, village: str, change: Callable[[Page], object]) -> Spoiled:
    """The village's rows of stations with a change; its totals, every page above it and the root are made to fit."""
    files: dict[str, bytes | Link] = dict(good.files)
    page: Page = msgpack.unpackb(good.files[page_path(good, village)])
    before = added(page[3])
    change(page)
    more = [[new - old for old, new in zip(*each, strict=True)] for each in zip(before, added(page[3]), strict=True)]
    more[2].append(0)
    row = page[2]
    for digits in (10, 6, 4):
        page = page if digits == 10 else msgpack.unpackb(good.files[page_path(good, village[:digits])])
        if digits != 10:
            page[3][[each[1] for each in page[3]].index(row[1])] = row
        row = page[2]
        row[2:5] = [[old + change_ for old, change_ in zip(*each, strict=True)] for each in zip(row[2:5], more, strict=True)]
        row[6] = over_children(page[3])
        files[page_path(good, village[:digits])] = encode(page)
    top = msgpack.unpackb(good.files[page_path(good, "17", "governor")])[2]
    tops = [leaf_hash(commitment(top)), leaf_hash(commitment(row))]
    root = Frontier.EMPTY.extend(tops).root()
    files[root_path(good)] = tagged_hash(ROOT_TAG, encode([bytes.fromhex(good.ledger), good.size, len(tops), root]))
    return Spoiled(files, Must(TOTALS, file=page_path(good, village)))


def over_children(rows: Sequence[Any]) -> bytes:
    """The hash over the commitments of the rows."""
    return hashlib.sha256(b"".join(map(commitment, rows))).digest()


def station_votes(page: Page) -> None:
    """Ten votes from one candidate to the other at a station."""
    page[3][0][5][1] += 10
    page[3][0][5][2] -= 10


@kind(PAGES, "false total, carried up", "ten votes change hands at one station; every page above and the root fit")
def false_total(good: Good) -> Spoiled:
    return carried_up(good, "1771011001", station_votes)


def swap_equal_parts(page: Page) -> None:
    """Two stations exchange what stands there; the village's sums stay."""
    one, two = page[3][0], page[3][1]
    one[2:], two[2:] = two[2:], one[2:]


@kind(
    PAGES, "swapped children with equal sum, carried up", "two stations exchange their numbers; the total is true, every hash fits"
)
def swapped_carried(good: Good) -> Spoiled:
    return carried_up(good, "1771011001", swap_equal_parts)


@kind(PAGES, "confirmed station, carried up", "one seat's form is shown as confirmed by the second; no number changes")
def confirmed_carried(good: Good) -> Spoiled:
    return carried_up(good, "1771011001", lambda page: page[3][0].__setitem__(4, "confirmed"))


@kind(PAGES, "findings hidden, carried up", "a form that breaks a rule is shown without a finding")
def findings_hidden(good: Good) -> Spoiled:
    return carried_up(good, "1771011002", lambda page: page[3][0].__setitem__(6, []))


@kind(PAGES, "changes hidden, carried up", "a corrected form is shown as if it had never been corrected")
def changes_hidden(good: Good) -> Spoiled:
    return carried_up(good, "1771011002", lambda page: page[3][0].__setitem__(7, 0))


@kind(PAGES, "last entry left out of the totals", "the recap is that of one entry less, under the present size", needs="log key")
def last_left_out(good: Good) -> Spoiled:
    last = max(at for at in range(good.size) if moves(good, at))
    entries = good.entries[: last + 1]
    before = state_of(entries[:-1])
    files = publication(entries, good.signer) | recap_files(entries, before)
    return Spoiled(dict(files), Must(TOTALS, file=f"recap/{len(entries)}/recap_root"))


def falsified(state: Memory) -> Memory:
    """The state with another number at a station whose form stands, and all that follows from it."""
    key = slot_key("governor", THREE, 0)
    slot = state.get(SLOTS, key)
    if slot is None:
        raise ValueError("no such slot")
    (one,) = slot.standing
    other = structs.replace(one, figures=(one.figures[0], 130, 90, *one.figures[3:]))
    state.put(SLOTS, key, structs.replace(slot, seats=(other,)))
    for (contest, area), sums in roll_up(state).items():
        state.put(SUMS, sums_key(contest, area), sums)
    return state


@kind(
    PAGES, "false sealed total", "a seal over false recaps, by the sealer's key, and pages that agree with it", needs="device keys"
)
def false_seal(good: Good) -> Spoiled:
    log = good.people
    false = falsified(state_of(log.entries))
    tops = [(page.contest, page.commitment) for page in recap_pages(false, good.size) if page.top]
    root = recap_root(ledger=bytes.fromhex(good.ledger), size=good.size, tops=tops)
    signed = log.world.peek("sealer", RecapSealed(size=good.size, root=root))
    parts = parts_of(good.entries)
    entries = relink([*parts, part(signed.submission, parts[-1].time)])
    files = publication(entries, good.signer) | recap_files(entries, falsified(state_of(entries)))
    return Spoiled(dict(files), Must(REFERENCES, good.size, f"tile/entries/000.p/{len(entries)}"))


@kind(PAGES, "forged certificate", "an office certifies false sums by two seats, and the pages agree with it", needs="device keys")
def forged_certificate(good: Good) -> Spoiled:
    good.people  # noqa: B018 - the act is signed with people's keys
    log = evening()
    log.read("chair-b", "governor", DISTRICT_B)
    signed = log.world.sign("chair-b", too_much(log))
    log.take(signed.submission)
    log.take(log.world.approve("member-b", signed.event_id).submission)
    files = publication(log.entries, log.world.signer)
    size = len(log.entries)
    path = f"recap/{size}/governor/{DISTRICT_B}"
    page: Page = msgpack.unpackb(files[path])
    page[2][2][1] += 1
    return Spoiled({**files, path: encode(page)}, Must(TOTALS, file=path))


def moves(good: Good, index: int) -> bool:
    """Whether an entry is a form: it moves a total."""
    return b"tally.submitted" in good.entries[index]


# --- acts without effect, shown with one ----------------------------------------------------------------------------------------


def lied(void: Void) -> Spoiled | None:
    """The log with the act, which is void, and pages as if it were not; None where no page shows what it would have done."""
    log = void.start()
    signed = void.act(log)
    index, before = len(log.entries), state_of(log.entries)
    answer = log.take(signed.submission)
    if not isinstance(answer, Change):
        raise ValueError(f"{void.name} is refused")
    change = claimed(void, before, signed, At(index, log.time))
    false = lying(state_of(log.entries), change, answer.places, signed, index)
    true, shown = recap_files(log.entries), recap_files(log.entries, false)
    if true == shown:
        return None
    files = {path: data for path, data in publication(log.entries, log.world.signer).items() if path not in true}
    return Spoiled({**files, **shown}, Must(TOTALS, file=f"recap/{len(log.entries)}/recap_root"))


def _kind(void: Void) -> Kind:
    def make(good: Good) -> Spoiled:
        good.people  # noqa: B018 - the act is signed with people's keys
        made = lied(void)
        if made is None:
            raise ValueError(f"{void.name} shows in no page")
        return made

    word = "an act that waits for a second seat" if void.code == "pending" else f"void as `{void.code}`"
    return Kind(f"shown: {void.name}", LIES, "device keys", "season", word, make)


UNSEEN: Final = frozenset(
    {
        "a hold of what is held",
        "a reading of what does not stand",
        "a release of what is not held",
        "a station merged that is gone",
        "an order withdrawn twice",
    }
)
"""Acts on slots, areas and orders whose effect no page would show."""

for _void in VOID:
    if _void.place.startswith(("areas/", "revotes/", "slots/")) and _void.name not in UNSEEN:
        add(_kind(_void))
