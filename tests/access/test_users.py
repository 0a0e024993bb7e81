"""Who leads a project."""

from labeler.access.users import User, is_lead
from labeler.core.settings import TeamConfig
from tests.support.samples import text_config


def led_by(*leads):
    return text_config(team=TeamConfig(leads=leads))


def test_everybody_is_a_lead_if_the_settings_name_no_lead():
    assert is_lead(User("kim"), led_by())


def test_only_named_people_are_leads():
    assert is_lead(User("kim"), led_by("kim", "lee"))
    assert not is_lead(User("park"), led_by("kim", "lee"))
    assert not is_lead(User("Kim"), led_by("kim"))
