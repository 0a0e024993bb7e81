"""Models of somebody else on the labeled holdout, beside the project's own rounds."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from labeler.core.settings import Config
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _
from labeler.measure.foreign import Compared, compared
from labeler.projects.project import Project
from labeler.report.sentences.foreign import SAME_LABELS, in_words
from pages.shared.access import is_allowed
from pages.shared.cache import cached, state_of
from pages.shared.tables import show_table


def other_models(project: Project) -> None:
    """A sentence and a row of figures for each model; nothing where none was imported, or for those who must not know
    which items are in the holdout: the figures are of its labels of this moment.
    """
    if not is_allowed(project, "see_holdout"):
        return
    with project.store() as store:
        # not anew with each answer: figures that follow one would tell that its item measures the model
        state = state_of(project, store, answers=False)
    models = cached("other-models", state, lambda: _compared(project))
    if not models:
        return
    st.subheader(_("Other models"))
    for of in models:
        st.markdown(escaped(in_words(of, project.config)))
    if any(of.metrics for of in models):
        show_table(_figures(models, project.config))
        st.caption(_(SAME_LABELS))


def _compared(project: Project) -> list[Compared]:
    with project.store() as store:
        return compared(store)


def _figures(models: Sequence[Compared], config: Config) -> pd.DataFrame:
    """One row a model: what was measured, and the difference from the latest round with its interval."""
    rows = []
    for of in models:
        if of.metrics is None:
            continue
        difference = of.latest.difference if of.latest else None
        rows.append(
            {
                _("model"): of.model.title,
                _(config.accuracy): f"{of.metrics.accuracy:.1%}",
                "95%": f"{100 * of.metrics.low:.1f} – {of.metrics.high:.1%}",
                _("labeled holdout items"): of.metrics.n,
                _("macro F1"): f"{of.metrics.macro_f1:.3f}",
                _("against the latest round"): _points(difference.value) if difference else None,
                _("95% of the difference"): f"{_points(difference.low)} – {_points(difference.high)}"
                if difference
                else None,
                _("calibration error"): f"{of.calibration.error:.1%}" if of.calibration else None,
            }
        )
    return pd.DataFrame(rows)


def _points(share: float) -> str:
    """A difference in points, with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")
