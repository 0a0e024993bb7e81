"""Files and folders that are no part of a project → rows that a model predicts."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path

from labeler.core.errors import SourceError
from labeler.core.items import Modality, Problem
from labeler.files import stacks
from labeler.files.sources import IMAGE_SUFFIXES, Row, SourceColumns, is_table, read


def unseen_rows(
    sources: Sequence[Path], modality: Modality, column: str | None, as_stacks: bool
) -> Iterator[Row | Problem]:
    """The rows of the sources in their order.

    Args:   sources: image files, folders or zips of images, tables of texts or image paths, `.txt` files (a text a
            line). column: of the texts or image paths in tables, an obvious one by default. as_stacks: whether the
            slices of a series in files and folders are one stack.
    Raises: SourceError: a source cannot be read.
    """
    for of_tables, together in groupby(sources, is_table):
        rows = list(chain.from_iterable(_read(source, modality, column) for source in together))
        yield from stacks.stacked(rows.__iter__) if as_stacks and not of_tables else rows


def _read(source: Path, modality: Modality, column: str | None) -> Sequence[Row | Problem]:
    kind = source.suffix.lower()
    if source.is_file() and kind in IMAGE_SUFFIXES:
        return [Row(str(source), image=source)]
    if source.is_file() and kind == ".txt":
        try:
            lines = source.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise SourceError("{source} is not UTF-8: save it as UTF-8, or as a CSV table.", source=source) from None
        return [Row(f"{source.name} line {n}", text=line) for n, line in enumerate(lines, 1) if line.strip()]
    columns = SourceColumns(**{modality: column}) if is_table(source) else SourceColumns()
    return list(read(source, columns, modality=modality))
