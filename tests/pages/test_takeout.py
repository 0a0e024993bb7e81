"""Taking the labels out on the Project page."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.testclient import TestClient

from labeler.access import tokens
from labeler.api import downloads
from labeler.core.items import Answer
from labeler.core.settings import TeamConfig
from labeler.projects import predictions
from labeler.projects.predictions import Predictions
from pages.project import takeout
from tests.support.fill import add, rank
from tests.support.pages import elements, everything, visit, widget


@pytest.fixture
def labeled(project):
    with project.store() as store:
        add(store, 4)
        store.answers.add("kim", [Answer("1", 1, "label", "good")])
    return project


def test_there_is_nothing_to_take_out_of_an_empty_project(project):
    assert not elements(visit("project"), "download_button")


def test_a_file_is_offered_in_each_form(labeled):
    app = visit("project")
    assert widget(app, "download_button", "Take the labels out").proto.label == "Take the labels out"
    assert "There are no predictions yet" in everything(app)
    widget(app, "radio", "Format").set_value("xlsx").run()
    assert "times are in UTC" in everything(app)
    widget(app, "radio", "Rows").set_value("answers").run()
    assert not app.exception
    assert "There are no predictions yet" not in everything(app)


def test_predictions_and_the_model_are_asked_for(labeled):
    with labeled.store() as store:
        rank(store, [2, 3, 4])
    app = visit("project")
    widget(app, "button", "Predict the items").click().run()
    widget(app, "button", "Make the model ready").click().run()
    with labeled.store() as store:
        assert [job.request.what for job in store.takeouts.all()] == ["model", "predictions"]


def test_predictions_that_were_made_are_offered(labeled):
    with labeled.store() as store:
        rank(store, [2, 3, 4])
    proba = np.array([[0.1, 0.9], [0.75, 0.25]])
    predictions.keep(labeled, Predictions("round-0001.safetensors", np.array([2, 3]), proba, ("good", "bad"), 0))
    app = visit("project")
    assert widget(app, "checkbox", "With the best model").value is True
    assert "2 predictions by round-0001." in everything(app)


def test_only_leads_take_the_labels_out(labeled):
    labeled.save(replace(labeled.config, team=TeamConfig(leads=("somebody",))))
    app = visit("project")
    assert "The leads of this project change it." in everything(app)
    assert not elements(app, "download_button")


def test_a_large_file_is_a_link_that_the_server_streams_and_that_ends(labeled, monkeypatch):
    monkeypatch.setattr(takeout, "IN_MEMORY", 0)
    app = visit("project")
    widget(app, "radio", "Rows").set_value("answers").run()
    (link,) = [e.proto.url for e in elements(app, "link_button") if e.proto.label == "Take the labels out"]
    client = TestClient(Starlette(routes=downloads.routes))
    reply = client.get(link)
    assert reply.headers["content-disposition"].startswith('attachment; filename="reviews-answers-')
    assert reply.text.splitlines()[1].startswith("1,")
    with labeled.store() as store:
        (row,) = store.audit.rows(action="exported")
    assert (row.how, row.what["rows"]) == ("page", "answers")
    assert client.get(link + "x").status_code == 401
    assert client.get(link.replace(labeled.uid, "0" * 32)).status_code == 401
    labeled.save(replace(labeled.config, team=TeamConfig(leads=("somebody",))))
    assert client.get(link).status_code == 403
    monkeypatch.setattr(tokens, "TOKEN_LIVES", timedelta(seconds=-1))
    assert client.get(link).status_code == 401


def test_a_large_file_of_another_tool_is_a_link_that_leaves_from_the_disk(labeled, monkeypatch):
    monkeypatch.setattr(takeout, "IN_MEMORY", 0)
    app = visit("project")
    widget(app, "radio", "Format").set_value("prodigy").run()
    (link,) = [e.proto.url for e in elements(app, "link_button") if e.proto.label == "Take the labels out"]
    reply = TestClient(Starlette(routes=downloads.routes)).get(link)
    assert reply.headers["content-disposition"].startswith('attachment; filename="reviews-prodigy-')
    assert [json.loads(line)["accept"] for line in reply.text.splitlines() if "accept" in json.loads(line)] == [
        ["good"]
    ]
    assert not [*labeled.exports.iterdir()]


def test_a_file_of_another_tool_lies_where_backups_do_not_look(labeled):
    reply = downloads.file_for(labeled, "prodigy", ".jsonl")
    assert isinstance(reply, FileResponse)
    assert Path(reply.path).is_relative_to(labeled.exports)


def test_files_of_other_tools_say_what_they_do_not_hold(labeled):
    app = visit("project")
    widget(app, "radio", "Format").set_value("doccano").run()
    assert "doccano does not hold: labels of no class, which items are in the holdout" in everything(app)
    assert widget(app, "download_button", "Take the labels out")
    assert not app.exception


def test_formats_that_hold_nothing_of_the_project_are_not_offered(labeled):
    formats = widget(visit("project"), "radio", "Format").options
    assert {"CSV", "Prodigy", "RIS"} < {*formats}
    assert not {"COCO", "ImageFolder"} & {*formats}
