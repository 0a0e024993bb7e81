"""What a browser gets of an image: tiles that make it again, windows of scans, and a cache that stays small."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.files import images, renditions
from labeler.files.renditions import FIT, TILE, Renditions, Wish, as_it_is
from tests.support.scan_files import write_dicom

NOTHING = Wish()
WIDTH, HEIGHT = 2600, 1800  # just large enough for one level of tiles


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def cache(tmp_path):
    return Renditions(tmp_path / "renditions")


@pytest.fixture
def large(tmp_path):
    """A large image in colour, which no two tiles have the same pixels of."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png", compress_level=1)
    return tmp_path / "large.png", pixels


def test_a_small_image_is_sent_as_it_is_and_nothing_is_kept(tmp_path, cache):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    rendition = cache.ready(tmp_path / "a.png", "k", NOTHING)
    assert rendition is not None
    assert rendition.content == tmp_path / "a.png"
    assert (rendition.about.width, rendition.about.height, rendition.about.levels) == (40, 30, 0)
    assert not cache.folder.exists()


def test_a_format_that_browsers_do_not_show_is_converted(tmp_path, cache):
    Image.new("RGB", (40, 30), (10, 200, 30)).save(tmp_path / "a.bmp")
    assert cache.ready(tmp_path / "a.bmp", "k", NOTHING) is None
    drawn = cache.draw(tmp_path / "a.bmp", "k", NOTHING)
    assert drawn.media_type == "image/png"
    assert (pixels_of(drawn.content) == (10, 200, 30)).all()
    assert cache.ready(tmp_path / "a.bmp", "k", NOTHING) == drawn  # and kept


def test_of_a_large_image_there_is_a_picture_that_fits_a_screen(large, cache):
    path, pixels = large
    drawn = cache.draw(path, "k", NOTHING)
    assert (drawn.about.width, drawn.about.height, drawn.about.levels) == (WIDTH, HEIGHT, 1)
    shown = pixels_of(drawn.content).astype(int)
    assert shown.shape == (round(HEIGHT * FIT / WIDTH), FIT, 3)
    corner = shown[5, -5]
    assert abs(corner - pixels[6, -6]).max() < 12


def test_tiles_together_are_the_image(large, cache):
    path, pixels = large
    again = np.zeros_like(pixels)
    for y in range(-(-HEIGHT // TILE)):
        for x in range(-(-WIDTH // TILE)):
            tile = pixels_of(cache.tile(path, "k", NOTHING, 0, x, y))
            again[y * TILE : y * TILE + len(tile), x * TILE : x * TILE + tile.shape[1]] = tile
    assert np.array_equal(again, pixels)


def test_a_further_level_has_half_as_many_pixels_a_side(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(renditions, "FIT", 600)
    monkeypatch.setattr(renditions, "LARGE", 600 * 600)
    values = np.random.default_rng(0).integers(0, 60_000, (1100, 1301), dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert cache.draw(tmp_path / "a.tif", "k", NOTHING).about.levels == 2
    wish = Wish(window=(0, 60_000))
    tile = pixels_of(cache.tile(tmp_path / "a.tif", "k", wish, 1, 1, 0))
    assert tile.shape == (512, 139)  # 1301 - 1024 values, by twos
    assert tile[0, 0] == pytest.approx(values[:2, 1024:1026].mean() * 255 / 60_000, abs=0.51)
    for level, x, y in ((2, 0, 0), (0, 3, 0), (1, 0, 2)):
        with pytest.raises(LabelerError, match=f"no tile {level}/{x}/{y}"):
            cache.tile(tmp_path / "a.tif", "k", NOTHING, level, x, y)


def test_a_large_photograph_is_turned_as_its_camera_was_held(tmp_path, cache):
    pixels = np.zeros((1800, 2600, 3), dtype=np.uint8)
    pixels[:, :1300] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    drawn = cache.draw(tmp_path / "a.jpg", "k", NOTHING)
    assert (drawn.about.width, drawn.about.height) == (1800, 2600)
    shown = pixels_of(drawn.content)
    assert shown[:900].min() > 200
    assert shown[1200:].max() < 50
    assert pixels_of(cache.tile(tmp_path / "a.jpg", "k", NOTHING, 0, 0, 4)).max() < 50


def test_a_scan_is_drawn_through_the_window_that_is_wished_for(tmp_path, cache):
    stored = np.arange(0, 2400, dtype=np.int16).reshape(40, 60)
    path = write_dicom(tmp_path / "a.dcm", stored, Modality="CT", RescaleSlope=1, RescaleIntercept=-1000)
    first = cache.draw(path, "k", NOTHING)
    assert first.about.unit == "HU"
    assert first.about.drawn == first.about.windows["auto"]
    brain = cache.draw(path, "k", Wish("brain"))
    values = stored - 1000
    shown = pixels_of(brain.content)
    assert (shown[values <= 0] == 0).all()
    assert (shown[values >= 80] == 255).all()
    assert shown[values == 40].tolist() == [128]
    own = cache.draw(path, "k", Wish(window=(-100, 100), unit="HU"))
    assert pixels_of(own.content)[values == 0].tolist() == [128]
    assert cache.ready(path, "k", Wish("brain")) == brain
    for other in (Wish("no window"), Wish(window=(0, 1), unit=None)):  # meant for other images
        assert cache.draw(path, "k", other).content == first.content


def test_the_facts_for_the_viewer_fit_into_a_header(tmp_path, cache):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((3, 4, 4), dtype=np.uint16))
    about = cache.draw(path, "k", NOTHING).about
    assert about.frame == (2, 3)
    assert about.as_json().isascii()
    assert "\n" not in about.as_json()


def test_the_oldest_files_are_removed_when_the_cache_is_too_large(tmp_path):
    cache = Renditions(tmp_path / "renditions", most_bytes=60_000)
    noise = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / f"{number}.bmp"
        Image.fromarray(noise.integers(0, 256, (50, 60, 3), dtype=np.uint8)).save(path)
        cache.draw(path, f"{number:02}", NOTHING)
        for kept in cache.folder.glob(f"*/1-{number:02}-*"):
            os.utime(kept, (number, number))
    names = sorted(file.name for file in cache.folder.glob("*/*.png"))
    assert sum(file.stat().st_size for file in cache.folder.glob("*/*")) <= 60_000 + 60_000 / 20
    assert names[-1].startswith("1-11-")
    assert not any(name.startswith("1-00-") for name in names)
    assert cache.draw(tmp_path / "0.bmp", "00", NOTHING).media_type == "image/png"  # made again


def test_a_write_that_fails_leaves_nothing(tmp_path, cache):
    def fails(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache._write("k-about.json", fails)
    assert [file for file in cache.folder.rglob("*") if file.is_file()] == []
    assert cache._about("k") is None


def test_tiles_are_cut_from_one_decoding(large, cache, monkeypatch):
    path, _ = large
    cache.draw(path, "k", NOTHING)
    calls, read = [], images.read

    def counted(*args, **options):
        calls.append(args)
        return read(*args, **options)

    monkeypatch.setattr(images, "read", counted)
    for x in range(3):
        cache.tile(path, "k", NOTHING, 0, x, 0)
    assert len(calls) == 1


def test_a_broken_file_is_refused_in_a_sentence(tmp_path, cache):
    for name in ("a.png", "a.tif", "a.dcm"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(LabelerError, match=r"cannot be read .*\.$"):
            cache.ready(tmp_path / name, "k", NOTHING) or cache.draw(tmp_path / name, "k", NOTHING)


def test_only_what_every_browser_shows_is_sent_as_it_is(tmp_path, large):
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(tmp_path / "deep.png")
    Image.new("L", (4, 4)).save(tmp_path / "a.tif")
    assert as_it_is(tmp_path / "deep.png") is None
    assert as_it_is(tmp_path / "a.tif") is None
    assert as_it_is(large[0]) is None
