"""What a browser is given of an image: the file itself where that will do, else a picture made of it, and tiles.

A large image comes as a picture of `FIT` pixels, which is what a screen shows of it, and as tiles for looking closer:
level 0 has the image's own pixels, each further level half as many a side. A scan is drawn here through the window that
is asked for; its values in full depth stay on the server.

What was made is kept below the project's `renditions/`, named by the image's content hash and by what was asked for.
Everything there can be made again: the oldest goes first when it grows beyond `MOST_BYTES`.
"""

import io
import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.core.whole_files import PART, whole_file
from labeler.files import images
from labeler.files import windows as scans
from labeler.files.windows import Scan, Window

TILE = 512  # pixels a side
FIT = 2048  # longest side of the picture of a large image
LARGE = FIT * FIT  # pixels from which on an image is not sent whole
MOST_BYTES = 2 << 30  # that are kept for one project
_VERSION = "1"  # of what is kept; another one where pictures come out differently

# Pictures are made two at a time, so that the server's other threads and the machine's memory stay free.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="rendition")
_decoding = threading.Lock()  # the tiles of one image are asked for at once, and need it decoded once
_written: dict[Path, int] = {}  # bytes written below each folder since it was last looked through


@dataclass(frozen=True)
class Wish:
    """How a scan is to be drawn: through a window by its name, or from `low` to `high` if its unit is `unit`.

    What does not apply to an image is left aside: a wish is kept from one image to the next.
    """

    name: str | None = None
    window: Window | None = None
    unit: str | None = None


@dataclass(frozen=True)
class About:
    """What the viewer has to know of an image before it draws it."""

    width: int  # upright
    height: int
    levels: int = 0  # of tiles; 0: the picture shows all there is
    windows: Mapping[str, Window] = field(default_factory=dict)  # of a scan, the one it is drawn through first
    drawn: Window | None = None  # the window that this picture of a scan was drawn through
    unit: str | None = None
    inverted: bool = False
    frame: tuple[int, int] | None = None  # which frame this is, counted from 1, and of how many
    colour: bool = False

    @property
    def media_type(self) -> str:
        """Of the picture: nobody sees what a JPEG of a large photograph loses; where grey is stretched one might."""
        return "image/jpeg" if self.levels and self.colour else "image/png"

    def as_json(self) -> str:
        """One line of ASCII, which fits into a header."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Rendition:
    """A picture for the browser: its bytes, or the file that holds them."""

    content: bytes | Path
    media_type: str
    about: About


class Renditions:
    """The renditions of one project.

    Args: folder: where they are kept; made when the first one is. most_bytes: that they may take there.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def ready(self, path: Path, key: str, wish: Wish) -> Rendition | None:
        """The picture of the image at `path`, if it is there already; else `draw` makes it, which may take a second.

        Args:   key: the content hash of the image.
        Raises: LabelerError: the file cannot be read as an image.
        """
        if (plain := as_it_is(path)) is not None:
            return plain
        if (about := self._about(key)) is None:
            return None
        about = _wished(about, wish)
        content = self._kept(_picture_name(key, about))
        return None if content is None else Rendition(content, about.media_type, about)

    def draw(self, path: Path, key: str, wish: Wish) -> Rendition:
        """The picture of the image at `path`, made and kept.

        Raises: LabelerError: the file cannot be read as an image.
        """
        about = self._about(key)
        # Whoever looks at a scan through one window looks through others: values that are asked for again are kept.
        again = about is not None and about.windows
        found = Scan(self._pixels(path, key)) if again else images.read(path, near=FIT)
        if about is None:
            about = _about(found, path)
            line = about.as_json().encode()
            self._keep(f"{key}-about.json", lambda file: file.write(line))
        about = _wished(about, wish)
        if isinstance(found, Scan):
            values = _fitting(Image.fromarray(found.values.astype(np.float32, copy=False)), about)
            picture = scans.draw(np.asarray(values), about.drawn or (0, 1), about.inverted)
        else:
            picture = _fitting(found, about)
        content = _encoded(picture, about.media_type)
        self._keep(_picture_name(key, about), lambda file: file.write(content))
        return Rendition(content, about.media_type, about)

    def tile(self, path: Path, key: str, wish: Wish, level: int, x: int, y: int) -> bytes:
        """The tile in column `x` and row `y` of a level, as a PNG; those at the right and lower border are smaller.

        Raises: LabelerError: there is no such tile, or the file cannot be read as an image.
        """
        about = self._about(key) or (self.ready(path, key, wish) or self.draw(path, key, wish)).about
        side = TILE << level
        if level >= about.levels or x * side >= about.width or y * side >= about.height:
            raise LabelerError("This image has no tile {level}/{x}/{y}.", level=level, x=x, y=y)
        block = self._pixels(path, key)[y * side : (y + 1) * side, x * side : (x + 1) * side]
        if not about.windows:
            return _encoded(Image.fromarray(np.ascontiguousarray(block)).reduce(1 << level), "image/png")
        values = np.asarray(Image.fromarray(block.astype(np.float32)).reduce(1 << level))
        return _encoded(scans.draw(values, _wished(about, wish).drawn or (0, 1), about.inverted), "image/png")

    def _pixels(self, path: Path, key: str) -> np.ndarray:
        """The image's pixels or values, decoded once and read from the disk as far as they are needed."""
        name = f"{key}-pixels.npy"
        with _decoding:
            if not self._file(name).exists():
                found = images.read(path)
                pixels = found.values if isinstance(found, Scan) else np.asarray(found)
                self._keep(name, lambda file: np.save(file, pixels))
            os.utime(self._file(name))
            return np.load(self._file(name), mmap_mode="r")

    def _about(self, key: str) -> About | None:
        content = self._kept(f"{key}-about.json")
        return None if content is None else About(**json.loads(content))

    def _file(self, name: str) -> Path:
        return self.folder / name[:2] / f"{_VERSION}-{name}"

    def _kept(self, name: str) -> bytes | None:
        try:
            content = self._file(name).read_bytes()
            os.utime(self._file(name))  # what is looked at is not the oldest
        except OSError:  # not there, or just removed
            return None
        return content

    def _keep(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Write a file whole or not at all; the oldest ones go if they are too many bytes then."""
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as part, part.open("wb") as opened:
            write(opened)
        # All files are looked through once for every twentieth of the room that was written, not for each file.
        _written[self.folder] = _written.get(self.folder, self.most_bytes) + file.stat().st_size
        if _written[self.folder] >= self.most_bytes / 20:
            _written[self.folder] = 0
            self._tidy(file)

    def _tidy(self, newest: Path) -> None:
        """Remove the oldest files until the others fit, and what a process that died has left half written."""
        found = [(file, file.stat()) for file in self.folder.glob("*/*") if file != newest]
        size = newest.stat().st_size + sum(facts.st_size for _, facts in found)
        for file, facts in sorted(found, key=lambda one: one[1].st_mtime):
            left = file.suffix == PART and facts.st_mtime < time.time() - 3600
            if left or (size > self.most_bytes and file.suffix != PART):
                file.unlink(missing_ok=True)
                size -= facts.st_size


@lru_cache(maxsize=4096)  # named by its content, a file stays what it is
def as_it_is(path: Path) -> Rendition | None:
    """The file itself, if every browser shows it as it stands and it is not too large; None: it has to be drawn.

    Raises: LabelerError: the file cannot be read as an image.
    """
    kind = images.WEB_SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return None
    width, height, deep = images.size(path)
    return None if deep or width * height > LARGE else Rendition(path, kind, About(width, height))


def _about(found: Image.Image | Scan, path: Path) -> About:
    if isinstance(found, Scan):
        height, width = found.values.shape
        windows = scans.windows(found)
        return About(width, height, _levels(width, height), windows, None, found.unit, found.inverted, found.frame)
    width, height = found.size
    if path.suffix.lower() in (".jpg", ".jpeg"):  # which may have been decoded at a fraction of its size
        width, height, _ = images.size(path)
    return About(width, height, _levels(width, height), colour=found.mode == "RGB")


def _levels(width: int, height: int) -> int:
    """How many levels of tiles show more than the picture does."""
    if width * height <= LARGE:
        return 0
    return math.ceil(math.log2(max(width, height) / FIT))


def _wished(about: About, wish: Wish) -> About:
    """The same with the window that is wished for, as far as the wish applies to this image."""
    if not about.windows:
        return about
    drawn = next(iter(about.windows.values()))
    if wish.name is not None and wish.name in about.windows:
        drawn = about.windows[wish.name]
    elif wish.window is not None and wish.unit == about.unit:
        drawn = wish.window
    return replace(about, drawn=drawn)


def _picture_name(key: str, about: About) -> str:
    window = "" if about.drawn is None else "-{:.6g}_{:.6g}".format(*about.drawn)
    return f"{key}-{FIT}{window}.{about.media_type.removeprefix('image/')}"


def _fitting(image: Image.Image, about: About) -> Image.Image:
    if not about.levels:
        return image
    scale = FIT / max(about.width, about.height)
    size = (max(1, round(about.width * scale)), max(1, round(about.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=3)


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "image/jpeg":
        image.save(buffer, "JPEG", quality=92, subsampling=0)
    else:
        image.save(buffer, "PNG", compress_level=1)  # a third of the time of the best one, for a tenth more bytes
    return buffer.getvalue()
