"""A witness's memory: durable before a cosignature leaves, at every file call; never back, never twice, never made anew."""

from __future__ import annotations

import errno
import hashlib
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ledger.errors import BadInput, Broken, LedgerError, Moved, Waiting
from ledger.files import Files
from ledger.proof.note import parse_note
from ledger.witness.deciding import NEVER, Answer, Recorded, decide, open_recorded, parse_request
from ledger.witness.folder import WitnessFolder
from ledger.witness.serving import respond

from ..disk_faults import Crash, Failing
from ..proof.models import private_key, raising
from ..test_files import Recorder, after_power_cut, also_if_it_reached_the_disk
from .stage import LOG, NOW, ORIGIN, OTHER_KEY, STRANGER, cosigner, make_witness, request

STATE = Path("logs") / hashlib.sha256(ORIGIN.encode()).hexdigest()


def asked(folder: WitnessFolder, old: int, new: int, *, forked: bool = False) -> Answer:
    """One request, as the server takes it."""
    return respond(folder, request(old, new, forked=forked), now_seconds=NOW, later=False, tell=lambda _: None)


def remembered(data: bytes) -> int:
    """The size in a state file's bytes, which must be whole."""
    return open_recorded(data, key=cosigner(1).key, origin=ORIGIN).size


def test_a_witness_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What it cosigned is remembered; a rollback and a fork are refused as if it had never stopped, with evidence kept."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 6).status == 200
    with WitnessFolder.open(place, files=Files()) as folder:
        assert (folder.recorded(ORIGIN).size, folder.cosigner.vkey) == (6, cosigner(1).vkey)
        assert [asked(folder, old, new).status for old, new in ((0, 6), (0, 4), (4, 4), (4, 9))] == [409] * 4
        assert asked(folder, 6, 6, forked=True).status == 409
        assert asked(folder, 6, 9, forked=True).status == 422
        assert len(list((place / "forks").iterdir())) == 2
        assert asked(folder, 6, 9).status == 200
    with WitnessFolder.open(place, files=Files()) as folder:
        assert folder.recorded(ORIGIN).size == 9


def test_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    """0600; and no repr shows it."""
    place = make_witness(tmp_path / "w")
    assert stat.S_IMODE((place / "witness-key.pem").stat().st_mode) == 0o600
    with WitnessFolder.open(place, files=Files()) as folder:
        assert private_key(101).private_bytes_raw().hex() not in repr(folder.cosigner) + repr(vars(folder))


def test_two_processes_cannot_both_run(tmp_path: Path) -> None:
    """The second is told; after the first has ended it runs."""
    place = make_witness(tmp_path / "w")
    with (
        WitnessFolder.open(place, files=Files()),
        raising(Waiting, "folder-busy"),
        WitnessFolder.open(place, files=Files()),
    ):
        pass
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200


def test_of_two_requests_decided_at_once_the_second_is_decided_again(tmp_path: Path) -> None:
    """The specification's race: both decided over the same state; the smaller one, stored last, must not roll back."""
    with WitnessFolder.open(make_witness(tmp_path / "w"), files=Files()) as folder:
        start = folder.recorded(ORIGIN)
        steps = [
            decide(
                parse_request(request(0, size)),
                keys=[LOG.key],
                recorded=start,
                cosigner=folder.cosigner,
                now_seconds=NOW,
                later=False,
            )
            for size in (5, 9)
        ]
        smaller, larger = (step.recorded for step in steps)
        assert smaller is not None
        assert larger is not None
        folder.swap(ORIGIN, expected=start, new=larger)
        with raising(Moved, "witness-moved"):
            folder.swap(ORIGIN, expected=start, new=smaller)
        assert folder.recorded(ORIGIN) == larger
        for back in (smaller, NEVER, Recorded(9, bytes(32), NOW, b"x")):
            with raising(Broken, "witness-rollback"):
                folder.swap(ORIGIN, expected=larger, new=back)
        assert folder.recorded(ORIGIN) == larger


def test_many_requests_at_once(tmp_path: Path) -> None:
    """Sixteen threads: exactly one of those with the same old size is cosigned, and the record is that one's."""
    with WitnessFolder.open(make_witness(tmp_path / "w"), files=Files()) as folder:
        gate, answers = Barrier(16), dict[int, Answer]()

        def run(size: int) -> None:
            gate.wait()
            answers[size] = asked(folder, 0, size)

        threads = [Thread(target=run, args=(size,)) for size in range(1, 17)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = [size for size, answer in answers.items() if answer.status == 200]
        assert good == [folder.recorded(ORIGIN).size]
        assert {answer.body for answer in answers.values() if answer.status != 200} == {b"%d\n" % good[0]}


def test_a_request_that_always_loses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decided again only so many times."""
    with WitnessFolder.open(make_witness(tmp_path / "w"), files=Files()) as folder:
        tries = []

        def lost(*_: object, **__: object) -> None:
            tries.append(1)
            raise Moved("witness-moved")

        monkeypatch.setattr(folder, "swap", lost)
        assert asked(folder, 0, 5).status == 503
        assert len(tries) == 8


# --- a memory that is not there ------------------------------------------------------------------------------------------------


def test_a_missing_memory_is_never_made_anew(tmp_path: Path) -> None:
    """A witness that forgot would cosign a second history."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200
        (place / STATE).unlink()
        with raising(Broken, "witness-state-missing"):
            asked(folder, 0, 6)
    with raising(Broken, "witness-state-missing"), WitnessFolder.open(place, files=Files()):
        pass


def test_a_damaged_memory_is_told(tmp_path: Path) -> None:
    """Each byte flipped: told when the witness is opened, and nothing is written over it."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200
    good = (place / STATE).read_bytes()
    log_line = good.index(parse_note(good).lines[0].raw)  # the log's own line is not the witness's word
    end = log_line + len(parse_note(good).lines[0].raw)
    for at in (*range(log_line), *range(end, len(good))):
        bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        (place / STATE).write_bytes(bad)
        with raising(Broken, "witness-state-damaged"), WitnessFolder.open(place, files=Files()):
            pass
        assert (place / STATE).read_bytes() == bad


def test_what_is_no_witness(tmp_path: Path) -> None:
    """No folder, a key that is not the named one, no key, a config that is none, a policy that is none."""
    with raising(BadInput, "bad-witness"), WitnessFolder.open(tmp_path / "none", files=Files()):
        pass
    other = make_witness(tmp_path / "other", 2)
    for name, content, code in (
        ("witness-key.pem", (other / "witness-key.pem").read_bytes(), "bad-witness"),
        ("witness-key.pem", b"", "bad-witness"),
        ("witness-key.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "bad-witness"),
        ("witness.toml", b"vkey = ", "bad-witness"),
        ("witness.toml", b"\xff", "bad-witness"),
        ("witness.toml", b"name = 'w'\n", "bad-witness"),
        ("policy", b"", "bad-policy"),
    ):
        place = make_witness(tmp_path / "w")
        (place / name).write_bytes(content)
        with raising(BadInput, code), WitnessFolder.open(place, files=Files()):
            pass
        shutil.rmtree(place)
    with raising(BadInput, "folder-not-empty"):
        make_witness(other)


def test_logs_are_added_and_their_memory_stays(tmp_path: Path) -> None:
    """A second log, a second key of the first one's origin; one that is known already."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200
        folder.add_log(STRANGER.key)
        folder.add_log(OTHER_KEY.key)
        with raising(BadInput, "bad-policy"):
            folder.add_log(LOG.key)
    with WitnessFolder.open(place, files=Files()) as folder:
        assert folder.policy.keys_of(ORIGIN) == (LOG.key, OTHER_KEY.key)
        assert (folder.recorded(ORIGIN).size, folder.recorded("example.com/stranger")) == (5, NEVER)


def test_a_log_that_was_rekeyed_has_its_new_key_alone(tmp_path: Path) -> None:
    """The old one's thief gets no cosignature; what was cosigned stays; another log's key is no old one."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200
        for new, old in (
            (OTHER_KEY.key, STRANGER.key),
            (STRANGER.key, LOG.key),
            (OTHER_KEY.key, OTHER_KEY.key),
            (LOG.key, LOG.key),
        ):
            with raising(BadInput, "log-unknown"):
                folder.add_log(new, instead_of=old)
        folder.add_log(OTHER_KEY.key, instead_of=LOG.key)
    with WitnessFolder.open(place, files=Files()) as folder:
        assert folder.policy.keys_of(ORIGIN) == (OTHER_KEY.key,)
        assert folder.recorded(ORIGIN).size == 5
        assert asked(folder, 5, 6).status == 403


def test_a_log_gone_mad_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many files of evidence and no more; one that is there already is there."""
    monkeypatch.setattr("ledger.witness.folder.FORKS_LIMIT_FILES", 2)
    with WitnessFolder.open(make_witness(tmp_path / "w"), files=Files()) as folder:
        assert [folder.keep_fork(data) is not None for data in (b"a", b"b", b"c", b"a")] == [True, True, False, True]


# --- crashes -------------------------------------------------------------------------------------------------------------------


def calls_of_a_swap(tmp_path: Path) -> int:
    """How many file calls one cosignature takes."""
    place = make_witness(tmp_path / "counted")
    calls = Failing(0, Crash(), stored=True)
    with WitnessFolder.open(place, files=Files(calls)) as folder:
        before = calls.count
        assert asked(folder, 0, 5).status == 200
        return calls.count - before


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "how", [Crash(), OSError(errno.EIO, "bad disk"), OSError(errno.ENOSPC, "full")], ids=["dies", "io", "full"]
)
def test_every_file_call_that_fails(tmp_path: Path, how: BaseException, stored: bool) -> None:
    """At each call of a cosignature: nothing is answered; what is on the disk is the old record or the new one, whole; the process
    cosigns no more; the next one goes on from there, and no second history gets a cosignature."""
    count = calls_of_a_swap(tmp_path)
    assert count >= 5
    seen = set()
    for at in range(1, count + 1):
        place = make_witness(tmp_path / f"{at}")
        with WitnessFolder.open(place, files=Files()) as folder:
            assert asked(folder, 0, 5).status == 200
        failing = Failing(0, how, stored=stored)
        with suppress(Crash), WitnessFolder.open(place, files=Files(failing)) as folder:
            failing.at = failing.count + at
            with pytest.raises((Crash, LedgerError)):
                asked(folder, 5, 9)
            if isinstance(how, OSError):
                with pytest.raises(Broken) as told:
                    asked(folder, remembered((place / STATE).read_bytes()), 9)
                assert told.value.code == "witness-stopped"
        size = remembered((place / STATE).read_bytes())
        seen.add(size)
        with WitnessFolder.open(place, files=Files()) as folder:
            assert asked(folder, size, 9, forked=True).status in (409, 422)
            assert asked(folder, size, 9).status == 200
    assert seen == {5, 9}


def test_a_power_cut_after_any_call(tmp_path: Path) -> None:
    """What was not synced is lost: the record is the old or the new one, whole, after every call; and once the answer is given, the
    new one."""
    place = make_witness(tmp_path / "w")
    with WitnessFolder.open(place, files=Files()) as folder:
        assert asked(folder, 0, 5).status == 200
    state = str(place / STATE)
    before = {state: (place / STATE).read_bytes()}
    recorder = Recorder()
    with WitnessFolder.open(place, files=Files(recorder)) as folder:
        assert asked(folder, 5, 9).status == 200
        calls = list(recorder.log)
    for end in range(len(calls) + 1):
        for disk in (after_power_cut, also_if_it_reached_the_disk):
            data = disk(before, calls[:end])[state]
            assert data is not None
            assert remembered(data) in ((5, 9) if end < len(calls) else (9,))


def test_a_crash_while_a_log_is_added(tmp_path: Path) -> None:
    """At each call: the log is known with its memory, or not at all; adding it again goes through."""
    place = make_witness(tmp_path / "counted")
    calls = Failing(0, Crash(), stored=True)
    with WitnessFolder.open(place, files=Files(calls)) as folder:
        folder.add_log(STRANGER.key)
    for at in range(1, calls.count + 1):
        place = make_witness(tmp_path / f"{at}")
        with pytest.raises(Crash), WitnessFolder.open(place, files=Files(Failing(at, Crash(), stored=True))) as folder:
            folder.add_log(STRANGER.key)
        with WitnessFolder.open(place, files=Files()) as folder:
            if not folder.policy.keys_of(STRANGER.key.name):
                folder.add_log(STRANGER.key)
            assert folder.recorded(STRANGER.key.name) == NEVER
