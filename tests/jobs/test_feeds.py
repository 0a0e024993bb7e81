"""Feeds of new items: what comes in, once, and how trouble of one is its own."""

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labeler.core.errors import LabelerError, ProjectError
from labeler.core.feeds import Came
from labeler.core.items import Problem
from labeler.core.settings import FeedConfig
from labeler.feeds import folder as folders
from labeler.feeds.look import Brought, FeedError
from labeler.i18n.messages import translate
from labeler.jobs import feeds
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store.feeds import Feeds


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may be watched."""
    place = tmp_path / "watched" / "inbox"
    place.mkdir(parents=True)
    monkeypatch.setenv(folders.VARIABLE, str(place.parent))
    return place


@pytest.fixture(autouse=True)
def read_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks read in this process, which is quicker."""
    if "apart" not in request.keywords:

        def here(function: Callable[..., Any], *arguments: Any, on_message: Callable[[Any], None], **_: Any) -> Any:
            return function(*arguments, on_message)

        monkeypatch.setattr(feeds, "run_limited", here)


def drop(path: Path, content: str) -> None:
    """A file that was written a minute ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    os.utime(path, (time.time() - 60, time.time() - 60))


def look(project: Project) -> Project:
    """The project as it is now, once the worker has looked at each of its feeds."""
    project = projects.open_project(project.folder)
    for name, feed in project.config.feeds.items():
        if not feed.paused:
            feeds.look_now(project, name)
    while feeds.look_once(project):
        pass
    return project


def texts(project: Project) -> set[str]:
    with project.store() as store:
        return {str(store.items.get(int(item)).text) for item in store.items.columns().ids}


def test_an_empty_text_file_is_refused_by_its_own_name(project, inbox):
    drop(inbox / "notes" / "blank.txt", " \n")
    drop(inbox / "notes" / "one.txt", "a note")
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    look(project)
    assert texts(project) == {"a note"}
    with project.store() as store:
        assert store.feeds.states()["inbox"].refused == (Problem("notes/blank.txt", "the text is empty"),)


def test_what_is_refused_names_the_file_at_its_place_and_the_row_once(project, inbox):
    drop(inbox / "day" / "empty.csv", "text\n")
    drop(inbox / "day" / "a.csv", "text,shop\ngood,Seoul\nbad\n")
    drop(inbox / "notes" / "one.txt", "a note")
    drop(inbox / "notes" / "long.txt", "x" * 2_000_000)
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    look(project)
    with project.store() as store:
        refused = [
            translate(problem).partition(" of 2,000,000")[0] for problem in store.feeds.states()["inbox"].refused
        ]
    assert refused == [
        "notes/long.txt: has a cell",
        "day/a.csv row 3: has 1 fields where the header has 2",
        "day/empty.csv has no rows: there is nothing to read.",
    ]


def test_new_and_changed_files_of_a_watched_folder_become_items_once(project, inbox):
    drop(inbox / "day-1.csv", "text,shop\ngood,Seoul\nbad,Busan\n")
    drop(inbox / "notes" / "one.txt", "a note")
    drop(inbox / ".hidden.csv", "text\nhidden\n")
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    look(project)
    assert texts(project) == {"good", "bad", "a note"}

    drop(inbox / "day-1.csv", "text,shop\ngood,Seoul\nbad,Busan\nfair,Jeju\n")
    os.utime(inbox / "day-1.csv", (time.time() - 30, time.time() - 30))
    (inbox / "day-2.csv").write_text("text\nbeing written\n", encoding="utf-8")
    look(project)
    assert texts(project) == {"good", "bad", "a note", "fair"}
    with project.store() as store:
        state = store.feeds.states()["inbox"]
        assert (state.items, state.latest, state.problem) == (4, 1, "")
        assert not feeds.work(store)
    (latest,) = feeds.looks(project, "inbox", 1)
    assert (latest.done, latest.total, latest.added) == (3, 3, 1)  # rows of the changed file, though it was quick


def test_a_crash_before_a_look_is_recorded_repeats_without_harm(project, inbox, monkeypatch):
    drop(inbox / "a.csv", "text\none\ntwo\n")
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    with monkeypatch.context() as patched:
        patched.setattr(Feeds, "has_read", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(project)
    assert texts(project) == {"one", "two"}
    look(project)
    assert texts(project) == {"one", "two"}
    with project.store() as store:
        assert store.items.counts().pool + store.items.counts().holdout == 2
        assert store.feeds.states()["inbox"].looked_at is not None


def test_a_look_waits_for_an_import_by_hand(project, inbox):
    drop(inbox / "a.csv", "text\none\n")
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    with project.lock("import.lock"):
        looking = threading.Thread(target=look, args=(project,), daemon=True)
        looking.start()
        looking.join(0.5)
        assert looking.is_alive()
        assert texts(project) == set()
    looking.join(60)
    assert texts(project) == {"one"}


def test_the_trouble_of_a_feed_is_its_own(project, inbox):
    drop(inbox / "good.csv", "text\nfine\n")
    drop(inbox / "broken.json", "{")
    gone = inbox.parent / "gone"
    gone.mkdir()
    project = feeds.add(project, "gone", FeedConfig("folder", str(gone)))
    gone.rmdir()
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    look(project)
    look(project)
    assert texts(project) == {"fine"}
    with project.store() as store:
        states = store.feeds.states()
        (refused,) = states["inbox"].refused
        assert refused.source == "broken.json"
        assert states["inbox"].problem == ""
        assert str(states["gone"].problem) == f"{gone} is not there, or is no folder."
        assert states["gone"].failures == 2
        assert states["gone"].next_at > time.time() + 60


def test_feeds_ask_for_a_round_as_an_import_does_but_not_each_time(project, inbox):
    drop(inbox / "a.csv", "text\none\n")
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    look(project)
    with project.store() as store:
        assert store.rounds.waiting()
        job = store.rounds.claim()
        assert job.reason == "new items of a feed"
        store.rounds.fail(job, LabelerError("no"))
    drop(inbox / "b.csv", "text\ntwo\n")
    look(project)
    with project.store() as store:
        assert not store.rounds.waiting()
        assert not store.feeds.round_is_due("2000-01-01")
        assert store.feeds.round_is_due("2999-01-01")


def test_a_paused_feed_is_left_alone_and_a_changed_one_begins_anew(project, inbox):
    drop(inbox / "a.csv", "text\none\n")
    project = feeds.change(feeds.add(project, "inbox", FeedConfig("folder", str(inbox))), "inbox", paused=True)
    with project.store() as store:
        assert not feeds.work(store)
    project = look(feeds.change(project, "inbox", paused=False))
    with project.store() as store:
        assert store.feeds.states()["inbox"].items == 1
    other = inbox.parent / "other"
    other.mkdir()
    changed = project.config.feeds | {"inbox": FeedConfig("folder", str(other))}
    project = project.save(replace(project.config, feeds=changed))
    with project.store() as store:
        assert store.feeds.states()["inbox"].items == 0
    assert "inbox" not in look(feeds.remove(project, "inbox")).config.feeds


def test_what_a_feed_is_survives_the_file_of_settings(project, inbox):
    feed = FeedConfig("sql", "crm", every=5, query="SELECT id, body FROM t WHERE id > :since", cursor="id", text="body")
    project.save(replace(project.config, feeds={"crm": feed}))
    assert projects.open_project(project.folder).config.feeds == {"crm": feed}
    assert "paused" not in (project.folder / "project.toml").read_text(encoding="utf-8").partition("[feeds.crm]")[2]
    logged = json.dumps([row.after for row in project.store().settings_log.history()])
    assert "feeds.crm.query" in logged


def test_a_clock_that_goes_back_holds_no_feed_up(project, inbox):
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox), every=5))
    with project.store() as store:
        store.feeds.begin("inbox")
        store.feeds.looked("inbox", Came(), 1_000_000.0 + 300)
        assert store.feeds.due(1_000_000.0) == []
        assert store.feeds.due(1_000_300.0) == ["inbox"]
        assert store.feeds.due(900_000.0) == ["inbox"]


@pytest.mark.parametrize("end", [Brought(cursor=9, versions={"a.csv": "1"}), FeedError("It is not there.")])
def test_what_a_look_reads_says_nothing_about_another_place_of_the_feed(project, inbox, monkeypatch, end):
    (inbox / "other").mkdir()
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))

    def meanwhile(*_: Any, **__: Any) -> Brought:
        moved = feeds.change(project, "inbox", place=str(inbox / "other"))
        feeds.look_now(moved, "inbox")
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(feeds, "run_limited", meanwhile)
    feeds.look_once(project)
    moved = projects.open_project(project.folder)
    feed = feeds.get(moved, "inbox")
    assert (feed.is_due, feed.state.cursor, feed.state.problem, feed.state.looked_at) == (True, None, "", None)
    with moved.store() as store:
        assert store.feeds.unread("inbox", {"a.csv": "1"}) == {"a.csv"}


def test_who_pulls_a_feed_of_a_project_that_is_archived_meanwhile_waits_no_longer(project, inbox, monkeypatch):
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    archived: list[Path] = []

    def archive(_: float) -> None:
        assert not archived, "it waits for ever"
        archived.append(project.folder.rename(project.folder.with_name("archived")))

    monkeypatch.setattr(feeds.time, "sleep", archive)
    with project.lock("feed-inbox.lock"), pytest.raises(ProjectError, match="is not a project"):
        feeds.pull(project, "inbox")


def test_who_pulls_a_feed_that_is_paused_meanwhile_waits_no_longer(project, inbox, monkeypatch):
    project = feeds.add(project, "inbox", FeedConfig("folder", str(inbox)))
    paused: list[Project] = []

    def pause(_: float) -> None:
        assert not paused, "it waits for ever"
        paused.append(feeds.change(project, "inbox", paused=True))

    monkeypatch.setattr(feeds.time, "sleep", pause)
    with project.lock("feed-inbox.lock"):
        assert feeds.pull(project, "inbox").settings.paused
