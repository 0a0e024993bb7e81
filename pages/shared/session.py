"""Who is working, on which project, in which language: the checks that every page begins with."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from labeler.access.access import User, home, local_user
from labeler.core.errors import LabelerError
from labeler.i18n.messages import LANGUAGES, _, language, preferred, translate, use
from labeler.projects import project as projects
from labeler.projects.project import Project

Found = TypeVar("Found")


def require_user() -> User:
    """Who uses this browser session. One person on this machine needs no password; accounts will be checked here."""
    return User(_chosen("annotator", local_user().name))


def require_project() -> Project:
    """The project chosen in the sidebar; the page ends with a hint where there is none."""
    slug = _chosen("project", "")
    folders = {folder.name: folder for folder in projects.in_home(home())}
    if slug not in folders:
        st.info(_("There is no project yet. Create one on the **Project** page."), icon=":material/info:")
        st.stop()
    try:
        return projects.open_project(folders[slug])
    except LabelerError as error:
        st.error(translate(error))
        st.stop()


def choose(name: str, value: str) -> None:
    """Remember a choice for this session, and in the address so that it survives a reload."""
    st.session_state[name] = value
    st.query_params[name] = value


def _chosen(name: str, default: str) -> str:
    return str(st.session_state.get(name) or st.query_params.get(name) or default)


# ---------------------------------------------------------------- language


def speak() -> None:
    """Use the language that was chosen in this session or its address, else the one that the browser asks for."""
    chosen = _chosen("language", "")
    if chosen in LANGUAGES:
        choose("language", chosen)  # another page begins with an empty address
    use(chosen if chosen in LANGUAGES else preferred(st.context.locale))


def fragment(draw: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """`st.fragment`, in the session's language: its reruns do without pages/app.py, which begins all others."""

    @wraps(draw)
    def in_language(*args: Any, **kwargs: Any) -> None:
        speak()
        draw(*args, **kwargs)

    return st.fragment(in_language, run_every=run_every)


def _switch() -> None:
    choose("language", st.session_state["switched"])
    speak()


def _document() -> None:
    """Tell screen readers the language; break Korean between words; put Streamlit's own words into other languages."""
    st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
    own = {
        "stFileUploaderDropzone] button p": _("Choose files"),
        "stFileUploaderDropzoneInstructions]": _("up to {n} MB a file", n=st.get_option("server.maxUploadSize")),
    }
    replaced = [
        f"[data-testid={place}, [data-testid={place} * {{ font-size: 0 }}"
        f' [data-testid={place}::after {{ font-size: 0.875rem; content: "{text}" }}'
        for place, text in own.items()
    ]
    # Streamlit's captions, in which intervals stand, and its main buttons in the dark are too pale (WCAG 2.2, 1.4.3).
    readable = (
        "[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] :is(p, li, code)"
        " { color: light-dark(#5d6069, #b3b6bd); opacity: 1 }"
        " [data-testid^=stBaseButton-primary] { color: light-dark(#fff, #10141b) }"
    )
    korean = ":root:lang(ko) .stApp * { word-break: keep-all; overflow-wrap: break-word }"
    st.html(f"<style>{readable} {korean} {' '.join(replaced) if language() != 'en' else ''}</style>")


# ---------------------------------------------------------------- what need not be computed anew


def remembered(name: str, key: Hashable, compute: Callable[[], Found]) -> Found:
    """What `compute` gives, computed once for each `name` and `key`; a key holds the project and `Store.version`."""
    return _remembered(name, key, compute)


@st.cache_data(max_entries=500, show_spinner=False)
def _remembered(name: str, key: Hashable, _compute: Callable[[], Any]) -> Any:
    return _compute()


# ---------------------------------------------------------------- sidebar


def sidebar() -> None:
    """The project, the annotator and the language, with the means to change them."""
    require_user()
    titles = _titles(projects.in_home(home()))
    names = [*titles]
    slug = _chosen("project", names[0] if names else "")
    if slug not in names and names:
        slug = names[0]
    with st.sidebar:
        if names:
            slug = st.selectbox(_("Project"), names, names.index(slug), format_func=titles.__getitem__)
            choose("project", slug)
        name = st.text_input(_("Working as"), require_user().name, max_chars=60, help=_("Stored with every answer."))
        st.session_state["switched"] = language()
        st.segmented_control(
            _("Language"),
            [*LANGUAGES],
            required=True,
            format_func=LANGUAGES.__getitem__,
            key="switched",
            on_change=_switch,
        )
        _document()
    name = name.strip()
    if name and name != "import":  # labels that came with an import are stored under that name
        choose("annotator", name)


def _titles(folders: Sequence[Path]) -> dict[str, str]:
    """What each project is called, by its folder's name; that is added where names repeat, since both are choices."""
    named = {}
    for folder in folders:
        try:
            named[folder.name] = projects.open_project(folder).config.name
        except LabelerError:
            named[folder.name] = folder.name
    often = Counter(named.values())
    return {slug: name if often[name] == 1 else f"{name} ({slug})" for slug, name in named.items()}
