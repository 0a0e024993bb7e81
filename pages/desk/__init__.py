"""The labeling desk: a component that talks to `labeler.api.routes` by itself, so that no key press costs a rerun."""

from pathlib import Path

import streamlit as st

from labeler.access.tokens import issue_token
from labeler.access.users import User
from labeler.core.items import Annotator
from labeler.i18n.messages import catalogue, language
from labeler.projects import guidelines
from labeler.projects.class_keys import shown_classes
from labeler.projects.project import Project
from pages.desk.joined import join

_HERE = Path(__file__).parent
_STYLES = ("desk", "view/viewer", "panels/why")


# Registered once for the process: registering with every mount would make the browser load it anew.
_desk = st.components.v2.component(
    "labeler-desk",
    css="\n".join((_HERE / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES),
    js=join(_HERE / "mount.js", _HERE),
)


def desk(project: Project, user: User, annotator: Annotator) -> None:
    """Draw the desk on which `user` answers the project's items."""
    config = project.config
    with project.store() as store:
        class_change = store.class_changes.latest()
    _desk(
        key=f"desk-{project.slug}-{user.name}",
        data={
            "project": project.slug,
            "annotator": user.name,
            "classes": shown_classes(config),
            "class_change": class_change,
            "answers": config.answers,
            "reveal": config.labeling.reveal,
            "grid": config.labeling.grid,
            "columns": list(config.labeling.show_columns),
            "keywords": list(config.labeling.keywords),
            "guidelines": {"digest": guidelines.read(project).digest, "seen": annotator.guidelines},
            "language": language(),
            "words": catalogue(language(), "pages/desk/"),
            "token": issue_token(user, project.slug),
        },
    )
