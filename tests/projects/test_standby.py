"""The standby of a home: its copy is whole at any moment, and two servers never store answers for one home."""

import os
import time
from unittest.mock import Mock

import pytest

from labeler.core import lease
from labeler.core.items import Answer
from labeler.jobs import supervisor
from labeler.jobs.following import Follower, following
from labeler.projects import backup_settings, home_copy, standby
from labeler.projects import project as projects
from labeler.projects.home_copy import HomeCopy
from labeler.projects.project import Project
from labeler.projects.shelf import put_away
from labeler.projects.standby import StandbyError
from tests.support.fill import add


@pytest.fixture
def filled(project: Project) -> Project:
    """A project with six items, an image, a model and a strategy, and what can be made again."""
    for name in ("media/ab/abc.png", "models/round-0001.json", "strategies/mine.py", "renditions/ab/abc.webp"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text(name)
    with project.store() as store:
        add(store, 6)
    return project


@pytest.fixture
def home(filled):
    return filled.folder.parent


@pytest.fixture
def folder(home, tmp_path):
    """The standby of the home, without a copy."""
    standby.set_up(home, tmp_path / "second", every=1, lease=2)
    return tmp_path / "second"


@pytest.fixture
def follower(home, folder):
    following_ = Follower(home, backup_settings.home_settings(home).standby)
    yield following_
    following_.home_copy.close()


def answer(project: Project, number: int) -> None:
    with project.store() as store:
        store.answers.add("kim", [Answer(f"r{number}", number, "label", "good")])


def no_wait(_seconds: float) -> None:
    pass


def test_a_standby_that_is_taken_over_has_every_answer_and_file_until_its_moment(filled, folder, follower):
    answer(filled, 1)
    follower.copy()
    answer(filled, 2)
    (filled.folder / "models" / "round-0002.json").write_text("later")
    follower.copy()
    answer(filled, 3)  # lost with the first host
    taken = standby.take_over(folder, wait=no_wait)
    assert taken.holds == following(filled.folder.parent).holds
    assert taken.problems == {}
    there = projects.open_project(taken.home / filled.slug)
    with there.store() as store:
        assert store.items.labels_by("kim") == 2
        assert store.answers.latest() == taken.latest[filled.slug] < taken.holds
        assert store.audit.rows()[0].action == "standby taken over"
    kept = {path.relative_to(there.folder).as_posix() for path in there.folder.rglob("*") if path.is_file()}
    assert {"media/ab/abc.png", "models/round-0001.json", "models/round-0002.json", "strategies/mine.py"} <= kept
    assert not any(name.startswith("renditions") for name in kept)
    assert backup_settings.home_settings(taken.home).standby.to == ""


def test_a_first_server_that_lives_cannot_be_taken_over(folder, follower):
    follower.copy()

    def wait(_seconds: float) -> None:
        standby.leave_mark(folder)

    with pytest.raises(StandbyError, match="is alive"):
        standby.take_over(folder, wait=wait)
    assert standby.taken_over(folder) is None
    assert (folder / standby.COPY).is_dir()


def test_a_first_server_that_comes_back_in_the_last_moment_wins(folder, follower, monkeypatch):
    follower.copy()
    write = standby.write_whole

    def write_and_come_back(path, data):
        write(path, data)
        if path.name == standby.TAKEN_OVER:
            standby.leave_mark(folder)

    monkeypatch.setattr(standby, "write_whole", write_and_come_back)
    with pytest.raises(StandbyError, match="is alive"):
        standby.take_over(folder, wait=no_wait)
    assert standby.taken_over(folder) is None


def test_a_home_that_was_taken_over_gets_no_lease_and_writes_nothing_there(filled, home, folder, follower):
    follower.copy()
    lease.require(home)
    assert not lease.holds(home)
    taken = standby.take_over(folder, wait=no_wait)
    answer(filled, 1)
    follower.leave_marks()  # it ends by itself
    follower.copy()
    assert not lease.holds(home)
    assert following(home).taken_over
    assert not (folder / standby.COPY).exists()
    with projects.open_project(taken.home / filled.slug).store() as store:
        assert store.items.labels_by("kim") == 0


def test_a_disk_that_is_not_mounted_gives_no_lease_and_is_said(home, folder, follower, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _seconds: follower._is_over.set())
    follower.leave_marks()
    assert lease.holds(home)
    lease.require(home)
    follower._is_over.clear()
    folder.rename(folder.with_name("away"))
    folder.mkdir()  # the empty mount point
    follower.leave_marks()
    assert not lease.holds(home)
    follower._is_over.clear()
    follower.copy()
    assert "not mounted" in following(home).problem
    assert list(folder.iterdir()) == []


def test_a_copy_that_was_never_complete_cannot_be_taken_over(folder):
    with pytest.raises(StandbyError, match="is not complete"):
        standby.take_over(folder, wait=no_wait)


def test_a_folder_is_the_standby_of_one_home(folder, tmp_path, project):
    with pytest.raises(StandbyError, match="lie in each other"):
        standby.set_up(project.folder.parent, project.folder.parent / "second", 2, 30)
    other = tmp_path / "other"
    projects.create(other / "reviews", project.config)
    with pytest.raises(StandbyError, match="is the standby of"):
        standby.set_up(other, folder, 2, 30)
    with pytest.raises(StandbyError, match="is not empty"):
        standby.set_up(other, project.folder.parent, 2, 30)


def test_settings_of_the_home_keep_their_comments(home, tmp_path):
    (home / "home.toml").write_text("# ours\n[backup]\nkeep = 7  # days\n")
    standby.set_up(home, tmp_path / "second", 2, 0)
    assert backup_settings.home_settings(home).standby.lease == 0
    standby.end(home)
    assert (home / "home.toml").read_text() == "# ours\n[backup]\nkeep = 7  # days\n"


def test_what_is_gone_is_deleted_one_round_later(filled, home, tmp_path, monkeypatch):
    monkeypatch.setattr(home_copy, "SETTLED", 0.0)
    archived = projects.create(home / "old", filled.config)
    copy = HomeCopy(home, tmp_path / "copy")
    copy.bring_up_to_date()
    for name in ("media/ab/abc.png", "models/round-0001.json"):
        (filled.folder / name).unlink()
    put_away(archived, home, "trash")
    there = [tmp_path / "copy" / name for name in ("reviews/media/ab/abc.png", "reviews/models/round-0001.json", "old")]
    copy.bring_up_to_date()
    assert all(path.exists() for path in there)
    copy.bring_up_to_date()
    assert not any(path.exists() for path in there)
    copy.close()


def test_a_home_whose_disk_is_not_mounted_deletes_nothing(filled, home, tmp_path):
    copy = HomeCopy(home, tmp_path / "copy")
    copy.bring_up_to_date()
    filled.folder.rename(tmp_path / "away")
    for _ in range(3):
        with pytest.raises(StandbyError, match="is its disk mounted"):
            copy.bring_up_to_date()
    assert (tmp_path / "copy" / filled.slug / "media" / "ab" / "abc.png").exists()
    copy.close()


def test_images_that_are_there_are_not_looked_at_again(filled, home, tmp_path, monkeypatch):
    past = time.time() - 60
    for path in (filled.folder / "media" / "ab", filled.folder / "media"):
        os.utime(path, (past, past))
    copy = HomeCopy(home, tmp_path / "copy")
    copy.bring_up_to_date()
    look = Mock()
    monkeypatch.setattr(home_copy, "_content", look)
    copy.bring_up_to_date()
    assert look.call_count == 0
    copy.close()


def test_one_damaged_database_keeps_no_other_from_being_copied(filled, home, tmp_path):
    broken = projects.create(home / "broken", filled.config)
    broken.database.write_bytes(broken.database.read_bytes()[:18] + b"\2\2" + os.urandom(8000))
    copy = HomeCopy(home, tmp_path / "copy")
    done = copy.bring_up_to_date()
    assert list(done.problems) == ["broken/labels.sqlite"]
    answer(filled, 1)
    copy.bring_up_to_date()
    copy.close()
    with projects.open_project(tmp_path / "copy" / filled.slug).store() as store:
        assert store.items.labels_by("kim") == 1


def test_serve_stores_nothing_without_a_lease_and_ends_where_somebody_took_over(home, folder, follower, monkeypatch):
    monkeypatch.setattr(supervisor, "Child", Mock())
    guard = supervisor.Guard(home, {})
    guard.look()
    assert not guard.may_serve()  # before the first mark
    monkeypatch.setattr(time, "sleep", lambda _seconds: follower._is_over.set())
    follower.leave_marks()
    assert guard.may_serve()
    follower._is_over.clear()
    follower.copy()
    standby.take_over(folder, wait=no_wait)
    follower.copy()
    with pytest.raises(StandbyError, match="answers are stored there"):
        guard.look()
    standby.end(home)
    assert supervisor.Guard(home, {}).may_serve()
