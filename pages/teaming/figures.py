"""What the Team page's figures come from, computed once for each answer that comes in."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from labeler import effort, pace
from labeler.project import Project
from pages.session import remembered

BOTH = ("annotator", "day")


@dataclass(frozen=True)
class Figures:
    """All answers as `effort.measured` gives them, the working days, and what day it is where the reader is."""

    key: Hashable
    answers: pd.DataFrame
    days: pd.DataFrame
    today: date


def figures(project: Project) -> Figures:
    """The figures of a project, by the days of the reader's time zone."""
    zone = st.context.timezone or "UTC"
    team = project.config.team
    with project.store() as store:
        rates = store.rates()
        key = (str(project.folder), store.version(), team.idle_seconds, tuple(rates.items()), zone)

        def compute() -> tuple[pd.DataFrame, pd.DataFrame]:
            answers = effort.measured(store.work(), team.idle_seconds, rates, zone)
            return answers, pace.daily(answers)

        answers, days = remembered("team", key, compute)
    return Figures(key, answers, days, datetime.now(ZoneInfo(zone)).date())


def tables(found: Figures, begin: date, end: date) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What was done from one day to another, both included: by annotator, by annotator and day, and in all."""

    def compute() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        answers = found.answers[found.answers["day"].between(pd.Timestamp(begin), pd.Timestamp(end))]
        return effort.table(answers), effort.table(answers, BOTH), effort.table(answers, ())

    return remembered("team tables", (found.key, begin, end), compute)
