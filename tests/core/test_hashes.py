"""Hashes as one array, and the items that are first by the end of theirs."""

import numpy as np
import pytest

from labeler.core.hashes import endings, hashes_in
from labeler.core.items import ItemColumns


@pytest.mark.parametrize("lines", [[b"a1", b"b2"], [b"a1", b"b", b"c34"], [b"a", b"bcd"], []])
def test_hashes_are_one_a_line(lines: list[bytes]) -> None:
    assert hashes_in(b"".join(line + b"\n" for line in lines)).tolist() == lines


@pytest.mark.parametrize("length", [3, 8, 32])
def test_endings_are_ordered_as_the_reversed_hashes_are(length: int) -> None:
    draw = np.random.default_rng(length)
    hashes = sorted({bytes(draw.choice([*b"0123456789abcdef"], length).tolist()) for _ in range(300)})
    by_end = [hashes[place] for place in np.argsort(endings(np.array(hashes)), kind="stable")]
    assert by_end == sorted(hashes, key=lambda name: name[::-1])


def columns(hashes: list[str]) -> ItemColumns:
    n = len(hashes)
    return ItemColumns(np.arange(1, n + 1), np.array(hashes, dtype=np.bytes_), np.zeros(n, dtype=bool))


@pytest.mark.parametrize("lengths", [(32,), (5,), (1, 9, 12)])
def test_items_are_spread_by_the_reversed_hash(lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.core.items.READ_AT_ONCE", 70)
    draw = np.random.default_rng(0)
    hashes = ["".join(draw.choice([*"0123"], draw.choice(lengths))) for _ in range(300)]
    items, some = columns(hashes), np.arange(3, 300, 2)
    expected = sorted(range(300), key=lambda place: (hashes[place][::-1], place))
    for n in (0, 1, 40, 300, 400):
        assert items.spread(n).tolist() == expected[:n]
        assert items.spread(n, some).tolist() == [place for place in expected if place in some][:n]


@pytest.mark.parametrize("asked", [[], [2, 9], [1, 4, 400], [0, -3, 5]])
def test_which_items_are_among_some(asked: list[int]) -> None:
    ids = np.array([2, 4, 5, 9])
    items = ItemColumns(ids, np.array([b"a"] * 4), np.zeros(4, dtype=bool))
    assert items.is_among(set(asked)).tolist() == [item in asked for item in ids.tolist()]
    assert columns([]).is_among(set(asked)).tolist() == []
