"""Connections that stay open, one for each thread and database, for a process that answers requests.

Opening one for each request costs as much again as storing an answer: SQLite reads the schema anew, and when a
database's last connection closes it empties and removes its log, which waits for the disk three more times.
"""

import threading
from pathlib import Path
from types import TracebackType

from labeler.core.settings import Config
from labeler.store.store import Store

MOST = 4  # databases that a thread keeps open


class _Kept(threading.local):
    """Each thread's connections, the one used last at the end. They go with their thread."""

    def __init__(self) -> None:
        self.stores: dict[Path, KeptStore] = {}


_kept = _Kept()


class KeptStore(Store):
    """A connection that its `with` block leaves open, unless the block fails."""

    def __init__(self, path: Path, config: Config) -> None:
        super().__init__(path, config)
        self.inode = path.stat().st_ino

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            _forget(self.path)


def kept_store(path: Path, config: Config) -> KeptStore:
    """The calling thread's connection to the database at `path`, opened if there is none, or if the file is another."""
    store = _kept.stores.pop(path, None)
    if store and not (path.exists() and path.stat().st_ino == store.inode):
        store.close()
        store = None
    store = store or KeptStore(path, config)
    store.config = config
    _kept.stores[path] = store
    for oldest in list(_kept.stores)[:-MOST]:
        _forget(oldest)
    return store


def _forget(path: Path) -> None:
    store = _kept.stores.pop(path, None)
    if store:
        store.close()
