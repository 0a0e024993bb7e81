"""What is kept for the desk equals what a look at all items says, after any history."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from labeler.core.class_changes import ClassChange
from labeler.core.items import Action, AdjudicationAction, Answer, NewItem, StillOpen
from labeler.core.settings import EvaluationConfig, LabelingConfig
from labeler.store import Store, schema
from labeler.store.desk import FREE
from labeler.store.driver import Sqlite, connect
from labeler.store.items import WANTED
from labeler.store.leases import lease_time
from tests.support.fill import rank
from tests.support.samples import text_config

# The hashes lie before, at and after the share of the overlap, also within three equal digits.
HASHES = [f"{n * 0x155555:06x}{n:02x}" for n in range(12)] + ["7ffffe01", "7fffff01", "80000001", "80000101"]
ITEM, WHO = st.integers(1, len(HASHES)), st.sampled_from(["kim", "lee"])
# The items that wait for a lead, from the answers themselves.
FLAGGED = (
    "SELECT a.item_id FROM answers a JOIN items f ON f.id = a.item_id WHERE a.action = 'flag' AND a.id > f.cleared"
)
# The items that people answered here, or a lead decided about.
TOUCHED = (
    "SELECT item_id FROM annotations WHERE annotator <> 'import' AND request_id NOT GLOB 'import:*'"
    " UNION SELECT item_id FROM adjudications WHERE request_id NOT GLOB 'import:*'"
)
IMPORTED = "SELECT item_id FROM answers WHERE annotator = 'import' AND action = 'label'"
OPEN = (
    "i.split IS NOT NULL AND i.adjudicated IS NULL AND i.erased_at IS NULL AND i.unreadable IS NULL"
    f" AND i.id NOT IN ({FLAGGED}) AND i.id NOT IN ({IMPORTED})"
)


class Kept(RuleBasedStateMachine):
    """Two people, a lead, an importer and an eraser."""

    def __init__(self) -> None:
        super().__init__()
        labeling, evaluation = LabelingConfig(overlap=2, overlap_share=0.5), EvaluationConfig(later_share=0.3)
        self.store = Store(":memory:", text_config(labeling=labeling, evaluation=evaluation))
        self.numbers = count()
        self.imports: list[int] = []
        self.new(0, 6, False)

    def teardown(self) -> None:
        self.store.close()

    def request(self) -> str:
        return f"{next(self.numbers)}"

    @rule(first=st.integers(0, len(HASHES) - 1), n=st.integers(1, 6), labeled=st.booleans())
    def new(self, first: int, n: int, labeled: bool) -> None:
        """An import of items that are new, known, withdrawn or set aside."""
        number = self.store.imports.begin("made up")
        label = "good" if labeled else None
        hashes = HASHES[first : first + n]
        of_group = {h: f"group {HASHES.index(h) % 5}" for h in hashes if HASHES.index(h) % 3}
        self.store.items.add([NewItem(h, h, text=h, label=label, group=of_group.get(h)) for h in hashes], number)
        self.imports.append(number)

    @rule(size=st.integers(0, 3))
    def draw(self, size: int) -> None:
        self.store.holdout.draw(size)

    @rule(which=st.integers(0, 99))
    def withdraw(self, which: int) -> None:
        with self.store.db.write():
            if self.imports:
                self.store.imports.undo(self.imports.pop(which % len(self.imports)), "lead")

    @rule(who=WHO, n=st.integers(0, 5), release=st.booleans())
    def reserve(self, who: str, n: int, release: bool) -> None:
        held = [reserved.item.id for reserved in self.store.desk.reserve(who, who, n)]
        self.store.desk.reserve(who, who, n, release=held[:2] if release else ())

    @rule(who=WHO, passed=st.sampled_from([0.0, 20.0, 1e9]))
    def leave(self, who: str, passed: float) -> None:
        """Somebody closes the tab, and the reservations end by which so much time is too long."""
        now = lease_time()
        self.store.desk.leave(who, who, now)
        self.store.desk.reserve("ann", "ann", 0, at=now + passed)

    @rule(who=WHO, item=ITEM, action=st.sampled_from(["label", "label", "skip", "flag", "undo"]), good=st.booleans())
    def answer(self, who: str, item: int, action: Action, good: bool) -> None:
        label = self.store.config.classes[not good] if action == "label" else None
        self.store.answers.add(who, [Answer(self.request(), item, action, label, tab=who)])

    @rule(item=ITEM, action=st.sampled_from(["label", "exclude", "return"]))
    def decide(self, item: int, action: AdjudicationAction) -> None:
        label = self.store.config.classes[0] if action == "label" else None
        if self.store.items.get(item):
            self.store.decisions.add("lead", self.request(), item, action, label)

    @rule()
    def take_back(self) -> None:
        self.store.decisions.undo("lead")

    @rule(items=st.lists(ITEM, max_size=3))
    def ask(self, items: list[int]) -> None:
        self.store.decisions.ask_again(items)
        self.store.asked_next.ask(items, 2, "lead", "made up")

    @rule(items=st.lists(ITEM, max_size=6, unique=True))
    def finish_round(self, items: list[int]) -> None:
        rank(self.store, [item for item in items if self.store.items.get(item)])

    @rule(item=ITEM, back=st.booleans())
    def set_aside(self, item: int, back: bool) -> None:
        if back:
            self.store.set_aside.bring_back([item])
        else:
            self.store.set_aside.put({item: "it is broken"})

    @rule(item=ITEM)
    def erase(self, item: int) -> None:
        self.store.erasure.items([item])

    @rule()
    def erase_person(self) -> None:
        self.store.erasure.person("lee", notes=True)

    @precondition(lambda self: "fair" not in self.store.config.classes)
    @rule()
    def retire_a_class(self) -> None:
        change = ClassChange("add", (), ("fair",))
        stored = self.store.class_changes.add(change, "lead")
        self.store.config = replace(self.store.config, classes=stored.after)
        stored = self.store.class_changes.add(ClassChange("retire", ("bad",), ()), "lead")
        self.store.config = replace(self.store.config, classes=stored.after)

    @invariant()
    def columns_say_what_the_answers_say(self) -> None:
        rows = self.store.db.rows(
            f"SELECT i.id, i.open, {OPEN} AS is_open, i.labels, (SELECT COUNT(*) FROM answers WHERE item_id = i.id"
            " AND action = 'label') AS n_labels FROM items i"
        )
        assert [(row["id"], row["open"], row["labels"]) for row in rows] == [
            (row["id"], row["is_open"], row["n_labels"]) for row in rows
        ]

    @invariant()
    def counts_are_those_of_the_items(self) -> None:
        kept, counted = (
            self.store.db.rows(f"SELECT {columns} ORDER BY 1, 2, 3, 4")
            for columns in (
                "split, label, open, known, n FROM item_counts WHERE n <> 0",
                "split, COALESCE(label, '') AS label, open, known, COUNT(*) AS n FROM items WHERE split IS NOT NULL"
                " GROUP BY 1, 2, 3, 4",
            )
        )
        assert kept == counted
        kept, counted = (
            self.store.db.rows(f"SELECT {columns} ORDER BY 1")
            for columns in (
                "drawn, n FROM later_counts WHERE n <> 0",
                "chance > 0 AS drawn, COUNT(*) AS n FROM items WHERE chance IS NOT NULL AND split IS NOT NULL"
                " GROUP BY 1",
            )
        )
        assert kept == counted
        answers = self.store.db.rows(
            f"SELECT i.split, i.labels = 0 AS is_new, SUM(MAX({WANTED} - i.labels, 0)) AS answers, COUNT(*) AS items"
            f" FROM items i WHERE {OPEN} GROUP BY 1, 2",
            self.store.items.overlap_values(),
        )
        new = {row["split"]: row["items"] for row in answers if row["is_new"]}
        total = sum(row["answers"] for row in answers)
        assert self.store.items.still_open() == StillOpen(new.get("pool", 0), new.get("holdout", 0), total)

    @invariant()
    def imports_and_groups_are_counted(self) -> None:
        kept = self.store.db.rows("SELECT id, items, answered FROM imports")
        counted = self.store.db.rows(
            f"SELECT m.id, COUNT(i.id) AS items, COALESCE(SUM(i.id IN ({TOUCHED})), 0) AS answered FROM imports m"
            " LEFT JOIN items i ON i.import_id = m.id AND i.withdrawn IS NULL GROUP BY m.id"
        )
        assert kept == counted
        kept = self.store.db.rows("SELECT items, groups FROM group_totals")
        assert kept == self.store.db.rows(
            "SELECT COUNT(*) AS items, COUNT(DISTINCT of_group) AS groups FROM items"
            " WHERE of_group IS NOT NULL AND split IS NOT NULL"
        )
        groups: dict[str, set[str]] = {}
        for row in self.store.db.rows("SELECT id, of_group, split FROM items WHERE split IS NOT NULL"):
            groups.setdefault(row["of_group"] or row["id"], set()).add(row["split"])
        if counts := self.store.items.group_counts():
            sides = [*groups.values()]
            assert (counts.groups, counts.straddling) == (len(sides), sides.count({"pool", "holdout"}))
            assert counts.holdout_groups == sum("holdout" in side for side in sides)

    @invariant()
    def the_report_counts_what_is_there(self) -> None:
        counted = self.store.db.rows(
            "SELECT split, COUNT(*) AS items, SUM(label IS NOT NULL) AS labeled, SUM(known) AS imported_labels,"
            " SUM(adjudicated IS 'label') AS decided, SUM(adjudicated IS 'exclude') AS taken_out,"
            " SUM(drawn AND split = 'holdout') AS drawn, MIN(added_at) AS first_added, MAX(added_at) AS last_added"
            " FROM items WHERE split IS NOT NULL GROUP BY split ORDER BY split DESC"
        )
        assert self.store.items.composition() == counted

    @invariant()
    def places_are_free_whose_items_are_open_and_held_by_nobody(self) -> None:
        rows = self.store.db.rows(
            f"SELECT q.free, i.label IS NULL AND {OPEN} AND i.id NOT IN (SELECT item_id FROM reservations) AS is_free"
            " FROM queries q JOIN items i ON i.id = q.item_id"
            " WHERE q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds)"
        )
        assert all(row["free"] == row["is_free"] for row in rows)
        rows = self.store.db.rows(
            f"SELECT n.waits, i.label IS NULL AND {OPEN} AS is_open FROM asked_next n JOIN items i ON i.id = n.item_id"
            " WHERE n.taken_back_at IS NULL"
        )
        assert all(row["waits"] == row["is_open"] for row in rows)

    @invariant()
    def holders_are_those_of_the_reservations(self) -> None:
        rows = self.store.db.rows(
            "SELECT i.holders, (SELECT MIN(COUNT(*), 9) FROM reservations WHERE item_id = i.id) AS held FROM items i"
        )
        assert [row["holders"] for row in rows] == [row["held"] for row in rows]

    @invariant()
    def who_asks_for_enough_gets_every_free_item(self) -> None:
        values = {**self.store.items.overlap_values(), "annotator": "ann"}
        free = {row["id"] for row in self.store.db.rows(f"SELECT i.id FROM items i WHERE {FREE}", values)}
        held = {reserved.item.id for reserved in self.store.desk.reserve("ann", "ann", 20)}
        self.store.desk.reserve("ann", "ann", 0, release=sorted(held))
        assert held == free


Kept.TestCase.settings = settings(max_examples=12, stateful_step_count=25)
TestKept = Kept.TestCase


@contextmanager
def before(name: str, path: Path) -> Iterator[Sqlite]:
    """A new database with the migrations before the one that has this name or is the first behind it."""
    older = Migrations("labeler")
    with closing(connect(path)) as connection:
        for migration in schema.migrations.known().pending(Database(connection)):
            if migration.name < name:
                older(name=migration.name)(migration.fn)
        older.apply(Database(connection))
        yield connection


def test_a_database_from_before_anything_was_kept_is_counted_when_it_is_opened(tmp_path: Path):
    path = tmp_path / "labels.sqlite"
    with before("m026", path) as connection:
        hashes = [(n, name) for n, name in enumerate(HASHES, 1)]
        connection.executemany(
            "INSERT INTO items (id, content_hash, split, text, source, added_at)"
            " VALUES (?, ?, 'pool', 'a', 's', 'now')",
            hashes,
        )
        answers = [
            *((n, "kim", "label", "good") for n in (1, 2, 3)),
            (2, "lee", "label", "bad"),
            (4, "import", "label", "good"),
            (5, "kim", "flag", None),
            (6, "kim", "skip", None),
        ]
        connection.executemany(
            "INSERT INTO annotations (request_id, item_id, annotator, action, label, today, at)"
            " VALUES (?1 || ?2, ?1, ?2, ?3, ?4, ?4, 'now')",
            answers,
        )
        connection.execute("INSERT INTO reservations VALUES (7, 'kim', 't', NULL, 9e9)")
        connection.executemany(
            "INSERT INTO queries (round, rank, item_id, strategy) VALUES (0, ?1, ?1, 'random')",
            [(n,) for n in range(1, 9)],
        )
        connection.commit()
    kept = object.__new__(Kept)
    with Store(path, text_config(labeling=LabelingConfig(overlap=2, overlap_share=0.5))) as kept.store:
        assert kept.store.items.counts().labeled == 4
        assert kept.store.db.value("SELECT SUM(free) FROM queries") == 2
        kept.columns_say_what_the_answers_say()
        kept.counts_are_those_of_the_items()
        kept.imports_and_groups_are_counted()
        kept.places_are_free_whose_items_are_open_and_held_by_nobody()


def test_holders_of_a_database_from_before_they_were_counted_are_counted_when_it_is_opened(tmp_path: Path):
    path = tmp_path / "labels.sqlite"
    people = [f"person {n}" for n in range(11)]
    held = [(item, who) for item in range(1, 12) for who in people[:item]]  # up to two more than are counted
    with before("m050", path) as connection:
        connection.executemany(
            "INSERT INTO items (id, content_hash, split, text, source, added_at)"
            " VALUES (?, ?, 'pool', 'a', 's', 'now')",
            [*enumerate(HASHES, 1)],
        )
        connection.executemany(
            "INSERT INTO reservations VALUES (?1, ?2, 't', NULL, ?3)",
            [(item, who, 0.0 if item % 2 else 9e9) for item, who in held],
        )
        connection.commit()
    kept = object.__new__(Kept)
    with Store(path, text_config(labeling=LabelingConfig(overlap=12, overlap_share=1.0))) as kept.store:
        assert kept.store.db.value("SELECT MAX(holders) FROM items") == 9
        kept.holders_are_those_of_the_reservations()
        now = lease_time()
        kept.store.desk.reserve("ann", "ann", 0, at=now)  # a process that begins to serve lets nobody's end yet
        kept.store.desk.leave(people[0], "t", now - 100)
        for at, left in ((now, 55), (1e12, 0)):  # without the person who left, and without anybody
            kept.store.desk.reserve("ann", "ann", 0, at=at)
            assert kept.store.db.value("SELECT COUNT(*) FROM reservations") == left
            kept.holders_are_those_of_the_reservations()
        kept.who_asks_for_enough_gets_every_free_item()
