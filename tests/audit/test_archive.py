"""A packed publication: verified in place, and archives made to harm who opens them."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from ledger.audit import archive
from ledger.audit.archive import ArchiveSource
from ledger.audit.report import Report
from ledger.audit.sources import FolderSource
from ledger.audit.verify import verify
from ledger.errors import BadInput

from .conftest import Honest
from .forger import write
from .test_tampering import outcomes, told

Member = tuple[str, bytes]


def packed(path: Path, members: Iterable[Member], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of these members, as they are."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as zipped:
        warnings.simplefilter("ignore")  # about names that stand twice
        for name, data in members:
            zipped.writestr(name, data)
    return path


def in_archive(path: Path) -> Report:
    with ArchiveSource(path) as source:
        return verify(source, ledger_id=None, executor=None, progress=None, known=None)


def refused(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        in_archive(path)
    return caught.value.code


@pytest.mark.parametrize("folder", ["", "public/", "tile/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_gives_the_report_of_its_folder(folder: str, method: int, honest: Honest, tmp_path: Path) -> None:
    """Files at the top or in the one folder, even one of an odd name."""
    path = packed(tmp_path / "public.zip", [(folder + name, data) for name, data in honest.files.items()], method=method)
    report = in_archive(path)
    here = verify(FolderSource(write(tmp_path / "a", honest.files)), ledger_id=None, executor=None, progress=None, known=None)
    if folder == "tile/":
        assert told(report)[0][:2] == (1, "file-missing")
        return
    assert (report.ok, report.unseen, report.bytes_read) == (True, here.unseen, here.bytes_read)
    assert (report.contests, report.root, outcomes(report)) == (here.contests, here.root, outcomes(here))


def test_stray_and_false_files_in_an_archive(honest: Honest, tmp_path: Path) -> None:
    """An archive is listed whole."""
    files = honest.files | {"stray": b"", "tile/0/000.p/38": bytes(38 * 32)}
    assert told(in_archive(packed(tmp_path / "a.zip", files.items()))) == [
        (4, "tile-differs", 0, "tile/0/000.p/38"),
        (4, "file-stray", None, "stray"),
    ]


def test_folders_are_no_files(honest: Honest, tmp_path: Path) -> None:
    """An archive may name its folders."""
    folders = [(name, b"") for name in ("tile/", "tile/0/", "recap/")]
    assert in_archive(packed(tmp_path / "a.zip", [*folders, *honest.files.items()])).ok


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/x", "a//x", "./x", "a/./x", "C:/x", "a\\x", "a\\..\\x", "..", "a/..", "x" * 201],
)
def test_names_that_lead_elsewhere_are_refused_whole(name: str, honest: Honest, tmp_path: Path) -> None:
    """Nothing is written anywhere, and nobody who unpacks it later is harmed by our silence."""
    before = set(tmp_path.rglob("*"))
    path = packed(tmp_path / "a.zip", [*honest.files.items(), (name, b"x")])
    assert refused(path) == "archive-unsafe"
    assert set(tmp_path.rglob("*")) - before == {path}


def test_a_name_with_a_nul(honest: Honest, tmp_path: Path) -> None:
    """Some readers end a name there, others do not."""
    path = packed(tmp_path / "a.zip", [*honest.files.items(), ("checkpoinX_", b"x")])
    path.write_bytes(path.read_bytes().replace(b"checkpoinX_", b"checkpoint\0"))
    assert refused(path) == "archive-unsafe"


@pytest.mark.parametrize("twice", [("checkpoint", "checkpoint"), ("x", "x/")])
def test_one_name_twice(twice: tuple[str, str], honest: Honest, tmp_path: Path) -> None:
    """Readers differ in which they take."""
    files = [*honest.files.items(), *((name, b"") for name in twice if name not in honest.files)]
    assert refused(packed(tmp_path / "a.zip", [*files, (twice[1], b"")])) == "archive-unsafe"


def test_a_bomb(honest: Honest, tmp_path: Path) -> None:
    """Ten megabytes of nothing in ten kilobytes."""
    assert refused(packed(tmp_path / "a.zip", [*honest.files.items(), ("tile/0/001", bytes(10**7))])) == "archive-unsafe"


def test_more_than_a_publication_has(honest: Honest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, bytes, directory."""
    path = packed(tmp_path / "a.zip", honest.files.items())
    for limit, value in (("ARCHIVE_FILES_LIMIT", 20), ("CONTENT_LIMIT_BYTES", 10_000), ("READ_LIMIT_BYTES", 2_000)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, value)
            assert refused(path) == "archive-too-large"
    assert in_archive(path).ok


def test_a_file_larger_than_it_can_be(honest: Honest, tmp_path: Path) -> None:
    """No more of it is unpacked than is needed to see that."""
    noise = Random(1).randbytes(1_000_000)
    path = packed(tmp_path / "a.zip", (honest.files | {"tile/0/000.p/38": noise}).items())
    assert told(in_archive(path)) == [(4, "file-too-large", 0, "tile/0/000.p/38")]


def test_a_link_is_not_followed(honest: Honest, tmp_path: Path) -> None:
    """Its content is a path, which is not opened."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for name, data in honest.files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o120777 if name == "tile/0/000.p/38" else 0o100644) << 16
            zipped.writestr(member, data)
    assert told(in_archive(path)) == [(4, "file-not-plain", 0, "tile/0/000.p/38")]


def test_what_is_no_archive(honest: Honest, tmp_path: Path) -> None:
    """Nothing, text, an archive cut off anywhere, one that is not there, one without a publication."""
    whole = packed(tmp_path / "a.zip", honest.files.items()).read_bytes()
    path = tmp_path / "b.zip"
    for data in (b"", b"PK\x05\x06", b"text\n" * 100, *(whole[:-cut] for cut in (1, 23, 500, len(whole) // 2))):
        path.write_bytes(data)
        assert refused(path) == "bad-archive"
    assert refused(packed(path, [("readme", b"x"), ("notes", b"y")])) == "no-publication"
    assert refused(packed(path, [])) == "no-publication"
    assert refused(tmp_path / "nowhere.zip") == "cannot-read"
    assert refused(tmp_path) == "cannot-read"


def test_every_flip_of_an_archives_bytes_fails_or_changes_nothing(honest: Honest, tmp_path: Path) -> None:
    """No error but ours escapes, and no other content is verified; bytes that nobody reads may change."""
    whole = packed(tmp_path / "a.zip", [(name, honest.files[name]) for name in sorted(honest.files) if ".p/9" not in name])
    data, good = whole.read_bytes(), in_archive(whole)
    path = tmp_path / "b.zip"
    for at in range(0, len(data), 97):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        try:
            report = in_archive(path)
        except BadInput as problem:
            assert problem.code in ("bad-archive", "archive-unsafe", "archive-too-large", "no-publication"), problem
        else:
            assert not report.ok or (report.root, report.contests) == (good.root, good.contests)


def test_encrypted_or_packed_otherwise(honest: Honest, tmp_path: Path) -> None:
    """We read what everybody can."""
    assert refused(packed(tmp_path / "a.zip", honest.files.items(), method=zipfile.ZIP_LZMA)) == "bad-archive"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("checkpoint", honest.files["checkpoint"])
    data = bytearray(buffer.getvalue())
    at = data.index(b"PK\x01\x02")
    data[at + 8 : at + 10] = struct.pack("<H", 1)
    (tmp_path / "b.zip").write_bytes(data)
    assert refused(tmp_path / "b.zip") == "bad-archive"
