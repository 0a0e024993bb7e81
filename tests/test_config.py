"""Settings: validated once, every wrong key named, written so that they read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import text_config

from labeler import config as settings
from labeler.config import Config, parse
from labeler.errors import ConfigError

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
    ],
)
def test_a_wrong_key_is_named_with_what_it_may_be(change, says):
    with pytest.raises(ConfigError, match=says):
        parse(MINIMAL | change)


def test_missing_keys_are_named():
    with pytest.raises(ConfigError, match="classes and name"):
        parse({})


words = st.text(min_size=1, max_size=20).filter(lambda s: s == s.strip() and s.strip() and s < "\ud800")


@given(st.lists(words, min_size=2, max_size=5, unique=True), words, st.floats(0, 1))
def test_what_is_written_reads_back(tmp_path_factory, classes, name, target):
    config = Config(name, tuple(classes), target_accuracy=target)
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
