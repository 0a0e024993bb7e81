"""What a search may vary: ranges within the settings' limits, and nothing that the project does not allow."""

from dataclasses import replace

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from labeler.core.errors import LabelerError
from labeler.core.jobs import TuningRequest
from labeler.core.settings import Augmentation, Config, FinetuneConfig, LearnerConfig
from labeler.core.settings_parser import parse
from labeler.experiments import search_space
from tests.support.samples import text_config

IMAGES = Config("x", ("a", "b"))
TEXTS = text_config()
ALL = TuningRequest(augment=search_space.AUGMENTATIONS)


def with_augment(*kinds: Augmentation) -> Config:
    levers = FinetuneConfig(augment=kinds)
    return replace(IMAGES, learner=LearnerConfig(finetune=levers))


def test_only_augmentations_that_the_project_or_the_request_allows_are_tried():
    def tried(config: Config, request: TuningRequest) -> set[str]:
        return {name for name in search_space.space_of(config, request, ["auto"]) if name.startswith("augment")}

    assert tried(IMAGES, TuningRequest()) == set()
    assert tried(with_augment("flip"), TuningRequest()) == {"augment.flip"}
    assert tried(with_augment("crop"), TuningRequest()) == {"augment.crop", "augment_strength"}
    assert tried(IMAGES, TuningRequest(augment=("noise",))) == {"augment.noise", "augment_strength"}
    assert tried(TEXTS, TuningRequest()) == set()


def test_levers_are_those_of_the_modality_and_can_be_chosen():
    assert "token_dropout" in search_space.space_of(TEXTS, TuningRequest(), ["auto"])
    assert "token_dropout" not in search_space.space_of(IMAGES, TuningRequest(), ["auto"])
    chosen = search_space.space_of(IMAGES, TuningRequest(levers=("decay", "epochs")), ["auto"])
    assert set(chosen) == {"decay", "epochs"}
    assert set(search_space.space_of(IMAGES, TuningRequest("grid"), ["auto"])) == {"learning_rate", "unfrozen"}


def test_a_backbone_is_varied_if_more_than_one_can_be_fine_tuned():
    assert "backbone" not in search_space.space_of(IMAGES, TuningRequest(), ["auto"])
    assert search_space.space_of(IMAGES, TuningRequest(), ["auto", "vit"])["backbone"] == CategoricalDistribution(
        ("auto", "vit")
    )
    assert search_space.space_of(TEXTS, TuningRequest(), []) == {}


@pytest.mark.parametrize("config", [IMAGES, TEXTS])
def test_every_corner_is_a_valid_setting(config):
    request = ALL if config.modality == "image" else TuningRequest()
    drawn_from = search_space.space_of(config, request, ["auto", "vit"])
    for place in (0, -1):
        params = {name: search_space.points(distribution)[place] for name, distribution in drawn_from.items()}
        learner = search_space.setting(config.learner, ["auto", "vit"], params)
        values = replace(config, learner=learner).as_dict()
        assert parse(values).learner == learner


def test_a_setting_has_what_was_drawn_and_else_what_the_project_has():
    learner = LearnerConfig(backbone="vit", input_size=64, finetune=FinetuneConfig(batch=8, augment=("flip",)))
    drawn = search_space.setting(learner, ["vit"], {"learning_rate": 0.00031847, "unfrozen": 3})
    assert drawn == replace(learner, finetune=replace(learner.finetune, learning_rate=0.00032, unfrozen=3))
    assert search_space.setting(learner, ["vit", "resnet"], {"backbone": "resnet"}).backbone == "resnet"
    some = search_space.setting(learner, ["vit"], {"augment.noise": True, "augment.flip": False, "augment.crop": True})
    assert some.finetune.augment == ("crop", "noise")
    assert search_space.setting(learner, ["vit"], {"augment.flip": False}).finetune.augment == ()


def test_levers_are_of_fine_tuning_even_where_the_project_has_frozen_heads():
    assert search_space.setting(LearnerConfig(kind="frozen"), ["auto"], {"unfrozen": 3}).kind == "finetune"
    assert search_space.setting(LearnerConfig(kind="auto"), ["auto"], {"unfrozen": 3}).kind == "auto"


def test_a_grid_has_all_combinations_once():
    drawn_from = {
        "learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
        "unfrozen": IntDistribution(1, 6),
        "dropout": FloatDistribution(0.0, 0.5, step=0.1),
        "augment.crop": CategoricalDistribution((False, True)),
    }
    cells = search_space.grid(drawn_from, seed=0)
    assert len(cells) == 4 * 3 * 3 * 2
    assert len({tuple(cell.items()) for cell in cells}) == len(cells)
    assert sorted({cell["learning_rate"] for cell in cells}) == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])
    assert sorted({cell["unfrozen"] for cell in cells}) == [1, 4, 6]
    assert sorted({cell["dropout"] for cell in cells}) == pytest.approx([0.0, 0.2, 0.5])
    assert cells == search_space.grid(drawn_from, seed=0)
    assert cells != search_space.grid(drawn_from, seed=1)


@pytest.mark.parametrize(
    ("config", "request_", "says"),
    [
        (IMAGES, TuningRequest(levers=("learning",)), "no lever 'learning' of images: choose from learning_rate"),
        (TEXTS, TuningRequest(levers=("augment",)), "no lever 'augment' of texts"),
        (TEXTS, TuningRequest(augment=("crop",)), "this project has texts"),
        (IMAGES, TuningRequest(augment=("turn",)), "no augmentation 'turn': choose from flip"),
        (IMAGES, TuningRequest(levers=("augment_strength",)), "No augmentation may be tried"),
        (IMAGES, TuningRequest(seconds=0), "some seconds"),
        (IMAGES, TuningRequest(folds=1), "2 to 10 folds"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(config, request_, says):
    with pytest.raises(LabelerError, match=says):
        search_space.check(request_, config)


def test_changes_are_the_values_that_differ():
    before = LearnerConfig()
    after = replace(before, kind="finetune", finetune=FinetuneConfig(unfrozen=4, augment=("crop", "noise")))
    assert search_space.changes(before, before) == {}
    changes = search_space.changes(before, after)
    assert changes == {"kind": "finetune", "finetune": {"unfrozen": 4, "augment": ("crop", "noise")}}
    assert search_space.in_words(changes) == "kind finetune, unfrozen 4, augment crop + noise"


def test_ranges_in_words():
    assert search_space.range_in_words(search_space.LEVERS["learning_rate"]) == "1e-05 to 0.003, logarithmic"
    assert search_space.range_in_words(search_space.LEVERS["unfrozen"]) == "1 to 6"
    assert search_space.range_in_words(search_space.LEVERS["l2_sp"]) == "0, 0.1, 1, 10"
