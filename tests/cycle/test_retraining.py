"""Why a round that somebody asks for cannot run, or would bring nothing."""

from dataclasses import replace

from labeler.core.items import Answer
from labeler.cycle.retraining import obstacle
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.samples import text_config


def label(store, *labels: str) -> None:
    for label_ in labels:
        number = store.items.counts().labeled + 1
        store.answers.add("kim", [Answer(str(number), number, "label", label_)])


def test_what_is_missing_is_said_in_turn(project):
    with project.store() as store:
        assert "There are no items yet" in obstacle(store)
        add(store, 8)
        assert "The pool has no labels yet" in obstacle(store)
        label(store, "good")
        assert "All pool labels are of one class, and a model needs two" in obstacle(store)
        label(store, "bad")
        assert obstacle(store) is None
        store.rounds.request("test")
        assert obstacle(store) == "A round is waiting for the worker."
        store.rounds.claim()
        assert "A round is running" in obstacle(store)


def test_after_a_round_something_must_be_new(project):
    with project.store() as store:
        add(store, 8)
        label(store, "good", "bad")
        store.rounds.request("test")
    assert work_once(project)
    with project.store() as store:
        assert "Nothing is new since the last round" in obstacle(store)
        label(store, "good")
        assert obstacle(store) is None


def test_another_setting_is_something_new(project):
    with project.store() as store:
        add(store, 8)
        label(store, "good", "bad")
        store.rounds.request("test")
    assert work_once(project)
    changed = project.save(replace(project.config, query=replace(project.config.query, strategy="entropy")))
    with changed.store() as store:
        assert obstacle(store) is None


def test_labels_outside_the_classes_are_said(project):
    with project.store() as store:
        add(store, 8)
        label(store, "good", "bad")
    changed = projects.open_project(project.folder).save(text_config(classes=("fine", "bad")))
    with changed.store() as store:
        assert "Items have labels of classes that the project does not have: good (1)." in obstacle(store)
