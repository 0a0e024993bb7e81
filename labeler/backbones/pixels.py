"""Decoded images, kept on disk so that each is decoded once, however many rounds look at it."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.row_files import RowFile
from labeler.backbones.weights import key

logger = logging.getLogger(__name__)


def keeping_pixels(encoder: Pretrained, folder: Path, gigabytes: float) -> Pretrained:
    """The encoder of images, which keeps what it decodes in `folder`, up to so many gigabytes."""
    shape = encoder.example[0].shape[1:]
    file = RowFile(folder / f"pixels-{shape[-1]}", shape, encoder.example[0].dtype, "pixels.u8", "images.txt")
    return replace(encoder, prepare=KeptPixels(encoder.prepare, file, int(gigabytes * 2**30)))


@dataclass(frozen=True)
class KeptPixels:
    """Prepares images as `decode` does, and reads from disk those that it prepared before.

    An image is known by its path, its size and when it was changed. most: bytes on disk; what comes later is not kept.
    """

    decode: Callable[[Sequence[Any]], list[Arrays]]
    file: RowFile
    most: int
    _rows: dict[str, int] = field(default_factory=dict, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def __call__(self, pictures: Sequence[Any]) -> list[Arrays]:
        """(3, size, size) bytes for each image, or slice of a stack.

        Raises: LabelerError: an image cannot be read.
        """
        names = [_identity(picture) for picture in pictures]
        with self._lock:
            if any(name not in self._rows for name in names):
                self._rows.update(self.file.find(set(names)))
            rows = [self._rows.get(name) for name in names]
        known = [row for row in rows if row is not None]
        kept = self.file.array(max(known) + 1 if known else 0)
        missing = [place for place, row in enumerate(rows) if row is None]
        decoded = iter(self.decode([pictures[place] for place in missing]))
        result = [next(decoded) if row is None else (kept[row],) for row in rows]
        self._keep([names[place] for place in missing], [result[place][0] for place in missing])
        return result

    def _keep(self, names: list[str], images: list[np.ndarray]) -> None:
        """Add images that are new, as far as there is room; without room on the disk they are decoded again."""
        if not names:
            return
        try:
            with self._lock, self.file.locked():
                rows = self.file.repair()
                free = self.most // self.file.row_bytes - len(rows)
                new = {name: image for name, image in zip(names, images, strict=True) if name not in rows}
                names = list(new)[: max(free, 0)]
                if names:
                    self.file.append(names, np.stack([new[name] for name in names]))
                    self._rows.update({name: row for row, name in enumerate(names, len(rows))})
        except OSError as error:
            logger.warning("Decoded images are not kept (%s): they are decoded again in the next round.", error)


def _identity(picture: Any) -> str:
    path, number = picture if isinstance(picture, tuple) else (picture, None)
    about = path.stat()
    return key(str(path), about.st_size, about.st_mtime_ns, number)
