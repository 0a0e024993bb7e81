"""What the panel tells of an item, to whom, and what it keeps to itself."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.api.routes import routes
from labeler.core.items import Answer, NewItem, Reveal
from labeler.core.settings import TeamConfig
from labeler.jobs.explanations import Explainer
from labeler.jobs.rounds import work_once
from labeler.projects.project import Project, open_project
from tests.support.api import api, headers
from tests.support.fill import rank
from tests.support.samples import reviews

HOLDOUT = 60  # id of the only item that is held out


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes))


@pytest.fixture
def trained(project):
    """Sixty texts after a round that was trained on twenty imported labels; the last one is held out."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}", f"row {i}", text=text, label=label if i < 20 else None,
                    split="holdout" if i + 1 == HOLDOUT else "pool",
                )
                for i, (text, label) in enumerate(reviews(60))
            ]
        )  # fmt: skip
        store.rounds.request("import")
    work_once(project)
    return project


def revealing(project: Project, reveal: Reveal, **changes: Any) -> Project:
    """Args: project: as it was opened at first; later changes of its settings stay."""
    now = open_project(project.folder)
    return now.save(replace(now.config, labeling=replace(now.config.labeling, reveal=reveal, **changes)))


def why(client, item: int, part: str = "", user: str = "kim") -> dict:
    reply = client.get(api(f"why/{item}"), params={"part": part} if part else {}, headers=headers(user))
    assert reply.status_code == 200, reply.text
    return reply.json()


def label(project: Project, item: int, name: str, user: str = "kim") -> None:
    with project.store() as store:
        store.answers.add(user, [Answer(f"{user}-{item}-{name}", item, "label", name)])


def test_the_panel_describes_the_strategy(trained, client):
    with trained.store() as store:
        item = store.rounds.ranking(1)[0]
    strategy = why(client, item["item_id"])["strategy"]
    assert strategy["name"] == "margin"
    assert strategy["family"] == "uncertainty sampling"
    assert strategy["summary"] == "How close the two most likely classes are to a tie."
    assert (strategy["round"], strategy["rank"], strategy["score"]) == (1, item["rank"], item["score"])
    assert strategy["model"] == "models/round-0001.safetensors"


def test_the_strategy_is_for_leads(trained, client):
    trained.save(replace(trained.config, team=TeamConfig(leads=("lee",))))
    with trained.store() as store:
        item = store.rounds.ranking(1)[0]["item_id"]
    with trained.store() as store:
        store.desk.reserve("kim", "t", 60)
    assert why(client, item)["strategy"] is None
    assert why(client, item, user="lee")["strategy"]["name"] == "margin"
    assert why(client, HOLDOUT, user="lee")["strategy"] is None  # a lead answers as well


def test_the_panel_describes_random_own_and_missing_strategies(trained, client):
    own = trained.folder / "strategies" / "mine.py"
    own.parent.mkdir()
    own.write_text(
        "from strategies.base import scores\n"
        "@scores(needs='proba')\n"
        "def mine(c, rng):\n"
        '    """My own order of things. Source: me."""\n'
        "    return c.proba[:, 0]\n"
    )
    expected = {
        "random": ("control", ""),
        "mine": ("", "My own order of things."),
        "lost": ("", ""),
    }
    for name, (family, says) in expected.items():
        with trained.store() as store:
            rank(store, [30], strategy=name)
        strategy = why(client, 30)["strategy"]
        assert strategy["name"] == name
        assert says in strategy["summary"]
        assert family in strategy["family"]
        assert bool(strategy["summary"]) == (name != "lost")


def test_neighbours_are_those_that_the_annotator_may_know(trained, client):
    label(trained, 31, "good")
    label(trained, 32, "bad", user="lee")
    same = reviews(60)[30][0]  # item 31 and this one share their words
    with trained.store() as store:
        store.items.add([NewItem("e" * 30 + "00", "row", text=same.replace("number", "count"), split="pool")])
        store.rounds.request("again")
        asked = [item.id for item in store.items.all()][-1]
    work_once(trained)
    mine = why(client, asked)["neighbours"]
    assert mine["hidden"] is None
    assert len(mine["items"]) == 5
    first = mine["items"][0]
    assert (first["id"], first["label"], first["text"], first["media"]) == (31, "good", same, None)
    assert 0.8 < first["similarity"] <= 1
    values = [neighbour["similarity"] for neighbour in mine["items"]]
    assert values == sorted(values, reverse=True)
    others = why(client, asked, user="lee")["neighbours"]["items"]
    assert 31 not in [neighbour["id"] for neighbour in others]  # kim's answer is nobody else's to see
    revealing(trained, "never", show_others=True)
    assert why(client, asked, user="lee")["neighbours"]["items"][0]["id"] == 31


def test_without_a_model_the_panel_says_so(project, client):
    with project.store() as store:
        store.items.add([NewItem("0", "row", text="one", split="pool")])
    revealing(project, "before")
    panel = why(client, 1)
    assert panel["strategy"] is None
    assert panel["neighbours"] == {"hidden": "no model", "items": []}
    assert panel["saw"] == {"state": "hidden", "hidden": "no model"}


# ---------------------------------------------------------------- blindness


@pytest.mark.parametrize("part", ["saw", "local"])
def test_the_models_opinion_is_kept_from_whoever_must_not_know_it(trained, client, part):
    def hidden(item: int, user: str = "kim") -> str | None:
        answered = why(client, item, part, user)[part]
        assert (answered["state"] == "hidden") == ("hidden" in answered)
        if answered["state"] != "queued":
            assert set(answered) <= {"state", "hidden"}
        return answered.get("hidden")

    def asked() -> bool:
        with trained.store() as store:
            return store.explanations.waiting()

    assert hidden(30) == "never"  # the default
    label(trained, 30, "good")
    assert hidden(30) == "never"
    revealing(trained, "after")
    assert hidden(31) == "after"
    with trained.store() as store:
        store.answers.add("kim", [Answer("s", 31, "skip")])
    assert hidden(31) == "after"  # a skip is no answer
    assert hidden(30, user="lee") == "after"  # somebody else's answer is not lee's
    label(trained, HOLDOUT, "good")
    assert hidden(HOLDOUT) == "blind"
    revealing(trained, "before")
    assert hidden(HOLDOUT) == "blind"
    assert not asked()  # what is not shown is not computed either

    revealing(trained, "after")
    assert hidden(30) is None
    assert asked()
    with trained.store() as store:
        store.answers.add("kim", [Answer("u", 30, "undo")])
    assert hidden(30) == "after"
    revealing(trained, "before")
    assert hidden(31) is None


def test_a_computed_explanation_is_hidden_from_annotators_who_may_not_see_it(trained, client):
    revealing(trained, "after")
    label(trained, 30, "good")
    assert why(client, 30, "saw")["saw"]["state"] == "queued"
    Explainer().explain_next(trained)
    assert why(client, 30)["saw"]["state"] == "done"
    assert why(client, 30, user="lee")["saw"] == {"state": "hidden", "hidden": "after"}


def test_holdout_items_have_no_neighbours(trained, client):
    revealing(trained, "before")
    assert why(client, HOLDOUT)["neighbours"] == {"hidden": "blind", "items": []}


# ---------------------------------------------------------------- the route


def test_an_explanation_is_computed_once_and_then_answered_at_once(trained, client):
    revealing(trained, "before")
    panel = why(client, 30)
    assert set(panel) == {"strategy", "neighbours", "saw"}
    assert panel["saw"]["state"] == "queued"
    assert set(why(client, 30, "saw")) == {"saw"}
    Explainer().explain_next(trained)
    saw = why(client, 30, "saw")["saw"]
    assert saw["state"] == "done"
    assert {named["name"] for named in saw["result"]["classes"]} == {"good", "bad"}
    assert not Explainer().explain_next(trained)
    assert set(why(client, 30, "local")) == {"local"}


@pytest.mark.parametrize(("path", "status"), [("why/999", 404), ("why/1?part=all", 400)])
def test_wrong_requests_are_answered_with_a_sentence(trained, client, path, status):
    reply = client.get(api(path), headers=headers())
    assert reply.status_code == status
    assert reply.json()["error"].endswith(".")
