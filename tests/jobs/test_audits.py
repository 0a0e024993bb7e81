"""Audits: rounds are measured anew by the holdout's labels of today, beside the worker."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.core.errors import TrainingError
from labeler.core.items import NewItem
from labeler.core.settings import LabelingConfig
from labeler.jobs import audits
from labeler.jobs.audits import audit_once
from labeler.jobs.rounds import work_once
from labeler.report.sentences.control import sentences
from tests.support.fill import answer
from tests.support.samples import reviews


@pytest.fixture
def filled(project):
    """Sixty unlabeled texts in the pool, twenty in the holdout, of which ten have a label, and a round asked for."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout", label=label if i < 10 else None)
                if i < 20
                else NewItem(f"{i:032x}", f"row {i}", text=text, split="pool")
                for i, (text, label) in enumerate(reviews(80))
            ]
        )
        store.rounds.request("import")
    return project


def test_a_round_that_trained_asks_for_an_audit_and_keeps_its_forecasts(filled):
    work_once(filled)
    with filled.store() as store:
        assert not store.audits.waiting()  # there was nothing to train on
        assert store.forecasts.rounds() == []
    answer(filled, 4)
    work_once(filled)
    answer(filled, 3)
    work_once(filled)
    with filled.store() as store:
        assert store.audits.waiting()
        first, second = dict(store.forecasts.each("holdout")).values()
        assert first.proba.shape == second.proba.shape == (20, 2)
        assert first.proba.sum(axis=1) == pytest.approx(1, abs=1e-6)
        assert len(store.forecasts.get(3, "stop").items) == 60
        before, latest = store.rounds.all()[1:]
        assert before.agreement is None
        assert -1 <= latest.agreement <= 1
        assert 0 < latest.uncertainty < 0.5
        assert latest.metrics.n == 10
    assert audit_once(filled)
    assert not audit_once(filled)
    with filled.store() as store:
        assert store.audits.latest_report()["round"] == 3


def test_all_rounds_are_measured_anew_when_the_holdouts_labels_change(filled):
    work_once(filled)
    answer(filled, 4)
    work_once(filled)
    audit_once(filled)
    with filled.store() as store:
        before = store.rounds.all()[-1].metrics
        for item in range(1, 11):  # the lead finds that every known label was wrong
            other = "bad" if store.items.labels()[item] == "good" else "good"
            store.decisions.add("lead", f"r{item}", item, "label", other)
        assert store.audits.waiting()
    assert audit_once(filled)
    with filled.store() as store:
        after = store.rounds.all()[-1].metrics
    assert after.n == before.n == 10
    assert after.accuracy == pytest.approx(1 - before.accuracy)


def test_an_audit_tells_of_labels_people_and_random_ones(filled):
    work_once(filled)
    answer(filled, 24)
    work_once(filled)
    assert audit_once(filled)
    with filled.store() as store:
        found = store.audits.latest_report()
        assert found["errors"]["n"] == store.items.count_labeled() > 20
    assert found["consensus"]["answers"] == 24
    assert found["consensus"]["agreement"] is None  # nobody answered what somebody else did
    assert found["control"]["missing"] == "holdout"  # ten items are too few


def test_a_head_that_cannot_be_fitted_leaves_the_labels_to_be_looked_at(filled, monkeypatch):
    def refuses(*_):
        raise TrainingError("The head {name} gives no probabilities.", name="svm")

    monkeypatch.setattr(audits, "control_arm", refuses)
    work_once(filled)
    answer(filled, 24)
    work_once(filled)
    assert audit_once(filled)
    with filled.store() as store:
        report = store.audits.latest_report()
    assert report["errors"]["n"] > 20
    assert sentences(report["control"]) == [
        "There is no comparison with random sampling: The head svm gives no probabilities."
    ]


def test_with_overlap_labels_in_doubt_are_asked_about_again(filled, monkeypatch):
    work_once(filled)
    answer(filled, 24)
    work_once(filled)
    config = replace(filled.config, labeling=LabelingConfig(overlap=2, overlap_share=0.0))
    project = filled.save(config)
    monkeypatch.setattr(audits.quality, "people", lambda rows, *_, **__: {"again": [rows[0][0]]})
    assert audit_once(project)
    with project.store() as store:
        first = store.reviews.annotations()[0][0]
        assert [r.item.id for r in store.desk.reserve("lee", "tab", 1)] == [first]


def test_an_audit_of_many_labels_checks_those_in_doubt_before_the_latest_ones_and_others_at_random(monkeypatch):
    monkeypatch.setattr(audits, "LOOKED_AT", 10)
    items, doubted, answered = np.arange(100, 140), [130, 7], [105, 104, 105, 103, 102, 101]
    rows = audits.looked_at(items, [*doubted, *answered], 3)
    assert len({*rows.tolist()}) == 10
    assert {*items[rows].tolist()} >= {130, 105, 104, 103, 102}
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() != audits.looked_at(items, [*doubted, *answered], 4).tolist()
    assert audits.looked_at(items[:10], doubted, 3).tolist() == [*range(10)]


def test_an_audit_says_of_how_many_labels_it_checked_some(filled, monkeypatch):
    monkeypatch.setattr(audits, "LOOKED_AT", 22)
    work_once(filled)
    answer(filled, 28)
    work_once(filled)
    assert audit_once(filled)
    with filled.store() as store:
        errors = store.audits.latest_report()["errors"]
        assert (errors["n"], errors["of"]) == (22, store.items.count_labeled())
        assert errors["of"] > 22


def test_an_audit_reads_no_more_of_the_pool_than_labels_and_a_sample(filled, monkeypatch):
    monkeypatch.setattr(audits, "BESIDE_LABELS", 5)
    work_once(filled)
    answer(filled, 24)
    work_once(filled)
    sizes: list[int] = []
    take = audits.snapshot.take

    def measured(*of):
        snap = take(*of)
        sizes.append(len(snap.items))
        return snap

    monkeypatch.setattr(audits.snapshot, "take", measured)
    assert audit_once(filled)
    with filled.store() as store:
        labeled, report = store.items.count_labeled(), store.audits.latest_report()
    assert report["errors"]["n"] == labeled
    assert 20 + labeled <= sizes[0] <= 20 + labeled + 5 < 80
