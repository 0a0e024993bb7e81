"""A pool that grows: does the stated accuracy hold for today's items, and is drift called so, and only then?

    python -m bench.honesty.stream REVIEWS.csv --seeds 200

REVIEWS.csv has the columns `text` and `label`, of two classes. For each seed, 3,000 texts come first, of which a
holdout of 300 is drawn and a model is trained on 1,500 others. Then 2,000 come that are alike, or of which 80% are
positive, or that have lost 80% of their words. Covers: how often the 95% interval holds the model's accuracy on items
of both kinds, 3,000 to 2,000, measured on all that it was not trained on: with the holdout of the first import alone,
and with a share of the later items. Called: how often one of the three questions about drift is answered with yes.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bench.tables import table
from labeler.core.arrivals import Arrivals, drawn_later
from labeler.measure.drift import accuracy_change, class_changes, sure_ones, told_apart
from labeler.measure.intervals import wilson
from labeler.measure.mixture import accuracy, mixture, stands_for

FIRST, LATER, HOLDOUT, LEARNED = 3000, 2000, 300, 1500
SHIFTS = {"none": (0.5, 0.0), "classes": (0.8, 0.0), "words": (0.5, 0.8), "both": (0.8, 0.8)}
SHARES = (0.05, 0.1, 0.2)


def stream(rows: pd.DataFrame, positive: float, lost: float, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """The texts and classes of both imports: the later ones with this share of positives, and of the words lost."""
    by_class = [rng.permutation(np.flatnonzero(rows["label"] == name)) for name in sorted(rows["label"].unique())]
    taken = [FIRST // 2, FIRST // 2]
    later = [LATER - round(positive * LATER), round(positive * LATER)]
    parts = [
        rng.permutation(np.concatenate([ids[:n] for ids, n in zip(by_class, taken, strict=True)])),
        rng.permutation(np.concatenate([ids[n : n + m] for ids, n, m in zip(by_class, taken, later, strict=True)])),
    ]
    texts = [[*rows["text"].iloc[part]] for part in parts]
    texts[1] = [" ".join(word for word in text.split() if rng.random() >= lost) or "." for text in texts[1]]
    targets = (rows["label"].iloc[np.concatenate(parts)] == sorted(rows["label"].unique())[1]).to_numpy(int)
    return texts[0] + texts[1], targets


def one(rows: pd.DataFrame, shift: str, seed: int) -> list[dict[str, Any]]:
    """What is stated and what is true for one seed, a row a share."""
    rng = np.random.default_rng(seed)
    texts, targets = stream(rows, *SHIFTS[shift], rng)
    counted = TfidfVectorizer(min_df=2, sublinear_tf=True).fit_transform(texts)
    features = TruncatedSVD(64, random_state=seed).fit_transform(counted)
    first = rng.permutation(FIRST)
    holdout, learned = first[:HOLDOUT], first[HOLDOUT : HOLDOUT + LEARNED]
    model = LogisticRegression(C=3, max_iter=500).fit(counted[learned], targets[learned])
    right = model.predict(counted) == targets
    unseen = np.setdiff1d(np.arange(FIRST), learned)
    truth = (FIRST * right[unseen].mean() + LATER * right[FIRST:].mean()) / (FIRST + LATER)
    old = [float(end) for end in wilson(right[holdout].mean(), HOLDOUT)]
    found = []
    for share in SHARES:
        units = [(f"{seed}-{i}", 1) for i in range(FIRST, FIRST + LATER)]
        names, chance = drawn_later(units, share, LATER, seed)
        joined = np.array(sorted(int(name.split("-")[1]) for name in names))
        items = np.concatenate([holdout, joined])
        arrivals = Arrivals(dict.fromkeys(joined.tolist(), chance), FIRST)
        stand_for, later = stands_for(items, arrivals)
        parts = mixture(stand_for, later, np.arange(len(items)))
        stated, _n = accuracy(right[items], parts)
        newest = np.isin(items, joined)
        told = told_apart(features[rng.permutation(np.arange(FIRST, FIRST + LATER))[:500]], features[first[:500]], seed)
        called = (
            accuracy_change(right[items], newest, parts.weights).is_sure,
            bool(sure_ones(class_changes(targets[items], 2, newest, parts.weights))),
            told is not None and told.is_sure,
        )
        found.append(
            {
                "share": share,
                "truth": truth,
                "old": right[holdout].mean(),
                "old covers": old[0] <= truth <= old[1],
                "new": stated.value,
                "new covers": stated.low <= truth <= stated.high,
                "new width": stated.width,
                "accuracy": called[0],
                "classes": called[1],
                "content": called[2],
                "any": any(called),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--seeds", type=int, default=200)
    options = parser.parse_args()
    rows = pd.read_csv(options.reviews)
    shown = []
    for shift in SHIFTS:
        all_rows = pd.DataFrame([row for seed in range(options.seeds) for row in one(rows, shift, seed)])
        for share, means in all_rows.groupby("share").mean().iterrows():
            figures = {"change": shift, "share": f"{share:.0%}", "true accuracy": f"{means['truth']:.3f}"}
            figures |= {name: f"{means[name]:.3f}" for name in ("old", "old covers", "new", "new covers", "new width")}
            figures |= {f"called: {name}": f"{means[name]:.3f}" for name in ("accuracy", "classes", "content", "any")}
            shown.append(figures)
    print(table(shown))


if __name__ == "__main__":
    main()
