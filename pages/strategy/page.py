"""The Strategies page: what each strategy does, in a sentence and a picture, and comparisons on known labels."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import streamlit as st

import strategies
from labeler.core.errors import LabelerError
from labeler.experiments.strategy_tables import ORDER
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, mark, translate
from labeler.projects.own_strategies import PAGE_SECONDS, fingerprint, own_strategies
from labeler.projects.project import Project
from labeler.report.charts import strategy_picture
from pages.shared.access import NOT_HERE, is_allowed, named_button, require_project, require_right, require_user
from pages.shared.background import announce, announced
from pages.shared.cache import cached, state_of
from pages.strategy.compare import NAME, compare
from strategies import Strategy, StrategyError

user = require_user()
project = require_project()
require_right(project, "see_strategies")

IN_A_ROW = 3  # cards
NEEDS = {
    "proba": mark("the model's probabilities"),
    "member_proba": mark("the probabilities of a committee of models"),
    "embeddings": mark("the items' features"),
    "labeled": mark("the labels so far"),
}


# ---------------------------------------------------------------- what they do


def gallery(offered: Mapping[str, Strategy], own: set[str]) -> None:
    st.caption(
        _(
            "Each picture is a small pool in two dimensions. The numbered points are the items that the"
            " strategy's own code asks about, in its order. Circle, square and triangle are the three true"
            " classes; the large ones have a label; the tinted areas show the predictions of a model trained"
            " on those labels."
        )
    )
    families = [*dict.fromkeys(strategy.family for strategy in offered.values())]
    used = offered.get(project.config.query.strategy)
    place_of = {family: place for place, family in enumerate(ORDER)}
    families.sort(key=lambda f: (used is None or f != used.family, place_of.get(f, len(ORDER)), f))
    family = st.pills(_("Family"), families, default=families[0], required=True, format_func=_)
    shown = [strategy for strategy in offered.values() if strategy.family == family]
    for first in range(0, len(shown), IN_A_ROW):
        for column, strategy in zip(st.columns(IN_A_ROW), shown[first : first + IN_A_ROW], strict=False):
            with column.container(border=True, height="stretch", vertical_alignment="distribute"):
                with st.container():
                    card(strategy, strategy.name in own)
                use_button(strategy.name, f"use-{strategy.name}")


def card(strategy: Strategy, own: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escaped(strategy.name)}**", width="content")
        if strategy.name == project.config.query.strategy:
            st.badge(_("in use"), icon=":material/check:", color="green")
        if own:
            st.badge(_("this project's own"), color="blue")
    st.markdown(translate(strategy.summary) if strategy.summary else _("It has no description."))
    svg = picture(strategy.name, fingerprint(project.strategies) if own else "", project)
    if isinstance(svg, StrategyError):
        st.caption(_("There is no picture: {error}", error=translate(svg)))
    else:
        st.image(
            svg, width="stretch", alt=plain(_("The points that {name} chooses from a small pool", name=strategy.name))
        )
    needs = ", ".join(_(NEEDS[n]) for n in strategies.base.NEEDS if n in strategy.needs) or _("nothing")
    source = _("Source: {source}", source=strategy.source) if strategy.source else ""
    st.caption((_("Needs {needs}.", needs=needs) + " " + source).strip())


@st.cache_data(show_spinner=False, max_entries=300, ttl=600)
def picture(name: str, fingerprint: str, _project: Project) -> str | StrategyError:
    """The strategy's picture, or why there is none; `fingerprint` changes with the files of the project's own.

    Without a fingerprint the strategy is a built-in one.
    """
    try:
        with own_strategies(_project, PAGE_SECONDS) if fingerprint else nullcontext():
            return strategy_picture.picture(strategies.get(name))
    except StrategyError as error:
        return error


def use_button(name: str, key: str) -> None:
    used = project.config.query.strategy == name
    if used:
        st.button(_("In use"), key=key, disabled=True)
    elif is_allowed(project, "change_settings") and named_button(_("Use from the next round"), key):
        config = project.config
        try:
            project.save(replace(config, query=replace(config.query, strategy=name)))
        except LabelerError as error:
            st.error(translate(error))
            return
        announce(NAME, _("{name} is the query strategy from the next round on.", name=name))
        st.rerun()


def tell_of_neighbours() -> None:
    """Say whether a strategy sees a part of the pool, and which."""
    query = project.config.query
    with project.store() as store:
        key = state_of(project, store, answers=False)
        unlabeled = cached("unlabeled", key, lambda: store.items.still_open().pool)
    candidates, share = f"{query.candidates:,}", f"{100 * query.neighbour_share:g}"
    if unlabeled > query.candidates and query.neighbour_share:
        st.caption(
            _(
                "The pool is larger than the {candidates} candidates that a strategy sees: they are random items and"
                " neighbours of labeled items of rare classes, from which {share}% of each batch is chosen.",
                candidates=candidates,
                share=share,
            )
        )


st.title(_("Strategies"))
tell_of_neighbours()
with own_strategies(project, PAGE_SECONDS) as broken:
    registered = strategies.registered()
with st.container():  # always there, so that a message does not move the tabs, which would close them
    for problem in (*strategies.broken, *broken):
        st.warning(translate(problem), icon=":material/extension_off:")
    announced(NAME)
does, compared = st.tabs([_("What they do"), _("Compare")])
with does:
    gallery(registered, set(registered) - set(strategies.registered()))
with compared:
    if is_allowed(project, "run_experiments"):
        compare(project, user, registered, use_button)
    else:
        st.caption(_(NOT_HERE))
