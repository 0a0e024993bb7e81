"""The backbone learns from the pool before the first label: asked for, watched, cancelled, switched on and off."""

import streamlit as st

from labeler.access.users import User
from labeler.backbones import adapted
from labeler.core.errors import LabelerError
from labeler.core.jobs import AdaptationJob, AdaptationRequest
from labeler.i18n.messages import _, translate
from labeler.jobs import adaptations
from labeler.projects.project import Project
from pages.shared.background import Watched, active, announced, step, watch

NAME = "adaptation"  # of these jobs in the keys of widgets


def adaptation(project: Project, user: User) -> None:
    """The form, the running adaptation, and the weights that are kept."""
    config = project.config
    if config.learner.backbone == "char_tfidf":
        st.info(
            _("char_tfidf is no network: there is nothing to adapt. Other backbones can be adapted."),
            icon=":material/info:",
        )
        return
    st.markdown(
        _(
            "The backbone's last blocks can go on learning from the pool by themselves, before anybody has labeled a"
            " single item. The holdout is not looked at, and the pretrained weights stay as they are."
        )
    )
    st.caption(_(adaptations.MEASURED[config.modality]))
    announced(NAME)
    jobs = _read(project)
    if not active(jobs):
        if jobs and jobs[0].state == "failed":
            st.error(_("The adaptation failed: {error}", error=translate(jobs[0].error)))
        ask(project, user)

    def cancel(job: AdaptationJob) -> str:
        with project.store() as store:
            store.adaptations.cancel(job.id)
        return _("The adaptation is cancelled.")

    watch(Watched(NAME, lambda: _read(project), _progress, cancel), jobs)
    kept_weights(project)


def ask(project: Project, user: User) -> None:
    with st.form("adapt", border=False):
        seconds = st.number_input(
            _("Seconds of training"), 10, 86_400, int(AdaptationRequest.seconds), help=_("It runs beside the rounds.")
        )
        if st.form_submit_button(_("Adapt to the pool"), icon=":material/school:"):
            with project.store() as store:
                store.adaptations.request(AdaptationRequest(float(seconds)), user.name)
            st.rerun()


def _read(project: Project) -> list[AdaptationJob]:
    with project.store() as store:
        return store.adaptations.all()


def _progress(job: AdaptationJob) -> str:
    if not job.total:
        return step(job)
    return _("{message}, {done:,} of {total:,}", message=step(job), done=job.done, total=job.total)


def kept_weights(project: Project) -> None:
    """A description of the adapted weights, whether rounds use them, and a button that switches."""
    about, on = adapted.kept(project.embeddings), project.config.learner.adapted
    if about:
        st.markdown(translate(about))
    if not about and not on:
        return
    st.caption(_("Rounds use the adapted weights.") if on else _("Rounds use the pretrained weights."))
    if st.button(_("Use the pretrained weights again") if on else _("Use the adapted weights from the next round on")):
        try:
            adaptations.use(project, not on)
        except LabelerError as error:
            st.error(translate(error))
        else:
            st.rerun()
