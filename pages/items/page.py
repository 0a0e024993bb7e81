"""The Items page: all items searched, filtered, looked at, labeled by hand, and selected to be asked next."""

import streamlit as st

from labeler.core.id_runs import IdRuns
from labeler.i18n.messages import _, mark
from pages.items import asking, lists, pool, search
from pages.items.item import item_view
from pages.items.item_map import item_map
from pages.items.opened import opened
from pages.shared.access import is_allowed, require_name, require_project, require_right, require_user
from pages.shared.next_step import next_step

VIEWS = {"cards": mark("Cards"), "table": mark("Table"), "map": mark("Map")}

user = require_user()
project = require_project()
with project.store() as store:
    newest, unlisted = store.catalogue.newest(), store.catalogue.unlisted()
    opinions = pool.opinions(project, store)
if not newest:
    st.title(_("Items"))
    next_step(project, is_allowed(project, "see_holdout"))
    st.stop()
user = require_name(_("Go on"))
st.title(_("Items"))
require_right(project, "see_items", _("The leads and auditors of this project look through the items."))
asking.announce()
here = opened(project)
with project.store() as store:
    if here is None:
        choice = search.choose(project, store, opinions)
        st.session_state[search.key_of(project, "choice")] = choice
    else:
        choice = st.session_state.get(search.key_of(project, "choice"), search.Choice())
    found = search.result(project, store, choice, opinions)
ids = found.ids
if here is not None:
    item_view(project, user, here, ids, opinions)
    st.stop()
search.what_is_listed(project, choice, found, unlisted, opinions)
asking.waiting(project)
view = st.segmented_control(
    _("View"),
    [*VIEWS],
    default="cards",
    required=True,
    format_func=lambda name: _(VIEWS[name]),
    key=search.key_of(project, "view"),
    label_visibility="collapsed",
    persist_state="session",
)
what, selected = search.in_words(project, choice), ids
with project.store() as store:
    if view == "map":
        region = item_map(project, store, ids, opinions)
        if region is not None:
            what, selected = search.joined([what, mark("a region of the map")]), region
        asking.ask_next(project, user, selected, what)
        rows = lists.table(project, store, selected, opinions)
    elif not len(ids):
        if found.is_complete:
            st.info(_("No item matches: take a filter away, or search for fewer words."), icon=":material/search_off:")
    elif view == "table":
        rows = lists.table(project, store, ids, opinions)
        if rows:
            what, selected = search.joined([what, mark("rows of the table")]), IdRuns.of(rows)
        asking.ask_next(project, user, selected, what)
    else:
        asking.ask_next(project, user, ids, what)
        lists.cards(project, store, ids, opinions)
pool.bring_up_to_date(project, user)
