"""Renditions: the pictures of an image that a browser is sent. They are the file itself, or a picture and tiles of it.

A large image has a picture of at most `FIT` pixels a side, which fills a screen, and tiles for a closer look: level 0
has the image's own pixels, each further level half as many a side. A scan is drawn on the server through the requested
window; its values in full depth stay there.

Renditions are kept below the project's `renditions/`, named by the image's content hash and the window. They can all be
made again, so the oldest are deleted when the folder grows beyond `MOST_BYTES`.
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
from labeler.core.inputs import ImageFile
from labeler.core.whole_files import PART, whole_file
from labeler.files import images
from labeler.files import windows as scans
from labeler.files.windows import Scan, Window

TILE = 512  # pixels a side
FIT = 2048  # longest side of the picture of a large image
LARGE = FIT * FIT  # pixels; larger images are not sent whole
MOST_BYTES = 2 << 30  # of the renditions of a project
_VERSION = "1"  # of the kept files; it changes when pictures are drawn differently

# At most two pictures are drawn at a time, so that the server's other threads and the memory stay free.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="rendition")
_decoding = threading.Lock()  # a browser asks for all tiles of an image at once, which is then decoded once
_written: dict[Path, int] = {}  # bytes written below each folder since it was last tidied


@dataclass(frozen=True)
class Wish:
    """How a scan should be drawn: through the window `name`, or through `window` if the scan's unit is `unit`.

    frame: of a stack, counted from 1; None: the middle one. The desk sends the same wish with every image. Wishes that
    do not apply to an image are ignored.
    """

    name: str | None = None
    window: Window | None = None
    unit: str | None = None
    frame: int | None = None


@dataclass(frozen=True)
class About:
    """The facts about an image that the viewer needs before it draws the image."""

    width: int  # upright
    height: int
    levels: int = 0  # of tiles; 0: the picture has all pixels
    windows: Mapping[str, Window] = field(default_factory=dict)  # of a scan, the default first
    drawn: Window | None = None  # the window that this picture was drawn through
    unit: str | None = None
    inverted: bool = False
    frame: tuple[int, int] | None = None  # which frame this is, counted from 1, and of how many
    colour: bool = False

    @property
    def media_type(self) -> str:
        """The type of the picture. JPEG losses are invisible in a large photograph, but not where grey is stretched."""
        return "image/jpeg" if self.levels and self.colour else "image/png"

    def as_json(self) -> str:
        """One line of ASCII, which fits into a header."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Rendition:
    """A picture for the browser: its bytes, or the file that holds them."""

    content: bytes | ImageFile
    media_type: str
    about: About


class Renditions:
    """The renditions of one project.

    Args: folder: where they are kept; created with the first file, but not the folder above it, which is the project's
          and may have been moved away. most_bytes: the size that it may grow to.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def ready(self, path: ImageFile, key: str, wish: Wish) -> Rendition | None:
        """The picture of the image at `path` if it exists; None: `draw` makes it, which may take a second.

        Args:   key: the content hash of the image.
        Raises: LabelerError: the file cannot be read as an image.
        """
        if (plain := as_it_is(path)) is not None:
            return plain
        if (about := self._about(key)) is None:
            return None
        about = _wished(about, wish)
        content = self._read(_picture_name(key, about))
        return None if content is None else Rendition(content, about.media_type, about)

    def draw(self, path: ImageFile, key: str, wish: Wish) -> Rendition:
        """The picture of the image at `path`, newly drawn and kept.

        Raises: LabelerError: the file cannot be read as an image.
        """
        about = self._about(key)
        if about is None:
            source = images.read(path, near=FIT)
            about = _about(source, path)
            line = about.as_json().encode()
            self._write(f"{key}-about.json", lambda file: file.write(line))
            about = _wished(about, wish)
            if about.frame and wish.frame is not None:
                source = images.read(path, near=FIT, frame=about.frame[0] - 1)
        else:
            about = _wished(about, wish)
            # A scan that is drawn again is looked at through several windows, so its values are kept decoded.
            source = Scan(self._pixels(path, key, about)) if about.windows else _frame_of(path, about)
        if isinstance(source, Scan):
            values = _fitting(Image.fromarray(source.values.astype(np.float32, copy=False)), about)
            picture = scans.draw(np.asarray(values), about.drawn or (0, 1), about.inverted)
        else:
            picture = _fitting(source, about)
        content = _encoded(picture, about.media_type)
        self._write(_picture_name(key, about), lambda file: file.write(content))
        return Rendition(content, about.media_type, about)

    def tile(self, path: ImageFile, key: str, wish: Wish, level: int, x: int, y: int) -> bytes:
        """The tile in column `x` and row `y` of a level, as a PNG; tiles at the right and lower border are smaller.

        Raises: LabelerError: there is no such tile, or the file cannot be read as an image.
        """
        about = self._about(key) or (self.ready(path, key, wish) or self.draw(path, key, wish)).about
        side = TILE << level
        if level >= about.levels or x * side >= about.width or y * side >= about.height:
            raise LabelerError("This image has no tile {level}/{x}/{y}.", level=level, x=x, y=y)
        about = _wished(about, wish)
        block = self._pixels(path, key, about)[y * side : (y + 1) * side, x * side : (x + 1) * side]
        if not about.windows:
            return _encoded(Image.fromarray(np.ascontiguousarray(block)).reduce(1 << level), "image/png")
        values = np.asarray(Image.fromarray(block.astype(np.float32)).reduce(1 << level))
        return _encoded(scans.draw(values, about.drawn or (0, 1), about.inverted), "image/png")

    def _pixels(self, path: ImageFile, key: str, about: About) -> np.ndarray:
        """The image's pixels or values, decoded once and mapped from the disk."""
        name = f"{key}{_of_frame(about)}-pixels.npy"
        with _decoding:
            if not self._file(name).exists():
                source = _frame_of(path, about)
                pixels = source.values if isinstance(source, Scan) else np.asarray(source)
                self._write(name, lambda file: np.save(file, pixels))
            os.utime(self._file(name))
            return np.load(self._file(name), mmap_mode="r")

    def _about(self, key: str) -> About | None:
        content = self._read(f"{key}-about.json")
        if content is None:
            return None
        values = json.loads(content)
        return About(**values | {"frame": values["frame"] and tuple(values["frame"])})

    def _file(self, name: str) -> Path:
        return self.folder / name[:2] / f"{_VERSION}-{name}"

    def _read(self, name: str) -> bytes | None:
        try:
            content = self._file(name).read_bytes()
            os.utime(self._file(name))  # so that files in use are not the oldest
        except OSError:  # it does not exist, or was just removed
            return None
        return content

    def _write(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Write a file whole or not at all, and remove the oldest files if they are too large together."""
        file = self._file(name)
        for folder in (self.folder, file.parent):
            folder.mkdir(exist_ok=True)
        with whole_file(file) as part, part.open("wb") as opened:
            write(opened)
        # The folder is tidied once for each twentieth of `most_bytes` that was written, not for each file.
        _written[self.folder] = _written.get(self.folder, self.most_bytes) + file.stat().st_size
        if _written[self.folder] >= self.most_bytes / 20:
            _written[self.folder] = 0
            self._remove_oldest(file)

    def _remove_oldest(self, newest: Path) -> None:
        """Remove the oldest files until the others fit, and the partial files of processes that died."""
        files = [(file, file.stat()) for file in self.folder.glob("*/*") if file != newest]
        size = newest.stat().st_size + sum(facts.st_size for _, facts in files)
        for file, facts in sorted(files, key=lambda entry: entry[1].st_mtime):
            abandoned = file.suffix == PART and facts.st_mtime < time.time() - 3600
            if abandoned or (size > self.most_bytes and file.suffix != PART):
                file.unlink(missing_ok=True)
                size -= facts.st_size


@lru_cache(maxsize=4096)  # a file is named by its content and never changes
def as_it_is(path: ImageFile) -> Rendition | None:
    """The file itself, if every browser shows its format and it is not too large; None: it has to be drawn.

    Raises: LabelerError: the file cannot be read as an image.
    """
    kind = images.WEB_SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return None
    width, height, deep = images.size(path)
    return None if deep or width * height > LARGE else Rendition(path, kind, About(width, height))


def _about(source: Image.Image | Scan, path: ImageFile) -> About:
    n = images.frames(path)
    frame = (n // 2 + 1, n) if n > 1 else None
    if isinstance(source, Scan):
        height, width = source.values.shape
        windows = scans.windows(source)
        return About(width, height, _levels(width, height), windows, None, source.unit, source.inverted, frame)
    width, height = source.size
    if path.suffix.lower() in (".jpg", ".jpeg"):  # it may have been decoded at a fraction of its size
        width, height, _ = images.size(path)
    return About(width, height, _levels(width, height), frame=frame, colour=source.mode == "RGB")


def _levels(width: int, height: int) -> int:
    """How many levels of tiles show more detail than the picture."""
    if width * height <= LARGE:
        return 0
    return math.ceil(math.log2(max(width, height) / FIT))


def _wished(about: About, wish: Wish) -> About:
    """The facts with the wished frame and window, as far as the wish applies to this image.

    All frames are drawn through the windows of the middle one, so that nothing flickers when they are scrolled.
    """
    if about.frame and wish.frame is not None:
        about = replace(about, frame=(min(max(wish.frame, 1), about.frame[1]), about.frame[1]))
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
    return f"{key}{_of_frame(about)}-{FIT}{window}.{about.media_type.removeprefix('image/')}"


def _of_frame(about: About) -> str:
    """The frame in the name of a file; the middle one has none, as images without frames."""
    return "" if about.frame is None or about.frame[0] == about.frame[1] // 2 + 1 else f"-frame{about.frame[0]}"


def _frame_of(path: ImageFile, about: About) -> Image.Image | Scan:
    return images.read(path, frame=about.frame[0] - 1 if about.frame else None)


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
        image.save(buffer, "PNG", compress_level=1)  # a third of the time of the best level, for a tenth more bytes
    return buffer.getvalue()
