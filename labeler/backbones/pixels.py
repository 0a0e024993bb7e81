"""Decoded images, kept on disk so that each is decoded once, however many rounds look at it."""

import logging
import shutil
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.row_files import RowFile
from labeler.backbones.weights import key

logger = logging.getLogger(__name__)

_CHECKSUM = 4  # bytes
RESERVE = 5 * 2**30  # bytes of the disk that stay free: labels come first


def keeping_pixels(encoder: Pretrained, folder: Path, gigabytes: float) -> Pretrained:
    """The encoder of images, which keeps what it decodes in `folder`, up to so many gigabytes."""
    shape = encoder.example[0].shape[1:]
    length = int(np.prod(shape)) + _CHECKSUM
    file = RowFile(folder / f"pixels-{shape[-1]}", (length,), np.dtype(np.uint8), "pixels.u8", "images.txt")
    return replace(encoder, prepare=KeptPixels(encoder.prepare, file, shape, int(gigabytes * 2**30)))


@dataclass
class KeptPixels:
    """Prepares images as `decode` does, and reads from disk those that it prepared before.

    An image is known by its path, its size and when it was changed. Each stands with its checksum: nobody waits for the
    disk, and what a crash tore is decoded again. most: bytes on disk; what comes later is not kept.
    """

    decode: Callable[[Sequence[Any]], list[Arrays]]
    file: RowFile
    shape: tuple[int, ...]
    most: int
    _rows: dict[str, int] = field(default_factory=dict, compare=False)
    _seen: int = field(default=-1, compare=False)  # bytes of the keys that `_rows` holds
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def __call__(self, pictures: Sequence[Any]) -> list[Arrays]:
        """(3, size, size) bytes for each image, or slice of a stack.

        Raises: LabelerError: an image cannot be read.
        """
        names = [_identity(picture) for picture in pictures]
        with self._lock:
            if any(name not in self._rows for name in names) and self.file.key_bytes() != self._seen:
                self._seen, self._rows = self.file.key_bytes(), self.file.all()
            rows = [self._rows.get(name) for name in names]
        known = [row for row in rows if row is not None]
        kept = self.file.array(max(known) + 1 if known else 0)
        images = [None if row is None else self._unpacked(kept[row]) for row in rows]
        missing = [place for place, image in enumerate(images) if image is None]
        if missing:
            fresh = [image for (image,) in self.decode([pictures[place] for place in missing])]
            self._keep([names[place] for place in missing], fresh)
            for place, image in zip(missing, fresh, strict=True):
                images[place] = image
        return [(image,) for image in images if image is not None]

    def _unpacked(self, row: np.ndarray) -> np.ndarray | None:
        """The image in a row; None: the row is torn."""
        image = row[:-_CHECKSUM]
        return image.reshape(self.shape) if _checksum(image) == row[-_CHECKSUM:].tobytes() else None

    def _keep(self, names: list[str], images: list[np.ndarray]) -> None:
        """Add images that are new, as far as there is room; without room on the disk they are decoded again."""
        try:
            with self._lock, self.file.locked():
                if self.file.key_bytes() != self._seen:  # another process writes, too
                    self._rows = {name: row for row, name in enumerate(self.file.repair())}
                new = {name: image for name, image in zip(names, images, strict=True) if name not in self._rows}
                disk = shutil.disk_usage(self.file.folder).free - RESERVE
                room = min(self.most // self.file.row_bytes - len(self._rows), disk // self.file.row_bytes)
                names = list(new)[: max(0, room)]
                if names:
                    rows = np.empty((len(names), *self.file.shape), dtype=np.uint8)
                    for row, name in zip(rows, names, strict=True):
                        row[:-_CHECKSUM] = new[name].reshape(-1)
                        row[-_CHECKSUM:] = np.frombuffer(_checksum(row[:-_CHECKSUM]), dtype=np.uint8)
                    self.file.append(names, rows, durable=False)
                    self._rows |= {name: row for row, name in enumerate(names, len(self._rows))}
                self._seen = self.file.key_bytes()
        except OSError as error:
            logger.warning("Decoded images are not kept (%s): they are decoded again in the next round.", error)


def _checksum(image: np.ndarray) -> bytes:
    return zlib.crc32(image.tobytes()).to_bytes(_CHECKSUM, "little")


def _identity(picture: Any) -> str:
    path, number = picture if isinstance(picture, tuple) else (picture, None)
    about = path.stat()
    return key(str(path), about.st_size, about.st_mtime_ns, number)
