"""One open store per thread and database, for a process that answers requests.

Opening a connection costs as much as storing an answer: SQLite reads the schema anew, and when a database's last
connection closes, SQLite empties and removes the write-ahead log, which waits for the disk three more times.
"""

import threading
from pathlib import Path
from types import TracebackType

from labeler.core.actor import Actor, actor_of_process
from labeler.core.settings import Config
from labeler.store.database import PATIENCE_OF_REQUESTS
from labeler.store.store import Store

MOST = 4  # databases that a thread keeps open


class _OpenStores(threading.local):
    """The stores that a thread has open, the one used last at the end. They close when the thread ends."""

    def __init__(self) -> None:
        self.by_path: dict[Path, ThreadStore] = {}


_open_stores = _OpenStores()


class ThreadStore(Store):
    """A store that its `with` block leaves open, unless the block fails."""

    def __init__(self, path: Path, config: Config, actor: Actor | None = None) -> None:
        super().__init__(path, config, actor)
        self.db.execute(f"PRAGMA busy_timeout={PATIENCE_OF_REQUESTS}")
        self.inode = path.stat().st_ino

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            _close(self.path)


def thread_store(path: Path, config: Config, actor: Actor | None = None) -> ThreadStore:
    """The calling thread's store of the database at `path`.

    It is opened if the thread has none yet, and opened anew if another file has taken the database's place.
    """
    store = _open_stores.by_path.pop(path, None)
    if store and not (path.exists() and path.stat().st_ino == store.inode):
        store.close()
        store = None
    store = store or ThreadStore(path, config, actor)
    store.config = config
    store.db.actor = actor or actor_of_process()
    _open_stores.by_path[path] = store
    for oldest in list(_open_stores.by_path)[:-MOST]:
        _close(oldest)
    return store


def _close(path: Path) -> None:
    store = _open_stores.by_path.pop(path, None)
    if store:
        store.close()
