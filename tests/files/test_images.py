"""Image files → upright pixels: 8 bit and opaque, or the values of a scan in full depth."""

import numpy as np
import pytest
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.files import images
from labeler.files.images import open_image
from labeler.files.windows import Scan, draw, windows

DEEP = (np.arange(60 * 40, dtype=np.uint16) * 20).reshape(60, 40)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_read_in_full_depth_and_drawn_from_black_to_white(tmp_path, suffix):
    Image.fromarray(DEEP).save(tmp_path / f"a.{suffix}")
    scan = images.read(tmp_path / f"a.{suffix}")
    assert isinstance(scan, Scan)
    assert np.array_equal(scan.values, DEEP)
    drawn = np.asarray(open_image(tmp_path / f"a.{suffix}"))
    assert drawn.shape == (60, 40, 3)
    assert drawn.min() == 0
    assert drawn.max() == 255


def test_values_in_the_other_byte_order_and_fractions_are_read(tmp_path):
    Image.fromarray(DEEP.astype(">u2")).save(tmp_path / "big.tif")
    Image.fromarray(DEEP.astype(np.float32) / 1e6).save(tmp_path / "float.tif")
    big, fractions = images.read(tmp_path / "big.tif"), images.read(tmp_path / "float.tif")
    assert isinstance(big, Scan)
    assert isinstance(fractions, Scan)
    assert np.array_equal(big.values, DEEP)
    assert np.asarray(open_image(tmp_path / "float.tif")).max() == 255  # also where all values are below 1


def test_exif_turns_the_image_and_its_size(tmp_path):
    pixels = np.zeros((20, 40, 3), dtype=np.uint8)
    pixels[:, :20] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left is on top
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert images.size(tmp_path / "a.jpg") == (20, 40, False)
    upright = np.asarray(open_image(tmp_path / "a.jpg"))
    assert upright.shape == (40, 20, 3)
    assert upright[:18].min() > 200
    assert upright[22:].max() < 50


def test_the_size_of_a_png_is_read_without_decoding_it(tmp_path, monkeypatch):
    Image.new("L", (30, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    assert images.size(tmp_path / "a.png") == (30, 20, False)


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "a.png")
    assert np.asarray(open_image(tmp_path / "a.png")).min() == 255


def test_a_broken_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG no")
    for read in (open_image, images.size):
        with pytest.raises(LabelerError, match=r"a\.png cannot be read as an image .*\.$"):
            read(tmp_path / "a.png")


# ---------------------------------------------------------------- windows


def test_a_window_is_drawn_from_black_to_white():
    values = np.array([[-100, 0, 50, 100, 200]], dtype=np.int16)
    assert np.asarray(draw(values, (0, 100))).tolist() == [[0, 0, 128, 255, 255]]
    assert np.asarray(draw(values, (0, 100), inverted=True)).tolist() == [[255, 255, 127, 0, 0]]
    assert np.asarray(draw(values, (50, 50))).tolist()[0][0] == 0  # a window without width breaks nothing


def test_each_windows_range_follows_its_name():
    values = np.arange(10_001, dtype=np.float32).reshape(1, -1)
    levels = windows(Scan(values))
    assert list(levels) == ["auto", "percentile", "full"]
    assert levels["full"] == (0, 10_000)
    assert levels["percentile"] == pytest.approx((100, 9900))
    assert levels["auto"] == pytest.approx((10, 9990))


def test_nan_values_are_ignored():
    values = np.array([[np.nan, 1.0], [2.0, np.inf]], dtype=np.float32)
    assert windows(Scan(values))["full"] == (1, 2)
    assert windows(Scan(np.full((2, 2), np.nan, dtype=np.float32)))["full"] == (0, 1)
    assert np.asarray(draw(values, (1, 2))).tolist() == [[0, 0], [255, 255]]
