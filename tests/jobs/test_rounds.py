"""The worker: rounds run and are stored whole, whatever kills it, and one broken project stops no other."""

from dataclasses import replace

import pytest

from labeler.core.class_changes import ClassChange
from labeler.core.errors import EngineError
from labeler.core.items import NewItem
from labeler.core.memory import at_a_time
from labeler.core.settings import LearnerConfig, LimitsConfig, QueryConfig, StoppingConfig
from labeler.cycle.class_changes import change_classes
from labeler.jobs import rounds as worker
from labeler.jobs.attendance import troubles_of
from labeler.jobs.rounds import work, work_once
from labeler.learner.saved_models import load
from labeler.measure.forecasts import remeasured
from labeler.projects import project as projects
from tests.support.fill import answer
from tests.support.gone_engine import GoneEngine
from tests.support.samples import reviews, text_config
from tests.support.warm_processes import stuck_at


@pytest.fixture
def filled(project):
    """Sixty unlabeled texts in the pool, twenty labeled ones in the holdout, and a round asked for."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout", label=label)
                if i < 20
                else NewItem(f"{i:032x}", f"row {i}", text=text, split="pool")
                for i, (text, label) in enumerate(reviews(80))
            ]
        )
        store.rounds.request("import")
    return project


def test_old_models_go_and_the_best_stays(filled, monkeypatch):
    monkeypatch.setattr(worker, "KEPT", 1)
    for _ in range(4):
        work_once(filled)
        answer(filled, 4)
    with filled.store() as store:
        models = store.rounds.models()
    assert len(models) == 3
    kept_models = {model for model, _ in models if (filled.folder / model).exists()}
    assert kept_models == {models[-1][0], max(reversed(models), key=lambda m: m[1])[0]}


def test_an_old_model_that_cannot_be_removed_fails_no_round(filled, monkeypatch):
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(worker.cards, "prune", read_only)
    assert work_once(filled)
    with filled.store() as store:
        assert store.rounds.latest_job().state == "done"
        assert len(store.rounds.all()) == 1


def test_a_round_waits_for_a_cluster_as_long_as_it_is_gone(filled, own_home, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(worker, "engine_of", lambda _: GoneEngine())
        for _ in range(4):
            with pytest.raises(EngineError, match="The cluster is gone"):
                work_once(filled)
        turns = iter([False, True])
        work(own_home, poll_seconds=0, should_stop=lambda: next(turns))
    assert troubles_of(own_home, filled.folder)["worker"].message == "The cluster is gone."
    with filled.store() as store:
        assert (store.rounds.latest_job().state, store.rounds.latest_job().crashes) == ("running", 0)
    assert work_once(filled)
    with filled.store() as store:
        assert len(store.rounds.all()) == 1


def test_the_cycle_asks_trains_measures_and_asks_again(filled):
    assert work_once(filled)
    answer(filled, 4)
    assert work_once(filled)
    assert not work_once(filled)  # nothing asked for
    with filled.store() as store:
        seeded, trained = store.rounds.all()
        assert (seeded.labels, seeded.strategy, seeded.metrics) == (0, "k_means", None)
        assert (trained.labels, trained.strategy, trained.metrics.n) == (4, "margin", 20)
        asked = store.desk.reserve("kim", "u", 3)
        assert {a.reason.strategy for a in asked} == {"margin"}
        assert asked[0].reason.score is not None
        assert not {a.item.id for a in asked} & set(store.items.labels())
    model = load(filled.folder / trained.model)
    assert model is not None


def test_a_round_is_repeatable(filled):
    work_once(filled)
    answer(filled, 4)
    with filled.store() as store:
        store.rounds.request("again")
    rankings = []
    for _ in range(2):
        with filled.store() as store:
            store.rounds.request("again")
        work_once(filled)
        with filled.store() as store:
            # the seed is the round's number, so compare what does not depend on it
            rankings.append(
                [(r["item_id"], r["score"]) for r in store.rounds.ranking(store.rounds.next_number() - 1)][:9]
            )
    assert rankings[0] == rankings[1]


def test_unlabeled_holdout_items_are_asked_too_and_never_by_the_strategy(project):
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout" if i < 20 else "pool")
                for i, (text, _) in enumerate(reviews(80))
            ]
        )
        store.rounds.request("import")
    work_once(project)
    with project.store() as store:
        ranking = store.rounds.ranking(1)
        split = {item.id: item.split for item in store.items.all()}
    assert {r["strategy"] for r in ranking if split[r["item_id"]] == "holdout"} == {"holdout"}
    first = [split[r["item_id"]] for r in ranking[:10]]
    assert first.count("holdout") == 2  # the default share of 20%


def test_a_class_that_is_taken_out_by_hand_stops_the_rounds_until_its_labels_are_given_up(filled):
    work_once(filled)
    answer(filled, 12)
    changed = filled.save(replace(filled.config, classes=("bad", "ugly")))
    with changed.store() as store:
        store.rounds.request("retrain now")
    work_once(changed)
    with changed.store() as store:
        assert store.rounds.latest_job().state == "failed"
        assert "labels of classes that the project does not have: good (" in store.rounds.latest_job().error
    mended, _ = change_classes(changed, ClassChange("retire", ("good",)), "lead")
    work_once(mended)
    with mended.store() as store:
        assert store.rounds.all()[-1].metrics is None  # one class is left, nothing can be trained
        assert store.rounds.latest_job().state == "done"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"query": QueryConfig(strategy="marginn", seed_size=4, batch=3)}, "marginn"),
        ({"learner": LearnerConfig(backbone="char_tfidf", kind="finetune")}, "cannot be fine-tuned"),
    ],
)
def test_what_cannot_work_fails_the_job_with_a_sentence_and_the_next_one_runs(filled, change, says):
    work_once(filled)
    answer(filled, 4)
    wrong = filled.save(replace(filled.config, **change))
    work_once(wrong)
    with wrong.store() as store:
        job = store.rounds.latest_job()
        assert job.state == "failed"
        assert says in job.error
        store.rounds.request("retrain now")
    filled.save(filled.config)
    work_once(filled)
    with filled.store() as store:
        assert store.rounds.all()[-1].metrics is not None


def test_an_empty_project_says_what_to_do(project):
    with project.store() as store:
        store.rounds.request("retrain now")
    work_once(project)
    with project.store() as store:
        assert "import images or texts" in store.rounds.latest_job().error


@pytest.mark.parametrize(
    ("file", "content"), [("project.toml", b"name ="), ("labels.sqlite", b"This is no database. " * 400)]
)
def test_one_broken_project_stops_no_other(filled, own_home, file, content):
    broken = projects.create(own_home / "a-broken", text_config())
    (broken.folder / file).write_bytes(content)
    turns = iter([False, True])
    work(own_home, poll_seconds=0, should_stop=lambda: next(turns))
    with filled.store() as store:
        assert len(store.rounds.all()) == 1


@pytest.mark.parametrize(
    "step",
    [
        "labeler.cycle.snapshot.embed",
        "labeler.cycle.round.fit",
        "labeler.cycle.round.metrics",
        "labeler.cycle.round.rank",
        "labeler.jobs.rounds.models.save",
        "labeler.store.rounds.Rounds.finish",
    ],
)
def test_a_worker_killed_in_the_middle_of_a_round_loses_nothing(filled, own_home, step):
    work_once(filled)
    answer(filled, 4)
    with stuck_at(step, work, own_home):
        assert not work_once(filled)  # it holds the lock: nobody else runs the same round
        answer(filled, 2, "lee")  # labeling goes on meanwhile
        with filled.store() as store:
            assert len(store.rounds.all()) == 1
    assert work_once(filled)  # the next worker finishes the job
    with filled.store() as store:
        rounds, job = store.rounds.all(), store.rounds.latest_job()
        assert [r.number for r in rounds] == [1, 2]
        assert rounds[1].labels == 6
        assert rounds[1].metrics is not None
        assert (job.state, job.attempts) == ("done", 2)
        assert (filled.folder / rounds[1].model).exists()
        assert store.items.count_labeled() == 6


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_round_that_memory_is_too_short_for_is_tried_again_with_smaller_batches(filled, monkeypatch, error):
    work_once(filled)
    answer(filled, 4)
    run_live_round, batches = worker.run_live_round, []

    def needs_much(project, *others):
        batches.append(
            (project.config.learner.finetune.batch, project.config.learner.finetune.accumulate, at_a_time(64))
        )
        if len(batches) < 3:
            raise error
        return run_live_round(project, *others)

    monkeypatch.setattr(worker, "run_live_round", needs_much)
    for _ in range(3):
        work_once(filled)
    assert batches == [(32, 1, 64), (16, 2, 32), (8, 4, 16)]
    assert at_a_time(64) == 64
    with filled.store() as store:
        assert store.rounds.latest_job().state == "done"
        assert len(store.rounds.all()) == 2
    answer(filled, 3)
    monkeypatch.setattr(worker, "run_live_round", lambda *_: (_ for _ in ()).throw(error))
    for _ in range(5):
        work_once(filled)
    with filled.store() as store:
        assert store.rounds.latest_job().state == "failed"
        assert "Memory was too short for this round" in store.rounds.latest_job().error


def test_a_projects_own_strategy_is_used_reported_when_broken_and_mended_without_a_restart(filled):
    own = filled.folder / "strategies" / "mine.py"
    own.parent.mkdir()
    good = (
        "from strategies.base import scores\n"
        "@scores(needs='proba')\n"
        "def mine(c, rng):\n"
        '    """Mine. Source: me."""\n'
        "    return c.proba[:, 0]\n"
    )
    work_once(filled)
    answer(filled, 4)
    changed = filled.save(
        replace(
            filled.config,
            query=replace(filled.config.query, strategy="mine"),
            limits=LimitsConfig(strategy_seconds=2, strategy_megabytes=500),
        )
    )
    for code, says in (
        (good, None),
        (good.replace("return", "retrun"), "line 5"),
        (good.replace("    return", "    while True: pass\n    return"), "took longer than 2 seconds and was ended"),
        (good.replace("return", "return bytearray(10**12),"), "needed more than 500 MB of memory and was ended"),
        (good, None),
    ):
        own.write_text(code)
        with changed.store() as store:
            store.rounds.request("retrain now")
        work_once(changed)
        with changed.store() as store:
            job = store.rounds.latest_job()
            assert job.state == ("failed" if says else "done")
            if says:
                assert "mine.py" in job.error
                assert says in job.error
            assert store.rounds.all()[-1].strategy == "mine"


def test_a_rule_that_the_settings_name_stops_labeling_until_the_lead_goes_on(filled):
    project = filled.save(replace(filled.config, budget=4, stopping=StoppingConfig(stop_when=("budget",))))
    work_once(project)
    with project.store() as store:
        assert store.stops.current() is None
    answer(project, 4)
    work_once(project)
    with project.store() as store:
        assert (store.stops.current()["by"], store.stops.current()["reason"]) == ("", "The rule “Budget spent” is met.")
        assert store.desk.reserve("kim", "tab", 1) == []
        store.stops.lift("lead")
        store.rounds.request("retrain now")
    work_once(project)
    with project.store() as store:
        assert store.stops.current() is None  # the lead has overruled it


def test_nothing_stops_by_itself_unless_asked_to(filled):
    project = filled.save(replace(filled.config, budget=4))
    work_once(project)
    answer(project, 4)
    work_once(project)
    with project.store() as store:
        assert store.stops.current() is None


def test_a_new_round_is_measured_by_the_labels_that_the_holdout_got_while_it_ran(filled, monkeypatch):
    work_once(filled)
    answer(filled, 4)
    run_live_round = worker.run_live_round

    def corrected_meanwhile(project, store, number, reporter):
        turn = run_live_round(project, store, number, reporter)
        with project.store() as other:  # the lead corrects labels that the round was measured by
            for item in range(1, 11):
                correct = "bad" if other.items.labels()[item] == "good" else "good"
                other.decisions.add("lead", f"r{item}", item, "label", correct)
        return turn

    monkeypatch.setattr(worker, "run_live_round", corrected_meanwhile)
    work_once(filled)
    with filled.store() as store:
        latest = store.rounds.latest()
        assert latest.metrics == remeasured(store, anew=True).metrics[latest.number]
