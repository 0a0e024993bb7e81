"""Cards of models, and which models are kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from labeler.core.errors import LabelerError
from labeler.core.rounds import FinishedRound, RoundResult
from labeler.core.settings import FeedConfig
from labeler.models import cards
from labeler.models.cards import Card
from tests.support.samples import text_config


def card(**changes: object) -> Card:
    values = {"round": 3, "labels": 40, "data": "d", "encoder": "e", "seed": 3, "config": {"name": "신문"}}
    return Card(**(values | {"versions": cards.versions(), "metrics": None} | changes))  # type: ignore[arg-type]


def models(folder: Path, *accuracies: float | None) -> list[tuple[str, float | None]]:
    """A file and a card for each accuracy, rounds counted from 1."""
    (folder / "models").mkdir()
    rounds = [(f"models/round-{n:04d}.safetensors", a) for n, a in enumerate(accuracies, 1)]
    for name, _ in rounds:
        (folder / name).write_bytes(b"weights")
        card().save(folder / name)
    return rounds


def test_a_card_reads_back_as_it_was(tmp_path):
    weights = tmp_path / "round-0003.safetensors"
    card().save(weights)
    assert cards.load(weights) == card()
    assert {"numpy", "torch"} <= card().versions.keys()
    assert [p.name for p in tmp_path.iterdir()] == ["round-0003.json"]


def test_a_card_holds_no_feeds():
    config = replace(text_config(), feeds={"crm": FeedConfig("web", "https://example.org/?token=sesame")})
    finished = FinishedRound(1, RoundResult(0, "random", 1, None, (), 0.0, 0.0))
    assert Card.of(finished, [], 0, "e", config).config["feeds"] == {}


@pytest.mark.parametrize("content", [None, "{", "{}", '{"round": 1, "colour": "red"}'])
def test_a_missing_or_broken_card_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "m.json").write_text(content)
    with pytest.raises(LabelerError, match=r"m\.json cannot be read as a model's card"):
        cards.load(tmp_path / "m.safetensors")


def test_the_hash_is_of_the_data_and_not_of_their_order():
    data = cards.data_hash(["a", "b"], ["x", "y"])
    assert data == cards.data_hash(["b", "a"], ["y", "x"])
    assert data != cards.data_hash(["a", "b"], ["y", "x"])
    assert data != cards.data_hash(["a"], ["x"])


def test_the_last_and_the_best_are_kept(tmp_path):
    rounds = models(tmp_path, 0.5, 0.9, 0.6, 0.7, 0.8)
    gone = cards.prune(tmp_path, rounds, 2)
    assert [p.stem for p in gone] == ["round-0001", "round-0003"]
    left = sorted(p.name for p in (tmp_path / "models").iterdir())
    assert left == sorted(f"round-000{n}.{kind}" for n in (2, 4, 5) for kind in ("json", "safetensors"))
    assert cards.prune(tmp_path, rounds, 2) == []  # what is gone already is no loss


def test_of_equal_models_the_latest_is_the_best():
    paths = [Path(name) for name in "abc"]
    assert cards.best([(paths[0], 0.8), (paths[1], 0.8), (paths[2], 0.7)]) == paths[1]
    assert cards.best([(paths[0], None), (paths[1], None)]) == paths[1]
    assert cards.best([(paths[0], 0.1), (paths[1], None)]) == paths[0]
    assert cards.best([]) is None
