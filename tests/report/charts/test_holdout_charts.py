"""The charts of the holdout: valid Vega-Lite, and the right numbers in them."""

import numpy as np
import pytest

from labeler.measure.calibration import calibration
from labeler.measure.holdout import evaluation
from labeler.measure.intervals import estimate
from labeler.measure.one_vs_rest import yes_no
from labeler.measure.slices import Slice
from labeler.report.charts.holdout import (
    MOST_CLASSES,
    confusion,
    confusion_frame,
    precision_recall,
    reliability,
    roc,
    shown_classes,
    slices,
    slices_frame,
)


def forecasts(n: int, classes: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.5), n), rng.integers(0, classes, n)


def test_a_cell_for_each_pair_that_occurs():
    proba = 0.05 + 0.9 * np.eye(2)[[0, 0, 1, 0]]
    frame = confusion_frame(evaluation(proba, np.array([0, 0, 1, 1]), ("a", "b")))
    assert frame.to_dict("records") == [
        {"true": "a", "predicted": "a", "items": 2, "share": 1.0, "right": True},
        {"true": "b", "predicted": "a", "items": 1, "share": 0.5, "right": False},
        {"true": "b", "predicted": "b", "items": 1, "share": 0.5, "right": True},
    ]


def test_of_many_classes_those_with_most_errors_are_shown():
    proba, targets = forecasts(600, 40)
    targets[:] = proba.argmax(axis=1)
    targets[:60] = (targets[:60] + 1) % 5  # errors are among few classes
    evaluated = evaluation(proba, targets, [f"c{i:02d}" for i in range(40)])
    shown = shown_classes(evaluated)
    assert len(shown) == MOST_CLASSES
    assert {"c00", "c01", "c02", "c03", "c04"} <= set(shown)
    assert shown == sorted(shown)
    assert set(confusion_frame(evaluated)["true"]) <= set(shown)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2 defines it."""
    parts = [int({"white": "#ffffff"}.get(colour, colour)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_figures_of_the_confusion_matrix_stand_out_from_their_cells():
    targets = np.repeat([0, 1], 20)
    for right in range(1, 20):
        predicted = np.where(np.arange(40) % 20 < right, targets, 1 - targets)
        drawn = confusion(evaluation(np.eye(2)[predicted], targets, ("a", "b"))).to_dict()
        (cells,) = drawn["datasets"].values()
        for cell in cells:
            low, high = sorted(luminance(cell[name]) for name in ("fill", "ink"))
            assert (high + 0.05) / (low + 0.05) >= 3.8, cell


@pytest.mark.parametrize("classes", [2, 10, 40])
def test_charts_are_valid(classes):
    proba, targets = forecasts(200, classes)
    evaluated = evaluation(proba, targets, [f"class {i}" for i in range(classes)])
    spec = confusion(evaluated).to_dict()
    assert [p["name"] for p in spec["params"]] == ["cell"]
    assert spec["layer"][0]["encoding"]["x"]["axis"]["labelFlush"] is False  # each name stands above its column
    assert reliability(calibration(proba, targets)).to_dict()["layer"]
    curves = yes_no(proba[:, 0], targets == 0)
    for chart in (roc(curves), precision_recall(curves)):
        assert chart.to_dict()["layer"]


def test_slices_without_items_are_left_out_and_those_without_a_value_have_a_name():
    of_site = [
        Slice("B", 10, estimate(0.5, 10), 0.01),
        Slice("A", 4, estimate(0.75, 4), 1.0),
        Slice("C", 0, None, None),
        Slice("", 2, estimate(1, 2), None),
    ]
    frame = slices_frame(of_site, "(none)")
    assert list(frame["value"]) == ["B", "A", "(none)"]
    assert list(frame["weak"]) == [True, False, False]
    assert slices(of_site, 0.6, "accuracy", "(none)").to_dict()["layer"]
    assert slices([], 0.6, "accuracy", "(none)").to_dict()["layer"]
