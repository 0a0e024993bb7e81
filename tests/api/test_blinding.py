"""What the browser gets of a holdout item is what it gets of a pool item."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.api.routes import routes
from labeler.api.v1.app import routes as v1_routes
from labeler.core.blinding import OPEN, is_blind
from labeler.core.items import Action, Answer, NewItem, Prediction, Reveal
from labeler.core.rounds import FinishedRound, Metrics, Ranked, RoundResult
from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from labeler.store.foreign import NewForeign
from tests.support.api import api, headers
from tests.support.fill import add
from tests.support.programs import bearer, program
from tests.support.samples import text_config

POOL, BLIND, HOLDOUT = 1, 2, 3  # ids; the second is of the pool, and comes without a prediction all the same


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes))


@pytest.fixture
def ranked(project):
    """Three items of a round whose model says "good" of all that it may say something about; another model of all."""
    with project.store() as store:
        store.items.add(
            [
                NewItem("a" * 32, "row 1", text="same", split="pool", metadata={"split": "train"}),
                NewItem("f" * 32, "row 2", text="same", split="pool", metadata={"split": "train"}),
                NewItem("b" * 32, "row 3", text="same", split="holdout", metadata={"split": "test"}),
            ]
        )
        store.rounds.request("test")
        strategies = ("margin", "margin", "holdout")
        ranking = tuple(Ranked(i, name, None) for i, name in enumerate(strategies, 1))
        predictions = [Prediction("good", 0.9), Prediction("good", 0.9), None]
        result = RoundResult(0, "margin", 7, None, ranking, 0.1, 0.2)
        finished = FinishedRound(1, result, [POOL, BLIND, HOLDOUT], predictions, model="models/m.safetensors")
        store.rounds.finish(store.rounds.claim(), finished)
        other = store.foreign.begin("GPT-like", "4", "gpt.csv", 0)
        store.foreign.put(other, [NewForeign(item, "good", confidence=0.9) for item in (POOL, BLIND, HOLDOUT)])
        store.foreign.finish([other])
    return project


def replies(client, item: int) -> dict[str, Any]:
    """All that the server says of an item, before and after it is answered, but for its id."""
    kim = headers("kim")

    def post(verb: str, **body: object) -> dict:
        return client.post(api(verb), json={"tab": "t", **body}, headers=kim).json()

    reserved = next(entry for entry in post("reserve", n=3)["items"] if entry["id"] == item)
    before = client.get(api(f"why/{item}"), headers=kim).json()
    sent = {"request_id": f"r{item}", "item_id": item, "action": "label", "label": "bad"}
    answered = post("answers", answers=[sent])
    again = client.get(api(f"items/{item}"), headers=kim).json()
    history = next(row for row in post("reserve", n=3, history=True)["history"] if row["item_id"] == item)
    return {
        "reserved": without_ids(reserved),
        "why": before,
        "receipt": without_ids(answered["receipts"][0]),
        "until": answered["progress"]["until_round"],
        "answered": without_ids(again),
        "history": without_ids(history),
        "why afterwards": client.get(api(f"why/{item}"), headers=kim).json(),
    }


def without_ids(reply: Any) -> Any:
    """A reply without the ids of the item and of the answer, which the browser has chosen."""
    if not isinstance(reply, dict):
        return reply
    return {name: without_ids(value) for name, value in reply.items() if name not in ("id", "item_id", "request_id")}


@pytest.mark.parametrize("reveal", get_args(Reveal))
@pytest.mark.parametrize("leads", [(), ("kim",), ("lee",)])
def test_no_reply_tells_a_holdout_item_from_one_of_the_pool(client, ranked, reveal, leads):
    labeling = replace(ranked.config.labeling, reveal=reveal)
    query = replace(ranked.config.query, seed_size=20)
    ranked.save(replace(ranked.config, labeling=labeling, query=query, team=TeamConfig(leads=leads)))
    holdout, blind = replies(client, HOLDOUT), replies(client, BLIND)
    assert holdout == blind
    if reveal == "never" and leads == ("lee",):  # then no item of the pool differs either, but for what Why may show
        pool = replies(client, POOL)
        assert {**pool, "why": 0, "why afterwards": 0} == {**blind, "why": 0, "why afterwards": 0}


def test_what_an_annotator_gets_names_neither_strategy_nor_split(client, ranked):
    ranked.save(replace(ranked.config, team=TeamConfig(leads=("lee",))))
    for item in (POOL, BLIND, HOLDOUT):
        text = repr(replies(client, item))
        assert not [word for word in ("holdout", "pool", "margin", "strategy': {", "test'") if word in text]


def test_the_predictions_of_open_items_are_still_shown(client, ranked):
    ranked.save(replace(ranked.config, labeling=replace(ranked.config.labeling, reveal="before")))
    shown = replies(client, POOL)["reserved"]
    assert shown["prediction"] == {"label": "good", "confidence": 0.9}
    assert shown["others"] == [{"model": "GPT-like 4", "label": "good", "confidence": 0.9}]


def test_the_count_to_the_next_round_goes_in_steps(client, ranked):
    ranked.save(replace(ranked.config, query=replace(ranked.config.query, seed_size=12)))
    assert replies(client, HOLDOUT)["until"] == 12
    assert replies(client, POOL)["until"] == 12  # eleven are missing
    assert replies(client, BLIND)["until"] == 10


def test_about_one_pool_item_in_five_is_blind_in_sql_as_well(store):
    store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"t{i}", split="pool") for i in range(256)])
    open_ids = {row["id"] for row in store.db.rows(f"SELECT id FROM items i WHERE {OPEN}")}
    items = store.items.all()
    assert {item.id for item in items if not is_blind(item)} == open_ids
    assert 0.15 < 1 - len(open_ids) / len(items) < 0.25


def answered(folder: Path, split: str, action: Action) -> dict[tuple[str, str], str]:
    """All that the API says of a project to an annotator, and to its lead, after the one answer since a round."""
    project = projects.create(folder, text_config(team=TeamConfig(leads=("lee",))))
    with project.store() as store:
        for first, side in ((0, "pool"), (10, "holdout")):
            add(store, 10, split=side, first=first)
        with store.write():  # they came with a later import
            store.db.execute("UPDATE items SET chance = 0.5 WHERE split = 'holdout'")
        store.rounds.request("test")
        result = RoundResult(4, "margin", 7, Metrics(5, 0.8, 0.4, 0.9, 0.8), (), 0.1, 0.2)
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, result, [], [], model="models/m.safetensors"))
        item = 5 if split == "pool" else 15
        store.answers.add("kim", [Answer("r", item, action, "good" if action == "label" else None, 1.0, "t")])
    said = {}
    for path, method in v1_routes():
        if method == "GET" and path.startswith("/projects/{p}") and path.count("{") == 1 and "/answers" not in path:
            for name in ("kim", "lee"):
                reply = program(bearer(user=name)).get(path.replace("{p}", project.uid))
                if reply.headers["content-type"].endswith("json"):
                    own = rf'{project.uid}|"folder":"{split}"|\d{{4}}-\d\d-\d\d[T ][^"]*'
                    said[name, path] = re.sub(own, "", reply.text)
    return said


@pytest.mark.parametrize("action", ["label", "flag"])
def test_no_figure_of_an_annotator_tells_whether_an_answer_was_of_the_holdout(own_home, action):
    pool, holdout = (answered(own_home / side, side, action) for side in ("pool", "holdout"))
    different = {key for key in pool if pool[key] != holdout[key]}
    assert ("lee", "/projects/{p}/status") in different  # so that the comparison would find it
    assert not {path for name, path in different if name == "kim"}
