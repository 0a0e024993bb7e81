"""A project of Label Studio: its tasks become items, its annotations answers, and this queue is its order."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.events import addresses
from labeler.jobs import label_studio as job
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from labeler.store.label_studio import Link
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


def test_a_person_who_was_erased_stays_so(linked, there):
    (first, *_) = there.order()
    there.annotate(first, "good")
    look(linked)
    with linked.store() as store:
        opaque = store.erasure.person("kim@example.org", notes=True)
    there.annotate(first, "bad", "lee@example.org")
    look(linked)
    assert sorted(answers(linked)) == [(opaque, "label", "good"), ("lee@example.org", "label", "bad")]


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


def test_with_nothing_left_to_ask_a_newer_round_is_looked_at_once(linked, there):
    wanted = dict(reviews(60))
    for task in there.tasks:
        there.annotate(task, wanted[there.tasks[task]["data"]["text"]])
    look(linked)
    with linked.store() as store:
        store.rounds.request("test")
    assert work_once(linked)
    assert job.look_once(linked)
    assert not job.look_once(linked)


def test_the_last_tasks_are_put_in_order_once(linked, there):
    for task in there.order()[:40]:
        there.annotate(task, "good")
    look(linked)
    told = len(there.told)
    look(linked)
    assert len(there.told) == told


def test_what_it_is_told_of_during_a_look_makes_it_due_again(linked, there, monkeypatch):
    answer = there.answer

    def meanwhile(*request):
        with linked.store() as store:
            store.label_studio.look_now()
        return answer(*request)

    monkeypatch.setattr(there, "answer", meanwhile)
    look(linked)
    monkeypatch.undo()
    monkeypatch.setenv(addresses.VARIABLE, there.host)
    assert job.look_once(linked)
    assert not job.look_once(linked)


def test_a_change_at_one_of_two_tasks_with_the_same_text_leaves_the_answers_at_the_other(linked, there):
    first = 101
    (second,) = there.add(dict(there.tasks[first]["data"]))
    there.annotate(first, "good")
    there.annotate(second, "bad", "lee@example.org")
    look(linked)
    there.annotate(first, "bad")
    look(linked)
    assert sorted(answers(linked)) == [("kim@example.org", "label", "bad"), ("lee@example.org", "label", "bad")]


def test_tasks_that_come_as_others_go_are_items(linked, there):
    del there.tasks[101]
    there.tasks[999] = {"id": 999, "data": {"text": "a new one"}, "annotations": [], "updated_at": there._now()}
    there.annotate(999, "good")
    look(linked)
    assert answers(linked) == [("kim@example.org", "label", "good")]
    look(linked)
    with linked.store() as store:
        assert store.label_studio.tasks().keys() == there.tasks.keys()


def test_an_annotation_of_a_task_that_comes_during_a_look_is_read_at_the_next_one(linked, there, monkeypatch):
    answer, requests = there.answer, []

    def meanwhile(method, address, body):
        requests.append(address)
        if sum("/api/tasks" in each for each in requests) == 2 and 999 not in there.tasks:
            there.tasks[999] = {"id": 999, "data": {"text": "a new one"}, "annotations": []}
            there.annotate(999, "good")
            there.tasks[101]["updated_at"] = there._now()
        return answer(method, address, body)

    monkeypatch.setattr(there, "answer", meanwhile)
    look(linked)
    assert 999 in there.tasks
    look(linked)
    assert answers(linked) == [("kim@example.org", "label", "good")]


def test_an_annotation_with_a_class_that_is_no_more_holds_up_no_other(linked, there):
    first, second, *_ = there.order()
    there.annotate(first, "middling")
    there.annotate(second, "good")
    look(linked)
    assert answers(linked) == [("kim@example.org", "label", "good")]


def test_an_answer_in_another_form_is_said_and_asked_for_again_later(linked, there, monkeypatch):
    monkeypatch.setattr(there, "answer", lambda *_: {"label_config": there.configuration})
    look(linked)
    with linked.store() as store:
        assert "task_number" in str(store.label_studio.problem())
    assert not job.look_once(linked)


def test_the_token_is_not_sent_without_tls_where_the_server_has_it():
    link = Link("https://studio.example.org", TOKEN, 7, "lead", "", -1, "")
    with pytest.raises(LabelerError, match="another server"):
        job._Server(link).file("http://studio.example.org/data/upload/7/red.png")


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
    there.add(
        {"image": "/data/upload/7/red.png"}, {"image": "https://elsewhere.example.org/blue.png"}, {"image": "http://["}
    )
    with project.store() as store:
        store.label_studio.connect(there.url, TOKEN, 7, "lead")
    assert job.look_once(project)
    with project.store() as store:
        assert [item is None for item in store.label_studio.tasks().values()] == [False, True, True]


def test_a_task_whose_image_failed_is_tried_again_later_each_time_with_its_answers(tmp_path, there, monkeypatch):
    project = projects.create(tmp_path / "pictures", text_config(modality="image"))
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    there.configuration = CONFIGURATION.replace("<Text", "<Image").replace("$text", "$image")
    (task,) = there.add({"image": "/data/upload/7/red.png"})
    there.annotate(task, "good")
    with project.store() as store:
        store.label_studio.connect(there.url, TOKEN, 7, "lead")
    look(project)
    there.files["/data/upload/7/red.png"] = (tmp_path / "red.png").read_bytes()
    look(project)  # too soon
    assert answers(project) == []
    now = time.time()
    monkeypatch.setattr(job.time, "time", lambda: now + 61)
    look(project)
    assert answers(project) == [("kim@example.org", "label", "good")]
    with project.store() as store:
        for wait in (60, 120, 240):
            store.label_studio.remember({5: None}, now)
            assert not store.label_studio.to_try_again(now + wait - 1, 9)
            assert store.label_studio.to_try_again(now + wait, 9) == [5]


def test_a_clock_that_goes_back_holds_no_look_up(linked):
    year = 31_000_000
    with linked.store() as store:
        store.label_studio.look_at(time.time() + year)
        store.label_studio.remember({5: None}, time.time() + year)
        assert store.label_studio.to_try_again(time.time(), 9) == [5]
    assert job.look_once(linked)


def test_two_people_of_one_name_there_are_two_here(linked, there):
    first, second, *_ = there.order()
    there.annotate(first, "good", "Kim", 11)
    look(linked)
    there.annotate(first, "bad", "Kim", 12)
    there.annotate(second, "bad", "Kim", 12)
    look(linked)
    there.annotate(second, "good", "Kim", 12)
    look(linked)
    assert sorted(answers(linked)) == [
        ("Kim", "label", "good"),
        ("Kim (12)", "label", "bad"),
        ("Kim (12)", "label", "good"),
    ]


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
