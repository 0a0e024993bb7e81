"""The labeling desk: a component that talks to `labeler.api` by itself, so that no key press costs a rerun."""

from pathlib import Path

import streamlit as st

from labeler.access import User, issue_token
from labeler.project import Project

_HERE = Path(__file__).parent

_STYLES = ("desk.css", "viewer.css")
# In an order in which each file finds what it uses.
_SCRIPTS = (
    "words.js",
    "dom.js",
    "outbox.js",
    "viewing.js",
    "media.js",
    "tab.js",
    "tools.js",
    "tiles.js",
    "light.js",
    "viewer.js",
    "reader.js",
    "desk.js",
)



def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


# Registered once for the process: registering with every mount would make the browser load it anew.
_desk = st.components.v2.component("labeler-desk", css=_joined(_STYLES), js=_joined(_SCRIPTS))


def desk(project: Project, user: User) -> None:
    """Draw the desk on which `user` answers the project's items."""
    _desk(
        key=f"desk-{project.slug}-{user.name}",
        data={
            "project": project.slug,
            "annotator": user.name,
            "classes": list(project.config.classes),
            "keywords": list(project.config.labeling.keywords),
            "token": issue_token(user, project.slug),
        },
    )
