"""Images of a store on the disk of this machine: the ones that were used last, up to a size.

A file here is whole, and its content has the hash of its item: what has changed in the store is never taken for the
item. Any number of processes may use one cache. Who fetches writes a file of its own and renames it, and what one
process removes another one fetches again.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labeler.core.errors import ImageError
from labeler.core.whole_files import PART, whole_file
from labeler.files import objects
from labeler.files.addresses import Address, allowed

TRIES = 3  # to read a file that another process may remove meanwhile
ABANDONED_SECONDS = 3600  # after which a file that is being written belongs to a process that died
_ROOM = 0.1  # share of the size that is made free at once; two processes may each write half of it in between
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="object")
_lock = threading.Lock()
_fetching: dict[tuple[Path, str], "Future[None]"] = {}  # what is on its way to this process, by cache and hash
_written: dict[Path, int] = {}  # bytes written into each cache since it was last tidied


def hash_of(content: bytes) -> str:
    """The hash that identifies an item by its content: 32 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:32]


@dataclass(frozen=True)
class ObjectCache:
    """The cache of a project.

    Args: folder: created with the first file, but not the folder above it. most_bytes: the size that it may grow to;
          a twentieth of it is written before it is tidied.
    """

    folder: Path
    most_bytes: int

    def file(self, content_hash: str) -> Path:
        return self.folder / content_hash[:2] / content_hash

    def has(self, content_hash: str) -> bool:
        return self.file(content_hash).exists()

    def read(self, content_hash: str) -> bytes | None:
        """A content that is here; None: it has to be fetched."""
        try:
            content = self.file(content_hash).read_bytes()
            os.utime(self.file(content_hash))  # so that files in use are not the oldest
        except OSError:  # it is not there, or was just removed
            return None
        return content

    def keep(self, content_hash: str, content: bytes) -> None:
        """Keep a content with this hash, and remove what was used least lately where room is short."""
        file = self.file(content_hash)
        for folder in (self.folder, file.parent):
            folder.mkdir(exist_ok=True)
        with whole_file(file) as part:
            part.write_bytes(content)
        with _lock:
            written = _written[self.folder] = _written.get(self.folder, self.most_bytes) + len(content)
            is_full = written >= self.most_bytes * _ROOM / 2
            if is_full:
                _written[self.folder] = 0
        if is_full:
            self._remove_oldest()

    def forget(self, content_hash: str) -> None:
        self.file(content_hash).unlink(missing_ok=True)

    def _remove_oldest(self) -> None:
        files = []
        for file in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):  # another process tidies too
                files.append((file, file.stat()))
        size = sum(facts.st_size for _, facts in files)
        if size <= self.most_bytes * (1 - _ROOM / 2):
            return
        for file, facts in sorted(files, key=lambda entry: entry[1].st_mtime_ns):
            is_part = file.suffix == PART
            if is_part and facts.st_mtime > time.time() - ABANDONED_SECONDS:
                continue
            if is_part or size > self.most_bytes * (1 - _ROOM):
                file.unlink(missing_ok=True)
                size -= facts.st_size


@dataclass(frozen=True)
class RemoteImage:
    """The image of an item that is an object of a store; it is fetched when it is read.

    Args: address: of the object. content_hash: of the item. suffix: by which images tell their formats apart.
    """

    address: str
    content_hash: str
    suffix: str
    cache: ObjectCache

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        return PurePosixPath(self.address).name

    @property
    def is_here(self) -> bool:
        """Whether it can be read without the store."""
        return self.cache.has(self.content_hash)

    def read_bytes(self) -> bytes:
        """The content, which has the hash of the item.

        Raises: ObjectError: the store does not give it. ImageError: it has changed. SourceError: it may not be read.
        """
        for _ in range(TRIES):
            if (content := self.cache.read(self.content_hash)) is not None:
                return content
            self.fetch().result()
        return self._fetched()  # the cache is so small that what was fetched is removed before it is read

    def fetch(self) -> "Future[None]":
        """What ends once the image is in the cache, or with the error of `read_bytes`; nobody waits for it here."""
        key = (self.cache.folder, self.content_hash)
        with _lock:
            if (running := _fetching.get(key)) is not None:
                return running
            future: Future[None] = _THREADS.submit(self._fetch)
            _fetching[key] = future
        future.add_done_callback(lambda _: _fetching.pop(key, None))
        return future

    def _fetch(self) -> None:
        if not self.is_here:
            self._fetched()

    def _fetched(self) -> bytes:
        content = objects.read(self._address())
        if hash_of(content) != self.content_hash:
            raise changed(self.address)
        self.cache.keep(self.content_hash, content)
        return content

    def _address(self) -> Address:
        return allowed(self.address)


def changed(address: str) -> ImageError:
    """The error about an object whose content is not that of its item any more."""
    return ImageError(
        "{address} has changed in the store since it was imported: import it again as a new item, or put the content of"
        " before back.",
        address=address,
    )


def fetch_ahead(inputs: Iterable[object]) -> None:
    """Begin to fetch the images among some inputs that are in a store and not here yet."""
    for content in inputs:
        if isinstance(content, RemoteImage) and not content.is_here:
            content.fetch()
