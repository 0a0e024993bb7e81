"""Active testing in a project: what the worker asks of the holdout, and how rounds are measured then."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.core.items import Answer, NewItem
from labeler.core.settings import EvaluationConfig
from labeler.jobs.audits import audit_once
from labeler.jobs.rounds import work_once
from labeler.measure.forecasts import Sampling, drawn_by, on_labels
from tests.support.fill import answer
from tests.support.samples import reviews


@pytest.fixture
def filled(project):
    """Forty unlabeled texts in the pool, forty in the holdout, of which six have a label; active testing is on."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout", label=label if i < 6 else None)
                if i < 40
                else NewItem(f"{i:032x}", f"row {i}", text=text, split="pool")
                for i, (text, label) in enumerate(reviews(80))
            ]
        )
        store.rounds.request("import")
    return project.save(replace(project.config, evaluation=EvaluationConfig(active_testing=True)))


def answer_holdout(project, ids) -> None:
    true = dict(reviews(80))
    with project.store() as store:
        for i in ids:
            store.answers.add("lee", [Answer(f"lee-{i}", i, "label", true[store.items.get(i).text], 1.0, "u")])


def asked(store) -> list[int]:
    return [
        row["item_id"] for row in store.rounds.ranking(store.rounds.all()[-1].number) if row["strategy"] == "holdout"
    ]


def test_items_are_drawn_asked_in_that_order_and_weigh_what_they_should(filled):
    work_once(filled)
    with filled.store() as store:
        rows = store.active_testing.draws()
        assert {row["item_id"] for row in rows[:6]} == set(range(1, 7))  # known before: as if drawn at random
        assert [row["q"] for row in rows] == pytest.approx([1 / (40 - i) for i in range(len(rows))])  # no model yet
        assert asked(store) == [row["item_id"] for row in rows[6:]]
        n = len(rows)
    answer(filled, 4)
    answer_holdout(filled, [row["item_id"] for row in rows[6:8]])
    work_once(filled)
    with filled.store() as store:
        rows = store.active_testing.draws()
        assert asked(store) == [row["item_id"] for row in rows[8:]]
        assert len(rows) == n + 2  # as many are open as before
        assert [row["remaining"] for row in rows] == list(range(40, 40 - len(rows), -1))
        assert [row["round"] for row in rows[-2:]] == [2, 2]
        assert rows[-1]["q"] != pytest.approx(1 / rows[-1]["remaining"])  # the model has its say
        assert store.rounds.all()[-1].metrics.n == 8


def test_rounds_are_measured_on_the_prefix_with_weights(filled):
    for _ in range(3):
        work_once(filled)
        answer(filled, 4)
        with filled.store() as store:
            ids = asked(store)
        answer_holdout(filled, [ids[0], ids[2]])  # the second stays open until the next round
    work_once(filled)
    with filled.store() as store:
        drawn, latest = drawn_by(store), store.rounds.all()[-1]
        assert latest.metrics.n == len(drawn.items) < sum(i <= 40 for i in store.items.labels())
        forecast = store.forecasts.get(latest.number, "holdout")
        labeled = on_labels(forecast, store.items.labels(), filled.config, Sampling(drawn))
        right = np.average(labeled.right, weights=labeled.weights)
        assert latest.metrics.accuracy == pytest.approx(right, abs=0.1)
        assert labeled.items.tolist() == drawn.items.tolist()
    audit_once(filled)
    with filled.store() as store:
        anew = store.rounds.all()[-1].metrics
    assert (anew.n, anew.accuracy, anew.low) == (latest.metrics.n, latest.metrics.accuracy, latest.metrics.low)


def test_flagged_items_are_skipped_in_the_measurement(filled):
    work_once(filled)
    with filled.store() as store:
        first, second, *_ = asked(store)
        store.answers.add("lee", [Answer("f", first, "flag", note="torn")])
        assert len(drawn_by(store).items) == 7
    answer_holdout(filled, [second])
    with filled.store() as store:
        drawn = drawn_by(store)
        assert drawn.items[-2:].tolist() == [first, second]
        assert drawn.usable[-2:].tolist() == [False, True]


def test_after_active_testing_is_switched_off_draws_are_uniform(filled):
    work_once(filled)
    answer(filled, 4)
    plain = filled.save(replace(filled.config, evaluation=EvaluationConfig()))
    with plain.store() as store:
        answer_holdout(plain, asked(store))
        before = len(store.active_testing.draws())
    work_once(plain)
    with plain.store() as store:
        rows = store.active_testing.draws()[before:]
        assert len(rows) > 0
        assert [row["q"] for row in rows] == pytest.approx([1 / row["remaining"] for row in rows])


def test_with_everything_labeled_it_is_the_plain_accuracy(filled):
    for _ in range(4):
        work_once(filled)
        answer(filled, 4)
        with filled.store() as store:
            ids = asked(store)
        answer_holdout(filled, ids)
    with filled.store() as store:
        answer_holdout(filled, [i for i in range(1, 41) if i not in store.items.labels()])
    while work_once(filled):
        answer(filled, 3)
    with filled.store() as store:
        latest = store.rounds.all()[-1]
        drawn = drawn_by(store)
        forecast = store.forecasts.get(latest.number, "holdout")
        labeled = on_labels(forecast, store.items.labels(), filled.config, Sampling(drawn))
        if len(drawn.items) == 40:
            assert latest.metrics.accuracy == pytest.approx(labeled.right.mean())


def test_without_active_testing_nothing_is_drawn(filled):
    plain = filled.save(replace(filled.config, evaluation=EvaluationConfig()))
    work_once(plain)
    with plain.store() as store:
        assert store.active_testing.draws() == []
        assert drawn_by(store) is None
        assert len(asked(store)) > 0
