"""A round trained anew from its card: the same weights, bit for bit, whatever came into the project since."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from labeler.backbones.encoder import Joined, computed_on
from labeler.cli import main
from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.jobs.rounds import work_once
from labeler.learner.model import FineTuned, LinearHeads
from labeler.learner.saved_models import load
from labeler.models import cards
from labeler.models.reproduce import learner_of, reproduce
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.samples import reviews, text_config
from tests.support.toy_network import LEVERS, TOY, TUNE, exclusive_or, without_export


def add(project: Project, texts: Sequence[tuple[str, str]], start: int, labeled: int) -> None:
    """Texts into the pool; the first `labeled` of them with their label."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{start + i:032x}", f"row {i}", text=text, split="pool", label=label if i < labeled else None)
                for i, (text, label) in enumerate(texts)
            ]
        )
        store.rounds.request("import")


def test_frozen_heads_are_the_same_bit_for_bit(project: Project) -> None:
    add(project, reviews(60), 0, 30)
    assert work_once(project)
    with project.store() as store:
        for item in store.items.all()[:5]:  # minds change, and more comes in
            store.answers.add("kim", [Answer(f"r{item.id}", item.id, "label", "bad", 1.0, "t")])
    add(project, reviews(90)[60:], 60, 10)
    assert work_once(project)
    for number in (1, 2):
        again = reproduce(project, number)
        assert again.difference == 0
        assert again.model.to_bytes() == (project.models / f"round-{number:04d}.safetensors").read_bytes()


def test_heads_of_before_the_pools_spread_are_the_same_bit_for_bit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(project, reviews(60), 0, 30)
    with monkeypatch.context() as older:
        older.setattr("labeler.learner.task.Spread.of", lambda *args: None)
        assert work_once(project)
    path = cards.card_path(project.models / "round-0001.safetensors")
    card = json.loads(path.read_text())
    assert reproduce(project, 1).difference > 0
    del card["spread"]
    path.write_text(json.dumps(card))
    assert reproduce(project, 1).difference == 0


@pytest.fixture
def toys(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of numbers, whose backbone is the toy."""
    without_export(monkeypatch)
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", lambda *args: TOY)
    monkeypatch.setattr("labeler.models.reproduce.load_encoder", lambda *args: TOY)
    project = projects.create(own_home / "toys", replace(text_config(), learner=replace(TUNE, kind="auto")))
    data, targets = exclusive_or(400)
    add(project, [(str(one), ["good", "bad"][t]) for one, t in zip(data.inputs, targets, strict=True)], 0, 300)
    return project


@pytest.mark.slow
def test_a_fine_tuned_model_is_the_same_bit_for_bit_though_time_chose_its_levers(
    toys: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        # as if the machine had been busy: 20 epochs would not fit
        slow.setattr("labeler.learner.finetune.Finetuner.seconds_per_epoch", lambda self, start: (4.0, 0.0))
        assert work_once(toys)
    weights = toys.models / "round-0001.safetensors"
    kept = load(weights, TOY)
    assert isinstance(kept, FineTuned)
    card = cards.load(weights)
    assert card.chosen["epochs"] < 20
    assert card.chosen["refit"] is False
    older = replace(card, chosen={name: value for name, value in card.chosen.items() if name != "cutmix"})
    assert learner_of(older)["finetune"]["cutmix"] == 0.0
    assert learner_of(replace(card, chosen={"epochs": 3}))["finetune"]["networks"] == 1
    assert learner_of(replace(card, chosen={"cutmix": 0.3}))["finetune"]["cutmix"] == 0.3
    toys.save(replace(toys.config, learner=replace(TUNE, finetune=replace(LEVERS, epochs=3))))  # settings of today
    assert card.computed_on == computed_on(TOY)
    again = reproduce(toys, 1)
    assert again.difference == 0
    assert again.reasons == []
    assert again.model.to_bytes() == weights.read_bytes()
    # the same card, as a machine with a GPU would have written it
    cards.card_path(weights).write_text(
        json.dumps(
            asdict(card)
            | {"computed_on": {"device": "cuda", "name": "a card", "precision": "bfloat16", "cudnn": "91900"}}
            | {"inexact": ["cumsum"]}
        )
    )
    devices, order = map(str, reproduce(toys, 1).reasons)
    assert devices.startswith("this compares two devices: the round was trained on a card, bfloat16, cudnn 91900, ")
    assert order == "the GPU computes cumsum in any order"


@pytest.mark.slow
def test_two_tuned_networks_that_start_from_the_last_round_are_the_same_bit_for_bit(
    toys: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Joined((TOY, replace(TOY, name="other", key="toy-2")))
    for module in ("labeler.cycle.snapshot", "labeler.models.reproduce"):
        monkeypatch.setattr(f"{module}.load_encoder", lambda *args: encoder)
    toys.save(replace(toys.config, learner=replace(TUNE, finetune=replace(LEVERS, epochs=3, start="last"))))
    assert work_once(toys)
    with toys.store() as store:
        store.rounds.request("import")
    assert work_once(toys)
    for number in (1, 2):
        weights = toys.models / f"round-{number:04d}.safetensors"
        kept = load(weights, encoder)
        assert isinstance(kept, FineTuned)
        assert [network.encoder.name for network in kept.networks] == ["toy", "other"]
        again = reproduce(toys, number)
        assert again.difference == 0
        assert again.model.to_bytes() == weights.read_bytes()


def test_a_round_whose_time_was_too_short_for_fine_tuning_gives_heads_again(
    toys: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        slow.setattr("labeler.learner.finetune.Finetuner.seconds_per_epoch", lambda self, start: (1000.0, 0.0))
        assert work_once(toys)
    assert isinstance(load(toys.models / "round-0001.safetensors", TOY), LinearHeads)
    assert reproduce(toys, 1).difference == 0


def test_a_difference_is_told(project: Project) -> None:
    add(project, reviews(60), 0, 30)
    work_once(project)
    runner, path = CliRunner(), project.models / "round-0001.safetensors"
    said = runner.invoke(main, ["reproduce", str(project.folder), "1", "--out", str(project.folder / "again")])
    assert said.exit_code == 0
    assert "the same, bit for bit" in said.output
    assert (project.folder / "again").read_bytes() == path.read_bytes()
    card = json.loads(cards.card_path(path).read_text())
    card["taught"] = card["taught"][:-1]
    cards.card_path(path).write_text(json.dumps(card))
    said = runner.invoke(main, ["reproduce", str(project.folder), "1"])
    assert said.exit_code == 2
    assert "differ by up to" in said.output


def test_what_cannot_be_reproduced_says_why(project: Project) -> None:
    add(project, reviews(60), 0, 30)
    work_once(project)
    with pytest.raises(LabelerError, match="Round 7 has no card; the rounds that are kept: 1"):
        reproduce(project, 7)
    path = cards.card_path(project.models / "round-0001.safetensors")
    card = json.loads(path.read_text())
    for change, says in (
        ({"items": 0}, "older labeler"),
        ({"left_out": 40}, "40 items were not embedded yet"),
        ({"encoder": "x"}, "another state of its backbone"),
        ({"taught": [["ffff", "good"]]}, "no longer in the project"),
    ):
        path.write_text(json.dumps(card | change))
        with pytest.raises(LabelerError, match=says):
            reproduce(project, 1)
    assert np.isfinite(card["labels"])
