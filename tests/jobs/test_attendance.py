"""A process attends to all projects: what goes wrong in one holds up no other, and the pages can say what it is."""

import pytest

from labeler.core.errors import LabelerError
from labeler.jobs import attendance
from labeler.jobs.attendance import attend, troubles_of, try_again
from labeler.projects import project as projects
from labeler.store.driver import sqlite3
from tests.support.samples import text_config


@pytest.fixture
def home(tmp_path):
    """A home with the projects a, b and c."""
    for name in "abc":
        projects.create(tmp_path / name, text_config())
    return tmp_path


class Work:
    """Counts how often each project is attended to; some fail."""

    def __init__(self, fails: dict[str, Exception]) -> None:
        self.fails = fails
        self.calls: list[str] = []

    def __call__(self, folder):
        self.calls.append(folder.name)
        if folder.name in self.fails:
            raise self.fails[folder.name]
        return True

    def run(self, home, turns):
        left = iter([False] * turns + [True])
        attend(home, "worker", self, 0, lambda: next(left))


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.DatabaseError("database disk image is malformed"),
        sqlite3.OperationalError("database or disk is full"),
        OSError(28, "No space left on device"),
        LabelerError("The settings are wrong."),
        MemoryError(),
    ],
)
def test_trouble_of_one_project_is_its_own_and_is_told_until_it_is_over(home, monkeypatch, error):
    monkeypatch.setattr(attendance, "LONGEST_WAIT", 1e6)
    monkeypatch.setattr(attendance, "FIRST_WAIT", 1e6)
    work = Work({"b": error})
    work.run(home, 3)
    assert work.calls == ["a", "b", "c", "a", "c", "a", "c"]  # it is not tried again at once
    trouble = troubles_of(home, home / "b")["worker"]
    assert str(error) in trouble.message
    assert troubles_of(home, home / "a") == {}
    work.fails = {}
    work.run(home, 1)
    assert troubles_of(home, home / "b") == {}


def test_it_waits_ever_longer_and_tries_at_once_when_somebody_asks(home, monkeypatch):
    now = 0.0
    monkeypatch.setattr(attendance.time, "monotonic", lambda: now)
    troubles = attendance.Troubles(home, "explainer")
    folder, waited = home / "a", []
    for _ in range(8):
        troubles.note(folder, LabelerError("It is wrong."))
        before = now
        while not troubles.due([folder]):
            now += 1
        waited.append(now - before)
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
    troubles.note(folder, LabelerError("It is wrong."))
    assert troubles.due([folder, home / "b"]) == [home / "b"]
    try_again(home)
    assert troubles.due([folder, home / "b"]) == [folder, home / "b"]


def test_what_is_wrong_is_written_without_new_room_on_the_disk(home):
    troubles = attendance.Troubles(home, "worker")
    before = (home / ".running" / "worker.troubles.json").stat()
    troubles.note(home / "a", sqlite3.OperationalError("database or disk is full"))
    after = (home / ".running" / "worker.troubles.json").stat()
    assert (after.st_ino, after.st_size, after.st_blocks) == (before.st_ino, before.st_size, before.st_blocks)
    assert set(troubles_of(home, home / "a")) == {"worker"}


def test_a_project_that_is_moved_away_is_no_trouble_any_more(home):
    work = Work({"b": sqlite3.DatabaseError("malformed")})
    left = iter([False, False, True])

    def stop() -> bool:
        if work.calls:
            (home / "b" / "project.toml").unlink(missing_ok=True)
        return next(left)

    attend(home, "worker", work, 0, stop)
    assert troubles_of(home, home / "b") == {}
