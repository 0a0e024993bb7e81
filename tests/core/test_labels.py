"""The text of a label set and its targets: there and back, also through a table's cell, whatever classes are called."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.labels import cell_of, is_answer, join, labels_at, names_in, names_of, split, texts_of
from tests.support.samples import text_config, topics_config

SEVERAL, ONE = topics_config(), text_config()
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)


def test_the_text_is_a_list_in_the_order_of_the_classes() -> None:
    assert join(["칭찬", "배송"], SEVERAL) == '["배송","칭찬"]'
    assert join([], SEVERAL) == "[]"
    assert join(["bad"], ONE) == "bad"
    assert split('["배송","칭찬"]') == ("배송", "칭찬")
    assert split("[]") == ()


def test_only_sets_of_the_projects_classes_in_their_order_are_answers() -> None:
    assert is_answer("[]", SEVERAL)
    assert is_answer('["배송","칭찬"]', SEVERAL)
    assert not is_answer('["칭찬","배송"]', SEVERAL)  # the same set must be the same text: votes are counted by it
    assert not is_answer('["배송","배송"]', SEVERAL)
    assert not is_answer('["옛것"]', SEVERAL)
    assert not is_answer("배송", SEVERAL)
    assert not is_answer("{}", SEVERAL)
    assert is_answer("good", ONE)
    assert not is_answer('["good"]', ONE)


def test_labels_of_one_class_an_item_are_sets_of_one() -> None:
    assert split("배송") == ("배송",)
    assert split("[배송") == ("[배송",)
    assert split("2") == ("2",)
    assert names_of("good", ONE) == ("good",)
    assert names_of('["배송","칭찬"]', SEVERAL) == ("배송", "칭찬")


def test_labels_become_targets_and_labels_again() -> None:
    labels = labels_at([4, 7, 9], ['["환불","칭찬"]', "[]", '["배송"]'], SEVERAL)
    assert labels.several
    np.testing.assert_array_equal(labels.positions, [4, 7, 9])
    np.testing.assert_array_equal(labels.targets, [[0, 1, 1], [0, 0, 0], [1, 0, 0]])
    assert texts_of(labels.targets, SEVERAL) == ['["환불","칭찬"]', "[]", '["배송"]']
    single = labels_at([4, 7], ["bad", "good"], ONE)
    assert not single.several
    assert texts_of(single.targets, ONE) == ["bad", "good"]


def test_labels_of_removed_classes_are_left_out() -> None:
    kept = labels_at([1, 2], ['["배송","옛것"]', '["옛것"]'], SEVERAL)
    np.testing.assert_array_equal(kept.targets, [[1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(labels_at([1, 2], ["good", "gone"], ONE).positions, [1])


def test_nothing_labeled_has_the_shape_of_its_kind() -> None:
    assert labels_at([], [], SEVERAL).targets.shape == (0, 3)
    assert labels_at([], [], ONE).targets.shape == (0,)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("배송;칭찬", ("배송", "칭찬")),
        (" 배송 | 칭찬 ", ("배송", "칭찬")),
        ('["배송", "칭찬"]', ("배송", "칭찬")),
        ("배송;배송", ("배송",)),
        ("[]", ()),
        ("[배송;칭찬", ("[배송", "칭찬")),
        ("\u1107\u1162\u1109\u1169\u11bc", ("배송",)),  # as macOS takes letters apart
    ],
)
def test_cells_of_a_table(cell: str, names: tuple[str, ...]) -> None:
    assert names_in(cell, SEVERAL.classes) == names


def test_a_class_with_a_separator_in_its_name_is_not_taken_apart() -> None:
    assert names_in("ham;eggs", ["ham;eggs", "tea"]) == ("ham;eggs",)
    assert cell_of(["ham;eggs", "tea"]) == '["ham;eggs","tea"]'
    assert cell_of(["ham", "tea"]) == "ham;tea"
    assert cell_of([]) == "[]"


@given(st.data())
def test_a_cell_reads_back_as_the_set_that_it_was_written_for(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(NAMES.map(lambda name: unicodedata.normalize("NFC", name).strip()), min_size=2))
    config = topics_config(classes=tuple(dict.fromkeys([*filter(None, drawn), "가", "나"])))
    some = data.draw(st.sets(st.sampled_from(config.classes)))
    label = join(some, config)
    assert set(split(label)) == some
    assert set(names_in(cell_of(split(label)), config.classes)) == some
