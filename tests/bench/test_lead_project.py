"""The made-up projects that the lead's pages are looked at and timed with: they read as real ones do."""

import numpy as np
import pytest

from bench.lead.project import make
from labeler.measure.metrics import metrics


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_simulated_history_equals_what_a_worker_stores(tmp_path, modality):
    project = make(tmp_path / "made", 4, modality=modality, answers=400, annotators=3, days=10)
    with project.store() as store:
        rounds, work, forecasts = store.rounds.all(), store.effort.work(), dict(store.forecasts.each("holdout"))
        assert [r.number for r in rounds] == list(forecasts) == [1, 2, 3, 4]
        assert np.all(np.diff([r.labels for r in rounds]) > 0)
        assert rounds[-1].labels <= store.items.count_labeled()
        assert store.rounds.labels_until_next() > 0
        assert not store.rounds.waiting()
        assert work["gained"].sum() == store.items.labels_spent()
        assert len(work) == pytest.approx(400, rel=0.15)
        assert set(work["action"]) >= {"label", "skip"}
        assert (work.groupby("item_id")["annotator"].nunique() > 1).any()  # overlap
        assert not store.audits.waiting()
        assert set(store.audits.latest_report()) == {"round", "control", "errors", "consensus"}
        labels, last = store.items.labels(), forecasts[4]
        labeled = np.array([item in labels for item in last.items.tolist()])
        targets = np.array([project.config.classes.index(labels[i]) for i in last.items[labeled].tolist()])
        assert metrics(last.proba[labeled], targets).accuracy == pytest.approx(rounds[-1].metrics.accuracy)
        assert rounds[-1].metrics.accuracy > rounds[0].metrics.accuracy
        assert {r.agreement is None for r in rounds[1:]} == {False}


def test_the_same_seed_has_the_same_answers(tmp_path):
    answers = []
    for name in ("a", "b"):
        with make(tmp_path / name, 2, items=700, answers=200, annotators=2).store() as store:
            answers.append(store.effort.work()[["item_id", "annotator", "label"]].astype(str).to_numpy().tolist()[:50])
    assert answers[0] == answers[1]
