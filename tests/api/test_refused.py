"""Answers that the server cannot take: they hold up no other, and wait for the person or the lead to deal with them."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.api.routes import routes
from labeler.store import thread_store
from labeler.store.driver import sqlite3
from tests.support.api import api, headers
from tests.support.fill import add


@pytest.fixture
def client(store):
    add(store, 9)
    return TestClient(Starlette(routes=routes))


def post(client, verb, body, user="kim"):
    content = json.dumps(body) if isinstance(body, dict) else body
    return client.post(api(verb), content=content, headers=headers(user))


def answer(request_id, item_id, label="good", **others):
    return {"request_id": request_id, "item_id": item_id, "action": "label", "label": label} | others


WRONG = [
    answer("w1", 10**30),
    answer("w2", 2, note="x" * 2001),
    answer("w3", 3, label="no class"),
    answer("w4", 99),
    answer("w5", 4, action="delete"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=["huge id", "long note", "no class", "no item", "no action"])
def test_a_wrong_answer_is_refused_alone(client, store, wrong):
    body = {"tab": "t", "answers": [answer("r1", 1), wrong, answer("r5", 5)]}
    reply = post(client, "answers", body)
    assert reply.status_code == 200, reply.text
    receipts = {receipt["request_id"]: receipt for receipt in reply.json()["receipts"]}
    assert {name: receipt["ok"] for name, receipt in receipts.items()} == {
        "r1": True,
        wrong["request_id"]: False,
        "r5": True,
    }
    (refused,) = store.refused.all()
    assert (refused.annotator, refused.request_id) == ("kim", wrong["request_id"])
    assert str(refused.reason) == receipts[wrong["request_id"]]["reason"]
    assert refused.item_id == (wrong["item_id"] if wrong["item_id"] < 100 else None)


def test_half_an_emoji_in_a_note_costs_neither_its_answer_nor_the_others(client, store):
    whole = json.dumps({"tab": "t", "answers": [answer("r1", 1, note="cut \U0001f600"), answer("r2", 2)]})
    reply = post(client, "answers", whole.replace("\\ude00", ""))
    assert [receipt["ok"] for receipt in reply.json()["receipts"]] == [True, True]
    assert store.answers.get("kim", 1)["note"] == "cut ?"
    assert store.refused.all() == []


def test_a_refused_answer_is_settled_once_it_is_stored(client, store):
    late = answer("r1", 42)
    post(client, "answers", {"tab": "t", "answers": [late]})
    assert len(store.refused.all()) == 1
    post(client, "answers", {"tab": "t", "answers": [late]})
    assert len(store.refused.all()) == 1  # once, however often it is sent
    add(store, 42)
    post(client, "answers", {"tab": "t", "answers": [late]})
    assert store.refused.all() == []
    assert post(client, "kept", {"requests": ["r1", "r2"]}).json() == {"settled": ["r1"]}


def test_the_person_and_the_lead_discard_what_was_refused(client, store):
    post(client, "answers", {"tab": "t", "answers": [answer("r1", 42), answer("r2", 43)]})
    assert post(client, "kept", {"dismissed": ["r1"]}, "lee").json() == {"settled": []}
    assert [refused.request_id for refused in store.refused.all()] == ["r2", "r1"]  # they are kim's
    post(client, "kept", {"dismissed": ["r1"]})
    (second,) = store.refused.all()
    store.refused.discard(second, "lead")
    assert store.refused.all() == []
    assert post(client, "kept", {"requests": ["r1", "r2"]}).json() == {"settled": ["r2"]}
    assert post(client, "kept", {"requests": ["r2"]}, "lee").json() == {"settled": []}


def test_the_lead_stores_what_was_refused_in_the_name_of_who_answered(client, store):
    long = answer("w2", 2, note="x" * 2001, unsure=True, reveal="after", seconds=3)
    post(client, "answers", {"tab": "t", "answers": [*WRONG, long]})
    receipts = {refused.request_id: store.answers.add_refused(refused, "lead") for refused in store.refused.all()}
    assert {name for name, receipt in receipts.items() if receipt.ok} == {"w2"}
    (stored,) = store.answers.export()
    assert [stored[name] for name in ("annotator", "item_id", "label", "note", "unsure", "reveal", "seconds")] == [
        *("kim", 2, "good", "x" * 2001, 1, "after", 3)
    ]
    assert {refused.request_id for refused in store.refused.all()} == {"w1", "w3", "w4", "w5"}
    assert all(receipt.reason for name, receipt in receipts.items() if name != "w2")
    (row,) = [row for row in store.audit.rows() if row.action == "refused answer stored"]
    assert (row.by, row.what, row.after) == ("lead", {"item": 2, "annotator": "kim"}, "good")


def test_an_endless_stream_of_nonsense_does_not_fill_the_disk(store, monkeypatch):
    monkeypatch.setattr("labeler.store.refused.MOST", 3)
    for i in range(5):
        store.refused.record("kim", f"r{i}", 1, {"note": "x" * 100_000, "more": "y" * 100_000}, "no")
    assert [refused.request_id for refused in store.refused.all()] == ["r2", "r1", "r0"]
    assert store.db.value("SELECT MAX(length(answer)) FROM refused_answers") < 5000


def test_a_request_waits_no_longer_than_a_moment_for_a_lock(client, store, monkeypatch):
    monkeypatch.setattr(thread_store, "PATIENCE_OF_REQUESTS", 50)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        reply = post(client, "answers", {"tab": "t", "answers": [answer("r1", 1)]})
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert post(client, "answers", {"tab": "t", "answers": [answer("r1", 1)]}).json()["receipts"][0]["ok"]
