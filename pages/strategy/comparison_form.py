"""The form that starts a comparison of strategies."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.jobs import ComparisonRequest
from labeler.core.settings import Config
from labeler.i18n.messages import _, mark, translate
from labeler.jobs import comparisons
from labeler.projects.project import Project
from labeler.report.charts import comparison as comparison_charts
from pages.shared import uploads
from strategies import StrategyError

SOURCES = {
    "own": mark("The project's own labels so far"),
    "upload": mark("An upload"),
    "path": mark("A path on the server"),
}


@dataclass(frozen=True)
class Source:
    """The labels to compare on, as they were entered. kind: one of `SOURCES`. file: an upload, if that is the kind."""

    kind: str
    file: Any = None
    path: str = ""
    content: str = ""
    label: str = "label"
    split: str = ""
    group: str = ""


@dataclass(frozen=True)
class Size:
    """How large the comparison is: runs of each strategy; first, batch and last of its numbers of labels."""

    runs: int
    first: int
    batch: int
    last: int


def ask(project: Project, user: User, names: Iterable[str]) -> None:
    """The form. It starts a comparison and reruns the page.

    Args: names: of the strategies to choose from.
    """
    st.markdown(
        _(
            "A comparison runs strategies on items whose labels are known. Each strategy begins with the same"
            " few labels drawn at random, asks for more, and is measured on held-out items. `random` always"
            " runs as the control."
        )
    )
    kind = st.radio(_("Compare on"), [*SOURCES], format_func=lambda source: _(SOURCES[source]), horizontal=True)
    if kind == "own":
        st.caption(
            _(
                "Strategies ask about the labeled pool items and are measured on the labeled holdout items. A"
                " strategy chose most of these labels, so they are no random sample: a gain here is a hint and no"
                " proof."
            )
        )
    config = project.config
    offered = [name for name in names if name != comparison_charts.CONTROL]
    with st.form("compare", border=False):
        chosen = st.multiselect(
            _("Strategies"),
            offered,
            [n for n in dict.fromkeys([config.query.strategy, "margin"]) if n in offered],
            accept_new_options=True,
            placeholder=_("none"),
            help=_("Other strategies can be named as well: `modAL.uncertainty.entropy_sampling`, `distinct(margin)`."),
        )
        source, size = _source(kind, config), _size(config)
        if not st.form_submit_button(_("Start comparison"), type="primary"):
            return
    try:
        request = _request(chosen, source, size)
        comparisons.ask(project, request, user.name, uploads.path_of(source.file) if source.file else None)
    except (LabelerError, StrategyError) as error:
        st.error(translate(error))
    else:
        st.rerun()


def _source(kind: str, config: Config) -> Source:
    """The fields that name a table or a folder; none for the project's own labels."""
    if kind == "own":
        return Source(kind)
    file, path = None, ""
    if kind == "upload":
        file = st.file_uploader(
            _("A table with labels (CSV, TSV, JSONL, Parquet, XLSX), or a zip of images"),
            help=_("In the zip, a table of paths and labels, or a folder for each class."),
        )
    else:
        path = st.text_input(_("Path"), help=_("A table, or a folder of images with a sub-folder for each class."))
    columns = st.columns(3)
    content = columns[0].text_input(
        _("Column of texts") if config.modality == "text" else _("Column of image paths"),
        help=_("Left empty, an obvious one is taken."),
    )
    label = columns[1].text_input(_("Column of labels"), "label")
    split = columns[2].text_input(
        _("Column that marks the holdout"),
        help=_("Rows with `test` in it are held out. Left empty: a column named `split`, else a fifth at random."),
    )
    group = st.text_input(
        _("Column of groups, such as patients, sites or customers"),
        help=_("A group is wholly held out or not at all. For images in folders: `folder`."),
    )
    names = content.strip(), label.strip() or "label", split.strip(), group.strip()
    return Source(kind, file, path.strip(), *names)


def _size(config: Config) -> Size:
    """The fields of how many runs and labels there are."""
    seed_size, batch_size = config.query.seed_size, config.query.batch
    numbers = st.columns(4)
    runs = numbers[0].number_input(
        _("Runs of each strategy"),
        1,
        100,
        3,
        help=_("Each run has other first labels. More runs make the intervals narrower."),
    )
    first = numbers[1].number_input(_("First labels"), 2, 10_000, seed_size, help=_("Drawn at random."))
    batch = numbers[2].number_input(_("Labels between rounds"), 1, 10_000, batch_size)
    last = numbers[3].number_input(_("Labels to reach"), 3, 1_000_000, seed_size + 10 * batch_size)
    return Size(int(runs), int(first), int(batch), int(last))


def _request(names: list[str], source: Source, size: Size) -> ComparisonRequest:
    first, last = size.first, size.last
    if source.kind == "upload" and source.file is None:
        raise LabelerError("No file is chosen: choose a table or a zip.")
    if source.kind == "path" and not source.path:
        raise LabelerError("No path is given: name a table or a folder on the server.")
    if last <= first:
        raise LabelerError(
            "{last} labels to reach are no more than the {first} first labels: reach for more.", last=last, first=first
        )
    return ComparisonRequest(
        tuple(name.strip() for name in names),
        seeds=size.runs,
        rounds=math.ceil((last - first) / size.batch),
        batch=size.batch,
        seed_size=first,
        source=None if source.kind == "own" else source.file.name if source.file else source.path,
        content_column=source.content or None,
        label_column=source.label,
        split_column=source.split or None,
        group_column=source.group or None,
    )
