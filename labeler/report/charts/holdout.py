"""Charts of the holdout's evaluation and of its slices."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from labeler.i18n.markdown import plain
from labeler.i18n.messages import _
from labeler.measure.calibration import Calibration
from labeler.measure.holdout import Evaluation
from labeler.measure.one_vs_rest import OneVsRest
from labeler.measure.slices import Slice
from labeler.report.charts import BLUE, FAINT, GREY, ORANGE, ROOM

MOST_CLASSES = 25  # of a readable confusion matrix
CELL = 34  # pixels
RIGHT, WRONG, INK = ("#dde7f8", BLUE), ("#fbeedd", ORANGE), "#262626"  # pale: few of a class's items, full: all


# ---------------------------------------------------------------- confusion


def confusion_frame(evaluation: Evaluation) -> pd.DataFrame:
    """The cells with items: true, predicted (names), items, share (of the true class), right.

    Only the most confused of more than `MOST_CLASSES` classes, see `shown_classes`.
    """
    names = [c.name for c in evaluation.classes]
    shown = set(shown_classes(evaluation))
    rows = [
        {
            "true": names[true],
            "predicted": names[predicted],
            "items": k,
            "share": k / evaluation.classes[true].support,
            "right": true == predicted,
        }
        for true, predicted, k in evaluation.confusion
        if names[true] in shown and names[predicted] in shown
    ]
    return pd.DataFrame(rows, columns=["true", "predicted", "items", "share", "right"])


def shown_classes(evaluation: Evaluation) -> list[str]:
    """The classes of the confusion matrix, in the project's order: all, or those with most errors."""
    names = [c.name for c in evaluation.classes]
    if len(names) <= MOST_CLASSES:
        return names
    errors = [c.support + c.predicted - 2 * c.right for c in evaluation.classes]
    most = set(sorted(range(len(names)), key=lambda i: -errors[i])[:MOST_CLASSES])
    return [name for i, name in enumerate(names) if i in most]


def confusion(evaluation: Evaluation) -> alt.LayerChart | alt.FacetChart:
    """The confusion matrix; a click chooses a cell (the selection is named "cell")."""
    frame, names = confusion_frame(evaluation), shown_classes(evaluation)
    chosen = alt.selection_point(name="cell", fields=["true", "predicted"], on="click", clear="dblclick")
    limit = alt.Axis(labelLimit=110, labelFlush=False, labelOverlap=False, titlePadding=8, domain=False, ticks=False)
    x = alt.X(
        "predicted:N",
        title=_("the model says"),
        scale=alt.Scale(domain=names),
        axis=alt.Axis(
            labelLimit=110,
            labelAngle=0 if _short(names) else -45,
            labelFlush=False,
            labelOverlap=False,  # each class keeps its name, however narrow the page is
            domain=False,
            ticks=False,
            orient="top",
        ),
    )
    y = alt.Y("true:N", title=_("true class"), scale=alt.Scale(domain=names), axis=limit)
    tooltip = [
        alt.Tooltip("true:N", title=_("true class")),
        alt.Tooltip("predicted:N", title=_("the model says")),
        alt.Tooltip("items:Q", title=_("items")),
        alt.Tooltip("share:Q", format=".0%", title=_("share of the true class")),
    ]
    edge = alt.when(chosen, empty=False).then(alt.value(3)).otherwise(alt.value(0))
    # The same colours on light and on dark, so that the figures in the cells are readable on both.
    looks = list(zip(frame["right"].tolist(), frame["share"].tolist(), strict=True))
    frame = frame.assign(
        fill=[_blend(*(RIGHT if right else WRONG), share) for right, share in looks],
        ink=["white" if right and share > 0.9 else INK for right, share in looks],
        sentence=[
            plain(_("{true}, taken for {predicted}: {n}", true=true, predicted=predicted, n=n))
            for true, predicted, n in zip(frame["true"], frame["predicted"], frame["items"], strict=True)
        ],
    )
    base = alt.Chart(frame)
    fill, ink = (alt.Color(f"{name}:N", scale=None, legend=None) for name in ("fill", "ink"))
    cells = base.mark_rect(cornerRadius=3, stroke=INK, cursor="pointer").encode(
        x, y, fill, strokeWidth=edge, tooltip=tooltip, description="sentence:N"
    )
    return alt.layer(
        cells.add_params(chosen),
        base.mark_text(fontSize=12, cursor="pointer", aria=False).encode(x, y, ink, text="items:Q"),
    ).properties(height=max(180, CELL * len(names) + 60))


def _blend(pale: str, full: str, share: float) -> str:
    """The colour at `share` of the way from one to another."""
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (pale, full)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def _short(names: Sequence[str]) -> bool:
    return len(names) <= 4 or max(map(len, names)) <= 2


# ---------------------------------------------------------------- calibration


def calibration_frame(calibration: Calibration) -> pd.DataFrame:
    """The bins: confidence, accuracy, low, high, items."""
    return pd.DataFrame(
        [
            {
                "confidence": b.confidence,
                "accuracy": b.accuracy.value,
                "low": b.accuracy.low,
                "high": b.accuracy.high,
                "items": b.n,
            }
            for b in calibration.bins
        ],
        columns=["confidence", "accuracy", "low", "high", "items"],
    )


def reliability(calibration: Calibration) -> alt.LayerChart | alt.FacetChart:
    """The reliability diagram: accuracy against confidence with intervals; on the diagonal the model is calibrated."""
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title=_("confidence of the model"), scale=scale, axis=alt.Axis(format="%", tickCount=6))
    y = alt.Y("accuracy:Q", title=_("accuracy at this confidence"), scale=scale, axis=alt.Axis(format="%", tickCount=6))
    tooltip = [
        alt.Tooltip("confidence:Q", format=".1%", title=_("confidence of the model")),
        alt.Tooltip("accuracy:Q", format=".1%", title=_("accuracy at this confidence")),
        alt.Tooltip("low:Q", format=".1%", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
        alt.Tooltip("items:Q", title=_("answers")),
    ]
    diagonal = alt.Chart(pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]}))
    base = alt.Chart(calibration_frame(calibration))
    return alt.layer(
        diagonal.mark_line(strokeDash=[6, 4], color=GREY).encode(x, y),
        base.mark_rule(strokeWidth=2, opacity=FAINT, color=BLUE).encode(x, alt.Y("low:Q", title=""), alt.Y2("high:Q")),
        base.mark_point(filled=True, color=BLUE, opacity=1).encode(
            x, y, size=alt.Size("items:Q", scale=alt.Scale(range=[30, 300], zero=True), legend=None), tooltip=tooltip
        ),
    ).properties(height=320)


# ---------------------------------------------------------------- one class against the rest


def roc(curves: OneVsRest) -> alt.LayerChart | alt.FacetChart:
    """The ROC curve: true positive rate against false positive rate; the diagonal is guessing."""
    frame = pd.DataFrame({"false": curves.false_positives, "true": curves.true_positives})
    return _steps(
        frame,
        alt.X("false:Q", title=_("false positive rate"), scale=alt.Scale(domain=[0, 1]), axis=_percent()),
        alt.Y("true:Q", title=_("recall (true positive rate)"), scale=alt.Scale(domain=[0, 1]), axis=_percent()),
        pd.DataFrame({"false": [0.0, 1.0], "true": [0.0, 1.0]}),
    )


def precision_recall(curves: OneVsRest) -> alt.LayerChart | alt.FacetChart:
    """The precision-recall curve; the dashed line is guessing."""
    frame = pd.DataFrame({"recall": curves.recall, "precision": curves.precision})
    return _steps(
        frame,
        alt.X("recall:Q", title=_("recall (true positive rate)"), scale=alt.Scale(domain=[0, 1]), axis=_percent()),
        alt.Y("precision:Q", title=_("precision"), scale=alt.Scale(domain=[0, 1]), axis=_percent()),
        pd.DataFrame({"recall": [0.0, 1.0], "precision": [curves.share] * 2}),
    )


def _percent() -> alt.Axis:
    return alt.Axis(format="%", tickCount=6)


def _steps(frame: pd.DataFrame, x: alt.X, y: alt.Y, guess: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """The points in their order, each of which holds until the next; the dashed line is guessing."""
    frame = frame.assign(order=range(len(frame)))
    return alt.layer(
        alt.Chart(guess).mark_line(strokeDash=[6, 4], color=GREY).encode(x, y),
        alt.Chart(frame).mark_line(color=BLUE, strokeWidth=2.5, interpolate="step-after").encode(x, y, order="order:Q"),
    ).properties(height=320)


# ---------------------------------------------------------------- slices


def slices_frame(measured: Sequence[Slice], missing: str) -> pd.DataFrame:
    """The slices that were measured: value (with its items), accuracy, low, high, items, weak.

    Args: missing: name for items without a value.
    """
    rows = [
        {
            "value": s.value or missing,
            "accuracy": s.accuracy.value,
            "low": s.accuracy.low,
            "high": s.accuracy.high,
            "items": s.n,
            "weak": s.weak,
        }
        for s in measured
        if s.accuracy
    ]
    return pd.DataFrame(rows, columns=["value", "accuracy", "low", "high", "items", "weak"])


def slices(measured: Sequence[Slice], whole: float, measure: str, missing: str) -> alt.LayerChart | alt.FacetChart:
    """Accuracy in each slice with its interval, weak ones orange, and a line at the accuracy of all items.

    Args: whole: accuracy of all items. measure: name of the accuracy measure.
    """
    frame = slices_frame(measured, missing)
    order = list(frame["value"])
    scale = alt.Scale(domain=[max(0.0, float(frame["low"].min()) - 0.05) if len(frame) else 0.0, 1.0])
    x = alt.X("accuracy:Q", title=_("{measure} on the holdout", measure=_(measure)), scale=scale, axis=_percent())
    y = alt.Y("value:N", title=None, sort=order, axis=alt.Axis(labelLimit=160, labelFlush=False))
    colour = alt.when(alt.datum.weak).then(alt.value(ORANGE)).otherwise(alt.value(BLUE))
    tooltip = [
        alt.Tooltip("value:N", title=_("value")),
        alt.Tooltip("accuracy:Q", format=".1%", title=_(measure)),
        alt.Tooltip("low:Q", format=".1%", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
        alt.Tooltip("items:Q", title=_("labeled holdout items")),
    ]
    base = alt.Chart(frame.assign(weak=frame["weak"].astype(bool)))
    line = alt.Chart(pd.DataFrame({"accuracy": [whole]}))
    return alt.layer(
        line.mark_rule(strokeDash=[6, 4], color=GREY).encode(x),
        base.mark_rule(strokeWidth=2.5, opacity=FAINT).encode(
            alt.X("low:Q", title=""), alt.X2("high:Q"), y, color=colour
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x,
            y,
            color=colour,
            shape=alt.when(alt.datum.weak).then(alt.value("diamond")).otherwise(alt.value("circle")),
            tooltip=tooltip,
        ),
    ).properties(height=max(130, 38 * len(frame) + 60), padding=ROOM)
