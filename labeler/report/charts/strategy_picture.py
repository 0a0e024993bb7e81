"""A picture of a strategy: an SVG of what its code chooses from a small pool in two dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from strategies import Candidates, Strategy

# Imports of sklearn are deferred: it is slow to load.

SEED = 7
CHOSEN = 10  # points that a picture shows as chosen
MEMBERS = 5
WIDTH, HEIGHT = 320, 220  # of the picture, in the units of the points

# Okabe & Ito's blue, vermilion and green for the colour-blind; each class has a shape of its own, too.
COLOURS = ("#0072b2", "#d55e00", "#009e73")
INK = "#222222"


@dataclass(frozen=True)
class Toy:
    """A pool of three classes with a few labels, and the models fitted to them; points in pixels."""

    points: np.ndarray  # (n, 2)
    targets: np.ndarray  # (n,)
    labeled: np.ndarray  # positions
    pool: np.ndarray  # positions, the rest
    features: np.ndarray  # (n, 2) standardised: what models and strategies see
    proba: np.ndarray  # (len(pool), 3)
    member_proba: np.ndarray  # (MEMBERS, len(pool), 3)
    regions: list[np.ndarray]  # for each class the corners (k, 2) of where it is predicted


@cache
def toy() -> Toy:
    """The toy pool, always the same: a dense class, a scattered class, a class of two groups, and outliers.

    The model is a logistic regression on twelve labels, the committee five more, each on a resample of the labels.
    """
    rng = np.random.default_rng(SEED)
    parts = [
        (0, rng.normal((95, 150), (20, 16), (130, 2))),  # dense
        (1, rng.normal((215, 70), (42, 26), (80, 2))),  # scattered
        (2, rng.normal((240, 165), (18, 13), (50, 2))),
        (2, rng.normal((85, 55), (15, 12), (32, 2))),  # a second group, which no label has found
        (1, np.array([[300.0, 20.0], [306.0, 120.0], [150.0, 14.0]])),  # outliers
        (0, np.array([[18.0, 204.0], [20.0, 100.0]])),
    ]
    points = np.concatenate([part for _, part in parts])
    targets = np.concatenate([np.full(len(part), label) for label, part in parts])
    points = np.clip(points, 9, (WIDTH - 9, HEIGHT - 9))
    groups = (np.arange(0, 130), np.arange(130, 210), np.arange(210, 260))
    labeled = np.sort(np.concatenate([rng.choice(group, 4, replace=False) for group in groups]))
    pool = np.setdiff1d(np.arange(len(points)), labeled)
    centre, spread = points.mean(axis=0), points.std(axis=0)
    features = (points - centre) / spread

    x, y = features[labeled], targets[labeled]
    weights, bias = _logistic_regression(x, y)
    members: list[np.ndarray] = []
    while len(members) < MEMBERS:
        drawn = rng.choice(len(y), len(y))
        if len(np.unique(y[drawn])) == len(COLOURS):
            members.append(_proba(features[pool], *_logistic_regression(x[drawn], y[drawn])))
    # the scores as functions of pixels
    pixels = weights / spread
    regions = _regions(pixels, bias - pixels @ centre)
    return Toy(
        points, targets, labeled, pool, features, _proba(features[pool], weights, bias), np.array(members), regions
    )


def _logistic_regression(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=3.0).fit(x, y)
    return model.coef_, model.intercept_


def _proba(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    scores = x @ weights.T + bias
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def choose(strategy: Strategy, n: int = CHOSEN) -> np.ndarray:
    """The points of the toy pool that the strategy asks about, best first: (n,) positions into `toy().points`.

    Raises: StrategyError: its code failed.
    """
    t = toy()
    candidates = Candidates(
        ids=t.pool,
        proba=t.proba,
        member_proba=t.member_proba,
        embeddings=t.features[t.pool].astype(np.float32),
        labeled_embeddings=t.features[t.labeled].astype(np.float32),
        labeled_targets=t.targets[t.labeled],
    )
    return t.pool[strategy.query(candidates, n, np.random.default_rng(SEED)).positions]


def picture(strategy: Strategy) -> str:
    """An SVG of the toy pool with the points that the strategy chooses, numbered in its order.

    Raises: StrategyError: its code failed.
    """
    chosen = choose(strategy)
    t = toy()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{2 * WIDTH}"'
        f' height="{2 * HEIGHT}" font-family="sans-serif" role="img">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>'
    ]
    for region, colour in zip(t.regions, COLOURS, strict=True):
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in region)
        parts.append(
            f'<polygon points="{corners}" fill="{colour}" fill-opacity="0.07" stroke="{INK}" stroke-opacity="0.25"/>'
        )
    for label, colour in enumerate(COLOURS):
        rest = t.pool[t.targets[t.pool] == label]
        labeled = t.labeled[t.targets[t.labeled] == label]
        parts.append(f'<path d="{_marks(t.points[rest], label, 2.4)}" fill="{colour}" fill-opacity="0.5"/>')
        parts.append(
            f'<path d="{_marks(t.points[labeled], label, 6.0)}" fill="{colour}" stroke="{INK}" stroke-width="1.6"/>'
        )
    for number, (x, y) in reversed([*enumerate(t.points[chosen], 1)]):  # the first point lies on top
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7.5" fill="{INK}" stroke="#ffffff" stroke-width="1.5"/>'
            f'<text x="{x:.1f}" y="{y + 3.2:.1f}" font-size="9" font-weight="bold" text-anchor="middle"'
            f' fill="#ffffff">{number}</text>'
        )
    return "".join([*parts, "</svg>"])


def _marks(points: np.ndarray, label: int, r: float) -> str:
    """The path of one mark a point: a circle, a square or a triangle."""
    shapes = (
        f"m{-r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0",
        f"m{-0.9 * r:g} {-0.9 * r:g}h{1.8 * r:g}v{1.8 * r:g}h{-1.8 * r:g}z",
        f"m0 {-1.2 * r:g}l{1.1 * r:g} {2 * r:g}h{-2.2 * r:g}z",
    )
    return "".join(f"M{x:.1f} {y:.1f}{shapes[label]}" for x, y in points)


def _regions(weights: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """For each class the corners of the part of the picture where its linear score is the largest."""
    regions = []
    for label in range(len(bias)):
        corners: Sequence[np.ndarray] = [
            np.array(corner, dtype=float) for corner in ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))
        ]
        for other in range(len(bias)):
            if other != label:
                corners = _cut(corners, weights[label] - weights[other], float(bias[label] - bias[other]))
        regions.append(np.array(corners).reshape(-1, 2))
    return regions


def _cut(corners: Sequence[np.ndarray], weights: np.ndarray, bias: float) -> list[np.ndarray]:
    """The part of a convex polygon where weights · point + bias ≥ 0.

    Source: Sutherland & Hodgman 1974, one edge of their clipping.
    """
    kept = []
    for corner, following in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        a, b = corner @ weights + bias, following @ weights + bias
        if a >= 0:
            kept.append(corner)
        if (a >= 0) != (b >= 0):
            kept.append(corner + (following - corner) * a / (a - b))
    return kept
