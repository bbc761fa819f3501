"""Proofs of totals: every row of a sealed recap can be proven, and nothing else can."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.errors import BadInput, LedgerError, NotVerified, Refused, Waiting
from ledger.node import Node
from ledger.proof.note import NoteCosigner, NoteSigner, parse_note
from ledger.proof.policy import parse_policy
from ledger.recap.replay import replay
from ledger.tally.events import RecapSealed
from ledger.tally.pages import recap_pages
from ledger.tally.signing import SigningKey, reopen_entry
from ledger.tally.totalproof import AreaRow, ProvenTotal, StationRow, check_total

from ..governed import CITY, DISTRICT_A, PROVINCE, Governed, submissions, whole_season
from ..proof.models import private_key
from ..world import Clock, make_node

FLIPS = 300
"""So many bytes of each proof are changed in the usual run."""


@cache
def season_entries() -> tuple[bytes, ...]:
    """The governed season's log."""
    return tuple(whole_season().entries)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The whole governed season in a store; its seals are those of the log in memory."""
    world = Governed()
    with make_node(tmp_path_factory.mktemp("proofs") / "ledger", world) as made:
        for submission in submissions(season_entries()):
            made.submit([submission])
        yield made


def sealed() -> list[int]:
    """Where the season's seals stand."""
    return [at for at, entry in enumerate(season_entries()) if isinstance(reopen_entry(entry).event.data, RecapSealed)]


def places(size: int) -> Iterator[tuple[str, str, list[object]]]:
    """(contest, code, row) of every area and station of the recap at a size."""
    for page in recap_pages(replay(season_entries()[:size]), size):
        _, _, row, rows = msgspec.msgpack.decode(page.data)
        if page.top:
            yield page.contest, page.area, row
        for child in rows:
            yield page.contest, child[1], child


def proof(node: Node, contest: str = "mayor", area: str = CITY, **more: Any) -> bytes:
    return node.prove_total(contest=contest, area=area, **more).data


def check(node: Node, data: bytes) -> ProvenTotal:
    return check_total(data, vkey=node.signer.vkey, ledger=node.ledger_id())


def row_of(proven: ProvenTotal) -> object:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(proven.row))


def test_every_area_and_station_is_proven_with_the_row_of_its_page(node: Node) -> None:
    """At both seals, with and without all stations; a station's proof has its very row."""
    seals = sealed()
    assert len(seals) >= 2
    count = 0
    for size in seals:
        for contest, code, row in places(size):
            for stations in (False, True):
                made = node.prove_total(contest=contest, area=code, at=size, stations=stations)
                proven = check(node, made.data)
                assert (made.size, proven.size, proven.seal) == (size, size, size)
                assert row_of(proven) == row
                assert proven.contest.code == contest
                if stations and isinstance(proven.row, AreaRow):
                    assert proven.whole
                    assert proven.stations == proven.row.counts[0]
                count += 1
    assert count > 20


def test_a_changed_byte_is_refused(node: Node) -> None:
    """With a code and a place, whichever byte it is."""
    draw = random.Random(7)
    for data in (proof(node), proof(node, "governor", PROVINCE, stations=True), proof(node, "mayor", "1771011001001")):
        for at in sorted(draw.sample(range(len(data)), FLIPS)):
            changed = bytearray(data)
            changed[at] ^= 1 << draw.randrange(8)
            with pytest.raises((BadInput, NotVerified)) as caught:
                check(node, bytes(changed))
            assert caught.value.where["part"], (at, caught.value)


@pytest.mark.campaign
def test_every_changed_byte_is_refused(node: Node) -> None:
    """All of them."""
    data = proof(node)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises((BadInput, NotVerified)):
            check(node, bytes(changed))


def altered(data: bytes, change: Any) -> bytes:
    """The proof with something else in it, canonical again."""
    plain = msgspec.msgpack.decode(data)
    change(plain)
    return msgspec.msgpack.encode(plain)


def _swap(plain: Any) -> None:
    rows = plain[9][-1][1]
    rows[0][2:], rows[1][2:] = rows[1][2:], rows[0][2:]


def _reorder(plain: Any) -> None:
    plain[9][-1][1].reverse()


def _move_votes(plain: Any) -> None:
    """One vote from the one to the other: every sum stays as it was."""
    rows = plain[9][-1][1]
    rows[0][2][1] += 1
    rows[1][2][1] -= 1


def _drop(plain: Any) -> None:
    plain[9][-1][1].pop()


def _twice(plain: Any) -> None:
    plain[9].append(plain[9][-1])


def _contest(plain: Any) -> None:
    plain[8][0] = "governor"


def _place(plain: Any) -> None:
    plain[4] = 1 - plain[4]


def _more(plain: Any) -> None:
    plain[3] += 1


def _top(plain: Any) -> None:
    plain[8][2][1] += 1


def _area(plain: Any) -> None:
    plain[7] = "177199"


def _no_seal(plain: Any) -> None:
    plain[2][-1] = plain[2][-2]


def _no_form(plain: Any) -> None:
    del plain[2][1]


def _entries(plain: Any) -> None:
    plain[2][1], plain[2][2] = plain[2][2], plain[2][1]


def _stranger(plain: Any) -> None:
    plain[2][1] = plain[2][0]


def _one_more(plain: Any) -> None:
    plain[2].insert(1, plain[2][0])


def _version(plain: Any) -> None:
    plain[0] = 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_swap, "total-not-proven"),
        (_reorder, "total-not-proven"),
        (_drop, "total-not-proven"),
        (_twice, "total-not-proven"),
        (_contest, "proof-invalid"),
        (_place, "proof-invalid"),
        (_more, "total-not-proven"),
        (_top, "proof-invalid"),
        (_area, "total-not-proven"),
        (_no_seal, "total-not-proven"),
        (_no_form, "bad-total-proof"),
        (_entries, "total-not-proven"),
        (_stranger, "total-not-proven"),
        (_one_more, "total-not-proven"),
        (_version, "bad-total-proof"),
    ],
)
def test_what_was_put_together_otherwise_is_refused(node: Node, change: Any, code: str) -> None:
    """Swapped rows, dropped ones, another contest, another place: each by its code."""
    data = proof(node, stations=False)
    assert isinstance(check(node, data).row, AreaRow)
    with pytest.raises(LedgerError) as caught:
        check(node, altered(data, change))
    assert caught.value.code == code, caught.value


def test_equal_sums_are_not_enough(node: Node) -> None:
    """A vote moved from one district to another leaves every sum as it was, and is found by the hash."""
    with pytest.raises(NotVerified, match="not those"):
        check(node, altered(proof(node), _move_votes))


def test_an_area_comes_with_its_own_page_and_all_above(node: Node) -> None:
    """Neither may be missing; of the pages below, those that are missing make the proof say that it is not whole."""
    data = proof(node, area=DISTRICT_A)
    assert len(msgspec.msgpack.decode(data)[9]) == 2
    with pytest.raises(NotVerified, match="own page is missing"):
        check(node, altered(data, lambda plain: plain[9].pop()))
    with pytest.raises(NotVerified, match="no area on the way"):
        check(node, altered(data, lambda plain: plain[9].pop(0)))
    assert not check(node, data).whole
    assert check(node, proof(node, area=DISTRICT_A, stations=True)).whole


def test_another_size_or_checkpoint_is_refused(node: Node) -> None:
    """Parts of two good proofs do not make a third."""
    now = msgspec.msgpack.decode(proof(node))
    before = msgspec.msgpack.decode(proof(node, at=sealed()[-2]))
    for field in (2, 6, 8, 9):
        mixed = list(now)
        mixed[field] = before[field]
        if mixed != now:
            with pytest.raises((BadInput, NotVerified)):
                check(node, msgspec.msgpack.encode(mixed))
    note = bytes(now[1])
    mixed = [*now]
    mixed[1] = note.replace(b"\n%d\n" % node.head().size, b"\n%d\n" % (node.head().size - 1), 1)
    with pytest.raises(NotVerified, match="note-signature-invalid"):
        check(node, msgspec.msgpack.encode(mixed))


def test_only_the_keys_given_are_believed(node: Node, tmp_path: Path) -> None:
    """Another log's key, another ledger's id, a line by a witness that nobody named, and no key at all."""
    data = proof(node)
    assert check_total(data, vkey=node.signer.vkey, ledger=None).ledger == node.ledger_id()
    assert check_total(data, vkey=None, ledger=node.ledger_id()).opened.log_key == node.signer.vkey
    with pytest.raises(NotVerified, match="another ledger"):
        check_total(data, vkey=None, ledger=bytes(32))
    other = "other.example/log" + node.signer.vkey[node.signer.vkey.index("+") :]
    with pytest.raises(NotVerified, match="another key"):
        check_total(data, vkey=other, ledger=None)
    with pytest.raises(BadInput, match="no log key, ledger id or policy"):
        check_total(data, vkey=None, ledger=None)
    stranger = altered(data, lambda plain: plain.__setitem__(1, bytes(plain[1]) + "\u2014 strange AAAAAAAA\n".encode()))
    with pytest.raises(NotVerified, match="neither entry 0 nor a policy names"):
        check(node, stranger)


def test_witnesses_of_entry_0_and_of_a_policy(tmp_path: Path) -> None:
    """Without entry 0's quorum no proof is made; with it the proof holds, and no line can be left out.  A policy's witness is taken
    only by a checker with that policy, and is then asked for."""
    named, other = (NoteCosigner(f"{name}.example/w", private_key(at)) for at, name in enumerate(("named", "other"), 5))
    world = Governed(witnesses=(named.vkey,), quorum=1)
    log = whole_season(world)
    with make_node(tmp_path / "ledger", world) as node:
        node.submit(submissions(log.entries))
        note = node.head().checkpoint
        by_named, by_other = (each.sign(parse_note(note).text, timestamp=1_732_700_000) for each in (named, other))
        with pytest.raises(Waiting, match="checkpoint-unwitnessed"):
            proof(node)
        with pytest.raises(Waiting, match="checkpoint-unwitnessed"):
            proof(node, checkpoint=note + by_other, witnesses=[other.key])
        data = proof(node, checkpoint=note + by_named + by_other)
        assert check(node, data).witnesses == (named.key.name,)
        short = altered(data, lambda plain: plain.__setitem__(1, note))
        with pytest.raises(NotVerified, match="0 of the 1 cosignatures"):
            check(node, short)
        policy = parse_policy(f"log {node.signer.vkey}\nwitness o {other.vkey}\nquorum o\n".encode())
        with pytest.raises(NotVerified, match="quorum-short"):
            check_total(data, vkey=None, ledger=None, policy=policy)
        both = proof(node, checkpoint=note + by_named + by_other, witnesses=[other.key])
        assert check_total(both, vkey=None, ledger=None, policy=policy).witnesses == (named.key.name, other.key.name)
        with pytest.raises(NotVerified, match="neither entry 0 nor a policy names"):
            check(node, both)
        elsewhere = parse_policy(f"log {NoteSigner('else.example/log', private_key(9)).vkey}\nquorum none\n".encode())
        with pytest.raises(NotVerified, match="note-unsigned"):
            check_total(data, vkey=None, ledger=None, policy=elsewhere)


def test_what_cannot_be_proven_is_said(node: Node) -> None:
    """No seal yet, no such place or contest, a size that the log has not."""
    for code, more in (
        ("total-not-sealed", {"at": 5}),
        ("size-beyond-log", {"at": node.head().size + 1}),
        ("area-unknown", {"area": "18"}),
        ("area-unknown", {"area": "1771011001099"}),
        ("contest-unknown", {"contest": "nobody"}),
    ):
        with pytest.raises(BadInput) as caught:
            proof(node, **more)  # type: ignore[arg-type]
        assert caught.value.code == code


def test_a_ledger_that_seals_when_told(tmp_path: Path) -> None:
    """``seals = "manual"``: no seal by itself, also when opened again; told, one over exactly what is there."""
    world = Governed()
    sealer: SigningKey = world.key("sealer")
    entries = season_entries()
    first = sealed()[0]
    folder, clock = tmp_path / "ledger", Clock()
    with Node.create(folder, origin=world.origin, log_key=world.log_key, clock=clock, sealer=sealer, automatic=False) as made:
        for submission in submissions(entries[:first]):
            made.submit([submission])
        assert made.head().size == first
    with Node.open(folder, clock=clock) as opened:
        with pytest.raises(BadInput, match="total-not-sealed"):
            proof(opened)
        assert (opened.seal().index, opened.head().size) == (first, first + 1)
        assert check(opened, proof(opened, stations=True)).size == first
        assert opened.seal().index == first + 1
        same = opened.replay(rebuilding=False)
        assert same.digest == same.standing


def test_a_ledger_without_the_sealers_key_makes_no_seal(node: Node) -> None:
    """It says so, and appends nothing."""
    size = node.head().size
    with pytest.raises(Refused, match="sealer-missing"):
        node.seal()
    assert node.head().size == size


def test_a_station_row_says_what_its_area_sums(node: Node) -> None:
    """A station's proof gives its state and figures."""
    row = check(node, proof(node, area="1771011001001")).row
    assert isinstance(row, StationRow)
    assert row.state in ("confirmed", "corrected", "single")
    assert row.figures
