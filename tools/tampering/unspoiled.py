"""Good publications of many shapes, of which neither verifier may say anything bad.

Sizes around the width of a tile and of two levels of tiles, elections under several rules, logs full of void acts, generated
elections of several seeds, and whatever else a log, its witnesses or a mirror may rightly do.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.audit.forger import checkpoint_of, parts_of, publication, recap_files, relink, tree_files
from tests.audit.liar import Void
from tests.audit.test_void_acts import VOID
from tests.docs_example import example
from tests.governed import Governed, GovernedLog, first_night, witnesses
from tests.world import ORIGIN, STATIONS, MemoryLog, World, held, released, season, submitted
from tools.tampering import singles
from tools.tampering.good import COSIGNED_AT, Good, Witnessed, base, other_s
from tools.tampering.kinds import Must, Spoiled, dropped
from tools.tampering.verdicts import INPUT, Asked

from ledger.node import Node
from ledger.proof.merkle import leaf_hash
from ledger.proof.note import NoteCosigner, NoteSigner
from ledger.scenario.demo import build_demo
from ledger.scenario.governor import build_difference
from ledger.scenario.nation import Nation, shape_of
from ledger.tally.events import Cutoff, Deadline
from ledger.tally.fold import decide, uncollected
from ledger.tally.memory import Memory
from ledger.tally.signing import encode_entry, reopen_entry
from ledger.tally.state import At, Change

__all__ = ["NOWHERE", "UNSPOILED", "WITHOUT_EFFECT", "Unspoiled"]

ROOT: Final = Path(__file__).resolve().parents[2]
NOWHERE: Final = Must(INPUT)
STRANGER: Final = Ed25519PrivateKey.from_private_bytes(b"\x63" * 32)


class Unspoiled(NamedTuple):
    """A good publication: what it is, how to make it.  ``slow``: more than a few seconds, for the campaign."""

    name: str
    make: Callable[[], Spoiled]
    slow: bool = False


UNSPOILED: Final[dict[str, Unspoiled]] = {}
"""By name, in the order of the document."""


def add(name: str, make: Callable[[], Spoiled], *, slow: bool = False) -> None:
    """One more."""
    if name in UNSPOILED:
        raise ValueError(f"two ledgers are called {name}")
    UNSPOILED[name] = Unspoiled(name, make, slow)


def good(files: dict[str, Any], **asked: Any) -> Spoiled:
    """As an input of the verifiers."""
    return Spoiled(files, NOWHERE, Asked(**asked))


def identified(files: dict[str, Any], entries: list[bytes]) -> Spoiled:
    """With the ledger's id, as a reader has it from the gazette."""
    return good(files, ledger_id=reopen_entry(entries[0]).event.event_id.hex())


# --- sizes ----------------------------------------------------------------------------------------------------------------------


@functools.cache
def repeated() -> tuple[list[bytes], NoteSigner]:
    """513 entries: a form that is held and released again and again."""
    world = World()
    log = MemoryLog(world.founding())
    log.append(world.sign(f"{STATIONS[0]}/1", submitted(STATIONS[0])))
    while len(log.entries) < 513:
        act = held(STATIONS[0]) if len(log.entries) % 2 == 0 else released(STATIONS[0])
        log.append(world.sign("officer", act))
    return log.entries, world.signer


def of_size(size: int) -> Spoiled:
    """So many of them."""
    entries, signer = repeated()
    return identified(dict(publication(entries[:size], signer)), entries)


def empty() -> Spoiled:
    """A log without an entry, by its key."""
    signer = NoteSigner(ORIGIN, World().log_key)
    return good({"checkpoint": checkpoint_of([], signer)}, log_vkey=signer.vkey)


add("an empty log, by its key: 0 entries", empty)
for _size in (1, 2, 254, 255, 256, 257, 511, 512, 513):
    add(f"one form, held and released: {_size} entries", functools.partial(of_size, _size))


# --- elections ------------------------------------------------------------------------------------------------------------------


def by_part_one(size: int) -> Spoiled:
    """The small election without powers, second seats or plenaries."""
    world = World()
    log = MemoryLog(world.founding())
    for signed in season(world):
        log.take(signed.submission)
    return identified(dict(publication(log.entries[:size], world.signer)), log.entries)


def of_the_season(size: int, *older: int) -> Spoiled:
    """The governed season: a prefix, with the publications before it."""
    log = base("season")
    return identified(dict(publication(log.entries[:size], log.signer, older=older)), log.entries)


def golden() -> Spoiled:
    """The ledger that the code of part 1 made."""
    told = json.loads((ROOT / "tests" / "golden" / "part-1.json").read_text())
    return good({path: bytes.fromhex(data) for path, data in told["files"].items()}, ledger_id=told["ledger"])


def documented() -> Spoiled:
    """The example of docs/FORMATS.md, with its witness's line."""
    made = example()
    entries = [row.entry for row in made.rows]
    files = dict(tree_files(entries) | recap_files(entries))
    return identified({**files, "checkpoint": made.checkpoint}, entries)


def under(rules: dict[str, Any]) -> Spoiled:
    """An evening under other rules."""
    log = GovernedLog(Governed(**rules))
    first_night(log)
    witnesses(log)
    return identified(dict(publication(log.entries, log.world.signer)), log.entries)


for _size in (9, 20, 38):
    add(f"an election by part 1's rules: {_size} entries", functools.partial(by_part_one, _size))
add("a ledger that part 1's code made", golden)
add("the example of FORMATS.md, cosigned", documented)
for _size in (1, 3, 12, 19, 31, 42, 47, 64, 76, 88, 94, 109):
    add(f"a governed season with plenaries and revotes: {_size} entries", functools.partial(of_the_season, _size))
add("the season, published five times", functools.partial(of_the_season, 109, 1, 20, 63, 90))
RULES: Final[dict[str, dict[str, Any]]] = {
    "no second seats": {"second_seats": ()},
    "no powers": {"powers": ()},
    "a deadline": {"deadlines": (Deadline("objection", 86_400_000, 0),)},
    "a cut-off for operators": {"cutoffs": (Cutoff("operator", 1_900_000_000_000),)},
}
for _name, _rules in RULES.items():
    add(f"an evening with objections under {_name}", functools.partial(under, _rules))


# --- void acts ------------------------------------------------------------------------------------------------------------------


def with_void_act(void: Void) -> Spoiled:
    """A log with that void or pending act at its end."""
    log = void.start()
    signed = void.act(log)
    log.take(signed.submission)
    return identified(dict(publication(log.entries, log.world.signer)), log.entries)


WITHOUT_EFFECT: Final = "without effect at its end: "
for _void in VOID:
    add(f"{WITHOUT_EFFECT}{_void.name}", functools.partial(with_void_act, _void))


# --- generated elections --------------------------------------------------------------------------------------------------------


def generated(stations: int, seed: int, most: int = 2**40) -> tuple[list[bytes], NoteSigner]:
    """A synthetic election, cut off after so many entries."""
    nation, memory = Nation(shape_of(stations=stations, seed=seed), seed=seed), Memory()
    entries: list[bytes] = []
    chain = bytes(32)
    with uncollected():
        for _, signed, moment in nation.events(memory, lambda: len(entries)):
            if len(entries) == most:
                break
            payload, signature = msgpack.unpackb(signed.submission)
            data = encode_entry(index=len(entries), chain=chain, sequenced_at=moment, payload=payload, signature=signature)
            entry = reopen_entry(data)
            change = decide(memory, entry.event, At(len(entries), moment))
            if not isinstance(change, Change):
                raise ValueError(f"the generator's entry {len(entries)} is refused")
            memory.apply(change)
            entries.append(data)
            chain = leaf_hash(data)
    return entries, NoteSigner(nation.founding.opened.origin, nation.founding.log_key)


@functools.cache
def large() -> tuple[list[bytes], NoteSigner]:
    """One that fills two levels of tiles, and an entry more."""
    return generated(12_000, 8, 65_537)


def nation(stations: int, seed: int, most: int = 2**40) -> Spoiled:
    """Published."""
    entries, signer = generated(stations, seed, most)
    return identified(dict(publication(entries, signer)), entries)


def large_of_size(size: int) -> Spoiled:
    """The first so many entries of the large one."""
    entries, signer = large()
    if len(entries) < size:
        raise ValueError("the election has fewer entries")
    return identified(dict(publication(entries[:size], signer)), entries)


for _stations, _seed in ((3, 1), (8, 2), (20, 3), (20, 4), (40, 5), (60, 6)):
    add(f"a generated election, seed {_seed}: {_stations} stations", functools.partial(nation, _stations, _seed))
add("a generated election, seed 7: its first 256 entries", functools.partial(nation, 60, 7, 256))


def built(build: Callable[[Path], object]) -> Spoiled:
    """What a scenario builds in a ledger folder, published by the node itself."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "ledger"
        build(folder)
        with Node.open(folder, clock=lambda: 0) as node:
            node.publish(folder / "published")
            ledger = (node.ledger_id() or b"").hex()
        published = folder / "published"
        files = {path.relative_to(published).as_posix(): path.read_bytes() for path in published.rglob("*") if path.is_file()}
    return good(files, ledger_id=ledger)


add("the demo of a city, by a node", lambda: built(lambda folder: build_demo(folder, seed=2024)), slow=True)
add("the demo of a city with another seed", lambda: built(lambda folder: build_demo(folder, seed=7)), slow=True)
add("a real difference retold, by a node", lambda: built(build_difference), slow=True)
for _size in (65_535, 65_536, 65_537):
    add(f"a generated nation: its first {_size:,} entries", functools.partial(large_of_size, _size), slow=True)


# --- what a log, a witness or a mirror may rightly do ---------------------------------------------------------------------------


def other_checkpoint(made: Good, *lines: bytes, note: bytes | None = None) -> Spoiled:
    """The publication with more signature lines."""
    return good({**made.files, "checkpoint": (note or made.files["checkpoint"]) + b"".join(lines)}, ledger_id=made.ledger)


def text_and_lines(made: Good) -> tuple[bytes, list[bytes]]:
    """The checkpoint's text and its signature lines."""
    text, _, lines = made.files["checkpoint"].partition(b"\n\n")
    return text + b"\n", lines.splitlines(keepends=True)


def stranger_lines() -> Spoiled:
    """Lines of keys that nobody named, one of them under the log's name."""
    made = base("season")
    text, _ = text_and_lines(made)
    own = NoteSigner(made.opening.origin, STRANGER).sign(text)
    return other_checkpoint(made, NoteSigner("stranger.example", STRANGER).sign(b"anything\n"), own)


def twice_signed() -> Spoiled:
    """The log's own line once more: each verifies, and they count once."""
    made = base("season")
    return other_checkpoint(made, text_and_lines(made)[1][0])


def cosigned(*numbers: int, reverse: bool = False, stranger: bool = False) -> Spoiled:
    """Lines of these witnesses."""
    made = base("witnessed")
    text, (own, *_) = text_and_lines(made)
    lines = [own, *(Witnessed.cosigners[number].sign(text, timestamp=COSIGNED_AT + number) for number in numbers)]
    lines += [NoteCosigner("stranger.example", STRANGER).sign(text, timestamp=1)] if stranger else []
    return other_checkpoint(made, note=text + b"\n" + b"".join(reversed(lines) if reverse else lines))


def without(*paths: str) -> Spoiled:
    """The season without files that need not be there."""
    made = base("season")
    gone = [path for path in made.files if path.startswith(paths)]
    return good(dict(dropped(made.files, *gone)), ledger_id=made.ledger)


def readme() -> Spoiled:
    """Words for people, which may be any."""
    made = base("season")
    return good({**made.files, "README.txt": b"trust me\n\xff"}, ledger_id=made.ledger)


def high_s() -> Spoiled:
    """Every signature with the other s: another log, as good as the first."""
    made = base("season")
    parts = [part._replace(signature=other_s(part.signature)) for part in parts_of(made.entries)]
    return identified(dict(publication(relink(parts), made.signer)), made.entries)


def last_in_the_future() -> Spoiled:
    """The last entry claims the year 2100: times only must not fall."""
    made = base("season")
    parts = parts_of(made.entries)
    return identified(
        dict(publication(relink([*parts[:-1], parts[-1]._replace(time=4_102_444_800_000)]), made.signer)), made.entries
    )


def beside(seen: int | None = None, receipt: int | None = None) -> Spoiled:
    """The season beside what somebody kept from it."""
    made = base("season")
    kept = {} if seen is None else {"seen": checkpoint_of(made.entries[:seen], made.signer)}
    kept |= {} if receipt is None else {"receipt": singles.receipt(made.entries[: receipt + 3], receipt, made.signer)}
    return good(dict(made.files), ledger_id=made.ledger, **kept)


def rekeyed(size: int | None = None, seen: int | None = None, held: int | None = None) -> Spoiled:
    """The rekeyed season, cut at a size, beside what somebody kept: each by the key of its own size, and the key in force told."""
    made = base("rekeyed")
    turn = made.size - 1  # the last entry is the new sealer's seal; the approval stands before it
    size = made.size if size is None else size

    def key(at: int) -> NoteSigner:
        return made.signer if at >= turn else NoteSigner(ORIGIN, World().log_key)

    kept = {} if seen is None else {"seen": checkpoint_of(made.entries[:seen], key(seen))}
    kept |= {} if held is None else {"receipt": singles.receipt(made.entries[:held], 24, key(held))}
    files = dict(publication(made.entries[:size], key(size)))
    return good(files, ledger_id=made.ledger, log_vkey=key(size).vkey, **kept)


for _back in (0, 1, 2, 3):
    add(f"a rekeyed log, without its last {_back} entries", lambda back=_back: rekeyed(base("rekeyed").size - back))  # type: ignore[misc]
add("a rekeyed log, beside a checkpoint of before", functools.partial(rekeyed, None, 60))
add("a rekeyed log, beside a receipt of before", functools.partial(rekeyed, None, None, 60))
add("a rekeyed log, beside a checkpoint of its first tree", lambda: rekeyed(None, base("rekeyed").size - 1))
add("signature lines of strangers", stranger_lines)
add("the log's line twice", twice_signed)
add("cosigned by two of three witnesses", functools.partial(cosigned, 0, 1))
add("cosigned by two others", functools.partial(cosigned, 0, 2))
add("cosigned by all three", functools.partial(cosigned, 0, 1, 2))
add("cosigned, lines in another order", functools.partial(cosigned, 0, 1, reverse=True))
add("cosigned by a stranger too", functools.partial(cosigned, 1, 2, stranger=True))
add("another README.txt", readme)
add("no README.txt", functools.partial(without, "README.txt"))
add("no older tile and bundle", functools.partial(without, "tile/0/000.p/64", "tile/entries/000.p/64"))
add("no older recap", functools.partial(without, "recap/64/"))
add("every signature with the other s", high_s)
add("a last entry of the year 2100", last_in_the_future)
for _seen in (0, 1, 64, 108, 109):
    add(f"beside a checkpoint seen at {_seen} entries", functools.partial(beside, _seen))
for _index in (0, 24, 106):
    add(f"beside the receipt of entry {_index}", functools.partial(beside, None, _index))
