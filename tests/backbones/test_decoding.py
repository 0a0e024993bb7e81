"""Decoding on all cores: the same images in the same order, and the file that cannot be read by its name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labeler.backbones import decoding
from labeler.backbones.images import read_image
from labeler.core.errors import LabelerError


def test_processes_decode_what_threads_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(decoding.FEWEST)]
    for n, path in enumerate(paths):
        Image.new("RGB", (9, 9), (n, 0, 255 - n)).save(path)
    threads = decoding.decoded(paths, 8, read_image)
    calls: list[int] = []
    read_all = decoding._read_all

    def counted(part: list[Path], size: int, read: decoding.Read) -> np.ndarray:
        calls.append(len(part))
        return read_all(part, size, read)

    # the processes' own part runs here: to start them takes seconds
    monkeypatch.setattr(
        "joblib.Parallel", lambda **_: lambda tasks: [call(*given, **named) for call, given, named in tasks]
    )
    monkeypatch.setattr(decoding, "_read_all", counted)
    monkeypatch.setattr(decoding, "_gpu_waits", lambda: True)
    monkeypatch.setattr(decoding, "cores", lambda: 8)
    np.testing.assert_array_equal(decoding.decoded(paths, 8, read_image), threads)
    assert calls == [decoding.AT_ONCE] * (decoding.FEWEST // decoding.AT_ONCE)
    decoding.decoded(paths[1:], 8, read_image)  # too few to be worth it
    assert len(calls) == decoding.FEWEST // decoding.AT_ONCE
    paths[40].write_bytes(b"no image")
    with pytest.raises(LabelerError, match=r"40\.png cannot be read as an image"):
        decoding.decoded(paths, 8, read_image)
