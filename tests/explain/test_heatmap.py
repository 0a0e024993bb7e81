"""Maps as transparent pictures."""

import io

import numpy as np
from PIL import Image

from labeler.explain.heatmap import AGAINST, FOR, overlay


def test_the_sign_of_a_weight_is_its_colour_and_the_size_its_opacity():
    weights = np.zeros((8, 8))
    weights[:4], weights[4:, :4] = 1.0, -2.0
    picture = np.asarray(Image.open(io.BytesIO(overlay(weights, 2.0))))
    assert picture.shape == (160, 160, 4)
    assert tuple(picture[30, 80, :3]) == FOR
    assert 80 <= picture[30, 80, 3] <= 100  # less than half: the largest stand out
    assert tuple(picture[130, 30, :3]) == AGAINST
    assert picture[130, 30, 3] >= 250
    assert picture[130, 130, 3] <= 8


def test_a_map_without_weights_covers_nothing_and_a_large_one_stays_as_it_is():
    assert np.asarray(Image.open(io.BytesIO(overlay(np.zeros((2, 3)), 0.0))))[..., 3].max() == 0
    assert Image.open(io.BytesIO(overlay(np.ones((224, 224)), 1.0))).size == (224, 224)
