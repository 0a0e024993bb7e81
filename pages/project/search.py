"""Better settings of the learner: a search asked for, watched, cancelled, read, and taken over by the lead."""

from typing import Any

import streamlit as st

from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.jobs import Sampler, Tuning, TuningRequest
from labeler.experiments import search_space, search_verdict
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark, translate
from labeler.jobs import searches
from labeler.projects.project import Project
from pages.shared.background import Watched, active, announce, announced, step, watch
from pages.shared.tables import capital, show_table
from pages.shared.times import local_time

NAME = "tuning"  # of these jobs in the keys of widgets
SAMPLERS: dict[Sampler, str] = {
    "tpe": mark("TPE: favours settings that did well so far"),
    "random": mark("random settings"),
    "grid": mark("grid: all combinations"),
}


def search(project: Project, user: User) -> None:
    """The form, what runs now, and what came out."""
    st.markdown(
        _(
            "The search tries settings of the learner by cross-validation on the labels so far. It never uses"
            " the holdout, always includes the frozen heads, and changes nothing until you apply a result."
        )
    )
    announced(NAME)
    with project.store() as store:
        jobs, counts = store.tunings.all(), store.items.counts()
    if not active(jobs):
        try:
            searches.check_labels(counts)
        except LabelerError as error:
            st.info(translate(error), icon=":material/info:")
        else:
            ask(project, user)

    def cancel(job: Tuning) -> str:
        searches.cancel(project, job.id)
        return _("The search is cancelled. Its trials are kept, and the next search goes on from there.")

    watch(Watched(NAME, lambda: _read(project), _progress, cancel), jobs)
    if ended := [job for job in jobs if job.finished_at]:
        result(project, ended)


def ask(project: Project, user: User) -> None:
    config = project.config
    images, variable_levers = config.modality == "image", search_space.levers_of(config.modality)
    with st.form("tune", border=False):
        columns = st.columns(2)
        minutes = columns[0].number_input(
            _("Minutes"),
            1,
            10_000,
            int(TuningRequest.seconds / 60),
            help=_("It runs beside the rounds, which come first."),
        )
        sampler = columns[1].selectbox(
            _("How settings are drawn"), [*SAMPLERS], format_func=lambda name: _(SAMPLERS[name])
        )
        columns = st.columns(2)
        backbones = columns[0].text_input(
            _("Other backbones to try"),
            placeholder=_("none"),
            help=_("Names as in the settings, separated by commas."),
        )
        levers = columns[1].multiselect(
            _("What is varied"),
            variable_levers,
            placeholder=_("all levers"),
            help=_("If nothing is chosen, all levers, and in a grid the learning rate and how many blocks learn."),
        )
        own = [*config.learner.finetune.augment]
        augment = (
            st.multiselect(
                _("Augmentations that may be tried"),
                search_space.AUGMENTATIONS,
                own,
                placeholder=_("none"),
                help=_("Only those that leave an image's class as it is: a mirrored scan may mean something else."),
            )
            if images
            else []
        )
        if not st.form_submit_button(_("Search for better settings"), icon=":material/tune:"):
            return
    request = TuningRequest(
        sampler,
        seconds=60.0 * minutes,
        backbones=tuple(name.strip() for name in backbones.split(",") if name.strip()),
        levers=tuple(levers),
        augment=tuple(augment),
    )
    try:
        searches.ask(project, request, user.name)
    except LabelerError as error:
        st.error(translate(error))
    else:
        st.rerun()


def _read(project: Project) -> list[Tuning]:
    with project.store() as store:
        return store.tunings.all()


def _progress(job: Tuning) -> str:
    left = job.total - job.done
    if not job.total:
        return step(job)
    if left >= 90:
        return _("{n:.0f} min left: {doing}", n=left / 60, doing=step(job))
    return _("{n} s left: {doing}", n=left, doing=step(job))


# ---------------------------------------------------------------- what came out


def result(project: Project, ended: list[Tuning]) -> None:
    if ended[0].state == "failed":
        st.error(_("The search failed: {error}", error=translate(ended[0].error)))
    done = [job for job in ended if job.state == "done"]
    if not done:
        return
    # the latest first; the key makes a newly finished one the choice
    job = st.selectbox(
        _("Result of search"), done, format_func=lambda job: plain(described(job)), key=f"tuning-{done[0].id}"
    )
    with project.store() as store:
        report = store.tunings.report_of(job.id)
    assert report is not None  # it is done
    st.markdown(translate(report["verdict"]))
    if report["proposal"]:
        take_over(project, job, report)
    table(report)


def described(job: Tuning) -> str:
    return _(
        "{n}: {sampler}, {time}, by {who}",
        n=job.id,
        sampler=job.request.sampler,
        time=local_time(job.requested_at),
        who=job.requested_by,
    )


def take_over(project: Project, job: Tuning, report: dict[str, Any]) -> None:
    used = searches.in_use(project, report)
    outdated = not used and searches.outdated(project, report)
    label = _("In use") if used else _("Apply these settings")
    if st.button(label, key=f"take-over-{job.id}", type="primary", disabled=used or outdated):
        try:
            searches.take_over(project, job.id)
        except LabelerError as error:  # somebody changed the settings meanwhile
            st.error(translate(error))
        else:
            announce(NAME, _("Saved: these settings are used from the next round on."))
            st.rerun()
    if outdated:
        st.caption(
            _("The learner's settings have changed since this search, so its result no longer applies: search again.")
        )


def table(report: dict[str, Any]) -> None:
    rows = [
        row
        | {
            "settings": plain(translate(row["settings"])),
            "accuracy": row["accuracy"] and 100 * row["accuracy"],
            "note": plain(translate(row["note"])),
        }
        for row in search_verdict.table(report)
    ]
    columns = st.column_config
    show_table(
        rows,
        columns={
            "settings": columns.TextColumn(capital(_("settings")), pinned=True),
            "log likelihood": columns.NumberColumn(capital(_("log likelihood")), format="%.3f"),
            "accuracy": columns.NumberColumn(capital(_("accuracy")), format="%.1f%%"),
            "95% interval": columns.TextColumn(capital(_("95% interval"))),
            "seconds": columns.NumberColumn(capital(_("seconds")), format="%.0f"),
            "note": columns.TextColumn(capital(_("note"))),
        },
    )
    st.caption(
        _(
            "{labels:,} labels in {folds} folds. Log likelihood: the mean log of the probability of the true class on"
            " labels held out, higher is better. Most labels were chosen by a strategy, and all models here are trained"
            " on a part of them, so accuracies are not those on the holdout.",
            labels=report["labels"],
            folds=report["folds"],
        )
    )
