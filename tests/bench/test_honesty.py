"""The honesty bench's figures, on projects that are made up so that the answer is known."""

import numpy as np

from bench.honesty import figures
from bench.honesty.figures import Traces, reached_within, within
from bench.tables import table
from labeler.core.settings import Config
from labeler.progress.control import NumberOfLabels
from labeler.progress.shadows import REPEATS

STEPS, SIZES = np.arange(20, 421, 20), (20, 40, 80, 160)
CONFIG = Config(name="made up", classes=("a", "b"), modality="text")


def learned(labels: np.ndarray) -> np.ndarray:
    return 0.3 + 0.1 * np.log(labels)


def made_up(seed: int, truth_off: float = 0.0) -> dict[str, np.ndarray]:
    """A project whose models are right at random, as often as `learned` says; random ones with half of the labels."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(2, size=300)

    def says(right: np.ndarray) -> np.ndarray:
        yes = np.where(right == (targets == 1), 0.8, 0.2)
        return np.stack([1 - yes, yes], axis=-1)

    right = rng.random((len(STEPS), 300)) < learned(STEPS)[:, None]
    wanted = np.repeat(SIZES, REPEATS)
    flipped = np.arange(300) < 30
    return {
        "labeled": np.arange(300, 600),
        "holdout": np.arange(300),
        "steps": STEPS,
        "truth": learned(STEPS) + truth_off,
        "proba": says(right),
        "stop": says(right),
        "shadow_sizes": wanted,
        "shadow_right": rng.random((len(wanted), 300)) < learned(wanted / 2)[:, None],
        "shadow_unseen": rng.random((len(wanted), 300)) < 0.6,
        "arm": np.array(330),
        "targets": targets,
        "flipped": np.where(flipped, 1, 0),
        "flipped_proba": np.stack([np.where(flipped, 0.9, 0.6), np.where(flipped, 0.1, 0.4)], axis=1),
    }


def traces(projects: int = 1, truth_off: float = 0.0) -> Traces:
    """All projects have the same holdout; the labels of the pool are all of class 0."""
    projects_made_up = [made_up(seed, truth_off) for seed in range(projects)]
    targets = np.concatenate([projects_made_up[0]["targets"], np.zeros(300, dtype=int)])
    for p in projects_made_up:  # the truth of one holdout for all
        right = p["proba"].argmax(-1) == p["targets"]
        p["proba"] = np.eye(2)[np.where(right, targets[:300], 1 - targets[:300])]
    return Traces("made up", projects_made_up, targets, CONFIG, {s: float(learned(np.array(s / 2))) for s in SIZES})


def test_an_open_interval_contains_all_values_beyond_its_end():
    assert within(5, NumberOfLabels(None, None, 6))
    assert not within(7, NumberOfLabels(None, None, 6))
    assert within(7, NumberOfLabels(None, 6, None))
    grid = np.array([20.0, 40.0, 80.0])
    rises = np.array([-1.0, 0.0, 1.0])
    assert reached_within(rises, grid, NumberOfLabels(None, 30, 50))
    assert not reached_within(rises, grid, NumberOfLabels(None, 41, None))
    assert reached_within(rises - 2, grid, NumberOfLabels(None, 70, None))  # it is reached later, if at all
    assert not reached_within(rises - 2, grid, NumberOfLabels(None, 30, 80))
    assert reached_within(rises + 2, grid, NumberOfLabels(None, None, 20))  # it was reached before
    assert not reached_within(rises + 2, grid, NumberOfLabels(None, 20, 40))


def test_coverage_is_high_for_the_truth_and_zero_for_a_wrong_truth():
    projects_made_up = traces(12)
    assert int(figures.accuracies(projects_made_up)["all rounds"].split("%")[0]) > 85
    assert int(figures.controlled(projects_made_up)["gain: held"].split("%")[0]) > 80
    elsewhere = traces(3, truth_off=0.3)
    assert figures.accuracies(elsewhere)["all rounds"] == "0%"
    assert figures.controlled(elsewhere)["gain: held"] == "0%"


def test_half_of_the_labels_are_saved_where_half_reach_the_same_accuracy():
    row = figures.controlled(traces(3))
    assert row["saved, in truth"] == "50%"


def test_wrong_labels_that_are_doubted_most_are_found_first():
    row = figures.found_errors(traces())
    assert (row["wrong"], row["found"], row["at least half"]) == ("30 of 300", "100%", "100%")


def test_a_rule_that_never_stops_has_no_figures():
    rows = {row["rule"]: row for row in figures.stopped(traces(2))}
    assert rows["stable"]["stopped"] == "0%"  # the models are right at random, so they never agree
    assert rows["stable"]["labels saved"] == ""
    assert table(list(rows.values())).count("\n") == len(rows) + 1


def test_projections_are_measured_before_the_target_is_reached():
    row = figures.projected(traces(2))
    assert row["target"] == f"{100 * learned(np.array(300)):.1f}%"
    assert row["reached"] == "100%"
    assert {f"{way}: held" for way in ("25%", "50%", "75%")} <= set(row)
