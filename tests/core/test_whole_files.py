"""Files that are written whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labeler.core import whole_files
from labeler.core.whole_files import whole_file, write_whole


@pytest.fixture
def target(tmp_path):
    (tmp_path / "settings.txt").write_text("old")
    return tmp_path / "settings.txt"


@pytest.mark.parametrize("data", ["새 글\r\n", "새 글\r\n".encode()])
def test_text_and_bytes_are_written_unchanged(target, data):
    write_whole(target, data)
    assert target.read_bytes() == "새 글\r\n".encode()
    assert list(target.parent.iterdir()) == [target]


def test_a_failing_writer_leaves_the_old_file_and_nothing_beside_it(target):
    def write_half():
        with whole_file(target) as part:
            part.write_text("half of the n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_failing_rename_leaves_the_old_file_and_nothing_beside_it(target, monkeypatch):
    def refuse(*_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="the disk is gone"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("before", ["os.fsync", "pathlib.Path.replace"])
def test_a_process_killed_before_the_rename_leaves_the_old_file(target, before):
    module, _, name = before.rpartition(".")
    script = f"""
import os, pathlib, signal
from labeler.core.whole_files import write_whole
{module}.{name} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_whole(pathlib.Path({str(target)!r}), "new" * 1000)
"""
    root = Path(whole_files.__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", script], cwd=root)
    assert ended.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_the_file_reaches_the_disk_before_its_name_does_and_its_folder_after(target, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def spy_replace(path, other):
        events.append("rename")
        return replace(path, other)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    write_whole(target, "new")
    assert events == ["file", "rename", "folder"]
