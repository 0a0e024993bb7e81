"""Feeds on the Project page: added, refused, with what came of them, paused and removed."""

import pytest

from labeler.core.feeds import Came
from labeler.core.items import Problem
from labeler.feeds import folder as folders
from labeler.jobs import feeds as job
from labeler.projects import project as projects
from tests.support.fill import add_labeled
from tests.support.pages import everything, visit, widget


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    place = tmp_path / "inbox"
    place.mkdir()
    monkeypatch.setenv(folders.VARIABLE, str(place))
    return place


def added(app, name: str, place: str):
    widget(app, "text_input", "Name of the feed").set_value(name)
    widget(app, "text_input", "Path of the folder").set_value(place)
    app = widget(app, "button", "Add the feed").click().run()
    assert not app.exception, app.exception
    return app


def test_a_feed_is_added_shown_with_its_trouble_paused_and_removed(project, inbox):
    app = added(visit("project"), "mail", "/etc")
    assert f"whoever runs it names them in {folders.VARIABLE}" in everything(app)
    app = added(app, "mail", str(inbox))
    assert "**mail**" in everything(app)
    assert "not looked at yet" in everything(app)

    inbox.rmdir()
    job.look_once(projects.open_project(project.folder))
    app.run()
    assert f"{inbox} is not there, or is no folder." in everything(app)
    app = widget(app, "button", "Look now").click().run()
    assert "waits for the worker" in everything(app)
    assert job.get(projects.open_project(project.folder), "mail").is_due
    widget(app, "button", "Pause").click().run()
    assert "is not there" not in everything(app)
    assert projects.open_project(project.folder).config.feeds["mail"].paused
    with project.store() as store:
        store.feeds.report(store.feeds.begin_look("mail"), "reading", 1500, 0, 43_000)
        bars = [bar.proto.text for bar in app.run().get("progress")]
        assert bars == ["Reading: 1,500 so far (43 kB) …"]
        store.feeds.looked("mail", Came(refused=[Problem("a.csv", "has no text")] * 25), 0)
    assert "Not imported: 20 or more" in [button.proto.popover.label for button in app.run().get("popover")]
    widget(app, "button", "Remove").click().run()
    assert projects.open_project(project.folder).config.feeds == {}


def test_a_round_that_is_asked_for_does_not_move_the_parts_of_the_page_which_would_close_them(project):
    def place(app):
        return [at for at, part in app.main.children.items() if getattr(part, "label", "") == "New items by themselves"]

    with project.store() as store:
        add_labeled(store, 20, 5)
        before = place(visit("project"))
        store.rounds.request("test")
    assert len(before) == 1
    assert place(visit("project")) == before
