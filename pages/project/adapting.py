"""The backbone learns from the pool before the first label: asked for, watched, cancelled, switched on and off."""

import streamlit as st

from labeler.access.access import User
from labeler.backbones import adapted
from labeler.core.errors import LabelerError
from labeler.core.jobs import AdaptationRequest
from labeler.i18n.messages import _, translate
from labeler.jobs import adaptations
from labeler.projects.project import Project
from pages.shared.session import fragment

SEEN = "adaptations"  # the ids of those that were not ended when the page was last drawn


def adapting(project: Project, user: User) -> None:
    """The form, what runs now, and what is kept."""
    config = project.config
    if config.learner.backbone == "char_tfidf":
        st.info(
            _("char_tfidf is no network: there is nothing to adapt. Other backbones can be."), icon=":material/info:"
        )
        return
    st.markdown(
        _(
            "The backbone's last blocks can go on learning from the pool by themselves, before anybody has labeled a"
            " single item. The holdout is not looked at, and the pretrained weights stay as they are."
        )
    )
    st.caption(_(adaptations.MEASURED[config.modality]))
    with project.store() as store:
        jobs = store.adaptations.all()
    busy = any(job.finished_at is None for job in jobs)
    if not busy:
        if jobs and jobs[0].state == "failed":
            st.error(_("The adaptation failed: {error}", error=translate(jobs[0].error)))
        ask(project, user)
    fragment(running, run_every=1 if busy else None)(project)
    kept(project)


def ask(project: Project, user: User) -> None:
    with st.form("adapt", border=False):
        seconds = st.number_input(
            _("Seconds of training"), 10, 86_400, int(AdaptationRequest.seconds), help=_("It runs beside the rounds.")
        )
        if st.form_submit_button(_("Adapt to the pool"), icon=":material/school:"):
            with project.store() as store:
                store.adaptations.request(AdaptationRequest(float(seconds)), user.name)
            st.rerun()


def running(project: Project) -> None:
    """What waits or runs; the whole page follows when it ends."""
    with project.store() as store:
        active = [job for job in store.adaptations.all() if job.finished_at is None]
        if set(st.session_state.get(SEEN, [])) - {job.id for job in active}:
            st.session_state[SEEN] = []
            st.rerun()
        st.session_state[SEEN] = [job.id for job in active]
        for job in active:
            if job.state == "queued":
                st.caption(_("It is waiting for the worker; rounds come first, and one such task runs at a time."))
            else:
                share = min(job.done / job.total, 1.0) if job.total else 0.0
                doing = translate(job.message) if job.message else _("starting")
                if job.total:
                    doing = _("{message}, {done:,} of {total:,}", message=doing, done=job.done, total=job.total)
                st.progress(share, text=f"{doing} …")
            if st.button(_("Cancel"), key=f"cancel-adaptation-{job.id}", icon=":material/cancel:"):
                store.adaptations.cancel(job.id)
                st.rerun()


def kept(project: Project) -> None:
    """What is known of the adapted weights, and whether they are used."""
    about, on = adapted.kept(project.embeddings), project.config.learner.adapted
    if about:
        st.markdown(str(about))
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
