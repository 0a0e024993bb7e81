"""Inputs that are read when they are asked for."""

from collections.abc import Sequence

import numpy as np
import pytest

from labeler.core import inputs as module
from labeler.core.inputs import Input, Inputs, at


@pytest.fixture
def asked() -> list[list[int]]:
    """The ids that were read, a list each time."""
    return []


@pytest.fixture
def texts(asked: list[list[int]]) -> Inputs:
    """Seven texts, with the ids 10 to 16."""

    def read(ids: Sequence[int]) -> list[Input]:
        asked.append(list(ids))
        return [f"text {number}" for number in ids]

    return Inputs(np.arange(10, 17), read)


def test_choosing_some_reads_nothing(texts: Inputs, asked: list[list[int]]) -> None:
    chosen = at(texts[::2], np.array([3, 0]))
    assert (len(texts), len(chosen), asked) == (7, 2, [])
    assert list(chosen) == ["text 16", "text 10"]
    assert asked == [[16, 10]]


def test_all_are_read_some_at_a_time(texts: Inputs, asked: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_AT_ONCE", 3)
    assert list(texts) == [f"text {number}" for number in range(10, 17)]
    assert asked == [[10, 11, 12], [13, 14, 15], [16]]


def test_one_is_read_by_its_position(texts: Inputs, asked: list[list[int]]) -> None:
    assert texts[-1] == "text 16"
    assert asked == [[16]]


def test_of_a_list_some_are_chosen_by_position() -> None:
    assert at(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]
