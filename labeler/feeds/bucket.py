"""Objects of a store below an address that this server may read. Images stay there; tables and texts are copied."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labeler.core.errors import ImageError, StoreError
from labeler.feeds.files import Seen
from labeler.files.addresses import Address
from labeler.files.objects import listing, read
from labeler.i18n.messages import Message


@dataclass(frozen=True)
class Bucket:
    """The objects below an address."""

    address_of_all: Address

    def files(self, after: str = "") -> Iterator[Seen]:
        """The objects by their keys, other than hidden ones; those behind the key `after`.

        Raises: StoreError, SourceError: they cannot be listed, or may not be.
        """
        for entry in listing(self.address_of_all, after):
            key = entry.address.key
            if not any(part.startswith(".") for part in PurePosixPath(key).parts):
                yield Seen(key, f"{entry.known.version}-{entry.known.bytes}", entry.known.bytes)

    def fetch(self, seen: Seen, target: Path) -> str:
        """Copy an object; why that cannot be done, "" if it is. Raises: StoreError: the store does not answer."""
        try:
            target.write_bytes(read(self._address(seen)))
        except StoreError:
            raise
        except ImageError as error:
            return Message.of(error)
        return ""

    def address(self, seen: Seen) -> str:
        return str(self._address(seen))

    def _address(self, seen: Seen) -> Address:
        return Address(self.address_of_all.store, self.address_of_all.bucket, seen.name)
