"""Every way to tamper with a publication, with what the auditor says of it: step, code, entry and place.

The forger holds the log's key and the server, so each of these ledgers is sound in itself but for the one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.audit.report import Report
from ledger.audit.sources import EntriesSource, FolderSource
from ledger.audit.verify import Known, verify
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.tally.events import ElectionOpened, Root
from ledger.tally.projection import SUMS, sums_key
from ledger.tally.rollup import roll_up
from ledger.tally.rows import Standing
from ledger.tally.signing import sign_event
from ledger.tally.state import SLOTS, slot_key

from ..world import GOOD, LOG_KEY, ORIGIN, STATIONS, MemoryLog, World, corrected, held, released, submitted
from .conftest import SIGNER, Honest
from .forger import (
    Files,
    Part,
    checkpoint_of,
    part,
    parts_of,
    publication,
    recap_files,
    relink,
    root_of,
    state_of,
    write,
)

ONE, TWO, THREE, FOUR = STATIONS
OTHER = (300, 121, 100, 221, 5, 307)
BUNDLE = "tile/entries/000.p/38"
LAST = "tile/entries/000.p/39"


def check(folder: Path, files: Files, **more: Any) -> Report:
    """The auditor's report on the files."""
    usual: dict[str, Any] = {"ledger_id": None, "executor": None, "progress": None, "known": None}
    return verify(FolderSource(write(folder, files)), **usual | more)


def told(report: Report) -> list[tuple[int, str, int | None, str]]:
    """What failed, without the words."""
    return [(failure.step, failure.code, failure.index, failure.place) for failure in report.failures]


def outcomes(report: Report) -> str:
    """One letter a step: passed, failed, not evaluated."""
    return "".join(step.outcome[0] for step in report.steps)


def test_the_honest_publication_is_in_order(honest: Honest, tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong, and every step was carried out."""
    report = check(tmp_path, honest.files, ledger_id=honest.world.ledger)
    assert (told(report), outcomes(report), report.ok, report.identity) == ([], "ppppppppp", True, "checked")
    assert (report.size, report.root, report.void) == (38, root_of(honest.entries).hex(), 9)


# --- acts that intake refuses, forced into the log --------------------------------------------------------------------


def unknown_key(world: World) -> bytes:
    """A key that nobody enrolled, at the beginning of its stream."""
    return world.peek("stranger", submitted(TWO, contest="governor")).submission


def revoked_key(world: World) -> bytes:
    """The key revoked at entry 28, beyond its last good position."""
    return world.peek(f"{ONE}/2", corrected(ONE, [bytes(32)], GOOD)).submission


def beyond_scope(world: World) -> bytes:
    """The officer of district 177102 holds a station of 177101."""
    return world.peek("officer-b", held(ONE)).submission


def wrong_role(world: World) -> bytes:
    """An operator holds."""
    return world.peek(f"{TWO}/2", held(TWO)).submission


def other_ledger(world: World) -> bytes:
    """A good event of another election, by a key that both enrolled."""
    return World(name="Pemilihan lain").sign(f"{TWO}/2", submitted(TWO)).submission


def position_again(world: World) -> bytes:
    """A second branch: position 0 once more."""
    submission, _ = sign_event(world.key("officer"), held(TWO), ledger=world.ledger, position=0, previous=None, claimed_at=1)
    return submission


def position_skipped(world: World) -> bytes:
    """An event of the officer was dropped."""
    stream = world.stream("officer")
    submission, _ = sign_event(
        stream.key, held(TWO), ledger=world.ledger, position=stream.position + 1, previous=bytes(32), claimed_at=1
    )
    return submission


def other_previous(world: World) -> bytes:
    """The event before was exchanged."""
    stream = world.stream("officer")
    submission, _ = sign_event(
        stream.key, held(TWO), ledger=world.ledger, position=stream.position, previous=bytes(32), claimed_at=1
    )
    return submission


def opened_again(world: World) -> bytes:
    """A second entry 0."""
    return World(name="Pemilihan lain").first.submission


def unlisted_station(world: World) -> bytes:
    """A station that no list names."""
    return world.peek("officer", held("1771011001009")).submission


def unordered(world: World) -> bytes:
    """A correction that names an event twice."""
    return world.peek("officer", corrected(TWO, [bytes(32), bytes(32)], GOOD)).submission


@pytest.mark.parametrize(
    ("act", "step", "code"),
    [
        (position_again, 6, "stream-position"),
        (position_skipped, 6, "stream-gap"),
        (other_previous, 6, "stream-previous"),
        (unknown_key, 7, "key-unknown"),
        (revoked_key, 7, "key-revoked"),
        (beyond_scope, 7, "beyond-scope"),
        (wrong_role, 7, "role-not-entitled"),
        (other_ledger, 7, "other-ledger"),
        (opened_again, 7, "already-opened"),
        (unlisted_station, 8, "station-unknown"),
        (unordered, 8, "supersedes-order"),
    ],
)
def test_a_forbidden_act_in_the_log_is_refused_by_the_auditors_own_fold(
    act: Callable[[World], bytes], step: int, code: str, honest: Honest, tmp_path: Path
) -> None:
    """The log's owner appends what intake refuses; everything else is in order, and no consequence is told as a finding."""
    entries = relink([*parts_of(honest.entries), part(act(honest.world), 2_000_000_000_000)])
    report = check(tmp_path, publication(entries, SIGNER, older=(9, 38)))
    assert told(report) == [(step, code, 38, LAST)]
    assert outcomes(report) == "ppppp" + "".join("f" if number == step else "n" for number in (6, 7, 8)) + "n"
    assert [each.checked for each in report.steps[5:8]] == [38, 38, 38]
    assert not report.ok
    assert not report.contests


def test_a_forged_correction_that_names_what_did_not_stand_moves_no_total(honest: Honest, tmp_path: Path) -> None:
    """The correction is void to the auditor, so pages that show it as standing differ, and the row is named."""
    signed = honest.world.peek("officer", corrected(THREE, [bytes(32)], OTHER))
    entries = relink([*parts_of(honest.entries), part(signed.submission, 2_000_000_000_000)])
    honestly = check(tmp_path / "honest", publication(entries, SIGNER))
    assert (honestly.ok, honestly.void) == (True, 10)

    state = state_of(entries)
    key = slot_key("mayor", THREE, 0)
    slot = state.get(SLOTS, key)
    assert slot is not None
    standing = Standing(signed.event_id, 38, "officer", "1771", "city-1", 1, OTHER, ())
    state.put(SLOTS, key, msgspec.structs.replace(slot, decided=(standing,)))
    for (contest, area), sums in roll_up(state).items():
        state.put(SUMS, sums_key(contest, area), sums)
    report = check(tmp_path / "forged", publication(entries, SIGNER) | recap_files(entries, state))
    pages = ["1771", "177101", "1771011002"]
    assert {place for _, _, _, place in told(report)} == {f"recap/39/mayor/{page}" for page in pages} | {"recap/39/recap_root"}
    assert outcomes(report) == "ppppppppf"
    assert any(THREE in failure.detail for failure in report.failures)


# --- entries and their order ------------------------------------------------------------------------------------------


def forged(honest: Honest, parts: list[Part]) -> Files:
    """A publication of these parts, chained anew: all but the parts themselves is in order."""
    return publication(relink(parts), SIGNER)


def test_an_entry_dropped(honest: Honest, tmp_path: Path) -> None:
    """Chained anew, a dropped event shows as a gap in its key's stream, at the key's next event and nowhere else."""
    parts = parts_of(honest.entries)
    del parts[9]  # the first event of station 1, seat 1; its second is entry 28
    assert told(check(tmp_path, forged(honest, parts))) == [(6, "stream-gap", 27, "tile/entries/000.p/37")]


def test_entries_swapped(honest: Honest, tmp_path: Path) -> None:
    """Chained anew, a swap of one key's events is refused at the first of the two."""
    parts = parts_of(honest.entries)
    parts[18], parts[19] = parts[19], parts[18]  # held, held again
    assert told(check(tmp_path, forged(honest, parts))) == [(6, "stream-gap", 18, BUNDLE)]


def test_entries_swapped_inserted_dropped_without_chaining_anew(honest: Honest, tmp_path: Path) -> None:
    """Without the chain being made again, index and chain show each place where the order breaks."""
    good = honest.entries
    swapped = [*good[:20], good[21], good[20], *good[22:]]
    report = check(tmp_path / "swapped", publication(swapped, SIGNER))
    assert told(report) == [
        (step, code, index, BUNDLE) for index in (20, 21, 22) for step, code in ((2, "index-wrong"), (3, "chain-broken"))
    ]
    dropped = [*good[:20], *good[21:]]
    report = check(tmp_path / "dropped", publication(dropped, SIGNER))
    assert told(report) == [(2, "index-wrong", 20, "tile/entries/000.p/37"), (3, "chain-broken", 20, "tile/entries/000.p/37")]
    inserted = [*good[:20], good[3], *good[20:]]
    report = check(tmp_path / "inserted", publication(inserted, SIGNER))
    assert {index for _, _, index, _ in told(report)} == {20, 21}
    assert outcomes(report) == "pffppnnnn"


@pytest.mark.parametrize(
    ("change", "step", "code"),
    [
        ({"index": 40}, 2, "index-wrong"),
        ({"time": 5}, 2, "time-backwards"),
        ({"signature": bytes(31) + b"\1" + bytes(31) + b"\1"}, 5, "signature-invalid"),
    ],
)
def test_one_entry_that_says_what_is_not_so(change: dict[str, Any], step: int, code: str, honest: Honest, tmp_path: Path) -> None:
    """Its index, its time, its signature: found at that entry; the entry after a wrong index has the right one again."""
    parts = parts_of(honest.entries)
    parts[20] = parts[20]._replace(**change)
    report = check(tmp_path, forged(honest, parts))
    after = [(2, "index-wrong", 21, BUNDLE)] if code == "index-wrong" else []
    assert told(report) == [(step, code, 20, BUNDLE), *after]
    assert [each.checked for each in report.steps[5:8]] == [20, 20, 20]


def test_an_entry_changed(honest: Honest, tmp_path: Path) -> None:
    """A figure changed in one entry of an otherwise untouched publication: signature, chain, tile and root all show it."""
    figures = b"\xcd\x01\x2c\x78\x64"  # 300, 120, 100: as they stand in entry 11
    entry = honest.entries[11]
    assert figures in entry
    changed = honest.files[BUNDLE].replace(entry, entry.replace(figures, b"\xcd\x01\x2c\x79\x64"))
    report = check(tmp_path, {**honest.files, BUNDLE: changed})
    assert told(report) == [
        (4, "tile-differs", 11, "tile/0/000.p/38"),
        (5, "signature-invalid", 11, BUNDLE),
        (3, "chain-broken", 12, BUNDLE),
        (4, "root-differs", None, "checkpoint"),
    ]


def test_signatures_exchanged_between_two_entries(honest: Honest, tmp_path: Path) -> None:
    """Each signature is some key's, but not over this event; the first does not hide the second."""
    parts = parts_of(honest.entries)
    parts[9], parts[33] = parts[9]._replace(signature=parts[33].signature), parts[33]._replace(signature=parts[9].signature)
    report = check(tmp_path, forged(honest, parts))
    assert told(report) == [(5, "signature-invalid", 9, BUNDLE), (5, "signature-invalid", 33, BUNDLE)]
    assert outcomes(report) == "ppppfnnnn"
    assert [step.checked for step in report.steps] == [1, 38, 38, 3, 36, 9, 9, 9, 0]


def test_signatures_inside_an_enrolment_and_inside_entry_0_are_checked(honest: Honest, tmp_path: Path) -> None:
    """A proof of possession by another key than the one enrolled; a root key's signature that is not its own."""
    world = World()
    parts = [part(signed.submission, 1) for signed in world.founding()]
    stolen = msgspec.structs.replace(world.key_row("thief", "officer", "1771", "city-2"), point=world.key("victim").point)
    parts.append(part(world.enrol(stolen).submission, 1))
    assert told(check(tmp_path / "enrolled", forged(honest, parts))) == [(5, "signature-invalid", 9, "tile/entries/000.p/10")]

    first, second = world.opening.roots
    opening = msgspec.structs.replace(world.opening, roots=(first, Root(second.point, first.signature)))
    submission, _ = sign_event(world.key("root-1"), opening, ledger=None, position=0, previous=None, claimed_at=1)
    report = check(tmp_path / "opened", forged(honest, [part(submission, 1)]))
    assert told(report) == [(5, "signature-invalid", 0, "tile/entries/000.p/1")]


def test_an_entry_that_is_no_entry(honest: Honest, tmp_path: Path) -> None:
    """Bytes that cannot be opened: what can still be checked is, before and after."""
    entries = [*honest.entries]
    entries[20] = entries[20] + b"\0"
    report = check(tmp_path, publication(entries, SIGNER))
    assert told(report) == [(2, "not-msgpack", 20, BUNDLE), (3, "chain-broken", 21, BUNDLE)]
    assert outcomes(report) == "pffpnnnnn"
    assert report.steps[4].checked == 37


# --- the checkpoint, identity, and what was known before --------------------------------------------------------------


def test_a_checkpoint_signed_by_another_key(honest: Honest, tmp_path: Path) -> None:
    """Entry 0 names the log's key; another's signature is none, under its own key id or under the log's."""
    thief = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    report = check(tmp_path / "own", honest.files | {"checkpoint": checkpoint_of(honest.entries, thief)})
    assert told(report) == [(1, "note-unsigned", None, "checkpoint")]
    assert outcomes(report) == "fpppppppp"


def test_a_checkpoint_of_another_root_by_the_right_key(honest: Honest, tmp_path: Path) -> None:
    """The log's owner signs what the entries do not give."""
    report = check(tmp_path, honest.files | {"checkpoint": checkpoint_of(honest.entries, SIGNER, root=bytes(32))})
    assert told(report) == [(4, "root-differs", None, "checkpoint")]


def test_a_checkpoint_of_another_origin(honest: Honest, tmp_path: Path) -> None:
    """The right key's bytes under another name."""
    other = NoteSigner("other.example/ledger", LOG_KEY)
    report = check(tmp_path, honest.files | {"checkpoint": checkpoint_of(honest.entries, other)})
    assert told(report) == [(1, "note-unsigned", None, "checkpoint")]


@pytest.mark.parametrize("data", [b"", b"nothing\n", b"test.example/ledger\n38\n\n", b"\xff"])
def test_a_checkpoint_that_is_none(data: bytes, honest: Honest, tmp_path: Path) -> None:
    """Without a size there is nothing to verify, and nothing is said to be passed."""
    report = check(tmp_path, honest.files | {"checkpoint": data})
    assert [(step, place) for step, _, _, place in told(report)] == [(1, "checkpoint")]
    assert (outcomes(report), report.ok, report.identity, report.size) == ("fnnnnnnnn", False, "unknown", None)


def test_an_empty_log_and_one_whose_first_entry_opens_nothing(honest: Honest, tmp_path: Path) -> None:
    """Nobody is named whose word the checkpoint is; so it is nobody's."""
    empty = check(tmp_path / "empty", {"checkpoint": checkpoint_of([], SIGNER)})
    assert (told(empty), outcomes(empty)) == ([(1, "log-empty", None, "checkpoint")], "fnnnnnnnn")
    headless = check(tmp_path / "headless", forged(honest, parts_of(honest.entries)[1:3]))
    assert told(headless) == [(7, "not-opened", 0, "tile/entries/000.p/2")]
    assert outcomes(headless) == "nppppnfnn"


def test_an_unknown_signature_line_is_nobodys_business(honest: Honest, tmp_path: Path) -> None:
    """C2SP lets anyone add lines; they change nothing."""
    stranger = NoteSigner("stranger.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    text = honest.files["checkpoint"].partition(b"\n\n")[0] + b"\n"
    assert check(tmp_path, honest.files | {"checkpoint": honest.files["checkpoint"] + stranger.sign(text)}).ok


def test_identity(honest: Honest, tmp_path: Path) -> None:
    """A ledger that is sound in itself may be another than the one meant; without an id that is said plainly."""
    unasked = check(tmp_path, honest.files)
    assert (unasked.ok, unasked.identity) == (True, "not-checked")
    other = check(tmp_path, honest.files, ledger_id=bytes(32))
    assert told(other) == [(1, "ledger-id-other", 0, BUNDLE)]
    assert (other.ok, other.identity, other.ledger_id) == (False, "other", honest.world.ledger.hex())


@pytest.mark.parametrize("size", [0, 1, 9, 37, 38])
def test_an_earlier_checkpoint_is_a_prefix(size: int, honest: Honest, tmp_path: Path) -> None:
    """Every honest earlier tree, as a note and as a bare size and root."""
    earlier = honest.entries[:size]
    for known in (Known.from_note(checkpoint_of(earlier, SIGNER)), Known.from_head(size, root_of(earlier))):
        report = check(tmp_path, honest.files, known=known)
        assert (report.ok, report.known_size) == (True, size)


def test_a_truncated_tail_shows_against_a_known_checkpoint(honest: Honest, tmp_path: Path) -> None:
    """A prefix is a valid log; only who knew more can tell."""
    files = publication(honest.entries[:30], SIGNER)
    assert check(tmp_path, files).ok
    report = check(tmp_path, files, known=Known.from_note(honest.files["checkpoint"]))
    assert told(report) == [(4, "log-truncated", 30, "checkpoint")]


@pytest.mark.parametrize("size", [20, 37, 38])
def test_rewritten_history_shows_against_a_known_checkpoint(size: int, honest: Honest, tmp_path: Path) -> None:
    """A log written anew, good in itself, is not the one that was known."""
    later = [each._replace(time=each.time + 1) for each in parts_of(honest.entries)]
    known = Known.from_note(checkpoint_of(honest.entries[:size], SIGNER))
    report = check(tmp_path, forged(honest, later), known=known)
    assert told(report) == [(4, "history-rewritten", None, "known checkpoint")]


def test_a_known_checkpoint_that_another_key_signed_proves_nothing(honest: Honest, tmp_path: Path) -> None:
    """What somebody hands over as an earlier checkpoint must be the log's own word."""
    thief = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    report = check(tmp_path, honest.files, known=Known.from_note(checkpoint_of(honest.entries[:9], thief)))
    assert told(report) == [(4, "note-unsigned", None, "known checkpoint")]


# --- files ------------------------------------------------------------------------------------------------------------


def flipped(files: Files, path: str, at: int = 0) -> Files:
    """One byte of one file changed."""
    data = bytearray(files[path])
    data[at] ^= 1
    return files | {path: bytes(data)}


@pytest.mark.parametrize(
    ("path", "at", "expected"),
    [
        ("tile/0/000.p/38", 32 * 7 + 3, (4, "tile-differs", 7)),
        ("tile/0/000.p/9", 0, (4, "tile-differs", 0)),
        ("tile/entries/000.p/9", 1, (4, "bundle-differs", 0)),
        ("tile/entries/000.p/9", -1, (4, "bundle-differs", 8)),
        ("recap/38/mayor/1771", 20, (9, "recap-differs", None)),
        ("recap/38/recap_root", 20, (9, "recap-root-differs", None)),
        ("recap/9/governor/17", 20, (9, "recap-differs", None)),
        ("recap/9/recap_root", 0, (9, "recap-root-differs", None)),
    ],
)
def test_a_published_file_that_differs(
    path: str, at: int, expected: tuple[int, str, int | None], honest: Honest, tmp_path: Path
) -> None:
    """Tiles, older bundles, pages and commitments of the newest and of an older recap."""
    report = check(tmp_path, flipped(honest.files, path, at))
    assert told(report) == [(*expected, path)]


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("tile/0/000.p/38", 4),
        ("recap/38/mayor/1771", 9),
        ("recap/38/recap_root", 9),
        ("recap/9/mayor/1771", 9),
        ("recap/9/recap_root", 9),
    ],
)
def test_a_published_file_that_is_missing_or_too_long(path: str, step: int, honest: Honest, tmp_path: Path) -> None:
    """Every file that the size implies is there, and has no byte more."""
    files = dict(honest.files)
    longer = check(tmp_path / "longer", files | {path: files[path] + b"\0"})
    assert [(step, code, place) for step, code, _, place in told(longer)] == [(step, "file-too-large", path)]
    del files[path]
    missing = check(tmp_path / "missing", files)
    assert [(step, code, place) for step, code, _, place in told(missing)] == [(step, "file-missing", path)]


def test_older_partial_tiles_and_bundles_may_be_gone(honest: Honest, tmp_path: Path) -> None:
    """C2SP lets a log delete what a newer file holds; a whole older recap may be gone too."""
    gone = {"tile/0/000.p/9", "tile/entries/000.p/9"}
    files = {path: data for path, data in honest.files.items() if path not in gone and not path.startswith("recap/9/")}
    assert check(tmp_path, files).ok


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tile/0/000.p/39", "file-beyond-checkpoint"),
        ("tile/0/000", "file-beyond-checkpoint"),
        ("tile/entries/000", "file-beyond-checkpoint"),
        ("tile/1/000.p/1", "file-beyond-checkpoint"),
        ("recap/39/recap_root", "file-beyond-checkpoint"),
        ("recap/038/recap_root", "file-stray"),
        ("recap/0/recap_root", "file-stray"),
        ("recap/recap_root", "file-stray"),
        ("tile/0/000.p/038", "file-stray"),
        (".checkpoint.123.tmp", "file-stray"),
        ("tile/README.txt", "file-stray"),
        ("a\x1b[2J\u202eb", "file-stray"),
    ],
)
def test_a_stray_file(path: str, code: str, honest: Honest, tmp_path: Path) -> None:
    """What nobody could verify has no place beside what was verified; its name cannot play with a terminal."""
    report = check(tmp_path, honest.files | {path: b"what"})
    assert told(report) == [(4, code, None, path.encode("unicode_escape").decode())]


def test_a_stray_page_of_a_recap(honest: Honest, tmp_path: Path) -> None:
    """A page of an area or contest that does not exist."""
    path = "recap/38/mayor/9999"
    report = check(tmp_path, honest.files | {path: honest.files["recap/38/mayor/1771"]})
    assert told(report) == [(9, "file-stray", None, path)]


def test_a_bundle_with_bytes_behind_its_last_entry(honest: Honest, tmp_path: Path) -> None:
    """Then it is not known what an entry is; nothing after is said to be passed."""
    report = check(tmp_path, honest.files | {BUNDLE: honest.files[BUNDLE] + b"\0"})
    assert told(report) == [(2, "bad-bundle", 0, BUNDLE)]
    assert outcomes(report) == "nfnnnnnnn"


def test_a_missing_bundle_does_not_hide_a_bad_signature_behind_it(tmp_path: Path) -> None:
    """Bundle 1 of 3 is gone: what the others hold is still checked for itself, chain and all."""
    entries = long_ledger(600)
    parts = parts_of(entries)
    parts[550] = parts[550]._replace(signature=parts[549].signature)
    files = publication(relink(parts), SIGNER)
    del files["tile/entries/001"]
    report = check(tmp_path, files)
    assert told(report) == [
        (2, "file-missing", 256, "tile/entries/001"),
        (5, "signature-invalid", 550, "tile/entries/002.p/88"),
    ]
    assert outcomes(report) == "pfnnfnnnn"
    assert [step.checked for step in report.steps] == [1, 344, 344, 0, 343, 256, 256, 256, 0]


def long_ledger(size: int) -> list[bytes]:
    """Founding, one form, and then the officer holds and releases it again and again."""
    world = World()
    log = MemoryLog(world.founding())
    log.append(world.sign(f"{ONE}/1", submitted(ONE)))
    while len(log.entries) < size:
        act = held(ONE) if len(log.entries) % 2 == 0 else released(ONE)
        log.append(world.sign("officer", act))
    return log.entries


def test_verification_ends_after_a_hundred_failures(tmp_path: Path) -> None:
    """A log of nothing but failures is told as such and does not run for ever."""
    entries = long_ledger(600)
    parts = [each._replace(signature=bytes(31) + b"\1" + bytes(31) + b"\1") for each in parts_of(entries)]
    report = check(tmp_path, publication(relink(parts), SIGNER))
    assert (len(report.failures), report.stopped) == (100, True)
    assert outcomes(report) == "pnnnfnnnn"
    assert report.failures[0].index == 0


def test_a_checkpoint_that_claims_a_monstrous_size_ends_soon(honest: Honest, tmp_path: Path) -> None:
    """2^50 entries of which not one bundle is there."""
    text = honest.files["checkpoint"].replace(b"\n38\n", b"\n%d\n" % 2**50)
    report = check(tmp_path, honest.files | {"checkpoint": text})
    assert (report.stopped, report.failures[0].code, report.failures[0].place) == (True, "file-missing", "tile/entries/000")
    assert outcomes(report)[0] == "n"


# --- witnesses --------------------------------------------------------------------------------------------------------


class Witnessed(World):
    """An election that wants one cosignature of its two witnesses."""

    cosigners = tuple(
        NoteCosigner(f"witness-{number}.example", Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2)
    )

    def _founders(self, *arguments: Any) -> ElectionOpened:
        vkeys = tuple(cosigner.vkey for cosigner in self.cosigners)
        return msgspec.structs.replace(super()._founders(*arguments), witnesses=vkeys, quorum=1)


def test_witnesses(tmp_path: Path) -> None:
    """A lost cosignature shows as a quorum short, a false one as false; a stranger's counts for nothing."""
    world = Witnessed()
    entries = MemoryLog(world.founding()).entries
    files = publication(entries, SIGNER)
    note = files["checkpoint"]
    text = note.partition(b"\n\n")[0] + b"\n"
    one, two = (cosigner.sign(text, timestamp=1_732_700_000) for cosigner in world.cosigners)

    def with_lines(*lines: bytes) -> Report:
        return check(tmp_path, files | {"checkpoint": note + b"".join(lines)})

    assert told(with_lines()) == [(1, "quorum-short", None, "checkpoint")]
    assert (with_lines(one).ok, with_lines(one).witnesses, with_lines(one).quorum) == (True, 1, 1)
    assert (with_lines(one, two).ok, with_lines(one, two).witnesses) == (True, 2)
    stranger = NoteCosigner("stranger.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert told(with_lines(stranger.sign(text, timestamp=1))) == [(1, "quorum-short", None, "checkpoint")]
    false = world.cosigners[1].sign(b"another text\n", timestamp=1)
    assert told(with_lines(one, false)) == [(1, "note-signature-invalid", None, "checkpoint")]


def test_a_ledgers_own_head_needs_no_witness_yet() -> None:
    """Cosignatures are collected when a checkpoint is published; the ledger's own folder has none to show."""
    world = Witnessed()
    entries = MemoryLog(world.founding()).entries
    source = EntriesSource(checkpoint_of(entries, SIGNER), lambda start, stop: iter(entries[start:stop]), name="a ledger")
    assert verify(source, ledger_id=None, executor=None, progress=None, known=None).ok
