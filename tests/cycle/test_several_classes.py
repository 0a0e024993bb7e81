"""Several classes an item through the whole cycle: imported, learned, asked about, answered, published, exported."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies
from labeler.backbones.choose import load_encoder
from labeler.cli import main
from labeler.core import decisions
from labeler.core.errors import ConfigError
from labeler.core.items import Answer, NewItem
from labeler.core.labels import is_answer, join, split
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.query import Querier, candidates
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import load_task, read_labeled
from labeler.experiments.simulate import Design, compare
from labeler.files.sources import SourceColumns
from labeler.jobs.rounds import work_once
from labeler.learner import saved_models as models
from labeler.learner.task import LearningTask
from labeler.models.inference import best_model, predict_unseen
from labeler.models.publish import publish
from labeler.models.reproduce import reproduce
from labeler.projects import project as projects
from labeler.projects.exporter import export_labels
from labeler.projects.importer import import_source
from tests.support.published_model import readme_answers
from tests.support.samples import TOPICS, letters, topics_config
from tests.support.warm_processes import simulate_in_this_process

CONFIG = topics_config()
CHARACTERS = LearnerConfig(kind="frozen", backbone="char_tfidf")


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> State:
    texts, sets = zip(*letters(120), strict=True)
    encoder = load_encoder(CONFIG.learner, "text", texts, tmp_path_factory.mktemp("embeddings"))
    embeddings = encoder.encode(texts)
    targets = np.array([[name in names for name in TOPICS] for names in sets], dtype=np.int8)
    return State(
        LearningTask.of(Dataset(texts, embeddings, encoder.dims), Labels(np.arange(24), targets[:24]), len(TOPICS)),
        np.arange(24, 90),
        Labels(np.arange(90, 120), targets[90:]),
    )


# ---------------------------------------------------------------- a round


@pytest.mark.parametrize("name", sorted(strategies.registered()))
def test_every_strategy_completes_a_round(state, name):
    config = replace(CONFIG, query=QueryConfig(strategy=name, batch=5, random_share=0.0))
    result = run_round(state, config, seed=3, depth=15).result
    positions = [r.position for r in result.ranking]
    assert len(set(positions)) == 15
    assert set(positions) <= set(state.pool.tolist())
    assert (result.labels, result.strategy, result.metrics.n) == (24, name, 30)


@pytest.mark.parametrize(
    "name",
    [
        "modAL.uncertainty.margin_sampling",
        "modAL.batch.uncertainty_batch_sampling",
        "skactiveml.pool.Badge",
        "balanced(margin)",
        "distinct(balanced(vote_entropy))",
    ],
)
def test_modal_scikit_activeml_and_modified_strategies_complete_a_round(state, name):
    config = replace(CONFIG, query=QueryConfig(strategy=name, batch=5, random_share=0.0))
    assert len({r.position for r in run_round(state, config, seed=3, depth=10).result.ranking}) == 10


def test_the_model_is_better_than_base_rates(state):
    pool_truth = np.array([[name in names for name in TOPICS] for _, names in letters(120)], dtype=np.int8)
    many = replace(state, task=state.task.relabeled(Labels(np.arange(80), pool_truth[:80])), pool=np.arange(80, 90))
    few = replace(state, task=state.task.relabeled(Labels(np.arange(8), pool_truth[:8])))
    worse, better = (run_round(start, CONFIG, 1, 5).result.metrics for start in (few, many))
    usual = state.holdout.targets.mean(axis=0) > 0.5
    guessed = (state.holdout.targets == usual).all(axis=1).mean()
    assert better.accuracy > max(worse.accuracy, guessed + 0.3)
    assert better.micro_f1 > 0.9
    assert better.macro_f1 > 0.9


def test_margin_asks_about_the_least_certain_decision(state):
    config = replace(CONFIG, query=QueryConfig(strategy="margin", random_share=0.0))
    turn = run_round(state, config, seed=0, depth=20)
    asked = np.array([r.position for r in turn.result.ranking])
    proba = turn.model.predict_proba(state.task.dataset, asked)
    doubt = np.abs(proba - 0.5).min(axis=1)
    assert (np.diff(doubt) >= -1e-12).all()
    others = np.setdiff1d(state.pool, asked)
    assert np.abs(turn.model.predict_proba(state.task.dataset, others) - 0.5).min() >= doubt.max() - 1e-12


def test_strategies_see_no_and_yes_and_label_sets(state):
    model = run_round(state, CONFIG, 1, 5).model
    given = candidates(state, Querier(strategies.get("margin"), model), state.pool)
    assert given.proba.shape == (66, 2)
    needy = strategies.Strategy(
        "needy", "test", frozenset({"proba", "labeled"}), "scores", lambda c, rng: c.proba[:, 0]
    )
    given = candidates(state, Querier(needy, model), state.pool)
    sets = {tuple(row) for row in state.task.labels.targets.tolist()}
    assert given.labeled_targets.max() + 1 == len(sets) == given.proba.shape[1]
    np.testing.assert_array_equal(given.labeled_targets, decisions.label_set_ids(state.task.labels.targets))


def test_if_all_label_sets_are_equal_only_the_seed_set_is_extended(state):
    same = Labels(np.arange(6), np.repeat(state.task.labels.targets[5:6], 6, axis=0))
    turn = run_round(replace(state, task=state.task.relabeled(same)), CONFIG, 1, 5)
    assert (turn.model, turn.result.metrics, turn.result.strategy) == (None, None, "k_means")


def test_a_class_that_no_item_has_so_far_gets_its_base_rate(state):
    targets = state.task.labels.targets.copy()
    targets[:, 1] = 0
    task = state.task.relabeled(Labels(state.task.labels.positions, targets))
    model = run_round(replace(state, task=task), CONFIG, 1, 5).model
    np.testing.assert_allclose(model.predict_proba(state.task.dataset, state.pool)[:, 1], 1 / 26, rtol=1e-5)


# ---------------------------------------------------------------- a project


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with its letters imported from a table, after a round."""
    folder = tmp_path_factory.mktemp("several")
    project = projects.create(folder / "letters", CONFIG)
    table = folder / "letters.csv"
    rows = [{"text": text, "topics": ";".join(names) or "[]"} for text, names in letters(160)]
    pd.DataFrame(rows).to_csv(table, index=False)
    report = import_source(project, table, SourceColumns(label="topics"))
    assert (report.added, report.labels_added, report.problems) == (160, 160, ())
    assert work_once(project)
    return project


def test_a_round_is_measured_stored_and_trained_anew(trained):
    with trained.store() as store:
        [finished] = store.rounds.all()
        counts = store.items.counts()
        labels = store.items.labels()
    assert finished.metrics.micro_f1 > 0.9
    assert finished.metrics.accuracy > 0.6
    assert counts.labeled == counts.pool
    assert dict(counts.per_class) == {
        name: sum(name in split(labels[item.id]) for item in items_of(trained, "pool")) for name in TOPICS
    }
    again = reproduce(trained, 1)
    assert again.difference == 0
    assert isinstance(again.model, models.LinearHeads)
    assert again.model.several


def items_of(project, where: str):
    with project.store() as store:
        return [item for item in store.items.all() if item.split == where]


def test_saved_predicted_and_published_are_the_same(trained, tmp_path):
    text = "dear shop, late parcel and thanks, 고맙습니다"
    (tmp_path / "new.txt").write_text(text)
    expected = predict_unseen(trained, [tmp_path / "new.txt"])
    best = best_model(trained)
    loaded = models.load(best.weights, best.encoder)
    data = Dataset([text], best.encoder.encode([text]), best.encoder.dims)
    np.testing.assert_array_equal(loaded.predict_proba(data, np.array([0])), expected.proba)
    [row] = expected.rows()
    assert row["label"] == "배송;칭찬"
    p = expected.proba[0]
    assert row["probability"] == pytest.approx(p[0] * (1 - p[1]) * p[2], abs=1e-6)
    publish(trained, tmp_path / "out")
    [(printed, proba)] = readme_answers(tmp_path / "out", text)
    assert printed == "['배송', '칭찬']"
    np.testing.assert_allclose(proba, p, atol=1e-6)


def test_rounds_follow_the_answers(own_home):
    """The pool is unlabeled at first: sets come in batch by batch, and what the model says is stored as a set."""
    project = projects.create(own_home / "letters", CONFIG)
    truth = {text: join(names, CONFIG) for text, names in letters(80)}
    items = [
        NewItem(
            f"{i:032x}", f"row {i}", text=text, split="pool" if i < 50 else "holdout", label=None if i < 50 else label
        )
        for i, (text, label) in enumerate(truth.items())
    ]
    with project.store() as store:
        store.items.add(items)
        store.rounds.request("import")
    assert work_once(project)
    for _ in range(2):
        with project.store() as store:
            held = store.desk.reserve("kim", "tab", 12)
            given = [Answer(f"r{r.item.id}", r.item.id, "label", truth[r.item.text], 1.0, "tab") for r in held]
            unknown = replace(given[0], request_id="x", label='["옛것"]')
            assert [receipt.ok for receipt in store.answers.add("kim", [unknown, *given])] == [False] + [True] * 12
        assert work_once(project)
    with project.store() as store:
        last = store.rounds.all()[-1]
        predicted = {
            row["predicted"] for row in store.db.rows("SELECT predicted FROM queries WHERE round = ?", [last.number])
        }
    assert (last.labels, last.metrics.n) == (24, 30)
    assert last.metrics.micro_f1 > 0.6
    assert all(is_answer(label, CONFIG) for label in predicted)


# ---------------------------------------------------------------- files


@given(st.lists(st.sets(st.sampled_from([*TOPICS, "a;b", "[c"])), min_size=3, max_size=8), st.data())
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_exported_is_imported_again(own_home, sets, data):
    kind = data.draw(st.sampled_from(["csv", "jsonl", "parquet"]))
    config = topics_config(classes=(*TOPICS, "a;b", "[c"))
    folder = own_home / str(len(list(own_home.glob("*"))))
    first, second = (projects.create(folder / name, config) for name in ("first", "second"))
    with first.store() as store:
        labels = [join(names, config) for names in sets]
        store.items.add([NewItem(f"{i}", f"{i}", text=f"t{i}", split="pool", label=s) for i, s in enumerate(labels)])
    assert export_labels(first, folder / f"out.{kind}") == len(sets)
    report = import_source(second, folder / f"out.{kind}", SourceColumns(text="text", label="label"))
    assert report.problems == ()
    with second.store() as store:
        texts = {item.id: item.text for item in store.items.all()}
        imported = {texts[item]: label for item, label in store.items.labels().items()}
    assert imported == {f"t{i}": label for i, label in enumerate(labels)}


def test_label_lists_are_imported_and_unknown_classes_are_reported_by_row(own_home, tmp_path):
    project = projects.create(own_home / "letters", CONFIG)
    rows = [{"text": "a", "label": ["칭찬", "배송"]}, {"text": "b", "label": []}, {"text": "c", "label": "배송|옛것"}]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    report = import_source(project, tmp_path / "in.jsonl", SourceColumns(label="label"))
    [problem] = report.problems
    assert "row 3" in problem.source
    assert "the label '옛것' is not among the classes '배송', '환불', '칭찬'" in problem.reason
    with project.store() as store:
        last = store.items.all()[1]  # a skip has no label
        store.answers.add("kim", [Answer("s", last.id, "skip", None, 1.0, "tab")])
    export_labels(project, tmp_path / "out.jsonl")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["label"] for row in written] == [["배송", "칭찬"], [], None]
    export_labels(project, tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv")["label"].fillna("").tolist() == ["배송;칭찬", "[]", ""]


# ---------------------------------------------------------------- settings and comparisons


def test_the_contrastive_objective_needs_one_class_per_item():
    learner = LearnerConfig()
    contrast = replace(learner, finetune=replace(learner.finetune, objective="both"))
    with pytest.raises(ConfigError, match='objective = "both" pulls items of one class together'):
        topics_config(learner=contrast)


def test_strategies_are_compared_on_known_sets(tmp_path, monkeypatch):
    simulate_in_this_process(monkeypatch)
    table = tmp_path / "letters.csv"
    rows = [(text, "|".join(names) or "[]") for text, names in letters(160)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(table, index=False)
    labeled = read_labeled(table, answers="several")
    task = load_task(labeled, QueryConfig(seed_size=16, batch=16), CHARACTERS, cache=tmp_path)
    assert (task.config.classes, task.targets.shape, labeled.problems) == (tuple(sorted(TOPICS)), (160, 3), [])
    report = compare(task, Design(["margin"], 1, 1), processes=1)
    run = report["runs"][0]
    assert run["labels"] == [16, 32]
    assert all(0 < micro <= 1 for micro in run["micro_f1"])
    assert report["config"]["answers"] == "several"


def test_simulate_prints_the_accuracy_that_was_reached(tmp_path, monkeypatch):
    simulate_in_this_process(monkeypatch)
    table = tmp_path / "letters.csv"
    rows = [(text, ";".join(names) or "[]") for text, names in letters(80)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(table, index=False)
    options = (
        "--answers several --backbone char_tfidf --seed-size 8 --batch 8 --rounds 1 --seeds 1 --processes 1 --at 16"
    )
    ran = CliRunner().invoke(main, ["simulate", str(table), *options.split()])
    assert ran.exit_code == 0, ran.output
    assert "subset accuracy" in ran.output
    assert "micro F1" in ran.output
    ran = CliRunner().invoke(main, ["simulate", str(table), *options.replace("--at 16", "--at 17").split()])
    assert ran.exit_code == 2
    assert "Nothing was measured with 17 labels, only with 8, 16." in ran.output
