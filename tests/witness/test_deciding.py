"""What a witness answers, as tables: every status, in the specification's order, in both of its texts."""

from __future__ import annotations

import base64

import pytest

from ledger.errors import BadInput, NotVerified
from ledger.proof.checkpoint import Checkpoint, sign_checkpoint
from ledger.proof.merkle import EMPTY_ROOT
from ledger.proof.note import NoteKey, cosigned_at, encode_note, open_note, parse_note
from ledger.witness.deciding import (
    NEVER,
    REQUEST_LIMIT_BYTES,
    SIZE_TYPE,
    Recorded,
    Step,
    decide,
    encode_request,
    open_recorded,
    parse_request,
)
from ledger.witness.evidence import check_fork

from ..proof.models import raising
from .stage import FORKED_AT, LOG, NOW, ORIGIN, OTHER_KEY, STRANGER, cosigner, note, path, request

WITNESS = cosigner(1)
KEYS = (LOG.key,)


def step(body: bytes, recorded: Recorded = NEVER, *, keys: tuple[NoteKey, ...] = KEYS, now: int = NOW, later: bool = False) -> Step:
    """One request decided."""
    return decide(parse_request(body), keys=keys, recorded=recorded, cosigner=WITNESS, now_seconds=now, later=later)


def after(size: int, *, now: int = NOW) -> Recorded:
    """What is recorded after the true checkpoint of ``size`` was cosigned."""
    made = step(request(0, size), now=now).recorded
    assert made is not None
    return made


def spoiled(size: int) -> bytes:
    """A note whose log line does not verify."""
    text = parse_note(note(size)).text
    return encode_note(text, [parse_note(note(size + 1)).lines[0].raw])


def both(size: int) -> bytes:
    """A good line of one key and one of a second key that does not verify."""
    text = parse_note(note(size)).text
    return encode_note(text, [LOG.sign(text), OTHER_KEY.sign(b"x\n")])


EMPTY_LIE = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
LOG_OF_0 = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)
LAST_HASH_FLIPPED = [*path(5, 9)[:-1], bytes(32)]

CASES = {
    # name: (body, recorded size (None: never), keys, status, status by the later text)
    "the first": (request(0, 5), None, KEYS, 200, 200),
    "an extension": (request(5, 9), 5, KEYS, 200, 200),
    "from a power of two": (request(4, 9), 4, KEYS, 200, 200),
    "the same again": (request(5, 5), 5, KEYS, 200, 200),
    "an empty log": (encode_request(old=0, path=[], note=LOG_OF_0), None, KEYS, 200, 200),
    "a line by a stranger too": (
        encode_request(old=0, path=[], note=note(5) + STRANGER.sign(parse_note(note(5)).text)),
        None,
        KEYS,
        200,
        200,
    ),
    "signed by the log's second key": (
        encode_request(old=0, path=[], note=note(5, signer=OTHER_KEY)),
        None,
        (LOG.key, OTHER_KEY.key),
        200,
        200,
    ),
    "unknown origin": (request(0, 5), None, (), 404, 404),
    "unknown origin before all else": (encode_request(old=9, path=[], note=spoiled(5)), None, (), 404, 404),
    "no trusted key": (encode_request(old=0, path=[], note=note(5, signer=OTHER_KEY)), None, KEYS, 403, 403),
    "a cosignature alone": (
        encode_request(
            old=0,
            path=[],
            note=encode_note(parse_note(note(5)).text, [WITNESS.sign(parse_note(note(5)).text, timestamp=NOW)]),
        ),
        None,
        KEYS,
        403,
        403,
    ),
    "a line that fails": (encode_request(old=0, path=[], note=spoiled(5)), None, KEYS, 403, 403),
    "one of two lines fails": (encode_request(old=0, path=[], note=both(5)), None, (LOG.key, OTHER_KEY.key), 403, 403),
    "403 before 400": (encode_request(old=9, path=[], note=spoiled(5)), None, KEYS, 403, 403),
    "old above size": (encode_request(old=6, path=[], note=note(5)), 6, KEYS, 400, 400),
    "old too low": (request(4, 9), 5, KEYS, 409, 409),
    "old too high": (request(6, 9), 5, KEYS, 409, 409),
    "old 0 of a known log": (request(0, 9), 5, KEYS, 409, 409),
    "old of a log never seen": (request(5, 9), None, KEYS, 409, 409),
    "409 before 422": (encode_request(old=4, path=LAST_HASH_FLIPPED, note=note(9)), 5, KEYS, 409, 409),
    "a smaller tree": (request(4, 4), 9, KEYS, 409, 409),
    "one size with two roots": (request(9, 9, forked=True), 9, KEYS, 409, 422),
    "a flipped hash": (encode_request(old=5, path=LAST_HASH_FLIPPED, note=note(9)), 5, KEYS, 422, 422),
    "no path": (encode_request(old=5, path=[], note=note(9)), 5, KEYS, 422, 422),
    "a hash too many": (encode_request(old=5, path=[*path(5, 9), bytes(32)], note=note(9)), 5, KEYS, 422, 422),
    "a path from 0": (encode_request(old=0, path=[bytes(32)], note=note(9)), None, KEYS, 422, 422),
    "a path to the same": (encode_request(old=5, path=[bytes(32)], note=note(5)), 5, KEYS, 422, 422),
    "a fork": (request(6, 9, forked=True), 6, KEYS, 422, 422),
    "an empty tree with a root": (encode_request(old=0, path=[], note=EMPTY_LIE), None, KEYS, 422, 422),
}


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_every_status(name: str, later: bool) -> None:
    """The status; a cosignature that verifies and its record exactly with 200; the recorded size exactly with 409."""
    body, size, keys, first, second = CASES[name]
    recorded = NEVER if size is None else after(size)
    done = step(body, recorded, keys=keys, later=later)
    assert done.answer.status == (second if later else first)
    assert (done.recorded is not None) == (done.answer.status == 200)
    if done.recorded is not None:
        asked = parse_request(body)
        opened = open_note(asked.note + done.answer.body, [WITNESS.key])
        assert opened.text == parse_note(asked.note).text
        assert cosigned_at(opened.lines[0]) == NOW
        assert open_recorded(done.recorded.note, key=WITNESS.key, origin=ORIGIN) == done.recorded
        assert (done.recorded.size, done.recorded.root) == (asked.checkpoint.size, asked.checkpoint.root)
    if done.answer.status == 409:
        assert (done.answer.body, done.answer.content_type) == (b"%d\n" % recorded.size, SIZE_TYPE)


def test_every_pair_of_sizes() -> None:
    """Up to 20: from every recorded size to every size, by every old size: 200 exactly for the recorded one and not backwards."""
    for had in range(21):
        recorded = after(had) if had else NEVER
        for old in range(21):
            for new in range(old, 21):
                if new:
                    assert (step(request(old, new), recorded).answer.status == 200) == (old == had), (had, old, new)


def test_forks_leave_evidence() -> None:
    """Of one size always, by whatever old size; of two sizes where the path shows it; never of an honest log."""
    for had in range(1, 12):
        for new in range(had, 16):
            for old in (had, 0):
                honest = step(request(old, new), after(had))
                assert honest.fork is None
                forked = step(request(old, new, forked=True), after(had))
                same = had <= FORKED_AT
                if not same:
                    assert forked.recorded is None
                shown = not same and (new == had or (old == had and had.bit_count() != 1))
                assert (forked.fork is not None) == shown, (had, new, old)
                if forked.fork is not None:
                    assert check_fork(forked.fork, key=LOG.key).first.size == had


def test_a_spoiled_proof_is_no_evidence() -> None:
    """Anyone can spoil a path of an honest log; each hash of it flipped gives 422 and no accusation."""
    for had, new in ((5, 9), (6, 13), (3, 16)):
        for at in range(len(path(had, new))):
            wrong = path(had, new)
            wrong[at] = bytes([wrong[at][0] ^ 1]) + wrong[at][1:]
            done = step(encode_request(old=had, path=wrong, note=note(new)), after(had))
            assert (done.answer.status, done.fork) == (422, None)


def test_the_time_never_falls() -> None:
    """A clock that was put back does not make the larger tree the older statement."""
    recorded = after(5, now=NOW + 1_000)
    done = step(request(5, 9), recorded, now=NOW)
    assert done.recorded is not None
    assert done.recorded.time == NOW + 1_000
    assert step(request(5, 9), recorded, now=NOW + 2_000).recorded != done.recorded


def test_only_verified_lines_are_remembered() -> None:
    """A stranger's line is not written down as if the witness had believed it."""
    asked = note(5) + STRANGER.sign(parse_note(note(5)).text)
    recorded = step(encode_request(old=0, path=[], note=asked)).recorded
    assert recorded is not None
    assert [line.name for line in parse_note(recorded.note).lines] == [ORIGIN, WITNESS.key.name]


HASH = base64.b64encode(bytes(32))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        note(5),
        b"old 0\n" + note(5),
        b"old\n\n" + note(5),
        b"old  0\n\n" + note(5),
        b"old 00\n\n" + note(5),
        b"old +0\n\n" + note(5),
        b"old -1\n\n" + note(5),
        b"old 0x1\n\n" + note(5),
        b"old 1_0\n\n" + note(5),
        b"old 9007199254740992\n\n" + note(5),
        "old \u0661\n\n".encode() + note(5),
        b"old 0\r\n\r\n" + note(5),
        b"Old 0\n\n" + note(5),
        b"old 0\n\n\n" + note(5),
        b"old 5\n" + HASH[:-1] + b"\n\n" + note(9),
        b"old 5\n" + HASH + b" \n\n" + note(9),
        b"old 5\n" + HASH[:-2] + b"B=\n\n" + note(9),
        b"old 5\n" + base64.b64encode(bytes(31)) + b"\n\n" + note(9),
        b"old 5\n" + HASH + b"\n" + HASH + b"\n",
        b"old 5\n" + (HASH + b"\n") * 64 + b"\n" + note(9),
        b"old 0\n\n" + note(5)[:-1],
        b"old 0\n\n" + note(5) + b"x\n",
        b"old 0\n\n" + note(5).replace(b"\n\n", b"\nextension\n\n"),
        b"old 0\n\n" + b"x" * REQUEST_LIMIT_BYTES,
    ],
)
def test_what_cannot_be_read(body: bytes) -> None:
    """400, whatever else is wrong."""
    with pytest.raises(BadInput) as told:
        parse_request(body)
    assert told.value.code in ("bad-request", "bad-note", "bad-checkpoint")


def test_sixty_three_hashes_can_be_read() -> None:
    """The limit itself."""
    assert len(parse_request(b"old 5\n" + (HASH + b"\n") * 63 + b"\n" + note(9)).path) == 63


def test_requests_survive_their_bytes() -> None:
    """Encoded and parsed."""
    for old, new in ((0, 1), (5, 9), (7, 7)):
        body = request(old, new)
        parsed = parse_request(body)
        assert encode_request(old=parsed.old, path=parsed.path, note=parsed.note) == body


def test_a_foreign_record_is_not_opened() -> None:
    """A state that another witness cosigned, or of another log."""
    recorded = after(5)
    with raising(NotVerified, "note-unsigned"):
        open_recorded(recorded.note, key=cosigner(2).key, origin=ORIGIN)
    with raising(NotVerified, "checkpoint-other-origin"):
        open_recorded(recorded.note, key=WITNESS.key, origin="example.com/other")
    assert open_recorded(b"", key=WITNESS.key, origin=ORIGIN) == NEVER
