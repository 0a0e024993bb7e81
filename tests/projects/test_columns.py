"""Columns beside the item: those that the project chose, and never one that tells the answer."""

from collections.abc import Callable, Sequence

import pytest

from labeler.core.items import Item, NewItem
from labeler.core.settings import LabelingConfig
from labeler.projects.columns import choices, shown
from tests.support.samples import text_config

LABELS = ["good", "bad"] * 20
Column = Callable[[int, str], str]


def fill(store, column: Column, labels: Sequence[str | None], is_held_out: Callable[[int], bool] = lambda i: False):
    store.items.add(
        [
            NewItem(
                f"{i:032x}", f"row {i}", text=f"t{i}", label=label, metadata={"c": column(i, label or "")},
                split="holdout" if is_held_out(i) else "pool",
            )
            for i, label in enumerate(labels)
        ]
    )  # fmt: skip


def test_only_chosen_columns_are_shown_in_the_order_of_the_settings():
    item = Item(1, "a", "pool", "row 1", "text", None, {"age": "61", "site": "Seoul", "label": "good", "empty": ""})
    config = text_config(labeling=LabelingConfig(show_columns=("site", "empty", "gone", "age")))
    assert list(shown(item, config).items()) == [("site", "Seoul"), ("age", "61")]
    assert shown(item, text_config()) == {}


@pytest.mark.parametrize(
    "column",
    [
        lambda i, label: label,
        lambda i, label: label.upper(),
        lambda i, label: {"good": "1", "bad": "0"}[label],
        lambda i, label: {"good": "1", "bad": "0"}[label] if i else "0",  # one mistake
        lambda i, label: f"scans/{label}/{i}.png",
    ],
)
def test_a_column_that_tells_the_label_is_refused(store, column: Column):
    fill(store, column, LABELS)
    assert str(choices(store)["c"]).startswith("The column 'c' tells the label of ")


@pytest.mark.parametrize(
    "column",
    [
        lambda i, label: "AB"[i // 2 % 2],
        lambda i, label: str(i),
        lambda i, label: "the same",
        lambda i, label: "good and bad",
    ],
)
def test_other_columns_may_be_shown(store, column: Column):
    fill(store, column, LABELS)
    assert choices(store) == {"c": None}


@pytest.mark.parametrize(
    "column",
    [
        lambda i, label: str(0.5 + 0.01 * i if label == "good" else 0.5 - 0.01 * i),
        lambda i, label: f"{1000 + i if label == 'bad' else 990 - i:,}",
        lambda i, label: str(100 + i if (label == "good") != (i == 7) else i),  # one item on the other side
    ],
)
def test_numbers_that_tell_the_label_by_a_threshold_are_refused(store, column: Column):
    fill(store, column, LABELS)
    assert "tell items of the class" in str(choices(store)["c"])


def test_a_number_that_is_higher_for_a_class_on_average_may_be_shown(store):
    fill(store, lambda i, label: str((7 * i) % 40 + (8 if label == "good" else 0)), LABELS)
    assert choices(store) == {"c": None}


def test_a_number_is_not_judged_by_a_handful_of_items(store):
    fill(store, lambda i, label: str(i + (100 if label == "good" else 0)), ["good"] * 4 + ["bad"] * 36)
    assert choices(store) == {"c": None}
    more = [{"c": str(110 + i)} for i in range(3)]
    store.items.add(
        [NewItem(f"u{row['c']}", "row", text=row["c"], label="good", metadata=row, split="pool") for row in more]
    )
    assert "tell items of the class" in str(choices(store)["c"])


def test_a_column_that_always_agrees_with_a_frequent_label_tells_nothing(store):
    fill(store, lambda i, label: "AB"[i % 2], ["good"] * 39 + ["bad"])
    assert choices(store) == {"c": None}


def test_names_of_classes_are_refused_before_there_are_labels(store):
    fill(store, lambda i, label: ["Good", "bad"][i % 2], [None] * 10)
    assert "names of the classes" in str(choices(store)["c"])


def test_a_column_that_tells_the_holdout_is_refused(store):
    fill(store, lambda i, label: "x" if i % 5 else "y", [None] * 50, is_held_out=lambda i: i % 5 == 0)
    assert "measure the model" in str(choices(store)["c"])
