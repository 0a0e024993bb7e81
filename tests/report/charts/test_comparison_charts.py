"""Charts of a comparison: the numbers of the report are what is drawn, and a file is what its name says."""

from dataclasses import asdict

import numpy as np
import pytest

from labeler.core.errors import LabelerError
from labeler.experiments.summary import Run, summarise
from labeler.report.charts import comparison as charts


def report(curves: dict[str, list[list[float]]]) -> dict:
    """A report of these strategies: for each seed the accuracy at 10 and 20 labels."""
    runs = [
        Run(name, seed, [10, 20], accuracy, accuracy, [0.0, 0.0], [0.0, 0.0])
        for name, seeds in curves.items()
        for seed, accuracy in enumerate(seeds)
    ]
    return {
        "dataset": {"name": "films", "pool": 80, "holdout": 20, "classes": ["a", "b"]},
        "config": {"seeds": len(curves["random"])},
        "runs": [asdict(run) for run in runs],
        "summary": summarise(runs),
    }


# margin is 0.1 above random for both seeds, and entropy 0.05 below for both: by hand, intervals without width
PAIRED = report(
    {
        "random": [[0.4, 0.6], [0.6, 0.8]],
        "margin": [[0.5, 0.7], [0.7, 0.9]],
        "entropy": [[0.35, 0.55], [0.55, 0.75]],
        "bald": [[0.3, 0.5], [0.7, 0.9]],
    }
)
SINGLE = report({"random": [[0.4, 0.6]], "margin": [[0.5, 0.7]]})


def test_curves_are_means_with_the_interval_of_student():
    frame = charts.curves_frame(PAIRED)
    row = frame[(frame["strategy"] == "margin") & (frame["labels"] == 10)].iloc[0]
    assert (row["accuracy"], row["seeds"]) == (pytest.approx(0.6), 2)
    # two runs 0.2 apart: t(0.975, 1) · 0.1414 / √2 = 12.706 · 0.1 = 1.27, cut to what an accuracy can be
    assert (row["low"], row["high"]) == (0.0, 1.0)
    close = charts.curves_frame(report({"random": [[0.5, 0.6], [0.502, 0.6]]})).iloc[0]
    assert close["high"] - close["accuracy"] == pytest.approx(12.7062 * 0.001, rel=1e-4)
    assert charts.curves_frame(SINGLE)["low"].isna().all()


def test_points_that_not_all_runs_have_are_left_out():
    short = report({"random": [[0.4, 0.6], [0.6, 0.8]]})
    short["runs"][1] |= {"labels": [10], "accuracy": [0.6]}
    assert charts.curves_frame(short)["labels"].tolist() == [10]


def test_gains_are_sorted_with_a_verdict():
    frame = charts.gains_frame(PAIRED)
    assert frame["strategy"].tolist() == ["margin", "bald", "entropy"]
    np.testing.assert_allclose(frame["gain"], [10, 0, -5], atol=1e-9)
    assert frame["verdict"].tolist() == [charts.BETTER, charts.UNCLEAR, charts.WORSE]
    assert charts.gains_frame(SINGLE)["verdict"].tolist() == [charts.UNCLEAR]  # one run shows nothing clearly


def test_random_is_grey_and_what_is_not_highlighted_is_pale():
    chart = charts.curves(PAIRED, ["entropy", "nobody", "random"]).to_dict()
    scale = chart["layer"][1]["encoding"]["color"]["scale"]
    assert scale["domain"][:2] == ["entropy", "random"]
    assert scale["range"] == [charts.COLOURS[0], charts.GREY, charts.PALE, charts.PALE]
    assert charts.highlights(PAIRED) == ["margin", "bald", "entropy"]
    assert [p["bind"] for p in chart["params"]] == ["legend"]
    assert chart["layer"][1]["encoding"]["color"]["legend"]["values"] == scale["domain"]  # each can be clicked at


def test_the_legend_of_a_picture_names_what_has_a_colour():
    chart = charts.curves(PAIRED, ["entropy"], interactive=False).to_dict()
    assert chart["layer"][1]["encoding"]["color"]["legend"]["values"] == ["entropy", "random"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compared", "name", "begins", "holds"),
    [
        (PAIRED, "p.png", b"\x89PNG", b"IEND"),
        (PAIRED, "p.svg", b"<svg", b"films:"),
        (SINGLE, "p.svg", b"<svg", b"films:"),
        (PAIRED, "p.HTML", b"<!DOCTYPE html>", b"films:"),
    ],
    ids=["png", "svg", "svg of one run", "html"],
)
def test_the_suffix_decides_the_kind_of_picture(tmp_path, compared, name, begins, holds):
    charts.save(charts.picture(compared), tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(begins)
    assert holds in content
    assert b'src="http' not in content  # it needs no network


def test_a_picture_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(LabelerError, match=r"\.png, \.svg or \.html"):
        charts.save(charts.picture(SINGLE), tmp_path / "p.gif")
