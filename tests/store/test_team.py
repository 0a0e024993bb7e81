"""Who labels: groups of classes that are somebody's own, qualification, pauses, and who waits."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.core.items import Answer, NewItem, Prediction, Waiting
from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.core.settings import ClassDetail, Config, LabelingConfig
from labeler.projects import project as projects
from labeler.store import IMPORT, Store, team
from tests.support.fill import add, rank
from tests.support.samples import text_config


def ids(reserved) -> list[int]:
    return [r.item.id for r in reserved]


def store_with(tmp_path, **changes) -> Store:
    config: Config = text_config(**changes)
    return projects.create(tmp_path / "own", config).store()


def add_known_items(store: Store, n: int) -> None:
    """`n` pool items whose label came with the import, good and bad by turns."""
    labels = ["good", "bad"]
    store.items.add(
        [NewItem(f"{i:06d}", f"row {i}", text=f"t{i}", label=labels[i % 2], split="pool") for i in range(n)]
    )


def ranked(store: Store, predicted: list[tuple[int, str, float]]) -> None:
    """A finished round that ranks these items, with what its model says of them."""
    items = [item for item, _, _ in predicted]
    result = RoundResult(0, "margin", 7, None, tuple(Ranked(i, "margin", 1.0) for i in items), 0.1, 0.2)
    store.rounds.request("test")
    job = store.rounds.claim()
    assert job is not None
    predictions = [Prediction(label, confidence) for _, label, confidence in predicted]
    store.rounds.finish(job, FinishedRound(store.rounds.next_number(), result, items, predictions))


def test_opening_the_desk_adds_an_annotator_once(store):
    first = store.team.join("kim")
    assert store.team.join("kim") == first
    store.team.join("lee")
    assert [a.name for a in store.team.all()] == ["kim", "lee"]
    assert first.groups == ()
    assert first.guidelines == ""


def test_the_guidelines_an_annotator_read_are_recorded_by_their_content(store):
    store.team.record_guidelines_read("kim", "abc")
    assert store.team.join("kim").guidelines == "abc"
    assert store.team.join("lee").guidelines == ""


def test_a_group_of_classes_goes_to_those_it_is_assigned_to(tmp_path):
    store = store_with(tmp_path, class_details={"bad": ClassDetail(group="complaints")})
    add(store, 6)
    ranked(store, [(1, "bad", 0.9), (2, "good", 0.8), (3, "bad", 0.7), (4, "good", 0.6)])
    assert store.team.classes_of_others(store.team.join("lee")) == []
    store.team.assign("kim", "lawyer", ["complaints"])
    assert ids(store.desk.reserve("lee", "t", 2)) == [2, 4]
    assert ids(store.desk.reserve("kim", "t", 2)) == [1, 3]
    assert store.team.join("kim").role == "lawyer"
    # what no model has spoken of is anybody's
    assert ids(store.desk.reserve("lee", "t", 4)) == [2, 4, 5, 6]


def test_people_of_one_role_share_their_groups(tmp_path):
    store = store_with(tmp_path, class_details={"bad": ClassDetail(group="complaints")})
    add(store, 3)
    ranked(store, [(1, "bad", 0.9), (2, "good", 0.8)])
    store.team.assign("kim", "lawyer", ["complaints"])
    store.team.assign("choi", "lawyer", [])
    store.team.assign("lee", "clerk", [])
    assert ids(store.desk.reserve("lee", "t", 1)) == [2]
    assert ids(store.desk.reserve("choi", "t", 1)) == [1]


def test_with_several_classes_an_item_is_anybodys_who_has_one_of_them(tmp_path):
    details = {"bad": ClassDetail(group="complaints"), "late": ClassDetail(group="logistics")}
    store = store_with(tmp_path, answers="several", classes=("good", "bad", "late"), class_details=details)
    add(store, 5)
    ranked(store, [(1, '["bad"]', 0.9), (2, '["good","late"]', 0.8), (3, '["bad","late"]', 0.7), (4, "[]", 0.6)])
    store.team.assign("kim", "", ["complaints"])
    store.team.assign("lee", "", ["logistics"])
    assert ids(store.desk.reserve("park", "t", 1)) == [4]
    assert ids(store.desk.reserve("lee", "t", 2)) == [2, 3]
    assert ids(store.desk.reserve("kim", "t", 1)) == [1]


def test_nobody_is_given_items_while_labeling_is_paused(tmp_path):
    store = store_with(tmp_path)
    add(store, 4)
    assert len(store.desk.reserve("kim", "t", 2)) == 2
    store.team.assign("kim", "", [], paused=True)
    assert store.desk.reserve("kim", "t", 2) == []
    assert store.desk.waiting_reason("kim") == Waiting("paused")
    assert len(store.desk.reserve("lee", "t", 4)) == 4  # kim's are free
    stopped = Store(store.path, replace(store.config, labeling=LabelingConfig(paused=True)))
    assert stopped.desk.reserve("lee", "t", 4) == []
    assert stopped.desk.waiting_reason("lee") == Waiting("paused")
    store.team.assign("kim", "", [], paused=False)
    assert store.answers.add("kim", [Answer("late", 1, "label", "good")])[0].ok  # what was said is kept all the same


class TestQualification:
    def test_a_newcomer_answers_known_items_first_and_is_then_let_in(self, tmp_path):
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=4, qualification_pass=0.75))
        add_known_items(store, 10)
        add(store, 3, first=10)
        given = store.desk.reserve("kim", "t", 9)
        assert len(given) == 4
        truth = store.items.labels()
        assert sorted(truth[i] for i in ids(given)) == ["bad", "bad", "good", "good"]  # as many of each class
        assert all(reserved.reason is None for reserved in given)  # nothing tells it from other items
        wrong = {"good": "bad", "bad": "good"}
        first, *others = ids(given)
        store.answers.add("kim", [Answer("r0", first, "label", wrong[truth[first]])])
        assert not store.team.is_qualified(store.team.join("kim"))
        store.answers.add("kim", [Answer(f"r{i}", i, "label", truth[i]) for i in others])
        assert store.team.qualification_of("kim") == (4, 3, 4)
        assert store.team.is_qualified(store.team.join("kim"))
        assert set(ids(store.desk.reserve("kim", "t", 9))) == {11, 12, 13}
        assert store.items.labels() == truth  # a newcomer's mistake changes no known answer

    def test_a_newcomer_who_fails_the_qualification_waits_for_the_lead(self, tmp_path):
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=2, qualification_pass=1.0))
        add_known_items(store, 4)
        add(store, 3, first=4)
        store.answers.add("kim", [Answer(f"r{i}", i, "skip") for i in ids(store.desk.reserve("kim", "t", 5))])
        assert store.desk.reserve("kim", "t", 5) == []
        assert store.desk.waiting_reason("kim") == Waiting("unqualified")
        store.team.assign("kim", "", [], qualified=True)
        assert len(store.desk.reserve("kim", "t", 5)) == 3
        store.team.assign("lee", "", [], qualified=False)
        assert store.desk.reserve("lee", "t", 5) == []

    def test_two_newcomers_answer_the_same_items(self, tmp_path):
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=2))
        add_known_items(store, 4)
        assert ids(store.desk.reserve("kim", "t", 5)) == ids(store.desk.reserve("lee", "t", 5))

    def test_without_imported_labels_there_is_no_qualification(self, tmp_path):
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=5))
        add(store, 2)
        store.team.draw_qualification()
        assert len(store.desk.reserve("kim", "t", 5)) == 2

    def test_drawn_qualification_items_stay_when_their_number_is_raised(self, tmp_path):
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=2))
        add_known_items(store, 8)
        assert store.team.draw_qualification() == 2
        before = {r["item_id"] for r in store.db.rows("SELECT item_id FROM qualification")}
        more = Store(store.path, replace(store.config, labeling=LabelingConfig(qualification=5)))
        assert more.team.draw_qualification() == 5
        assert before < {r["item_id"] for r in more.db.rows("SELECT item_id FROM qualification")}

    def test_qualification_items_are_drawn_from_some_of_very_many_imported_labels(self, tmp_path, monkeypatch):
        monkeypatch.setattr(team, "LOOK", 12)
        store = store_with(tmp_path, labeling=LabelingConfig(qualification=4))
        add_known_items(store, 40)
        looked_at = store.team._candidates(np.random.default_rng(0))
        assert 4 < len(looked_at) <= 12
        assert max(row["item_id"] for row in looked_at) > 20
        assert store.team.draw_qualification() == 4
        labels = store.db.execute("SELECT label FROM items JOIN qualification ON id = item_id ORDER BY 1").fetchall()
        assert labels == [("bad",), ("bad",), ("good",), ("good",)]


def test_an_import_without_qualification_outvotes_nobody(store):
    store.items.add([NewItem("0", "row", text="t", label="good", split="pool")])
    store.answers.add("kim", [Answer("r", 1, "label", "bad")])
    assert store.items.labels() == {1: "bad"}
    assert {r["annotator"] for r in store.answers.export()} == {IMPORT, "kim"}


@pytest.mark.parametrize(("share", "overlapped"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_a_share_of_the_items_goes_to_several_annotators(tmp_path, share, overlapped):
    labeling = LabelingConfig(overlap=2, overlap_share=share)
    store = store_with(tmp_path, labeling=labeling)
    store.items.add(
        [NewItem(f"{digit}" * 32, f"row {digit}", text=f"t{digit}", split="pool") for digit in ("0", "4", "a", "f")]
    )
    assert len(store.desk.reserve("kim", "t", 9)) == 4
    assert len(store.desk.reserve("lee", "t", 9)) == overlapped
    assert store.desk.reserve("park", "t", 9) == []


def test_an_item_that_one_annotator_began_goes_to_others_also_after_the_next_round(tmp_path):
    store = store_with(tmp_path, labeling=LabelingConfig(overlap=2))
    add(store, 9)
    rank(store, [1, 2, 3])
    assert ids(store.desk.reserve("kim", "t", 2)) == [1, 2]
    store.answers.add("kim", [Answer("a", 2, "label", "good"), Answer("b", 1, "label", "bad")])
    rank(store, [5, 6, 7, 8])  # what has a label is in no newer ranking
    given = store.desk.reserve("lee", "t", 4)
    assert ids(given) == [1, 2, 5, 6]
    assert [r.reason is None for r in given] == [True, True, False, False]  # nothing that a desk takes for outdated
    assert ids(store.desk.reserve("kim", "t", 2)) == [5, 6]
    assert 1 not in ids(store.desk.reserve("park", "t", 9))  # two have it
    store.answers.add("lee", [Answer("c", 1, "label", "bad")])
    assert store.answers.export()[-1]["round"] == 1  # it stays an item that the first ranking asked for


def test_items_with_imported_labels_are_not_asked_about_for_the_overlap(tmp_path):
    store = store_with(tmp_path, labeling=LabelingConfig(overlap=3))
    add_known_items(store, 4)
    assert store.desk.reserve("kim", "t", 4) == []


def test_who_waits_while_others_hold_items_is_known_to_them(store):
    add(store, 3)
    store.desk.reserve("kim", "t", 3)
    assert not store.team.somebody_waits("kim")
    assert store.desk.reserve("lee", "t", 3) == []
    assert store.team.somebody_waits("kim")
    assert not store.team.somebody_waits("lee")
    assert ids(store.desk.reserve("kim", "t", 1, release=[3])) == [1, 2]
    assert ids(store.desk.reserve("lee", "t", 3)) == [3]
    assert not store.team.somebody_waits("kim")


def test_a_tab_that_is_left_frees_its_items_in_seconds_and_has_them_again_if_it_returns(store):
    add(store, 2)
    assert ids(store.desk.reserve("kim", "t", 2, at=1000.0)) == [1, 2]
    store.desk.leave("kim", "t", at=1001.0)
    assert ids(store.desk.reserve("kim", "t", 2, at=1005.0)) == [1, 2]  # loaded anew
    store.desk.leave("kim", "t", at=1006.0)
    assert store.desk.reserve("lee", "t", 2, at=1015.0) == []
    assert ids(store.desk.reserve("lee", "t", 2, at=1017.0)) == [1, 2]


class TestLike:
    """Items of one predicted class, to be confirmed together."""

    def test_the_class_with_most_items_the_surest_first(self, store):
        add(store, 6)
        ranked(store, [(1, "good", 0.6), (2, "bad", 0.9), (3, "good", 0.8), (4, "good", 0.7)])
        reserved = store.desk.reserve_one_class("kim", "t", 2)
        assert {(r.item.id, r.prediction) for r in reserved} == {
            (3, Prediction("good", 0.8)),
            (4, Prediction("good", 0.7)),
        }
        assert set(ids(store.desk.reserve("lee", "t", 9))) == {1, 2, 5, 6}

    def test_without_predictions_no_class_can_be_reserved(self, store):
        add(store, 3)
        rank(store, [1, 2, 3])
        assert store.desk.reserve_one_class("kim", "t", 5) == []


def test_predictions_come_back_only_where_the_project_tells_them_and_never_of_the_holdout(tmp_path):
    store = store_with(tmp_path, labeling=LabelingConfig(reveal="after"))
    add(store, 2)
    add(store, 1, split="holdout", first=2)
    ranked(store, [(1, "good", 0.9), (3, "good", 0.9)])
    receipts = store.answers.add(
        "kim", [Answer("a", 1, "label", "bad"), Answer("b", 3, "label", "bad"), Answer("c", 2, "skip")]
    )
    assert [r.prediction for r in receipts] == [Prediction("good", 0.9), None, None]
    assert [r["predicted"] for r in store.answers.history("kim")] == [None, None, "good"]
    blind = Store(store.path, replace(store.config, labeling=LabelingConfig(reveal="never")))
    assert blind.answers.add("kim", [Answer("a", 1, "label", "bad")])[0].prediction is None


def test_what_came_with_an_answer_is_stored_and_exported(store):
    add(store, 2)
    store.answers.add(
        "kim",
        [
            Answer("a", 1, "label", "good", unsure=True, reveal="after"),
            Answer("b", 2, "flag", note="two films in one"),
        ],
    )
    first, second = store.answers.export()
    assert (first["unsure"], first["note"], first["reveal"]) == (1, None, "after")
    assert (second["unsure"], second["note"], second["reveal"]) == (0, "two films in one", "never")
    answer = {"action": "label", "label": "good", "unsure": 1, "note": None, "request_id": "a"}
    assert store.answers.get("kim", 1) == answer
    assert store.answers.get("lee", 1) is None
