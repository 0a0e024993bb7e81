"""The directory of a zip, read a part at a time."""

import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from labeler.files.sources import Row, read
from labeler.files.zip_directory import PART, ZipDirectory

FILES = 12 * PART + 5


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of small files in no order, with bytes before it and a comment behind it that holds the mark of an end."""
    path = tmp_path_factory.mktemp("packed") / "many.zip"
    path.write_bytes(b"a program that unpacks it")
    numbers = random.Random(0).sample(range(FILES), FILES)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in numbers:
            archive.writestr(f"folder/{number:05}.png", f"content {number}" * (number % 3))
        archive.comment = b"made up PK\5\7"
    return path


def test_each_file_is_that_which_zipfile_finds(packed: Path):
    directory = ZipDirectory(packed)
    with zipfile.ZipFile(packed) as archive:
        files = [(each.entry.filename, each.entry.header_offset, each.read_bytes()) for each in directory]
        assert files == [(e.filename, e.header_offset, archive.read(e)) for e in archive.infolist()]
    last = [each.place for each in directory][:-3:-1]
    assert [each.name for each in directory.at(last)] == [name.rpartition("/")[2] for name, *_ in files[:-3:-1]]


def test_a_file_that_needs_the_fields_of_zip64_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)  # as if files of 100 bytes were large
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.png", name * 200)
    monkeypatch.undo()
    content = (tmp_path / "s.zip").read_bytes()
    assert content.count(b"PK\6\6") == 1
    assert [each.read_bytes() for each in ZipDirectory(tmp_path / "s.zip")] == [b"a" * 200, b"b" * 200, b"c" * 200]


@pytest.mark.parametrize("cut", ["the end", "an entry"])
def test_a_broken_directory_is_no_zip(packed: Path, tmp_path: Path, cut: str):
    content = packed.read_bytes()
    place = content.rindex(b"PK\5\6" if cut == "the end" else b"PK\1\2")
    broken = tmp_path / "b.zip"
    broken.write_bytes(content[:place] + b"XX" + content[place + 2 :])
    with pytest.raises(zipfile.BadZipFile):
        list(ZipDirectory(broken))


def test_the_images_of_a_zip_take_half_of_what_its_directory_takes_or_less(packed: Path):
    def peak(read_all) -> int:
        peaks = []
        for _ in range(3):  # the first time modules may be loaded, and threads of other tests may be at work
            tracemalloc.start()
            read_all()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        return min(peaks)

    def read_rows() -> None:
        assert sum(isinstance(row, Row) for row in read(packed)) == FILES

    assert 2 * peak(read_rows) < peak(lambda: zipfile.ZipFile(packed).close())
