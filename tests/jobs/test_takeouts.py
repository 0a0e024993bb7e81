"""Predictions for the rest of the items, and the model as a zip, made ready beside the rounds."""

import zipfile

import numpy as np
import pytest

from labeler.core.items import NewItem
from labeler.core.jobs import TakeoutRequest
from labeler.jobs.rounds import work_once
from labeler.jobs.takeouts import model_file, take_out_once
from labeler.models.pool_predictions import predict_unlabeled
from labeler.projects import predictions
from labeler.store import pool
from tests.support.samples import reviews


@pytest.fixture
def filled(project):
    """Sixty texts: the first forty of the pool have a label, ten do not, and ten are the holdout without labels."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text, None, label if i < 40 else None, "pool" if i < 50 else "holdout")
                for i, (text, label) in enumerate(reviews(60))
            ]
        )
        store.rounds.request("import")
    assert work_once(project)
    return project


def ask(project, what):
    with project.store() as store:
        store.takeouts.request(TakeoutRequest(what), "kim")
    assert take_out_once(project)
    with project.store() as store:
        return store.takeouts.all()[0]


def test_predictions_are_of_the_items_without_a_label_and_mostly_right(filled, monkeypatch):
    assert ask(filled, "predictions").state == "done"
    with filled.store() as store:
        kept = predictions.kept(filled, store)
    assert kept.items.tolist() == [*range(41, 61)]
    assert kept.proba.sum(axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    right = [
        ("good", "bad")[row.argmax()] == label for row, (_, label) in zip(kept.proba, reviews(60)[40:], strict=True)
    ]
    assert np.mean(right) >= 0.8
    assert kept.model == "round-0001.safetensors"
    monkeypatch.setattr(pool, "PART", 7)
    in_parts = predict_unlabeled(filled)
    assert in_parts.items.tolist() == kept.items.tolist()
    assert in_parts.proba == pytest.approx(kept.proba, abs=1e-6)


def test_the_model_is_a_zip_of_the_published_folder(filled):
    assert ask(filled, "model").state == "done"
    with zipfile.ZipFile(model_file(filled)) as archive:
        names = {*archive.namelist()}
    assert {"reviews/about.json", "reviews/README.md", "reviews/model.npz"} <= names
    assert [*filled.exports.iterdir()] == [model_file(filled)]


def test_without_a_model_the_job_says_what_is_missing(project):
    job = ask(project, "predictions")
    assert (job.state, str(job.error)) == (
        "failed",
        "There is no model yet: label items of two classes, and let a round train one.",
    )
