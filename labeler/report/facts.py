"""The report of a project as plain values: as JSON for programs, as the page of `labeler.report.page` for people.

It holds what an auditor asks for: all measurements with their intervals, the settings, seeds and versions, the data and
where it came from, the number of annotators and their agreement, and the evidence of the stopping rules.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from labeler.access.users import User
from labeler.access.visibility import counts
from labeler.core.class_changes import StoredChange
from labeler.core.errors import LabelerError
from labeler.core.rounds import Round
from labeler.core.settings import Config
from labeler.core.version import __version__
from labeler.measure.forecasts import evaluate, on_labels, sampling_of
from labeler.measure.foreign import as_values, compared
from labeler.measure.holdout import Evaluation
from labeler.models import cards
from labeler.models.cards import data_hash
from labeler.progress.effort import counted_seconds
from labeler.progress.history import course, history, latest_step, thresholds
from labeler.progress.stopping import backtests, evidence
from labeler.projects import guidelines
from labeler.projects.project import Project
from labeler.report.standing import Standing, standing
from labeler.store import Store
from labeler.store.team import QUALIFICATION_SEED

HOUR = 3600
CARD = "datacard.md"  # an optional file that the project's people write about their data


def report(project: Project) -> dict[str, Any]:
    """The report of the project at this moment, as plain values."""
    with project.store() as store, store.read():
        return facts(project, store, standing_of(project, store))


def standing_of(project: Project, store: Store, user: User | None = None) -> Standing:
    """The rounds' standing: their curve and its projection. Args: user: who asks; None: who reads the files."""
    return standing(course(store), latest_step(store), counts(store, user, project), project.config)


def latest(project: Project, store: Store) -> tuple[int, Evaluation] | None:
    """The latest measured round, and all figures of its model on the labeled holdout."""
    measured = [r.number for r in store.rounds.all() if r.metrics]
    forecast = store.forecasts.get(measured[-1], "holdout") if measured else None
    labeled = forecast and on_labels(forecast, store.items.labels(), project.config, sampling_of(store))
    return (measured[-1], evaluate(labeled, project.config)) if labeled else None


def facts(project: Project, store: Store, stands: Standing) -> dict[str, Any]:
    """The report's values. People are numbered, not named, except whoever stopped labeling."""
    rounds, latest_measured = store.rounds.all(), latest(project, store)
    return {
        "project": {
            "name": project.config.name,
            "modality": project.config.modality,
            "classes": list(project.config.classes),
            "answers": project.config.answers,
            "target_accuracy": project.config.target_accuracy,
            "budget": project.config.budget,
        },
        "made": {"at": datetime.now(UTC).isoformat(timespec="seconds"), "labeler": __version__},
        "rounds": json.loads(stands.rounds.to_json(orient="records")),
        "projection": {"target": project.config.target_accuracy, **asdict(stands.projection)},
        "holdout": {"round": latest_measured[0], **asdict(latest_measured[1])} if latest_measured else None,
        "models": [as_values(model) for model in compared(store)],
        "stopping": _stopping(stands, project.config),
        "stopped": store.stops.current(),
        **_audited(audit := store.audits.latest_report() or {}),
        "drift": audit.get("drift"),
        "data": _data(project, store),
        "model": _model(project, rounds),
        "seeds": {
            "qualification": QUALIFICATION_SEED,
            "rounds": {r.number: r.seed for r in rounds},
        },
        "versions": cards.versions(),
        "settings": project.config.as_dict(),
    }


def _change(stored: StoredChange) -> dict[str, Any]:
    """A change of the classes, without who made it."""
    values = asdict(stored)
    return values.pop("change") | {name: value for name, value in values.items() if name != "by"}


def _stopping(stands: Standing, config: Config) -> list[dict[str, Any]]:
    """Each rule with its evidence and its back-test on this project."""
    so_far, compared = history(stands.rounds, stands.counts, config), thresholds(config)
    return [
        asdict(judgement) | {"backtest": asdict(back)}
        for judgement, back in zip(evidence(so_far, compared), backtests(so_far, compared), strict=True)
    ]


def _audited(audit: dict[str, Any]) -> dict[str, Any]:
    """The latest audit's findings on the control arm and the labels, without names and single items."""
    people, errors = audit.get("consensus") or {}, audit.get("errors") or {}
    names: dict[str, str] = {}

    def number(name: str) -> str:
        return names.setdefault(name, f"annotator {len(names) + 1}")

    agreed = people.get("agreement")
    if agreed:
        pairs = [pair | {"one": number(pair["one"]), "other": number(pair["other"])} for pair in agreed["pairs"]]
        agreed = agreed | {"pairs": pairs}
    return {
        "control": audit.get("control"),
        "agreement": agreed,
        "annotators": [annotator | {"name": number(annotator["name"])} for annotator in people.get("annotators", [])],
        # an audit of version 0.2 or earlier has no calibrated probabilities
        "second_look": (
            {
                "checked": errors["n"],
                "of": errors.get("of", errors["n"]),
                "labels": sum(errors["second_look"]),
                "wrong": errors["expected"],
            }
            if "second_look" in errors
            else None
        ),
    }


def _data(project: Project, store: Store) -> dict[str, Any]:
    """The data card: the project's items, their origin, and how much each annotator labeled."""
    labels = store.items.labels()
    hashes = store.items.hashes_of(labels)
    work = store.effort.work()
    hours = float(counted_seconds(work, project.config.team.idle_seconds).sum() / HOUR)
    path = project.folder / CARD
    return {
        "card": path.read_text(encoding="utf-8-sig") if path.is_file() else "",
        "guidelines": guidelines.text_of(project),
        "splits": store.items.composition(),
        "groups": (groups := store.items.group_counts()) and asdict(groups),
        "per_class": dict(store.items.counts().per_class),
        "class_changes": [_change(stored) for stored in store.class_changes.all()],
        "answers": store.items.answer_totals() | {"hours": round(hours, 2)},
        "decisions_by_leads": store.decisions.count(),
        "hash": data_hash([*hashes.values()], [labels[item] for item in hashes]),
        "hash_of": "SHA-256 over the sorted pairs of content hash and label, one JSON list a line",
    }


def _model(project: Project, rounds: list[Round]) -> dict[str, Any] | None:
    """The card of the latest model that is kept, without its training labels."""
    for r in reversed(rounds):
        if r.model and (weights := project.folder / r.model).is_file():
            try:
                card = asdict(cards.load(weights))
            except LabelerError:
                return None
            return {name: value for name, value in card.items() if name not in ("taught", "config")} | {"file": r.model}
    return None
