import json
from dataclasses import replace

import numpy as np

from labeler.core.settings import Config
from labeler.quality.findings import errors, people
from labeler.quality.review import SECOND_LOOK, Findings, queue

CONFIG = Config("p", ("bad", "good"), modality="text")


def test_a_label_that_the_models_doubt_is_told_as_texts_and_gets_into_the_queue() -> None:
    n = 60
    targets = np.arange(n) % 2
    proba = np.full((n, 2), 0.1)
    proba[np.arange(n), targets] = 0.9
    given = targets.copy()
    given[7] = 1 - given[7]
    report = json.loads(json.dumps(errors(np.arange(n) + 100, given, proba, CONFIG)))
    assert (report["given"][7], report["predicted"][7], report["confidence"][7]) == ("bad", "good", 0.9)
    assert [i for i, worth in zip(report["items"], report["second_look"], strict=True) if worth] == [107]
    assert report["wrong"][7] == max(report["wrong"])
    findings = Findings({"errors": report})
    assert findings.suspects() == [107]
    (case,) = queue([(107, 5, "ann", "label", "bad", 0, "bad", None, 0, 0)], findings, CONFIG)
    assert case.reasons == (SECOND_LOOK,)
    assert case.benefit == report["wrong"][7]


def test_the_next_in_doubt_are_a_fifth_of_the_labels_with_those_worth_a_look_and_none_where_none_is_in_doubt() -> None:
    n = 100
    targets = np.arange(n) % 2
    right = np.where(np.arange(n) < 60, 0.99, 0.4)
    right[:5] = 0.02
    proba = np.where(np.eye(2)[targets] > 0, right[:, None], 1 - right[:, None])
    report = errors(np.arange(n), targets, proba, CONFIG)
    worth, further = np.array(report["second_look"]), np.array(report["further"])
    assert np.flatnonzero(worth).tolist() == [0, 1, 2, 3, 4]
    assert further.sum() == 15
    assert not (worth & further).any()
    certain = errors(np.arange(n), targets, np.where(np.eye(2)[targets] > 0, 0.99, 0.01), CONFIG)
    assert sum(certain["second_look"]) == sum(certain["further"]) == 0


def test_several_classes_are_told_as_lists() -> None:
    config = replace(CONFIG, answers="several")
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (40, 2)).astype(np.int8)
    proba = np.where(targets, 0.9, 0.1)
    given = targets.copy()
    given[3, 1] = 1 - given[3, 1]
    report = errors(np.arange(40), given, proba, config)
    assert np.argmax(report["wrong"]) == 3
    assert report["second_look"][3]
    assert json.loads(report["given"][3]) != json.loads(report["predicted"][3])
    assert people([(1, "a", '["bad"]', 1.0), (1, "b", "[]", 1.0)], np.arange(40), proba, config)["agreement"]


def test_people_reports_agreement_speed_and_items_to_ask_again() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 200)
    rows = []
    for name, wrong in (("ann", 0.02), ("bob", 0.05), ("cy", 0.5)):
        for item in np.flatnonzero(rng.random(200) < 0.8).tolist():
            label = truth[item] if rng.random() > wrong else 1 - truth[item]
            rows.append((item, name, CONFIG.classes[label], float(rng.lognormal(1, 0.2))))
    rows[5] = (*rows[5][:3], 0.05)
    proba = np.where(np.eye(2)[truth] > 0, 0.8, 0.2)
    report = people(rows, np.arange(200), proba, CONFIG, np.tile([0.99, 0.01], (500, 1)))
    json.dumps(report)
    assert report["annotators"][0]["name"] == "cy"
    assert report["agreement"]["items"] == report["labeled"] - sum(
        count == 1 for count in np.bincount([r[0] for r in rows])
    )
    assert report["fast"]["ann"][0] == 1
    assert len(report["again"]) == CONFIG.query.batch
    apart = {item for item, _, label, _ in rows for i, _, other, _ in rows if i == item and other != label}
    findings = Findings({"consensus": report})
    assert findings.consensus(next(iter(apart)))[1] < 1


def test_a_single_annotator_has_no_agreement() -> None:
    report = people([(1, "ann", "good", None)], np.array([1]), np.array([[0.5, 0.5]]), CONFIG, np.full((3, 2), 0.5))
    assert report["agreement"] is None
    assert report["again"] == []
    assert report["answers"] == report["labeled"] == 1


def test_a_class_without_labels_and_items_in_any_order_raise_no_doubt() -> None:
    config = replace(CONFIG, classes=("bad", "good", "new"))
    targets = np.arange(60) % 2
    proba = np.hstack([np.where(np.eye(2)[targets] > 0, 0.9, 0.1), np.zeros((60, 1))])
    items = np.arange(60)[::-1] + 5
    rows = [(int(i), "ann", config.classes[c]) for i, c in zip(items, targets, strict=True)]
    report = errors(items, targets, proba, config, rows)
    assert sum(report["second_look"]) == 0
    assert report["expected"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_answers_of_two_people_are_weighed_with_the_models() -> None:
    targets = np.arange(60) % 2
    proba = np.where(np.eye(2)[targets] > 0, 0.7, 0.3)
    alone = [(i, "ann", CONFIG.classes[c]) for i, c in enumerate(targets)]
    apart = [*alone, (7, "bob", CONFIG.classes[1 - targets[7]])]
    agreed = [(i, "bob", CONFIG.classes[c]) for i, c in enumerate(targets) if i > 30]
    report = errors(np.arange(60), targets, proba, CONFIG, [*apart, *agreed])
    assert np.argmax(report["wrong"]) == 7
    assert max(report["wrong"][31:]) < min(report["wrong"][:31])
    assert report["given"][7] == CONFIG.classes[targets[7]]
