"""Local explanations: what made the answer is found by hiding it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labeler.explain.lime import divide, explain_locally, hide, masks, parts_of, ridge, without


def test_the_first_mask_shows_all_and_every_other_hides_something():
    drawn = masks(5, 200, np.random.default_rng(0))
    assert drawn[0].all()
    assert not drawn[1:].all(axis=1).any()
    assert set(drawn[1:].sum(axis=1)) == {1, 2, 3, 4}  # something is always left
    assert masks(1, 3, np.random.default_rng(0)).tolist() == [[True], [False], [False]]


def test_the_ridge_finds_what_is_linear_and_says_how_well_it_fits():
    shown = masks(4, 400, np.random.default_rng(0))
    linear = shown @ np.array([[0.4], [-0.2], [0.0], [0.1]]) + 0.3
    noise = np.random.default_rng(1).normal(size=linear.shape)
    weights, fit = ridge(shown, np.hstack([linear, noise]))
    np.testing.assert_allclose(weights[0], [0.4, -0.2, 0.0, 0.1], atol=0.03)
    assert fit[0] > 0.98
    assert fit[1] < 0.2
    constant, fit = ridge(shown, np.ones((400, 1)))
    np.testing.assert_allclose(constant, 0, atol=1e-9)
    assert np.isfinite(fit).all()


def test_parts_of_texts():
    words = "a fine film"
    assert [words[a:b] for a, b in parts_of(words)] == ["a", "fine", "film"]
    assert [("ab c"[a:b]) for a, b in parts_of("ab c")] == ["a", "b", "c"]  # of so few words the letters
    long = " ".join(map(str, range(200)))
    spans = parts_of(long)
    assert len(spans) <= 60
    assert " ".join(long[a:b] for a, b in spans) == long
    assert without(words, parts_of(words), np.array([True, False, True])) == "a  film"
    assert without(words, parts_of(words), np.array([False, False, False])).strip() == ""


def stub(answer):
    """An encoder whose features are the inputs' places, and a model whose answer to each input is `answer`."""
    inputs: list[Any] = []

    def encode(given, on_progress=None):
        inputs[:] = given
        return np.zeros((len(given), 1), dtype=np.float32)

    def predict_proba(dataset, positions):
        yes = np.array([answer(dataset.inputs[place]) for place in positions])
        return np.column_stack([1 - yes, yes])

    return SimpleNamespace(predict_proba=predict_proba), SimpleNamespace(encode=encode, dims=(1,))


def test_the_word_that_decides_the_prediction_has_the_largest_weight():
    model, encoder = stub(lambda text: 0.9 if "superb" in text else 0.2)
    text = "a long and superb film about 영화"
    explanation = explain_locally(model, encoder, text)
    assert explanation.classes.tolist() == [1, 0]
    assert explanation.proba.tolist() == pytest.approx([0.9, 0.1])
    best = explanation.spans[int(explanation.weights[0].argmax())]
    assert text[slice(*best)] == "superb"
    assert explanation.weights[0].max() == pytest.approx(0.7, abs=0.1)
    np.testing.assert_allclose(explanation.weights[1], -explanation.weights[0], atol=1e-9)
    assert explanation.fit[0] > 0.9
    again = explain_locally(model, encoder, text)
    np.testing.assert_array_equal(again.weights, explanation.weights)


@pytest.fixture
def flag(tmp_path):
    """A white image with a red square in its upper left quarter."""
    pixels = np.full((120, 160, 3), 250, dtype=np.uint8)
    pixels[10:50, 10:60] = (220, 20, 20)
    Image.fromarray(pixels).save(tmp_path / "flag.png")
    return tmp_path / "flag.png"


def test_segments_follow_the_regions_of_an_image(flag):
    picture = np.asarray(Image.open(flag).resize((224, 224)))
    segment = divide(picture)
    assert segment.shape == (224, 224)
    assert 20 <= segment.max() + 1 <= 36
    red = picture[..., 1] < 130
    reds, sizes = np.bincount(segment[red], minlength=segment.max() + 1), np.bincount(segment.ravel())
    strays = np.minimum(reds, sizes - reds).sum()  # of the other colour than most of their segment
    assert strays < 0.1 * red.sum()
    shown = np.ones((2, segment.max() + 1), dtype=bool)
    shown[1, segment[100, 100]] = False
    whole, part = hide(picture, segment, shown)
    np.testing.assert_array_equal(whole, picture)
    inside = segment == segment[100, 100]
    np.testing.assert_array_equal(part[~inside], picture[~inside])
    np.testing.assert_allclose(
        part[inside], np.broadcast_to(picture[inside].mean(axis=0), part[inside].shape), atol=0.51
    )


@pytest.mark.slow
def test_the_place_that_decides_the_prediction_has_the_largest_weight(tmp_path, monkeypatch):
    """The model sees nothing but how bright the upper left corner is, whose brightness varies within each segment."""
    monkeypatch.setattr("labeler.explain.lime.TRIES", 120)
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    image = tmp_path / "noise.png"

    def corner(path):
        pixels = np.asarray(Image.open(path).resize((224, 224)), dtype=float)[:75, :75]
        return min(pixels.std() / 100, 1.0)

    model, encoder = stub(corner)
    explanation = explain_locally(model, encoder, image)
    yes = list(explanation.classes).index(1)
    weights = explanation.weights[yes]
    assert weights.shape == (224, 224)
    assert weights[:75, :75].mean() > 5 * abs(weights[112:, 112:].mean())
