"""Files as a browser or a program sends them → files in a folder, and which of them an import reads."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from labeler.files.column_guesses import IMAGE_SUFFIXES


def safe_name(name: str) -> PurePosixPath:
    """The name of an uploaded file with its folders, below any folder that it is put into."""
    parts = PurePosixPath(name.replace("\\", "/").replace(":", "_").replace("\0", "_")).parts
    return PurePosixPath(*[part for part in parts if part not in ("/", "..")] or ["file"])


def source_in(folder: Path, names: Sequence[str]) -> Path:
    """The table or zip among the uploaded files, or else the folder of images."""
    tables = [name for name in names if PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES]
    if len(tables) == 1:
        return folder / safe_name(tables[0])
    tops = {safe_name(name).parts[0] if len(safe_name(name).parts) > 1 else "" for name in names}
    return folder / tops.pop() if len(tops) == 1 else folder
