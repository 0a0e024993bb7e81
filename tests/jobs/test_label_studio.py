"""A project of Label Studio: its tasks become items, its annotations answers, and this queue is its order."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.events import addresses
from labeler.jobs import label_studio as job
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from tests.support.label_studio import CONFIGURATION, TOKEN, LabelStudio, label_studio
from tests.support.samples import reviews, text_config


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStudio]:
    with label_studio() as server:
        monkeypatch.setenv(addresses.VARIABLE, server.host)
        monkeypatch.setattr(job, "LEAST_ASKED", 100)
        yield server


@pytest.fixture
def linked(project, there):
    """A project that is linked to one with sixty texts."""
    there.add(*({"text": text, "from": "shop"} for text, _ in reviews(60)))
    with project.store() as store:
        store.label_studio.connect(there.url, TOKEN, 7, "lead")
    assert job.look_once(project)
    return project


def look(project) -> None:
    with project.store() as store:
        store.label_studio.look_now()
    assert job.look_once(project)


def answers(project) -> list[tuple[str, str, str | None]]:
    with project.store() as store:
        return [(row["annotator"], row["action"], row["label"]) for row in store.answers.export()]


def test_tasks_become_items_and_this_queue_is_their_order(linked, there):
    with linked.store() as store:
        assert len(store.label_studio.tasks()) == 60
        assert None not in store.label_studio.tasks().values()
        held = [reserved.item.id for reserved in store.desk.held("lead", job.TAB)]
        items = store.label_studio.tasks()
        assert store.items.get(held[0]).metadata["from"] == "shop"
    assert [items[task] for task in there.order()] == held
    assert there.settings["sampling"] == "Uncertainty sampling"
    assert {len(prediction["result"]) for prediction in there.told[0]} == {0}


def test_an_annotation_is_an_answer_once_and_a_changed_one_takes_its_place(linked, there):
    first, second, *_ = there.order()
    there.annotate(first, "good")
    there.annotate(second, None, "lee@example.org")
    look(linked)
    look(linked)
    assert sorted(answers(linked)) == [("kim@example.org", "label", "good"), ("lee@example.org", "skip", None)]
    there.annotate(first, "bad")
    look(linked)
    assert ("kim@example.org", "label", "bad") in answers(linked)
    assert len(answers(linked)) == 2


def test_a_deleted_annotation_takes_its_answer_back(linked, there):
    (first, *_) = there.order()
    there.annotate(first, "good")
    look(linked)
    there.delete(first)
    look(linked)
    assert answers(linked) == []


def test_answers_that_nobody_told_of_are_read_at_the_next_look(linked, there):
    for task in there.order()[:3]:
        there.annotate(task, "good")
    look(linked)
    assert len(answers(linked)) == 3


def test_after_a_round_the_new_ranking_is_the_order(linked, there):
    wanted = dict(reviews(60))
    for task in there.order()[:40]:
        there.annotate(task, wanted[there.tasks[task]["data"]["text"]])
    look(linked)
    before = there.settings["model_version"]
    with linked.store() as store:
        store.rounds.request("test")
    assert work_once(linked)
    assert job.look_once(linked)  # without anybody's asking: there is a newer ranking
    assert there.settings["model_version"] != before
    with linked.store() as store:
        items = store.label_studio.tasks()
        held = [reserved.item.id for reserved in store.desk.held("lead", job.TAB)]
        labeled = store.items.labels()
    assert [items[task] for task in there.order()] == held
    assert not {items[task] for task in there.order()} & {*labeled}
    assert not job.look_once(linked)


def test_predictions_are_shown_there_only_before_the_answer_and_never_of_blind_items(linked, there):
    shown = linked.save(replace(linked.config, labeling=replace(linked.config.labeling, reveal="before")))
    wanted = dict(reviews(60))
    for task in there.order()[:40]:
        there.annotate(task, wanted[there.tasks[task]["data"]["text"]])
    look(shown)
    with shown.store() as store:
        store.rounds.request("test")
    assert work_once(shown)
    assert job.look_once(shown)
    assert there.settings["show_collab_predictions"] is True
    with shown.store() as store:
        items = store.label_studio.tasks()
        splits = {task: store.items.get(item).split for task, item in items.items()}
    results = {prediction["task"]: prediction["result"] for prediction in there.told[-1]}
    assert {splits[task] for task, result in results.items() if result} == {"pool"}
    assert all(not result for task, result in results.items() if splits[task] == "holdout")


def test_a_server_that_is_down_is_said_and_nothing_is_lost(linked, there, monkeypatch):
    (first, *_) = there.order()
    there.annotate(first, "good")
    monkeypatch.setattr(there, "answer", lambda *_: None)
    look(linked)
    with linked.store() as store:
        assert "404" in str(store.label_studio.problem())
    monkeypatch.undo()
    monkeypatch.setenv(addresses.VARIABLE, there.host)
    look(linked)
    assert answers(linked) == [("kim@example.org", "label", "good")]
    with linked.store() as store:
        assert store.label_studio.problem() == ""


def test_pictures_are_fetched_from_the_server_of_the_tasks_alone(tmp_path, there, monkeypatch):
    project = projects.create(tmp_path / "pictures", text_config(modality="image"))
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    there.files["/data/upload/7/red.png"] = (tmp_path / "red.png").read_bytes()
    there.configuration = CONFIGURATION.replace("<Text", "<Image").replace("$text", "$image")
    there.add({"image": "/data/upload/7/red.png"}, {"image": "https://elsewhere.example.org/blue.png"})
    with project.store() as store:
        store.label_studio.connect(there.url, TOKEN, 7, "lead")
    assert job.look_once(project)
    with project.store() as store:
        assert [item is None for item in store.label_studio.tasks().values()] == [False, True]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('<Choice value="bad"/>', "", "The classes differ"),
        ('choice="single"', 'choice="multiple"', "The question differs"),
        ("<Text", "<Image", "The question differs"),
        ("Choices", "Rating", "no <Choices>"),
    ],
)
def test_another_question_is_refused(project, before, after, sentence):
    with pytest.raises(LabelerError, match=sentence):
        job.check_configuration(project, CONFIGURATION.replace(before, after))
