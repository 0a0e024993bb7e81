"""Where the model is weak: accuracy and labels by an imported column, and asking more of some values."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from labeler.core.class_changes import NOT_MEASURED
from labeler.core.errors import LabelerError
from labeler.i18n.messages import _, translate
from labeler.measure import slices as slicing
from labeler.measure.forecasts import on_labels, sampling_of
from labeler.measure.slices import Column, Slice
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.charts import holdout as holdout_charts
from pages.progress.confidence import in_words
from pages.shared.access import NOT_HERE, is_allowed, name_is_known
from pages.shared.cache import cached, state_of
from pages.shared.settings_form import Form, opened, save
from pages.shared.tables import show_table

LIKELY = 0.5  # from this chance on, no slice is called the weakest
FORM = Form("more-of", ("query.more_of", "query.more_share"))


@dataclass(frozen=True)
class Measured:
    """The columns of a project, and how the latest model does in their slices; `whole`: its accuracy on all items.

    Without a model that was measured there are counts only.
    """

    columns: list[Column]
    slices: Mapping[str, list[Slice]]
    whole: float | None
    weighted: bool


def slices(project: Project) -> None:
    with project.store() as store:
        state = state_of(project, store)
    measured_slices = cached("slices", state, lambda: measured(project))
    if not measured_slices.columns:
        st.info(
            _(
                "There are no slices: the imported tables have no further column, such as the site or the scanner,"
                " that holds a few different values or numbers."
            ),
            icon=":material/splitscreen:",
        )
        return
    weakest = {
        c.name: min((s.chance or 1 for s in measured_slices.slices[c.name]), default=1.0)
        for c in measured_slices.columns
    }
    names = sorted(weakest, key=lambda name: weakest[name])  # of equals by name
    name = st.selectbox(_("Column"), names, key=f"slice-{project.slug}", width=360)
    column = next(c for c in measured_slices.columns if c.name == name)
    counts, sampled = counted(project, column, state)
    rows = [replace(s, pool=counts[s.value][0], labeled=counts[s.value][1]) for s in measured_slices.slices[name]]
    picture(project, measured_slices, rows)
    show_table(table(rows, measured_slices.whole is not None))
    if sampled:
        st.caption(_("Items and labels of the pool are estimates: the values of {n:,} items were counted.", n=sampled))
    with st.container(border=True):
        st.markdown(_("**Query more of these**"))
        if not is_allowed(project, "ask_next"):
            st.caption(_(NOT_HERE))
        elif name_is_known(_("Go on"), "more"):
            ask_more(project, column)


def measured(project: Project) -> Measured:
    """The columns, and the accuracy of the latest round in each of their slices, on today's labels."""
    config = project.config
    with project.store() as store, store.read():
        columns = slicing.columns(store.slices.sample())
        numbers = store.forecasts.rounds()
        forecast = store.forecasts.get(numbers[-1], "holdout") if numbers else None
        labeled = on_labels(forecast, store.items.holdout_labels(), config, sampling_of(store)) if forecast else None
        rows = store.slices.metadata_of(labeled.items.tolist()) if labeled else []
    right = labeled.right if labeled else np.empty(0, dtype=bool)
    weights = labeled.weights if labeled else None
    by_column = slicing.slices(columns, rows, right, weights, labeled.groups if labeled else None)
    whole = float(np.average(right, weights=weights)) if labeled else None
    return Measured(columns, by_column, whole, weights is not None)


def counted(project: Project, column: Column, state: Hashable) -> tuple[dict[str, tuple[int, int]], int]:
    """Items and labels of the pool by value, and how many items were counted where they are estimates, else 0."""

    def count() -> tuple[dict[str, tuple[int, int]], int]:
        with project.store() as store:
            values, sampled = store.slices.counts(column.name)
        return slicing.counted(column, values), sampled

    return cached("slice-counts", (state, column), count)


def picture(project: Project, measured_slices: Measured, rows: Sequence[Slice]) -> None:
    """The chart, and what it says in words."""
    if measured_slices.whole is None:
        with project.store() as store:
            outside, counts = store.class_changes.outside(), store.items.counts()
            is_trained = store.rounds.latest() is not None
        if outside:
            st.caption(_(NOT_MEASURED))
        elif has_no_holdout(counts):
            st.caption(_(NO_HOLDOUT))
        elif is_trained:
            st.caption(_("The accuracy in each slice is measured once items of the holdout have labels."))
        else:
            st.caption(_("The accuracy in each slice is measured once a round has trained a model."))
        return
    measure = project.config.accuracy
    st.altair_chart(
        holdout_charts.slices(rows, measured_slices.whole, measure, _("(none)")),
        width="stretch",
        key=f"slices-{project.slug}",
    )
    weak = [s.value or _("(none)") for s in rows if s.weak]
    if weak:
        st.warning(_("Weaker than the rest, beyond what chance explains: {names}.", names=", ".join(weak)))
    elif (
        least := min((s for s in rows if s.chance is not None), key=lambda s: s.chance or 0, default=None)
    ) is not None:
        st.markdown(
            _("No slice can be told apart from the rest: differences such as these come by chance.")
            if (least.chance or 0) >= LIKELY
            else _(
                "The weakest slice is {name}, but that may be chance: up to {chance:.0%} of models that are equally"
                " good everywhere would show a slice as weak as this.",
                name=least.value or _("(none)"),
                chance=least.chance,
            )
        )
    looked_at = sum(s.chance is not None for column in measured_slices.slices.values() for s in column)
    st.caption(
        _("The dashed line is the accuracy on all items. With active testing no slice is marked as weak.")
        if measured_slices.weighted
        else _(
            "The dashed line is the accuracy on all items. A slice is marked as weak (orange) if chance does not"
            " explain it, allowing for the {n} slices of all columns: the probability of even one false mark is 5%.",
            n=looked_at,
        )
    )


def table(rows: Sequence[Slice], is_measured: bool = True) -> pd.DataFrame:
    """The slices with their counts, and with their accuracy where the holdout is measured."""
    return pd.DataFrame(
        [
            {
                _("value"): s.value or _("(none)"),
                **(_on_the_holdout(s) if is_measured else {}),
                _("items in the pool"): s.pool,
                _("pool labels"): s.labeled,
                _("share labeled"): f"{s.labeled / s.pool:.0%}" if s.pool else "–",
            }
            for s in rows
        ]
    )


def _on_the_holdout(measured_slice: Slice) -> dict[str, object]:
    groups = {} if measured_slice.groups is None else {_("groups"): measured_slice.groups}
    return {_("labeled holdout items"): measured_slice.n, **groups, _("accuracy"): in_words(measured_slice.accuracy)}


def ask_more(project: Project, column: Column) -> None:
    """The form that sets `query.more_of` and `query.more_share`."""
    drawn = opened(project, FORM)
    if drawn is None:
        return
    config = drawn.config
    offered = [slicing.more_of_entry(column, value) for value in column.values if value]
    options = [*dict.fromkeys([*config.query.more_of, *offered])]
    with st.form(f"more-{project.slug}-{column.name}", border=False):
        wishes = st.multiselect(
            _("Items with"), options, [*config.query.more_of], key=f"more-of-{project.slug}-{column.name}",
            placeholder=_("nothing in particular"),
        )  # fmt: skip
        share = st.slider(
            _(
                "Share of such items among those that the strategy queries"
            ), 0, 100, round(100 * config.query.more_share), 5,
            format="%d%%",
        )  # fmt: skip
        st.caption(
            _(
                "This share is a minimum while such items are left. The random control arm is still drawn from the"
                " whole pool and the holdout stays the same, so the measurements keep their meaning."
            )
        )
        if st.form_submit_button(_("Save from the next round on"), icon=":material/save:"):
            sentence = (
                _("From the next round on, more items with {names} are queried.", names=", ".join(wishes))
                if wishes
                else _("From the next round on, no items are preferred.")
            )
            try:
                changed = replace(config, query=replace(config.query, more_of=tuple(wishes), more_share=share / 100))
            except LabelerError as error:
                st.error(translate(error))
            else:
                save(drawn, FORM, changed, sentence)
