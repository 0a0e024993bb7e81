"""Searches for better settings in the background: asked for, run, gone on with, cancelled, taken over."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock

from labeler.backbones import choose
from labeler.cli import main
from labeler.core.errors import BackboneError, LabelerError
from labeler.core.items import NewItem
from labeler.core.jobs import TuningRequest
from labeler.core.settings import FinetuneConfig
from labeler.jobs import runner, searches
from labeler.jobs.searches import ask, cancel, follow, in_use, outdated, take_over, tune_once
from labeler.projects import project as projects
from tests.support.encoders import Known
from tests.support.samples import reviews

REQUEST = TuningRequest(backbones=("words",))


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch):
    monkeypatch.setattr(runner, "EVERY", 0.0)


@pytest.fixture(autouse=True)
def seen(monkeypatch) -> dict[str, list[Path | str]]:
    """What each of those encoders has seen."""
    known = choose.load_encoder
    seen = dict[str, list[Path | str]](words=[], letters=[])

    def load(learner, modality, texts, folder, on_progress=None):
        if learner.backbone == "gone":
            raise BackboneError("backbone 'gone' cannot be loaded.")
        if learner.backbone in seen:
            return Known(learner.backbone, seen[learner.backbone])
        return known(learner, modality, texts, folder, on_progress)

    monkeypatch.setattr(choose, "load_encoder", load)
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", load)
    return seen


def fill(project, labeled: int = 120, contradicting: bool = False):
    """Texts in the pool and in the holdout whose label their words give away, or do not."""
    rng = np.random.default_rng(0)
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}",
                    f"row {i}",
                    text=text,
                    split="holdout" if i % 3 == 0 else "pool",
                    label=(["good", "bad"][rng.integers(2)] if contradicting else label) if i < 1.5 * labeled else None,
                )
                for i, (text, label) in enumerate(reviews(210))
            ]
        )
    return project


@pytest.fixture
def labeled(project):
    return fill(project)


def latest(project):
    with project.store() as store:
        return store.tunings.all()[0]


def report_of(project):
    with project.store() as store:
        return store.tunings.report_of(store.tunings.all()[0].id)


def test_a_search_is_asked_for_run_and_kept(labeled):
    number = ask(labeled, REQUEST, "kim")
    assert tune_once(labeled)
    assert not tune_once(labeled)
    assert (latest(labeled).id, latest(labeled).state) == (number, "done")
    report = report_of(labeled)
    assert [row["name"] for row in sorted(report["trials"], key=lambda row: row["number"])] == [
        "current settings",
        "frozen heads, words",
    ]
    assert report["labels"] == 120
    if report["check"] is None:
        assert report["proposal"] is None


def test_the_holdout_is_never_seen_and_other_backbones_see_labeled_items_only(labeled, seen):
    ask(labeled, REQUEST, "kim")
    tune_once(labeled)
    with labeled.store() as store:
        items, known = store.items.all(), store.items.labels()
    assert set(seen["words"]) == {item.text for item in items if item.split == "pool" and item.id in known}
    assert not list(labeled.embeddings.glob("key-of-words"))


@pytest.mark.parametrize(
    ("labels", "says"),
    [(0, "0 of the pool, with two or more in 0 of the classes; 100 are needed"), (60, "60 of the pool")],
)
def test_too_few_labels_are_refused_in_a_sentence(project, labels, says):
    fill(project, labels)
    with pytest.raises(LabelerError, match=says):
        ask(project, REQUEST, "kim")
    with project.store() as store:
        assert store.tunings.all() == []


def test_what_cannot_be_understood_is_not_asked_for(labeled):
    with pytest.raises(LabelerError, match="no lever 'rate' of texts"):
        ask(labeled, TuningRequest(levers=("rate",)), "kim")
    with labeled.store() as store:
        assert store.tunings.all() == []


def test_nothing_to_search_fails_in_a_sentence(labeled):
    ask(labeled, TuningRequest(), "kim")
    tune_once(labeled)
    assert latest(labeled).state == "failed"
    assert "Backbone char_tfidf cannot be fine-tuned and no other is named" in latest(labeled).error


def test_a_backbone_that_is_not_there_fails_before_anything_is_tried(labeled):
    ask(labeled, TuningRequest(backbones=("words", "gone")), "kim")
    tune_once(labeled)
    assert "backbone 'gone' cannot be loaded." in latest(labeled).error
    assert not list(labeled.tuning.glob("*.log"))


def test_the_same_labels_are_not_tried_again_and_new_ones_are(labeled):
    ask(labeled, REQUEST, "kim")
    tune_once(labeled)
    first = report_of(labeled)
    ask(labeled, REQUEST, "kim")
    tune_once(labeled)
    assert report_of(labeled) == first
    assert len(list(labeled.tuning.glob("*.log"))) == 1
    fill(labeled, 123)
    ask(labeled, REQUEST, "kim")
    tune_once(labeled)
    assert len(list(labeled.tuning.glob("*.log"))) == 2


def test_a_cancelled_search_ends_and_what_it_tried_is_kept(labeled, monkeypatch):
    from labeler.learner import train

    number, known = ask(labeled, REQUEST, "kim"), train.fit
    fits = []

    def fit(*arguments):
        fits.append(arguments[1].backbone)
        if len(fits) == 4:
            assert cancel(labeled, number)
        return known(*arguments)

    monkeypatch.setattr("labeler.experiments.search.fit_model", fit)
    tune_once(labeled)
    assert latest(labeled).state == "cancelled"
    assert fits == ["char_tfidf"] * 3 + ["words"]
    fits.append("again")
    ask(labeled, REQUEST, "kim")
    tune_once(labeled)
    assert latest(labeled).state == "done"
    assert fits[5:8] == ["words"] * 3


def test_one_that_was_cut_off_goes_on_with_the_time_that_is_left(labeled, monkeypatch):
    from labeler.experiments.search import Search

    given = []

    def run(self, data, folder, spent):
        given.append(spent)
        return {"proposal": None}

    monkeypatch.setattr(Search, "run", run)
    number = ask(labeled, REQUEST, "kim")
    with labeled.store() as store:
        store.tunings.claim()
        store.tunings.report(number, "3 settings tried", 700, 1800)
    assert tune_once(labeled)
    assert given[0] >= 700


def test_the_same_search_is_not_asked_for_twice_while_it_waits_or_was_cut_off(labeled):
    number = ask(labeled, REQUEST, "kim")
    with labeled.store() as store:
        store.tunings.claim()  # by a process that dies
    assert ask(labeled, REQUEST, "lee") == number
    assert ask(labeled, replace(REQUEST, seed=1), "lee") == number + 1
    while tune_once(labeled):
        pass
    assert ask(labeled, REQUEST, "lee") == number + 2


def test_one_process_searches_at_a_time(labeled):
    ask(labeled, REQUEST, "kim")
    with labeled.lock(runner.LOCK):
        assert not tune_once(labeled)
    assert latest(labeled).state == "queued"


def test_who_follows_runs_it_or_waits_for_who_does(labeled, monkeypatch):
    messages = []
    number = ask(labeled, REQUEST, "kim")
    assert follow(labeled, number, lambda *one: messages.append(one)).state == "done"
    assert any("setting" in message for message, _, _ in messages)

    number = ask(labeled, replace(REQUEST, seed=1), "kim")
    lock = FileLock(labeled.folder / runner.LOCK)
    lock.acquire()

    def let_go(seconds: float) -> None:
        with labeled.store() as store:
            store.tunings.claim()
            store.tunings.fail(number, "ended elsewhere")
        lock.release()

    monkeypatch.setattr(searches.time, "sleep", let_go)
    assert follow(labeled, number, lambda *one: None).error == "ended elsewhere"


def test_the_worker_runs_it_beside_comparisons(labeled, own_home):
    ask(labeled, TuningRequest(), "kim")
    result = CliRunner().invoke(main, ["worker", str(own_home), "--once"])
    assert result.exit_code == 0, result.output
    assert latest(labeled).state == "failed"  # one backbone, which cannot be fine-tuned


# ---------------------------------------------------------------- taking over


@pytest.fixture
def proposed(labeled):
    """A finished search that proposes something, and its id."""
    number = ask(labeled, REQUEST, "kim")
    with labeled.store() as store:
        store.tunings.claim()
        report = {
            "proposal": {"kind": "finetune", "finetune": {"learning_rate": 3e-4, "augment": ("crop",)}},
            "learner": labeled.config.as_dict()["learner"],
        }
        store.tunings.finish(number, report)
    return number


def test_what_is_proposed_is_saved_when_it_is_taken_over_and_not_before(labeled, proposed):
    report = report_of(labeled)
    assert projects.open_project(labeled.folder).config == labeled.config
    assert not in_use(labeled, report)
    assert not outdated(labeled, report)
    changed = take_over(labeled, proposed)
    learner = replace(
        labeled.config.learner, kind="finetune", finetune=FinetuneConfig(learning_rate=3e-4, augment=("crop",))
    )
    assert projects.open_project(labeled.folder).config == replace(labeled.config, learner=learner) == changed.config
    assert in_use(changed, report)
    assert take_over(changed, proposed) == changed


def test_what_was_judged_beside_other_settings_is_not_taken_over(labeled, proposed):
    changed = labeled.save(replace(labeled.config, learner=replace(labeled.config.learner, input_size=64)))
    assert outdated(changed, report_of(changed))
    with pytest.raises(LabelerError, match="settings have changed since"):
        take_over(changed, proposed)
    budget = changed.save(replace(labeled.config, budget=77))  # what has nothing to do with the learner
    assert take_over(budget, proposed).config.budget == 77


def test_nothing_is_taken_over_where_nothing_is_proposed(labeled):
    number = ask(labeled, REQUEST, "kim")
    with pytest.raises(LabelerError, match="proposes no settings"):
        take_over(labeled, number)


# ---------------------------------------------------------------- from a terminal


def tune(project, *arguments, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["tune", str(project.folder), *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_tune_prints_the_evidence_and_what_follows_from_it(labeled):
    said = tune(labeled, "--backbone", "words")
    assert "120 labels, 3 folds" in said
    assert "current settings" in said
    assert "frozen heads" in said
    assert report_of(labeled)["verdict"] in said
    assert latest(labeled).request == replace(REQUEST, seconds=1800.0)


def test_tune_takes_over_what_it_proposes_if_it_is_told_to(project):
    fill(project, labeled=140)
    project.save(replace(project.config, learner=replace(project.config.learner, backbone="letters")))
    said = tune(project, "--backbone", "words")
    assert "Better settings were found: kind frozen, backbone words." in said
    assert "Nothing is changed" in said
    assert projects.open_project(project.folder).config.learner.backbone == "letters"
    assert "They are used from the next round on." in tune(project, "--backbone", "words", "--apply")
    assert projects.open_project(project.folder).config.learner.backbone == "words"


def test_tune_writes_json_for_programs(labeled):
    found = json.loads(tune(labeled, "--backbone", "words", "--json", "--apply"))
    assert found.pop("taken_over") is bool(found["proposal"])
    assert found == report_of(labeled)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Backbone char_tfidf cannot be fine-tuned and no other is named"),
        (["--lever", "rate"], "There is no lever 'rate' of texts"),
        (["--augment", "crop"], "this project has texts"),
        (["--sampler", "best"], "'best' is not one of"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_exit_code_2(labeled, arguments, says):
    assert says in tune(labeled, *arguments, code=2)


def test_stopped_by_hand_a_search_keeps_what_it_tried(labeled, monkeypatch):
    from labeler.learner import train

    known, fits = train.fit, []

    def fit(*arguments):
        fits.append(1)
        if len(fits) == 5:
            raise KeyboardInterrupt
        return known(*arguments)

    monkeypatch.setattr("labeler.experiments.search.fit_model", fit)
    assert "the same command goes on from there" in tune(labeled, "--backbone", "words", code=2)
    assert latest(labeled).state == "cancelled"
    tune(labeled, "--backbone", "words")
    assert len(fits) >= 5 + 3
    assert len(report_of(labeled)["trials"]) == 2
