"""The items that are listed, a page at a time: as cards, or as a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from labeler.core.id_runs import IdRuns
from labeler.files.sources import origin
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, n_, translate
from labeler.projects.columns import telling
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.catalogue import Listed
from pages.items.opened import open_item
from pages.items.pool import Opinions
from pages.items.search import key_of
from pages.review.cases import in_words
from pages.shared.cache import cached, state_of
from pages.shared.tables import heads
from pages.shared.thumbnails import thumbnail

CARDS, ROWS = 24, 100  # on a page
IMAGE_WIDTH, TEXT_WIDTH = 168, 262  # pixels of a card at least; those of texts fill the page, see `style.CARDS`
LETTERS = 160  # of a text on a card
LABEL_WIDTH = 110  # pixels of a column of class names


def page_of(project: Project, name: str, ids: IdRuns, size: int) -> np.ndarray:
    """The ids on the page that is chosen below the list."""
    number = int(st.session_state.get(_key(project, name, ids, size), 1))
    return ids[size * (number - 1) : size * number]


def pages_below(project: Project, name: str, ids: IdRuns, size: int) -> None:
    """The choice of a page, where there are several."""
    if len(ids) > size:
        st.pagination(-(-len(ids) // size), key=_key(project, name, ids, size), persist_state="session")


def _key(project: Project, name: str, ids: IdRuns, size: int) -> str:
    """The key of the choice of a page: a list of another length begins at its first page."""
    return key_of(project, f"{name}-page-of-{-(-len(ids) // size)}")


def cards(project: Project, store: Store, ids: IdRuns, opinions: Opinions | None) -> None:
    """A card for each item: its picture or the beginning of its text, its label, and a button that opens it."""
    shown = page_of(project, "cards", ids, CARDS)
    listed = store.catalogue.page(shown.tolist())
    predicted = predictions_of(shown, opinions)
    width, key = (IMAGE_WIDTH, "image-cards") if project.config.modality == "image" else (TEXT_WIDTH, "text-cards")
    with st.container(horizontal=True, gap="small", key=key):
        for row in listed:
            with st.container(width=width, border=True, gap="xsmall"):
                thumbnail(project, row.item, LETTERS)
                st.markdown(state(project, row, *predicted.get(row.item.id, (None, 0.0))))
                st.button(
                    _("Item {id}", id=row.item.id),
                    key=f"open-{row.item.id}",
                    type="tertiary",
                    icon=":material/open_in_full:",
                    on_click=open_item,
                    args=(project, row.item.id),
                )
    pages_below(project, "cards", ids, CARDS)


def predictions_of(ids: np.ndarray, opinions: Opinions | None) -> dict[int, tuple[str | None, float]]:
    """The predicted label of each of these items and its probability; items without a prediction are left out."""
    if opinions is None or not len(ids):
        return {}
    rows = opinions.rows(ids)
    return {
        int(item): (label, float(opinions.confidence[row]))
        for item, label, row in zip(ids, opinions.labels(rows), rows, strict=True)
        if label is not None
    }


def state(project: Project, row: Listed, predicted: str | None, confidence: float) -> str:
    """The label of an item, or what stands in its way, with the prediction where there is one, as Markdown."""
    if row.label is not None:
        colour, words = "green", str(escaped(in_words(row.label, project)))
    elif row.adjudicated == "exclude":
        colour, words = "gray", _("taken out")
    elif row.open_flag:
        colour, words = "orange", _("flagged")
    else:
        colour, words = "gray", _("no label")
    badge = f":{colour}-badge[{words}]"
    if predicted is None:
        return badge
    label = escaped(in_words(predicted, project))
    return badge + " " + _("predicted {label} ({confidence})", label=label, confidence=percent(confidence))


def percent(probability: float) -> str:
    """A probability as people read it; none is rounded to certainty."""
    return f"{min(probability, 0.99):.0%}"


def table(project: Project, store: Store, ids: IdRuns, opinions: Opinions | None) -> list[int]:
    """A row for each item; the ids of those that are selected."""
    shown = page_of(project, "rows", ids, ROWS)
    listed = store.catalogue.page(shown.tolist())
    selection = st.dataframe(
        frame_of(project, store, listed, predictions_of(shown, opinions)),
        key=key_of(project, "table"),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        alt=_("The items that are listed"),
        placeholder="",
        column_config=heads(
            [
                _("item"),
                _("text"),
                _("source"),
                _("label"),
                _("prediction"),
                _("probability"),
                _("answers"),
                _("split"),
            ],
            {_("text"): st.column_config.TextColumn(width="large")}
            | dict.fromkeys([_("label"), _("prediction")], st.column_config.TextColumn(width=LABEL_WIDTH)),
        ),
    )
    chosen = [listed[row].item.id for row in selection["selection"]["rows"] if row < len(listed)]
    pages_below(project, "rows", ids, ROWS)
    if chosen:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(n_("{n} row is selected.", "{n} rows are selected.", len(chosen)))
            if st.button(_("Open item {id}", id=chosen[0]), icon=":material/open_in_full:", key="items-open-row"):
                open_item(project, chosen[0])
                st.rerun()
    else:
        st.caption(_("Select a row to open it, or several to have them asked next."))
    return chosen


def columns_of(project: Project, store: Store, row: Listed) -> dict[str, str]:
    """The imported columns of an item: all once it has a label; before that, without those that tell the label."""
    if row.label is not None:
        return dict(row.item.metadata)
    hidden = cached("telling", state_of(project, store, answers=False), lambda: telling(store))
    return {name: value for name, value in row.item.metadata.items() if name not in hidden}


def frame_of(
    project: Project, store: Store, listed: Sequence[Listed], predicted: dict[int, tuple[str | None, float]]
) -> pd.DataFrame:
    """The table of these items: item, text or name, label, prediction, answers, and the imported columns."""
    rows = []
    for row in listed:
        label, confidence = predicted.get(row.item.id, (None, 0.0))
        own = {
            _("item"): row.item.id,
            **({_("text"): row.item.text} if row.item.text is not None else {}),
            _("source"): plain(translate(origin(row.item.source))),
            _("label"): "" if row.label is None else in_words(row.label, project),
            _("prediction"): "" if label is None else in_words(label, project),
            _("probability"): "" if label is None else percent(confidence),
            _("answers"): row.labels,
            _("split"): _("holdout") if row.item.split == "holdout" else _("pool"),
        }
        further = {
            f"metadata.{name}" if name in own else name: value
            for name, value in columns_of(project, store, row).items()
        }
        rows.append(own | further)
    return pd.DataFrame(rows).fillna("")
