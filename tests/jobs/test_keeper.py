"""What `serve` does from time to time: the check of databases, the backups that are due, the end of the logs."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from labeler.jobs import keeper
from labeler.jobs.keeper import Keeper
from labeler.projects import backup_settings, backups
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.fill import add

NOW = datetime.now(UTC)


@pytest.fixture
def filled(project: Project) -> Project:
    with project.store() as store:
        add(store, 3)
    return project


def test_a_backup_is_made_when_it_is_due_or_asked_for(filled):
    home = filled.folder.parent
    place = backup_settings.place(home)
    keeper.keep(home, False, NOW)
    keeper.keep(home, False, NOW)
    assert len(backups.every(place)) == 1
    keeper.ask_for_backup(home)
    keeper.keep(home, False, NOW)
    assert len(backups.every(place)) == 2
    assert not keeper.is_asked(home)
    assert keeper.is_due(home, NOW + timedelta(hours=25))


def test_after_a_failure_an_hour_is_waited_and_the_reason_is_kept(filled):
    home = filled.folder.parent
    (home / "home.toml").write_text(f'[backup]\nwhere = "{filled.folder / "project.toml"}"\n')
    keeper.keep(home, False, NOW)
    assert "exists" in json.loads((home / keeper.FILE).read_text())["failed"]
    assert not keeper.is_due(home, NOW + timedelta(minutes=30))
    assert keeper.is_due(home, NOW + timedelta(minutes=90))


def test_the_check_finds_the_damaged_database_alone(filled):
    home = filled.folder.parent
    broken = projects.create(home / "broken", filled.config)
    broken.database.write_bytes(b"no database at all" * 400)
    keeper.keep(home, True, NOW)
    assert keeper.kept(home).damaged == {"broken/labels.sqlite": "file is not a database"}


def test_once_serve_has_ended_the_database_alone_is_whole(filled, tmp_path):
    """Row 7: the app is killed, so that its log stays; a copy of the file had the last answers only by chance."""
    store = filled.store()  # of an app that is ended without closing it
    add(store, 5, first=10)
    keeper.end_logs(filled.folder.parent)
    shutil.copy(filled.database, tmp_path / "copied.sqlite")
    store.close()
    shutil.copy(tmp_path / "copied.sqlite", filled.database)
    with filled.store() as copied:
        assert copied.items.counts().pool == 8


def test_one_process_at_a_time_is_started_and_ended(filled, monkeypatch):
    started = []

    class Process:
        is_running = True

        def __init__(self, command: list[str], **_options: object) -> None:
            started.append(command[3:])

        def poll(self) -> int | None:
            return None if self.is_running else 0

        def terminate(self) -> None:
            self.is_running = False

        wait = poll

    monkeypatch.setattr(keeper, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(keeper, "LOOK_EVERY", 0.0)
    home = filled.folder.parent
    keeping = Keeper(home, {}, Process)  # type: ignore[arg-type]
    keeping.look()
    keeping.look()
    assert started == [["keep", str(home), "--check"]]
    keeping.stop()
    keeping.look()
    assert started[1:] == [["keep", str(home)]]
