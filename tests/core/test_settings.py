"""Settings: validated once, every wrong key named, each described in a sentence."""

import re

import pytest

from labeler.core.errors import ConfigError
from labeler.core.setting_descriptions import described
from labeler.core.settings import ClassDetail, Config
from labeler.core.settings_parser import parse
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
        ({"learner": {"finetune": {"epochs": "many"}}}, "a whole number from 1 to 1,000 or 'auto'"),
        ({"learner": {"finetune": {"epochs": 0}}}, "learner.finetune.epochs = 0 is out of range"),
        ({"learner": {"finetune": {"refit": 1}}}, "true or false or 'auto'"),
        ({"learner": {"finetune": {"augment": ["turn"]}}}, "a list of any of 'flip'"),
        ({"learner": {"finetune": {"augment": "flip"}}}, "a list of any of 'flip'"),
    ],
)
def test_a_wrong_key_is_named_with_what_it_may_be(change, says):
    with pytest.raises(ConfigError, match=says):
        parse(MINIMAL | change)


def test_a_lever_is_a_value_or_auto():
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


def test_a_round_can_store_its_settings_and_read_them():
    config = text_config()
    assert parse(config.as_dict()) == config


def details(**changes) -> dict:
    return {"name": "x", "classes": ["good", "bad"], "class_details": {"good": changes}}


def test_a_class_may_have_a_key_a_colour_a_description_and_a_group(tmp_path):
    detail = {"key": "q", "colour": "#1f77b4", "description": "Worth it.", "group": "모두"}
    config = parse(details(**detail) | {"classes": ["good", "bad"]})
    assert config.class_details["good"] == ClassDetail(**detail)
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


@pytest.mark.parametrize(
    ("name", "feed", "says"),
    [
        ("a.b", {"kind": "folder", "place": "/srv"}, "'a.b' cannot be the name of a feed"),
        ("b", {"kind": "folder", "place": " "}, "feeds.b.place must say where"),
        ("b", {"kind": "sql", "place": "crm", "query": "SELECT 1"}, "feeds.b: a database needs the query"),
        ("b", {"kind": "folder", "place": "/srv", "every": 0}, "feeds.b.every = 0 is out of range"),
        ("b", {"kind": "ftp", "place": "/srv"}, "feeds.b.kind = 'ftp' must be one of"),
    ],
)
def test_a_wrong_feed_is_named(name, feed, says):
    with pytest.raises(ConfigError, match=re.escape(says)):
        parse(MINIMAL | {"feeds": {name: feed}})


def test_every_setting_is_described_in_one_sentence_that_no_other_has():
    sentences = [setting.description for setting in described(Config)]
    assert all(re.fullmatch(r"[A-Z][^\n]{10,}\.", sentence) for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_described_settings_are_those_that_are_written():
    feed = {"kind": "folder", "place": "/srv/inbox"}
    values = parse(MINIMAL | {"class_details": {"a": {}}, "feeds": {"b": feed}}).as_dict()

    def keys(table, prefix=""):
        for key, value in table.items():
            inner = isinstance(value, dict) and value
            yield from keys(value, f"{prefix}{key}.") if inner else [prefix + key]

    names = {"class_details.a": "class_details.<class>", "feeds.b": "feeds.<feed>"}
    written = [key.replace(table := key.rpartition(".")[0], names.get(table, table)) for key in keys(values)]
    assert [setting.key for setting in described(Config)] == written


def test_a_description_tells_the_type_the_range_and_the_default():
    settings = {setting.key: setting for setting in described(Config)}
    assert settings["query.batch"][1:3] == ("a whole number from 1 to 100,000", 20)
    assert settings["learner.finetune.epochs"][1:3] == ("a whole number from 1 to 1,000 or 'auto'", "auto")
    assert settings["labeling.reveal"].may_be == "one of 'never', 'after', 'before'"
    assert settings["name"].default is None


@pytest.mark.parametrize("outside", [-0.01, 1.01, float("nan")])
def test_settings_made_in_code_are_held_to_their_ranges(outside):
    with pytest.raises(ConfigError, match=r"target_accuracy = .* is out of range"):
        Config("x", ("a", "b"), target_accuracy=outside)
