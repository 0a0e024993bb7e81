"""Nearest labeled items, from the cache of embeddings."""

import numpy as np

from labeler.backbones.cache import cached, embed
from labeler.explain.neighbours import nearest
from labeler.learner.model import Normalizer

POINTS = {"a": (3, 0), "b": (2, 0.1), "c": (0, 1), "d": (-1, 0), "e": (1, 1)}


class Table:
    """An encoder whose features are those above."""

    name, key, dims = "table", "table-1", (2,)

    def encode(self, inputs, on_progress=None):
        return np.array([POINTS[name] for name in inputs], dtype=np.float32)


def test_the_nearest_come_first_with_their_cosine(tmp_path):
    embed(list(POINTS), list(POINTS), Table(), tmp_path)
    neighbours = nearest("a", ["d", "c", "b", "a"], 2, Table.key, Normalizer(np.zeros(2, np.float32), (2,)), tmp_path)
    assert [neighbour.content_hash for neighbour in neighbours] == ["b", "c"]  # never the item itself
    np.testing.assert_allclose([neighbour.similarity for neighbour in neighbours], [2 / np.hypot(2, 0.1), 0], atol=1e-6)
    moved = nearest("c", ["a", "e"], 5, Table.key, Normalizer(np.array([0, 3], np.float32), (2,)), tmp_path)
    assert [neighbour.content_hash for neighbour in moved] == ["e", "a"]  # seen from the normalizer's centre


def test_an_item_without_embedding_has_no_neighbours_and_is_no_neighbour(tmp_path):
    normalizer = Normalizer(np.zeros(2, np.float32), (2,))
    assert nearest("a", ["b"], 3, Table.key, normalizer, tmp_path) == []
    embed(["a", "b"], ["a", "b"], Table(), tmp_path)
    assert [neighbour.content_hash for neighbour in nearest("a", ["b", "c"], 3, Table.key, normalizer, tmp_path)] == [
        "b"
    ]
    assert nearest("c", ["a"], 3, Table.key, normalizer, tmp_path) == []
    assert nearest("a", ["a"], 3, Table.key, normalizer, tmp_path) == []


def test_a_cache_that_is_being_written_is_read_as_far_as_it_is_whole(tmp_path):
    embed(["a", "b"], ["a", "b"], Table(), tmp_path)
    home = tmp_path / Table.key
    with (home / "00000.f16").open("ab") as file:
        file.write(b"\0" * 3)
    with (home / "00000.keys").open("ab") as file:
        file.write(b"c\n")
    vectors, rows = cached({"a", "b", "c"}, Table.key, 2, tmp_path)
    assert rows == {"a": 0, "b": 1}
    assert vectors.shape == (2, 2)


def test_features_of_the_device_that_embedded_the_most_are_compared(tmp_path):
    embed(["a"], ["a"], Table(), tmp_path)
    embed(["a", "b"], ["a", "b"], Table(), tmp_path / "other")
    (tmp_path / "other" / Table.key).rename(tmp_path / f"{Table.key}-cuda-bfloat16")
    vectors, rows = cached({"a", "b"}, Table.key, 2, tmp_path)
    assert rows == {"a": 0, "b": 1}
    assert len(vectors) == 2
