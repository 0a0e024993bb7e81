"""The labeling desk: a component that talks to `labeler.api.routes` by itself, so that no key press costs a rerun."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from labeler.access.tokens import issue_token
from labeler.access.users import User
from labeler.core.items import Annotator
from labeler.core.settings import ClassDetail
from labeler.i18n.messages import catalogue, language
from labeler.projects import guidelines
from labeler.projects.class_keys import class_keys
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
    keys = class_keys(config)
    details = {name: config.class_details.get(name, ClassDetail()) for name in config.classes}
    _desk(
        key=f"desk-{project.slug}-{user.name}",
        data={
            "project": project.slug,
            "annotator": user.name,
            "classes": [{"name": name, **asdict(details[name]), "key": keys[name]} for name in config.classes],
            "answers": config.answers,
            "reveal": config.labeling.reveal,
            "grid": config.labeling.grid,
            "keywords": list(config.labeling.keywords),
            "guidelines": {"digest": guidelines.read(project).digest, "seen": annotator.guidelines},
            "language": language(),
            "words": catalogue(language(), "pages/desk/"),
            "token": issue_token(user, project.slug),
        },
    )
