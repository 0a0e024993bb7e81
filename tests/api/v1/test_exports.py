"""Exports and predictions through the public API."""

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labeler.core.items import Answer, NewItem
from labeler.projects import predictions
from labeler.projects.predictions import Predictions
from tests.support.programs import program

P = "/projects/reviews"
READ: dict[str, Callable[[Any], pd.DataFrame]] = {
    "csv": pd.read_csv,
    "jsonl": lambda file: pd.read_json(file, lines=True),
    "parquet": pd.read_parquet,
    "xlsx": pd.read_excel,
}


@pytest.fixture
def client(project):
    with project.store() as store:
        store.items.add(
            [NewItem(str(i), f"row {i}", f"text {i}", label="good" if i else None, split="pool") for i in range(4)]
        )
    return program()


def test_an_export_is_a_file_that_the_log_knows(client, project):
    reply = client.get(f"{P}/export")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    name = f"reviews-answers-{date.today().isoformat()}.csv"
    assert reply.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert len(pd.read_csv(io.BytesIO(reply.content))) == 3
    with project.store() as store:
        (row,) = store.audit.rows(action="exported")
    assert (row.how, row.by, row.what["format"], row.after) == ("api", "kim", "csv", {"rows": 3})


@pytest.mark.parametrize("kind", READ)
def test_each_format_has_the_items(client, kind):
    reply = client.get(f"{P}/export", params={"rows": "items", "format": kind})
    assert reply.status_code == 200
    assert READ[kind](io.BytesIO(reply.content))["item_id"].tolist() == [1, 2, 3, 4]


def test_an_answer_that_comes_while_a_file_leaves_is_not_in_it(client, project):
    with client.stream("GET", f"{P}/export", params={"format": "jsonl"}) as reply:
        parts = reply.iter_bytes()
        first = next(parts)
        with project.store() as store:
            assert store.answers.add("lee", [Answer("r", 1, "label", "bad")])[0].ok
        whole = first + b"".join(parts)
    assert [json.loads(line)["annotator"] for line in whole.splitlines()] == ["import"] * 3


@pytest.mark.parametrize("query", ["rows=all", "format=exe", "predictions=perhaps"])
def test_what_is_no_export_is_refused(client, query):
    assert client.get(f"{P}/export?{query}").status_code == 400


def test_kept_predictions_come_in_pages_by_item_and_stand_in_the_export(client, project):
    assert client.get(f"{P}/predictions").json() == {"items": [], "next": None, "model": None, "job": None}
    proba = np.array([[0.25, 0.75], [0.9, 0.1]])
    predictions.keep(project, Predictions("round-0001.safetensors", np.array([4, 1]), proba, ("good", "bad"), 0))
    first = client.get(f"{P}/predictions", params={"limit": 1}).json()
    rest = client.get(f"{P}/predictions", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"] == [
        {"item_id": 1, "label": "good", "probability": 0.9, "probabilities": {"good": 0.9, "bad": 0.1}}
    ]
    assert ([item["item_id"] for item in rest["items"]], rest["next"], rest["model"]) == ([4], None, "round-0001")
    rows = client.get(f"{P}/export", params={"rows": "items", "format": "jsonl", "predictions": True}).text
    assert [json.loads(line)["predicted"] for line in rows.splitlines()] == ["good", None, None, None]


def test_predictions_are_asked_for_as_a_job(client, project):
    asked = client.post(f"{P}/predictions")
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert client.get(f"{P}/predictions").json()["job"] == asked.json()
    with project.store() as store:
        assert [row.how for row in store.audit.rows(action="take-out requested")] == ["api"]


def test_without_a_model_nothing_is_predicted(client, monkeypatch):
    monkeypatch.setattr("labeler.models.apart.run_limited", lambda work, *args, name, limits, load: work(*args))
    reply = client.post(f"{P}/predict", json={"texts": ["fine"]})
    assert (reply.status_code, reply.json()["detail"][:25]) == (422, "There is no model yet: la")
    assert client.post(f"{P}/predict", json={"texts": []}).status_code == 400
    assert client.post(f"{P}/predict", json={"texts": ["a"] * 1001}).status_code == 400


def test_two_that_predict_at_once_do_not_share_the_memory(client, project):
    with project.lock("predict.lock"):
        reply = client.post(f"{P}/predict", json={"texts": ["fine"]})
    assert (reply.status_code, "retry-after" in reply.headers) == (409, True)


def test_a_format_that_holds_nothing_of_the_project_is_refused_with_those_that_do(client):
    reply = client.get(f"{P}/export/coco")
    assert reply.status_code == 422
    assert (
        "COCO cannot hold texts. These formats hold the items of this project: label-studio, " in reply.json()["detail"]
    )
