"""Encoders compared on the project's labels: asked for as labels double, run beside rounds, proposed, switched."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from labeler.backbones import choose
from labeler.cli import main
from labeler.core.errors import BackboneError
from labeler.core.items import Answer, NewItem
from labeler.core.settings import LearnerConfig
from labeler.cycle.encoder_choice import use_encoder
from labeler.experiments import encoder_comparison, encoder_verdict
from labeler.jobs import encoder_comparisons, runner
from labeler.jobs.encoder_comparisons import accept, ask_if_due, compare_once, open_proposal
from labeler.projects import project as projects
from labeler.report.sentences.encoders import encoder_change
from labeler.store import Store
from tests.support.encoders import Known
from tests.support.fill import rank
from tests.support.samples import reviews

HERE = ["gone", "letters", "words"]


@pytest.fixture(autouse=True)
def seen(monkeypatch) -> dict[str, list[Path | str]]:
    """What each of those encoders has read."""
    seen = dict[str, list[Path | str]](words=[], letters=[])

    def load(learner, modality, texts, folder, on_progress=None):
        if learner.backbone == "gone":
            raise BackboneError("backbone 'gone' cannot be loaded.")
        return Known(learner.backbone, seen[learner.backbone])

    monkeypatch.setattr(choose, "load_encoder", load)
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", load)
    monkeypatch.setattr(encoder_comparisons, "available", lambda modality: HERE)
    monkeypatch.setattr("labeler.backbones.auto.available", lambda modality: HERE)
    monkeypatch.setattr(encoder_comparison, "FOLDS", 2)
    monkeypatch.setattr(encoder_verdict, "BOOTSTRAPS", 20)
    monkeypatch.setattr(runner, "EVERY", 0.0)
    return seen


@pytest.fixture
def labeled(project):
    """130 texts, 100 of them of the pool and 60 of these labeled; an encoder that is of no use reads them."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}",
                    f"row {i}",
                    text=text,
                    split="pool" if i < 100 else "holdout",
                    label=label if i < 60 or i >= 100 else None,
                )
                for i, (text, label) in enumerate(reviews(130))
            ]
        )
    return project.save(replace(project.config, learner=LearnerConfig(kind="frozen", backbone="letters")))


def set_search(project, value: str):
    return project.save(replace(project.config, learner=replace(project.config.learner, backbone_search=value)))


def ask(project) -> bool:
    with project.store() as store:
        return ask_if_due(project, store)


def compared(project):
    assert ask(project)
    assert compare_once(project)
    with project.store() as store:
        return store.encoder_comparisons.latest_report()


def test_a_better_encoder_is_proposed_and_what_cannot_be_loaded_is_left_out_with_a_sentence(labeled):
    number, report = compared(labeled)
    assert (number, report["labels"], report["queried"], report["present"]) == (1, 60, 0, "letters")
    words = next(row for row in report["encoders"] if row["name"] == "words")
    assert report["proposal"] == "words"
    assert 0 < words["low"] < words["gain"] < words["high"]
    assert {row["name"]: str(row["note"]) for row in report["encoders"] if "note" in row} == {
        "gone": "backbone 'gone' cannot be loaded."
    }
    with labeled.store() as store:
        assert open_proposal(labeled, store) == (number, report)
    assert projects.open_project(labeled.folder).config.learner.backbone == "letters"


def test_no_label_of_the_holdout_is_looked_at(labeled, monkeypatch):
    judged, known = [], encoder_comparisons.judged_items

    def noted(*of):
        judged.append(known(*of))
        return judged[-1]

    monkeypatch.setattr(encoder_comparisons, "judged_items", noted)
    compared(labeled)
    with labeled.store() as store:
        holdout = {item.content_hash for item in store.items.all() if item.split == "holdout"}
    rows, items = judged[0]
    assert len(rows) == len(items.hashes) == 100
    assert not holdout & set(items.hashes)
    assert len(items.targets) == 60


def test_the_one_that_is_proposed_has_read_everything_when_it_is(labeled, seen):
    compared(labeled)
    assert (labeled.embeddings / "key-of-words" / "00000.keys").read_text().split() == [f"{i:032x}" for i in range(130)]


def test_an_encoder_that_would_take_too_long_is_left_out_with_a_sentence(labeled, monkeypatch):
    monkeypatch.setattr(encoder_comparison, "LONGEST", 0.0)
    _number, report = compared(labeled)
    assert report["proposal"] is None
    assert {row["name"] for row in report["encoders"] if "To read all 130 items" in row["note"]} == {"words"}


def test_of_many_labels_some_that_are_spread_over_them_are_looked_at(labeled, monkeypatch):
    monkeypatch.setattr(encoder_comparisons, "MOST", 55)
    assert compared(labeled)[1]["labels"] == 55


def test_nothing_is_compared_again_before_the_labels_double(labeled):
    compared(labeled)
    assert not ask(labeled)
    with labeled.store() as store:
        labels = dict(enumerate((label for _text, label in reviews(130)), 1))
        store.items.add(
            [NewItem(f"{i:032x}", "more", text=f"t{i}", split="pool", label="good") for i in range(200, 259)]
        )
        assert not ask_if_due(labeled, store)
        store.answers.add("kim", [Answer("one more", 61, "label", labels[61])])
    assert ask(labeled)
    assert not ask(labeled)  # it waits already


def test_it_is_off_where_the_settings_say_so(labeled):
    assert not ask(set_search(labeled, "off"))


def test_it_stops_when_a_round_is_due_and_goes_on_from_what_it_had(labeled, seen, monkeypatch):
    known, fits = encoder_comparison.FrozenHead.fit, []

    def fit(self, task):
        fits.append(task.dataset.embeddings[0].tolist())
        if len(fits) == 7:  # the second encoder's turn
            with labeled.store() as store:
                store.rounds.request("new labels")
        return known(self, task)

    monkeypatch.setattr(encoder_comparison.FrozenHead, "fit", fit)
    assert ask(labeled)
    assert compare_once(labeled)
    with labeled.store() as store:
        job = store.encoder_comparisons.latest()
        assert (job.state, job.attempts) == ("queued", 0)
        rank(store, [70])  # the round
    before = len(fits)
    assert compare_once(labeled)
    with labeled.store() as store:
        assert store.encoder_comparisons.latest().state == "done"
    assert len(fits) - before == 4 + 2 + 2  # the present encoder's four models are kept; each is timed with two more
    assert len([text for text in seen["words"] if text == reviews(1)[0][0]]) <= 4  # timed twice, read twice


def test_one_whose_process_died_is_taken_up(labeled):
    ask(labeled)
    with labeled.store() as store:
        store.encoder_comparisons.claim()  # by a process that dies
    assert compare_once(labeled)
    with labeled.store() as store:
        assert store.encoder_comparisons.latest().state == "done"


def test_what_is_taken_over_reads_the_items_from_then_on_and_the_round_says_so(labeled):
    number, report = compared(labeled)
    with labeled.store() as store:
        changed = accept(labeled, store, number, report, "kim")
        assert changed.config.learner.backbone == "words"
        assert open_proposal(changed, store) is None
        answers = store.encoder_comparisons.answers()
    assert [(answer.answer, answer.by) for answer in answers] == [("used", "kim")]
    says = str(encoder_change(2, {1: "letters", 2: "words"}, answers))
    assert says == f"From this round on words reads the items; before it was letters. {report['verdict']}"
    assert encoder_change(2, {1: "words", 2: "words"}, answers) is None
    assert encoder_change(1, {1: "words"}, answers) is None


def test_a_declined_proposal_is_gone(labeled):
    number, _report = compared(labeled)
    with labeled.store() as store:
        assert store.encoder_comparisons.answer(number, "declined", "kim")
        assert not store.encoder_comparisons.answer(number, "used", "lee")
        assert open_proposal(labeled, store) is None


def test_a_proposal_is_gone_once_another_encoder_reads_the_items(labeled):
    compared(labeled)
    changed = use_encoder(labeled, "char_tfidf")
    with changed.store() as store:
        assert open_proposal(changed, store) is None


def test_the_settings_switch_by_themselves_and_not_back_again(labeled):
    project = set_search(labeled, "switch")
    compared(project)
    switched = projects.open_project(labeled.folder)
    assert switched.config.learner.backbone == "words"
    with switched.store() as store:
        answers = store.encoder_comparisons.answers()
    assert "switched to it by themselves" in str(encoder_change(2, {1: "letters", 2: "words"}, answers))
    back = use_encoder(switched, "letters")  # a person wants it so
    assert not ask(back)
    assert projects.open_project(labeled.folder).config.learner.backbone == "letters"


def test_too_few_labels_are_a_sentence(project):
    with project.store() as store:
        store.items.add([NewItem(f"{i}", "row", text=f"t{i}", split="pool", label="good") for i in range(60)])
    use_encoder(project, "letters")
    result = CliRunner().invoke(main, ["models", "compare", str(project.folder)])
    assert result.exit_code == 2
    assert "60 of the pool, with two or more in 1 of the classes; 50 are needed" in result.output


def test_the_command_prints_the_table_and_takes_it_over_if_it_is_told_to(labeled):
    result = CliRunner().invoke(main, ["models", "compare", str(labeled.folder)])
    assert result.exit_code == 0, result.output
    assert "In place of letters, 60 labels, 0 of them queried" in result.output
    assert "backbone 'gone' cannot be loaded." in result.output
    assert "Nothing is changed" in result.output
    result = CliRunner().invoke(main, ["models", "compare", str(labeled.folder), "--use", "--json"])
    assert json.loads(result.stdout)["taken_over"] is True
    assert projects.open_project(labeled.folder).config.learner.backbone == "words"


def test_a_database_from_before_gets_the_table(project, store):
    with store.write():
        store.db.execute("DROP TABLE encoder_comparisons")
        store.db.execute("DELETE FROM _sqlite_migrations WHERE name = ?", ["m018_encoder_comparisons"])
        store.db.execute("PRAGMA user_version = 17")
    with Store(store.path, store.config) as opened:
        assert opened.encoder_comparisons.latest() is None
        assert opened.encoder_comparisons.answers() == []
