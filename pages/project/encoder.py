"""The encoder that reads the items: which one, why, and those that could be chosen instead, with their licences."""

import math
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from labeler.access.users import User
from labeler.backbones.auto import AUTO
from labeler.backbones.catalogue import ENCODERS, JOINT, Content, available, strength
from labeler.backbones.speeds import measured
from labeler.core.errors import LabelerError
from labeler.core.items import Counts
from labeler.core.jobs import EncoderComparison
from labeler.cycle.encoder_choice import about_encoder, choice_of, use_encoder
from labeler.experiments import encoder_verdict
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, mark, translate
from labeler.jobs import encoder_comparisons
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.report.sentences.curve import rounded
from pages.shared.background import Watched, announce, announced, step, watch
from pages.shared.tables import show_table

NAME = "encoders"  # of comparisons in the keys of widgets
SEARCHES: dict[Literal["propose", "switch", "off"], str] = {
    "propose": mark("propose one that is surely better"),
    "switch": mark("switch to one that is surely better"),
    "off": mark("compare nothing"),
}


def is_proposed(project: Project) -> bool:
    """Whether a change of the encoder is proposed, which nobody has answered yet."""
    with project.store() as store:
        return encoder_comparisons.open_proposal(project, store) is not None


def encoder(project: Project, user: User, counts: Counts) -> None:
    """What reads the items now, a better one if there is, a choice of another, and the catalogue."""
    announced(NAME)
    proposal(project, user)
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
                "It reads about {speed:,} items a second on this machine. All {n:,} are read once, in about {seconds:,}"
                " s, and later only new ones.",
                speed=rounded(speed),
                n=n,
                seconds=rounded(math.ceil(n / speed)),
            )
        )
    _search(project)
    comparison(project)
    _catalogue(project, content)


def _search(project: Project) -> None:
    """What happens with encoders that are better on the project's labels."""
    current = project.config.learner.backbone_search
    chosen = st.selectbox(
        _("Encoders on this machine, from {n} labels on and whenever labels have doubled", n=encoder_verdict.FEWEST),
        [*SEARCHES],
        [*SEARCHES].index(current),
        format_func=lambda name: _(SEARCHES[name]),
        help=_("They are compared on this project's labels beside the rounds; labeling does not wait."),
    )
    if chosen == current:
        return
    try:
        now = projects.open_project(project.folder)  # the settings may have changed meanwhile
        now.save(replace(now.config, learner=replace(now.config.learner, backbone_search=chosen)))
    except LabelerError as error:
        st.error(translate(error))
    else:
        announce(NAME, _("Saved."))
        st.rerun()


def proposal(project: Project, user: User) -> None:
    """The encoder that is better on the project's labels, the evidence, its cost, and the two answers."""
    with project.store() as store:
        proposed, labels = encoder_comparisons.open_proposal(project, store), store.items.count_labeled()
    if proposed is None:
        return
    number, report = proposed
    with st.container(border=True):
        st.markdown(translate(report["verdict"]))
        st.markdown(translate(encoder_verdict.cost(report)))
        if labels > report["labels"]:
            st.markdown(
                _(
                    "There are {n:,} labels by now; with {twice:,} the encoders are compared again.",
                    n=labels,
                    twice=encoder_verdict.MORE * report["labels"],
                )
            )
        st.caption(
            _(
                "Labels are asked where the present encoder is unsure, so the difference is estimated for the pool, and"
                " not counted on them; the holdout is not looked at. Fine-tuning is not in it."
            )
        )
        with st.container(horizontal=True):
            used = st.button(_("Switch from the next round on"), key=f"use-proposed-{number}", type="primary")
            declined = st.button(_("Keep the present encoder"), key=f"decline-proposed-{number}")
    if used:
        _accept(project, user, number, report)
    if declined:
        with project.store() as store:
            store.encoder_comparisons.answer(number, "declined", user.name)
        announce(NAME, _("The encoder stays. It is proposed again only with twice the labels and stronger evidence."))
        st.rerun()


def _accept(project: Project, user: User, number: int, report: dict[str, Any]) -> None:
    try:
        with project.store() as store:
            encoder_comparisons.accept(project, store, number, report, user.name)
    except LabelerError as error:
        st.error(translate(error))
    else:
        announce(NAME, _("Saved: {name} reads the items from the next round on.", name=report["proposal"]))
        st.rerun()


def comparison(project: Project) -> None:
    """The comparison that runs, and what the latest one found."""
    with project.store() as store:
        jobs, latest = store.encoder_comparisons.all(), store.encoder_comparisons.latest_report()
        proposed = encoder_comparisons.open_proposal(project, store)

    def read() -> list[EncoderComparison]:
        with project.store() as store:
            return store.encoder_comparisons.all()

    def progress(job: EncoderComparison) -> str:
        if not job.total:
            return step(job)
        return _("{message}, {done:,} of {total:,}", message=step(job), done=job.done, total=job.total)

    def cancel(job: EncoderComparison) -> str:
        with project.store() as store:
            store.encoder_comparisons.cancel(job.id)
        return _("The comparison is cancelled.")

    watch(Watched(NAME, read, progress, cancel, lambda job: _("Encoders compared on this project's labels")), jobs)
    if jobs and jobs[0].state == "failed":
        st.error(_("The comparison of encoders failed: {error}", error=translate(jobs[0].error)))
    if latest is None:
        return
    report = latest[1]
    if proposed is None:
        st.markdown(translate(report["verdict"]))
    percent, seconds = st.column_config.NumberColumn(format="%+.1f"), st.column_config.NumberColumn(format="%.0f")
    rows = [
        {
            _("encoder"): row["name"],
            _("points of accuracy"): _points(row, "gain"),
            _("from"): _points(row, "low"),
            _("to"): _points(row, "high"),
            _("reading all items (s)"): row.get("reading_seconds"),
            _("note"): plain(translate(row["note"])) if "note" in row else "",
        }
        for row in report["encoders"]
    ]
    columns = dict.fromkeys([_("points of accuracy"), _("from"), _("to")], percent) | {
        _("reading all items (s)"): seconds
    }
    show_table(rows, columns)
    st.caption(
        _(
            "In place of {present}, on {labels:,} labels, of which {queried:,} were chosen by a model's predictions."
            " The differences are estimates for the pool, by cross-validation; intervals allow for all tried.",
            present=report["present"],
            labels=report["labels"],
            queried=report["queried"],
        )
    )


def _points(row: dict[str, Any], name: str) -> float | None:
    return 100 * row[name] if name in row else None


def _use(project: Project, name: str) -> None:
    try:
        use_encoder(project, name)
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
    names = sorted({*entries, *here, *order}, key=lambda name: (name not in here, -order.get(name, 0.0), name))
    rows = []
    for name in names:
        entry, speed = entries.get(name), _speed(name)
        row = {
            _("encoder"): name,
            _("accuracy"): f"{order[name]:.1%}" if name in order else None,
            _("here"): "✓" if name in here else "",
            _("items a second"): f"{rounded(speed):,}" if speed else None,
            _("reads"): _(entry.reads) if entry else "",
            _("licence"): _(entry.licence) if entry else "",
            "MB": f"{entry.megabytes:,}" if entry else "",
        }
        rows.append(row)
    show_table(rows)
    st.caption(
        _(
            "Where an encoder is not here, `python -m labeler models fetch NAME` brings it. The accuracies are means"
            " from 20 to 500 labels of an open data set, not of this project (docs/benchmarks/encoders.md); encoders"
            " without one have not been measured, and `auto` does not choose them. The speeds are those of this"
            " machine."
        )
    )
    for entry in entries.values():
        if entry.note:
            st.caption(f"{escaped(entry.name)}: {_(entry.note)}")
