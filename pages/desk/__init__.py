"""The labeling desk: a component that talks to `labeler.api.routes` by itself, so that no key press costs a rerun."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from labeler.access.access import User, issue_token
from labeler.core.items import Annotator
from labeler.i18n.messages import catalogue, language
from labeler.projects import guidelines
from labeler.projects.project import Project

_HERE = Path(__file__).parent
# One module in the browser; what is used comes before who uses it.
_FILES = """
    base/words base/dom base/keys sync/tab panels/quiet sync/outbox sync/server sync/sender view/viewing
    sync/media view/tools view/tiles view/light view/viewer view/reader sync/queue panels/classes
    panels/actions panels/opinion panels/history panels/pace panels/rest panels/guidelines panels/flag
    panels/grid panels/why desk mount
""".split()  # noqa: SIM905 — words read better than thirty quoted ones
_STYLES = ("desk", "view/viewer", "panels/why")


def _joined(names: Sequence[str], kind: str) -> str:
    return "\n".join((_HERE / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)


# Registered once for the process: registering with every mount would make the browser load it anew.
_desk = st.components.v2.component("labeler-desk", css=_joined(_STYLES, "css"), js=_joined(_FILES, "js"))


def desk(project: Project, user: User, annotator: Annotator) -> None:
    """Draw the desk on which `user` answers the project's items."""
    config = project.config
    plain = {"key": "", "colour": "", "description": "", "group": ""}
    details = {name: asdict(detail) for name, detail in config.class_details.items()}
    _desk(
        key=f"desk-{project.slug}-{user.name}",
        data={
            "project": project.slug,
            "annotator": user.name,
            "classes": [{"name": name, **details.get(name, plain)} for name in config.classes],
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
