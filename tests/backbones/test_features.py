"""Shards of features: what they hold, what their sums are, and that older files are read as they are."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from labeler.backbones import features as module
from labeler.backbones.features import FeatureFiles, Features, as_keys, erase_rows, narrowed, rows_of
from labeler.learner.model import Normalizer

ROWS = np.random.default_rng(0).integers(-1000, 1000, (50, 4)).astype(np.float32) / 64  # float16 holds them
KEYS = as_keys([f"{number:032x}" for number in range(50)])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureFiles:
    """Three shards of 16 rows, and one of 2."""
    monkeypatch.setattr(module, "SHARD", 16)
    files = FeatureFiles(tmp_path / "encoder", 4)
    with files.locked():
        files.append(KEYS[:20], ROWS[:20])
        files.append(KEYS[20:], ROWS[20:])
    return files


def of(files: FeatureFiles, keys: np.ndarray) -> Features:
    with files.locked():
        return Features.of(files.shards(), rows_of(files.shards(), keys), files.width)


def test_a_shard_has_a_stated_number_of_rows_in_half_precision(files: FeatureFiles) -> None:
    assert [file.count() for file in files.files()] == [16, 16, 16, 2]
    assert [file.rows_path.stat().st_size for file in files.files()] == [128, 128, 128, 16]


@pytest.mark.parametrize("positions", [np.array([49, 3, 3, 17]), slice(10, 40, 3), np.arange(50) % 7 == 0])
def test_features_are_read_by_position_across_shards(files: FeatureFiles, positions: np.ndarray | slice) -> None:
    features = of(files, KEYS[::-1])
    np.testing.assert_array_equal(features[positions], ROWS[::-1][positions])
    assert features[positions].dtype == np.float32
    np.testing.assert_array_equal(features[7], ROWS[::-1][7])


@pytest.mark.parametrize(
    "used", [np.arange(50), np.arange(49, -1, -1), np.delete(np.arange(50), [3, 30]), np.arange(5)]
)
def test_the_mean_is_that_of_the_items_in_use(files: FeatureFiles, used: np.ndarray) -> None:
    normalizer = Normalizer.fit(of(files, KEYS[used]), (4,))
    np.testing.assert_array_equal(normalizer.mean, Normalizer.fit(ROWS[used], (4,)).mean)


def test_normalising_whole_shards_reads_no_row(files: FeatureFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    of(files, KEYS)
    monkeypatch.setattr(module.RowFile, "array", lambda file, count: np.full((count, 4), np.nan))
    np.testing.assert_array_equal(of(files, KEYS).mean(), ROWS.mean(axis=0, dtype=float))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is mapped")
def test_many_rows_that_were_read_leave_nothing_mapped(files: FeatureFiles) -> None:
    def mapped() -> int:
        lines = Path("/proc/self/smaps").read_text().split("\n")
        return sum(
            int(lines[n + 4].removeprefix("Rss:").split()[0])
            for n, line in enumerate(lines)
            if str(files.folder) in line
        )

    features = of(files, KEYS)
    features[:5]
    assert mapped() > 0
    np.testing.assert_array_equal(features[np.arange(module.BLOCK) % 50], ROWS[np.arange(module.BLOCK) % 50])
    assert mapped() == 0


def test_another_process_gets_no_rows_and_opens_the_files_itself(files: FeatureFiles) -> None:
    features = of(files, KEYS)
    features[:5]
    sent = pickle.dumps(features)
    np.testing.assert_array_equal(pickle.loads(sent)[:], ROWS)
    assert ROWS[:2].astype(np.float16).tobytes() not in sent


def test_keys_that_no_shard_holds_have_no_row(files: FeatureFiles) -> None:
    with files.locked():
        shards = files.shards()
    keys = np.concatenate([KEYS[[40, 0]], as_keys(["other"]), KEYS[:1]])
    assert rows_of(shards, keys).tolist() == [40, 0, -1, 0]


@pytest.mark.parametrize("asked", [np.arange(50), np.array([41]), np.array([30, 2, 30, 49, 2])])
def test_rows_are_found_wherever_they_were_expected(files: FeatureFiles, asked: np.ndarray) -> None:
    with files.locked():
        shards = files.shards()
    for expected in (asked, np.full(len(asked), -1), asked[::-1].copy(), asked + 60):
        assert rows_of(shards, KEYS[asked], expected).tolist() == asked.tolist()


def test_of_several_rows_with_a_key_the_last_one_is_found(files: FeatureFiles) -> None:
    with files.locked():
        files.append(KEYS[[7, 3, 7]], ROWS[:3])
        shards = files.shards()
    assert rows_of(shards, KEYS[:10]).tolist() == [0, 1, 2, 51, 4, 5, 6, 52, 8, 9]
    assert rows_of(shards, KEYS[[7]]).tolist() == [52]


def test_keys_that_have_the_same_digest_are_not_confused(files: FeatureFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_digests", lambda keys: np.zeros(len(keys), dtype=np.uint64))
    with files.locked():
        rows = rows_of(files.shards(), KEYS[::-1])
    assert np.isin(rows, [-1, *range(50)]).all()
    assert (KEYS[rows[rows >= 0]] == KEYS[::-1][rows >= 0]).all()


def test_a_full_shard_is_read_again_once_its_files_have_changed(files: FeatureFiles) -> None:
    features = of(files, KEYS)
    assert erase_rows(files.folder.parent, {KEYS[5].decode()}) == 1
    with files.locked():
        assert np.flatnonzero(rows_of(files.shards(), KEYS) < 0).tolist() == [5]
    assert len(features) == 50


def test_a_damaged_shard_costs_its_own_rows_alone(files: FeatureFiles) -> None:
    path = files.files()[1].rows_path
    path.write_bytes(path.read_bytes()[:40] + b"\xff" * 8 + path.read_bytes()[48:])
    with files.locked():
        shards = files.shards()
    assert [len(shard.keys) for shard in shards] == [16, 5, 16, 2]
    np.testing.assert_array_equal(shards[1].total, ROWS[16:21].sum(axis=0))


def test_rows_that_half_precision_cannot_hold_stay_as_they_are(files: FeatureFiles) -> None:
    beyond = np.array([[1e5, 1, 2, 3], [1, 1, 2, 3]], dtype=np.float32)
    with files.locked():
        files.append(as_keys(["large", "usual"]), beyond)
    assert files.files()[-1].rows_name == "00004.f32"
    np.testing.assert_array_equal(of(files, as_keys(["large", "usual"]))[:], beyond)
    assert narrowed(np.full((1, 4), 1e-8, dtype=np.float32)).dtype == np.float32


def test_the_file_of_a_version_without_shards_is_read_as_it_is(tmp_path: Path) -> None:
    exact = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    folder = tmp_path / "encoder"
    folder.mkdir()
    exact.tofile(folder / "vectors.f32")
    (folder / "hashes.txt").write_bytes(b"\n".join(KEYS[:3].tolist()) + b"\n")
    files = FeatureFiles(folder, 4)
    with files.locked():
        files.append(KEYS[3:5], ROWS[3:5])
    assert [file.rows_name for file in files.files()] == ["vectors.f32", "00000.f16"]
    np.testing.assert_array_equal(of(files, KEYS[:5])[:], np.concatenate([exact, ROWS[3:5]]))
    np.testing.assert_array_equal(of(files, KEYS[:3]).mean(), exact.sum(axis=0, dtype=float) / 3)


def test_what_is_erased_is_in_no_row_no_key_and_no_sum(files: FeatureFiles) -> None:
    of(files, KEYS)
    assert erase_rows(files.folder.parent, [KEYS[17].decode(), KEYS[18].decode()]) == 2
    left = np.delete(np.arange(50), [17, 18])
    features = of(files, KEYS[left])
    np.testing.assert_array_equal(features[:], ROWS[left])
    np.testing.assert_array_equal(sum(features.totals), ROWS[left].sum(axis=0))
    data = b"".join(path.read_bytes() for path in files.folder.iterdir())
    assert KEYS[17] not in data
    assert ROWS[17].astype(np.float16).tobytes() not in data
