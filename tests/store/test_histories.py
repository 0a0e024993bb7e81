"""Histories of several people's tabs, with requests that come twice, late and in another order, against a small model.

What must hold after each step: an acknowledged answer is there once, no undo takes back another answer than it names,
and nobody is given an item that as many others as are asked have answered or look at, whatever happens to clocks and to
the server.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labeler.core.items import Action, AdjudicationAction, Answer
from labeler.core.settings import LabelingConfig
from labeler.store import Store, desk
from labeler.store.desk import RETURNING_SECONDS
from labeler.store.items import WANTED
from tests.support.fill import add
from tests.support.samples import text_config

ITEMS, LEASE = 8, 60
# the first four items are answered by two people
CONFIG = text_config(labeling=LabelingConfig(overlap=2, overlap_share=4 / 16**6, reservation_seconds=LEASE))


@dataclass
class Model:
    """What people have said, from the answers as they reach the server for the first time."""

    current: dict[tuple[str, int], Answer] = field(default_factory=dict)  # by person and item
    arrived: set[tuple[str, str]] = field(default_factory=set)

    def take(self, who: str, answer: Answer) -> None:
        if (who, answer.request_id) in self.arrived:
            return
        self.arrived.add((who, answer.request_id))
        if answer.action != "undo":
            self.current[who, answer.item_id] = answer
        elif self.request_of(who, answer.item_id) == answer.undoes:
            del self.current[who, answer.item_id]

    def request_of(self, who: str, item: int) -> str | None:
        answer = self.current.get((who, item))
        return None if answer is None else answer.request_id


@dataclass
class Tab:
    """A tab, the items that it shows, its own answers, and until when the server knows of it."""

    who: str
    name: str
    shown: set[int] = field(default_factory=set)
    given: list[Answer] = field(default_factory=list)
    until: float = 0.0


@pytest.fixture(scope="module", autouse=True)
def template(tmp_path_factory):
    """A project's database with some items, which each history begins with a copy of."""
    path = tmp_path_factory.mktemp("histories") / "labels.sqlite"
    with Store(path, CONFIG) as store:
        add(store, ITEMS)
    Histories.template = path


TABS = st.integers(0, 4)
ANY = st.integers(0, 99)


class Histories(RuleBasedStateMachine):
    """Three people, two of them with two tabs, which share what is unsent, as those of a browser do."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = shutil.copy(self.template, self.folder)
        self.now, self.wall, self.numbers = 1000.0, time.time(), count()
        self.patches = [
            *(patch(f"labeler.store.{room}.lease_time", lambda: self.now) for room in ("desk", "answers", "team")),
            patch.object(time, "time", lambda: self.wall),
        ]
        for each in self.patches:
            each.start()
        self.store = self.open()
        self.tabs = [Tab(name.split()[0], name) for name in ("kim 1", "kim 2", "lee 1", "lee 2", "ann 1")]
        self.unsent: dict[str, list[Answer]] = {tab.who: [] for tab in self.tabs}
        self.wire: list[tuple[str, list[Answer]]] = []  # requests that may still arrive
        self.model = Model()
        self.acknowledged: set[tuple[str, str]] = set()
        self.decisions: dict[int, bool] = {}  # by id: whether it was taken back

    def open(self) -> Store:
        store = Store(self.path, CONFIG)
        store.db.execute("PRAGMA synchronous=OFF")  # for this test's speed
        return store

    def teardown(self) -> None:
        self.store.close()
        for each in self.patches:
            each.stop()
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ what a tab does

    @rule(place=TABS, n=st.integers(1, 4))
    def look(self, place: int, n: int) -> None:
        tab = self.tabs[place]
        held = {reserved.item.id for reserved in self.store.desk.reserve(tab.who, tab.name, n)}
        unsent = {answer.item_id for answer in self.unsent[tab.who] if answer.action != "undo"}
        for item in held - tab.shown - unsent:  # what it has answered was shown before
            others = {
                other.who for other in self.tabs if item in other.shown and other.until > self.now and other != tab
            }
            others |= {who for (who, i), answer in self.model.current.items() if i == item and answer.action == "label"}
            wanted = self.store.db.value(
                f"SELECT {WANTED} FROM items i WHERE id = :id", self.store.items.overlap_values() | {"id": item}
            )
            assert tab.who not in others, "a person sees an item in one tab"
            assert len(others) < wanted, "an item is shown to no more people than are asked"
        tab.shown, tab.until = held - unsent, self.now + LEASE

    @precondition(lambda self: any(tab.shown for tab in self.tabs))
    @rule(
        place=ANY, which=ANY, action=st.sampled_from(["label", "label", "label", "skip", "flag"]), label=st.booleans()
    )
    def answer(self, place: int, which: int, action: Action, label: bool) -> None:
        tab = one_of([tab for tab in self.tabs if tab.shown], place)
        item = one_of(sorted(tab.shown), which)
        tab.shown.discard(item)
        self.give(tab, item, action, ("good", "bad")[label])

    @precondition(lambda self: any(tab.given for tab in self.tabs))
    @rule(place=ANY, which=ANY)
    def change(self, place: int, which: int) -> None:
        """Somebody gives another answer to the item that they answered last, in any of their tabs."""
        earlier = one_of([tab for tab in self.tabs if tab.given], place)
        writer = one_of([tab for tab in self.tabs if tab.who == earlier.who], which)
        self.give(writer, earlier.given[-1].item_id, "label", "bad")

    def give(self, tab: Tab, item: int, action: Action, label: str) -> None:
        text = label if action == "label" else None
        answer = Answer(f"{next(self.numbers):06d}", item, action, text, tab=tab.name)
        tab.given.append(answer)
        self.unsent[tab.who].append(answer)

    @precondition(lambda self: any(tab.given for tab in self.tabs))
    @rule(place=ANY)
    def undo(self, place: int) -> None:
        tab = one_of([tab for tab in self.tabs if tab.given], place)
        last = tab.given.pop()
        undo = Answer(f"{next(self.numbers):06d}", last.item_id, "undo", tab=tab.name, undoes=last.request_id)
        self.unsent[tab.who].append(undo)

    # ------------------------------------------------------------ what the network does

    @precondition(lambda self: any(self.unsent.values()))
    @rule(place=ANY, most=st.integers(1, 6), arrives=st.sampled_from([True, True, False]), reply=st.booleans())
    def send(self, place: int, most: int, arrives: bool, reply: bool) -> None:
        """A tab sends what is unsent: it arrives or hangs, and its reply is lost or not. A copy may arrive later."""
        who = one_of([who for who, answers in self.unsent.items() if answers], place)
        request = self.unsent[who][:most]
        self.wire.append((who, request))
        if arrives and self.deliver(who, request) and reply:
            self.unsent[who] = self.unsent[who][len(request) :]

    @precondition(lambda self: self.wire)
    @rule(which=ANY, again=st.booleans())
    def arrive_late(self, which: int, again: bool) -> None:
        who, request = one_of(self.wire, which)
        if not again:
            self.wire.remove((who, request))
        self.deliver(who, request)

    def deliver(self, who: str, request: list[Answer]) -> bool:
        receipts = self.store.answers.add(who, request)
        for answer in request:
            self.model.take(who, answer)
        taken = zip(request, receipts, strict=True)
        self.acknowledged |= {(who, a.request_id) for a, receipt in taken if receipt.ok and a.action != "undo"}
        return all(receipt.ok for receipt in receipts)

    # ------------------------------------------------------------ what the lead, clocks and the server do

    @rule(item=st.integers(1, ITEMS), action=st.sampled_from(["label", "exclude"]))
    def decide(self, item: int, action: AdjudicationAction) -> None:
        label = "good" if action == "label" else None
        request = f"d{next(self.numbers)}"
        first, again = (self.store.decisions.add("lead", request, item, action, label) for _ in range(2))  # sent twice
        assert first == again
        self.decisions[first] = False

    @precondition(lambda self: self.decisions)
    @rule(which=ANY)
    def undo_decision(self, which: int) -> None:
        """In any tab, also one in which a decision is the last that was taken back elsewhere."""
        number = one_of(sorted(self.decisions), which)
        undone = self.store.decisions.undo("lead", number)
        assert (undone is None) == self.decisions[number]
        self.decisions[number] = True

    @rule(seconds=st.sampled_from([1.0, 20.0, LEASE + 1.0]), set_by=st.sampled_from([0.0, -86_400.0, 86_400.0]))
    def time_passes(self, seconds: float, set_by: float) -> None:
        """It does, and somebody may set the clock."""
        self.now += seconds
        self.wall += seconds + set_by

    @rule(away=st.sampled_from([1.0, 3600.0]), is_new_start=st.booleans())
    def the_server_is_away(self, away: float, is_new_start: bool) -> None:
        """It is ended and begins again, on the same computer or on one that was started anew."""
        open_tabs = [tab for tab in self.tabs if tab.until > self.now]
        self.store.close()
        desk._served.clear()
        before = self.now
        self.now = 10.0 if is_new_start else self.now + away
        for tab in self.tabs:
            left = tab.until - before if is_new_start else 0.0
            tab.until = self.now + max(RETURNING_SECONDS, min(left, LEASE)) if tab in open_tabs else 0.0
        self.store = self.open()

    # ------------------------------------------------------------ what holds

    @invariant()
    def every_acknowledged_answer_is_there_once(self) -> None:
        """An undo that had nothing to take back leaves no row."""
        rows = self.store.db.execute("SELECT annotator, request_id FROM annotations WHERE action <> 'undo'").fetchall()
        assert len(set(rows)) == len(rows)
        assert set(rows) >= self.acknowledged

    @invariant()
    def the_answers_that_stand_are_those_of_the_model(self) -> None:
        rows = self.store.db.execute("SELECT annotator, item_id, request_id FROM answers").fetchall()
        assert {row[:2]: row[2] for row in rows} == {key: a.request_id for key, a in self.model.current.items()}

    @invariant()
    def the_decisions_that_stand_are_those_that_nobody_took_back(self) -> None:
        assert {row["id"]: bool(row["undone"]) for row in self.store.decisions.latest(1000)} == self.decisions


def one_of(values: list, which: int):
    """One of the values, whatever their number; None if there are none."""
    return values[which % len(values)] if values else None


Histories.TestCase.settings = settings(stateful_step_count=40)
TestHistories = Histories.TestCase
