from dataclasses import replace

from labeler.core.setting_rules import RESERVED_KEYS
from labeler.core.settings import ClassDetail
from labeler.projects.class_keys import CLASS_KEYS, class_keys
from tests.support.samples import text_config


def test_no_class_gets_a_key_of_the_desks_actions() -> None:
    assert not set(CLASS_KEYS) & set(RESERVED_KEYS)


def test_a_class_has_its_own_key_or_the_next_free_one() -> None:
    config = replace(text_config(classes=("a", "b", "c")), class_details={"b": ClassDetail(key="1")})
    assert class_keys(config) == {"a": "2", "b": "1", "c": "3"}
    many = text_config(classes=tuple(f"class {i}" for i in range(40)))
    keys = class_keys(many)
    assert len({key for key in keys.values() if key}) == len(CLASS_KEYS)
    assert keys["class 39"] == ""


def test_a_class_that_is_a_digit_has_its_key_unless_the_settings_give_it_away() -> None:
    assert class_keys(text_config(classes=tuple("0123456789"))) == {digit: digit for digit in "0123456789"}
    assert class_keys(text_config(classes=("other", "1", "2"))) == {"other": "3", "1": "1", "2": "2"}
    taken = replace(text_config(classes=("other", "1")), class_details={"other": ClassDetail(key="1")})
    assert class_keys(taken) == {"other": "1", "1": "2"}
