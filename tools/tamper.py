#!/usr/bin/env python3
"""Spoils good publications in every way we could think of, and shows where both verifiers find it.

    tools/tamper.py list                              the kinds of attack
    tools/tamper.py good NAME OUT                     one of the good publications that attacks begin from
    tools/tamper.py make KIND GOODFOLDER OUT          that publication, spoiled
    tools/tamper.py table [--out docs/DETECTION.md]   every kind and many flipped bits, before both verifiers, as a document
    tools/tamper.py table --goldens tests/golden      one of each kept as bytes

Run it with the project's virtual environment.  The keys are the tests': nobody's secret.  An attack that signs with the log's key
takes it from ``--log-key`` where the folder is not one of the tests'.  Exit status of ``table``: 0 where everything was found, 1
where not.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: E402
from tools.tampering import ATTACKS, goldens, good, table  # noqa: E402
from tools.tampering.flips import Flip  # noqa: E402
from tools.tampering.kinds import KINDS, Spoiled, write  # noqa: E402
from tools.tampering.unspoiled import NOWHERE  # noqa: E402
from tools.tampering.verdicts import Verdict  # noqa: E402

from ledger.errors import LedgerError  # noqa: E402


def show_kinds() -> int:
    """Every kind, by group."""
    group = ""
    for kind in table.in_order():
        if kind.group != group:
            group = kind.group
            print(f"\n{group}")
        print(f"  {kind.name}  ({kind.needs}): {kind.story}")
    print(f"\n{len(KINDS)} kinds")
    return 0


def empty_folder(name: str) -> Path:
    """A folder that is made, and was not there or is empty."""
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{name} is not empty")
    return folder


def make(kind: str, source: str, out: str, key: str | None) -> int:
    """One spoiled publication; what the verifiers must be told goes to standard output."""
    if kind not in KINDS:
        sys.exit(f"no kind is called {kind!r}: see 'list'")
    private = None if key is None else load_pem_private_key(Path(key).read_bytes(), None)
    if private is not None and not isinstance(private, Ed25519PrivateKey):
        sys.exit(f"{key} is no Ed25519 key")
    try:
        spoiled = KINDS[kind].make(good.read(Path(source), key=private))
    except LedgerError as problem:
        sys.exit(f"{problem.code}: {problem.detail}")
    write(empty_folder(out), spoiled)
    print(f"must be found: {table.place_words(spoiled.must.step, spoiled.must.index, spoiled.must.file)}")
    keep(spoiled, Path(out))
    return 0


def keep(spoiled: Spoiled, out: Path) -> None:
    """What the verifiers are to be given from elsewhere, beside the folder."""
    for name, data in (("seen", spoiled.asked.seen), ("receipt", spoiled.asked.receipt)):
        if data:
            file = out.with_name(f"{out.name}.{name}")
            file.write_bytes(data)
            print(f"give both verifiers the file {file} ({name})")
    for name, value in (("ledger-id", spoiled.asked.ledger_id), ("log-vkey", spoiled.asked.log_vkey)):
        if value:
            print(f"give both verifiers --{name} {value}")


def make_table(out: str | None, flips: int, seed: int) -> int:
    """The document, and what was not found on standard error."""
    lost: list[str] = []

    def missed(flip: Flip, one: Verdict, other: Verdict) -> None:
        region = flip.region
        lost.append(
            f"{region.kind}, {region.name}: byte {flip.at}, bit {flip.bit}: first {one.findings[:1]}, second {other.findings[:1]}"
        )

    text = table.document(table.try_all(flips=flips, seed=seed, missed=missed), seed=seed)
    lost += [line for line in text.splitlines() if "| **NO** |" in line or "| **A FALSE ALARM** |" in line]
    if out is None:
        print(text, end="")
    else:
        Path(out).write_text(text)
    for each in lost:
        print(f"not found: {each}", file=sys.stderr)
    return 1 if lost else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Spoil good publications, and see whether both verifiers find it.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the kinds of attack")
    made = verbs.add_parser("make", help="one spoiled publication")
    made.add_argument("kind")
    made.add_argument("good", metavar="GOODFOLDER")
    made.add_argument("out", metavar="OUT")
    made.add_argument("--log-key", metavar="PEM", help="the log's signing key, for attacks that need it")
    begun = verbs.add_parser("good", help="a good publication to begin from")
    begun.add_argument("name", choices=sorted(good.BASES))
    begun.add_argument("out", metavar="OUT")
    shown = verbs.add_parser("table", help="every kind before both verifiers")
    shown.add_argument("--out", metavar="FILE")
    shown.add_argument("--goldens", metavar="DIR", help="keep one of each there, as bytes; nothing else is done")
    shown.add_argument("--flips", type=int, default=table.FLIPS, metavar="N", help="bits changed in each region")
    shown.add_argument("--seed", type=int, default=table.SEED, metavar="S")
    options = parser.parse_args()
    for name in ATTACKS:
        importlib.import_module(f"tools.tampering.{name}")
    if options.verb == "list":
        return show_kinds()
    if options.verb == "make":
        return make(options.kind, options.good, options.out, options.log_key)
    if options.verb == "good":
        write(empty_folder(options.out), Spoiled(dict(good.base(options.name).files), NOWHERE))
        return 0
    if options.goldens is not None:
        try:
            print(goldens.keep(Path(options.goldens)))
        except LedgerError as problem:
            sys.exit(f"{problem.code}: {problem.detail}")
        return 0
    return make_table(options.out, options.flips, options.seed)


if __name__ == "__main__":
    sys.exit(main())
