"""Classes change: every label follows, nothing is lost, and what is measured is measured by today's classes."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.class_changes import ClassChange
from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.core.rounds import Remeasured
from labeler.core.settings import ClassDetail
from labeler.cycle import snapshot
from labeler.cycle.class_changes import change_classes, effect, settled
from labeler.jobs.rounds import work_once
from labeler.measure.forecasts import remeasured
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.exporter import export_labels
from labeler.report.facts import latest
from tests.support.fill import add_labeled, answer
from tests.support.pages import everything, visit
from tests.support.samples import text_config, topics_config


@pytest.fixture
def filled(project):
    """Sixty texts, twenty of them in the holdout and all labeled; one round that measured a model."""
    with project.store() as store:
        add_labeled(store, 60, holdout=20)
        store.rounds.request("import")
    work_once(project)
    return project


def rename(old: str, new: str) -> ClassChange:
    return ClassChange("rename", (old,), (new,))


# ---------------------------------------------------------------- any sequence of answers and changes


@dataclass
class Model:
    """What everybody sees, in a few lines: each person's latest answer, with the classes that it may be since."""

    answers: dict[tuple[int, str], tuple[int, set[str | None]]] = field(default_factory=dict)

    def answer(self, time: int, item: int, annotator: str, label: str) -> None:
        self.answers[item, annotator] = time, {label}

    def change(self, change: ClassChange) -> None:
        for key, (time, labels) in list(self.answers.items()):
            if labels & {*change.old}:
                self.answers[key] = time, labels - {*change.old} | {*(change.new or [None])}

    def says(self) -> dict[tuple[int, str], str]:
        ordered = sorted(self.answers.items(), key=lambda entry: entry[1][0])
        return {key: label for key, (_, labels) in ordered for label in labels if len(labels) == 1 and label}

    def labels(self) -> dict[int, str]:
        items: dict[int, list[tuple[int, str]]] = {}
        for time, ((item, _annotator), label) in enumerate(self.says().items()):
            items.setdefault(item, []).append((time, label))
        return {item: _winner(answers) for item, answers in items.items()}


def _winner(answers: list[tuple[int, str]]) -> str:
    votes, last = Counter(label for _, label in answers), {label: time for time, label in answers}
    return max(votes, key=lambda label: (votes[label], last[label]))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.integers(1, 8), st.sampled_from(["kim", "lee", "park"]), st.integers(0, 9)),
        st.tuples(st.sampled_from(["rename", "merge", "split", "add", "retire"]), st.integers(0, 9), st.integers(0, 9)),
    ),
    max_size=25,
)


def _change(kind: str, classes: tuple[str, ...], first: int, second: int, fresh: str) -> ClassChange | None:
    """A change of this kind that the classes allow, or None."""
    one, other = classes[first % len(classes)], classes[second % len(classes)]
    match kind:
        case "rename":
            return rename(one, fresh)
        case "merge" if one != other and len(classes) > 2:
            return ClassChange("merge", (one, other), (fresh if first % 2 else other,))
        case "split" if len(classes) < 8:
            return ClassChange("split", (one,), (fresh, one if second % 2 else f"{fresh}'"))
        case "add" if len(classes) < 8:
            return ClassChange("add", (), (fresh,))
        case "retire" if len(classes) > 2:
            return ClassChange("retire", (one,))
    return None


@given(STEPS)
def test_exports_training_and_curve_see_exactly_what_a_few_lines_say(tmp_path_factory, steps):
    project = projects.create(tmp_path_factory.mktemp("changed") / "reviews", text_config(classes=("a", "b", "c")))
    model = Model()
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=f"text number {i}", split="holdout" if i > 5 else "pool")
                for i in range(1, 9)
            ]
        )
    for time, (kind, *values) in enumerate(steps):
        if kind == "answer":
            item, annotator, index = values
            label = project.config.classes[index % len(project.config.classes)]
            with project.store() as store:
                assert store.answers.add(annotator, [Answer(f"r{time}", item, "label", label)])[0].ok
            model.answer(time, item, annotator, label)
        elif change := _change(kind, project.config.classes, values[0], values[1], f"class {time}"):
            project, _ = change_classes(project, change, "lead")
            model.change(change)
    expected = model.labels()
    with project.store() as store:
        assert store.class_changes.outside() == {}
        assert store.items.labels() == expected
        exported = {(row["item_id"], row["annotator"]): row["label"] for row in store.answers.export() if row["label"]}
        assert exported == model.says()
        assert store.items.labels_spent() >= len(exported)
        snap = snapshot.take(project, store, lambda _: lambda done, total: None)
        assert _texts(snap, snap.labeled, project) == {i: label for i, label in expected.items() if i <= 5}
        assert _texts(snap, snap.holdout, project) == {i: label for i, label in expected.items() if i > 5}
        open_items = {item.id for item in store.items.all()} - set(expected)
        assert set(snap.ids(np.concatenate([snap.unlabeled, snap.holdout_unlabeled])).tolist()) == open_items
    assert projects.open_project(project.folder).config.classes == project.config.classes


def _texts(snap, labels, project) -> dict[int, str]:
    classes = [project.config.classes[target] for target in labels.targets]
    return dict(zip(snap.ids(labels.positions).tolist(), classes, strict=True))


# ---------------------------------------------------------------- each change


def test_a_class_that_is_renamed_keeps_its_labels_its_curve_and_its_details(filled):
    project = filled.save(replace(filled.config, class_details={"good": ClassDetail(key="p")}))
    guidelines.add_example(project, "good", "praise.png", b"picture")
    with project.store() as store:
        before = store.rounds.all()[0].metrics
    project, stored = change_classes(project, rename("good", "positive"), "kim")
    assert (stored.labels, stored.asked_again) == (30, 0)
    with project.store() as store:
        assert store.rounds.all()[0].metrics.accuracy == before.accuracy
        assert store.rounds.all()[0].metrics.n == 20
        assert store.items.counts().per_class == {"positive": 20, "bad": 20}
        assert store.rounds.waiting()
    assert project.config.class_details["positive"].key == "p"
    assert guidelines.read(project).examples == {"positive": ["positive/praise.png"]}


def test_merged_classes_are_measured_as_one(filled):
    project, _ = change_classes(filled, ClassChange("add", (), ("superb",)), "kim")
    project, stored = change_classes(project, ClassChange("merge", ("good", "superb"), ("positive",)), "kim")
    assert project.config.classes == ("positive", "bad")
    assert stored.labels == 30
    with project.store() as store:
        assert store.rounds.all()[0].metrics.n == 20
        forecast = store.forecasts.get(1, "holdout")
        np.testing.assert_allclose(forecast.proba.sum(axis=1), 1, atol=1e-6)


def test_a_split_asks_its_items_again_before_all_others_and_the_curve_begins_anew(filled):
    with filled.store() as store:
        preview = effect(filled, store, ClassChange("split", ("good",), ("great", "fine")))
    assert (preview.again_pool, preview.again_holdout, preview.unmeasurable) == (20, 10, 1)
    assert len(preview.first) == 20
    project, stored = change_classes(filled, ClassChange("split", ("good",), ("great", "fine")), "kim")
    assert stored.asked_again == 30
    with project.store() as store:
        assert store.rounds.all()[0].metrics is None
        assert store.items.counts().labeled == 20
        first, second = store.answers.export()[:2]
        assert (first["label"], first["given"], first["classes_changed_at"]) == (None, "good", stored.at)
        assert (second["label"], second["given"], second["classes_changed_at"]) == ("bad", "bad", None)
        assert store.items.labels_spent() == 0  # all were imported
        assert store.class_changes.asked_again() == list(range(21, 60, 2))
    assert work_once(project)
    with project.store() as store:
        assert store.rounds.latest_job().state == "done"
        assert {r.item.id for r in store.desk.reserve("kim", "tab", 10)} & set(range(21, 60, 2))
        assert store.answers.add("kim", [Answer("x", 21, "label", "great")])[0].ok
        assert store.items.labels()[21] == "great"


def test_labels_of_a_class_that_was_split_are_back_once_its_parts_are_merged(filled):
    with filled.store() as store:
        store.decisions.add("lead", "d1", 22, "label", "good")
        before = store.items.labels(), store.rounds.all()[0].metrics.accuracy
    project, _ = change_classes(filled, ClassChange("split", ("good",), ("great", "fine")), "kim")
    with project.store() as store:
        assert store.answers.add("kim", [Answer("x", 21, "label", "great")])[0].ok
        preview = effect(project, store, ClassChange("merge", ("great", "fine"), ("good",)))
    assert (preview.regained, preview.again_pool) == (29, 0)
    project, stored = change_classes(project, ClassChange("merge", ("great", "fine"), ("good",)), "kim")
    assert stored.labels == 31  # of those, one was answered anew
    with project.store() as store:
        assert (store.items.labels(), store.rounds.all()[0].metrics.accuracy) == before
        assert store.class_changes.asked_again() == []


def test_a_retired_class_frees_its_items_and_its_answers_stay_in_the_export(filled, tmp_path):
    project, _ = change_classes(filled, ClassChange("add", (), ("odd",)), "kim")
    with project.store() as store:
        assert store.answers.add("kim", [Answer("x", 21, "label", "odd")])[0].ok
    project, stored = change_classes(project, ClassChange("retire", ("odd",)), "kim")
    assert stored.asked_again == 1
    with project.store() as store:
        assert store.items.labels()[21] == "good"  # what the import had said
        assert store.items.labels_spent() == 1  # the time was spent all the same
        assert [row["label"] for row in store.db.rows("SELECT label FROM annotations WHERE annotator = 'kim'")] == [
            "odd"
        ]


def test_an_answer_that_was_on_its_way_while_the_classes_changed_is_kept(filled):
    project, _ = change_classes(filled, rename("good", "positive"), "lead")
    project, _ = change_classes(project, ClassChange("split", ("bad",), ("dull", "ugly")), "lead")
    with project.store() as store:
        receipts = store.answers.add(
            "kim",
            [
                Answer("1", 31, "label", "good", class_change=0),
                Answer("2", 32, "label", "bad", class_change=1),
                Answer("3", 33, "label", "good"),  # an older desk does not say what it knew
                Answer("4", 34, "label", "nonsense", class_change=0),
                Answer("5", 35, "label", "good", class_change=2),
            ],
        )
        assert [r.ok for r in receipts] == [True, True, True, False, False]
        mine = {row["item_id"]: row["label"] for row in store.answers.export() if row["annotator"] == "kim"}
        assert mine == {31: "positive", 32: None, 33: "positive"}
        stored = store.db.rows("SELECT item_id, label FROM annotations WHERE annotator = 'kim' ORDER BY id")
        assert [(row["item_id"], row["label"]) for row in stored] == [(31, "good"), (32, "bad"), (33, "good")]


def test_a_decision_of_the_lead_follows_the_classes_and_where_it_cannot_its_item_is_asked_again(filled):
    with filled.store() as store:
        store.decisions.add("lead", "d1", 21, "label", "bad")
        store.decisions.add("lead", "d2", 22, "label", "good")
    project, _ = change_classes(filled, rename("bad", "negative"), "lead")
    with project.store() as store:
        assert store.items.labels()[21] == "negative"
    project, _ = change_classes(project, ClassChange("split", ("negative",), ("dull", "ugly")), "lead")
    with project.store() as store:
        assert store.items.labels()[21] == "good"
        assert store.db.value("SELECT wanted > labels FROM items WHERE id = 21")
        assert store.items.labels()[22] == "good"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (rename("nice", "fine"), "There is no class 'nice': the classes are good, bad."),
        (rename("good", "bad"), "There is a class 'bad' already: to put classes together, merge them."),
        (rename("good", " "), "a class name is not empty"),
        (ClassChange("merge", ("good", "bad"), ("all",)), "at least two names"),
        (ClassChange("merge", ("good",), ("good",)), "To merge takes"),
        (ClassChange("split", ("good",), ("fine",)), "To split takes"),
        (ClassChange("split", ("good",), ("fine", "bad")), "There is a class 'bad' already"),
        (ClassChange("split", ("good",), ("fine", "fine")), "names 'fine' twice"),
        (ClassChange("add", (), ("bad",)), "There is a class 'bad' already"),
        (ClassChange("add"), "To add takes"),
        (ClassChange("retire", ("good",)), "at least two names"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_nothing_changes(filled, change, says):
    with pytest.raises(LabelerError, match=says):
        change_classes(filled, change, "kim")
    assert projects.open_project(filled.folder).config.classes == ("good", "bad")
    with filled.store() as store:
        assert store.class_changes.all() == []


# ---------------------------------------------------------------- several classes an item


def test_with_several_classes_an_item_only_the_changed_ones_move(own_home):
    project = projects.create(own_home / "letters", topics_config(classes=("late", "refund", "praise")))
    answers = ['["late","refund"]', '["praise"]', '["refund","praise"]', "[]"]
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"text {i}", split="pool") for i in range(4)])
        for item, label in enumerate(answers, 1):
            assert store.answers.add("kim", [Answer(f"r{item}", item, "label", label)])[0].ok

    def labels(project) -> list[str | None]:
        with project.store() as store:
            return [store.items.labels().get(item) for item in (1, 2, 3, 4)]

    project, _ = change_classes(project, ClassChange("merge", ("praise", "refund"), ("letter",)), "kim")
    assert labels(project) == ['["late","letter"]', '["letter"]', '["letter"]', "[]"]
    project, _ = change_classes(project, ClassChange("add", (), ("other",)), "kim")
    project, _ = change_classes(project, ClassChange("retire", ("letter",)), "kim")
    assert labels(project) == ['["late"]', "[]", "[]", "[]"]
    project, _ = change_classes(project, ClassChange("split", ("late",), ("lost", "slow")), "kim")
    assert labels(project) == [None, "[]", "[]", "[]"]


# ---------------------------------------------------------------- a hand in project.toml, and crashes


def test_a_class_that_was_renamed_by_hand_stops_the_rounds_with_a_sentence_and_is_mended(filled):
    (filled.folder / "project.toml").write_text(
        (filled.folder / "project.toml").read_text().replace('"good"', '"positive"')
    )
    project = projects.open_project(filled.folder)
    assert project.config.classes == ("positive", "bad")
    with project.store() as store:
        assert store.class_changes.outside() == {"good": 30}
        store.rounds.request("retrain now")
    work_once(project)
    with project.store() as store:
        job = store.rounds.latest_job()
        assert job.state == "failed"
        assert "good (30)" in job.error
        assert store.rounds.all()[0].metrics.n == 20
        assert remeasured(store) == Remeasured()  # an audit measures nothing on a part of the holdout
        assert latest(project, store) is None  # nor do the pages and the report
    assert "The holdout is not measured while items have labels of" in everything(visit("progress", "Holdout"))
    project, _ = change_classes(project, rename("good", "positive"), "kim")
    assert project.config.classes == ("positive", "bad")
    work_once(project)
    with project.store() as store:
        assert store.class_changes.outside() == {}
        assert store.rounds.latest_job().state == "done"
        assert store.rounds.all()[-1].labels == 40


def test_a_crash_between_labels_and_settings_is_made_up_for(filled, monkeypatch):
    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("labeler.cycle.class_changes._save", crash)
        with pytest.raises(SystemExit):
            change_classes(filled, rename("good", "positive"), "kim")
    project = projects.open_project(filled.folder)
    assert project.config.classes == ("good", "bad")
    with project.store() as store:
        assert settled(project, store).config.classes == ("positive", "bad")
        assert store.class_changes.outside() == {}
    assert projects.open_project(filled.folder).config.classes == ("positive", "bad")


def test_a_round_that_runs_while_the_classes_change_is_read_in_todays_classes(filled, monkeypatch):
    """The change comes after the round has read its labels, and before it is stored."""
    from labeler.jobs import rounds as worker

    answer(filled, 3)
    real = worker.run_live_round

    def meanwhile(*arguments):
        turn = real(*arguments)
        change_classes(filled, rename("good", "positive"), "lead")
        return turn

    with filled.store() as store:
        store.rounds.request("retrain now")
    with monkeypatch.context() as patched:
        patched.setattr(worker, "run_live_round", meanwhile)
        work_once(filled)
    project = projects.open_project(filled.folder)
    with project.store() as store:
        assert store.rounds.waiting()  # by the change
        assert store.rounds.latest().number == 2
        predicted = {row["predicted"] for row in store.db.rows("SELECT predicted FROM queries WHERE round = 2")}
        assert predicted <= {"positive", "bad", None}
        assert store.forecasts.get(2, "holdout").proba.shape == (20, 2)
    work_once(project)
    with project.store() as store:
        assert store.rounds.latest().metrics.n == 20


def test_the_export_file_has_the_labels_of_today(filled, tmp_path):
    project, _ = change_classes(filled, rename("good", "positive"), "kim")
    export_labels(project, tmp_path / "labels.jsonl")
    text = (tmp_path / "labels.jsonl").read_text()
    assert '"label":"positive"' in text
    assert '"given":"good"' in text
