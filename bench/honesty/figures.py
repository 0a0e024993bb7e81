"""What the kept projects of `bench.honesty.runs` say of each figure that a lead reads. Nothing is trained here."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.honesty.runs import BATCH, LARGEST_POOL, World
from labeler.core import decisions
from labeler.core.rounds import Forecast, Rule
from labeler.core.settings import Config
from labeler.measure.intervals import Estimate
from labeler.measure.metrics import metrics, stability
from labeler.progress import control
from labeler.progress.control import first_reached, smoothing_weights
from labeler.progress.curves import fit_curve
from labeler.progress.shadows import Shadows
from labeler.progress.stopping import History, Thresholds, backtest

# Each rule as it is by default, and with thresholds that are met earlier.
RULES: tuple[tuple[str, Rule, dict[str, Any]], ...] = (
    ("target", "target", {}),
    ("stable", "stable", {}),
    ("stable, kappa 0.95", "stable", {"kappa": 0.95}),
    ("stable, kappa 0.9", "stable", {"kappa": 0.9}),
    ("confident", "confident", {}),
    ("confident, 0.2", "confident", {"uncertainty": 0.2}),
    ("gain", "gain", {}),
    ("gain, 0.5 points", "gain", {"gain": 0.005}),
)
TARGET = 300  # labels: what the projects reach with them in the mean is the target of all
WAY = (0.25, 0.5, 0.75)  # of the labels that a project takes to the target
LOOKS = 0.2  # share of the labels that is looked at


@dataclass(frozen=True)
class Traces:
    """The projects of a data set; targets: of all its items; random: what random labels teach, by their number."""

    name: str
    projects: list[dict[str, np.ndarray]]
    targets: np.ndarray
    config: Config
    random: dict[int, float]

    @classmethod
    def load(cls, folder: Path, data: Path, most: int | None = None) -> "Traces":
        files = sorted((f for f in folder.glob("*.npz") if f.stem.isdigit()), key=lambda f: int(f.stem))[:most]
        world, truth = World.load(folder.name, data), np.load(folder / "random.npz")
        means = dict(zip(truth["sizes"].tolist(), truth["accuracy"].mean(axis=1).tolist(), strict=True))
        return cls(folder.name, [dict(np.load(f)) for f in files], world.targets, world.config, means)

    def right(self, project: dict[str, np.ndarray]) -> np.ndarray:
        """(r, H) bool: what the model of each round gets right of the holdout."""
        targets = self.targets[project["holdout"]]
        return np.array([decisions.correct(proba, targets) for proba in project["proba"]])


Row = dict[str, Any]


def accuracies(traces: Traces) -> Row:
    """How often the interval of a round's accuracy has the truth in it: all rounds, and the last alone."""
    held = np.array(
        [
            [(m.low <= truth <= m.high, m.high - m.low) for m, truth in zip(rounds, p["truth"], strict=True)]
            for p in traces.projects
            for rounds in [[metrics(proba, traces.targets[p["holdout"]]) for proba in p["proba"]]]
        ]
    )
    return {
        "all rounds": percent(held[..., 0].mean()),
        "last round": percent(held[:, -1, 0].mean()),
        "width, points": f"{100 * held[..., 1].mean():.1f}",
    }


def controlled(traces: Traces) -> Row:
    """How often the intervals of the gain and of the labels needed have the truth in them."""
    gains, needs, shares = [], [], []
    for p in traces.projects:
        steps = p["steps"]
        taught = Shadows(p["shadow_sizes"], p["shadow_right"], p["shadow_unseen"], int(p["arm"]))
        report = control.estimate(steps, traces.right(p), taught)
        if report.size is None or report.gain is None or report.gain.value is None:
            continue
        grid = np.geomspace(steps[0], steps[-1], control.GRID)
        ahead = smoothing_weights(steps, grid) @ p["truth"] - traces.random[report.size]
        gain = float((smoothing_weights(steps, np.array([report.size])) @ p["truth"])[0]) - traces.random[report.size]
        gains.append((within(gain, report.gain), width(report.gain), abs(report.gain.value - gain)))
        if needed := report.needed:
            needs.append((reached_within(ahead, grid, needed), report.size, width(needed) / report.size))
            truth = first_reached(grid, ahead)
            if truth is not None and needed.value is not None:
                shares.append((1 - truth / report.size, 1 - needed.value / report.size))
    held, wide, off = np.mean(gains, axis=0)
    row = {"gain: held": percent(held), "width, points": f"{100 * wide:.1f}", "off by, points": f"{100 * off:.1f}"}
    row["saved: said"] = percent(len(needs) / len(traces.projects))
    right, sizes, widths = np.array(needs, dtype=float).T if needs else np.full((3, 1), np.nan)
    truths, estimated_shares = np.median(shares, axis=0) if shares else (np.nan, np.nan)
    return row | {
        "held": percent(right.mean()),
        "both ends": percent(1 - np.isnan(widths).mean()),
        "their distance": percent(np.nanmedian(widths)),
        "at labels": f"{np.median(sizes):.0f}",
        "saved, in truth": percent(truths),
        "saved, as said": percent(estimated_shares),
    }


def within(truth: float, estimate: Estimate | control.NumberOfLabels) -> bool:
    """Whether an interval holds the truth; an open end holds everything on its side."""
    return (estimate.low is None or estimate.low <= truth) and (estimate.high is None or truth <= estimate.high)


def width(interval: Estimate | control.NumberOfLabels) -> float:
    """The width of an interval; NaN where an end is open."""
    return np.nan if interval.low is None or interval.high is None else interval.high - interval.low


def reached_within(ahead: np.ndarray, grid: np.ndarray, needed: control.NumberOfLabels) -> bool:
    """Whether an interval of labels holds those with which `ahead` first is not negative, be it beyond the grid."""
    if ahead[0] >= 0:
        return needed.low is None
    truth = first_reached(grid, ahead)
    return needed.high is None if truth is None else within(truth, needed)


def projected(traces: Traces) -> Row:
    """How far projections of the labels to a target are off, and how often their interval has the truth in it."""
    steps = traces.projects[0]["steps"]
    curves = [smoothing_weights(steps, np.array([TARGET])) @ p["truth"] for p in traces.projects]
    target = float(np.mean(curves))
    checks: dict[float, list[tuple[float, ...]]] = {way: [] for way in WAY}
    silent = dict.fromkeys(WAY, 0)
    for p in traces.projects:
        steps, accuracy = p["steps"], traces.right(p).mean(axis=1)
        grid = np.geomspace(steps[0], steps[-1], control.GRID)
        truth = first_reached(grid, smoothing_weights(steps, grid) @ p["truth"] - target)
        for way in WAY:
            rounds_so_far = int(np.abs(steps - way * (truth or steps[-1])).argmin()) + 1
            projection = fit_curve(
                steps[:rounds_so_far].tolist(), accuracy[:rounds_so_far].tolist(), len(p["holdout"])
            ).projection(target)
            if projection.why_not:
                silent[way] += 1
                continue
            held = projection.high is None or (truth or steps[-1]) <= projection.high
            held &= projection.low is None or truth is None or projection.low <= truth
            off = np.nan if truth is None or projection.expected is None else abs(projection.expected / truth - 1)
            span = np.nan if projection.high is None or projection.low is None else projection.high / projection.low
            checks[way].append((held, off, span))
    row: Row = {"target": percent(target, 1), "reached": ""}
    ends = [(smoothing_weights(p["steps"], p["steps"]) @ p["truth"]).max() >= target for p in traces.projects]
    row["reached"] = percent(np.mean(ends))
    for way in WAY:
        held, off, span = np.array(checks[way], dtype=float).T if checks[way] else np.full((3, 1), np.nan)
        row[f"{way:.0%}: said"] = percent(1 - silent[way] / len(traces.projects))
        row[f"{way:.0%}: held"] = percent(held.mean())
        row[f"{way:.0%}: off by (median)"] = percent(np.nanmedian(off)) if not np.isnan(off).all() else ""
        row[f"{way:.0%}: both ends"] = percent(1 - np.isnan(span).mean())
    return row


def stopped(traces: Traces) -> list[Row]:
    """What each stopping rule lost and saved; one row a rule."""
    steps = traces.projects[0]["steps"]
    target = float(np.mean([(smoothing_weights(steps, np.array([TARGET])) @ p["truth"])[0] for p in traces.projects]))
    histories = [(history(traces, p), p["truth"]) for p in traces.projects]
    rows = []
    for name, rule, changes in RULES:
        thresholds = replace(Thresholds(target=target), **changes)
        ends = [(backtest(rule, past, thresholds).round, past, truth) for past, truth in histories]
        stops = [(past.labels[-1] - past.labels[at - 1], truth[-1] - truth[at - 1]) for at, past, truth in ends if at]
        saved, lost = np.array(stops, dtype=float).T if stops else np.full((2, 1), np.nan)
        rows.append(
            {
                "rule": name,
                "stopped": percent(len(stops) / len(histories)),
                "at labels (median)": f"{histories[0][0].labels[-1] - np.median(saved):.0f}" if stops else "",
                "labels saved": f"{saved.mean():.0f}" if stops else "",
                "points lost": f"{100 * lost.mean():.1f}" if stops else "",
                "1 in 10 lost more than": f"{100 * np.quantile(lost, 0.9):.1f}" if stops else "",
            }
        )
    return rows


def history(traces: Traces, project: dict[str, np.ndarray]) -> History:
    """A kept project as the stopping rules see it; rounds count from 1."""
    targets, stop = traces.targets[project["holdout"]], project["stop"].astype(np.float32)
    measured = [metrics(proba, targets) for proba in project["proba"]]
    items = np.arange(stop.shape[1])
    watched = [Forecast(items, proba) for proba in stop]
    pairs = zip(watched, [None, *watched[:-1]], strict=True)
    agreement, uncertainty = zip(*(stability(now, before, traces.config) for now, before in pairs), strict=True)
    labels = project["steps"].tolist()
    return History(
        tuple(range(1, len(labels) + 1)),
        tuple(labels),
        tuple(m.accuracy for m in measured),
        tuple(m.low for m in measured),
        tuple(m.high for m in measured),
        agreement,
        uncertainty,
        tuple(labels),
        tuple(LARGEST_POOL for _n in labels),
        len(targets),
        10**6,
        BATCH,
    )


def found_errors(traces: Traces) -> Row:
    """The share of wrong labels among those that are looked at first."""
    recall = []
    for p in traces.projects:
        wrong = p["flipped"] != traces.targets[p["labeled"]]
        order = np.argsort(p["flipped_proba"][np.arange(len(wrong)), p["flipped"]], kind="stable")
        recall.append(wrong[order[: round(LOOKS * len(order))]].sum() / wrong.sum())
    low, high = np.quantile(recall, [0.05, 0.95])
    return {
        "wrong": f"{wrong.sum()} of {len(wrong)}",
        "found": percent(float(np.mean(recall))),
        "9 of 10 projects": f"{percent(low)} to {percent(high)}",
        "at least half": percent(float(np.mean(np.array(recall) >= 0.5))),
    }


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f}%"
