"""The Project page: create a project, import items, choose what learns and what asks, retrain now."""

import streamlit as st

from labeler.access.home import home
from labeler.i18n.messages import _
from labeler.projects import project as projects
from labeler.projects.project import Project
from pages.project.adaptation import adaptation
from pages.project.class_changes import change_the_classes
from pages.project.classes import classes
from pages.project.creation import MODALITIES, create
from pages.project.imports import import_items
from pages.project.labeling import labeling
from pages.project.search import search
from pages.project.settings import settings
from pages.project.takeout import take_out
from pages.project.team import team
from pages.shared.access import require_project, require_user

user = require_user()


def retrain(project: Project) -> None:
    if st.button(_("Retrain now"), icon=":material/model_training:"):
        with project.store() as store:
            requested = store.rounds.request("retrain now")
        st.toast(_("A round is on its way.") if requested else _("A round is waiting already."))


slugs = projects.in_home(home())
if slugs:
    project = require_project()
    with project.store() as store:
        counts = store.items.counts()
    st.title(project.config.name)
    st.caption(
        _(
            "{modality} · {classes} · pool {pool:,} items, {labeled:,} labeled · holdout {holdout:,} items,"
            " {holdout_labeled:,} labeled",
            modality=_(MODALITIES[project.config.modality]),
            classes=", ".join(project.config.classes),
            pool=counts.pool,
            labeled=counts.labeled,
            holdout=counts.holdout,
            holdout_labeled=counts.holdout_labeled,
        )
    )
    retrain(project)
    with st.expander(_("Import"), expanded=counts.pool == 0):
        import_items(project)
    if counts.pool + counts.holdout:
        with st.expander(_("Take the labels out")):
            take_out(project, user, counts)
    with st.expander(_("Settings"), expanded=counts.pool > 0):
        settings(project)
    with st.expander(_("Classes and guidelines")):
        classes(project)
    with st.expander(_("Change the classes")):
        change_the_classes(project, user)
    with st.expander(_("How labeling goes")):
        labeling(project)
    with st.expander(_("Team")):
        team(project)
    with st.expander(_("Adapt the backbone to the pool")):
        adaptation(project, user)
    with st.expander(_("Search for better settings")):
        search(project, user)
    with st.expander(_("Create another project")):
        create()
else:
    st.title(_("Create a project"))
    create()
