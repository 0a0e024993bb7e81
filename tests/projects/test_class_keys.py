import re
from dataclasses import replace

from labeler.core.settings import RESERVED_KEYS, ClassDetail
from labeler.projects.class_keys import CLASS_KEYS, class_keys
from tests.support.machine import ROOT
from tests.support.samples import text_config


def test_keys_are_those_of_the_desk() -> None:
    desk = (ROOT / "pages" / "desk" / "base" / "keys.js").read_text(encoding="utf-8")
    (keys,) = re.findall(r'CLASS_KEYS = "(\w+)"', desk)
    assert keys == CLASS_KEYS
    assert not set(CLASS_KEYS) & set(RESERVED_KEYS)


def test_a_class_has_its_own_key_or_the_next_free_one() -> None:
    config = replace(text_config(classes=("a", "b", "c")), class_details={"b": ClassDetail(key="1")})
    assert class_keys(config) == {"a": "2", "b": "1", "c": "3"}
    many = text_config(classes=tuple(f"class {i}" for i in range(40)))
    keys = class_keys(many)
    assert len({key for key in keys.values() if key}) == len(CLASS_KEYS)
    assert keys["class 39"] == ""
