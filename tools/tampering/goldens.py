"""Spoiled publications kept as bytes, for ever: one of every kind, some changed bits of every region, and where they must be found.

One archive holds them all, each in a folder of its own, and a list of what must be found where.  They have nearly everything in
common, so that the archive is small.  Who reads it needs no generator: a later program must find what stands there, whatever the
kinds have become by then.  So an archive that is there is never written again; what is new goes into another one beside it.
"""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tools.tampering.flips import Flip, flips_of, regions, spoiled_by, tried
from tools.tampering.good import base
from tools.tampering.kinds import KINDS, Link, Must, Spoiled
from tools.tampering.verdicts import Asked

from ledger.errors import Usage

__all__ = ["LIST", "Golden", "keep", "read"]

LIST: Final = "list.json"
FLIPS: Final = 2
"""Of each region."""
FLIP_SEED: Final = 17
NO_TIME: Final = 0


class Golden(NamedTuple):
    """What was spoiled, by what it is called."""

    name: str
    spoiled: Spoiled


def made(known: Container[str]) -> Iterator[Golden]:
    """Everything that is to be kept and is not ``known``, by name."""
    for kind in KINDS.values():
        if kind.name not in known:
            yield Golden(kind.name, kind.make(base(kind.base)))
    for region in regions():
        for number, flip in enumerate(flips_of(region, FLIPS, FLIP_SEED)):
            name = f"bit {number}: {region.kind}, {region.name}"
            if name not in known:
                yield Golden(name, spoiled_by(flip)._replace(must=found(flip)))


def found(flip: Flip) -> Must:
    """Where both verifiers find it today: the first place that both name."""
    one, other = tried(flip)
    failed = one.failed | other.failed
    places = [Must(each.step, each.index, each.file or None, failed) for each in one.findings]
    for must in [*places, *(place._replace(file=None) for place in places), *(Must(step, also=failed) for step in failed)]:
        if must.met(one) and must.met(other):
            return must
    raise ValueError(f"{flip.region.kind}, {flip.region.name}: no place that both name")


def keep(folder: Path) -> Path:
    """Writes an archive of what no archive there holds; raises ``Usage`` where that is nothing."""
    archives = sorted(folder.glob("tampered*.tar.xz"))
    known = {golden.name for archive in archives for golden in read(archive)}
    path = folder / (f"tampered-{len(archives) + 1}.tar.xz" if archives else "tampered.tar.xz")
    packed = io.BytesIO()
    listed = []
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, golden in enumerate(made(known)):
            listed.append(described(number, golden))
            for name, data in golden.spoiled.files.items():
                pack(archive, f"{number}/{name}", data)
        pack(archive, LIST, json.dumps(listed, indent=1).encode())
    if not listed:
        raise Usage("into-not-empty", "goldens are kept for ever, and these hold one of everything", path=str(folder))
    path.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    return path


def pack(archive: tarfile.TarFile, name: str, data: bytes | Link) -> None:
    """One member, without anything of the machine it was made on."""
    member = tarfile.TarInfo(name)
    member.mtime = NO_TIME
    if isinstance(data, Link):
        member.type, member.linkname = tarfile.SYMTYPE, data.target
        archive.addfile(member)
    else:
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def described(number: int, golden: Golden) -> dict[str, Any]:
    """Its line in the list."""
    must, asked = golden.spoiled.must, golden.spoiled.asked
    return {
        "number": number,
        "name": golden.name,
        "must": {"step": must.step, "index": must.index, "file": must.file, "also": sorted(must.also)},
        "asked": {
            "how": asked.how,
            "ledger_id": asked.ledger_id,
            "log_vkey": asked.log_vkey,
            "seen": asked.seen.hex(),
            "receipt": asked.receipt.hex(),
        },
    }


def read(path: Path) -> Iterable[Golden]:
    """The goldens of an archive."""
    with tarfile.open(path, "r:xz") as archive:
        files: dict[str, dict[str, bytes | Link]] = {}
        listed: list[dict[str, Any]] = []
        for member in archive:
            if member.issym():
                data: bytes | Link = Link(member.linkname)
            else:
                stream = archive.extractfile(member)
                data = b"" if stream is None else stream.read()
            if member.name == LIST:
                listed = json.loads(bytes(data))
            else:
                number, _, name = member.name.partition("/")
                files.setdefault(number, {})[name] = data
    for line in listed:
        must, asked = line["must"], line["asked"]
        kept = {**asked, "seen": bytes.fromhex(asked["seen"]), "receipt": bytes.fromhex(asked["receipt"])}
        where_ = Must(must["step"], must["index"], must["file"], frozenset(must["also"]))
        spoiled = Spoiled(files[str(line["number"])], where_, Asked(**kept))
        yield Golden(line["name"], spoiled)
