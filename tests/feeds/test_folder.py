"""Which folders may be watched, and that no link leads out of them."""

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from labeler.feeds.folder import VARIABLE, FeedError, Seen, watched


def old(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/etc", "is in no folder that this server may watch"),
        ("in/../../secret", "is in no folder that this server may watch"),
        ("in/out", "is in no folder that this server may watch"),
        ("in/homes", "holds the projects of this server"),
        ("in", "holds the projects of this server"),
        ("in/homes/reviews", "holds the projects of this server"),
        ("in/none", "is not there"),
    ],
)
def test_a_folder_is_refused(tmp_path, place, reason):
    for name in ("in/homes/reviews", "secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "in" / "out").symlink_to(tmp_path / "secret")
    with pytest.raises(FeedError, match=reason):
        watched(str(tmp_path / place), tmp_path / "in" / "homes", {VARIABLE: f"/nowhere:{tmp_path / 'in'}"})


def test_no_link_leads_out(tmp_path):
    secret, inbox = old(tmp_path / "secret" / "key.csv"), tmp_path / "in"
    good = old(inbox / "day" / "a.csv", "text\ngood\n")
    (inbox / "b.csv").symlink_to(secret)
    (inbox / "linked").symlink_to(secret.parent)
    folder = watched(str(inbox), tmp_path / "homes", {VARIABLE: str(inbox)})
    assert [seen.name for seen in folder.files()] == ["day/a.csv"]
    target = tmp_path / "copy"
    assert folder.fetch(Seen("day/a.csv", "", 1), target) == ""
    assert target.read_text(encoding="utf-8") == good.read_text(encoding="utf-8")

    target.unlink()  # links take the places of files once they were listed
    assert folder.fetch(Seen("b.csv", "", 1), target) != ""
    assert folder.fetch(Seen("linked/key.csv", "", 1), target) == "is a link, or is reached by one"
    os.mkfifo(inbox / "pipe.csv")
    assert folder.fetch(Seen("pipe.csv", "", 1), target) != ""
    assert not target.exists()


def test_a_name_that_is_no_utf8_is_read_as_an_import_reads_it(tmp_path):
    korean = os.path.join(os.fsencode(tmp_path), "가.csv".encode("cp949"))
    Path(os.fsdecode(korean)).write_text("text\none\n", encoding="utf-8")
    os.utime(korean, (time.time() - 60, time.time() - 60))
    folder = watched(str(tmp_path), Path("/homes"), {VARIABLE: str(tmp_path)})
    (seen,) = folder.files()
    assert seen.name == "가.csv"
    assert folder.fetch(seen, tmp_path / "copy") == ""


def test_a_disk_that_does_not_answer_is_trouble_of_the_feed(tmp_path, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    old(tmp_path / "in" / "a.csv")
    folder = watched(str(tmp_path / "in"), Path("/homes"), {VARIABLE: str(tmp_path)})
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", fails)
        assert folder.fetch(Seen("a.csv", "", 1), tmp_path / "copy") == "cannot be read (Input/output error)"
    assert not (tmp_path / "copy").exists()
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", fails)
        try:  # pytest itself asks `os.stat`
            watched(str(tmp_path / "in"), Path("/homes"), {VARIABLE: str(tmp_path)})
        except FeedError as error:
            refused = str(error)
    assert "is not there" in refused
