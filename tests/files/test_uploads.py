"""Where items come from: uploaded files keep their folders, and leave none that they are put into."""

from pathlib import Path, PurePosixPath

import pytest

from labeler.files.uploads import safe_name, source_in


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("scans/images/1.png", "scans/images/1.png"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\scans\\1.png", "C_/scans/1.png"),
        ("..", "file"),
    ],
)
def test_an_uploaded_file_stays_below_its_folder(name, below):
    assert safe_name(name) == PurePosixPath(below)


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (["a.csv"], "a.csv"),
        (["1.png"], "."),
        (["1.png", "2.png"], "."),
        (["scans/list.csv", "scans/images/1.png"], "scans/list.csv"),
        (["scans/cat/1.png", "scans/dog/2.png"], "scans"),
    ],
)
def test_the_source_is_the_table_among_the_files_or_their_folder(names, source):
    assert source_in(Path("stored"), names) == Path("stored") / source
