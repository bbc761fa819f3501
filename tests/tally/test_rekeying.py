"""``log.rekeyed``: what it leaves in the state, where its boundaries are, and the bytes of rows that know nothing of it.

Its answers in every state are in ``acts_by_state.toml``.
"""

from __future__ import annotations

import msgpack
import msgspec
import pytest

from ledger.errors import Refused
from ledger.tally import events as e
from ledger.tally.acts.rekeying import REKEYINGS_MAX, SEALER_SEAT
from ledger.tally.rows import LogKey, log_key_at
from ledger.tally.signing import open_submission
from ledger.tally.state import ELECTION, KEYS, SEATS, SINGLE

from ..governed import Governed, GovernedLog
from ..rekeying import LOG_2, LOG_3, SEALER_2, SEALER_3, log_signer, rekey, rekeyed, rekeying, sealer_of


@pytest.fixture
def log() -> GovernedLog:
    """An election that was founded."""
    return GovernedLog(Governed())


def keys_of(log: GovernedLog) -> tuple[LogKey, ...]:
    """The log's keys."""
    election = log.state.get(ELECTION, SINGLE)
    assert election is not None
    return election.log_keys


def test_the_new_key_signs_from_the_tree_that_holds_the_approval(log: GovernedLog) -> None:
    """Not at the proposal, and not one entry later."""
    first = LogKey(0, log.world.signer.vkey)
    proposal, approval = rekeyed(log.world, log=LOG_2)
    log.append(proposal)
    assert keys_of(log) == (first,)
    index = len(log.entries)
    log.append(approval)
    assert keys_of(log) == (first, LogKey(index + 1, log_signer(LOG_2).vkey))
    assert log_key_at(keys_of(log), index) == first.vkey
    assert log_key_at(keys_of(log), index + 1) == log_key_at(keys_of(log), 10**9) == log_signer(LOG_2).vkey


def test_every_size_has_one_key(log: GovernedLog) -> None:
    """Two rekeyings: each key's sizes end where the next one's begin."""
    begins = [rekey(log, log=LOG_2), rekey(log, log=LOG_3)]
    found = [log_key_at(keys_of(log), size) for size in range(len(log.entries) + 3)]
    wanted = [log.world.signer.vkey] * begins[0] + [log_signer(LOG_2).vkey] * (begins[1] - begins[0])
    assert found == wanted + [log_signer(LOG_3).vkey] * (len(found) - len(wanted))


def test_the_sealers_seat_passes_on(log: GovernedLog) -> None:
    """The new key has all that the old one had, and both know of each other; a third knows both."""
    first, second, third = (log.world.key(name).point for name in ("sealer", SEALER_2, SEALER_3))
    log.seal()
    rekey(log, sealer=SEALER_2)
    log.seal(by=SEALER_2)
    index = rekey(log, sealer=SEALER_3) - 1
    rows = {point: log.state.get(KEYS, point) for point in (first, second, third)}
    before, after = ({point: getattr(row, side) for point, row in rows.items()} for side in ("before", "after"))
    assert before == {first: (), second: (first,), third: (first, second)}
    assert after == {first: (second, third), second: (third,), third: ()}
    assert log.state.get(SEATS, SEALER_SEAT) == third
    row = rows[third]
    assert row is not None
    assert (row.role, row.scope, row.seat, row.enrolled) == ("sealer", "", "sealer", index)
    size = len(log.entries)
    assert log.told("sealer", e.RecapSealed(size=size, root=bytes(32))) == "refused key-retired"
    assert log.told(SEALER_2, e.RecapSealed(size=size, root=bytes(32))) == "refused key-retired"
    log.seal(by=SEALER_3)


def test_one_of_the_two_keys_leaves_the_other(log: GovernedLog) -> None:
    """The log's key alone, then the sealer's alone."""
    rekey(log, log=LOG_2)
    assert log.state.get(SEATS, SEALER_SEAT) == log.world.key("sealer").point
    before = keys_of(log)
    rekey(log, sealer=SEALER_2)
    assert keys_of(log) == before


def test_the_limits_are_of_each_key(log: GovernedLog) -> None:
    """Eight rekeyings of the log's key leave all of the sealer's."""
    for number in range(REKEYINGS_MAX):
        rekey(log, log=f"log-{number}")
    assert log.told("root-1", rekeying(log.world, log="one-more", sealer=SEALER_2)) == "void rekeyings-limit"
    for number in range(REKEYINGS_MAX):
        rekey(log, sealer=f"sealer-{number}")
    assert log.told("root-1", rekeying(log.world, sealer="one-more")) == "void rekeyings-limit"
    assert len(keys_of(log)) == 1 + REKEYINGS_MAX


def test_a_key_that_was_replaced_never_comes_back(log: GovernedLog) -> None:
    """Neither the first nor one in between."""
    rekey(log, log=LOG_2)
    rekey(log, log=LOG_3)
    for vkey in (log.world.signer.vkey, log_signer(LOG_2).vkey, log_signer(LOG_3).vkey):
        assert log.told("root-1", rekeying(log.world, log_key=vkey)) == "void log-key-used"


@pytest.mark.parametrize("spoiled", ["another ledger", "another key", "no point"])
def test_the_new_sealer_proves_that_the_key_is_its_own(log: GovernedLog, spoiled: str) -> None:
    """Over this ledger's id, by that very key, which lies on the curve."""
    good = sealer_of(log.world, SEALER_2)
    sealer = {
        "another ledger": sealer_of(log.world, SEALER_2, ledger=bytes(32)),
        "another key": e.Root(log.world.key(SEALER_3).point, good.signature),
        "no point": e.Root(b"\x04" + bytes(64), good.signature),
    }[spoiled]
    assert open_submission(log.world.peek("root-1", rekeying(log.world, sealer=SEALER_2)).submission)
    wanted = "point-invalid" if spoiled == "no point" else "signature-invalid"
    with pytest.raises(Refused, match=wanted):
        open_submission(
            log.world.peek("root-1", msgspec.structs.replace(rekeying(log.world, sealer=SEALER_2), sealer=sealer)).submission
        )


@pytest.mark.parametrize("rule", ["second_seats", "powers"])
def test_no_manifest_names_it(log: GovernedLog, rule: str) -> None:
    """It waits whatever the manifest says, and root keys pass the powers: to name it in either is a mistake."""
    powers = sorted((*log.world.powers, e.Power("log.rekeyed", ("city",), 0)), key=lambda power: power.act)
    said = {"second_seats": tuple(sorted((*log.world.second_seats, "log.rekeyed"))), "powers": tuple(powers)}
    data = e.ElectionAmended(reason="r", basis="1", **{rule: said[rule]})  # type: ignore[arg-type]
    assert log.told("root-1", data) == "refused amendment-invalid"


def test_the_election_row_of_a_log_with_its_first_key_is_as_it_was(log: GovernedLog) -> None:
    """Three fields, as databases have them from before; they are read again, and written again, as the same bytes."""
    election = log.state.get(ELECTION, SINGLE)
    assert election is not None
    old = ELECTION.encode(election)
    assert len(msgpack.unpackb(old)) == 3
    assert ELECTION.decode(old) == election
    assert ELECTION.encode(ELECTION.decode(old)) == old
    rekey(log, log=LOG_2)
    after = log.state.get(ELECTION, SINGLE)
    assert after is not None
    new = ELECTION.encode(after)
    assert msgpack.unpackb(new)[:3] == msgpack.unpackb(old)
    assert msgpack.unpackb(new)[3] == [[len(log.entries), log_signer(LOG_2).vkey]]
    assert ELECTION.decode(new) == after
    with pytest.raises(msgspec.DecodeError):
        ELECTION.decode(msgpack.packb([*msgpack.unpackb(new), 1]))
