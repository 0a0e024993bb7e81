"""Whether a model's confidence can be believed, and how well it tells one class from the rest."""

import streamlit as st

from labeler.core.settings import Config
from labeler.i18n.messages import _
from labeler.measure.calibration import Calibration
from labeler.measure.forecasts import LabeledForecast
from labeler.measure.intervals import Estimate
from labeler.measure.one_vs_rest import yes_no
from labeler.report.charts import holdout as holdout_charts


def in_words(estimate: Estimate | None) -> str:
    """A share with its interval, in percent."""
    if estimate is None:
        return "–"
    words = _(
        "{share:.0%} ({low:.0f} – {high:.0f})", share=estimate.value, low=100 * estimate.low, high=100 * estimate.high
    )
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def calibrated(calibration: Calibration) -> None:
    """The reliability diagram, and whether chance alone explains what is off."""
    st.subheader(_("Calibration of the model's confidence"))
    left, right = st.columns([3, 2])
    left.altair_chart(holdout_charts.reliability(calibration), width="stretch", key="reliability")
    total = sum(b.n for b in calibration.bins)
    sure = sum(b.confidence * b.n for b in calibration.bins) / total
    hit = sum(b.accuracy.value * b.n for b in calibration.bins) / total
    with right:
        st.metric(_("Expected calibration error"), f"{100 * calibration.error:.1f}%")
        st.markdown(
            _(
                "On so few items, even a perfectly calibrated model can have up to {chance:.1f}% by chance, so this"
                " is no evidence of miscalibration.",
                chance=100 * calibration.by_chance,
            )
            if calibration.error <= calibration.by_chance
            else _(
                "A perfectly calibrated model would have up to {chance:.1f}% by chance, so this model is"
                " miscalibrated.",
                chance=100 * calibration.by_chance,
            )
        )
        st.markdown(
            _(
                "Its mean confidence is {sure:.0f}%, and {hit:.0f}% of its predictions are right.",
                sure=100 * sure,
                hit=100 * hit,
            )
        )
        st.caption(
            _(
                "Each dot is a group of predictions of similar confidence with its 95% interval; larger dots hold more"
                " predictions."
            )
        )


# ---------------------------------------------------------------- one class against the rest


def one_class(forecast: LabeledForecast, config: Config) -> None:
    """ROC and precision-recall curves of a class."""
    st.subheader(_("One class against the rest"))
    if not forecast.complete:
        st.caption(_("Of this older round only the predictions and their confidence are kept: choose a later round."))
        return
    binary = len(config.classes) == 2 and not config.several
    name = st.selectbox(
        _("Class"), config.classes, index=1 if binary else 0, key=f"one-class-{'-'.join(config.classes)}", width=360
    )
    place = config.classes.index(name)
    truth = forecast.targets[:, place] > 0 if config.several else forecast.targets == place
    curves = yes_no(forecast.proba[:, place], truth, forecast.weights, groups=forecast.groups)
    if curves is None:
        st.caption(_("These curves need labeled holdout items of this class and of others."))
        return
    left, right = st.columns(2)
    with left:
        st.markdown(_("**ROC**, area {area}", area=in_words(curves.area)))
        st.altair_chart(holdout_charts.roc(curves), width="stretch", key="roc")
    with right:
        st.markdown(_("**Precision and recall**, average precision {area}", area=in_words(curves.average_precision)))
        st.altair_chart(holdout_charts.precision_recall(curves), width="stretch", key="precision-recall")
    st.caption(_("Dashed: guessing. {share:.0%} of the items are of this class.", share=curves.share))
