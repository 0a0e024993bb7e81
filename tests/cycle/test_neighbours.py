"""Similar items are found in groups as in the whole, and the file of the groups is never believed blindly."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.core.rounds import Dataset
from labeler.cycle import neighbours
from labeler.cycle.neighbours import FILE, Groups, Neighbours

N, ASKED = 600, np.array([3, 77, 400])
AMONG = np.arange(N) % 5 != 0


def dataset(n: int = N, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    centres = 4 * rng.normal(size=(8, 6))
    return Dataset([""] * n, (centres[np.arange(n) % 8] + rng.normal(size=(n, 6))).astype(np.float32), (4, 2))


def by_hand(data: Dataset, k: int) -> list[list[int]]:
    """The nearest of all items, by cosines of features that are centred at the items that teach the centroids."""
    features = data.embeddings - data.embeddings[:512].mean(axis=0)
    layers = np.split(features, [4], axis=1)
    features = np.hstack([layer / np.linalg.norm(layer, axis=1, keepdims=True) for layer in layers])
    similarity = np.where(AMONG, features[ASKED] @ features.T, -np.inf)
    return np.argsort(-similarity, axis=1)[:, :k].tolist()


def test_in_few_items_the_nearest_are_found_exactly():
    assert Neighbours(dataset()).nearest(ASKED, 9, AMONG).positions.tolist() == by_hand(dataset(), 9)


def test_where_there_are_fewer_than_asked_for_the_rest_has_no_similarity():
    nearest = Neighbours(dataset()).nearest(ASKED, 9, np.arange(N) < 2)
    assert np.isfinite(nearest.similarity).sum(axis=1).tolist() == [2, 2, 2]


class TestInGroups:
    @pytest.fixture(autouse=True)
    def _small_groups(self, monkeypatch):
        monkeypatch.setattr(neighbours, "SEARCHED_WHOLE", 100)
        monkeypatch.setattr(neighbours, "A_GROUP", 32)
        monkeypatch.setattr(neighbours, "PROBED", 4)

    def test_most_of_the_nearest_are_found_in_a_part_of_the_groups(self):
        found = Neighbours(dataset()).nearest(ASKED, 9, AMONG)
        hits = [len({*a} & {*b}) for a, b in zip(found.positions.tolist(), by_hand(dataset(), 9), strict=True)]
        assert sum(hits) >= 24  # of 27
        assert AMONG[found.positions].all()

    def test_the_groups_are_kept_and_items_that_come_are_added(self, tmp_path):
        first = Neighbours(dataset(520), tmp_path).groups
        more = Neighbours(dataset(), tmp_path).groups
        assert more.of[:520].tolist() == first.of.tolist()
        assert more.centroids.tolist() == Neighbours(dataset()).groups.centroids.tolist()
        assert Groups.read(tmp_path / FILE).of.tolist() == more.of.tolist() == Neighbours(dataset()).groups.of.tolist()

    def test_once_the_items_have_doubled_the_centroids_are_learned_anew(self, tmp_path):
        assert len(Neighbours(dataset(300), tmp_path).groups.of)
        assert Neighbours(dataset(), tmp_path).groups.taught_by == 512

    @pytest.mark.parametrize("harm", ["missing", "cut off", "a flipped bit", "of other items", "of more items"])
    def test_a_file_that_is_not_of_these_items_is_made_anew(self, tmp_path, harm):
        good = Neighbours(dataset(), tmp_path).groups
        file = tmp_path / FILE
        content = bytearray(file.read_bytes())
        content[-200] ^= 4
        match harm:
            case "missing":
                file.unlink()
            case "cut off":
                file.write_bytes(content[:-100])
            case "a flipped bit":
                file.write_bytes(content)
            case "of other items":
                file.unlink()
                assert len(Neighbours(dataset(seed=1), tmp_path).groups.of)
            case "of more items":
                replace(good, of=np.append(good.of, good.of[:9])).write(file)
        assert Neighbours(dataset(), tmp_path).groups.of.tolist() == good.of.tolist()
        assert Groups.read(file).of.tolist() == good.of.tolist()
