"""The encoder that reads the items: which one, why, and those that could be chosen instead, with their licences."""

import math
from dataclasses import replace

import streamlit as st

from labeler.backbones.auto import AUTO
from labeler.backbones.catalogue import ENCODERS, JOINT, Content, available, strength
from labeler.backbones.speeds import measured
from labeler.core.errors import LabelerError
from labeler.core.items import Counts
from labeler.cycle.encoder_choice import about_encoder, choice_of
from labeler.i18n.messages import _, translate
from labeler.projects import project as projects
from labeler.projects.project import Project


def encoder(project: Project, counts: Counts) -> None:
    """What reads the items now, a choice of another, and the catalogue."""
    with project.store() as store:
        choice, sentences = choice_of(project, store), list(about_encoder(project, store))
    for sentence in sentences:
        st.markdown(translate(sentence))
    content: Content = "images" if project.config.modality == "image" else choice.content if choice else "texts"
    n = counts.pool + counts.holdout
    current = project.config.learner.backbone
    names = [*dict.fromkeys([AUTO, *available(project.config.modality), current])]
    name = st.selectbox(
        _("Encoder"),
        names,
        names.index(current),
        format_func=lambda name: _("auto: {name}", name=choice.backbone) if name == AUTO and choice else str(name),
        help=_("Another encoder reads all items anew, once; earlier rounds keep their figures."),
    )
    if st.button(_("Use it from the next round on"), disabled=name == current):
        _use(project, name)
    speed = _speed(choice.backbone if choice and name == AUTO else name)
    if speed and n:
        st.caption(
            _(
                "It reads about {speed:,.0f} items a second on this machine: all {n:,} once in {seconds:,.0f} s, then"
                " only new ones.",
                speed=speed,
                n=n,
                seconds=math.ceil(n / speed),
            )
        )
    _catalogue(project, content)


def _use(project: Project, name: str) -> None:
    now = projects.open_project(project.folder)  # the settings may have changed meanwhile
    try:
        now.save(replace(now.config, learner=replace(now.config.learner, backbone=name, adapted=False)))
    except LabelerError as error:
        st.error(translate(error))
    else:
        st.rerun()


def _speed(backbone: str) -> float | None:
    """Items a second on this machine, of all encoders that are used together; None: not all have been measured."""
    parts = [measured().get(part) for part in backbone.split(JOINT)]
    return 1 / sum(1 / part for part in parts if part) if all(parts) else None


def _catalogue(project: Project, content: Content) -> None:
    """The encoders of the catalogue for this kind of items, those of this machine and the strongest first."""
    entries = {entry.name: entry for entry in ENCODERS.values() if entry.modality == project.config.modality}
    order, here = strength(content), available(project.config.modality)
    names = sorted({*entries, *here, *order}, key=lambda name: (name not in here, -order.get(name, 0.0)))
    rows = []
    for name in names:
        entry, speed = entries.get(name), _speed(name)
        row = {
            _("encoder"): name,
            _("here"): "✓" if name in here else "",
            _("accuracy, 20 to 500 labels"): f"{order[name]:.1%}" if name in order else "",
            _("items a second here"): f"{speed:,.0f}" if speed else "",
            _("reads"): _(entry.reads) if entry else "",
            _("licence"): _(entry.licence) if entry else "",
            "MB": f"{entry.megabytes:,}" if entry else "",
            _("note"): _(entry.note) if entry and entry.note else "",
        }
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch", placeholder="–")
    st.caption(
        _(
            "Where an encoder is not here, `python -m labeler models fetch NAME` brings it. The shares are of an open"
            " data set, not of this project (docs/benchmarks/encoders.md); those without one have not been measured,"
            " and `auto` does not choose them."
        )
    )
