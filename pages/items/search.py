"""Which items are listed, and in which order: the search, the filters, and their result as ids."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from labeler.core.id_runs import IdRuns
from labeler.core.items import Split
from labeler.explain.similar import similar
from labeler.i18n.messages import Message, _, mark, n_, translate
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.catalogue import NOTHING, Found, ItemFilter, State
from pages.items.pool import Opinions
from pages.shared.cache import cached

STATES: dict[State, str] = {
    "unlabeled": mark("without a label"),
    "labeled": mark("with a label"),
    "flagged": mark("flagged"),
    "unsure": mark("answered as unsure"),
    "excluded": mark("taken out"),
    "chosen": mark("chosen by a person"),
    "waiting": mark("waiting to be asked next"),
}
SPLITS: dict[Split, str] = {"pool": mark("pool"), "holdout": mark("holdout")}
ADDED, NEWEST, DOUBT, LIKELY = "added", "newest", "doubt", "likely"  # orders
MOST_VALUES = 200  # of a column, to choose from
FIRST_SECONDS, GO_ON_SECONDS = 0.4, 4.0  # that a search takes before it shows what it has found
MOST_COMPARED = 100_000  # items among which similar ones are looked for
EVERYTHING = ItemFilter()


@dataclass(frozen=True)
class Choice:
    """What is listed. predicted: number of a class. low, high: of the probability of the prediction.

    order: one of this module's; `likely` with the number of a class. like: id of the item that others are similar to.
    """

    wanted: ItemFilter = EVERYTHING
    predicted: int | None = None
    low: float = 0.0
    high: float = 1.0
    order: str = ADDED
    likely: int = 0
    like: int | None = None

    @property
    def needs_opinions(self) -> bool:
        """Whether only items with a prediction can be listed."""
        return self.predicted is not None or (self.low, self.high) != (0.0, 1.0) or self.order in (DOUBT, LIKELY)


def key_of(project: Project, name: str) -> str:
    """The key of a widget; each project has its own choices."""
    return f"items-{project.slug}-{name}"


def choose(project: Project, store: Store, opinions: Opinions | None) -> Choice:
    """The search field, the filters and the order."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        words = st.text_input(
            _("Search in texts and names"),
            key=key_of(project, "words"),
            persist_state="session",
            placeholder=_("Words, or “words that stand together”"),
            icon=":material/search:",
            width=360,
        )
        with st.popover(_("Filter"), icon=":material/filter_alt:", width="content"):
            wanted, predicted, low, high = _filters(project, store, words, opinions)
        order, likely = _order(project, opinions)
    return Choice(wanted, predicted, low, high, order, likely, st.session_state.get(key_of(project, "like")))


# wide: what a selectbox is made of
def _select(project: Project, name: str, label: str, options: list[Any], words: Any = str, other: bool = False) -> Any:
    """A choice among options, or None for any. Args: other: whether another one can be typed in."""
    anything = _("any")
    return st.selectbox(
        label,
        [None, *options],
        format_func=lambda option: anything if option is None else words(option),
        placeholder=anything,
        key=key_of(project, name),
        persist_state="session",
        accept_new_options=other,
    )


def _filters(
    project: Project, store: Store, words: str, opinions: Opinions | None
) -> tuple[ItemFilter, int | None, float, float]:
    classes = project.config.classes
    name = _select(project, "class", _("Class of the label"), [*classes])
    state = _select(project, "state", _("State"), [*STATES], lambda value: _(STATES[value]))
    annotator = _select(project, "annotator", _("Answered by"), store.catalogue.annotators())
    split = _select(project, "split", _("Split"), [*SPLITS], lambda value: _(SPLITS[value]))
    column, value = _column(project, store)
    predicted, low, high = None, 0.0, 1.0
    if opinions is not None:
        predicted = _select(project, "predicted", _("Predicted class"), [*range(len(classes))], lambda n: classes[n])
        low, high = (
            percent / 100
            for percent in st.slider(
                _("Probability of the prediction"),
                0,
                100,
                (0, 100),
                format="%d%%",
                key=key_of(project, "probability"),
                persist_state="session",
            )
        )
    filter_ = ItemFilter(
        words.strip().replace("“", '"').replace("”", '"'), split, name, annotator, state, column, value
    )
    return filter_, predicted, low, high


def _column(project: Project, store: Store) -> tuple[str | None, str]:
    """A column of the imported table and its value."""
    version = (str(project.folder), store.created_at(), store.version()[3], store.version()[-1])
    columns = cached("columns", version, lambda: sorted({column for row in store.slices.sample() for column in row}))
    if not columns:
        return None, ""
    column = _select(project, "column", _("Column"), columns)
    if column is None:
        return None, ""
    values, sampled = cached("values", (version, column), lambda: store.slices.values(column))
    if len(values) > MOST_VALUES:
        return column, st.text_input(_("Value"), key=key_of(project, f"value-{column}"), persist_state="session")
    value = _select(project, f"value-{column}", _("Value"), values, lambda text: text or _("(empty)"), bool(sampled))
    if sampled:
        st.caption(_("The values of {n:,} items of the pool. Another one can be typed in.", n=sampled))
    return (None, "") if value is None else (column, value)


def _order(project: Project, opinions: Opinions | None) -> tuple[str, int]:
    """The order, and the number of the class that is meant with `LIKELY`."""
    words = {(ADDED, 0): _("in the order of import"), (NEWEST, 0): _("newest first")}
    if opinions is not None:
        words[DOUBT, 0] = _("most doubtful first")
        words |= {
            (LIKELY, number): _("likeliest first: {name}", name=name)
            for number, name in enumerate(project.config.classes)
        }
    choice = st.selectbox(
        _("Order"),
        [*words],
        format_func=words.__getitem__,
        key=key_of(project, "order"),
        persist_state="session",
        width=240,
    )
    return choice or (ADDED, 0)


def what_is_listed(project: Project, choice: Choice, found: Found, unlisted: int, opinions: Opinions | None) -> None:
    """How many items are listed, what they are, and buttons that search on and list all again."""
    parts = [n_("{n:,} item", "{n:,} items", len(found.ids))]
    if not found.is_complete:
        parts.append(_("{looked:,} of {of:,} items searched so far", looked=found.looked, of=found.of))
    narrowed = choice != Choice(order=choice.order, likely=choice.likely)
    if narrowed:
        parts.append(translate(in_words(project, replace(choice, order=ADDED))))
    elif unlisted:
        parts.append(
            n_(
                "{n} item of the holdout is listed once it has a label, so that nobody knows it before",
                "{n:,} items of the holdout are listed once they have a label, so that nobody knows them before",
                unlisted,
            )
        )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(" · ".join(parts), width="content")
        if not found.is_complete:
            st.button(
                _("Search on"),
                icon=":material/search:",
                type="tertiary",
                key="items-search-on",
                on_click=_go_on,
                args=(project, choice),
            )
        if narrowed:
            st.button(
                _("List all"),
                icon=":material/close:",
                type="tertiary",
                key="items-list-all",
                on_click=_list_all,
                args=(project,),
            )
    if choice.like is not None:
        with project.store() as store:
            compared, in_all = _compared(store, choice.wanted, opinions)
        if len(compared) < in_all:
            st.caption(_("Similar items are looked for among {n:,} of the {of:,} items.", n=len(compared), of=in_all))
    if choice.needs_opinions and opinions is not None:
        st.caption(
            n_(
                "Only the {n:,} item of the pool that has a prediction can be listed so.",
                "Only the {n:,} items of the pool that have a prediction can be listed so.",
                len(opinions.items),
            )
        )


def _list_all(project: Project) -> None:
    """Set every filter back, whatever its widget is."""
    for key in [key for key in st.session_state if str(key).startswith(key_of(project, ""))]:
        name = str(key).removeprefix(key_of(project, ""))
        if name == "words" or name.startswith("value-"):
            st.session_state[key] = "" if isinstance(st.session_state[key], str) else None
        elif name == "probability":
            st.session_state[key] = (0, 100)
        elif name in ("class", "state", "annotator", "split", "column", "predicted", "like"):
            st.session_state[key] = None


# ---------------------------------------------------------------- the result


def result(project: Project, store: Store, choice: Choice, opinions: Opinions | None) -> Found:
    """What is listed, in order, as far as the search for it has come."""
    key = _key(project, store, choice.wanted)
    items = opinions.items if opinions is not None else np.empty(0, dtype=np.int64)
    if choice.like is not None:
        by_model = key, choice.wanted, choice.like, store.rounds.next_number(), items.size
        near = cached("similar", by_model, lambda: _similar(project, store, choice, opinions))
        return _whole(_by_opinions(near, choice, opinions) if choice.needs_opinions else near)
    among, made_at = None, 0
    if choice.needs_opinions:
        among, made_at = _by_opinions(items, choice, opinions), opinions.made_at if opinions else 0
    found = NOTHING
    for step in range(_steps(project, choice) + 1):
        found = _searched(store, choice, among, (key, choice, made_at, step), found)
        if found.is_complete:
            break
    return found


def _searched(store: Store, choice: Choice, among: np.ndarray | None, key: Hashable, so_far: Found) -> Found:
    """The search, gone on with.

    Args: among: (k,) ids in whose order it searches; None: all. key: of all that the result depends on.
    """
    seconds = GO_ON_SECONDS if so_far is not NOTHING else FIRST_SECONDS
    newest_first = choice.order == NEWEST
    return cached("items", key, lambda: store.catalogue.search(choice.wanted, seconds, so_far, newest_first, among))


def _key(project: Project, store: Store, wanted: ItemFilter) -> Hashable:
    """What the answer to a filter depends on: an answer changes no search for words, unless it is of the holdout."""
    version = store.version()
    if wanted.name or wanted.annotator or wanted.state:
        return str(project.folder), store.created_at(), version, store.asked_next.version()
    return str(project.folder), store.created_at(), version[3], *version[7:], store.catalogue.unlisted()


def _steps(project: Project, choice: Choice) -> int:
    """How often this search was gone on with."""
    asked, steps = st.session_state.get(key_of(project, "go-on"), (None, 0))
    return steps if asked == choice else 0


def _go_on(project: Project, choice: Choice) -> None:
    st.session_state[key_of(project, "go-on")] = choice, _steps(project, choice) + 1


def _among(store: Store, wanted: ItemFilter, items: np.ndarray) -> np.ndarray:
    """(k,) ascending ids: those of these items that a filter lets through."""
    return store.catalogue.search(wanted, among=items).ids[:]


def _whole(ids: np.ndarray) -> Found:
    return Found(IdRuns.of(ids), len(ids), len(ids))


def _compared(store: Store, wanted: ItemFilter, opinions: Opinions | None) -> tuple[np.ndarray, int]:
    """(k,) ascending ids of the items among which similar ones are looked for, and how many the indexes let through:
    of very many only those that have a prediction are compared.
    """
    candidates = store.catalogue.candidates(wanted)
    if len(candidates) <= MOST_COMPARED:
        items = candidates[:]
    elif opinions is not None:
        items = opinions.items[candidates.has(opinions.items)]
    else:
        items = candidates[:MOST_COMPARED]
    return items, len(candidates)


def _similar(project: Project, store: Store, choice: Choice, opinions: Opinions | None) -> np.ndarray:
    """(k,) ids by similarity, among those that are compared."""
    item = store.items.get(choice.like) if choice.like is not None else None
    if item is None:
        return np.empty(0, dtype=np.int64)
    items, _in_all = _compared(store, choice.wanted, opinions)
    among = store.items.hashes_of(_among(store, choice.wanted, items).tolist())
    near = similar(project, store, item, {content_hash: item_id for item_id, content_hash in among.items()})
    return np.array(near or [], dtype=np.int64)


def _by_opinions(ids: np.ndarray, choice: Choice, opinions: Opinions | None) -> np.ndarray:
    """(k,) the ids of those that the predictions let through, in the order that they give, where it is theirs."""
    if opinions is None:
        return ids[:0]
    rows = opinions.rows(ids)
    ids, rows = ids[rows >= 0], rows[rows >= 0]
    confidence = opinions.confidence[rows]
    kept = (confidence >= choice.low - 1e-9) & (confidence <= choice.high + 1e-9)
    if choice.predicted is not None:
        kept &= opinions.is_predicted(choice.predicted)[rows]
    ids, rows = ids[kept], rows[kept]
    if choice.like is not None or choice.order not in (DOUBT, LIKELY):
        return ids
    rank = opinions.confidence[rows] if choice.order == DOUBT else -opinions.proba[rows, choice.likely]
    return ids[np.argsort(rank, kind="stable")]


def in_words(project: Project, choice: Choice) -> Message:
    """What is listed, as a message that is stored with what is asked next."""
    wanted, classes = choice.wanted, project.config.classes
    parts = [
        wanted.words and mark("search: {words}", words=wanted.words),
        wanted.name and mark("class: {name}", name=wanted.name),
        wanted.state and mark(STATES[wanted.state]),
        wanted.annotator and mark("answered by {name}", name=wanted.annotator),
        wanted.split and mark(SPLITS[wanted.split]),
        wanted.column and mark("{column}: {value}", column=wanted.column, value=wanted.value),
        choice.predicted is not None and mark("predicted: {name}", name=classes[choice.predicted]),
        (choice.low, choice.high) != (0.0, 1.0)
        and mark("probability {low:.0%} to {high:.0%}", low=choice.low, high=choice.high),
        choice.like is not None and mark("similar to item {id}", id=choice.like),
        choice.order == DOUBT and mark("most doubtful first"),
        choice.order == LIKELY and mark("likeliest first: {name}", name=classes[choice.likely]),
    ]
    named = [part for part in parts if part]
    return joined(named) if named else mark("all items")


def joined(parts: list[Message]) -> Message:
    """Several messages as one, with a dot between them."""
    names = [f"part{place}" for place in range(len(parts))]
    return Message(" · ".join(f"{{{name}}}" for name in names), **dict(zip(names, parts, strict=True)))
