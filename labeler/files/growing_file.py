"""A file that one thread writes while another reads it from its beginning: a slow reader holds up no writer."""

import io
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

PART = 1 << 18  # bytes that are read at once


class AbandonedError(Exception):
    """Nobody reads any more what is being written."""


class GrowingFile(io.RawIOBase):
    """Bytes on disk, under no name, so that they are gone with the process.

    Args: folder: whose disk they are on.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # closed with this file
        self._changed = threading.Condition()
        self._size = 0
        self._is_whole = False
        self._is_abandoned = False
        self._error: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Raises: AbandonedError."""
        with self._changed:
            if self._is_abandoned:
                raise AbandonedError
            self._file.seek(self._size)
            n = self._file.write(data) or 0
            self._size += n
            self._changed.notify_all()
        return n

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more is written. Args: error: why the rest is missing; the reader gets it."""
        with self._changed:
            self._is_whole, self._error = True, error
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait for the first bytes, or for the end. Raises: the writer's error, if there are no bytes."""
        with self._changed:
            self._changed.wait_for(lambda: self._size > 0 or self._is_whole)
            if self._error and not self._size:
                raise self._error

    def parts(self) -> Generator[bytes]:
        """All bytes, as they come. Where reading ends early, so does writing. Raises: the writer's error."""
        at = 0
        try:
            while part := self._next_part(at):
                at += len(part)
                yield part
        finally:
            with self._changed:
                self._is_abandoned = True
                self._file.close()

    def _next_part(self, at: int) -> bytes:
        """The bytes after the first `at`, once there are any; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._size > at or self._is_whole)
            self._file.seek(at)
            part = self._file.read(PART)
        if self._error and not part:
            raise self._error
        return part
