"""Reads a published folder, and proofs made from it, with programs that other people wrote: ``tools/readers/run``.

    tools/readers/run FOLDER --log-vkey VKEY [--proof FILE ...] [--consistency FILE --known CHECKPOINT]
    tools/readers/run --prepare                  makes their environment and no more

The readers get the published bytes as they are, as *claims*: this note is the log's word; this entry is in that tree by this path;
these entries have that root.  What is written here only takes files apart (docs/FORMATS.md section 8) and verifies nothing.

Exit status: 0 every reader took all claims that it reads; 1 one refused; 4 a file cannot be read; 5 a reader could not be
asked, and then it is not evaluated, whatever the others say.  Standard library only; what is installed goes to ``.readers/``, from
lock files with hashes and without running the packages' scripts; Go and its packages are Debian's.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = ROOT / ".readers"
LOCK = ROOT / "requirements" / "readers.lock"
PYTHON = PLACE / "venv" / "bin" / "python"
NODE = PLACE / "node"
XMOD = PLACE / "by_xmod"
GOPATH = Path("/usr/share/gocode")
FOREIGN = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")

REFUSED, UNREADABLE, NOT_EVALUATED = 1, 4, 5
WIDTH = 256
SECONDS = 900
DOES_NOT_READ = "-"

Claim = dict[str, Any]


class NotSetUp(Exception):
    """A reader cannot be made or run here; why."""


# --- their environments --------------------------------------------------------------------------------------------------------


def make_python() -> None:
    """A virtual environment with sigstore and pymerkle."""
    run_step([sys.executable, "-m", "venv", "--clear", str(PLACE / "venv")])
    locked = ["--only-binary", ":all:", "--require-hashes", "-r", str(LOCK)]
    run_step([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *locked])


def make_node() -> None:
    """A folder with @sigstore/verify in it."""
    needed("node and npm", shutil.which("node") and shutil.which("npm"), "nodejs npm")
    shutil.rmtree(NODE, ignore_errors=True)
    NODE.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, NODE / name)
    run_step(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(NODE)])


def make_go() -> None:
    """A program over golang.org/x/mod as Debian packages it."""
    packaged = (GOPATH / "src" / "golang.org" / "x" / "mod").is_dir()
    needed("Go and golang.org/x/mod", shutil.which("go") and packaged, "golang-go golang-golang-x-mod-dev")
    settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(PLACE / "gocache"), "CGO_ENABLED": "0"}
    run_step(["go", "build", "-o", str(XMOD), str(HERE / "by_xmod.go")], settings)


MADE: dict[str, tuple[Callable[[], None], list[Path]]] = {
    "python": (make_python, [LOCK]),
    "node": (make_node, [HERE / "package.json", HERE / "package-lock.json"]),
    "go": (make_go, [HERE / "by_xmod.go"]),
}
"""Environment -> how it is made, and the files of which it is made."""


def needed(what: str, there: object, packages: str) -> None:
    """``NotSetUp`` where a program is missing."""
    if not there:
        raise NotSetUp(f"{what}: not installed (on Debian or Ubuntu, as administrator: apt-get install {packages})")


def prepare(name: str) -> None:
    """The environment is there; ``NotSetUp`` where it cannot be."""
    make, files = MADE[name]
    parts = [*(each.read_bytes() for each in files), sys.version.encode(), str(ROOT).encode()]
    fingerprint = hashlib.sha256(b"\0".join(parts)).hexdigest()
    stamp = PLACE / f"{name}-stamp"
    try:
        PLACE.mkdir(exist_ok=True)
        with (PLACE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two that start at once make one environment
            if not stamp.is_file() or stamp.read_text() != fingerprint:
                make()
                stamp.write_text(fingerprint)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotSetUp(f"{name}: {problem}") from None


def run_step(step: list[str], settings: dict[str, str] | None = None) -> None:
    """One step of a set-up."""
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN} | (settings or {})
    done = subprocess.run(step, env=environment, stdout=sys.stderr, check=False, timeout=SECONDS)
    if done.returncode:
        raise NotSetUp(f"the set-up failed at: {Path(step[0]).name} {' '.join(step[1:4])}")


# --- claims --------------------------------------------------------------------------------------------------------------------


def text(data: bytes) -> str:
    """As claims hold bytes."""
    return base64.b64encode(data).decode()


class Log:
    """The key as a C2SP verifier key spells it: name, four bytes, algorithm and public key."""

    def __init__(self, vkey: str) -> None:
        name, key_id, rest = vkey.split("+", 2)
        self.common: Claim = {
            "vkey": vkey,
            "origin": name,
            "key_id": text(bytes.fromhex(key_id)),
            "public": text(base64.b64decode(rest, validate=True)[1:]),
        }

    def checkpoint(self, note: str) -> Claim:
        """That the note is the log's word."""
        _, size, root = note.split("\n")[:3]
        return {"kind": "checkpoint", **self.common, "note": note, "size": int(size), "root": root}

    def inclusion(self, proof: str, entry: bytes) -> Claim:
        """That the entry is where a tlog-proof says."""
        head, _, note = proof.partition("\n\n")
        lines = [line for line in head.split("\n")[1:] if not line.startswith("extra ")]
        claim = {"index": int(lines[0].removeprefix("index ")), "path": lines[1:], "entry": text(entry)}
        return {**self.checkpoint(note), **claim, "kind": "inclusion"}

    def consistency(self, proof: str, old: str, new: str) -> Claim:
        """That one checkpoint's tree extends another's."""
        before, after = self.checkpoint(old), self.checkpoint(new)
        path = proof.rstrip("\n").split("\n")[3:]
        sizes = {"old": before["size"], "new": after["size"], "old_root": before["root"], "new_root": after["root"]}
        return {"kind": "consistency", **sizes, "path": path}


class Published:
    """A published folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.note = (folder / "checkpoint").read_text("utf-8")
        self.size = int(self.note.split("\n")[1])

    def entries(self, first: int, last: int) -> list[bytes]:
        """The entries from ``first`` up to ``last``, which is not among them."""
        found: list[bytes] = []
        for number in range(first // WIDTH, -(-last // WIDTH)):
            width = min(WIDTH, self.size - number * WIDTH)
            found += self._bundle(number, width)
        start = first // WIDTH * WIDTH
        return found[first - start : last - start]

    def tiles(self) -> dict[str, str]:
        """Path -> content of every tile of hashes that is there."""
        found = sorted(path for path in (self._folder / "tile").rglob("*") if path.is_file())
        named = {path.relative_to(self._folder).as_posix(): path for path in found}
        return {name: text(path.read_bytes()) for name, path in named.items() if not name.startswith("tile/entries/")}

    def _bundle(self, number: int, width: int) -> list[bytes]:
        digits = str(number).zfill(-(-len(str(number)) // 3) * 3)
        *above, low = (digits[at : at + 3] for at in range(0, len(digits), 3))
        path = "/".join([*(f"x{group}" for group in above), low]) + ("" if width == WIDTH else f".p/{width}")
        data = (self._folder / "tile" / "entries" / path).read_bytes()
        entries: list[bytes] = []
        while data:
            length = int.from_bytes(data[:2])
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
        return entries


def claims_of(arguments: argparse.Namespace) -> list[Claim]:
    """All claims that the arguments ask for, in an order of their own."""
    log, published = Log(arguments.log_vkey), Published(Path(arguments.folder))
    claims = [log.checkpoint(published.note)]
    entries = [text(entry) for entry in published.entries(0, published.size)]
    claims.append({"kind": "root", "entries": entries, "root": claims[0]["root"]})
    claims.append({"kind": "tiles", "entries": entries, "root": claims[0]["root"], "tiles": published.tiles()})
    for name in arguments.proof:
        proof = Path(name).read_text("utf-8")
        index = int(proof[proof.index("index ") :].split("\n")[0].removeprefix("index "))
        claims.append(log.inclusion(proof, published.entries(index, index + 1)[0]))
    if arguments.consistency is not None:
        known = Path(arguments.known).read_text("utf-8")
        old = log.checkpoint(known)
        claims.append({"kind": "root", "entries": entries[: old["size"]], "root": old["root"]})
        claims += [old, log.consistency(Path(arguments.consistency).read_text("utf-8"), known, published.note)]
    return claims


# --- their word ----------------------------------------------------------------------------------------------------------------


def readers() -> list[tuple[str, str, list[str]]]:
    """(name, environment, command) of each."""
    return [
        ("sigstore", "python", [str(PYTHON), "-W", "ignore", str(HERE / "by_sigstore.py")]),
        ("pymerkle", "python", [str(PYTHON), "-W", "ignore", str(HERE / "by_pymerkle.py")]),
        ("@sigstore/verify", "node", ["node", str(HERE / "by_sigstore.cjs"), str(NODE)]),
        ("golang.org/x/mod", "go", [str(XMOD), packaged_version("golang-golang-x-mod-dev")]),
    ]


def packaged_version(package: str) -> str:
    """Of a Debian package; '' where that cannot be told."""
    query = shutil.which("dpkg-query")
    if query is None:
        return ""
    done = subprocess.run([query, "-W", "-f=${Version} (Debian)", package], capture_output=True, text=True, check=False)
    return done.stdout


def ask(claims: list[Claim]) -> dict[str, list[str | None] | str]:
    """Reader -> what it said of each claim: None where it holds, ``-`` where it does not read such, else what is wrong; or, for a
    reader that could not be asked, why."""
    said: dict[str, list[str | None] | str] = {}
    for name, environment, command in readers():
        try:
            prepare(environment)
            reader, answers = answer_of(command, claims)
        except NotSetUp as problem:
            said[name] = str(problem)
        else:
            said[reader] = answers
    return said


def answer_of(command: list[str], claims: list[Claim]) -> tuple[str, list[str | None]]:
    """The reader's name and version, and its answers."""
    done = subprocess.run(command, input=json.dumps(claims), capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise NotSetUp(f"it broke: {done.stderr.strip()[-300:]}")
    answer = json.loads(done.stdout)
    if len(answer["said"]) != len(claims):
        raise NotSetUp("it left claims unanswered")
    return answer["reader"], answer["said"]


def show(claims: list[Claim], said: dict[str, list[str | None] | str]) -> int:
    """A line for each reader and kind; the exit status."""
    status = 0
    for reader, answers in said.items():
        if isinstance(answers, str):
            print(f"{reader:<36} not evaluated: {answers}")
            status = status or NOT_EVALUATED
            continue
        for kind in dict.fromkeys(claim["kind"] for claim in claims):
            told = [answer for claim, answer in zip(claims, answers, strict=True) if claim["kind"] == kind]
            wrong = [answer for answer in told if answer not in (None, DOES_NOT_READ)]
            count = told.count(None)
            outcome = f"REFUSED: {wrong[0]}" if wrong else f"{count} verified" if count else "does not read such"
            print(f"{reader:<36} {kind:<12} {outcome}")
            status = REFUSED if wrong else status
    return status


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0], prog="tools/readers/run")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--log-vkey", help="the log's verifier key, from elsewhere")
    parser.add_argument("--proof", action="append", default=[], help="a tlog-proof of an entry (ledger prove)")
    parser.add_argument("--consistency", help="a proof of consistency up to the folder's checkpoint (ledger prove-consistency)")
    parser.add_argument("--known", help="the earlier checkpoint that it begins at")
    parser.add_argument("--prepare", action="store_true", help="set up the readers and stop")
    arguments = parser.parse_args()
    if not arguments.prepare and (not arguments.folder or not arguments.log_vkey):
        parser.error("a folder and --log-vkey are needed")
    if (arguments.consistency is None) != (arguments.known is None):
        parser.error("--consistency and --known belong together")
    try:
        claims = [] if arguments.prepare else claims_of(arguments)
    except (OSError, ValueError, IndexError) as problem:
        print(f"cannot be read: {problem}", file=sys.stderr)
        return UNREADABLE
    return show(claims, ask(claims))


if __name__ == "__main__":
    sys.exit(main())
