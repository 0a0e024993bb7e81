"""The search for better settings: what is tried, when it stops, how it goes on, and what it proposes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from labeler.backbones.encoder import Pretrained
from labeler.core.errors import LabelerError, TrainingError
from labeler.core.jobs import TuningRequest
from labeler.core.rounds import Labels, Training
from labeler.core.settings import FinetuneConfig, LearnerConfig
from labeler.experiments.search import CURRENT, FROZEN, Search
from labeler.experiments.search_file import PRUNED_FROM
from labeler.learner.model import Fitted
from labeler.learner.task import LearningTask
from tests.support.samples import blobs, text_config

DATASET, TARGETS = blobs(150, [0, 1])
LABELED = np.arange(10, 130)
LABELS = Labels(LABELED, TARGETS[LABELED])
LEARNER = LearnerConfig(kind="finetune", backbone="mini", finetune=FinetuneConfig(learning_rate=1e-5, unfrozen=1))
CONFIG = text_config(learner=LEARNER)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: None)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Sure:
    """A model that gives each item's true class a probability that its settings earn, and the item's luck."""

    earned: float
    trained_on: np.ndarray
    positions_seen: set[int]

    def predict_proba(self, dataset, positions):
        assert not set(positions) & set(self.trained_on)
        self.positions_seen |= set(positions.tolist())
        luck = np.array([np.random.default_rng([int(p), 1]).normal(0, 0.02) for p in positions])
        true = np.clip(self.earned + luck, 0.01, 0.99)
        proba = np.repeat(((1 - true) / (dataset_classes() - 1))[:, None], dataset_classes(), axis=1)
        proba[np.arange(len(positions)), TARGETS[positions]] = true
        return proba

    def to_bytes(self) -> bytes:
        return b""


def dataset_classes() -> int:
    return len(CONFIG.classes)


def rising(learner: LearnerConfig) -> float:
    """Settings are better the higher their learning rate, and fine-tuning is better than the frozen heads."""
    if learner.kind == "frozen":
        return 0.5
    return 0.6 + 0.1 * (np.log10(learner.finetune.learning_rate) + 5)


@dataclass
class FakeFit:
    """Fits in no time, in a time that the clock is told, and writes down what it was asked."""

    quality: Callable[[LearnerConfig], float] = rising
    clock: Clock = field(default_factory=Clock)
    seconds: float = 1.0
    dies_at: int | None = None  # the fit during which the process ends
    asked: list[LearnerConfig] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    positions_seen: set[int] = field(default_factory=set)

    def __call__(self, task, learner, seed, on_progress=None):
        labels = task.labels
        self.asked.append(learner)
        if self.dies_at == len(self.asked):
            raise KeyboardInterrupt
        self.seeds.append(seed)
        self.positions_seen |= set(labels.positions.tolist())
        assert (labels.targets == TARGETS[labels.positions]).all()
        self.clock.now += self.seconds
        if on_progress:
            on_progress(1, 1)
        training = Training(note="linear heads") if learner.kind == "frozen" else Training(share=0.5)
        return Fitted(Sure(self.quality(learner), labels.positions, self.positions_seen), training)

    @property
    def settings(self) -> list[LearnerConfig]:
        """What was asked for, one after the other, without the folds."""
        return [setting for place, setting in enumerate(self.asked) if place == 0 or setting != self.asked[place - 1]]


def pretrained(name: str = "mini") -> Pretrained:
    return Pretrained(name, f"key of {name}", DATASET.dims, lambda: None, list, ())


class Tfidf:
    """An encoder that cannot be fine-tuned."""

    name, key, dims = "char_tfidf", "0", DATASET.dims


def tasks(*names: str, encoder: type | None = None, labels: Labels | None = None) -> dict[str, LearningTask]:
    return {
        name: LearningTask.of(DATASET, labels or LABELS, 2, encoder() if encoder else pretrained(name))
        for name in names
    }


def run(folder, fit, request=None, config=CONFIG, of=None, data="data", **changes):
    request = replace(request or TuningRequest("random", seconds=1e6, trials=8), **changes)
    return Search(of or tasks("mini"), config, request, fit=fit, clock=fit.clock).run(data, folder)


def drawn(report) -> list[dict]:
    """The levers of what was drawn, in the order in which it was tried."""
    rows = sorted(report["trials"], key=lambda row: row["number"])
    return [row["levers"] for row in rows if row["name"] is None]


# ---------------------------------------------------------------- what is tried


def test_the_current_settings_come_first_then_the_frozen_heads_then_what_is_drawn(tmp_path):
    fit = FakeFit()
    report = run(tmp_path, fit)
    assert fit.settings[0] == LEARNER
    assert fit.settings[1] == replace(LEARNER, kind="frozen")
    assert all(setting.kind == LEARNER.kind for setting in fit.settings[2:8])
    assert {row["name"] for row in report["trials"]} == {CURRENT, FROZEN, None}
    assert {row["name"]: row["note"] for row in report["trials"]}[FROZEN] == "linear heads"
    assert len(report["trials"]) == 8
    assert report["labels"] == 120


@pytest.mark.parametrize(("labels", "kind"), [(120, "finetune"), (90, "auto")])
def test_auto_is_judged_by_what_a_round_on_all_labels_does_with_it(tmp_path, labels, kind):
    fit, config = FakeFit(), replace(CONFIG, learner=replace(LEARNER, kind="auto"))
    some = Labels(LABELS.positions[:labels], LABELS.targets[:labels])
    request = TuningRequest("random", trials=3)
    search = Search(tasks("mini", labels=some), config, request, fit=fit, clock=fit.clock)
    report = search.run("data", tmp_path)
    assert {setting.kind for setting in fit.asked} == {kind, "frozen"}
    assert "kind" not in (report["proposal"] or {})  # it stays auto


def test_frozen_heads_are_not_tried_twice_where_they_are_the_current_settings(tmp_path):
    frozen = replace(LEARNER, kind="frozen")
    fit = FakeFit()
    report = run(tmp_path, fit, config=replace(CONFIG, learner=frozen))
    assert [row["name"] for row in report["trials"]].count(FROZEN) == 0
    assert all(setting.kind == "finetune" for setting in fit.settings[1:8])


def test_of_each_backbone_the_frozen_heads_are_tried_and_those_that_can_be_fine_tuned_are_drawn(tmp_path):
    fit = FakeFit()
    of = tasks("mini", "large") | tasks("words", encoder=Tfidf)
    report = run(tmp_path, fit, of=of, trials=30)
    assert {row["name"] for row in report["trials"]} == {
        CURRENT, FROZEN, f"{FROZEN}, large", f"{FROZEN}, words", None,
    }  # fmt: skip
    assert {row["backbone"] for row in report["trials"] if row["name"] is None} == {"mini", "large"}


def test_without_a_backbone_that_can_be_fine_tuned_only_frozen_heads_are_tried(tmp_path):
    fit = FakeFit()
    words = replace(CONFIG, learner=replace(LEARNER, backbone="words"))
    report = run(tmp_path, fit, config=words, of=tasks("words", "signs", encoder=Tfidf))
    assert [row["name"] for row in report["trials"]] == [CURRENT, f"{FROZEN}, signs"]
    with pytest.raises(LabelerError, match="char_tfidf cannot be fine-tuned and no other is named"):
        run(tmp_path, fit, config=words, of=tasks("words", encoder=Tfidf))


def test_only_labeled_items_are_trained_on_or_predicted_and_all_of_them_are(tmp_path):
    fit = FakeFit()
    run(tmp_path, fit)
    assert fit.positions_seen == set(LABELED)  # the others may be the holdout


def test_all_settings_have_the_same_folds_and_seeds_and_the_check_has_others(tmp_path):
    fit = FakeFit()
    report = run(tmp_path, fit, trials=4)
    full = [row for row in report["trials"] if row["state"] == "complete"]
    assert len(full) == 4  # too few to compare a setting with their median
    assert fit.seeds[:12] == [0, 1, 2] * 4
    assert len(fit.seeds) == 18
    assert set(fit.seeds[12:]).isdisjoint(fit.seeds[:12])


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
def test_same_seed_same_settings(tmp_path, sampler):
    reports = [
        run(tmp_path / str(place), FakeFit(), sampler=sampler, seed=seed, trials=12)
        for place, seed in enumerate((1, 1, 2))
    ]
    assert drawn(reports[0]) == drawn(reports[1]) != drawn(reports[2])


def test_a_grid_tries_all_its_settings_once(tmp_path):
    fit = FakeFit()
    report = run(tmp_path, fit, sampler="grid", trials=100)
    levers = [tuple(setting.values()) for setting in drawn(report)]
    assert len(levers) == len(set(levers)) == 11
    assert (1e-5, 1) not in levers  # the current settings, which are tried anyway
    assert {rate for rate, _ in levers} == {1e-5, 6.7e-5, 4.5e-4, 3e-3}
    assert {blocks for _, blocks in levers} == {1, 4, 6}


def test_tpe_draws_more_of_what_was_good(tmp_path):
    report = run(tmp_path, FakeFit(), sampler="tpe", trials=40, levers=("learning_rate",))
    rates = [levers["learning_rate"] for levers in drawn(report)]
    assert np.median(rates[-12:]) > 3 * np.median(rates[:8])


def test_a_setting_that_is_no_better_than_the_median_is_not_tried_to_the_end(tmp_path):
    fit = FakeFit()
    report = run(tmp_path, fit, trials=30)
    pruned = [row for row in report["trials"] if row["state"] == "pruned"]
    assert len(pruned) > 0
    assert {row["note"] for row in pruned} == {"no better than the median of the others so far"}
    assert all(0 < row["items"] < 120 and row["seconds"] < 3 for row in pruned)
    assert all(row["items"] == 120 for row in report["trials"] if row["state"] == "complete")
    assert sum(row["number"] < PRUNED_FROM for row in pruned) == 0


def test_a_setting_that_cannot_be_trained_is_skipped_with_a_note(tmp_path):
    def narrow(learner: LearnerConfig) -> float:
        if learner.finetune.unfrozen == 4:
            raise RuntimeError("CUDA out of memory.\nTried to allocate …")
        return rising(learner)

    report = run(tmp_path, FakeFit(narrow), sampler="grid", trials=100)
    failed = [row for row in report["trials"] if row["state"] == "failed"]
    assert len(failed) == 4  # one for each learning rate
    assert {row["note"] for row in failed} == {"CUDA out of memory."}
    assert report["trials"][-1] in failed  # listed last
    assert len(report["trials"]) == 13


def test_a_setting_whose_probabilities_are_no_numbers_has_failed(tmp_path):
    report = run(
        tmp_path, FakeFit(lambda setting: np.nan if int(setting.finetune.unfrozen) > 3 else rising(setting)), trials=20
    )
    assert "not finite" in {row["note"] for row in report["trials"] if row["state"] == "failed"}.pop()


def test_current_settings_that_cannot_be_trained_end_the_search(tmp_path):
    def broken(learner: LearnerConfig) -> float:
        raise TrainingError("all 120 labels are of one class.")

    with pytest.raises(TrainingError, match="of one class"):
        run(tmp_path, FakeFit(broken))


# ---------------------------------------------------------------- time


def test_the_budget_holds_with_the_check_on_fresh_folds(tmp_path):
    fit = FakeFit(seconds=10.0)
    report = run(tmp_path, fit, seconds=300.0, trials=100)
    assert 240 < fit.clock.now <= 300
    assert all(seed > 100 for seed in fit.seeds[-6:])  # the check on fresh folds, of both
    assert report["check"] is not None
    assert len(report["trials"]) < 20


def test_seconds_spent_before_an_interruption_count(tmp_path):
    fit = FakeFit(seconds=10.0)
    request = TuningRequest("random", seconds=300.0)
    Search(tasks("mini"), CONFIG, request, fit=fit, clock=fit.clock).run("data", tmp_path, spent=200.0)
    assert fit.clock.now <= 120  # the current settings, the frozen heads, and the check


def test_a_search_without_time_for_another_setting_says_so(tmp_path):
    fit = FakeFit(seconds=100.0)
    frozen = replace(CONFIG, learner=replace(LEARNER, kind="frozen"))
    report = run(tmp_path, fit, config=frozen, seconds=60.0)
    assert report["proposal"] is None
    assert "No levers were varied: 300 s go into one setting." in report["verdict"]


def test_a_setting_that_runs_out_of_time_is_queued_for_the_next_search(tmp_path):
    fit = FakeFit()

    def slow(learner: LearnerConfig) -> float:
        if learner.kind != "frozen" and learner != LEARNER:
            fit.clock.now += 200.0
        return rising(learner)

    fit.quality = slow
    report = run(tmp_path, fit, seconds=100.0)
    assert [row["name"] for row in report["trials"]] == [CURRENT, FROZEN]
    put_off = fit.settings[2]
    again = FakeFit()
    report = run(tmp_path, again, trials=4)
    assert again.settings[0] == put_off
    assert len(report["trials"]) == 4


def test_progress_is_reported(tmp_path):
    reports = []
    fit = FakeFit(seconds=10.0)
    request = TuningRequest("random", seconds=300.0, trials=4)
    search = Search(tasks("mini"), CONFIG, request, lambda *report: reports.append(report), fit, fit.clock)
    search.run("data", tmp_path)
    assert reports[0] == ("0 settings tried; trying current settings, fold 1 of 3", 0, 300)
    messages = [message for message, _, _ in reports]
    assert any(
        message.startswith("2 settings tried, log likelihood −0.51")
        and message.endswith("trying setting 2, fold 2 of 3")
        for message in messages
    )
    assert any("checking on fresh folds" in message for message in messages)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


# ---------------------------------------------------------------- going on


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
@pytest.mark.parametrize("dies_at", [1, 5, 8, 17])
def test_a_search_killed_at_any_point_continues_with_its_trials(tmp_path, sampler, dies_at):
    whole = FakeFit()
    expected = run(tmp_path / "whole", whole, sampler=sampler, trials=14)
    first, second = FakeFit(dies_at=dies_at), FakeFit()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, first, sampler=sampler, trials=14)
    report = run(tmp_path, second, sampler=sampler, trials=14)
    assert len(report["trials"]) == len(expected["trials"])
    done = len(first.asked) + len(second.asked)
    assert done <= len(whole.asked) + 6  # a setting, and those that are drawn otherwise after it
    if sampler == "grid":
        assert sorted(drawn(report), key=str) == sorted(drawn(expected), key=str)
    cut_off = first.asked[-1]
    ended = [(setting, seed) for setting, seed in zip(first.asked, first.seeds, strict=False) if setting != cut_off]
    assert [again for again in zip(second.asked, second.seeds, strict=True) if again in ended] == []


def test_the_same_search_again_tries_nothing_again(tmp_path):
    first, again = FakeFit(), FakeFit()
    assert run(tmp_path, first) == run(tmp_path, again)
    assert again.asked == []


def test_more_settings_go_on_from_those_that_were_tried(tmp_path):
    run(tmp_path, FakeFit(), trials=8)
    more = FakeFit()
    report = run(tmp_path, more, trials=12)
    assert len(report["trials"]) == 12
    assert LEARNER not in more.settings[:4]


def test_a_setting_that_ends_its_process_twice_is_passed_over(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, dying := FakeFit(dies_at=7 if _ == 0 else 1))
    fatal = dying.asked[-1]
    last = FakeFit()
    report = run(tmp_path, last)
    assert fatal not in last.asked
    assert len(report["trials"]) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"data": "other labels"},
        {"levers": ("unfrozen",)},
        {"config": replace(CONFIG, learner=replace(LEARNER, input_size=64))},
        {"of": {"mini": LearningTask.of(DATASET, LABELS, 2, pretrained("mini, adapted"))}},
        {"folds": 4},
        {"seed": 1},
    ],
)
def test_other_labels_settings_or_levers_begin_a_new_search(tmp_path, change):
    run(tmp_path, FakeFit())
    again = FakeFit()
    run(tmp_path, again, **change)
    assert len(again.settings) >= 8


def test_a_half_written_line_is_removed(tmp_path):
    first = run(tmp_path, FakeFit())
    (journal,) = tmp_path.glob("*.log")
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "work')
    again = FakeFit()
    assert run(tmp_path, again) == first
    assert again.asked == []
    run(tmp_path, again, trials=9)  # and it can be written to
    assert run(tmp_path, again, trials=9)["trials"]


@pytest.mark.parametrize("damage", [b"\x00\x01\n", b'{"op_code": 99}\n', b"[]\n"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    run(tmp_path, FakeFit())
    (journal,) = tmp_path.glob("*.log")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:5], damage, *lines[5:]]))
    with pytest.raises(LabelerError, match=r"\.log is damaged: delete it, and the search begins anew"):
        run(tmp_path, FakeFit())


# ---------------------------------------------------------------- what is proposed


def test_better_settings_are_proposed_with_what_differs(tmp_path):
    report = run(tmp_path, FakeFit(), levers=("learning_rate",))
    best = report["trials"][0]
    assert report["proposal"] == {"finetune": {"learning_rate": best["levers"]["learning_rate"]}}
    assert report["check"]["setting"] == best["number"]
    assert report["check"]["gain_low"] > 0
    assert report["verdict"].startswith("Better settings were found: learning_rate 0.00")
    assert best["low"] < best["accuracy"] <= best["high"]


def test_frozen_heads_are_proposed_where_they_are_better(tmp_path):
    report = run(tmp_path, FakeFit(lambda setting: 0.9 if setting.kind == "frozen" else 0.6))
    assert report["proposal"] == {"kind": "frozen"}


def test_the_current_settings_stay_where_none_is_better(tmp_path):
    report = run(tmp_path, FakeFit(lambda setting: 0.9 if setting == LEARNER else 0.6))
    assert report["proposal"] is None
    assert report["check"] is None
    assert report["verdict"] == "No better settings were found: none of 7 others did better than the current ones."


def test_a_gain_on_the_searchs_own_folds_alone_is_not_proposed(tmp_path):
    fit = FakeFit()

    def lucky(learner: LearnerConfig) -> float:
        search_folds = fit.seeds[-1] < 3
        return 0.9 if search_folds and learner != LEARNER else 0.6

    fit.quality = lucky
    report = run(tmp_path, fit)
    assert report["proposal"] is None
    assert "which may be chance" in report["verdict"]


def test_better_probabilities_with_fewer_items_right_are_not_proposed(tmp_path):
    class Odd(Sure):
        def predict_proba(self, dataset, positions):
            true = np.where(positions % 10 == 0, 0.45, 0.95)
            proba = np.repeat((1 - true)[:, None], 2, axis=1)
            proba[np.arange(len(positions)), TARGETS[positions]] = true
            return proba

    class OddWhereFrozen(FakeFit):
        def __call__(self, task, learner, seed, on_progress=None):
            kind = Odd if learner.kind == "frozen" else Sure
            return Fitted(kind(0.6, task.labels.positions, set()), Training(share=0.5))

    report = run(tmp_path, OddWhereFrozen(), trials=2)
    assert report["check"]["gain_low"] > 0
    assert report["proposal"] is None
    assert "but it got fewer items right" in report["verdict"]
