"""Object rights: what was never given to an annotator is answered as if it were not there, and kept tokens end."""

from dataclasses import replace

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access import tokens
from labeler.api.routes import routes
from labeler.core.items import NewItem
from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from tests.support.api import api, headers, uid_of
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes))


@pytest.fixture
def led(project: Project) -> Project:
    """A project of five texts that lee leads, and of which kim was given the first two."""
    saved = project.save(replace(project.config, team=TeamConfig(leads=("lee",))))
    with saved.store() as store:
        add(store, 5)
        store.desk.reserve("kim", "t", 2)
    return saved


@pytest.fixture
def photographs(own_home, tmp_path) -> Project:
    """Three images that lee leads; the first was given to kim, the last came with a label."""
    made = projects.create(own_home / "scans", text_config(modality="image", team=TeamConfig(leads=("lee",))))
    (tmp_path / "in").mkdir()
    for i in range(3):
        Image.new("L", (8, 8), 40 * i).save(tmp_path / "in" / f"{i}.png")
    import_source(made, tmp_path / "in")
    with made.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
        third = store.items.get(3)
        store.items.add([NewItem(third.content_hash, third.source, media=third.media, label="good")])
        store.desk.reserve("kim", "t", 1)
    return made


def answer(client: TestClient, item: int, user: str, **changes: object) -> dict:
    body = {"request_id": f"r{item}", "item_id": item, "action": "label", "label": "good", **changes}
    reply = client.post(api("answers"), json={"tab": "t", "answers": [body]}, headers=headers(user))
    return reply.json()["receipts"][0]


def test_an_answer_needs_that_its_item_was_given_to_the_person(client, led):
    assert answer(client, 2, "kim")["ok"]
    assert answer(client, 4, "kim") == {
        "request_id": "r4",
        "ok": False,
        "reason": "the item 4 was not given to you.",
        "prediction": None,
    }
    assert answer(client, 4, "lee")["ok"]  # a lead sees and answers everything
    with led.store() as store:
        assert [(row["annotator"], row["item_id"]) for row in store.answers.export()] == [("kim", 2), ("lee", 4)]


def test_an_answer_after_its_reservation_has_ended_is_taken(client, led):
    with led.store() as store:
        store.desk.reserve("park", "t", 2, at=1e11)
        assert store.db.value("SELECT COUNT(*) FROM reservations WHERE annotator = 'kim'") == 0
    assert answer(client, 1, "kim")["ok"]


def test_a_strangers_answer_under_a_known_id_is_stored(client, led):
    with led.store() as store:
        store.desk.reserve("park", "t", 1)
    assert answer(client, 1, "kim", request_id="r")["ok"]
    assert answer(client, 3, "park", request_id="r", label="bad")["ok"]
    with led.store() as store:
        stored = [(row["annotator"], row["item_id"], row["label"]) for row in store.answers.export()]
    assert stored == [("kim", 1, "good"), ("park", 3, "bad")]


def test_why_tells_of_no_item_that_was_not_given(client, led):
    status = {
        (user, item): client.get(api(f"why/{item}"), headers=headers(user)).status_code
        for user in ("kim", "lee")
        for item in (1, 4)
    }
    assert status == {("kim", 1): 200, ("kim", 4): 404, ("lee", 1): 200, ("lee", 4): 200}


def test_a_picture_is_for_who_was_given_the_item_for_leads_and_where_its_label_came_with_the_data(client, photographs):
    with photographs.store() as store:
        (held,) = [item for item in (1, 2) if store.desk.is_offered("kim", item)]
        paths = {"held": store.items.get(held).picture, "other": store.items.get(3 - held).picture}
        paths["known"] = store.items.get(3).picture  # it may stand among the neighbours of kim's items
    status = {
        (user, name): client.get(api(path, "scans"), headers=headers(user, "scans")).status_code
        for user in ("kim", "lee")
        for name, path in paths.items()
    }
    assert status == {
        ("kim", "held"): 200,
        ("kim", "other"): 404,
        ("kim", "known"): 200,
        ("lee", "held"): 200,
        ("lee", "other"): 200,
        ("lee", "known"): 200,
    }
    tile = f"{paths['other']}/tile/0/0/0"
    assert client.get(api(tile, "scans"), headers=headers("kim", "scans")).status_code == 404


def test_a_viewers_token_shows_its_item_and_does_nothing_else(client, photographs):
    with photographs.store() as store:
        paths = {item: store.items.get(item).picture for item in (1, 2)}
    viewer = headers("kim", "scans", item=2)
    assert client.get(api(paths[2], "scans"), headers=viewer).status_code == 200
    assert client.get(api(paths[1], "scans"), headers=viewer).status_code == 404
    assert client.post(api("reserve", "scans"), json={"tab": "t"}, headers=viewer).status_code == 403
    renewed = client.post(api("token", "scans"), headers=viewer).json()["token"]
    assert tokens.check_token(renewed, uid_of("scans")).item == 2


def test_a_token_that_has_expired_is_exchanged_for_a_new_one(client, led, monkeypatch):
    old = headers("kim")
    now = tokens.datetime.now(tokens.UTC)

    class Later(tokens.datetime):
        @classmethod
        def now(cls, tz=None):
            return now + tokens.timedelta(hours=12)

    monkeypatch.setattr(tokens, "datetime", Later)
    assert client.get(api("news"), headers=old).status_code == 401
    assert client.post(api("token"), headers=old).status_code == 200
    now += tokens.timedelta(days=8)
    assert client.post(api("token"), headers=old).status_code == 401


def test_a_browser_learns_which_projects_are_gone(client, led):
    asked = {"projects": [uid_of(), "f" * 32, "reviews", "scans"]}
    reply = client.post(api("gone"), json=asked, headers=headers("kim"))
    assert reply.json() == {"projects": ["f" * 32, "scans"]}
    wrong = client.post(api("gone"), json={"projects": 3}, headers=headers("kim"))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "'projects' must be a list of at most 1000 uids.")
