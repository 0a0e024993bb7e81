"""Where a project stands, as plain values: for a program as JSON, for people as the page of `labeler.report_page`.

Everything that an auditor asks for: what was measured, on what, how sure it is, with which settings, seeds and versions,
on which data, labeled by how many people who agreed how well, and what speaks for stopping.
"""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from labeler import __version__, cards, guidelines
from labeler.cards import data_hash
from labeler.curves import fit_curve
from labeler.effort import counted_seconds, spent_at_rounds
from labeler.errors import LabelerError
from labeler.holdout import evaluation
from labeler.labelsets import labels_at
from labeler.project import Project
from labeler.store import HOLDOUT_SEED, Store
from labeler.store.team import QUALIFICATION_SEED
from labeler.types import Round

HOUR = 3600
CARD = "datacard.md"  # what the project's people write about their data, if they do


def report(project: Project) -> dict[str, Any]:
    """All that is known about where the project stands, at one moment.

    Nothing in it names a person: annotators are counted.
    """
    with project.store() as store, store.read():
        rounds = store.rounds()
        found = {
            "project": {
                "name": project.config.name,
                "modality": project.config.modality,
                "classes": list(project.config.classes),
                "target_accuracy": project.config.target_accuracy,
                "budget": project.config.budget,
            },
            "made": {"at": datetime.now(UTC).isoformat(timespec="seconds"), "labeler": __version__},
            "rounds": _rounds(project, store, rounds),
            "projection": _projection(project, rounds),
            "holdout": _holdout(project, store, rounds),
            "audit": store.audit(),
            "stopped": store.stopped(),
            "data": _data(project, store),
            "model": _model(project, rounds),
            "seeds": {
                "holdout": HOLDOUT_SEED,
                "qualification": QUALIFICATION_SEED,
                "rounds": {r.number: r.seed for r in rounds},
            },
            "versions": cards.versions(),
            "settings": project.config.as_dict(),
        }
    return found


def _rounds(project: Project, store: Store, rounds: list[Round]) -> list[dict[str, Any]]:
    work, team = store.work(), project.config.team
    spent = spent_at_rounds(store.claimed_at(), work, team.idle_seconds, store.rates()).set_index("round")
    return [
        {
            "round": r.number,
            "labels": r.labels,
            "hours": round(float(spent["hours"].get(r.number, 0.0)), 3),
            "cost": round(float(spent["cost"].get(r.number, 0.0)), 2),
            **(asdict(r.metrics) if r.metrics else {}),
            "agreement_with_last": r.agreement,
            "uncertainty": r.uncertainty,
            "strategy": r.strategy,
            "seed": r.seed,
            "finished_at": r.finished_at,
        }
        for r in rounds
    ]


def _projection(project: Project, rounds: list[Round]) -> dict[str, Any] | None:
    """At how many labels the target is expected, with its 95 % interval."""
    measured = [(r.labels, r.metrics.accuracy, r.metrics.n) for r in rounds if r.metrics]
    if not measured:
        return None
    labels, accuracy, n = zip(*measured, strict=True)
    found = fit_curve(labels, accuracy, n[-1]).projection(project.config.target_accuracy)
    return {"target": project.config.target_accuracy, **asdict(found)}


def _holdout(project: Project, store: Store, rounds: list[Round]) -> dict[str, Any] | None:
    """All figures of the latest model on the labeled holdout."""
    measured = [r.number for r in rounds if r.metrics]
    forecast = store.forecast(measured[-1], "holdout") if measured else None
    if forecast is None:
        return None
    labels = store.labels()
    there = np.array([item in labels for item in forecast.items.tolist()], dtype=bool)
    known = labels_at(range(there.sum()), [labels[i] for i in forecast.items[there].tolist()], project.config)
    if not len(known):
        return None
    proba = forecast.proba[there][known.positions]
    return {"round": measured[-1], **asdict(evaluation(proba, known.targets, project.config.classes))}


def _data(project: Project, store: Store) -> dict[str, Any]:
    """The data card: what is in the project, where it came from, who labeled how much of it."""
    labels = store.labels()
    hashes = {item.id: item.content_hash for item in store.items()}
    work = store.work()
    hours = float(counted_seconds(work, project.config.team.idle_seconds).sum() / HOUR)
    path = project.folder / CARD
    return {
        "card": path.read_text(encoding="utf-8-sig") if path.is_file() else "",
        "guidelines": guidelines.text_of(project),
        "splits": store.composition(),
        "per_class": dict(store.counts().per_class),
        "answers": store.answering() | {"hours": round(hours, 2)},
        "decisions_by_leads": len([row for row in store.adjudications(1_000_000) if not row["undone"]]),
        "hash": data_hash([hashes[i] for i in labels], list(labels.values())),
        "hash_of": "SHA-256 over the sorted pairs of content hash and label, one JSON list a line",
    }


def _model(project: Project, rounds: list[Round]) -> dict[str, Any] | None:
    """The card of the latest model that is still there, without the labels that it was taught."""
    for r in reversed(rounds):
        if r.model and (weights := project.folder / r.model).is_file():
            try:
                card = asdict(cards.load(weights))
            except LabelerError:
                return None
            return {name: value for name, value in card.items() if name not in ("taught", "config")} | {"file": r.model}
    return None


def write(project: Project, out: Path) -> None:
    """Write the report to `out`, whole or not at all: as JSON where it is called so, else as a page.

    Raises: LabelerError: it cannot be written.
    """
    from labeler.report_page import page

    found = report(project)
    text = as_json(found) if out.suffix.lower() == ".json" else page(found)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LabelerError(f"{out} cannot be written: {error.strerror or error}.") from error


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1)
