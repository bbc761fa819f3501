"""Programs that other people wrote read what we publish, unchanged, and refuse it spoiled (docs/READERS.md)."""

from __future__ import annotations

import base64
import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ledger.proof.consistency import ConsistencyProof, encode_consistency
from ledger.proof.merkle import Tiles, prove_consistency, prove_inclusion
from ledger.proof.note import NoteCosigner, parse_note
from ledger.proof.tiles import published_tiles
from ledger.proof.tlogproof import TlogProof, encode_proof

from .audit.conftest import SIGNER
from .audit.forger import publication, write
from .audit.servers import static
from .audit.test_tampering import long_ledger
from .cli.conftest import invoke
from .conftest import ROOT, cannot_run
from .proof.models import private_key

pytestmark = pytest.mark.readers

SIZES = (1, 2, 3, 255, 256, 257, 600)
KINDS = {
    "sigstore": {"checkpoint", "inclusion"},
    "pymerkle": {"inclusion", "root"},
    "@sigstore/verify": {"checkpoint", "inclusion"},
    "golang.org/x/mod": {"checkpoint", "inclusion", "consistency", "root", "tiles"},
}
"""What each reads (docs/READERS.md says so too)."""

Claim = dict[str, Any]


@cache
def reading() -> ModuleType:
    """``tools/readers/read_published.py``."""
    spec = importlib.util.spec_from_file_location("read_published", ROOT / "tools" / "readers" / "read_published.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(claims: list[Claim]) -> dict[str, list[str | None]]:
    """Reader, without its version -> its answers; skips where one cannot be asked."""
    answers = reading().ask(claims)
    missing = {reader: answer for reader, answer in answers.items() if isinstance(answer, str)}
    if missing:
        cannot_run("; ".join(f"{reader}: {why}" for reader, why in missing.items()))
    return {next(name for name in KINDS if reader.startswith(f"{name} ")): answer for reader, answer in answers.items()}


@cache
def files_of(size: int) -> dict[str, bytes]:
    """A publication of so many entries."""
    return publication(entries()[:size], SIGNER)


@cache
def entries() -> list[bytes]:
    """The longest of them."""
    return long_ledger(max(SIZES))


def tiles_of(size: int) -> Tiles:
    """Its tiles."""
    return published_tiles(size, lambda path, _: files_of(size)[path])


def proof_of(index: int, size: int) -> bytes:
    """A tlog-proof as ``ledger prove`` writes it."""
    path = prove_inclusion(index, size, tiles_of(size))
    return encode_proof(TlogProof(index, tuple(path), files_of(size)["checkpoint"], b"extra"))


def grown(old: int, new: int) -> bytes:
    """A proof of consistency as ``ledger prove-consistency`` writes it."""
    return encode_consistency(ConsistencyProof(old, new, tuple(prove_consistency(old, new, tiles_of(new)))))


def claims_of(folder: Path) -> list[Claim]:
    """For every size the checkpoint, root, tiles, and inclusion at its edges; and consistency of every pair of sizes."""
    module, claims = reading(), list[Claim]()
    log = module.Log(SIGNER.vkey)
    for size in SIZES:
        place = folder / str(size)
        write(place, files_of(size))
        published = module.Published(place)
        shown = [module.text(entry) for entry in published.entries(0, size)]
        checkpoint = log.checkpoint(published.note)
        claims += [checkpoint, {"kind": "root", "entries": shown, "root": checkpoint["root"]}]
        claims.append({"kind": "tiles", "entries": shown, "root": checkpoint["root"], "tiles": published.tiles()})
        for index in sorted({0, size // 2, 254, 255, 256, size - 1} & set(range(size))):
            claims.append(log.inclusion(proof_of(index, size).decode(), published.entries(index, index + 1)[0]))
        for old in (old for old in SIZES if old <= size):
            claims.append(log.consistency(grown(old, size).decode(), files_of(old)["checkpoint"].decode(), published.note))
    return claims


def test_what_we_publish_is_read_by_others(tmp_path: Path) -> None:
    """Every claim of a kind that a reader reads holds by it; of the others it says that it does not read them."""
    claims = claims_of(tmp_path)
    kinds = [claim["kind"] for claim in claims]
    assert set(kinds) == set().union(*KINDS.values())
    for reader, answers in said(claims).items():
        for kind, answer in zip(kinds, answers, strict=True):
            assert answer == (None if kind in KINDS[reader] else "-"), (reader, kind)


def flipped(text: str) -> str:
    """The base64 of bytes of which one bit is another."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def in_note(old: bytes, new: bytes) -> Callable[[Claim], None]:
    """The note with other words in its text, under the old signature."""

    def change(claim: Claim) -> None:
        assert old in claim["note"].encode()
        claim["note"] = claim["note"].encode().replace(old, new, 1).decode()

    return change


def signature(claim: Claim) -> None:
    """A bit of the signature."""
    head, _, line = claim["note"].rpartition(" ")
    claim["note"] = f"{head} {flipped(line.strip())}\n"


def on(field: str, change: Callable[[Any], Any]) -> Callable[[Claim], None]:
    """Another value in a field of the claim."""

    def spoil(claim: Claim) -> None:
        claim[field] = change(claim[field])

    return spoil


def first_tile(tiles: dict[str, str]) -> dict[str, str]:
    """A bit in the first tile."""
    name = min(tiles)
    return {**tiles, name: flipped(tiles[name])}


SPOILED: dict[str, tuple[str, Callable[[Claim], None]]] = {
    "size in the text": ("checkpoint", in_note(b"\n600\n", b"\n601\n")),
    "root in the text": ("checkpoint", lambda claim: in_note(claim["root"].encode(), flipped(claim["root"]).encode())(claim)),
    "signature": ("checkpoint", signature),
    "another key": ("checkpoint", on("public", flipped)),
    "another key's name": ("checkpoint", on("key_id", flipped)),
    "signature under a proof": ("inclusion", signature),
    "entry": ("inclusion", on("entry", flipped)),
    "index": ("inclusion", on("index", lambda index: index ^ 1)),
    "a hash of the path": ("inclusion", on("path", lambda path: [flipped(path[0]), *path[1:]])),
    "the path's last hash": ("inclusion", on("path", lambda path: [*path[:-1], flipped(path[-1])])),
    "a path too short": ("inclusion", on("path", lambda path: path[:-1])),
    "a path too long": ("inclusion", on("path", lambda path: [*path, path[-1]])),
    "the old root": ("consistency", on("old_root", flipped)),
    "the new root": ("consistency", on("new_root", flipped)),
    "a hash between": ("consistency", on("path", lambda path: [flipped(path[0]), *path[1:]])),
    "no path": ("consistency", on("path", lambda _: [])),
    "another old size": ("consistency", on("old", lambda old: old - 1)),
    "an entry fewer": ("root", on("entries", lambda entries: entries[:-1])),
    "two entries swapped": ("root", on("entries", lambda entries: [entries[1], entries[0], *entries[2:]])),
    "an entry changed": ("root", on("entries", lambda entries: [*entries[:-1], flipped(entries[-1])])),
    "a tile changed": ("tiles", on("tiles", first_tile)),
    "a tile missing": ("tiles", on("tiles", lambda tiles: {name: tiles[name] for name in sorted(tiles)[1:]})),
    "another entry than the tile's": ("tiles", on("entries", lambda entries: [flipped(entries[0]), *entries[1:]])),
}


UNSEEN: dict[str, tuple[str, ...]] = {
    "pymerkle": ("signature under a proof",),  # it reads no notes
    "golang.org/x/mod": ("another key", "another key's name"),  # it takes key and name from the verifier key alone
}
"""What a reader is not asked for."""


def test_what_is_spoiled_is_refused_by_others(tmp_path: Path) -> None:
    """By every reader of such claims: what takes anything proves nothing."""
    good = claims_of(tmp_path)
    base = {claim["kind"]: claim for claim in good if claim.get("size", 600) == 600 and claim.get("index", 256) == 256}
    base["consistency"] = next(claim for claim in good if (claim.get("old"), claim.get("new")) == (257, 600))
    spoiled: list[Claim] = []
    for kind, change in SPOILED.values():
        claim = deepcopy(base[kind])
        change(claim)
        assert claim != base[kind]
        spoiled.append(claim)
    for reader, answers in said(spoiled).items():
        for name, claim, answer in zip(SPOILED, spoiled, answers, strict=True):
            if claim["kind"] in KINDS[reader] and name not in UNSEEN.get(reader, ()):
                assert answer not in (None, "-"), (reader, name)


def test_lines_of_witnesses_disturb_no_reader(tmp_path: Path) -> None:
    """Cosignatures stand beside the log's line."""
    note = files_of(256)["checkpoint"]
    witness = NoteCosigner("witness.example/w", private_key(7))
    cosigned = note + witness.sign(parse_note(note).text, timestamp=1_732_700_000)
    claim = reading().Log(SIGNER.vkey).checkpoint(cosigned.decode())
    for reader, answers in said([claim]).items():
        assert answers == [None if "checkpoint" in KINDS[reader] else "-"], reader


def test_the_command_says_what_each_reader_took(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good folder with two proofs: status 0; a spoiled one: status 1 and who refused; no folder: status 4."""
    said([])
    write(tmp_path / "public", files_of(257))
    (tmp_path / "proof").write_bytes(proof_of(256, 257))
    (tmp_path / "known").write_bytes(files_of(255)["checkpoint"])
    (tmp_path / "grown").write_bytes(grown(255, 257))
    words = [str(tmp_path / "public"), "--log-vkey", SIGNER.vkey, "--proof", str(tmp_path / "proof")]
    words += ["--consistency", str(tmp_path / "grown"), "--known", str(tmp_path / "known")]
    assert run(words) == 0
    shown = capsys.readouterr().out
    for reader, kinds in KINDS.items():
        for kind in kinds:
            count = 2 if kind in ("checkpoint", "root") else 1
            assert any(
                line.startswith(reader + " ") and line.split()[-3:] == [kind, str(count), "verified"] for line in shown.splitlines()
            ), (reader, kind, shown)
    root = reading().Log(SIGNER.vkey).checkpoint(files_of(257)["checkpoint"].decode())["root"]
    path = tmp_path / "public" / "checkpoint"
    path.write_text(path.read_text("utf-8").replace(root, flipped(root)), "utf-8")
    assert run(words) == 1
    assert "REFUSED" in capsys.readouterr().out
    assert run([str(tmp_path / "nowhere"), *words[1:]]) == 4


def run(words: list[str]) -> int:
    """``main`` with these words; its status."""
    before, sys.argv = sys.argv, ["tools/readers/run", *words]
    try:
        return int(reading().main())
    finally:
        sys.argv = before


@pytest.mark.data
def test_imported_bengkulu_is_read_by_both_verifiers_and_by_others(shared_data: Path, tmp_path: Path) -> None:
    """KPU's published results of the province as a ledger: folder, address, second verifier, and proofs of three entries."""
    source = shared_data / "pilpres2024" / "tps_versions_17_bengkulu.csv.gz"
    assert invoke("import", "kpu", source, "--into", tmp_path / "b17").status == 0
    published = invoke("publish", tmp_path / "public", "--ledger", tmp_path / "b17", "--json")
    assert published.status == 0
    ledger, size = published.json["ledger_id"], published.json["size"]
    assert invoke("verify", tmp_path / "public", "--ledger-id", ledger).status == 0
    with static(tmp_path / "public") as url:
        assert invoke("verify", url, "--ledger-id", ledger).status == 0
    second = [sys.executable, str(ROOT / "tools" / "verify_ledger.py"), str(tmp_path / "public"), "--ledger-id", ledger]
    assert subprocess.run(second, capture_output=True, check=False).returncode == 0
    log, shown = reading().Log(vkey_of(tmp_path / "b17")), reading().Published(tmp_path / "public")
    claims = [log.checkpoint(shown.note)]
    whole = [reading().text(entry) for entry in shown.entries(0, size)]
    claims += [{"kind": "root", "entries": whole, "root": claims[0]["root"]}]
    claims += [{"kind": "tiles", "entries": whole, "root": claims[0]["root"], "tiles": shown.tiles()}]
    for index in (0, size // 2, size - 1):
        made = invoke("prove", index, "--ledger", tmp_path / "b17", "--json")
        claims.append(log.inclusion(made.json["proof"], shown.entries(index, index + 1)[0]))
    for reader, answers in said(claims).items():
        for claim, answer in zip(claims, answers, strict=True):
            assert answer == (None if claim["kind"] in KINDS[reader] else "-"), (reader, claim["kind"])


def vkey_of(folder: Path) -> str:
    """As the ledger's configuration names it."""
    return str(tomllib.loads((folder / "ledger.toml").read_text())["vkey"])
