"""The JSON API: each route checks who asks, answers wrong requests with a sentence, and stores once."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.api.routes import routes
from labeler.core.items import Prediction, Reveal
from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.core.settings import LabelingConfig
from labeler.files.sources import SourceColumns
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.store.answers import Answers
from labeler.store.driver import sqlite3
from labeler.store.foreign import NewForeign
from labeler.store.leases import lease_time
from tests.support.api import api, headers, uid_of
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def client():
    return TestClient(Starlette(routes=routes))


def post(client, verb, body, **kwargs):
    return client.post(api(verb), json=body, headers=headers(**kwargs))


def test_every_route_refuses_requests_without_a_valid_token(client, store):
    add(store, 1)
    for route in routes:
        values = {"item_id": 1, "version": "0", "level": 0, "x": 0, "y": 0, "path": "good/a.png"}
        path = route.path_format.format(project=uid_of(), **values)
        for wrong in ({}, {"Authorization": "Bearer x"}, headers(project="other")):
            for method in route.methods - {"HEAD"}:
                reply = client.request(method, path, headers=wrong)
                assert reply.status_code == 401, path
                assert reply.json()["error"]


def test_items_come_without_the_models_opinion_and_in_order(client, store):
    add(store, 3)
    reply = post(client, "reserve", {"tab": "t", "n": 2}).json()
    assert [i["id"] for i in reply["items"]] == [1, 2]
    assert set(reply["items"][0]) == {"id", "text", "media", "metadata", "round", "prediction", "others", "first"}
    assert reply["items"][0]["prediction"] is None
    progress = {"mine": 0, "spent": 0, "budget": 3, "until_round": 4, "batch": 4, "round": 0}
    assert reply["progress"] == progress | {"labelers": 1, "wanted": False}


def test_an_answer_that_is_sent_again_is_acknowledged_again(client, store):
    add(store, 2)
    body = {
        "tab": "t",
        "answers": [{"request_id": "r1", "item_id": 1, "action": "label", "label": "good", "seconds": 1}],
    }
    for _ in range(2):
        reply = post(client, "answers", body).json()
        assert reply["receipts"] == [{"request_id": "r1", "ok": True, "reason": None, "prediction": None, "others": []}]
        assert reply["progress"]["mine"] == 1
    assert len(store.answers.export()) == 1


def test_a_refused_answer_says_why(client, store):
    add(store, 1)
    body = {"tab": "t", "answers": [{"request_id": "r1", "item_id": 1, "action": "label", "label": "no class"}]}
    (receipt,) = post(client, "answers", body).json()["receipts"]
    assert not receipt["ok"]
    assert "not a class" in receipt["reason"]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("reserve", {"tab": "t", "n": 0}),
        ("reserve", {"tab": "t", "n": "many"}),
        ("reserve", {"n": 3}),
        ("reserve", {"tab": "t", "release": ["1"]}),
        ("reserve", []),
        ("answers", {"tab": "t"}),
        ("answers", {"tab": "t", "answers": [3]}),
        ("answers", {"tab": "t", "answers": [{"request_id": "", "item_id": 1, "action": "skip"}]}),
    ],
)
def test_a_request_of_the_wrong_form_is_answered_with_a_sentence(client, store, verb, body):
    reply = post(client, verb, body)
    assert reply.status_code == 400
    assert reply.json()["error"].endswith(".")


def test_a_body_that_is_no_json_or_too_large_is_refused(client, store):
    for content in (b"{", b" " * 1_000_001):
        assert client.post(api("reserve"), content=content, headers=headers()).status_code == 400


def test_a_missing_project_is_said_to_be_gone(client, store):
    reply = client.post("/api/nope/reserve", json={"tab": "t"}, headers=headers(project="nope"))
    assert reply.status_code == 404
    assert "not here any more" in reply.json()["error"]


def test_a_path_cannot_leave_the_home(client, store):
    token = headers(project="..")
    assert client.post("/api/%2e%2e/reserve", json={"tab": "t"}, headers=token).status_code in (401, 404)


def test_an_answer_is_not_acknowledged_if_the_disk_is_full(client, store, monkeypatch):
    add(store, 1)

    def full(*args, **options):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Answers, "add", full)
    body = {"tab": "t", "answers": [{"request_id": "r1", "item_id": 1, "action": "skip"}]}
    reply = post(client, "answers", body)
    assert reply.status_code == 503
    assert "disk is full" in reply.json()["error"]
    assert "receipts" not in reply.json()


def test_images_are_served_and_those_that_browsers_do_not_show_are_converted(client, own_home, tmp_path):
    project = projects.create(own_home / "scans", text_config(modality="image"))
    pixels = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    Image.fromarray(pixels.astype(np.uint16) * 200).save(tmp_path / "in" / "b.tif")
    import_source(project, tmp_path / "in")
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
        paths = [store.items.get(item_id).picture for item_id in (1, 2)]
    for path in paths:
        reply = client.get(api(path, "scans"), headers=headers(project="scans"))
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "image/png"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.content.startswith(b"\x89PNG")
    for wrong in (paths[0].replace("media/1", "media/3"), paths[0][:-1] + "x", paths[0].replace("media/1", "media/2")):
        assert client.get(api(wrong, "scans"), headers=headers(project="scans")).status_code == 404


# ---------------------------------------------------------------- the desk's other verbs


def reveal(project, mode: Reveal, **labeling):
    return project.save(replace(project.config, labeling=LabelingConfig(reveal=mode, **labeling)))


def predicted(store, item: int, label: str, confidence: float) -> None:
    """A finished round in which the model said this of an item."""
    ranking = (Ranked(item, "margin", 1.0),)
    store.rounds.request("test")
    result = RoundResult(0, "margin", 7, None, ranking, 0.1, 0.2)
    predictions = [Prediction(label, confidence)]
    store.rounds.finish(store.rounds.claim(), FinishedRound(store.rounds.next_number(), result, [item], predictions))


def answer(item: int, label: str, **more) -> dict:
    return {
        "tab": "t",
        "answers": [{"request_id": f"r{item}", "item_id": item, "action": "label", "label": label, **more}],
    }


@pytest.mark.parametrize(
    ("mode", "before", "after"), [("never", False, False), ("after", False, True), ("before", True, True)]
)
def test_the_models_opinion_leaves_the_server_only_when_it_may_be_seen(client, project, store, mode, before, after):
    add(store, 2)
    predicted(store, 1, "good", 0.75)
    reveal(project, mode)
    prediction = {"label": "good", "confidence": 0.75}
    first = post(client, "reserve", {"tab": "t", "n": 1, "history": True})
    assert first.json()["items"][0]["prediction"] == (prediction if before else None)
    assert ("0.75" in first.text) is before  # nowhere else either
    receipt = post(client, "answers", answer(1, "bad", unsure=True, reveal="after")).json()["receipts"][0]
    assert receipt["prediction"] == (prediction if after else None)
    (row,) = post(client, "reserve", {"tab": "t", "n": 1, "history": True}).json()["history"]
    assert row.get("predicted") == ("good" if after else None)
    assert row["unsure"] == 1
    assert store.answers.export()[0]["reveal"] == "after"


@pytest.mark.parametrize(
    ("mode", "before", "after"), [("never", False, False), ("after", False, True), ("before", True, True)]
)
def test_other_models_stand_beside_it_by_name_and_are_kept_back_as_it_is(client, project, store, mode, before, after):
    add(store, 2)
    model = store.foreign.begin("GPT-like", "4", "gpt.csv", 0)
    store.foreign.put(model, [NewForeign(1, "good"), NewForeign(2, "good")])
    store.foreign.finish([model])
    reveal(project, mode)
    said = [{"model": "GPT-like 4", "label": "good", "confidence": None}]
    first = post(client, "reserve", {"tab": "t", "n": 2, "history": True})
    assert first.json()["items"][0]["others"] == (said if before else [])
    assert ("GPT-like" in first.text) is before  # nowhere else either
    receipt = post(client, "answers", answer(1, "bad")).json()["receipts"][0]
    assert receipt["others"] == (said if after else [])
    skipped = {"request_id": "s2", "item_id": 2, "action": "skip", "label": None}
    assert post(client, "answers", {"tab": "t", "answers": [skipped]}).json()["receipts"][0]["others"] == []
    rows = post(client, "reserve", {"tab": "t", "n": 1, "history": True}).json()["history"]
    assert [row["others"] for row in rows] == [said if before else [], said if after else []]


def test_a_too_long_note_and_an_unknown_reveal_are_refused(client, store):
    add(store, 1)
    for wrong in ({"note": "x" * 2001}, {"note": 3}, {"reveal": "always"}):
        (receipt,) = post(client, "answers", answer(1, "good", **wrong)).json()["receipts"]
        assert not receipt["ok"]
        assert next(iter(wrong)) in receipt["reason"]
    assert store.answers.export() == []


def test_an_earlier_item_comes_with_ones_own_answer_and_nobody_elses(client, store):
    add(store, 2)
    post(client, "answers", answer(1, "good"))
    mine = client.get(api("items/1"), headers=headers())
    assert mine.json()["text"] == "t0"
    assert mine.json()["answer"]["label"] == "good"
    assert client.get(api("items/1"), headers=headers("lee")).status_code == 404
    assert client.get(api("items/99"), headers=headers()).status_code == 404


def test_a_tab_that_leaves_frees_its_items(client, store):
    add(store, 2)
    post(client, "reserve", {"tab": "t", "n": 2})
    assert post(client, "leave", {"tab": "t"}).status_code == 200
    assert store.db.value("SELECT MAX(expires_at) FROM reservations") < lease_time() + 11


def test_predictions_are_confirmed_together_only_where_the_project_offers_it(client, project, store):
    add(store, 2)
    predicted(store, 2, "good", 0.9)
    assert post(client, "like", {"tab": "t", "n": 5}).status_code == 400
    reveal(project, "never", grid=True)
    (item,) = post(client, "like", {"tab": "t", "n": 5}).json()["items"]
    assert (item["id"], item["prediction"]["label"]) == (2, "good")


def test_guidelines_are_served_and_having_seen_them_is_remembered(client, project, store, tmp_path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "a.png")
    guidelines.write(project, "# Rules")
    guidelines.add_example(project, "good", "a.png", (tmp_path / "a.png").read_bytes())
    served = client.get(api("guidelines"), headers=headers()).json()
    assert "<h1>Rules</h1>" in served["html"]
    assert store.team.join("kim").guidelines == served["digest"]
    image = client.get(api("guidelines/good/a.png"), headers=headers())
    assert image.headers["content-type"] == "image/png"
    assert client.get(api("guidelines/%2e%2e/project.toml"), headers=headers()).status_code == 404


@pytest.fixture
def scans(own_home, tmp_path):
    """A project of a large photograph, a scan of 16 bit, and a small image from a table with further columns."""
    project = projects.create(own_home / "scans", text_config(modality="image"))
    folder = tmp_path / "in"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1700, 2500), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "large.png", compress_level=1)
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(folder / "deep.tif")
    Image.new("L", (8, 8)).save(folder / "small.png")
    (folder / "t.csv").write_text("file,age\nlarge.png,\ndeep.tif,\nsmall.png,61\n")
    import_source(project, folder / "t.csv", SourceColumns(image="file"))
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
    return project, noise


def test_an_item_comes_with_the_columns_that_the_project_shows_and_no_others(client, scans):
    project, _ = scans
    first = client.post(api("reserve", "scans"), json={"tab": "t", "n": 3}, headers=headers(project="scans")).json()
    assert [item["metadata"] for item in first["items"]] == [{}, {}, {}]
    project.save(replace(project.config, labeling=LabelingConfig(show_columns=("age", "site"))))
    reserved = client.post(api("reserve", "scans"), json={"tab": "t", "n": 3}, headers=headers(project="scans")).json()
    assert {item["id"]: item["metadata"] for item in reserved["items"]} == {1: {}, 2: {}, 3: {"age": "61"}}


def test_tiles_of_a_large_image_are_its_pixels(client, scans):
    def get(path):
        item_id, _, rest = path.partition("/")
        with scans[0].store() as store:
            picture = store.items.get(int(item_id)).picture
        return client.get(api(f"{picture}/{rest}".rstrip("/"), "scans"), headers=headers(project="scans"))

    about = json.loads(get("1").headers["x-image"])
    assert (about["width"], about["height"], about["levels"]) == (2500, 1700, 1)
    tile = get("1/tile/0/1/2")
    assert tile.headers["content-type"] == "image/png"
    assert "immutable" in tile.headers["cache-control"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(tile.content))), scans[1][1024:1536, 512:1024])
    assert get("1/tile/0/99/0").status_code == 404
    assert get("3/tile/0/0/0").status_code == 404


def test_a_scan_is_drawn_through_the_window_that_is_asked_for(client, scans):
    def get(query):
        with scans[0].store() as store:
            return client.get(api(store.items.get(2).picture + query, "scans"), headers=headers(project="scans"))

    full = get("?window=full")
    assert json.loads(full.headers["x-image"])["drawn"] == [0, 4095]
    own = get("?low=1000&high=1001&unit=")
    assert np.unique(np.asarray(Image.open(io.BytesIO(own.content)))).tolist() == [0, 255]
    for wrong in ("?low=1", "?low=a&high=2", "?low=2&high=1", "?low=nan&high=2", "?low=0&high=inf"):
        reply = get(wrong)
        assert reply.status_code == 400, wrong
        assert reply.json()["error"].endswith(".")
    assert get("?window=nothing").content == get("").content
