"""Objects of a store: listed, looked up and read. What goes wrong is said in a sentence that holds no secret.

What a library says of an error may hold the address of the store, a signature or a name, so it is neither shown nor
logged: only the kind of the error is.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

from labeler.core.errors import ImageError, ObjectError, StoreError
from labeler.core.items import StoredObject
from labeler.files.addresses import CREDENTIALS, STORES, Address, check_allowed

# Imports of fsspec are deferred: it and the libraries of the stores are an extra.

SECONDS = 30.0  # in which a store has to answer
MOST_BYTES = 1 << 30  # of an object that is read
# For S3: one more try after the first, and as many connections as threads ask for.
_SETTINGS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "max_pool_connections": 32}}
}
Result = TypeVar("Result")


@dataclass(frozen=True)
class ObjectFile:
    """An object that is to be imported. listed: what the store said of it in a list; None: it was not listed."""

    address: Address
    listed: StoredObject | None = None

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def known(self) -> StoredObject:
        """What the store says of it. Raises: ObjectError, SourceError: as `facts`."""
        return self.listed or facts(self.address)

    def read_bytes(self) -> bytes:
        """Its content. Raises: as `read`."""
        return read(self.address)


def facts(address: Address) -> StoredObject:
    """What the store says of an object now. Raises: ObjectError: it says nothing; SourceError: it may not be asked."""
    return _facts(_asked(address, lambda store: store.info(address.path, **_limits(store))))


def read(address: Address) -> bytes:
    """The content of an object.

    Raises: ObjectError: the store does not give it. ImageError: it is too large. SourceError: it may not be asked.
    """
    if facts(address).bytes > MOST_BYTES:
        raise ImageError("{address} is larger than {n} MiB.", address=address, n=MOST_BYTES >> 20)
    return _asked(address, lambda store: store.cat_file(address.path, **_limits(store)))


def listing(address: Address, after: str = "") -> Iterator[ObjectFile]:
    """The objects below an address in the order of their folders and names; or the object that it is.

    Args:   after: the key of an object: only those behind it in this order, without asking for folders before it.
    Raises: ObjectError: the store does not list it; SourceError: it may not be asked; raised by the first step.
    """
    folders, is_first = [address], True
    reached = _order(after, False) if after else []
    while folders:
        folder = folders.pop()
        entries = _asked(folder, _entries(folder.path))
        inside = []
        for entry in sorted(entries, key=_key):
            key, is_folder = _key(entry), entry["type"] == "directory"
            below, order = Address(address.store, address.bucket, key), _order(key, is_folder)
            if is_folder:
                inside += [below] if key != folder.key and order >= reached[: len(order)] else []
            elif key and (key != folder.key or is_first) and order > reached and not str(entry["name"]).endswith("/"):
                yield ObjectFile(below, _facts(entry))
        folders += reversed(inside)
        is_first = False


# ---------------------------------------------------------------- the libraries of the stores


def _asked(address: Address, question: Callable[[Any], Result]) -> Result:
    """What a store answers to a question about an address.

    Raises: ObjectError: it is not there. StoreError: the store says nothing; says why. SourceError: whoever runs the
            server has not named the address.
    """
    check_allowed(address)
    try:
        return question(_opened(address))
    except ObjectError:
        raise
    # `from None`: a traceback in a log would quote what the library says
    except FileNotFoundError:
        raise ObjectError("{address} is not in the store any more.", address=address) from None
    except PermissionError:
        raise StoreError(
            "The store does not let this server read {address}: its credentials are missing, wrong or too old.",
            address=address,
        ) from None
    except Exception as error:  # libraries of stores raise errors of their own, of many kinds
        kind = type(error).__name__
        if "Credential" in kind or "Signing" in kind:  # the latter: Azure's key is none
            raise _without_credentials(address) from None
        if isinstance(error, TimeoutError) or "Timeout" in kind:
            raise StoreError("The store has not answered in time about {address}.", address=address) from None
        raise StoreError("{address} cannot be read from the store ({kind}).", address=address, kind=kind) from None


def _opened(address: Address) -> Any:
    try:
        return _store(address.store, os.getpid())
    except ValueError:  # as adlfs raises without the name of an account
        raise _without_credentials(address) from None


def _without_credentials(address: Address) -> StoreError:
    return StoreError(
        "This server has no credentials that open {address}: whoever runs it sets {variables} in its environment.",
        address=address,
        variables=CREDENTIALS[address.store],
    )


def _key(entry: Mapping[str, Any]) -> str:
    """The key of what a store lists: it is told apart and ordered without the / that some stores end a folder with."""
    return str(entry["name"]).strip("/").partition("/")[2]


def _order(key: str, is_folder: bool) -> list[tuple[bool, str]]:
    """What a listing is ordered by: the files of a folder come before its folders."""
    *above, name = key.split("/")
    return [*((True, folder) for folder in above), (is_folder, name)]


def _entries(path: str) -> Callable[[Any], list[Mapping[str, Any]]]:
    return lambda store: store.ls(path, detail=True, **_limits(store))


def _limits(store: Any) -> dict[str, float]:
    return {"timeout": SECONDS} if store.async_impl else {}


@cache
def _store(name: str, process: int) -> Any:
    """The store as all threads of a process use it. Credentials are found in the environment, by its library.

    Raises: StoreError: the library is not installed.
    """
    library = STORES[name]
    if find_spec("fsspec") is None or (library and find_spec(library) is None):
        raise StoreError(
            "{library} is not installed, which reads {store}://: install it with `pip install {library}`.",
            library=library,
            store=name,
        )
    import fsspec

    # listings are not kept: they would tell of objects as they were
    return fsspec.filesystem(name, use_listings_cache=False, **_SETTINGS.get(name, {}))


def _facts(entry: Mapping[str, Any]) -> StoredObject:
    """The version is the store's own where it has one, else the time of the last change."""
    names = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime", "created")
    version = next((entry[name] for name in names if entry.get(name)), "")
    return StoredObject(int(entry.get("size") or 0), str(version).strip('"'))
