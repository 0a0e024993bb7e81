"""Decoded images that are kept: each is decoded once, and what is kept is what was decoded."""

import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from labeler.backbones import pixels
from labeler.backbones.encoder import Arrays
from labeler.backbones.pixels import KeptPixels, keeping_pixels
from labeler.backbones.row_files import RowFile
from tests.support.tiny_networks import IMAGES

SIDE = 4


class Decoder:
    """Each file's number, in every pixel."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, pictures: Sequence[Any]) -> list[Arrays]:
        self.asked += [path.name for path in pictures]
        return [(np.full((3, SIDE, SIDE), int(path.read_text()), dtype=np.uint8),) for path in pictures]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for n, path in enumerate(paths):
        path.write_text(str(n))
    return paths


def kept(decoder: Decoder, folder: Path, rows: int = 100) -> KeptPixels:
    length = 3 * SIDE * SIDE + 4
    file = RowFile(folder / "pixels", (length,), np.dtype(np.uint8), "pixels.u8", "images.txt")
    return KeptPixels(decoder, file, (3, SIDE, SIDE), rows * length)


def numbers(items: Sequence[Arrays]) -> list[int]:
    assert all(image.shape == (3, SIDE, SIDE) for (image,) in items)
    return [int(image.max()) for (image,) in items]


def test_each_image_is_decoded_once_and_again_when_it_changes(files: list[Path], tmp_path: Path) -> None:
    decoder = Decoder()
    prepare = kept(decoder, tmp_path)
    assert numbers(prepare(files[:3])) == [0, 1, 2]
    assert numbers(prepare(files[::-1])) == [4, 3, 2, 1, 0]
    assert decoder.asked == ["0.png", "1.png", "2.png", "4.png", "3.png"]
    later = kept(decoder, tmp_path)  # another process
    assert numbers(later(files)) == [0, 1, 2, 3, 4]
    assert len(decoder.asked) == 5
    files[1].write_text("77")
    assert numbers(later(files[:2])) == [0, 77]
    assert decoder.asked[5:] == ["1.png"]
    assert numbers(prepare(files[:2])) == [0, 77]  # which the other has decoded
    assert len(decoder.asked) == 6


def test_nothing_is_kept_beyond_the_limit(files: list[Path], tmp_path: Path) -> None:
    decoder = Decoder()
    prepare = kept(decoder, tmp_path, rows=2)
    for _ in range(2):
        assert numbers(prepare(files)) == [0, 1, 2, 3, 4]
    assert decoder.asked[5:] == ["2.png", "3.png", "4.png"]
    assert (tmp_path / "pixels" / "pixels.u8").stat().st_size == prepare.most


def test_the_disk_is_left_to_the_labels(files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    prepare = kept(decoder, tmp_path)
    free = pixels.RESERVE + 3 * prepare.file.row_bytes
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    for _ in range(2):
        assert numbers(prepare(files)) == [0, 1, 2, 3, 4]
    assert decoder.asked[5:] == ["3.png", "4.png"]


@pytest.mark.parametrize("row", [0, 1])
def test_what_a_crash_tore_is_decoded_again(row: int, files: list[Path], tmp_path: Path) -> None:
    decoder = Decoder()
    prepare = kept(decoder, tmp_path)
    prepare(files[:2])
    path = tmp_path / "pixels" / "pixels.u8"
    torn = bytearray(path.read_bytes())
    torn[row * prepare.file.row_bytes : (row + 1) * prepare.file.row_bytes] = bytes(prepare.file.row_bytes)
    path.write_bytes(torn)
    assert numbers(kept(decoder, tmp_path)(files[:2])) == [0, 1]
    assert decoder.asked[2:] == [f"{row}.png"]


def test_a_full_disk_costs_time_alone(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RowFile, "append", full)
    with caplog.at_level(logging.WARNING):
        assert numbers(kept(Decoder(), tmp_path)(files)) == [0, 1, 2, 3, 4]
    assert "Decoded images are not kept ([Errno 28] No space left on device)" in caplog.text


def test_an_encoder_keeps_pixels_of_its_size(tmp_path: Path) -> None:
    for path in (paths := [tmp_path / f"{n}.png" for n in range(3)]):
        path.touch()
    encoder = keeping_pixels(IMAGES, tmp_path / "cache", gigabytes=1)
    assert encoder.key == IMAGES.key
    first = encoder.prepare(paths)
    assert (tmp_path / "cache" / f"pixels-{first[0][0].shape[-1]}").is_dir()
    for again, (image,) in zip(encoder.prepare(paths), IMAGES.prepare(paths), strict=True):
        np.testing.assert_array_equal(again[0], image)
    assert pixels._identity(paths[0]) != pixels._identity((paths[0], 1))
