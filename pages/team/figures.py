"""What the Team page's figures come from, computed once for each answer that comes in."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from labeler.progress import effort, pace
from labeler.projects.project import Project
from pages.shared.cache import cached, state_of

BOTH = ("annotator", "day")


@dataclass(frozen=True)
class Figures:
    """What was done in all. Days are those of the reader's time zone, `today` is there as well.

    given: labels that stand. labels_an_item: of the items that have one. days: as `pace.daily` gives them.
    """

    project: Project
    key: tuple[Any, ...]
    today: date
    given: int
    labels_an_item: float
    hours: float
    cost: float
    days: pd.DataFrame


def figures(project: Project) -> Figures | None:
    """The figures of a project; None while nobody has answered."""
    zone = st.context.timezone or "UTC"
    with project.store() as store:
        key = (*state_of(project, store), tuple(store.team.rates().items()), zone)

    def compute() -> tuple[int, float, float, float, pd.DataFrame] | None:
        answers = _answers(project, key)
        if not len(answers):
            return None
        labels = answers[answers["current"] & (answers["action"] == "label")]
        an_item = len(labels) / max(1, labels["item_id"].nunique())
        hours, cost = answers["counted"].sum() / effort.HOUR, answers["cost"].sum()
        return int(answers["gained"].sum()), an_item, float(hours), float(cost), pace.daily(answers)

    values = cached("team", key, compute)
    return None if values is None else Figures(project, key, datetime.now(ZoneInfo(zone)).date(), *values)


def tables(work: Figures, begin: date, end: date) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What was done from one day to another, both included: by annotator, by annotator and day, and in all."""

    def compute() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        answers = _answers(work.project, work.key)
        answers = answers[answers["day"].between(pd.Timestamp(begin), pd.Timestamp(end))]
        return effort.table(answers), effort.table(answers, BOTH), effort.table(answers, ())

    return cached("team-tables", (work.key, begin, end), compute)


def _answers(project: Project, key: tuple[Any, ...]) -> pd.DataFrame:
    """All answers as `effort.measured` gives them: large, so read only where something else is not remembered."""

    def compute() -> pd.DataFrame:
        with project.store() as store:
            return effort.measured(store.effort.work(), project.config.team.idle_seconds, store.team.rates(), key[-1])

    return cached("team-answers", key, compute)
