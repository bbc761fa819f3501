"""Bodies that enrol keys: each has a seat of its own, and none both enrols those who count and those who watch them."""

from __future__ import annotations

import pytest

from ledger.tally import events as e
from ledger.tally.acts.setup import registrars_fault
from ledger.tally.eventdata.words import Role

from ..governed import Governed, GovernedLog


def body(name: str, number: int, *roles: Role, scope: str = "") -> e.Registrar:
    return e.Registrar(name, bytes([number]) * 65, scope, roles, bytes(64))


@pytest.mark.parametrize(
    ("registrars", "fault"),
    [
        ([body("pair-1", 1, "agent"), body("pair-2", 2, "agent")], ""),
        ([body("pair-1", 1, "agent"), body("pair-1", 2, "agent", scope="17")], ""),
        ([body("pair-1", 1, "agent"), body("pair-1", 2, "agent")], "a registrar is named twice"),
        ([body("commission", 1, "operator", "agent")], "a registrar of operators or officers may not enrol agents or supervisors"),
        ([body("commission", 1, "officer", "registrar")], "only who enrols operators can delegate that"),
    ],
)
def test_registrars_are_apart(registrars: list[e.Registrar], fault: str) -> None:
    """Two keys in one registrar's seat would be one body with two votes: entry 0 and an amendment refuse them alike."""
    assert registrars_fault(registrars) == fault


def test_one_pairs_body_cannot_revoke_another_pairs_agents() -> None:
    """Who enrolled an agent, or approved that, may revoke it; another pair's body enrols agents too and may not."""
    log = GovernedLog(Governed())
    revoked = e.KeyRevoked(key=log.world.key("agent-1").point, reason="lost")
    assert log.told("pair-2", revoked) == "refused registrar-other-role"
    assert log.told("pair-2-b", revoked) == "refused registrar-other-role"
    assert log.told("commission-1", revoked) == "refused registrar-other-role"
    assert log.told("pair-1-b", revoked) == "ok"
    assert log.told("pair-1", revoked) == "void key-already-revoked"
