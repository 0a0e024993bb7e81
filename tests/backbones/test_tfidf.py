"""The encoder that is fitted to a project's own texts: deterministic, kept on disk, nothing unpickled."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labeler.backbones import tfidf
from labeler.core.errors import BackboneError

GOOD, BAD = (
    ["정말 재미있는 영화", "최고의 명작 감동", "배우 연기 최고"],
    ["지루한 영화", "최악의 쓰레기", "시간 아깝다"],
)


def texts(n: int) -> list[str]:
    return [f"{(GOOD + BAD)[i % 6]} {i % 97} 번째 {'가나다라마바사'[i % 7]}" for i in range(n)]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_texts_that_share_characters_are_near() -> None:
    a, b, c = tfidf.fit(texts(60)).encode(["재미있는 영화였다", "정말 재미있는", "시간 아깝다 최악"])
    assert cosine(a, b) > cosine(a, c) + 0.2


def test_same_texts_same_fit() -> None:
    one, other = tfidf.fit(texts(700)), tfidf.fit(texts(700))
    assert one.key == other.key
    np.testing.assert_array_equal(one.encode(texts(9)), other.encode(texts(9)))
    assert tfidf.fit(texts(701)).key != one.key


def test_features_of_a_text_do_not_depend_on_its_neighbours() -> None:
    encoder = tfidf.fit(texts(50))
    together = encoder.encode(texts(20))
    np.testing.assert_allclose(encoder.encode(texts(20)[7:8])[0], together[7], atol=1e-6)
    assert together.shape == (20, sum(encoder.dims))
    assert together.dtype == np.float32


@pytest.mark.parametrize("few", [["한"], ["한국어 문장", "또 다른 문장"], ["같다"] * 5])
def test_a_handful_of_texts_is_enough(few: list[str]) -> None:
    encoder = tfidf.fit(few)
    features = encoder.encode([*few, "", "전혀 다른 zzz"])
    assert features.shape == (len(few) + 2, encoder.dims[0])
    assert encoder.dims[0] <= len(few)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("nothing", [[], [""], ["  ", "\n"]])
def test_without_letters_there_is_nothing_to_fit(nothing: list[str]) -> None:
    with pytest.raises(BackboneError, match="no texts with letters"):
        tfidf.fit(nothing)


# ---------------------------------------------------------------- on disk


def test_a_saved_fit_is_the_same_encoder(tmp_path: Path) -> None:
    encoder = tfidf.load_or_fit([*texts(40), "널 \0 문자 \ud83d\ude00 이모지 😀"], tmp_path)
    kept = tfidf.load(tmp_path / tfidf.STATE)
    assert kept is not None
    assert kept.key == encoder.key
    np.testing.assert_array_equal(kept.encode(texts(40)), encoder.encode(texts(40)))


def test_the_fit_is_kept_until_the_texts_have_more_than_doubled(tmp_path: Path) -> None:
    first = tfidf.load_or_fit(texts(30), tmp_path).key
    assert tfidf.load_or_fit(texts(60), tmp_path).key == first
    second = tfidf.load_or_fit(texts(61), tmp_path)
    assert second.key != first
    assert second.fitted_to == 61
    assert tfidf.load_or_fit(texts(30), tmp_path).key == second.key


def test_of_many_texts_evenly_spaced_ones_are_fitted_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "FITTED", 20)
    many = texts(58)
    first = tfidf.load_or_fit(many, tmp_path)
    assert first.key == tfidf.fit(many[::3]).key
    assert tfidf.load_or_fit(texts(500), tmp_path).key == first.key  # more texts would be fitted to no more of them


def test_other_settings_are_another_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tfidf.load_or_fit(texts(30), tmp_path)
    monkeypatch.setitem(tfidf.SETTINGS, "columns", 5)
    assert tfidf.load_or_fit(texts(30), tmp_path).dims == (5,)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.sprung,)


@pytest.mark.parametrize("damage", [lambda trap: b"", lambda trap: b"torn", pickle.dumps])
def test_a_damaged_file_is_fitted_anew_and_never_unpickled(damage: Callable[[Trap], bytes], tmp_path: Path) -> None:
    fresh = tfidf.load_or_fit(texts(30), tmp_path).key
    (tmp_path / tfidf.STATE).write_bytes(damage(Trap(tmp_path / "sprung")))
    assert tfidf.load_or_fit(texts(30), tmp_path).key == fresh
    assert not (tmp_path / "sprung").exists()


def test_a_pickled_array_inside_the_file_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / tfidf.STATE
    np.savez(path, about=np.array([Trap(tmp_path / "sprung")], dtype=object), idf=np.ones(1), axes=np.ones((1, 1)))
    assert tfidf.load(path) is None
    assert not (tmp_path / "sprung").exists()


def test_progress_reaches_its_end() -> None:
    seen: list[tuple[int, int]] = []
    tfidf.fit(texts(30), lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]
