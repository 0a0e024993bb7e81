"""Projects with a history that is made up, for looking at the lead's pages and for timing them.

Customers' letters in Korean and English, or scikit-learn's digits: a team labels for some weeks, rounds come and go,
and the model gets better. Nothing is trained: what each round's model says is drawn so that it is right as often as a
learning curve says, is about as sure as it is right, and changes little from one round to the next. The figures on the
pages are then computed from these answers and forecasts as from real ones, but for what random labels would have
brought, which is made up. There is no model: a worker that is let at such a project trains one, as after an import.

    python -m bench.lead.project /tmp/home/letters --rounds 20
    python -m bench.lead.project /tmp/home/digits --rounds 20 --modality image
    LABELER_HOME=/tmp/home streamlit run streamlit_app.py
"""

import argparse
import csv
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.lead import letters
from bench.lead.audit import report
from bench.lead.history import History, Life, Model, Person, work_hours
from labeler.core.items import NewItem
from labeler.core.rounds import Forecast
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig, TeamConfig
from labeler.files.sources import SourceColumns
from labeler.measure.metrics import metrics, stability
from labeler.projects import project as projects
from labeler.projects.demo import write_digits
from labeler.projects.importer import content_hash, import_source, normalise
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.rounds import measures

HOLDOUT, COMPARED = 300, 500
SITES = {"Seoul": (0.5, 1.05), "Busan": (0.35, 1.0), "Incheon": (0.15, 0.7)}  # share of items; ease for the model
NAMES = (
    "김지수", "Anna Weber", "박민준", "이서연", "Tom Miller", "최하은", "정도윤", "Grace Lee", "한지우", "Omar Haddad",
    "윤서준", "Lucía Pérez", "강예린", "Wei Chen", "조은우", "Ines Costa", "임수아", "Jan Novák", "오지호", "Mia Rossi",
    "서다은", "Ben Carter", "신유나", "Sara Ahmadi", "권태민",
)  # fmt: skip


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
    """A project in a new folder that has gone through so many rounds and was labeled on until now.

    Args: items, answers, annotators (25 at most), days: as many as go with the rounds, unless given. Digits are 1,797.
    """
    rng = np.random.default_rng(seed)
    measured = min(HOLDOUT, 60 + 24 * rounds)  # so many answers of a short history are about the holdout
    answers = answers or (1250 if modality == "image" else 100 + measured + 45 * rounds)
    items = items or max(3000, 2 * answers)
    annotators = min(annotators or min(12, 2 + rounds // 8), len(NAMES))
    batch = max(1, round((answers / 1.15 - measured) / (rounds + 0.4)))
    project = projects.create(folder, _config(modality, rounds, batch, answers))
    with project.store() as store:
        truth = _add_digits(project, store, rng) if modality == "image" else _add_letters(store, items, rng)
        stored = store.items.all()
        targets = np.array([truth[item.content_hash] for item in stored])
        ease = np.array([SITES[site][1] for site in _sites(store)])
        split = np.array([item.split for item in stored])
        pool, holdout = np.flatnonzero(split == "pool"), np.flatnonzero(split == "holdout")
        compared = np.array(sorted(pool, key=lambda p: stored[p].content_hash[::-1])[:COMPARED])
        team = _team(store, annotators, rng)
        slots = work_hours(team, answers, days or min(60, max(3, rounds)), datetime.now(UTC), rng)
        model = Model(targets, ease, len(project.config.classes), rng)
        history = Life(model, team, pool, holdout, compared, batch, rng).go_through(slots, rounds)
        ids = np.array([item.id for item in stored])
        with store.write():
            _write_answers(store, history, ids, team)
            _write_rounds(store, history, ids[holdout], ids[compared])
        if job := store.audits.claim():
            store.audits.finish(job.id, report(store, model, history, ids))
    return project


def _config(modality: str, rounds: int, batch: int, answers: int) -> Config:
    name = "손글씨 Handwritten digits" if modality == "image" else "고객의 소리 Letters"
    return Config(
        name=f"{name}, {rounds} round{'s' * (rounds != 1)}",
        classes=tuple("0123456789") if modality == "image" else tuple(letters.LETTERS),
        modality=modality,  # type: ignore[arg-type]
        target_accuracy=0.9,
        budget=round(1.3 * answers),
        query=QueryConfig(strategy="margin", seed_size=max(2, batch), batch=batch),
        learner=LearnerConfig() if modality == "image" else LearnerConfig(backbone="char_tfidf"),
        labeling=LabelingConfig(overlap=2, overlap_share=0.15),
        team=TeamConfig(rate=24_000.0, currency="KRW"),
    )


def _add_letters(store: Store, n: int, rng: np.random.Generator) -> dict[str, int]:
    """Add letters; the class of each, by content hash."""
    classes, products = [*letters.LETTERS], letters.PRODUCTS
    targets, sites = rng.choice(len(classes), n, p=[0.35, 0.2, 0.3, 0.15]), _draw_sites(n, rng)
    letters_to_add, truth = [], {}
    for number, (target, site) in enumerate(zip(targets.tolist(), sites, strict=True)):
        product = str(rng.choice(products))
        text = letters.write(classes[target], product, number, rng)
        name = content_hash(normalise(text).encode())
        truth[name] = target
        letters_to_add.append(
            NewItem(name, f"letters.csv row {number + 2}", text, metadata={"site": site, "product": product})
        )
    store.items.add(letters_to_add)
    store.holdout.draw(HOLDOUT)
    return truth


def _add_digits(project: Project, store: Store, rng: np.random.Generator) -> dict[str, int]:
    """Import the digits without their labels; the class of each, by content hash."""
    with tempfile.TemporaryDirectory() as scratch:
        with write_digits(Path(scratch)).open(encoding="utf-8") as file:
            rows = [*csv.DictReader(file)]
        table = Path(scratch) / "scans.csv"
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "site", "scanner"])
            for row, site in zip(rows, _draw_sites(len(rows), rng), strict=True):
                writer.writerow([row["file"], site, rng.choice(["flatbed", "phone"])])
        import_source(project, table, SourceColumns(image="file"))
        truth = {content_hash((Path(scratch) / row["file"]).read_bytes()): int(row["label"]) for row in rows}
    store.db.execute("DELETE FROM jobs")  # the import asked for a round
    store.db.connection.commit()
    return truth


def _draw_sites(n: int, rng: np.random.Generator) -> list[str]:
    return rng.choice([*SITES], n, p=[share for share, _ in SITES.values()]).tolist()


def _sites(store: Store) -> list[str]:
    rows = store.db.rows("SELECT metadata ->> 'site' AS site FROM items WHERE split IS NOT NULL ORDER BY id")
    return [row["site"] for row in rows]


def _team(store: Store, n: int, rng: np.random.Generator) -> list[Person]:
    team = [
        Person(name, float(rng.uniform(3.5, 9)), float(rng.uniform(0.9, 0.975)), float(rng.lognormal(0, 0.5)))
        for name in NAMES[:n]
    ]
    for person in team:
        store.team.join(person.name)
    if n > 2:
        store.team.set_rate(team[1].name, 31_000.0)
    return team


def _write_answers(store: Store, history: History, ids: np.ndarray, team: list[Person]) -> None:
    classes, names = store.config.classes, {item: int(i) for item, i in enumerate(ids)}
    store.db.executemany(
        "INSERT INTO queries (id, round, rank, item_id, strategy, score, predicted, confidence)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                place,
                a.round,
                a.rank,
                names[a.item],
                a.strategy,
                a.score,
                None if a.predicted is None else classes[a.predicted],
                a.confidence,
            )
            for place, a in enumerate(history.asked, 1)
        ],
    )
    store.db.executemany(
        "INSERT INTO annotations (id, request_id, item_id, annotator, action, label, query_id, seconds, tab, at,"
        " supersedes, unsure, today) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'bench', ?9, ?10, ?11, ?6)",
        [
            (
                place,
                f"bench:{place}",
                names[g.item],
                team[g.who].name,
                g.action,
                None if g.label is None else classes[g.label],
                None if g.query is None else g.query + 1,
                g.seconds,
                _stamp(g.at),
                None if g.supersedes is None else g.supersedes + 1,
                g.unsure,
            )
            for place, g in enumerate(history.given, 1)
        ],
    )
    first = _stamp(min((g.at for g in history.given), default=datetime.now(UTC)))
    store.db.execute("UPDATE annotators SET joined_at = ?", [first])


def _write_rounds(store: Store, history: History, holdout: np.ndarray, compared: np.ndarray) -> None:
    """Each round as `Rounds.finish` stores it, measured by the holdout's labels of today."""
    labels, classes = store.items.labels(), [*store.config.classes]
    labeled = np.array([item in labels for item in holdout.tolist()])
    targets = np.array([classes.index(labels[item]) for item in holdout[labeled].tolist()], dtype=np.intp)
    config, before = json.dumps(store.config.as_dict(), ensure_ascii=False), None
    for turn in history.turns:
        forecasts = {"holdout": Forecast(holdout, turn.holdout), "stop": Forecast(compared, turn.compared)}
        measured = metrics(turn.holdout[labeled], targets) if labeled.any() else None
        agreement, uncertainty = stability(forecasts["stop"], before, store.config)
        before = forecasts["stop"]
        took = 2.0 + 0.004 * turn.labels
        job = {
            "id": turn.number,
            "reason": "new labels",
            "state": "done",
            "labels": turn.labels,
            "attempts": 1,
            "requested_at": _stamp(turn.at),
            "claimed_at": _stamp(turn.at),
            "finished_at": _stamp(turn.at + timedelta(seconds=took + 1)),
        }
        store.db.insert("jobs", job)
        store.db.insert(
            "rounds",
            {
                "number": turn.number,
                "job_id": turn.number,
                "labels": turn.labels,
                "strategy": "margin",
                "seed": turn.number,
                "config": config,
                "model": f"models/round-{turn.number:04d}.safetensors",  # there is no such file
                **(measures(measured) if measured else {}),
                "agreement": agreement,
                "uncertainty": uncertainty,
                "train_seconds": took,
                "query_seconds": 1.0,
                "finished_at": job["finished_at"],
            },
        )
        store.forecasts.add(turn.number, forecasts)  # type: ignore[arg-type]
    store.audits.request_for_latest()


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    for name, default in {
        "rounds": 20,
        "items": None,
        "answers": None,
        "annotators": None,
        "days": None,
        "seed": 0,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--modality", choices=["text", "image"], default="text")
    values = vars(parser.parse_args())
    project = make(values.pop("folder"), values.pop("rounds"), **values)
    with project.store() as store:
        counts, rounds = store.items.counts(), store.rounds.all()
    kinds = Counter(r.strategy for r in rounds)
    print(f"{project.folder}: {counts.answers_by_people:,} labels by people, {counts.labeled:,} items of the pool of")
    print(f"{counts.pool:,} and {counts.holdout_labeled} of the holdout of {counts.holdout}, {kinds.total()} rounds.")


if __name__ == "__main__":
    main()
