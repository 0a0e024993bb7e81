"""Feeds through the public API: added, listed, changed, looked at, removed; what came of them, and who may not."""

import pytest

from labeler.core.feeds import Feed, FeedState
from labeler.core.settings import FeedConfig
from labeler.feeds import folder as folders
from labeler.jobs import feeds
from labeler.projects import project as projects
from tests.api.v1.test_resources import ok
from tests.support.programs import program

P = "/projects/reviews/feeds"


@pytest.fixture
def client(project):
    return program()


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    place = tmp_path / "inbox"
    place.mkdir()
    monkeypatch.setenv(folders.VARIABLE, str(place))
    return place


def new(inbox, **settings):
    return {"name": "mail", "kind": "folder", "place": str(inbox), **settings}


def test_a_feed_is_added_once_changed_looked_at_and_removed(client, project, inbox):
    key = {"Idempotency-Key": "a key"}
    reply = client.post(P, json=new(inbox, every=5), headers=key)
    assert reply.headers["location"] == f"/api/v1/projects/{project.uid}/feeds/mail"
    assert ok(client.post(P, json=new(inbox, every=5), headers=key), 201) == ok(reply, 201)
    assert client.post(P, json=new(inbox)).status_code == 409
    assert ok(client.patch(f"{P}/mail", json={"paused": True}))["settings"]["paused"]
    assert client.post(f"{P}/mail/look-now").json()["detail"] == "The feed mail is paused: let it go on first."
    changed = ok(client.patch(f"{P}/mail", json={"paused": False, "every": 7.0}))
    assert (changed["settings"]["paused"], changed["settings"]["every"]) == (False, 7)
    assert ok(client.post(f"{P}/mail/look-now"), 202)["is_due"]
    ok(client.delete(f"{P}/mail"), 204)
    assert client.get(f"{P}/mail").status_code == 404


def test_what_came_of_a_feed_is_told_with_its_looks(client, project, inbox):
    ok(client.post(P, json=new(inbox)), 201)
    inbox.rmdir()
    feeds.look_once(projects.open_project(project.folder))
    (facts,) = ok(client.get(P))["items"]
    gone = f"{inbox} is not there, or is no folder."
    assert (facts["state"]["problem"], facts["state"]["failures"], facts["is_due"]) == (gone, 1, False)
    with project.store() as store:
        number = store.feeds.begin_look("mail")
        store.feeds.report(number, "reading", 3, 9, 1000)
    looking = ok(client.get(f"{P}/mail"))["state"]["looking"]
    assert (looking["step"], looking["done"], looking["total"], looking["bytes"]) == ("reading", 3, 9, 1000)
    first = ok(client.get(f"{P}/mail/looks", params={"limit": 1}))
    rest = ok(client.get(f"{P}/mail/looks", params={"cursor": first["next"]}))
    assert [look["problem"] for look in first["items"] + rest["items"]] == [None, gone]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("kind", "cursor", "shown"),
    [
        ("web", {"at": 3, "id": "b"}, '{"at": 3, "id": "b"}'),
        ("web", [3, "b"], '[3, "b"]'),
        ("web", {"at": 3}, '{"at": 3}'),
        ("sql", {"datetime": "2026-01-01T00:00:00"}, "2026-01-01T00:00:00"),
    ],
)
def test_a_cursor_of_any_form_is_shown(client, project, monkeypatch, kind, cursor, shown):
    state = FeedState("mail", cursor=cursor)
    monkeypatch.setattr(feeds, "all_feeds", lambda _: [Feed("mail", FeedConfig(kind, "crm"), state, is_due=False)])
    (facts,) = ok(client.get(P))["items"]
    assert facts["state"]["cursor"] == shown


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"place": "/etc"}, "whoever runs it names them in LABELER_WATCHED_FOLDERS"),
        ({"name": "a b"}, "cannot be the name of a feed"),
        ({"kind": "sql", "place": "crm"}, "needs the query of the new rows"),
        ({"every": 0}, "every"),
        ({"evry": 5}, "evry"),
    ],
)
def test_a_feed_that_may_not_be_read_or_is_wrong_is_refused_and_nothing_is_added(client, inbox, settings, says):
    reply = client.post(P, json=new(inbox) | settings)
    assert reply.status_code in (400, 422)
    assert says in reply.json()["detail"]
    assert ok(client.get(P))["items"] == []
