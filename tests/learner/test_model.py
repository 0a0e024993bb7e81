"""Normalising by hand, linear heads by hand, and models that give the same probabilities after a round trip."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from labeler.core.errors import LabelerError
from labeler.core.rounds import Dataset
from labeler.learner import model as module
from labeler.learner.model import LinearHeads, Normalizer, spread
from labeler.learner.saved_models import load, save


def dataset(embeddings: np.ndarray, dims: tuple[int, ...]) -> Dataset:
    return Dataset([f"text {i}" for i in range(len(embeddings))], embeddings.astype(np.float32), dims)


def head(n_classes: int = 3) -> LinearHeads:
    """Looks at one layer of two columns, centred at (1, 1); knows classes 0 and 2."""
    return LinearHeads(
        Normalizer(np.array([1, 1], dtype=np.float32), (2,)),
        np.array([0, 2]),
        n_classes,
        np.array([[[1, 0], [0, 2]]], dtype=np.float32),
        np.array([[0, np.log(2)]], dtype=np.float32),
    )


# ---------------------------------------------------------------- normalising


def test_each_layer_is_centred_and_scaled_to_length_1() -> None:
    embeddings = np.array([[0, 0, 5], [6, 8, 7]], dtype=np.float32)
    normalizer = Normalizer.fit(embeddings, (2, 1))
    np.testing.assert_array_equal(normalizer.mean, [3, 4, 6])
    np.testing.assert_allclose(normalizer.apply(embeddings), [[-0.6, -0.8, -1], [0.6, 0.8, 1]], rtol=1e-6)
    assert embeddings[0, 0] == 0  # what was given is as it was


def test_a_row_that_is_the_mean_stays_zero() -> None:
    normalizer = Normalizer(np.array([1, 2, 3], dtype=np.float32), (2, 1))
    np.testing.assert_array_equal(normalizer.apply(np.array([[1, 2, 3]], dtype=np.float32)), [[0, 0, 0]])


def test_the_mean_is_summed_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = np.random.default_rng(0).normal(5, 1, (1000, 4)).astype(np.float32)
    monkeypatch.setattr(module, "_ROWS", 64)
    np.testing.assert_allclose(Normalizer.fit(embeddings, (4,)).mean, embeddings.mean(axis=0), rtol=1e-5)


def test_other_features_than_those_trained_on_are_refused() -> None:
    with pytest.raises(LabelerError, match="trained on 2 features, and the backbone gives 5"):
        head().predict_proba(dataset(np.zeros((1, 5)), (5,)), np.array([0]))


# ---------------------------------------------------------------- probabilities


def test_logits_are_spread_over_all_classes() -> None:
    proba = spread(np.log([[1, 3], [2, 2]]), np.array([0, 2]), 4)
    np.testing.assert_allclose(proba, [[0.25, 0, 0.75, 0], [0.5, 0, 0.5, 0]])


def test_a_head_by_hand() -> None:
    # (2, 1) − (1, 1) = (1, 0): logits 1 and log 2; (1, 4) − (1, 1) = (0, 3) → (0, 1): logits 0 and 2 + log 2
    proba = head().predict_proba(dataset(np.array([[9, 9], [2, 1], [1, 4]]), (2,)), np.array([2, 1]))
    e = np.e
    expected = [[1 / (1 + 2 * e**2), 0, 2 * e**2 / (1 + 2 * e**2)], [e / (e + 2), 0, 2 / (e + 2)]]
    np.testing.assert_allclose(proba, expected, rtol=1e-6)
    assert proba.dtype == np.float64


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(np.random.default_rng(0).normal(size=(100, 2)), (2,))
    positions = np.random.default_rng(1).permutation(100)
    whole = head().predict_proba(data, positions)
    monkeypatch.setattr(module, "_ROWS", 7)
    np.testing.assert_allclose(head().predict_proba(data, positions), whole)


def test_several_heads_speak_for_themselves_and_predict_their_mean() -> None:
    one = head()
    other = LinearHeads(one.normalizer, one.classes, 3, one.weight[:, ::-1].copy(), -one.bias)
    both = LinearHeads(
        one.normalizer,
        one.classes,
        3,
        np.concatenate([one.weight, other.weight]),
        np.concatenate([one.bias, other.bias]),
    )
    data = dataset(np.random.default_rng(0).normal(size=(6, 2)), (2,))
    positions = np.array([4, 0, 5])
    expected = np.stack([m.predict_proba(data, positions) for m in (one, other)])
    np.testing.assert_allclose(both.member_proba(data, positions), expected, rtol=1e-5)
    np.testing.assert_allclose(both.predict_proba(data, positions), expected.mean(axis=0), rtol=1e-5)


# ---------------------------------------------------------------- files


def test_a_saved_head_gives_the_same_probabilities(tmp_path: Path) -> None:
    data = dataset(np.random.default_rng(0).normal(size=(50, 2)), (2,))
    save(head(), tmp_path / "new" / "m.safetensors")
    again = load(tmp_path / "new" / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(data, np.arange(50)), head().predict_proba(data, np.arange(50)))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.safetensors"]


def test_a_file_with_a_single_head_of_version_0_1_is_read(tmp_path: Path) -> None:
    one = head()
    old = replace(one, weight=one.weight[0], bias=one.bias[0])
    save(old, tmp_path / "m")
    data = dataset(np.random.default_rng(0).normal(size=(5, 2)), (2,))
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_proba(data, np.arange(5)), one.predict_proba(data, np.arange(5)))


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    save(head(3), tmp_path / "m")
    save(head(7), tmp_path / "m")
    assert load(tmp_path / "m").predict_proba(dataset(np.zeros((1, 2)), (2,)), np.array([0])).shape == (1, 7)


def _foreign(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path)


def _half(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path, {"labeler": json.dumps({"kind": "frozen"})})


@pytest.mark.parametrize("damage", [lambda p: None, lambda p: p.write_bytes(b"x" * 99), _foreign, _half])
def test_a_file_that_is_no_model_says_so(damage: Callable[[Path], object], tmp_path: Path) -> None:
    damage(tmp_path / "m")
    with pytest.raises(LabelerError, match=r"m cannot be read as a model .*: train again\."):
        load(tmp_path / "m")
