"""Backups: whole while others write, verified, never taken for whole when they are not, restored from every schema."""

import errno
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from labeler.core.errors import ConfigError, DamagedError
from labeler.core.items import Answer
from labeler.projects import backing_up, backup_settings, backups
from labeler.projects import project as projects
from labeler.projects.backing_up import back_up
from labeler.projects.backup_settings import superfluous
from labeler.projects.backups import Backup, BackupError, Manifest
from labeler.projects.project import Project
from labeler.store import schema
from labeler.store.accounts import Accounts
from labeler.store.driver import connect
from tests.support.fill import add
from tests.support.samples import text_config

MIGRATIONS = [migration.name for migration in schema.migrations.known().pending(Database(memory=True))]


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def reviews(home) -> Project:
    """A project with six items, one answer, an image, a model and a strategy."""
    project = projects.create(home / "reviews", text_config())
    for name in ("media/ab/abc.png", "models/round-0001.safetensors", "strategies/mine.py"):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_bytes(name.encode())
    for name in (
        "renditions/ab/abc.webp",
        "embeddings/key/vectors.f32",
        "embeddings/key/00000.f16",
        "worker.lock",
        "media/.1.part",
    ):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_bytes(b"not worth it")
    with project.store() as store:
        add(store, 6)
        store.answers.add("kim", [Answer("r1", 1, "label", "good")])
    return project


def answers(folder: Path) -> int:
    with projects.open_project(folder).store() as store:
        return store.items.labels_by("kim")


def test_answers_that_are_in_the_log_alone_are_in_the_backup_and_not_in_a_copy(reviews, tmp_path):
    """Row 7: the file alone had three of nine answers."""
    with reviews.store() as writer:  # a server that is running
        for number in range(2, 6):
            writer.answers.add("kim", [Answer(f"r{number}", number, "label", "good")])
        shutil.copy(reviews.database, tmp_path / "copied.sqlite")
        made = back_up(reviews.folder)
        with writer.write():  # one that is not committed
            writer.answers.add("kim", [Answer("r6", 6, "label", "good")])
            restored = backups.restore(back_up(reviews.folder, tmp_path / "second"), tmp_path / "meanwhile")
    with connect(tmp_path / "copied.sqlite") as copied:
        assert copied.execute("SELECT COUNT(*) FROM annotations").fetchone()[0] < 5
    backups.restore(made, tmp_path / "restored")
    assert answers(tmp_path / "restored") == answers(restored[0]) == 5


def test_a_backup_has_what_cannot_be_made_again_and_a_manifest_that_names_it(reviews):
    made = back_up(reviews.folder)
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert [file["path"] for file in manifest["files"]] == [
        "labels.sqlite",
        "media/ab/abc.png",
        "models/round-0001.safetensors",
        "project.toml",
        "strategies/mine.py",
    ]
    assert (manifest["kind"], manifest["schemas"]) == ("project", {"labels.sqlite": schema.migrations.version})
    assert all(len(file["sha256"]) == 64 and file["size"] for file in manifest["files"])
    assert backups.read(made.folder) == made
    assert made.is_whole


def test_only_files_that_are_never_changed_are_links(reviews):
    made = back_up(reviews.folder)
    assert [file.path for file in made.manifest.files if file.linked] == [
        "media/ab/abc.png",
        "models/round-0001.safetensors",
    ]
    assert (made.folder / "files/media/ab/abc.png").samefile(reviews.folder / "media/ab/abc.png")


def test_on_another_disk_files_are_copied_once_and_linked_to_the_backup_before(reviews, tmp_path, monkeypatch):
    link = os.link

    def across_disks(source: Path, target: Path) -> None:
        if Path(source).is_relative_to(reviews.folder):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target)

    monkeypatch.setattr(os, "link", across_disks)
    first, second = (back_up(reviews.folder, tmp_path / "disk") for _ in range(2))
    name = "files/media/ab/abc.png"
    assert not (first.folder / name).samefile(reviews.folder / "media/ab/abc.png")
    assert (second.folder / name).samefile(first.folder / name)


def test_a_home_is_backed_up_with_its_accounts_and_restored_with_the_rights_of_its_files(reviews, home, tmp_path):
    with Accounts(home / "accounts.sqlite") as accounts:
        accounts.accounts.add("kim", "hash")
    for name, mode in ((".secret", 0o600), ("access.toml", 0o640)):
        (home / name).write_text("[]")
        (home / name).chmod(mode)
    projects.create(home / ".archive" / "old", text_config())
    made = back_up(home)
    backups.restore(made, tmp_path / "new")
    names = {path.relative_to(tmp_path / "new").as_posix() for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert {
        ".secret",
        "access.toml",
        "accounts.sqlite",
        ".archive/old/project.toml",
        "reviews/strategies/mine.py",
    } < names
    assert [(tmp_path / "new" / name).stat().st_mode & 0o777 for name in (".secret", "access.toml")] == [0o600, 0o640]
    with Accounts(tmp_path / "new" / "accounts.sqlite") as accounts:
        assert [account.name for account in accounts.accounts.all()] == ["kim"]
    assert answers(tmp_path / "new" / "reviews") == 1
    backups.restore(made, tmp_path / "alone", "reviews")
    assert answers(tmp_path / "alone") == 1


def test_a_damaged_project_is_left_out_of_a_home_and_said_and_the_others_are_kept(reviews, home):
    broken = projects.create(home / "broken", text_config())
    broken.database.write_bytes(b"no database at all" * 400)
    made = back_up(home)
    assert list(made.manifest.left_out) == ["broken"]
    assert not made.is_whole
    assert any(file.path == "reviews/labels.sqlite" for file in made.manifest.files)
    assert not any(file.path.startswith("broken/") for file in made.manifest.files)
    with pytest.raises(DamagedError, match=r"broken/labels\.sqlite is damaged"):
        back_up(broken.folder)


@pytest.mark.parametrize("breaks_at", ["copy", "rename"])
def test_an_interrupted_backup_is_none_and_the_next_one_clears_it_away(reviews, monkeypatch, breaks_at):
    where = backups.default_place(reviews.folder)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(backing_up, "write_whole" if breaks_at == "rename" else "copy", interrupt)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)  # as a process that is killed
        with pytest.raises(KeyboardInterrupt):
            back_up(reviews.folder)
    (unfinished,) = where.glob(".*.part")
    assert backups.every(where) == []
    with pytest.raises(BackupError, match="interrupted"):
        backups.restore(backups.read(unfinished), reviews.folder.parent / "restored")
    made = back_up(reviews.folder)
    assert backups.every(where) == [made]
    assert not unfinished.exists()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(reviews, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(backing_up, "copy", full)
    with pytest.raises(BackupError, match=r"The disk with .* is full: nothing was kept"):
        back_up(reviews.folder)
    assert [path.name for path in backups.default_place(reviews.folder).iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["labels.sqlite", "media/ab/abc.png"])
def test_a_backup_that_was_changed_or_lacks_a_file_is_not_restored(reviews, tmp_path, name):
    made = back_up(reviews.folder)
    path = made.folder / "files" / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupError, match=f"{name} is not as it was written"):
        backups.restore(made, tmp_path / "restored")
    path.unlink()
    with pytest.raises(BackupError, match=f"{name} is missing"):
        backups.restore(made, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_nothing_is_restored_into_a_folder_that_is_there_or_out_of_a_path_that_leads_elsewhere(reviews, tmp_path):
    made = back_up(reviews.folder)
    with pytest.raises(BackupError, match="new folder"):
        backups.restore(made, reviews.folder)
    manifest = json.loads((made.folder / "manifest.json").read_text())
    manifest["files"][0]["path"] = "../../elsewhere"
    (made.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="lies outside"):
        backups.read(made.folder)


def test_the_source_that_a_backup_misses_is_said(tmp_path):
    with pytest.raises(BackupError, match="neither a project nor"):
        back_up(tmp_path)


def test_a_backup_of_every_earlier_schema_is_restored_and_opened(tmp_path):
    growing = tmp_path / "growing.sqlite"
    with connect(growing) as connection:
        database = Database(connection)
        for number, following in enumerate([*MIGRATIONS[1:], "none"], 1):
            schema.migrations.known().apply(database, stop_before=following)
            if number == 1:
                database.execute(
                    "INSERT INTO items (content_hash, split, text, source, added_at) VALUES ('a', 'pool', 't', 'r', '')"
                )
                database.execute(
                    "INSERT INTO annotations (request_id, item_id, annotator, action, label, at)"
                    " VALUES ('r1', 1, 'kim', 'label', 'good', '')"
                )
            connection.commit()
            folder = tmp_path / "home" / f"{number:02d}"
            folder.mkdir(parents=True)
            shutil.copy(Path(__file__).parent / "version_0_1" / "project.toml", folder)
            shutil.copy(growing, folder / "labels.sqlite")
    connection.close()
    restored = backups.restore(back_up(tmp_path / "home"), tmp_path / "restored")
    assert [folder.name for folder in restored] == [f"{number:02d}" for number in range(1, len(MIGRATIONS) + 1)]
    for folder in restored:
        assert answers(folder) == 1
        with projects.open_project(folder).store() as store:
            assert store.db.value("PRAGMA user_version") == schema.migrations.version
            assert store.audit.rows()[0].action == "project restored"


# ---------------------------------------------------------------- which are due, and which too many

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def backup_of(hours: float, whole: bool = True) -> Backup:
    """A backup that is so old."""
    at = (NOW - timedelta(hours=hours)).isoformat()
    left_out = {} if whole else {"broken": "it is damaged"}
    return Backup(Path(f"{hours}"), Manifest("home", "home", at, 1.0, [], {}, left_out, verified_at=at))


def test_old_backups_are_thinned_to_one_a_day_then_one_a_week_then_none():
    made = [backup_of(hours) for hours in range(24 * 60, 0, -6)]
    gone = {backup.folder for backup in superfluous(made, NOW, keep=30)}
    ages = [float(str(backup.folder)) for backup in made if backup.folder not in gone]
    assert [age for age in ages if age <= 24] == [24, 18, 12, 6]
    days = [age for age in ages if 24 < age <= 24 * 7]
    assert len(days) == len({(NOW - timedelta(hours=age)).date() for age in days})
    assert 3 <= len([age for age in ages if 24 * 7 < age <= 24 * 30]) <= 5
    assert max(ages) <= 24 * 30


def test_the_last_backup_that_is_whole_is_never_deleted():
    made = [backup_of(9000), backup_of(8000), backup_of(7000, whole=False), backup_of(6000, whole=False)]
    assert [float(str(backup.folder)) for backup in superfluous(made, NOW, keep=1)] == [9000, 7000]


def test_settings_of_the_home_say_when_and_where(reviews, home, tmp_path):
    assert backup_settings.next_at(home, NOW) == NOW
    (home / "home.toml").write_text('[backup]\nevery = 6\nwhere = "../disk"\nkeep = 10\n')
    assert backup_settings.place(home) == tmp_path / "disk"
    made = back_up(home, backup_settings.place(home))
    assert backup_settings.next_at(home, NOW) == made.made_at + timedelta(hours=6)
    (home / "home.toml").write_text("[backup]\nevery = 0\n")
    assert backup_settings.next_at(home, NOW) is None
    (home / "home.toml").write_text("[backup]\nevry = 6\n")
    with pytest.raises(ConfigError, match=r"backup\.evry"):
        backup_settings.home_settings(home)
