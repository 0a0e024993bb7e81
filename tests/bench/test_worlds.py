"""The worlds of the benchmark of strategies: what a draw changes, and which seed has which."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from bench.label_efficiency import strategies as benchmark
from bench.label_efficiency.worlds import ERRORS, noisy
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.experiments.dataset import Task, load_task, read_labeled
from labeler.experiments.simulate import Design
from tests.support.samples import reviews


@pytest.fixture
def task(tmp_path: Path) -> Task:
    table = tmp_path / "films.csv"
    table.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in reviews(100)))
    return load_task(read_labeled(table), QueryConfig(seed_size=8, batch=8), LearnerConfig(backbone="char_tfidf"))


def test_each_draw_has_other_wrong_labels_and_none_in_the_holdout(task: Task) -> None:
    wrong = [np.flatnonzero(noisy(task, draw).targets != task.targets) for draw in (0, 0, 1)]
    assert wrong[0].tolist() == wrong[1].tolist() != wrong[2].tolist()
    for of_draw in wrong:
        assert len(of_draw) == round(ERRORS * len(task.pool))
        assert not set(of_draw) & set(task.holdout)


def test_each_seed_has_a_draw_of_its_own_and_all_are_summarised_together(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    run = benchmark.run

    def noted(of_draw: Task, design: Design, *others: object) -> object:
        asked.append((design.first, design.seeds, tuple(of_draw.targets)))
        return run(of_draw, design, Path("none"), 1)

    monkeypatch.setattr(benchmark, "run", noted)
    options = Namespace(world="noisy", plugins=Path("none"), processes=1)
    report = benchmark.in_worlds(task, Design(["margin"], seeds=2, rounds=1), options)
    assert [(first, seeds) for first, seeds, _ in asked] == [(0, 1), (1, 1)]
    assert [targets for *_, targets in asked] == [tuple(noisy(task, draw).targets) for draw in (0, 1)]
    assert {(r["strategy"], r["seed"]) for r in report["runs"]} == {
        (s, n) for s in ("random", "margin") for n in (0, 1)
    }
    assert report["config"]["seeds"] == 2
    assert len(report["summary"][0]["areas"]) == 2
