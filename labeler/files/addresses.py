"""Addresses of objects in a store, such as `s3://bucket/scans/1.png`: which ones this server may read, and how they are
shown.

An address names a store, a bucket and a key, and nothing else. Who may read the object is a matter of the environment
of the server, so an address with a name and a password, or with a signature, is refused and shown without them.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labeler.core.errors import SourceError, UnnamedStoreError

VARIABLE = "LABELER_OBJECT_STORES"  # addresses, with spaces between: what lies below them may be read
# The kinds of stores, with the library that reads each. Neither files of this machine nor web servers are among them:
# whoever names an address in the browser must not reach what only the server can.
STORES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
# What each library usually finds in the environment to prove who asks; docs/object-stores.md names further ways.
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
}
LONGEST_SHOWN = 300  # characters of an address in a message
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Address:
    """An object, or all objects below a key. The key of a whole bucket is empty."""

    store: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.store}://{self.path}"

    @property
    def path(self) -> str:
        """The address as the library of the store takes it."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix

    def is_below(self, other: "Address") -> bool:
        """Whether it is the other address, or lies below it. An address without a bucket is a whole store."""
        if (self.store, other.bucket or self.bucket) != (other.store, self.bucket):
            return False
        return not other.key or self.key == other.key or self.key.startswith(f"{other.key}/")


# What items are imported from: a file or folder of this machine, or objects of a store.
Source = Path | Address


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, and not as a path."""
    return "://" in text.replace("\\", "/")


def source_of(text: str) -> Source:
    """The source that a person has named. Raises: SourceError: it is an address that this server may not read."""
    return allowed(text) if is_address(text) else Path(text).expanduser()


def shown(text: str) -> str:
    """An address as it may stand in messages: without names, passwords and signatures.

    Where a name and a password may stand, nothing tells where they end, so that nothing of the rest is shown.
    """
    store, _, rest = text.strip().replace("\\", "/").partition("://")
    store = store if _SCHEME.fullmatch(store) else "…"
    if "@" in rest:
        return f"{store}://…"
    plain = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{store}://{_CONTROL.sub('…', plain)}"[:LONGEST_SHOWN]


def parsed(text: str) -> Address:
    """The address in a text. Raises: SourceError: it is none, or holds more than a store, a bucket and a key."""
    store, _, rest = text.strip().partition("://")
    bucket, _, key = rest.partition("/")
    if store not in STORES:
        raise SourceError(
            "{address} is in no object store: addresses begin with {stores}.",
            address=shown(text),
            stores=", ".join(f"{name}://" for name in STORES),
        )
    if "@" in bucket or ":" in bucket or "?" in rest or "#" in rest:
        raise SourceError(
            "{address} has a name, a password or a signature in it: give the address alone, and the credentials to"
            " whoever runs the server.",
            address=shown(text),
        )
    key = key.rstrip("/")
    if not _BUCKET.fullmatch(bucket) or _CONTROL.search(key) or (key and {"", ".", ".."} & {*key.split("/")}):
        raise SourceError("{address} is not the address of a bucket or of an object in one.", address=shown(text))
    return Address(store, bucket, key)


def allowed(text: str) -> Address:
    """The address in a text, if this server may read it.

    Raises: SourceError: it is none, or whoever runs the server has not named it.
    """
    address = parsed(text)
    check_allowed(address)
    return address


def check_allowed(address: Address, environment: Mapping[str, str] = os.environ) -> None:
    """Raises: UnnamedStoreError: whoever runs the server has not named the address. SourceError: what they have named
    is no store.
    """
    if not any(address.is_below(place) for place in places(environment)):
        raise UnnamedStoreError(
            "{address} is in no object store that this server may read: whoever runs it names them in {variable}.",
            address=address,
            variable=VARIABLE,
        )


def places(environment: Mapping[str, str] = os.environ) -> tuple[Address, ...]:
    """The addresses below which objects may be read. Raises: SourceError: one of them is none."""
    entries = environment.get(VARIABLE, "").replace(",", " ").split()
    return tuple(
        Address(entry.removesuffix("://"), "", "") if entry.removesuffix("://") in STORES else parsed(entry)
        for entry in entries
    )
