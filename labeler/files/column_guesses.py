"""A table's columns and its first rows → which column holds the items, their labels, and the mark of the holdout."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from statistics import fmean

from labeler.core.items import Modality

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".dcm", ".dicom")

# Usual names of columns by what they hold, the most likely first.
# fmt: off
_CONTENT: dict[Modality, tuple[str, ...]] = {
    "text": (
        "text", "sentence", "review", "document", "content", "body", "comment", "message", "utterance",
        "텍스트", "문장", "본문", "내용", "리뷰", "댓글", "문서", "발화",
    ),
    "image": (
        "image", "image_path", "img", "file", "filename", "file_name", "filepath", "file_path", "path",
        "이미지", "파일", "파일명", "경로", "사진",
    ),
}
_LABEL = (
    "label", "labels", "class", "category", "target", "sentiment", "diagnosis", "y",
    "라벨", "레이블", "클래스", "분류", "범주", "카테고리", "유형", "정답", "감성", "진단",
)
_SPLIT = ("split", "subset", "set", "fold", "partition", "holdout", "분할", "구분")
# fmt: on
HOLDOUT = ("test", "holdout")  # values that mark a row of the holdout
LONG = 20  # letters of a text in the mean, from which on it is no name or code
CLEARLY = 2.0  # times as long as any other column: then it is the only long one
MOST_LABELS = 50  # different values that a column of labels has at most

Rows = Sequence[Sequence[str]]


def content(columns: Sequence[str], rows: Rows, modality: Modality | None = None) -> tuple[Modality, str] | None:
    """The column of the items, and what they are; None where that is not clear.

    A column with a usual name is taken, else one of image paths or the only one of long texts, whatever its name.

    Args: modality: of the project that the table is for.
    """
    order: list[Modality] = ["image", "text"] if modality == "image" else ["text", "image"]
    for kind in order:
        named = _named(_CONTENT[kind], columns)
        if named is not None and (kind == "text" or modality == "image" or _are_images(_values(columns, rows, named))):
            return kind, named
    if modality != "text":
        for column in columns:
            if _are_images(_values(columns, rows, column)):
                return "image", column
    texts = long_texts(columns, rows)
    if modality != "image" and texts and (len(texts) == 1 or texts[0][0] >= CLEARLY * texts[1][0]):
        return "text", texts[0][1]
    named = _named(_CONTENT["image"], columns)
    return ("image", named) if named is not None else None


def long_texts(columns: Sequence[str], rows: Rows) -> list[tuple[float, str]]:
    """The columns of running text with their mean length, the longest first."""
    lengths = []
    for column in columns:
        values = _values(columns, rows, column)
        if not values or _are_images(values) or len(set(values)) <= len(values) / 2:
            continue
        words = sum(any(letter.isspace() for letter in value) for value in values) / len(values)
        length = fmean(map(len, values))
        if length >= LONG and words >= 0.5:
            lengths.append((length, column))
    return sorted(lengths, reverse=True)


def label(columns: Sequence[str], rows: Rows, taken: Collection[str | None] = ()) -> str | None:
    """The column of known labels: one with a usual name and few different values; None where there is none."""
    for column in _all_named(_LABEL, columns):
        values = _values(columns, rows, column)
        few = len(set(values)) <= min(MOST_LABELS, max(2, len(values) / 2))
        if column not in taken and values and few:
            return column
    return None


def split(columns: Sequence[str], rows: Rows, taken: Collection[str | None] = ()) -> str | None:
    """The column that marks the holdout: one with a usual name in which some rows say so; None where there is none."""
    for column in _all_named(_SPLIT, columns):
        values = {value.strip().casefold() for value in _values(columns, rows, column)}
        if column not in taken and values & {*HOLDOUT} and len(values) > 1:
            return column
    return None


def _named(names: Sequence[str], columns: Sequence[str]) -> str | None:
    return next(_all_named(names, columns), None)


def _all_named(names: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    """The columns with these names, the likeliest name first."""
    by_name = {column.casefold(): column for column in columns}
    return (by_name[name] for name in names if name in by_name)


def _values(columns: Sequence[str], rows: Rows, column: str) -> list[str]:
    """The values of a column that are not empty; rows of another length have none."""
    at = columns.index(column)
    return [row[at] for row in rows if len(row) == len(columns) and row[at].strip()]


def _are_images(values: Sequence[str]) -> bool:
    """Whether nearly all values are names of images."""
    named = sum(PurePosixPath(value.strip().replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES for value in values)
    return bool(values) and named >= 0.9 * len(values)
