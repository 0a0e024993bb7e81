"""The Project page: create a project, import items, choose what learns and what asks, retrain now."""

import streamlit as st

from labeler.access.roles import may
from labeler.cycle.retraining import obstacle
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, n_, translate
from labeler.projects.project import Project
from pages.project.adaptation import adaptation
from pages.project.class_changes import change_the_classes
from pages.project.classes import classes
from pages.project.creation import create_project
from pages.project.encoder import encoder, is_proposed
from pages.project.feeds import new_items
from pages.project.import_jobs import imports_at_work
from pages.project.imports import import_items, latest_import
from pages.project.label_studio import guest
from pages.project.labeling import labeling
from pages.project.search import search
from pages.project.settings import settings
from pages.project.settings_history import history
from pages.project.shelf import any_put_away, bring_back, rename_and_put_away
from pages.project.source import KINDS
from pages.project.takeout import take_out
from pages.project.team import team
from pages.project.unreadable import images_set_aside
from pages.project.webhooks import other_programs
from pages.shared.access import (
    is_allowed,
    project_folders,
    require_name,
    require_project,
    require_right,
    require_user,
)
from pages.shared.next_step import part_of, steps

user = require_user()


def retrain(project: Project) -> None:
    """The button that asks for a round, and why it cannot where that is so."""
    with project.store() as store:
        reason = obstacle(store)
        if st.button(_("Retrain now"), icon=":material/model_training:", disabled=reason is not None):
            store.rounds.request("retrain now")
            st.rerun()
        outside = store.class_changes.outside()
    if reason is not None and not outside:  # which the page says at its top
        st.caption(translate(reason))


if project_folders():
    project = require_project()
    user = require_name(_("Go on"))
    st.title(escaped(project.config.name))
    if not may(user, project, "take_out"):
        require_right(project, "change_settings", _("The leads of this project change it."))
    with project.store() as store:
        counts = store.items.counts()
    st.caption(
        _(
            "{modality} · {classes} · pool {pool}, {labeled:,} labeled · holdout {holdout}, {holdout_labeled:,}"
            " labeled",
            modality=_(KINDS[project.config.modality]),
            classes=", ".join(project.config.classes),
            pool=n_("{n:,} item", "{n:,} items", counts.pool),
            labeled=counts.labeled,
            holdout=n_("{n:,} item", "{n:,} items", counts.holdout),
            holdout_labeled=counts.holdout_labeled,
        )
    )
    with st.container():  # always there, so that a message does not move what is below
        latest_import(project)
        if may(user, project, "import_items"):
            imports_at_work(project)
        images_set_aside(project, may(user, project, "import_items"))
    steps(project)
    if may(user, project, "run_round"):
        with st.container():  # always there, for the same reason
            retrain(project)
    # what was open stays open once there are items
    empty = st.session_state.setdefault(f"began-empty-{project.slug}", counts.pool + counts.holdout == 0)
    if may(user, project, "import_items"):
        with part_of("import", _("Import"), empty):
            import_items(project, user)
        with st.expander(_("New items by themselves")):
            new_items(project)
    if counts.pool + counts.holdout and may(user, project, "take_out"):
        with part_of("export", _("Take the labels out")):
            take_out(project, user, counts)
    if not may(user, project, "change_settings"):
        st.stop()
    with st.expander(_("Settings")):
        settings(project)
    with st.expander(_("Changes of the settings")):
        history(project)
    with st.expander(_("Encoder"), expanded=is_proposed(project)):
        encoder(project, user, counts)
    with part_of("guidelines", _("Classes and guidelines")):
        classes(project)
    if may(user, project, "change_classes"):
        with part_of("classes", _("Change the classes")):
            change_the_classes(project, user)
    with st.expander(_("How labeling goes")):
        labeling(project)
    with st.expander(_("Team")):
        team(project)
    with st.expander(_("Tell other programs")):
        other_programs(project)
    with st.expander(_("Label Studio")):
        guest(project)
    with st.expander(_("Adapt the backbone to the pool")):
        adaptation(project, user)
    with st.expander(_("Search for better settings")):
        search(project, user)
    if may(user, project, "put_away"):
        with st.expander(_("Rename, archive or delete the project")):
            rename_and_put_away(project, user, counts)
    if is_allowed(None, "create_project"):
        with st.expander(_("Create another project")):
            create_project()
else:
    require_right(None, "create_project", _("You are in no project yet: ask somebody who leads one to add you."))
    st.title(_("Create a project"))
    create_project()
if is_allowed(None, "bring_back") and any_put_away():
    with st.expander(_("Archived and deleted projects")):
        bring_back()
