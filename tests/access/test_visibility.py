"""What is shown about people, and to whom."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from labeler.access.users import User
from labeler.access.visibility import ABOUT_PEOPLE, visible
from labeler.core.settings import TeamConfig
from labeler.progress import effort
from tests.support.samples import text_config

TABLE = pd.DataFrame({"annotator": ["kim", "lee"], "day": 1, **{name: [1, 2] for name in effort.COLUMNS}})


def team(**settings: Any) -> Any:
    return SimpleNamespace(config=text_config(team=TeamConfig(**settings)))


def test_annotators_see_their_own_row_only():
    assert visible(TABLE, User("lee"), team(leads=("kim",)))["annotator"].tolist() == ["lee"]
    assert visible(TABLE, User("kim"), team(leads=("kim",)))["annotator"].tolist() == ["kim", "lee"]
    assert len(visible(TABLE, User("park"), team(leads=("kim",)))) == 0


@pytest.mark.parametrize("kind", ABOUT_PEOPLE)
@pytest.mark.parametrize("user", ["kim", "lee"])
def test_figures_that_the_settings_leave_out_are_shown_to_nobody(kind, user):
    show = tuple(figure for figure in ABOUT_PEOPLE if figure != kind)
    shown = visible(TABLE, User(user), team(leads=("kim",), show=show))
    assert set(TABLE) - set(shown) == set(ABOUT_PEOPLE[kind])
    nothing = visible(TABLE, User(user), team(leads=("kim",), show=()))
    assert list(nothing) == ["annotator", "day"]


def test_every_figure_about_people_can_be_left_out():
    assert {name for names in ABOUT_PEOPLE.values() for name in names} == set(effort.COLUMNS)
