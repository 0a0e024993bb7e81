"""The statements that people wait for touch as many items as they are about, whatever the size of the pool."""

import re
from collections.abc import Callable
from typing import get_args

import pytest

from labeler.core.items import Answer, Split
from labeler.core.settings import LabelingConfig
from labeler.store import Store
from labeler.store.catalogue import ItemFilter, State
from tests.support.fill import add, rank
from tests.support.samples import text_config

# Indexes of the few items that somebody labeled or set apart.
FEW = "items_(label|wanted|flagged|erased|unreadable|decided|withdrawn|undecided|holdout)"


def work(store: Store) -> None:
    """What the desk asks before the first ranking, with one and once it is used up."""
    for round_, tab in enumerate("abc"):
        held = store.desk.reserve("kim", tab, 6)
        store.desk.reserve("lee", tab, 3)
        for reserved in held[:4]:
            store.answers.add("kim", [Answer(f"{tab}{reserved.item.id}", reserved.item.id, "label", "good", tab=tab)])
        undone = Answer(f"{tab}undo", held[0].item.id, "undo", tab=tab, undoes=f"{tab}{held[0].item.id}")
        store.answers.add("kim", [undone, Answer(f"{tab}flag", held[4].item.id, "flag", tab=tab)])
        store.desk.reserve_one_class("ann", tab, 2)
        if round_ == 0:
            rank(store, [30, 31])
    store.desk.leave("kim", "a")


def read(store: Store) -> None:
    """What stands beside the desk, and what the pages show of all items."""
    store.items.counts("kim")
    store.rounds.labels_until_next()
    store.rounds.anything_new()
    store.desk.active_annotators()
    store.desk.waiting_reason("nobody")
    store.items.flagged()
    store.version()
    store.catalogue.newest()
    store.catalogue.unlisted()
    store.catalogue.page([1, 2, 3])
    for state in get_args(State):
        store.catalogue.search(ItemFilter(state=state))
    for split in get_args(Split):
        store.catalogue.search(ItemFilter(split=split))
    everything = store.catalogue.search(ItemFilter())
    store.catalogue.search(ItemFilter(name="good", annotator="kim", words="t1"))
    store.catalogue.search(ItemFilter(words="t", column="site", value="A"))  # a part of the items at a time
    store.catalogue.after(ItemFilter(words="t"), 20, 5, seconds=1.0)
    store.asked_next.first_askable(everything.ids, 5)
    store.slices.sample()
    store.slices.counts("site")
    store.slices.values("site")
    store.slices.facts()
    store.imports.all()
    store.items.composition()
    store.items.group_counts()
    store.items.answer_totals()
    store.items.hashes_of([1, 2])
    store.class_changes.outside()
    store.answers.history("kim")
    store.asked_next.ask([40, 41], 2, "lead", "two")
    store.asked_next.waiting()
    store.decisions.decided_items()
    store.pool.count()
    store.pool.count_unlabeled()
    store.pool.sample(5)
    store.class_changes.asked_again()


def plans(store: Store, calls: Callable[[Store], None]) -> dict[str, list[str]]:
    """How SQLite runs each statement of `calls`."""
    statements: dict[str, None] = {}
    store.db.connection.set_trace_callback(lambda sql: statements.setdefault(sql))
    calls(store)
    store.db.connection.set_trace_callback(None)
    asked = [sql for sql in statements if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql)]
    return {sql: [row["detail"] for row in store.db.rows(f"EXPLAIN QUERY PLAN {sql}")] for sql in asked}


@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("calls", [work, read])
def test_no_statement_reads_or_sorts_all_items(overlap: int, calls: Callable[[Store], None]):
    labeling = LabelingConfig(overlap=overlap, overlap_share=0.5)
    with Store(":memory:", text_config(labeling=labeling)) as store:
        add(store, 60)
        add(store, 6, split="holdout", first=60)
        seen = plans(store, calls)
        assert len(seen) > 20
        for sql, plan in seen.items():
            for step in plan:
                is_scan = re.match(r"SCAN (items|i|f)\b", step) and not re.search(FEW, step)
                if is_scan:
                    assert "ORDER BY content_hash LIMIT" in sql, f"{step} in {sql}"
            in_range = any(re.search(r"USING (COVERING )?INDEX items_(open|split|listed)", step) for step in plan)
            is_whole = in_range and not re.search(r"\) (further|held|unasked)\b", sql)  # up to a limit, or what is held
            assert not (is_whole and any("TEMP B-TREE FOR ORDER BY" in step for step in plan)), f"{plan} in {sql}"


def test_what_is_asked_first_is_found_in_the_order_of_an_index():
    """The statement that appends to a ranking walks the open items in the order in which it takes them."""
    with Store(":memory:", text_config()) as store:
        add(store, 60)
        plan = next(plan for sql, plan in plans(store, work).items() if sql.strip().startswith("INSERT INTO queries"))
        assert any("items_open (labels=? AND holders=? AND split=? AND content_hash>?)" in step for step in plan)
        assert not any("TEMP B-TREE" in step for step in plan)


def test_a_part_of_the_items_without_a_split_is_found_by_their_ids():
    with Store(":memory:", text_config()) as store:
        add(store, 4, split="holdout")
        add(store, 9, split=None, first=4)
        parts = {sql: plan for sql, plan in plans(store, lambda s: s.holdout.draw()).items() if "id > " in sql}
        assert len(parts) >= 2
        assert all(any("items_undecided (id>?" in step for step in plan) for plan in parts.values()), parts


def test_items_for_a_second_person_are_found_by_their_labels_and_holders_and_the_share_of_the_overlap():
    with Store(":memory:", text_config(labeling=LabelingConfig(overlap=2, overlap_share=0.5))) as store:
        add(store, 60)
        taken = [plan for sql, plan in plans(store, work).items() if ") further" in sql]
        assert len(taken) > 0
        parts = "items_open (labels=? AND holders=? AND split=? AND content_hash<?)"
        assert all(any(parts in step for step in plan) for plan in taken)


def test_exports_are_read_in_the_order_of_their_rows_and_nothing_is_held_or_sorted():
    def export(store: Store) -> None:
        for rows in (store.answers, store.items):
            assert [*rows.stream()]
            rows.exported()
            rows.metadata_names()

    with Store(":memory:", text_config()) as store:
        add(store, 60)
        work(store)
        for sql, plan in plans(store, export).items():
            held = [step for step in plan if re.match(r"MATERIALIZE|CO-ROUTINE|USE TEMP B-TREE", step)]
            assert held in ([], ["USE TEMP B-TREE FOR DISTINCT"]), f"{plan} in {sql}"  # of names alone
