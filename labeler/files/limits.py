"""What a file may unpack to: its totals are compared with the limits of the settings before anything is unpacked."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.files.addresses import Address, Source
from labeler.files.zip_directory import Packed

USUAL = LimitsConfig()  # where there is no project yet
MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30
MOST_RATIO = 200  # bytes that a packed byte may become; photographs and spreadsheets reach 1 to 30
_ENCRYPTED = 0x1  # in an entry's flags
SMALL = 100 * MEBIBYTE  # unpacked bytes below which the ratio is of no concern


def check_unpacked(name: str, unpacked: int, most: float, setting: str, packed: int) -> None:
    """Refuse a zip that would unpack to too much; what an entry states is never exceeded when it is read.

    Args:   unpacked: bytes that its entries state. most: bytes in all. setting: that holds the limit. packed: bytes of
            the file.
    Raises: SourceError: names the file, its size and the setting.
    """
    check_size(name, unpacked, most, setting)
    if unpacked > SMALL and unpacked > MOST_RATIO * packed:
        raise SourceError(
            "{name} would unpack to {ratio:,} times its size, as no zip of images or workbook does: it is not opened.",
            name=name,
            ratio=unpacked // max(1, packed),
        )


def within_limits(source: Path, files: Iterable[Packed], limits: LimitsConfig) -> Iterator[Packed]:
    """The files of a zip of images; behind the last one it is refused if it unpacks to too much or has a password.

    Raises: SourceError: names the zip.
    """
    unpacked, is_protected = 0, False
    for packed in files:
        unpacked += packed.entry.file_size
        is_protected = is_protected or is_encrypted(packed.entry)
        yield packed
    most = limits.unpacked_gigabytes * GIBIBYTE
    check_unpacked(source.name, unpacked, most, "limits.unpacked_gigabytes", source.stat().st_size)
    check_password(source.name, is_protected)


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Whether a file of a zip is protected by a password."""
    return bool(entry.flag_bits & _ENCRYPTED)


def check_password(name: str, is_protected: bool) -> None:
    """Refuse a zip that is protected by a password.

    Raises: SourceError: names the file.
    """
    if is_protected:
        raise SourceError(
            "{name} is protected by a password: unpack it, and give the folder or a zip without a password.", name=name
        )


def check_size(name: str, unpacked: int, most: float, setting: str) -> None:
    """Refuse a file that would unpack to more bytes than a setting allows.

    Raises: SourceError: names the file, its size and the setting.
    """
    if unpacked > most:
        raise SourceError(
            "{name} would unpack to {megabytes:,} MB, and the limit is {most:,} MB: divide it, or raise the setting"
            " {setting}.",
            name=name,
            megabytes=unpacked // MEBIBYTE,
            most=int(most) // MEBIBYTE,
            setting=setting,
        )


def check_columns(name: str, columns: int, limits: LimitsConfig) -> None:
    """Refuse a table with too many columns.

    Raises: SourceError: names the file, the number and the setting.
    """
    if columns > limits.table_columns:
        raise SourceError(
            "{name} has {columns:,} columns, and the limit is {most:,}: leave out what is not needed, or raise the"
            " setting limits.table_columns.",
            name=name,
            columns=columns,
            most=limits.table_columns,
        )


def check_rows(name: str, rows: int, limits: LimitsConfig) -> None:
    """Refuse a table with too many rows.

    Raises: SourceError: names the file and the setting.
    """
    if rows > limits.table_rows:
        raise SourceError(
            "{name} has more than {most:,} rows: divide it, or raise the setting limits.table_rows.",
            name=name,
            most=limits.table_rows,
        )


def is_light(source: Source, most: int = 2 * MEBIBYTE) -> bool:
    """Whether a source is a text table so small that the process which was asked can read it at once."""
    suffixes = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
    if isinstance(source, Address) or not source.is_file():
        return False
    return source.suffix.lower() in suffixes and source.stat().st_size <= most
