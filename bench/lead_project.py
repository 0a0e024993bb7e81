"""Projects with a history that is made up, for looking at the lead's pages and for timing them.

Customers' letters in Korean and English, or scikit-learn's digits: a team labels for some weeks, rounds come and go, the
model gets better. Nothing is trained: what each round's model says is drawn so that it is right as often as a learning
curve says, is about as sure as it is right, and changes little from one round to the next. The figures on the pages
are then computed from these answers and forecasts as from real ones.

    python -m bench.lead_project /tmp/home/letters --rounds 20
    python -m bench.lead_project /tmp/home/digits --rounds 20 --modality image
    LABELER_HOME=/tmp/home streamlit run streamlit_app.py
"""

import argparse
import csv
import json
import tempfile
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench import letters
from labeler import project as projects
from labeler.config import Config, LabelingConfig, QueryConfig, TeamConfig
from labeler.demo import write_digits
from labeler.evaluate import metrics
from labeler.importer import content_hash, import_source, normalise
from labeler.project import Project
from labeler.store import Store
from labeler.types import Metrics, NewItem

HOLDOUT, COMPARED = 300, 500
OPENS = 9 - 9  # 9 o'clock in Seoul, in UTC
OVERLAP, SKIPS, FLAGS, UNSURE, CHANGED = 0.15, 0.02, 0.008, 0.06, 0.012
RANDOM = 0.1
CANDIDATES = 2000  # of the pool that a round's model looks at
SITES = {"Seoul": 1.05, "Busan": 1.0, "Incheon": 0.8}  # how much of the model's skill an item of the place lets it use
PRODUCTS = (*letters.PRODUCTS,)
PEOPLE = (
    "김지수", "Anna Weber", "박민준", "이서연", "Tom Miller", "최하은", "정도윤", "Grace Lee", "한지우", "Omar Haddad",
    "윤서준", "Lucía Pérez", "강예린", "Wei Chen", "조은우", "Ines Costa", "임수아", "Jan Novák", "오지호", "Mia Rossi",
    "서다은", "Ben Carter", "신유나", "Sara Ahmadi", "권태민",
)  # fmt: skip


@dataclass
class History:
    """What happened, as arrays of answers in their order; `item` counts from 0 in the order of import."""

    at: list[datetime]
    who: list[int]
    seconds: np.ndarray
    item: list[int]
    action: list[str]
    said: list[int]
    unsure: list[bool]
    query: list[int]  # place in `asked`; −1: none
    supersedes: list[int]  # place among the answers; −1: none


def make(
    folder: Path,
    rounds: int = 20,
    *,
    modality: str = "text",
    items: int | None = None,
    answers: int | None = None,
    annotators: int | None = None,
    days: int | None = None,
    seed: int = 0,
) -> Project:
    """A project in a new folder that has gone through so many rounds.

    Args: items, answers, annotators, days: by default as many as go with the rounds. Digits are 1,797 at most.
    """
    rng = np.random.default_rng(seed)
    items = items or max(3000, 130 * rounds)
    answers = answers or (1200 if modality == "image" else 150 + HOLDOUT * min(rounds, 10) // 10 + 45 * rounds)
    annotators = annotators or min(12, 2 + rounds // 10)
    days = days or min(60, max(4, 2 * rounds))
    labels = round(answers / (1 + OVERLAP)) - HOLDOUT * min(rounds, 10) // 10
    batch = max(1, (labels - labels // (2 * rounds)) // (rounds + 1))
    project = projects.create(folder, _config(modality, batch, answers))
    with project.store() as store:
        truth, skill, held = (
            _add_digits(project, store, rng) if modality == "image" else _add_letters(store, items, rng)
        )
        team = _team(store, annotators, rng)
        model = _Model(truth, skill, len(project.config.classes), batch, rng)
        _write(store, _lived(project, store, model, held, team, rounds, batch, answers, days, rng))
    return project


def _config(modality: str, batch: int, answers: int) -> Config:
    return Config(
        name="Handwritten digits" if modality == "image" else "고객의 소리 · Customers' letters",
        classes=tuple("0123456789") if modality == "image" else tuple(letters.LETTERS),
        modality=modality,  # type: ignore[arg-type]
        target_accuracy=0.9,
        budget=round(1.3 * answers),
        query=QueryConfig(strategy="margin", seed_size=batch, batch=batch, random_share=RANDOM),
        labeling=LabelingConfig(overlap=2, overlap_share=OVERLAP),
        team=TeamConfig(rate=24_000.0, currency="KRW"),
    )
