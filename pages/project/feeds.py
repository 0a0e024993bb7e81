"""Feeds of new items: each with what came of it, its buttons, and the form for another one."""

from collections.abc import Callable, Sequence

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.feeds import Feed, FeedLook, FeedState
from labeler.core.settings import FeedConfig, FeedKind
from labeler.i18n.markdown import escaped, in_code
from labeler.i18n.messages import _, mark, n_, translate
from labeler.jobs import feeds
from labeler.projects.project import Project
from labeler.store.feeds import MOST_REFUSED
from pages.shared.language import fragment
from pages.shared.times import local_time

KINDS: dict[FeedKind, str] = {
    "folder": mark("A folder of the server"),
    "bucket": mark("Objects of a store"),
    "sql": mark("A query of a database"),
    "web": mark("An address in the web"),
}
PLACES: dict[FeedKind, tuple[str, str]] = {
    "folder": (mark("Path of the folder"), "/srv/inbox"),
    "bucket": (mark("Address of the objects"), "s3://scans/2026"),
    "sql": (mark("Name of the database"), "crm"),
    "web": (mark("Web address"), "https://api.example.org/tickets?after={since}"),
}


def new_items(project: Project) -> None:
    """The feeds, and the form for another one."""
    each = feeds.all_feeds(project)
    if not each:
        st.caption(
            _(
                "The server can look for new items by itself, every few minutes: in a folder, a bucket, a database or"
                " at an address in the web. Whoever runs it names what it may read, see docs/feeds.md."
            )
        )
    fragment(_watched, run_every=2 if _at_work(each) else None)(project)
    _add(project)


def _at_work(each: Sequence[Feed]) -> list[str]:
    """The feeds that are being looked at, or that wait for it."""
    return [feed.name for feed in each if feed.is_due]


def _watched(project: Project) -> None:
    """The feeds; the whole page is drawn anew when a look ends, since there may be new items."""
    each, key = feeds.all_feeds(project), f"feeds-at-work-{project.slug}"
    before, now = st.session_state.get(key, []), _at_work(each)
    st.session_state[key] = now
    if {*before} - {*now}:
        st.rerun()
    for feed in each:
        with st.container(border=True):
            _feed(project, feed)


def _feed(project: Project, feed: Feed) -> None:
    """One feed: where it looks and how often, what came, what is wrong, and its buttons."""
    settings, state = feed.settings, feed.state
    every = _("paused") if settings.paused else _("every {n} min", n=settings.every)
    st.markdown(f"**{escaped(feed.name)}** · {in_code(settings.place)} · {every}")
    if state.looked_at or not state.problem:
        st.caption(_came(state))
    if state.looking:
        look = state.looking
        st.progress(min(look.done / look.total, 1.0) if look.total else 0.0, text=_progress(look))
    elif feed.is_due:
        st.caption(_("waits for the worker"))
    if state.problem and not settings.paused:
        st.error(
            _(
                "Fails since {when}: {problem}",
                when=local_time(state.failing_since or ""),
                problem=escaped(translate(state.problem)),
            )
        )
    if state.refused:
        n = len(state.refused)
        is_all = n < MOST_REFUSED
        label = _("Not imported: {n}", n=n) if is_all else _("Not imported: {n} or more", n=n)
        with st.popover(label, icon=":material/warning:"):
            for problem in state.refused:
                st.markdown(f"- {escaped(translate(problem))}")
    key = f"feed-{project.slug}-{feed.name}"
    with st.container(horizontal=True):
        is_idle = not (settings.paused or feed.is_due)
        if st.button(_("Look now"), key=f"{key}-now", icon=":material/refresh:", disabled=not is_idle):
            feeds.look_now(project, feed.name)
            st.rerun()
        label, icon = (_("Go on"), ":material/play_arrow:") if settings.paused else (_("Pause"), ":material/pause:")
        if st.button(label, key=f"{key}-pause", icon=icon):
            _changed(lambda: feeds.change(project, feed.name, paused=not settings.paused))
        if st.button(_("Remove"), key=f"{key}-remove", icon=":material/delete:", help=_("Its items stay.")):
            _changed(lambda: feeds.remove(project, feed.name))


def _progress(look: FeedLook) -> str:
    """How far a look is, in words."""
    if not look.step:
        return _("Reading …")
    step = translate(look.step)
    values = {"step": step[:1].upper() + step[1:], "n": look.done, "of": look.total}
    words = _("{step}: {n:,} of {of:,}", **values) if look.total else _("{step}: {n:,} so far", **values)
    return f"{words} ({look.bytes / 1e3:,.0f} kB) …" if look.bytes else f"{words} …"


def _came(state: FeedState) -> str:
    if state.looked_at is None:
        return _("not looked at yet")
    if state.latest_at is None:
        return _("no item yet · looked at {when}", when=local_time(state.looked_at))
    return n_(
        "{n:,} item, which came at {came} · looked at {when}",
        "{n:,} items, the latest {latest:,} at {came} · looked at {when}",
        state.items,
        latest=state.latest,
        came=local_time(state.latest_at),
        when=local_time(state.looked_at),
    )


def _add(project: Project) -> None:
    """The form for another feed. The kind stands outside: it says what the form asks for."""
    st.markdown(_("**Another feed**"))
    kind = st.selectbox(_("From"), [*KINDS], format_func=lambda kind: _(KINDS[kind]), key=f"feed-kind-{project.slug}")
    with st.form("feed", clear_on_submit=False):
        name = st.text_input(_("Name of the feed"), max_chars=40)
        label, example = PLACES[kind]
        place = st.text_input(_(label), placeholder=example)
        every = st.number_input(_("Time between two looks (minutes)"), 1, 100_000, FeedConfig.every)
        query = (
            st.text_area(_("Query"), help=_("One SELECT that asks for rows behind :since, as in WHERE id > :since."))
            if kind == "sql"
            else ""
        )
        cursor = start = column = ""
        if kind in ("sql", "web"):
            cursor = st.text_input(_("Cursor"), help=_("Column whose values only grow, such as a number or a time."))
            start = st.text_input(_("Value of the cursor before the first look"), FeedConfig.start)
        columns = {"text": _("Column of the texts"), "image": _("Column of the images")}
        if kind != "folder" or project.config.modality == "text":
            column = st.text_input(columns[project.config.modality], help=_("Empty: it is found by its name."))
        if not st.form_submit_button(_("Add the feed")):
            return
    feed = FeedConfig(
        kind,
        place.strip(),
        int(every),
        query=query.strip(),
        cursor=cursor.strip(),
        start=start.strip() or FeedConfig.start,
        text=column.strip() if project.config.modality == "text" else "",
        image=column.strip() if project.config.modality == "image" else "",
    )
    _changed(lambda: feeds.add(project, name.strip(), feed))


def _changed(change: Callable[[], Project]) -> None:
    """Change the feeds and draw the page anew, or say why that cannot be."""
    try:
        change()
    except LabelerError as error:
        st.error(translate(error))
        return
    st.rerun()
