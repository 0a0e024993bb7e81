"""`project.toml`: what is written reads back, and a person's comments and order survive a save."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core import settings_file
from labeler.core.errors import ConfigError
from labeler.core.settings import ClassDetail, Config, QueryConfig, TeamConfig
from labeler.core.settings_file import from_inline, inline
from labeler.core.settings_parser import parse

words = st.text(min_size=1, max_size=20).filter(lambda s: s == s.strip() and s.strip() and s < "\ud800")
WRITTEN = """\
# Settings of the ward; ask Kim before changing the budget.
budget = 500   # until spring

name = 'Ward 3'
classes = [
    "glioma",  # the common one
    "none",
]

[team]  # people first
rate = 1_000.0

[query]
batch   = 0x14  # labels between rounds
"""
CONFIG = parse(
    {
        "name": "Ward 3",
        "classes": ["glioma", "none"],
        "budget": 500,
        "team": {"rate": 1000.0},
        "query": {"batch": 20},
    }
)


@given(st.lists(words, min_size=2, max_size=5, unique=True), words, st.floats(0, 1))
def test_what_is_written_reads_back(tmp_path_factory, classes, name, target):
    details = {classes[0]: ClassDetail(description=name), classes[-1]: ClassDetail()}
    config = Config(name, tuple(classes), target_accuracy=target, class_details=details)
    path = tmp_path_factory.mktemp("c") / "project.toml"
    path.write_text(settings_file.to_toml(config), encoding="utf-8")
    assert settings_file.load(path) == config


def test_korean_settings_with_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "project.toml"
    path.write_text('name = "고객 불만"\nclasses = ["긍정", "부정"]\n', encoding="utf-8-sig")
    assert settings_file.load(path).classes == ("긍정", "부정")


def test_a_file_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "project.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match=r"project\.toml is not valid TOML"):
        settings_file.load(path)
    with pytest.raises(ConfigError, match="does not exist"):
        settings_file.load(tmp_path / "none.toml")


def test_a_text_whose_settings_are_unchanged_stays_as_it_is():
    assert settings_file.rewritten(WRITTEN, CONFIG) == WRITTEN
    assert settings_file.rewritten(WRITTEN.replace("\n", "\r\n"), CONFIG) == WRITTEN.replace("\n", "\r\n")


def test_a_changed_setting_changes_its_value_alone():
    changed = settings_file.rewritten(WRITTEN, replace(CONFIG, budget=700))
    assert changed == WRITTEN.replace("500", "700")


def test_a_setting_that_the_text_lacks_is_added_only_if_it_is_no_default():
    changed = settings_file.rewritten(WRITTEN, replace(CONFIG, query=QueryConfig(batch=20, strategy="margin")))
    assert changed == WRITTEN + 'strategy = "margin"\n'
    assert settings_file.rewritten(WRITTEN, replace(CONFIG, target_accuracy=0.9)) == WRITTEN


def test_a_table_that_the_text_lacks_is_added_with_what_differs():
    details = {"glioma": ClassDetail(), "none": ClassDetail(key="x")}
    changed = settings_file.rewritten(WRITTEN, replace(CONFIG, class_details=details))
    assert changed.startswith(WRITTEN)
    assert changed.removeprefix(WRITTEN).strip() == '[class_details.none]\nkey = "x"'


def test_a_new_class_leaves_the_comments_between_the_classes():
    changed = settings_file.rewritten(WRITTEN, replace(CONFIG, classes=(*CONFIG.classes, "other")))
    assert '    "glioma",  # the common one\n' in changed
    assert settings_file.parse_text(changed).classes == ("glioma", "none", "other")


def test_a_detail_of_a_class_that_is_gone_is_removed():
    text = WRITTEN + '\n# both\n[class_details.glioma]\nkey = "a"\n\n[class_details.none]\nkey = "b"  # no tumour\n'
    config = replace(CONFIG, class_details={"none": ClassDetail(key="b")})
    changed = settings_file.rewritten(text, config)
    assert "class_details.glioma" not in changed
    assert changed.startswith(WRITTEN)
    assert changed.endswith('[class_details.none]\nkey = "b"  # no tumour\n')


def test_a_setting_under_its_name_of_version_0_1_takes_its_new_name():
    text = 'name = "x"\nclasses = ["a", "b"]  # two\n\n[learner]\nkind = "finetune"  # slow\nepochs = 8\n'
    config = parse({"name": "x", "classes": ["a", "b"], "learner": {"kind": "finetune", "finetune": {"epochs": 8}}})
    changed = settings_file.rewritten(text, config)
    assert "# two" in changed
    assert "# slow" in changed
    assert settings_file.parse_text(changed) == config


FORMS = (
    WRITTEN,
    'name = "Ward 3"\nclasses = ["glioma", "none"]\nquery.batch = 20\nteam = {rate = 1000.0}\n',
    'team.rate = 1000.0\nname = "Ward 3"\nquery.batch = 20\nclasses = ["glioma", "none"]\nquery.candidates = 100\n',
    '[learner.finetune]\nepochs = 3\n[query]\nbatch = 1\n[learner]\nkind = "auto"\n',
    "[class_details]\nglioma = {key = 'a'}\n\"no\\u00a0ne\".key = 'b'\n",
    "name = \n",
)


@given(
    st.sampled_from(FORMS),
    st.integers(1, 9999),
    st.sampled_from([("glioma", "none"), ("none", "x y", "d.e")]),
    st.dictionaries(st.sampled_from(["none"]), st.builds(ClassDetail, description=words), max_size=1),
    st.lists(words, max_size=3).map(tuple),
)
def test_whatever_the_form_of_the_text_the_settings_read_back(text, batch, classes, details, leads):
    config = Config("x", classes, query=QueryConfig(batch=batch), team=TeamConfig(leads=leads), class_details=details)
    assert settings_file.parse_text(settings_file.rewritten(text, config)) == config


def test_values_on_one_line_are_read_and_written_as_toml():
    values = {"C": 3.0, "kernel": "rbf", "probability": True}
    assert inline(values) == 'C = 3.0, kernel = "rbf", probability = true'
    assert from_inline(inline(values), "learner.head_parameters") == values
    assert (inline({}), from_inline(" ", "x"), from_inline("C = 1,", "x")) == ("", {}, {"C": 1})
    with pytest.raises(ConfigError, match=r"learner\.head_parameters: 'C: 3' cannot be read"):
        from_inline("C: 3", "learner.head_parameters")
