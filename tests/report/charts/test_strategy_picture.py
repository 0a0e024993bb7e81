"""The pictures: drawn of every strategy there is, from what its code really chooses."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import strategies
from labeler.report.charts import strategy_picture
from strategies import Strategy
from strategies.base import InvalidScores

SVG = "{http://www.w3.org/2000/svg}"


def test_the_toy_pool_is_as_described():
    t = strategy_picture.toy()
    assert len(t.points) == len(t.targets) == len(t.pool) + len(t.labeled)
    assert np.bincount(t.targets[t.labeled]).tolist() == [4, 4, 4]
    assert not set(t.pool) & set(t.labeled)
    assert t.member_proba.shape == (5, len(t.pool), 3)
    assert t.points.min() >= 0
    assert (t.points <= (strategy_picture.WIDTH, strategy_picture.HEIGHT)).all()


def test_the_tinted_areas_are_where_the_model_predicts_each_class():
    t = strategy_picture.toy()
    predicted = t.proba.argmax(axis=1)
    for point, label in zip(t.points[t.pool], predicted, strict=True):
        corners = t.regions[label]
        following = np.roll(corners, -1, axis=0) - corners
        aside = point - corners
        turn = following[:, 0] * aside[:, 1] - following[:, 1] * aside[:, 0]
        assert (turn >= -1e-6).all()  # on the inner side of every edge


@pytest.mark.parametrize("name", strategies.registered())
def test_every_strategy_has_a_picture_with_its_ten_points(name):
    strategy = strategies.get(name)
    chosen = strategy_picture.choose(strategy)
    assert len(set(chosen)) == strategy_picture.CHOSEN
    assert set(chosen) <= set(strategy_picture.toy().pool)
    root = ElementTree.fromstring(strategy_picture.picture(strategy))
    numbers = [text.text for text in root.iter(f"{SVG}text")]
    assert sorted(numbers, key=int) == [str(n) for n in range(1, 11)]
    drawn = {
        text.text: (float(mark.get("cx")), float(mark.get("cy")))
        for text, mark in zip(root.iter(f"{SVG}text"), root.iter(f"{SVG}circle"), strict=True)
    }
    for number, point in enumerate(strategy_picture.toy().points[chosen], 1):
        assert drawn[str(number)] == pytest.approx(point, abs=0.06)


def test_margin_asks_at_the_border_and_random_does_not():
    t = strategy_picture.toy()
    top = np.sort(t.proba, axis=1)
    margin = dict(zip(t.pool, top[:, -1] - top[:, -2], strict=True))
    assert max(margin[i] for i in strategy_picture.choose(strategies.get("margin"))) < np.quantile(
        list(margin.values()), 0.1
    )
    assert max(margin[i] for i in strategy_picture.choose(strategies.get("random"))) > 0.5


def test_a_failing_strategy_raises_its_error():
    def broken(c, rng):
        raise RuntimeError("no such luck")

    with pytest.raises(InvalidScores, match="no such luck"):
        strategy_picture.picture(Strategy("broken", "custom", frozenset(), "scores", broken))
