"""How long the desk and the pages wait for the store, by the number of items: before the first ranking, with one, and
once it is used up.

    python -m bench.scale.reserve
    python -m bench.scale.reserve --items 100000 --annotators 10 --cycles 100

The items are made up and written by SQL. `--annotators` people hold 20 items each; in each cycle one of them, in turn,
answers an item, reserves what is missing and asks what the desk shows beside it. A commit waits for the disk, which is
part of the time. The last phase is that of a pool whose items all have labels or are held, and is measured at sizes up
to `--empty`.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import table
from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.core.settings import Config, LabelingConfig, QueryConfig
from labeler.store import Store
from labeler.store.catalogue import ItemFilter

AHEAD = 20  # items that a tab holds, as in pages/desk/sync/queue.js
DEPTH = 500  # places of the ranking
HOLDOUT = 300
Spent = list[tuple[float, float]]  # milliseconds on the clock, and of the processor, of each call
# An item for each number, in the order of the hashes, which are spread evenly.
FILL = """
    WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :items)
    INSERT INTO items (content_hash, split, text, source, metadata, added_at)
    SELECT printf('%08x%024x', n * 4294967296 / :items, n), iif(n % :every, 'pool', 'holdout'),
           'A made-up sentence that is as long as most of those that people label: number ' || n, 'made up row ' || n,
           '{}', '2026-01-01T00:00:00.000+00:00' FROM numbers
"""
COUNT = """
    INSERT INTO item_counts SELECT split, '', open, 0, COUNT(*) FROM items GROUP BY 1, 2, 3;
    INSERT INTO open_counts SELECT labels, substr(content_hash, 1, 3), COUNT(*) FROM items WHERE open GROUP BY 1, 2;
"""
# Labels of every hundredth item, so that what is labeled grows as well.
LABELS = """
    INSERT INTO annotations (request_id, item_id, annotator, action, label, today, at)
    SELECT 'made:' || id, id, 'annotator' || (id % 10), 'label', :label, :label, '2026-01-01T00:00:00.000+00:00'
    FROM items WHERE id % 100 = 7
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", default="100000,1000000,10000000", help="sizes of the pool")
    parser.add_argument("--annotators", type=int, default=100)
    parser.add_argument("--cycles", type=int, default=250, help="answers in each phase")
    parser.add_argument("--overlap", type=int, default=1, help="people that label each of a fifth of the items")
    parser.add_argument("--empty", type=int, default=1_000_000, help="largest pool that is used up")
    parser.add_argument("--folder", type=Path, help="where the databases are made; a temporary one by default")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    desk: list[dict[str, Any]] = []
    reads: list[dict[str, Any]] = []
    for items in map(int, options.items.split(",")):
        with tempfile.TemporaryDirectory(prefix="labeler-reserve-", dir=options.folder) as folder:
            labeling = LabelingConfig(overlap=options.overlap, overlap_share=0.2)
            query = QueryConfig(seed_size=100_000, batch=100_000)
            config = Config("bench", ("good", "bad"), modality="text", budget=10**7, query=query, labeling=labeling)
            with Store(Path(folder) / "labels.sqlite", config) as store:
                began = time.perf_counter()
                fill(store, items)
                print(f"{items:,} items made in {time.perf_counter() - began:.0f} s", flush=True)
                tabs = Desk(store, options.annotators)
                for phase, begin in PHASES.items():
                    if phase == LAST:
                        reads.append({"items": f"{items:,}", **page_reads(store)})
                        print(json.dumps(reads[-1]), flush=True)
                    if phase != LAST or items <= options.empty:
                        begin(store)
                        desk.append({"items": f"{items:,}", "phase": phase, **tabs.cycles(options.cycles)})
                        print(json.dumps(shown(desk[-1])), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"desk": desk, "reads": reads}, indent=1))
    print(f"\n{os.cpu_count()} cores, {options.annotators} annotators; p50 / p99 ms, of the processor in brackets\n")
    print(f"{table([shown(line) for line in desk])}\n\nReads, ms of the processor\n\n{table(by_read(reads))}")


def fill(store: Store, items: int) -> None:
    """Make the items, and labels of every hundredth."""
    make(store, items)
    with store.write():
        store.db.execute(LABELS, {"label": "good"})


def make(store: Store, items: int) -> None:
    """Make items without a label."""
    with store.write():
        aside = store.db.rows(
            "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = 'items' AND type IN ('index', 'trigger')"
            " AND sql IS NOT NULL ORDER BY type"
        )
        for row in aside:  # an index that is made of all items at once takes a tenth of the time
            store.db.execute(f"DROP {row['type']} {row['name']}")
        store.db.execute(FILL, {"items": items, "every": max(items // HOLDOUT, 2)})
        for row in aside:
            store.db.execute(row["sql"])
        for statement in COUNT.strip().splitlines():
            store.db.execute(statement)


def rank(store: Store) -> None:
    """Finish a round with a ranking of items of the pool."""
    free = store.db.execute("SELECT id FROM items WHERE split = 'pool' AND label IS NULL AND id % 3 = 1 LIMIT 5000")
    ranking = np.random.default_rng(0).permutation([item for (item,) in free])[:DEPTH].tolist()
    ranked = tuple(Ranked(item, "margin", None) for item in ranking)
    store.rounds.request("bench")
    job = store.rounds.claim()
    assert job is not None
    result = RoundResult(0, "margin", 0, None, ranked, 0.0, 0.0)
    store.rounds.finish(job, FinishedRound(store.rounds.next_number(), result, ranking))


def use_up_ranking(store: Store) -> None:
    """Answer everything in the latest ranking."""
    ranking = [row["item_id"] for row in store.rounds.ranking(store.rounds.next_number() - 1)]
    store.answers.add("somebody", [Answer(f"used-{item}", item, "label", "good") for item in ranking])


def use_up_pool(store: Store) -> None:
    """Take out everything that nobody holds."""
    held = "SELECT item_id FROM reservations"
    store.db.execute(f"UPDATE items SET adjudicated = 'exclude' WHERE label IS NULL AND id NOT IN ({held})")


LAST = "pool used up"
PHASES: dict[str, Callable[[Store], None]] = {
    "before the first ranking": lambda _store: None,
    "with a ranking": rank,
    "ranking used up": use_up_ranking,
    LAST: use_up_pool,
}


class Desk:
    """The tabs of annotators, each with items."""

    def __init__(self, store: Store, annotators: int) -> None:
        self.store = store
        self.held: dict[str, list[int]] = {}
        for number in range(annotators):
            self._reserve(f"annotator{number}")
        self.answered = 0

    def _reserve(self, name: str) -> None:
        self.held[name] = [reserved.item.id for reserved in self.store.desk.reserve(name, name, AHEAD)]

    def cycles(self, n: int) -> dict[str, Spent]:
        """What each call took, by its name."""
        names = list(self.held)
        spent = [self._cycle(names[number % len(names)]) for number in range(n)]
        return {call: [cycle[call] for cycle in spent if call in cycle] for call in ("answer", *spent[0])}

    def _cycle(self, name: str) -> dict[str, tuple[float, float]]:
        store, spent = self.store, dict[str, tuple[float, float]]()
        if self.held[name]:
            self.answered += 1
            answer = Answer(f"{self.answered}", self.held[name][0], "label", "bad", 1.0, name)
            spent["answer"] = milliseconds(lambda: store.answers.add(name, [answer]))
        spent["reserve"] = milliseconds(lambda: self._reserve(name))
        spent["progress"] = milliseconds(lambda: progress(store, name))
        spent["counts"] = milliseconds(lambda: store.items.counts(name))
        return spent


def progress(store: Store, name: str) -> None:
    """What the API reads for the line beside the desk."""
    store.items.labels_spent(), store.rounds.labels_missing(), store.items.still_open(), store.items.labels_by(name)
    store.desk.active_annotators(), store.team.somebody_waits(name), store.rounds.next_number()


def page_reads(store: Store) -> dict[str, float]:
    """The processor's milliseconds of what pages read, each the median of five."""
    search = store.catalogue.search
    first = search(ItemFilter(state="labeled")).ids[:50].tolist()
    reads: dict[str, Callable[[], object]] = {
        "version": store.version,
        "counts": store.items.counts,
        "labels until the next round": store.rounds.labels_until_next,
        "why nothing": lambda: store.desk.waiting_reason("nobody"),
        "flagged": store.items.flagged,
        "anything new": store.rounds.anything_new,
        "classes outside": store.class_changes.outside,
        "newest": store.catalogue.newest,
        "not listed": store.catalogue.unlisted,
        "a page of items": lambda: store.catalogue.page(first),
        "list: labeled": lambda: search(ItemFilter(state="labeled")),
        "list: without a label": lambda: search(ItemFilter(state="unlabeled")),
        "list: a class": lambda: search(ItemFilter(name="bad")),
        "list: all": lambda: search(ItemFilter()),
        "a word, a part": lambda: search(ItemFilter(words="number 7"), seconds=0),
        "values of a column": lambda: store.slices.counts("site"),
        "imports": store.imports.all,
        "composition": store.items.composition,
        "groups": store.items.group_counts,
    }
    return {name: round(float(np.median([milliseconds(read)[1] for _ in range(5)])), 2) for name, read in reads.items()}


def by_read(reads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line for each read, with a column for each number of items."""
    return [{"read": name, **{line["items"]: line[name] for line in reads}} for name in reads[0] if name != "items"]


def milliseconds(call: Callable[[], object]) -> tuple[float, float]:
    """What a call took on the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.thread_time()
    call()
    return 1000 * (time.perf_counter() - clock), 1000 * (time.thread_time() - processor)


def shown(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the table: quantiles in place of the values."""
    return {name: quantiles(value) if isinstance(value, list) else value for name, value in line.items()}


def quantiles(spent: Spent) -> str | None:
    """p50 and p99 on the clock, and in brackets of the processor."""
    if not spent:
        return None
    (clock, processor), (high, high_processor) = np.percentile(np.array(spent), (50, 99), axis=0)
    return f"{clock:.1f} / {high:.1f} ({processor:.1f} / {high_processor:.1f})"


if __name__ == "__main__":
    main()
