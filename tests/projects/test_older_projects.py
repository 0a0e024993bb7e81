"""A project that version 0.1 made opens, is labeled on, and keeps its settings; its files are kept as text."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from labeler.core.items import Answer
from labeler.core.settings import ClassDetail
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store.driver import sqlite3
from labeler.store.schema import migrations

VERSION_0_1 = Path(__file__).parent / "version_0_1"


@pytest.fixture
def older(tmp_path) -> Project:
    """The project as version 0.1 left it: `project.toml`, and the database from its dump."""
    folder = tmp_path / "reviews"
    folder.mkdir()
    shutil.copy(VERSION_0_1 / "project.toml", folder)
    connection = sqlite3.connect(folder / "labels.sqlite")
    connection.executescript((VERSION_0_1 / "labels.sql").read_text(encoding="utf-8"))
    connection.close()
    return projects.open_project(folder)


def test_the_settings_of_an_older_version_are_read(older):
    config = older.config
    assert (config.name, config.classes, config.budget) == ("영화 리뷰", ("good", "bad"), 500)
    assert (config.query.batch, config.learner.kind, config.team.leads) == (3, "frozen", ("kim",))
    assert config.class_details == {"good": ClassDetail("q", "#1f77b4", "Worth it.")}


def test_an_older_database_is_migrated(older):
    older.store().close()
    assert migrations.known().pending(Database(older.database)) == []


def test_the_items_and_answers_of_an_older_version_are_kept(older):
    with older.store() as store:
        counts = store.items.counts("kim")
        assert (counts.pool, counts.holdout, counts.labeled, counts.mine) == (10, 2, 2, 1)
        history = [(row["item_id"], row["action"], row["label"]) for row in store.answers.history("kim")]
        assert history == [(5, "skip", None), (6, "label", "good")]


def test_an_older_project_gets_a_uid_that_stays(older):
    with older.store() as store:
        uid = store.uid()
        assert store.is_older()
    with older.store() as store:
        assert (len(uid), store.uid()) == (32, uid)


def test_an_answer_that_an_older_version_left_on_its_way_is_taken(older):
    late = [Answer("r3", 8, "label", "bad"), Answer("r4", 6, "label", "good"), Answer("r5", 12, "label", "bad")]
    with older.store() as store:
        receipts = store.answers.add("kim", late, offered_only=True)
    assert [receipt.ok for receipt in receipts] == [True, True, False]  # nobody was asked about item 12


def test_the_history_of_an_older_version_stays_append_only(older):
    with older.store() as store, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store.db.execute("UPDATE annotations SET label = 'bad' WHERE request_id = 'r1'")


def test_a_project_of_an_older_version_can_be_labeled_further(older):
    with older.store() as store:
        (reserved,) = store.desk.reserve("lee", "tab-2", 1)
        (receipt,) = store.answers.add("lee", [Answer("r3", reserved.item.id, "label", "bad")])
        assert receipt.ok
        assert store.items.labels()[reserved.item.id] == "bad"


def test_saving_the_settings_of_an_older_version_changes_one_line(older):
    before = (older.folder / "project.toml").read_text(encoding="utf-8")
    older.save(replace(older.config, budget=700))
    after = (older.folder / "project.toml").read_text(encoding="utf-8")
    assert after == before.replace("budget = 500", "budget = 700")
    assert projects.open_project(older.folder).config == replace(older.config, budget=700)
