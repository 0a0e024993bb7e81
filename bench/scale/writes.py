"""How long writes that touch many rows hold the write lock, which whoever labels waits for, by the number of items.

    python -m bench.scale.writes
    python -m bench.scale.writes --items 100000,1000000 --only undo

The items are made up and written by SQL, all of one import; where a case needs them, every second item has an imported
label, or ten people have labeled every tenth item. Each case works on a copy. A transaction holds the lock from its
BEGIN IMMEDIATE to the end of its COMMIT, which waits for the disk.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.scale import reserve
from bench.tables import table
from labeler.core.class_changes import ClassChange
from labeler.core.items import Answer
from labeler.core.settings import Config, EvaluationConfig, FeedConfig, LabelingConfig
from labeler.store import Store
from labeler.store.database import Connection
from labeler.store.foreign import NewForeign

CONFIG = Config("bench", ("good", "bad", "odd"), modality="text", budget=10**7)
AT = "2026-01-01T00:00:00.000+00:00"
# What people or an import have answered about items, and what the triggers would keep of it.
LABEL = """
    INSERT INTO annotations (request_id, item_id, annotator, action, label, today, at)
    SELECT :request || id, id, {who}, 'label', 'good', 'good', :at FROM items WHERE id % :every = 0;
    UPDATE items SET label = 'good', labels = 1, known = :known WHERE id % :every = 0;
    INSERT INTO tally SELECT annotator, COUNT(*) FROM annotations GROUP BY 1;
"""
COUNT = """
    DELETE FROM item_counts;
    INSERT INTO item_counts SELECT split, COALESCE(label, ''), open, known, COUNT(*) FROM items
        WHERE split IS NOT NULL GROUP BY 1, 2, 3, 4;
    DELETE FROM open_counts;
    INSERT INTO open_counts SELECT labels, substr(content_hash, 1, 3), COUNT(*) FROM items WHERE open GROUP BY 1, 2;
"""


@dataclass
class Held:
    """The milliseconds for which each transaction held the write lock: on the clock, and of the processor."""

    spent: list[tuple[float, float]] = field(default_factory=list)


@contextmanager
def watched() -> Iterator[Held]:
    """What the transactions of the block hold the lock for."""
    held_locks, begin = Held(), Connection._begin

    @contextmanager
    def timed() -> Iterator[None]:
        began, processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            spent = time.perf_counter() - began, time.thread_time() - processor
            held_locks.spent.append((1000 * spent[0], 1000 * spent[1]))

    def begin_timed(self: Connection, held: ExitStack) -> None:
        begin(self, held)
        held.enter_context(timed())

    Connection._begin = begin_timed  # type: ignore[method-assign]
    try:
        yield held_locks
    finally:
        Connection._begin = begin  # type: ignore[method-assign]


# ---------------------------------------------------------------- made-up projects


@contextmanager
def without_triggers(store: Store) -> Iterator[None]:
    """A transaction in which no trigger counts; what the triggers keep is counted anew at its end."""
    with store.write():
        triggers = store.db.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        for trigger in triggers:
            store.db.execute(f"DROP TRIGGER {trigger['name']}")
        yield
        run(store, COUNT)
        for trigger in triggers:
            store.db.execute(trigger["sql"])


def run(store: Store, script: str, **values: object) -> None:
    for statement in script.strip().split(";")[:-1]:
        store.db.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})


def plain(store: Store, items: int) -> None:
    """Items of one import, of which some are the holdout."""
    reserve.make(store, items)
    store.imports.begin("made up")
    with without_triggers(store):
        store.db.execute("UPDATE items SET import_id = 1")
        store.db.execute("UPDATE imports SET items = ?", [items])


def known(store: Store, items: int) -> None:
    """Every second item has an imported label."""
    plain(store, items)
    with without_triggers(store):
        run(store, LABEL.format(who="'import'"), request="import:", every=2, known=1, at=AT)


def labeled(store: Store, items: int) -> None:
    """Ten people have labeled every tenth item."""
    plain(store, items)
    with without_triggers(store):
        run(store, LABEL.format(who="'annotator' || (id / 10 % 10)"), request="made:", every=10, known=0, at=AT)


# ---------------------------------------------------------------- what is measured


@dataclass(frozen=True)
class Case:
    """A write. base: what the project holds before; begin: what is done before, and gives the call to be measured."""

    base: Callable[[Store, int], None]
    begin: Callable[[Store, int], Callable[[], object]]
    config: Config = CONFIG


def undo(store: Store, _items: int) -> Callable[[], object]:
    return lambda: store.imports.undo(1, "lead")


def undo_grouped(store: Store, items: int) -> Callable[[], object]:
    with without_triggers(store):
        store.db.execute("UPDATE items SET of_group = 'g' || (id % 1000)")
        store.db.execute("UPDATE group_totals SET items = ?, groups = 1000", [items])
    return undo(store, items)


def undecided(store: Store, items: int) -> None:
    """The second half of the items has no side yet."""
    with without_triggers(store):
        store.db.execute("UPDATE items SET split = NULL, drawn = 0 WHERE id > ?", [items // 2])


def later(store: Store, items: int) -> Callable[[], object]:
    undecided(store, items)
    return store.holdout.draw


def later_undone(store: Store, items: int) -> Callable[[], object]:
    undecided(store, items)
    with store.write():
        store.db.execute("UPDATE imports SET undone_at = at")
    return store.holdout.draw


def grouped(store: Store, items: int) -> Callable[[], object]:
    with without_triggers(store):
        store.db.execute("UPDATE items SET split = NULL, of_group = 'g' || (id % 1000)")
    return store.holdout.draw


def known_groups(store: Store, items: int) -> Callable[[], object]:
    with without_triggers(store):
        store.db.execute("UPDATE items SET of_group = 'g' || (id % 1000)")
    undecided(store, items)
    return store.holdout.draw


def rename(store: Store, _items: int) -> Callable[[], object]:
    return lambda: store.class_changes.add(ClassChange("rename", ("good",), ("fine",)), "lead")


def person(store: Store, _items: int) -> Callable[[], object]:
    return lambda: store.erasure.person("annotator3", True)


def vacuum(store: Store, _items: int) -> Callable[[], object]:
    return store.erasure.finish


def erased(store: Store, items: int) -> Callable[[], object]:
    with without_triggers(store):
        store.db.execute("UPDATE items SET of_group = 'g' || (id / 10)")
    return lambda: store.erasure.items(range(1, 101))


def foreign(store: Store, items: int) -> Callable[[], object]:
    model = store.foreign.begin("m", "1", "t.csv", 0)
    proba = np.array([0.2, 0.3, 0.5], dtype="<f4")
    for first in range(1, items + 1, 5000):
        store.foreign.put(model, [NewForeign(i, "good", proba) for i in range(first, first + 5000)])
    return lambda: store.foreign.finish([model])


def qualification(store: Store, _items: int) -> Callable[[], object]:
    return lambda: store.desk.reserve("newcomer", "tab", 20)


def tasks(store: Store, items: int) -> Callable[[], object]:
    store.label_studio.remember({n: n for n in range(1, items + 1)}, 0)
    return lambda: store.label_studio.forget_others(range(2, items + 1))


def remembered(store: Store, items: int) -> Callable[[], object]:
    return lambda: store.label_studio.remember({n: n for n in range(1, items + 1)}, 0)


def feed(store: Store, items: int) -> Callable[[], object]:
    versions = {f"folder/file-{n}.txt": "1" for n in range(items)}
    return lambda: store.feeds.has_read("inbox", versions)


def no_feed(store: Store, items: int) -> Callable[[], object]:
    store.config = replace(CONFIG, feeds={"inbox": FeedConfig("folder", "/srv/inbox")})
    store.feeds.begin("inbox")
    store.feeds.has_read("inbox", {f"folder/file-{n}.txt": "1" for n in range(items)})
    store.config = replace(CONFIG, feeds={"inbox": FeedConfig("folder", "/srv/other")})
    return lambda: store.feeds.begin("inbox")


def aside(store: Store, items: int) -> Callable[[], object]:
    return lambda: store.set_aside.put(dict.fromkeys(range(1, items // 10), "the file is gone"))


def mended(store: Store, items: int) -> Callable[[], object]:
    store.set_aside.put(dict.fromkeys(range(1, items // 10), "the file is gone"))
    return lambda: store.set_aside.bring_back(range(1, items // 10))


def rescued(store: Store, items: int) -> Callable[[], object]:
    rows = [
        {
            "table": "annotations",
            "id": n,
            "request_id": f"r{n}",
            "annotator": "kim",
            "action": "label",
            "label": "good",
            "at": AT,
            "item_id": item,
            "content_hash": content,
        }
        for n, (item, content) in enumerate(
            store.db.execute("SELECT id, content_hash FROM items WHERE split = 'pool' LIMIT ?", [items // 10]), 1
        )
    ]
    return lambda: store.rescued.put_back(rows, "lead")


def finished(store: Store, _items: int) -> Callable[[], object]:
    return lambda: reserve.rank(store)


def answered(store: Store, items: int) -> Callable[[], object]:
    return lambda: store.answers.add("kim", [Answer("1", items // 3, "label", "good")])


LATER = replace(CONFIG, evaluation=EvaluationConfig(later_share=0.1, later_most=1000))
NEWCOMERS = replace(CONFIG, labeling=LabelingConfig(qualification=20))
CASES = {
    "undo of an import": Case(known, undo),
    "undo of one in groups": Case(plain, undo_grouped),
    "draw of later items": Case(plain, later, LATER),
    "the same behind an undoing": Case(plain, later_undone, LATER),
    "first draw, by groups": Case(plain, grouped),
    "draw of known groups": Case(plain, known_groups),
    "a class renamed": Case(labeled, rename),
    "a person erased": Case(labeled, person),
    "the file written anew behind it": Case(labeled, vacuum),
    "100 items erased": Case(plain, erased),
    "predictions counted": Case(plain, foreign),
    "qualification drawn": Case(known, qualification, NEWCOMERS),
    "tasks forgotten": Case(plain, tasks),
    "tasks remembered": Case(plain, remembered),
    "files of a feed": Case(plain, feed),
    "a feed forgotten": Case(plain, no_feed),
    "a tenth set aside": Case(plain, aside),
    "a tenth brought back": Case(plain, mended),
    "answers to a tenth put back": Case(plain, rescued),
    "a round finished": Case(labeled, finished),
    "an answer": Case(labeled, answered),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", default="100000,1000000", help="sizes of the project")
    parser.add_argument("--only", default="", help="cases with one of these words")
    parser.add_argument("--folder", type=Path, help="where the databases are made; a temporary one by default")
    options = parser.parse_args()
    rows = []
    for items in map(int, options.items.split(",")):
        with tempfile.TemporaryDirectory(prefix="labeler-writes-", dir=options.folder) as folder:
            made: dict[Callable[[Store, int], None], Path] = {}
            for name, case in CASES.items():
                if any(word in name for word in options.only.split(",")):
                    rows.append({"write": name, "items": f"{items:,}", **measured(case, items, Path(folder), made)})
                    print(json.dumps(rows[-1]), flush=True)
    print(f"\n{table(rows)}")


def measured(case: Case, items: int, folder: Path, made: dict[Callable[[Store, int], None], Path]) -> dict[str, Any]:
    """The transactions of a case: how many, the longest, and the seconds of the call."""
    if case.base not in made:
        made[case.base] = folder / f"{case.base.__name__}.sqlite"
        with Store(made[case.base], CONFIG) as store:
            case.base(store, items)
    path = folder / "copy.sqlite"
    shutil.copy(made[case.base], path)
    with Store(path, case.config) as store:
        call = case.begin(store, items)
        began, processor = time.perf_counter(), time.thread_time()
        with watched() as held:
            call()
        seconds, of_processor = time.perf_counter() - began, time.thread_time() - processor
    path.unlink()
    # a statement that must not lie in a transaction is one
    longest, its_processor = max(held.spent, default=(1000 * seconds, 1000 * of_processor))
    return {
        "transactions": max(1, len(held.spent)),
        "longest, ms": round(longest),
        "of the processor": round(its_processor),
        "all of it, s": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
