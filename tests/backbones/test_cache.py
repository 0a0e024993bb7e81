"""The cache of embeddings: nothing is computed twice, and a crash at any point costs no more than a chunk."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from labeler.backbones import cache as module
from labeler.backbones.cache import embed
from labeler.backbones.encoder import Joined, collate
from labeler.core.errors import BackboneError
from labeler.core.inputs import Input
from labeler.core.items import Progress


class Lengths:
    """An encoder that remembers what it was asked: a text's length, and that times 10 and 100."""

    name, key, dims = "lengths", "k1", (1, 2)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        self.asked += map(str, inputs)
        return np.array([[len(str(t)) * 10**j for j in range(3)] for t in inputs], dtype=np.float32)


def vectors(*lengths: int) -> np.ndarray:
    return np.array([[n, 10 * n, 100 * n] for n in lengths], dtype=np.float32)


def test_rows_follow_the_inputs_and_only_missing_ones_are_computed(tmp_path: Path) -> None:
    encoder = Lengths()
    np.testing.assert_array_equal(embed(["a", "bb"], ["h1", "h2"], encoder, tmp_path), vectors(1, 2))
    assert encoder.asked == ["a", "bb"]
    found = embed(["ccc", "bb", "a", "bb"], ["h3", "h2", "h1", "h2"], encoder, tmp_path)
    np.testing.assert_array_equal(found, vectors(3, 2, 1, 2))
    assert encoder.asked == ["a", "bb", "ccc"]


def test_of_encoders_side_by_side_each_keeps_what_it_computed(tmp_path: Path) -> None:
    """Another fit of one of them is another key, and the other one is not asked again."""
    first, second = Lengths(), Lengths()
    second.key = "k2"
    joined = Joined((first, second))
    rows = embed(["a", "bb"], ["h1", "h2"], joined, tmp_path)
    np.testing.assert_array_equal(rows, np.concatenate([vectors(1, 2)] * 2, axis=1))
    assert joined.dims == (1, 2, 1, 2)
    assert joined.columns(second) == slice(3, 6)
    second.key = "k3"
    embed(["a", "bb", "ccc"], ["h1", "h2", "h3"], joined, tmp_path)
    assert first.asked == ["a", "bb", "ccc"]
    assert second.asked == ["a", "bb", "a", "bb", "ccc"]


def test_equal_items_are_computed_once(tmp_path: Path) -> None:
    encoder = Lengths()
    found = embed(["a", "bb", "a"], ["h1", "h2", "h1"], encoder, tmp_path)
    np.testing.assert_array_equal(found, vectors(1, 2, 1))
    assert encoder.asked == ["a", "bb"]


def test_features_stay_valid_while_more_is_appended(tmp_path: Path) -> None:
    before = embed(["a", "bb"], ["h1", "h2"], Lengths(), tmp_path)
    embed(["ccc"], ["h3"], Lengths(), tmp_path)
    np.testing.assert_array_equal(before, vectors(1, 2))


def test_no_items_give_no_rows(tmp_path: Path) -> None:
    assert embed([], [], Lengths(), tmp_path).shape == (0, 3)


def test_each_encoder_has_files_of_its_own(tmp_path: Path) -> None:
    embed(["a"], ["h1"], Lengths(), tmp_path)
    other = Lengths()
    other.key = "k2"
    embed(["a"], ["h1"], other, tmp_path)
    assert other.asked == ["a"]


def test_progress_counts_what_had_to_be_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    seen: list[tuple[int, int]] = []
    texts = ["a", "bb", "ccc", "dddd", "eeeee"]
    embed(texts[:1], texts[:1], Lengths(), tmp_path)
    embed(texts, texts, Lengths(), tmp_path, lambda done, total: seen.append((done, total)))
    assert seen == [(2, 4), (4, 4)]


# ---------------------------------------------------------------- crashes


@pytest.mark.parametrize("bytes_lost", [1, 5, 6, 7, 13])
@pytest.mark.parametrize("file", ["00000.f16", "00000.keys"])
def test_a_torn_tail_is_computed_again(file: str, bytes_lost: int, tmp_path: Path) -> None:
    texts = ["a", "bb", "ccc"]
    hashes = [f"hash-of-{t:>4}".replace(" ", "-") for t in texts]  # 13 bytes a line, a row has 6
    embed(texts, hashes, Lengths(), tmp_path)
    path = tmp_path / "k1" / file
    path.write_bytes(path.read_bytes()[:-bytes_lost])
    encoder = Lengths()
    np.testing.assert_array_equal(embed(texts, hashes, encoder, tmp_path), vectors(1, 2, 3))
    line = 6 if file == "00000.f16" else 13
    assert encoder.asked == texts[3 - -(-bytes_lost // line) :]
    again = Lengths()
    np.testing.assert_array_equal(embed(texts, hashes, again, tmp_path), vectors(1, 2, 3))
    assert again.asked == []


def test_vectors_without_their_hashes_are_thrown_away(tmp_path: Path) -> None:
    embed(["a"], ["h1"], Lengths(), tmp_path)
    with (tmp_path / "k1" / "00000.f16").open("ab") as file:
        file.write(vectors(9, 9).astype(np.float16).tobytes()[:-3])  # killed before the index was written
    np.testing.assert_array_equal(embed(["a", "bb"], ["h1", "h2"], Lengths(), tmp_path), vectors(1, 2))


def test_chunks_before_a_failure_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(Lengths):
        def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
            if "ccc" in inputs:
                raise OSError("power cut")
            return super().encode(inputs, on_progress)

    monkeypatch.setattr(module, "CHUNK", 1)
    monkeypatch.setattr(module, "A_WRITE", 0.0)  # chunks stay as small
    texts = ["a", "bb", "ccc"]
    with pytest.raises(OSError, match="power cut"):
        embed(texts, texts, Fails(), tmp_path)
    encoder = Lengths()
    np.testing.assert_array_equal(embed(texts, texts, encoder, tmp_path), vectors(1, 2, 3))
    assert encoder.asked == ["ccc"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nothing_but_numbers_is_cached(value: float, tmp_path: Path) -> None:
    class Wrong(Lengths):
        def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
            return np.full((len(inputs), 3), value, dtype=np.float32)

    with pytest.raises(BackboneError, match="NaN or infinity"):
        embed(["a"], ["h1"], Wrong(), tmp_path)
    np.testing.assert_array_equal(embed(["a"], ["h1"], Lengths(), tmp_path), vectors(1))


def test_two_processes_compute_each_item_once(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from labeler.backbones import cache as embed
from tests.backbones.test_cache import Lengths
embed.CHUNK = 1
texts = ["x" * n for n in range(1, 40)]
encoder = Lengths()
found = embed.embed(texts, texts, encoder, Path(sys.argv[1]))
assert found[:][:, 0].tolist() == list(range(1, 40)), found
print(len(encoder.asked))
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    asked = [int(process.communicate(timeout=120)[0]) for process in both]
    assert sum(asked) == 39


# ---------------------------------------------------------------- batches


def test_collate_fills_up_with_zeros() -> None:
    ids, mask = collate([(np.array([5, 6, 7]), np.ones(3)), (np.array([8]), np.ones(1))])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("file", ["00000.f16", "00000.keys"])
def test_noise_in_a_file_is_computed_again(file: str, tmp_path: Path) -> None:
    texts = ["a", "bb", "ccc", "dddd"]
    hashes = [f"hash-of-{t:->4}" for t in texts]
    embed(texts, hashes, Lengths(), tmp_path)
    path = tmp_path / "k1" / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff\xff\xff\xff\n" + whole[len(whole) // 2 + 5 :])
    encoder = Lengths()
    np.testing.assert_array_equal(embed(texts, hashes, encoder, tmp_path), vectors(1, 2, 3, 4))
    assert encoder.asked == texts[2:]
