"""The labeling desk: a component that talks to `labeler.api.routes` by itself, so that no key press costs a rerun."""

from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeler.access.home import home
from labeler.access.serving import base_path
from labeler.access.tokens import issue_token
from labeler.access.users import User
from labeler.core.errors import AccessError
from labeler.core.items import Annotator, Item
from labeler.i18n.messages import catalogue, language, translate
from labeler.projects import guidelines
from labeler.projects.class_keys import shown_classes
from labeler.projects.project import Project, uid_in
from pages.desk.joined import join

_HERE = Path(__file__).parent
_STYLES = ("desk", "view/viewer", "panels/side", "panels/why")


def _component(name: str, entry: str) -> Any:
    css = "\n".join((_HERE / f"{style}.css").read_text(encoding="utf-8") for style in _STYLES)
    return st.components.v2.component(name, css=css, js=join(_HERE / entry, _HERE))


# Registered once for the process: registering with every mount would make the browser load it anew.
_desk = _component("labeler-desk", "mount.js")
_viewer = _component("labeler-viewer", "view/mount_viewer.js")


def desk(project: Project, user: User, annotator: Annotator) -> None:
    """Draw the desk on which `user` answers the project's items."""
    config = project.config
    with project.store() as store:
        class_change = store.class_changes.latest()
        made_at = datetime.fromisoformat(store.created_at()) if store.is_older() else None
    try:
        session = _session(project, user)
    except AccessError as error:
        st.error(translate(error))
        return
    _desk(
        key=f"desk-{session['project']}-{user.name}",
        data=session
        | {
            "name": config.name,
            # answers that a browser has kept since before the project had a uid
            "kept": {"project": project.slug, "since": made_at and made_at.timestamp() * 1000},
            "annotator": user.name,
            "account": user.account,
            "classes": shown_classes(config),
            "class_change": class_change,
            "answers": config.answers,
            "images": config.modality == "image",
            "reveal": config.labeling.reveal,
            "grid": config.labeling.grid,
            "columns": list(config.labeling.show_columns),
            "keywords": list(config.labeling.keywords),
            "guidelines": {"digest": guidelines.read(project).digest, "seen": annotator.guidelines},
        },
        on_token_change=_rerun,
    )


def viewer(project: Project, user: User, item: Item, key: str) -> None:
    """Draw one item as the desk does: the image or text with its tools and keys, and nothing to answer."""
    _viewer(
        key=key,
        data=_session(project, user, item.id)
        | {
            "item": {"id": item.id, "text": item.text, "media": item.picture, "metadata": dict(item.metadata)},
            "keywords": list(project.config.labeling.keywords),
        },
        on_token_change=_rerun,
    )


def deciders(item: int) -> DeltaGenerator:
    """The container of the buttons that decide about the item in the viewer.

    The viewer lets no press of them through that was made before its item could be read.
    """
    return st.container(key=f"deciders-{item}", gap="small")


def _session(project: Project, user: User, item: int | None = None) -> dict[str, Any]:
    """What a component needs to speak with the server and the person. item: the only one that it may show."""
    uid = uid_in(home(), project)
    return {
        "base": base_path(),
        "project": uid,
        "token": issue_token(user, uid, item),
        "language": language(),
        "words": catalogue(language(), "pages/desk/"),
    }


def _rerun() -> None:
    """A component asks for another token where the server renews its old one no more: the rerun itself brings it."""
