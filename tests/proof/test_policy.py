"""Policies: the grammar, line by line, and which cosignatures are enough."""

from __future__ import annotations

import itertools

import pytest

from ledger.errors import BadInput, NotVerified
from ledger.proof.note import NoteCosigner, encode_note, parse_note
from ledger.proof.policy import POLICY_LIMIT_BYTES, judge, parse_policy

from ..witness.stage import LOG, NOW, ORIGIN, OTHER_KEY, STRANGER, cosigner, note
from .models import private_key, raising

W = [cosigner(number).vkey for number in range(6)]
SIX = "".join(f"witness X{at} {W[at]}\n" for at in range(3)) + "".join(f"witness Y{at} {W[at + 3]}\n" for at in range(3))
SPEC = f"""\
# as in the specification
log {LOG.vkey}  https://log.example/
{SIX}
\t group X-witnesses 2 X0 X1 X2
group Y-witnesses any Y0\tY1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y\x20
"""


def test_the_example_of_the_specification() -> None:
    """Two of X and one of Y, over all 64 sets of witnesses."""
    policy = parse_policy(SPEC.encode())
    assert [(log.key, log.url) for log in policy.logs] == [(LOG.key, "https://log.example/")]
    assert [witness.name for witness in policy.witnesses] == ["X0", "X1", "X2", "Y0", "Y1", "Y2"]
    names = [witness.name for witness in policy.witnesses]
    for count in range(7):
        for cosigned in itertools.combinations(names, count):
            enough = sum(name[0] == "X" for name in cosigned) >= 2 and any(name[0] == "Y" for name in cosigned)
            assert policy.is_met_by(cosigned) is enough, cosigned
    assert not policy.is_met_by(["X-and-Y", "X-witnesses", "Y-witnesses"])  # names of groups are no cosignatures


@pytest.mark.parametrize(
    ("text", "met_by", "not_met_by"),
    [
        (f"witness a {W[0]}\nquorum none\n", [], None),
        ("quorum none\n", [], None),
        (f"witness a {W[0]}\nquorum a\n", ["a"], ["b"]),
        (f"witness a {W[0]}\nwitness b {W[1]}\ngroup g all a b\nquorum g\n", ["a", "b"], ["a"]),
        (f"witness a {W[0]}\nwitness b {W[1]}\ngroup g 1 a\ngroup h 2 g b\nquorum h\n", ["b", "a"], ["b"]),
        (f"witness \u212a {W[0]}\nwitness K {W[1]}\nquorum K\n", ["K"], ["\u212a"]),
    ],
)
def test_small_policies(text: str, met_by: list[str], not_met_by: list[str] | None) -> None:
    """Each with a set that is enough and one that is not."""
    policy = parse_policy(text.encode())
    assert policy.is_met_by(met_by)
    assert not_met_by is None or not policy.is_met_by(not_met_by)


def test_names_are_octets() -> None:
    """A name that is no UTF-8 is a name, and another one than its neighbour."""
    data = b"witness \xff %s\nwitness \xfe %s\nquorum \xff\n" % (W[0].encode(), W[1].encode())
    policy = parse_policy(data)
    one, other = (witness.name for witness in policy.witnesses)
    assert one != other
    assert (policy.is_met_by([one]), policy.is_met_by([other])) == (True, False)


TWO = f"witness a {W[0]}\nwitness b {W[1]}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        TWO,
        "quorum none",
        "quorum none\nquorum none\n",
        "quorum a\n" + TWO,
        TWO + "quorum g\n",
        TWO + "quorum a b\n",
        "quorum\n",
        "Quorum none\n",
        "quorum\u00a0none\n",
        "quorum none\r\n",
        "quorum none # why\n",
        "quorum none\n\x00",
        "quorum none\n\x7f\n",
        TWO + "group g any\nquorum g\n",
        TWO + "group g 0 a b\nquorum g\n",
        TWO + "group g 3 a b\nquorum g\n",
        TWO + "group g +1 a b\nquorum g\n",
        TWO + "group g 01 a b\nquorum g\n",
        TWO + "group g most a b\nquorum g\n",
        TWO + "group g any a a\nquorum g\n",
        TWO + "group g any a c\nquorum g\n",
        TWO + "group g any g\nquorum g\n",
        TWO + "group a any b\nquorum a\n",
        TWO + "group none any a\nquorum none\n",
        TWO + "group g any none\nquorum g\n",
        TWO + "group g any a\ngroup h any a b\nquorum h\n",
        f"witness none {W[0]}\nquorum none\n",
        f"witness a {W[0]}\nwitness a {W[1]}\nquorum a\n",
        f"witness a {W[0]}\nwitness b {W[0]}\nquorum a\n",
        f"witness a {W[0]}\nwitness b {NoteCosigner('elsewhere', private_key(100)).vkey}\nquorum a\n",
        f"witness a {LOG.vkey}\nquorum a\n",
        f"witness a {W[0]} https://one/ https://two/\nquorum a\n",
        f"witness a {W[0][:-1]}\nquorum a\n",
        f"log {W[0]}\nquorum none\n",
        f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
        "log\nquorum none\n",
        "log x\nquorum none\n",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    """Every rule of the grammar broken once."""
    with raising(BadInput, "bad-policy"):
        parse_policy(text.encode())


def test_limits() -> None:
    """More than a policy can have, in bytes and in lines."""
    with raising(BadInput, "bad-policy"):
        parse_policy(b"quorum none\n" + b"#" * POLICY_LIMIT_BYTES)
    many = "".join(f"witness w{at} {NoteCosigner(f'w{at}', private_key(at + 1)).vkey}\n" for at in range(65))
    assert len(parse_policy((many.rpartition("witness")[0] + "quorum w63\n").encode()).witnesses) == 64
    with raising(BadInput, "bad-policy"):
        parse_policy((many + "quorum w1\n").encode())


POLICY = parse_policy(f"log {LOG.vkey}\nwitness a {W[0]}\nwitness b {W[1]}\ngroup g all a b\nquorum g\n".encode())


def cosigned(*numbers: int, of: bytes | None = None) -> bytes:
    """The note of seven entries, with cosignatures."""
    data = note(7) if of is None else of
    parsed = parse_note(data)
    lines = [cosigner(number).sign(parsed.text, timestamp=NOW) for number in numbers]
    return encode_note(parsed.text, [*(line.raw for line in parsed.lines), *lines])


def test_a_note_is_judged() -> None:
    """Who of the policy has cosigned, unknown witnesses passed over, and whether that is enough."""
    for numbers, names, met in (((), [], False), ((0,), ["a"], False), ((0, 5, 1), ["a", "b"], True), ((5, 4), [], False)):
        judged = judge(POLICY, cosigned(*numbers))
        assert (list(judged.cosigned), judged.met) == (names, met)
        assert (judged.checkpoint.origin, judged.checkpoint.size, len(judged.log_lines)) == (ORIGIN, 7, 1)


def test_a_note_that_is_not_believed() -> None:
    """Another log's, another key's, a failing cosignature of a known witness, cosignatures alone."""
    wrong = parse_note(note(8))
    foreign = cosigner(0).sign(wrong.text, timestamp=NOW)
    seven = parse_note(note(7))
    for data, code in (
        (note(7, signer=STRANGER, origin="example.com/stranger"), "note-unsigned"),
        (note(7, signer=OTHER_KEY), "note-unsigned"),
        (cosigned(0, 1, of=note(7, signer=OTHER_KEY)), "note-unsigned"),
        (encode_note(seven.text, [seven.lines[0].raw, foreign]), "note-signature-invalid"),
    ):
        with raising(NotVerified, code):
            judge(POLICY, data)
