"""`may`, on its table."""

from types import SimpleNamespace
from typing import get_args

import pytest

from labeler.access.roles import HOME_ACTIONS, MAY, Action, HomeAction, may
from labeler.access.users import User, is_reserved
from labeler.core.settings import TeamConfig
from tests.support.samples import text_config


def project(*leads: str) -> SimpleNamespace:
    return SimpleNamespace(config=text_config(team=TeamConfig(leads=leads)))


def test_the_table_names_every_action() -> None:
    assert set(MAY) == set(get_args(Action))
    assert set(HOME_ACTIONS) == set(get_args(HomeAction))


def test_without_accounts_leads_may_everything_and_others_label_and_see_the_curve() -> None:
    minji, jun = User("minji"), User("jun")
    assert all(may(minji, project("minji"), action) for action in MAY)
    assert {action for action in MAY if may(jun, project("minji"), action)} == {"label", "see_progress"}
    assert all(may(jun, project(), action) for action in MAY)


def test_an_action_of_the_home_is_not_one_of_a_project() -> None:
    with pytest.raises(KeyError):
        may(User("minji"), project(), "create_project")
    with pytest.raises(KeyError):
        may(User("minji"), None, "label")


@pytest.mark.parametrize("name", ["import", "Import", " SYSTEM "])
def test_reserved_names_are_reserved_in_any_case(name: str) -> None:
    assert is_reserved(name)
    assert not is_reserved("minji")
