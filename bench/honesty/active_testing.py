"""What active testing is worth: the error of the measured accuracy by holdout labels, beside uniform drawing.

    python -m bench.honesty.active_testing DATA --out active_testing.json

DATA as in `bench.label_efficiency.strategies`, with scikit-learn's digits, of which the model knows nearly all. For
each seed the frozen learner is trained on so many random labels of the pool, and a holdout is drawn from the test
split. `--draws` times, labels are drawn from it uniformly, and where the model expects errors. RMSE: of the estimated
accuracy around that of the whole holdout. As many: how many uniform labels have the same RMSE, by p (1 − p) / m · (N −
m) / (N − 1). Covers: how often the 95% interval holds the accuracy on the whole test split, of which the holdout is a
part, so that it should be somewhat more than 95%. Width: of the intervals. Bias: the mean error, which should be 0.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.label_efficiency.strategies import task_of
from labeler.core import decisions
from labeler.core.rounds import Labels
from labeler.learner.heads import fit_heads
from labeler.learner.predict import class_proba
from labeler.measure import active_testing
from labeler.measure.intervals import wilson

DATA = ("digits", "cifar10", "reviews_en", "reviews_ko")
SIZES = (25, 50, 100, 150, 200, 250)


def of_holdout(
    proba: np.ndarray, targets: np.ndarray, m: int, whole: float, draws: int, rng: np.random.Generator
) -> list[dict[str, float]]:
    """Errors and intervals of repeated draws of `m` labels from one holdout, by either way of drawing."""
    N, wrong = len(targets), ~decisions.correct(proba, targets)
    expected, remaining, truth = active_testing.loss_estimate(proba), N - np.arange(m), wrong.mean()
    rows = []
    for _ in range(draws):
        chosen, q = active_testing.draw(expected, m, rng)
        estimated, _n = active_testing.estimate(wrong[chosen], q, remaining)
        plain = wrong[rng.choice(N, m, replace=False)].mean()
        low, high = map(float, wilson(plain, m))
        rows.append(
            {
                "active_error": estimated.value - truth,
                "active_covers": estimated.low <= whole <= estimated.high,
                "active_width": estimated.high - estimated.low,
                "uniform_error": plain - truth,
                "uniform_covers": low <= whole <= high,
                "uniform_width": high - low,
            }
        )
    return rows


def uniform_labels_needed(rmse: float, p: float, N: int) -> float:
    """How many uniformly drawn labels of N estimate a share p with this root mean squared error."""
    spread = p * (1 - p) / (N - 1)
    return N * spread / (rmse**2 + spread)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--only", default=",".join(DATA), help="names of data sets, with commas between them")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--labels", default="100,1000", help="that the model is trained on")
    parser.add_argument("--holdout", type=int, default=300)
    parser.add_argument("--out", type=Path, metavar="R.json")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    print(
        "| data | trained on | accuracy | holdout labels | RMSE active | uniform | as many | covers active | uniform"
        " | width active | uniform | bias active |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, options.data, Path(scratch))
        unlabeled = task.learning()
        for size in map(int, options.labels.split(",")):
            worlds = []
            for seed in range(options.seeds):
                rng = np.random.default_rng(seed)
                learned = rng.permutation(task.pool)[:size]
                model = fit_heads(unlabeled.relabeled(Labels(learned, task.targets[learned])))
                proba, targets = class_proba(model, task.dataset, task.holdout), task.targets[task.holdout]
                held = rng.choice(len(targets), min(options.holdout, len(targets)), replace=False)
                worlds.append((proba[held], targets[held], float((~decisions.correct(proba, targets)).mean()), rng))
            for m in (m for m in SIZES if m < options.holdout):
                rows = [
                    r
                    for proba, targets, whole, rng in worlds
                    for r in of_holdout(proba, targets, m, whole, options.draws, rng)
                ]
                means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
                rmse = {
                    w: float(np.sqrt(np.mean([row[f"{w}_error"] ** 2 for row in rows]))) for w in ("active", "uniform")
                }
                p = float(np.mean([whole for _, _, whole, _ in worlds]))
                equal = uniform_labels_needed(rmse["active"], p, options.holdout)
                results.append(
                    {"data": name, "trained_on": size, "accuracy": 1 - p, "labels": m, "rmse": rmse, "as_many": equal}
                    | means
                )
                print(
                    f"| {name} | {size} | {1 - p:.3f} | {m} | {rmse['active']:.4f} | {rmse['uniform']:.4f}"
                    f" | {equal:.0f} | {means['active_covers']:.3f} | {means['uniform_covers']:.3f}"
                    f" | {means['active_width']:.3f} | {means['uniform_width']:.3f} | {means['active_error']:+.4f} |",
                    flush=True,
                )
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
