"""Forms of settings: what others save while a form is open is put together with it, or asked about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.settings import Config
from labeler.core.settings_changes import Clash, Flat, SettingsClashError, changed_names, flat, is_one_of, nested
from labeler.core.settings_parser import parse
from labeler.i18n.markdown import joined
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from labeler.report.sentences.settings import change_in_words, name_in_words, value_in_words
from pages.shared.background import announce
from pages.shared.times import local_time

STATE, PAGE = "settings-forms", "settings-forms-page"
MINE, THEIRS = "mine", "theirs"


def nothing_more(_saved: Project) -> Sequence[str]:
    """What most forms do once they are saved."""
    return ()


@dataclass(frozen=True)
class Form:
    """A form. sections: the settings in it. then: what follows once it is saved; it returns warnings.

    place: of the page's messages, where it has one for what this form saved; see `announce`.
    """

    name: str
    sections: tuple[str, ...]
    then: Callable[[Project], Sequence[str]] = nothing_more
    place: str = ""


@dataclass
class _State:
    """A form in a session. opened: the settings that its fields were drawn with. clashing: what is to be decided."""

    opened: Config
    clashing: "_Clashing | None" = None
    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Clashing:
    """Somebody's changes, by the names of the settings, that clash with those that others have saved meanwhile."""

    mine: Flat
    now: Config
    clashes: tuple[Clash, ...]


def leave_forms(page: str) -> None:
    """Forget what was open on another page: the forms of this one are drawn with the settings of now.

    Args: page: the one that is drawn.
    """
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        forget_forms()


def forget_forms() -> None:
    """Have all forms drawn with the settings of now."""
    st.session_state.pop(STATE, None)


def opened(project: Project, form: Form) -> Project | None:
    """The project with the settings that the form's fields are drawn with; None while somebody decides about a clash.

    As long as somebody fills the form in, its fields stay as they were drawn, even if others save other values.
    """
    state = _state(project, form)
    for sentence in state.sentences:
        st.success(sentence)
    for warning in state.warnings:
        st.warning(warning)
    state.sentences, state.warnings = [], []
    if state.clashing is not None:
        _decide(project, form, state.clashing)
        return None
    before, now = flat(state.opened.as_dict()), flat(project.config.as_dict())
    news = [name for name in changed_names(before, now) if is_one_of(name, form.sections)]
    if not news:
        state.opened = project.config
        return project
    with st.container(border=True):
        changes = joined("; ", [change_in_words(name, before.get(name), now.get(name)) for name in news])
        st.markdown(_("Somebody has saved this form since you opened it: {changes}", changes=changes))
        st.caption(_("What you do not change stays as it was saved."))
        if st.button(_("Show the present settings"), key=f"present-{form.name}-{project.slug}"):
            state.opened = project.config
            st.rerun()
    return replace(project, config=state.opened)


def save(project: Project, form: Form, changed: Config, sentence: str = "") -> None:
    """Save what a form has changed, and draw the page anew; it says then what was saved, or asks about clashes.

    Args: project: as `opened` gave it. sentence: what the page says once it is saved.
    """
    state = _state(project, form)
    try:
        saved = project.save(changed)
    except SettingsClashError as error:
        before, mine = flat(project.config.as_dict()), flat(changed.as_dict())
        state.clashing = _Clashing(
            {name: mine.get(name) for name in changed_names(before, mine)}, error.now, error.clashes
        )
        st.rerun()
    except LabelerError as error:
        st.error(translate(error))
        return
    state.opened, state.clashing = saved.config, None
    if form.place:
        announce(form.place, _("Saved."))
    else:
        state.sentences.append(sentence or _("Saved."))
    state.warnings += form.then(saved)
    st.rerun()


def _decide(project: Project, form: Form, clashing: _Clashing) -> None:
    """The settings that two people have changed, each with both values to choose from."""
    state, key = _state(project, form), f"clash-{form.name}-{project.slug}"
    with st.container(border=True):
        st.markdown(
            _("**Others have changed the same settings since you opened this form.** Nothing of yours is saved yet.")
        )
        choices = {clash.name: _choice(clash, f"{key}-{clash.name}") for clash in clashing.clashes}
        _others(state.opened, clashing)
        undecided = any(choice is None for choice in choices.values())
        with st.container(horizontal=True):
            is_saved = st.button(_("Save the choice"), key=f"{key}-save", type="primary", disabled=undecided)
            is_discarded = st.button(_("Discard my changes"), key=f"{key}-discard")
    if is_discarded:
        state.opened, state.clashing = project.config, None
        state.sentences.append(_("Your changes are discarded; the settings are as others have saved them."))
        st.rerun()
    if is_saved:
        together = flat(clashing.now.as_dict())
        for name, value in clashing.mine.items():
            if choices.get(name) != THEIRS:
                together[name] = value
        chosen = {name: value for name, value in together.items() if value is not None}
        try:
            config = parse(nested(chosen), _("The form"))
        except LabelerError as error:
            st.error(translate(error))
            return
        state.opened = clashing.now
        save(replace(project, config=clashing.now), form, config)


def _choice(clash: Clash, key: str) -> str | None:
    """The field that asks which of two values of a setting is meant; None until it is answered."""
    theirs = value_in_words(clash.name, clash.now)
    words = {
        MINE: _("yours: {value}", value=value_in_words(clash.name, clash.mine)),
        THEIRS: _("saved by {who}, {when}: {value}", who=clash.by, when=local_time(clash.at), value=theirs)
        if clash.by
        else _("saved meanwhile: {value}", value=theirs),
    }
    choice: str | None = st.radio(
        name_in_words(clash.name),
        [MINE, THEIRS],
        None,
        format_func=words.__getitem__,
        captions=[_("It was {value} when you opened the form.", value=value_in_words(clash.name, clash.opened)), ""],
        key=key,
    )
    return choice


def _others(before: Config, clashing: _Clashing) -> None:
    """The changes of both sides that do not clash."""
    names = [clash.name for clash in clashing.clashes]
    was, now = flat(before.as_dict()), flat(clashing.now.as_dict())
    mine = [change_in_words(n, was.get(n), value) for n, value in clashing.mine.items() if n not in names]
    theirs = [change_in_words(n, was.get(n), now.get(n)) for n in changed_names(was, now) if n not in names]
    if mine:
        st.caption(_("You have also changed, which is saved with your choice: {changes}", changes=joined("; ", mine)))
    if theirs:
        st.caption(_("Others have also changed, which stays: {changes}", changes=joined("; ", theirs)))


def _state(project: Project, form: Form) -> _State:
    states: dict[tuple[str, str], _State] = st.session_state.setdefault(STATE, {})
    return states.setdefault((project.slug, form.name), _State(project.config))
