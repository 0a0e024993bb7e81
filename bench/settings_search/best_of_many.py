"""How often the best of many settings is taken for better than the current ones, and how often it is in truth.

    python -m bench.settings_search.best_of_many [searches] [labels] [settings]

Settings are random features of scikit-learn's digits under a ridge classifier. In the world `equal` all have as many of
them, so that none is better but by its luck; in `different` their number varies. The first stands for the current
settings. What is true is the log likelihood on the digits that are left, by a model of all labels. Each row is a way to
decide: on the search's own folds or on fresh ones, as if one setting had been tried or allowing for how many were.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from labeler.experiments.search_verdict import gain_of
from labeler.learner.cross_validation import FLOOR
from labeler.learner.folds import stratified

WIDTHS = {"equal": (100,), "different": (40, 100, 200, 300)}


def log_likelihood(train: np.ndarray, targets: np.ndarray, test: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(k,) of the true classes of `test` by a ridge classifier on the features `train`."""
    gram = train.T @ train + 3 * np.eye(train.shape[1])
    weight = np.linalg.solve(gram, train.T @ (np.eye(10)[targets] - 0.1))
    proba = softmax(8 * (test @ weight), axis=1)
    return np.log(np.maximum(proba[np.arange(len(true)), true], FLOOR))


def held_out(features: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
    """(n,) log likelihoods of all labels in three folds."""
    likelihoods = np.empty(len(targets))
    for rows in stratified(targets, 3, seed):
        others = np.setdiff1d(np.arange(len(targets)), rows)
        likelihoods[rows] = log_likelihood(features[others], targets[others], features[rows], targets[rows])
    return likelihoods


def searches(world: str, repeats: int, labels: int, settings: int) -> Iterator[tuple[dict[str, bool], float]]:
    """For each search who would propose its best settings, and by how much they are better in truth."""
    pixels, targets = load_digits(return_X_y=True)
    pixels = pixels / 16
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(targets))
        labeled, rest = order[:labels], order[labels:]
        widths = [100, *rng.choice(WIDTHS[world], settings - 1)]
        features = [
            np.cos(pixels @ (0.6 * rng.normal(size=(64, width))) + rng.uniform(0, 2 * np.pi, width)) for width in widths
        ]
        own = np.stack([held_out(pictures[labeled], targets[labeled], seed) for pictures in features])
        best = int(own.mean(axis=1).argmax())
        if best == 0:
            yield {}, 0.0
            continue
        fresh, current = (held_out(features[place][labeled], targets[labeled], seed + 1_000_003) for place in (best, 0))
        true = [
            log_likelihood(features[place][labeled], targets[labeled], features[place][rest], targets[rest]).mean()
            for place in (best, 0)
        ]
        decide = {
            "own folds": partial(gain_of, own[best], own[0], 1),
            "fresh folds": partial(gain_of, fresh, current, 1),
            "fresh folds, allowing for the number": partial(gain_of, fresh, current, settings - 1),
        }
        yield {name: gain()[1] > 0 for name, gain in decide.items()}, float(true[0] - true[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("searches", type=int, nargs="?", default=100)
    parser.add_argument("labels", type=int, nargs="?", default=300)
    parser.add_argument("settings", type=int, nargs="?", default=30)
    options = parser.parse_args()
    repeats, labels, settings = options.searches, options.labels, options.settings
    report: dict[str, Any] = {}
    with threadpool_limits(1):
        for world in WIDTHS:
            gains: defaultdict[str, list[float]] = defaultdict(list)
            for proposed, gain in searches(world, repeats, labels, settings):
                for name, yes in proposed.items():
                    gains[name] += [gain] if yes else []
            report[world] = {
                name: {
                    "proposed": len(gains_when_proposed),
                    "worse": sum(g <= 0 for g in gains_when_proposed),
                    "gain": round(np.mean(gains_when_proposed), 3),
                }
                for name, gains_when_proposed in gains.items()
                if gains_when_proposed
            }
    print(json.dumps({"searches": repeats, "labels": labels, "settings": settings} | report, indent=2))


if __name__ == "__main__":
    main()
