"""Settings: validated once, every wrong key named, written so that they read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core import settings
from labeler.core.errors import ConfigError
from labeler.core.settings import ClassDetail, Config, parse
from tests.support.samples import text_config

MINIMAL = {"name": "x", "classes": ["a", "b"]}


def test_every_key_has_a_default():
    config = parse(MINIMAL)
    assert (config.modality, config.query.batch, config.labeling.overlap) == ("image", 20, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"classes": ["a"]}, "at least two"),
        ({"classes": ["a", "a"]}, "'a' twice"),
        ({"classes": ["a", " b"]}, "' b'"),
        ({"classes": "a,b"}, "a list of strings"),
        ({"name": " "}, "name is empty"),
        ({"modality": "sound"}, "'image', 'text'"),
        ({"budjet": 5}, "unknown key 'budjet'"),
        ({"budget": "many"}, "a whole number"),
        ({"budget": True}, "a whole number"),
        ({"target_accuracy": 90}, "from 0 to 1"),
        ({"query": {"batch": 0}}, "query.batch = 0"),
        ({"query": {"strateggy": "margin"}}, "query.strateggy"),
        ({"query": 3}, "must be a table"),
        ({"learner": {"kind": "magic"}}, "'frozen'"),
        ({"learner": {"finetune": 3}}, "learner.finetune must be a table"),
        ({"learner": {"finetune": {"epoch": 3}}}, "unknown key 'learner.finetune.epoch'"),
        ({"learner": {"finetune": {"epochs": "many"}}}, "a whole number or 'auto'"),
        ({"learner": {"finetune": {"epochs": 0}}}, "learner.finetune.epochs = 0 is out of range"),
        ({"learner": {"finetune": {"refit": 1}}}, "true or false or 'auto'"),
        ({"learner": {"finetune": {"augment": ["turn"]}}}, "a list of any of 'flip'"),
        ({"learner": {"finetune": {"augment": "flip"}}}, "a list of any of 'flip'"),
    ],
)
def test_a_wrong_key_is_named_with_what_it_may_be(change, says):
    with pytest.raises(ConfigError, match=says):
        parse(MINIMAL | change)


def test_a_lever_is_a_value_or_left_to_what_was_measured():
    levers = parse(
        MINIMAL | {"learner": {"finetune": {"epochs": 3, "decay": "auto", "augment": ["flip"]}}}
    ).learner.finetune
    assert (levers.epochs, levers.decay, levers.unfrozen, levers.augment) == (3, "auto", "auto", ("flip",))


def test_settings_of_version_0_1_are_read_under_their_new_names():
    old = {"kind": "finetune", "epochs": 8, "unfrozen": 1, "learning_rate": 0.02}
    learner = parse(MINIMAL | {"learner": old}).learner
    assert learner.kind == "finetune"
    assert (learner.finetune.epochs, learner.finetune.unfrozen, learner.finetune.head_learning_rate) == (8, 1, 0.02)
    assert learner.finetune.learning_rate == "auto"


def test_missing_keys_are_named():
    with pytest.raises(ConfigError, match="classes and name"):
        parse({})


words = st.text(min_size=1, max_size=20).filter(lambda s: s == s.strip() and s.strip() and s < "\ud800")


@given(st.lists(words, min_size=2, max_size=5, unique=True), words, st.floats(0, 1))
def test_what_is_written_reads_back(tmp_path_factory, classes, name, target):
    told = {classes[0]: ClassDetail(description=name), classes[-1]: ClassDetail()}
    config = Config(name, tuple(classes), target_accuracy=target, class_details=told)
    path = tmp_path_factory.mktemp("c") / "project.toml"
    path.write_text(settings.to_toml(config), encoding="utf-8")
    assert settings.load(path) == config


def test_korean_settings_with_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "project.toml"
    path.write_text('name = "고객 불만"\nclasses = ["긍정", "부정"]\n', encoding="utf-8-sig")
    assert settings.load(path).classes == ("긍정", "부정")


def test_a_file_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "project.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match=r"project\.toml is not valid TOML"):
        settings.load(path)
    with pytest.raises(ConfigError, match="does not exist"):
        settings.load(tmp_path / "none.toml")


def test_a_round_can_store_its_settings_and_read_them():
    config = text_config()
    assert parse(config.as_dict()) == config


def details(**changes) -> dict:
    return {"name": "x", "classes": ["good", "bad"], "class_details": {"good": changes}}


def test_a_class_may_have_a_key_a_colour_a_description_and_a_group(tmp_path):
    said = {"key": "q", "colour": "#1f77b4", "description": "Worth it.", "group": "모두"}
    config = parse(details(**said) | {"classes": ["good", "bad"]})
    assert config.class_details["good"] == ClassDetail(**said)
    assert parse(config.as_dict()) == config


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (details(key="u"), "uses itself"),
        (details(key="qq"), "one letter or digit"),
        (details(colour="red"), "such as '#1f77b4'"),
        (details(size=3), "unknown key 'class_details.good.size'"),
        ({"name": "x", "classes": ["a", "b"], "class_details": {"c": {}}}, "'c' is not one of the classes"),
        ({"name": "x", "classes": ["a", "b"], "class_details": {"a": {"key": "q"}, "b": {"key": "Q"}}}, "already"),
        ({"name": "x", "classes": ["a", "b"], "class_details": ["a"]}, "a table of tables"),
        ({"name": "x", "classes": [str(i) for i in range(1001)]}, "at most 1000"),
    ],
)
def test_a_wrong_detail_of_a_class_is_named(values, says):
    with pytest.raises(ConfigError, match=re.escape(says)):
        parse(values)
