"""The map of the pool, on which a drag selects items; and the same in words and as a table."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from labeler.core.id_runs import IdRuns
from labeler.i18n.markdown import joined, plain
from labeler.i18n.messages import _, mark, n_
from labeler.projects.pool_map import PoolMap
from labeler.projects.project import Project
from labeler.report.charts.pool_map import REGION, pool_map
from labeler.store import Store
from pages.items.lists import predictions_of
from pages.items.pool import Opinions, places
from pages.items.search import key_of
from pages.review.cases import in_words

COLOURS = {"label": mark("label"), "predicted": mark("prediction"), "doubt": mark("doubt")}
BEGINNING = 80  # characters of a text beside the pointer
NAMED = 6  # values that the sentence on a region names
NEARNESS = mark(
    "Items that the backbone sees as alike are near each other; distances between groups mean little (t-SNE)."
)


def item_map(project: Project, store: Store, ids: IdRuns, opinions: Opinions | None) -> IdRuns | None:
    """The map of those items of the list that are on it; the ids in the region that is selected, None without one."""
    drawn = places(project)
    if drawn is None:
        waiting = _("The map is not ready yet. Its progress is shown below.")
        before = _("The map is drawn after the first round.")
        st.info(before if store.rounds.latest() is None else waiting, icon=":material/map:")
        return None
    frame = frame_of(project, store, ids, opinions)
    sample = " ".join([_size(len(frame), drawn), _(NEARNESS)])
    if frame.empty:
        st.caption(sample)
        return None
    offered = [name for name in COLOURS if name == "label" or opinions is not None]
    colour = st.segmented_control(
        _("Coloured by"),
        offered,
        default="label",
        required=True,
        format_func=lambda name: _(COLOURS[name]),
        key=key_of(project, "colour"),
        persist_state="session",
    )
    none = {"label": _("no label"), "predicted": _("no prediction"), "doubt": ""}[colour]
    present = Counter(frame[colour]) if colour != "doubt" else Counter()
    names = [name for name in project.config.classes if name in present]
    names += [str(name) for name, _n in present.most_common() if name not in (*names, none)]
    event = st.altair_chart(
        pool_map(frame, colour, _("doubt: 1 − the probability of the prediction"), names, none),
        key=f"{key_of(project, 'map')}-{colour}",
        on_select="rerun",
        selection_mode=REGION,
        alt=plain(in_words_of(frame)).replace("*", ""),
    )
    st.caption(sample + " " + _("Drag over the map to select a region; a click beside it selects none."))
    inside = in_region(frame, event["selection"].get(REGION) or {})
    st.markdown(in_words_of(frame if inside is None else inside))
    return None if inside is None else IdRuns.of(inside["id"].to_numpy(dtype=np.int64))


def _size(n: int, drawn: PoolMap) -> str:
    """How many items of the list the map shows, and out of which."""
    if len(drawn.items) >= drawn.pool:
        return n_(
            "{n:,} item of the list is on the map, which shows the pool as it was when the map was drawn.",
            "{n:,} items of the list are on the map, which shows the pool as it was when the map was drawn.",
            n,
        )
    return _(
        "{n:,} items of the list are in the sample of {sample:,} of the pool's {pool:,} items that the map shows.",
        n=n,
        sample=len(drawn.items),
        pool=drawn.pool,
    )


def frame_of(project: Project, store: Store, ids: IdRuns, opinions: Opinions | None) -> pd.DataFrame:
    """The items of the list that are on the map: id, x, y, label, predicted, doubt, text."""
    drawn = places(project)
    assert drawn is not None
    on_map = ids.has(drawn.items)
    shown, where = drawn.items[on_map], drawn.places[on_map]
    listed = {row.item.id: row for row in store.catalogue.page(shown.tolist())}
    predicted = predictions_of(shown, opinions)
    rows = []
    for item, (x, y) in zip(shown.tolist(), where.tolist(), strict=True):
        row, (label, confidence) = listed[item], predicted.get(item, (None, 0.0))
        rows.append(
            {
                "id": item,
                "x": x,
                "y": y,
                "label": in_words(row.label, project),
                "predicted": _("no prediction") if label is None else in_words(label, project),
                "doubt": 1 - confidence,
                "text": (row.item.text or row.item.source)[:BEGINNING],
            }
        )
    return pd.DataFrame(rows, columns=["id", "x", "y", "label", "predicted", "doubt", "text"])


def in_region(frame: pd.DataFrame, region: Mapping[str, Any]) -> pd.DataFrame | None:
    """The rows inside the rectangle that was dragged; None without one."""
    if not region:
        return None
    inside = pd.Series(True, index=frame.index)
    for axis in ("x", "y"):
        if axis in region:
            low, high = sorted(float(end) for end in region[axis])
            inside &= frame[axis].between(low, high)
    return frame[inside]


def in_words_of(frame: pd.DataFrame) -> str:
    """How many items there are, and what their labels are."""
    counts = Counter(frame["label"]).most_common(NAMED)
    named = joined(" · ", (f"{name}: {n:,}" for name, n in counts))
    return n_("**{n:,}** item: {named}", "**{n:,}** items: {named}", len(frame), named=named)
