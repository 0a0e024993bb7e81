"""The review queue as a function of answers and of what an audit found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.settings import Config
from labeler.quality.review import (
    CONSENSUS,
    DISAGREEMENT,
    FLAGGED,
    FURTHER,
    SECOND_LOOK,
    UNSURE,
    Case,
    Findings,
    matching,
    queue,
)
from labeler.store.reviews import ReviewRow

CONFIG = Config("p", ("good", "bad"), modality="text")
ROW = ("annotator", "action", "label", "unsure", "item_label", "decided", "cleared", "late")


def row(item: int, number: int, **values: object) -> ReviewRow:
    plain = {"annotator": "ann", "action": "label", "label": "good", "unsure": 0, "item_label": "good"}
    full = {**plain, "decided": None, "cleared": 0, "late": 0, **values}
    return (item, number, *(full[name] for name in ROW))  # type: ignore[return-value]


def audit(**lists: list) -> dict:
    n = len(lists["items"])
    plain = {"given": ["good"] * n, "predicted": ["bad"] * n, "confidence": [0.9] * n, "second_look": [1] * n}
    return {"errors": {**plain, "further": [0] * n, **lists}}


NOTHING = Findings(None)


def queue_of(rows: list[ReviewRow], findings: Findings) -> list[Case]:
    return queue(rows, findings, CONFIG)


def test_an_item_appears_once_with_all_its_reasons() -> None:
    rows = [
        row(1, 1, unsure=1),
        row(1, 2, annotator="bob", label="bad"),
        row(1, 3, annotator="cy", action="flag", label=None),
    ]
    (case,) = queue_of(rows, Findings(audit(items=[1], wrong=[0.9])))
    assert case.reasons == (FLAGGED, DISAGREEMENT, UNSURE, SECOND_LOOK)
    assert case.benefit == 0.9  # the model's doubt is the greatest
    assert case.annotators == ("ann", "bob", "cy")
    assert case.classes == ("good", "bad")
    assert case.since == 3


def test_items_without_a_label_come_first_then_the_likeliest_change_then_age() -> None:
    rows = [
        row(1, 1, unsure=1),
        row(2, 2),
        row(2, 3, annotator="bob", label="bad"),
        row(3, 4, unsure=1),
        row(4, 5, action="flag", label=None, item_label=None),
        row(5, 6),
    ]
    cases = queue_of(rows, Findings(audit(items=[5], wrong=[0.8])))
    assert [case.item_id for case in cases] == [4, 5, 2, 1, 3]
    assert [case.benefit for case in cases] == [1.0, 0.8, 0.5, 0.25, 0.25]


def test_the_benefit_is_the_share_of_other_answers_or_the_consensus() -> None:
    rows = [row(1, 1), row(1, 2, annotator="bob"), row(1, 3, annotator="cy", label="bad")]
    (case,) = queue_of(rows, NOTHING)
    assert case.benefit == pytest.approx(1 / 3)
    people = {"consensus": {"items": [1], "labels": ["good"], "quality": [0.95]}}
    (case,) = queue_of(rows, Findings(people))
    assert case.reasons == (DISAGREEMENT,)
    assert case.benefit == pytest.approx(0.05)
    people = {"consensus": {"items": [1], "labels": ["bad"], "quality": [0.7]}}
    (case,) = queue_of(rows, Findings(people))
    assert case.reasons == (DISAGREEMENT, CONSENSUS)
    assert case.benefit == pytest.approx(0.7)


def test_an_audit_of_a_label_that_changed_is_ignored() -> None:
    findings = Findings(audit(items=[1], wrong=[0.9]))
    assert queue_of([row(1, 1, label="bad", item_label="bad")], findings) == []
    assert len(queue_of([row(1, 1)], findings)) == 1
    assert findings.suspects() == [1]


def test_a_decided_item_returns_only_with_a_new_contrary_answer() -> None:
    before = [row(1, 1, decided="label"), row(1, 2, annotator="bob", label="bad", decided="label")]
    findings = Findings(audit(items=[1], wrong=[0.9]))
    assert queue_of(before, findings) == []
    assert (
        queue_of([*before, row(1, 3, annotator="cy", decided="label", late=1)], findings) == []
    )  # agrees with the decision
    (case,) = queue_of([*before, row(1, 3, annotator="cy", label="bad", decided="label", late=1)], findings)
    assert case.reasons == (DISAGREEMENT,)
    assert queue_of([row(1, 1, action="flag", label=None, item_label=None, decided="exclude", late=1)], findings) == []


def test_a_returned_item_waits_for_the_next_answer() -> None:
    flag = row(1, 4, action="flag", label=None, item_label=None, cleared=4)
    assert queue_of([flag], NOTHING) == []
    answered = [
        replace_label(flag, "good"),
        row(1, 7, annotator="bob", cleared=4),
    ]
    assert queue_of(answered, NOTHING) == []  # the flag was dealt with
    apart = [row(1, 2, cleared=4), row(1, 7, annotator="bob", label="bad", cleared=4)]
    assert [case.reasons for case in queue_of(apart, NOTHING)] == [(DISAGREEMENT,)]


def replace_label(row: ReviewRow, label: str) -> ReviewRow:
    return (*row[:6], label, *row[7:])


def test_an_item_of_several_classes_is_found_by_each_class() -> None:
    rows = [
        row(1, 1, label='["a","b"]', item_label='["a","b"]', unsure=1),
        row(2, 2, label="[]", item_label="[]", unsure=1),
    ]
    cases = queue(rows, NOTHING, Config("p", ("a", "b"), modality="text", answers="several"))
    assert [case.classes for case in cases] == [("a", "b"), ()]
    assert [case.item_id for case in matching(cases, name="b")] == [1]


def test_filters_can_be_combined() -> None:
    rows = [
        row(1, 1, unsure=1),
        row(2, 2, annotator="bob", unsure=1, label="bad", item_label="bad"),
        row(3, 3, annotator="bob", action="flag", label=None, item_label=None),
    ]
    cases = queue_of(rows, NOTHING)
    assert {case.item_id for case in matching(cases)} == {1, 2, 3}
    assert {case.item_id for case in matching(cases, annotator="bob")} == {2, 3}
    assert {case.item_id for case in matching(cases, UNSURE, annotator="bob")} == {2}
    assert {case.item_id for case in matching(cases, name="good")} == {1}
    assert matching(cases, FLAGGED, "good") == []


answers = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["good", "bad", None]),
        st.integers(0, 1),
        st.sampled_from([None, "label", "exclude"]),
        st.integers(0, 3),
    ),
    max_size=20,
)


@given(answers)
def test_every_case_has_a_reason_and_a_probability_and_the_order_holds(history: list[tuple]) -> None:
    rows = sorted(
        row(item, number, annotator=who, action="label" if label else "flag", label=label, unsure=unsure,
            decided={1: None, 2: "label", 3: None, 4: "exclude", 5: None}[item], late=late > 1)
        for number, (item, who, label, unsure, _, late) in enumerate(history, 1)
    )  # fmt: skip
    cases = queue_of(rows, NOTHING)
    assert len({case.item_id for case in cases}) == len(cases)
    assert all(case.reasons and 0 <= case.benefit <= 1 for case in cases)
    assert not any(case.item_id == 4 for case in cases)
    order = [(case.label is not None, case.further, -case.benefit, case.since) for case in cases]
    assert order == sorted(order)


def test_the_findings_of_version_0_2_are_read() -> None:
    stored = audit(items=[1], wrong=[0.9])["errors"]
    old = {name: values for name, values in stored.items() if name not in ("second_look", "further")}
    findings = Findings({"errors": {**old, "n": 1, "noise": 0.1, "likely": [1]}})
    (case,) = queue_of([row(1, 1)], findings)
    assert case.reasons == (SECOND_LOOK,)
    assert case.benefit == 0.9
    assert findings.suspects() == [1]


def test_labels_next_in_doubt_come_last_and_only_for_that_reason() -> None:
    rows = [row(1, 1), row(2, 2, unsure=1), row(3, 3)]
    findings = Findings(audit(items=[1, 2, 3], wrong=[0.14, 0.12, 0.1], second_look=[0] * 3, further=[1, 1, 1]))
    cases = queue_of(rows, findings)
    assert [(case.item_id, case.reasons) for case in cases] == [(2, (UNSURE,)), (1, (FURTHER,)), (3, (FURTHER,))]
    assert [case.further for case in cases] == [False, True, True]
    assert findings.suspects() == [1, 2, 3]


def test_where_an_audit_has_weighed_all_answers_its_probability_is_the_benefit() -> None:
    rows = [row(1, 1), row(1, 2, annotator="bob"), row(1, 3, annotator="cy", label="bad")]
    (case,) = queue_of(rows, Findings(audit(items=[1], wrong=[0.2], second_look=[0])))
    assert case.reasons == (DISAGREEMENT,)
    assert case.benefit == 0.2
