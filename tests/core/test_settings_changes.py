"""What two people change at once: together where that is possible, and named where it is not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from labeler.core.settings import ClassDetail
from labeler.core.settings_changes import Clash, changed_names, flat, merged, nested
from labeler.core.settings_parser import parse
from tests.support.samples import text_config

values = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


def test_settings_by_their_names_are_the_same_settings():
    config = text_config()
    config = replace(
        config,
        classes=("v1.2 b", "bad"),
        class_details={"v1.2 b": ClassDetail("l", group="a.b")},
        learner=replace(config.learner, head="svm", head_parameters={"C": 3.0}),
    )
    settings = flat(config.as_dict())
    assert settings["class_details.v1.2 b.group"] == "a.b"
    assert settings["learner.head_parameters.C"] == 3.0
    assert "class_details.v1.2 b.colour" not in settings
    assert parse(nested(settings)) == config


@given(values, values, values)
def test_a_merge_loses_no_change_of_either_unless_it_names_it(opened, now, mine):
    merge = merged(opened, now, mine)
    clashing = {clash.name for clash in merge.clashes}
    for name in changed_names(opened, now):
        assert merge.settings.get(name) == now.get(name)
    for name in set(changed_names(opened, mine)) - clashing:
        assert merge.settings.get(name) == mine.get(name)
    assert all(len({opened.get(n), now.get(n), mine.get(n)}) == 3 for n in clashing)


def test_what_both_changed_is_named_with_all_three_values():
    merge = merged({"budget": 1, "b": 1}, {"budget": 2, "b": 1}, {"budget": 3, "b": 4})
    assert merge.clashes == (Clash("budget", 1, 2, 3),)
    assert merge.settings == {"budget": 2, "b": 4}
