"""`labeler.Project`: a project as a notebook or a script uses it, beside the app or without it."""

import os
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from labeler.access.users import is_reserved, local_user
from labeler.core.actor import Actor
from labeler.core.errors import LabelerError
from labeler.core.inputs import ImageFile
from labeler.core.items import Answer, ClassesAnItem, ImportReport, Modality
from labeler.core.jobs import ComparisonRequest
from labeler.core.labels import join
from labeler.core.rounds import Metrics
from labeler.core.settings import Config
from labeler.files.addresses import source_of
from labeler.files.csv_files import write_csv
from labeler.files.sources import SourceColumns
from labeler.jobs.comparisons import compare_now
from labeler.jobs.rounds import work_once
from labeler.models.inference import predict_unseen
from labeler.progress.history import course
from labeler.projects import project as projects
from labeler.projects.exporter import export_labels
from labeler.projects.importer import import_source
from labeler.report.sentences.comparison import saved_in_short, verdict

ROW = "row of the data frame"
POLL_SECONDS = 0.2  # while another process runs the round


@dataclass(frozen=True)
class AskedItem:
    """An item that waits for an answer: its text, or its image: a path, or what reads it from its store."""

    id: int
    text: str | None
    image: ImageFile | None
    source: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class RoundSummary:
    """A finished round. `metrics`: on the holdout; None while no model can be trained or measured."""

    number: int
    labels: int
    strategy: str
    metrics: Metrics | None


@dataclass(frozen=True)
class Verdict:
    """A comparison of strategies. words: what it shows, how certain that is, and what to do. table: a row a strategy.
    report: everything, as `labeler simulate --out` writes it.
    """

    words: str
    table: pd.DataFrame
    report: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.words}\n\n{self.table.to_string(index=False)}"


class Project:
    """A project folder, opened for Python code. The app may serve the same folder at the same time.

    Raises: ProjectError: the folder is no project. ConfigError: its settings are wrong.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._project = self._opened()

    def _opened(self) -> projects.Project:
        """The project as its files are now."""
        return projects.open_project(self.folder, Actor(local_user().name, "python"))

    @classmethod
    def create(
        cls,
        folder: str | Path,
        classes: Sequence[str],
        modality: Modality = "text",
        answers: ClassesAnItem = "one",
        name: str | None = None,
    ) -> "Project":
        """A new project.

        Args:   classes: names, at least two. modality: text or image. answers: classes that an item has: one, or
                several. name: that people see; by default the folder's.
        Raises: ProjectError: the folder is a project already, or not empty. ConfigError: the classes cannot be used.
        """
        folder = Path(folder)
        projects.create(folder, Config(name or folder.resolve().name, tuple(classes), modality, answers))
        return cls(folder)

    @property
    def settings(self) -> Config:
        """The settings; `project.settings = replace(project.settings, budget=500)` saves others."""
        self._project = self._opened()
        return self._project.config

    @settings.setter
    def settings(self, settings: Config) -> None:
        self._project = self._project.save(settings)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.settings.classes

    def import_(  # wide: the columns of a table are keywords of their own
        self,
        source: str | Path | pd.DataFrame,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
    ) -> ImportReport:
        """The report on importing a folder or zip of images, a table's file, a data frame, or images of a store.

        Args:   text, image, label, split, group: names of the table's columns; text and image are recognised by usual
                names. Items of a group, such as a patient, are all in the pool or all in the holdout.
                keep_labels: "holdout" drops the pool's labels, so that they are asked for.
        Raises: SourceError: nothing can be read, or a column is missing.
        """
        columns = SourceColumns(text=text, image=image, label=label, split=split, group=group)
        if not isinstance(source, pd.DataFrame):
            return import_source(self._project, source_of(str(source)), columns, keep_labels=keep_labels)
        with tempfile.TemporaryDirectory() as scratch:
            table = Path(scratch) / "table.csv"
            write_csv(source, table)
            return import_source(self._project, table, columns, keep_labels=keep_labels)

    def next_items(self, annotator: str, n: int = 1) -> list[AskedItem]:
        """Up to `n` items for this annotator to answer, the most informative first; others are not given them for
        `labeling.reservation_seconds`.
        """
        _check_name(annotator)
        with self._project.store() as store:
            reserved = store.desk.reserve(annotator, self._tab(annotator), n)
        return [
            AskedItem(
                r.item.id,
                r.item.text,
                self._project.image_of(r.item) if r.item.media else None,
                r.item.source,
                dict(r.item.metadata),
            )
            for r in reserved[:n]
        ]

    def answer(
        self, annotator: str, item: AskedItem | int, label: str | Sequence[str] | None, seconds: float | None = None
    ) -> None:
        """Store an answer; the item's next answer by the same annotator replaces it.

        Args:   label: a class, or a sequence of classes where an item has several; None skips the item.
        Raises: LabelerError: there is no such item or class; nothing is stored.
        """
        _check_name(annotator)
        config = self.settings
        names = () if label is None else (label,) if isinstance(label, str) else tuple(label)
        unknown = [name for name in names if name not in config.classes]
        if unknown or (label is not None and not config.several and len(names) != 1):
            raise LabelerError(
                "{label!r} is not a label of this project: its classes are {classes}.",
                label=label,
                classes=", ".join(config.classes),
            )
        answer = Answer(
            uuid.uuid4().hex,
            item if isinstance(item, int) else item.id,
            "skip" if label is None else "label",
            None if label is None else join(names, config),
            seconds,
            self._tab(annotator),
        )
        with self._project.store() as store:
            (receipt,) = store.answers.add(annotator, [answer])
        if not receipt.ok:
            raise LabelerError("The answer was refused: {reason}", reason=receipt.reason)

    def run_round(self) -> RoundSummary:
        """The round that is run now: train on all labels, measure on the holdout, rank what to ask next.

        Where the app's worker runs rounds of this project, the round is left to it and waited for.

        Raises: LabelerError: the round cannot be run; says why.
        """
        project = self._opened()
        with project.store() as store:
            store.rounds.request("from Python")
            waits_for = store.rounds.latest_job()
            while store.rounds.waiting():
                if not work_once(project):
                    time.sleep(POLL_SECONDS)
            job, latest = store.rounds.latest_job(), store.rounds.latest()
        if job is None or waits_for is None or job.state == "failed" or latest is None:
            raise LabelerError("The round failed: {error}", error=job.error if job else "")
        return RoundSummary(latest.number, latest.labels, latest.strategy, latest.metrics)

    def curve(self) -> pd.DataFrame:
        """All rounds, one a row: round, labels, accuracy, low, high (of the 95% interval), holdout (items measured
        on), and what was spent until then.
        """
        with self._project.store() as store:
            return course(store)

    def compare(
        self,
        strategies: Sequence[str],
        source: str | Path | None = None,
        *,
        label: str = "label",
        runs: int = 5,
        rounds: int = 10,
    ) -> Verdict:
        """A comparison of query strategies with random sampling on labels that are known; it takes minutes.

        Args:   source: a labeled table or folder; None: the project's own labels so far. label: the table's column.
                runs: of each strategy, each with its own first labels. rounds: queries after the first labels.
        Raises: LabelerError, StrategyError: it cannot be run; says why.
        """
        project, query = self._opened(), self.settings.query
        path = None if source is None else str(Path(source).resolve())
        asked = (tuple(strategies), runs, rounds, query.batch, query.seed_size, path)
        with project.store() as store:
            report = compare_now(
                project, store, ComparisonRequest(*asked, label_column=label), lambda _message, _done, _total: None
            )
        table = pd.DataFrame(
            {
                "strategy": row["strategy"],
                "accuracy": row["aulc_mean"],
                "gain": row["gain_over_random"],
                "low": row["gain_low"],
                "high": row["gain_high"],
                "labels saved": saved_in_short(row),
            }
            for row in report["summary"]
        )
        return Verdict(verdict(report, own_labels=source is None), table, report)

    def export(self, out: str | Path | None = None) -> pd.DataFrame:
        """All current answers, one a row; also written to `out` (CSV, JSON Lines or Parquet, by its suffix)."""
        if out is not None:
            export_labels(self._project, Path(out))
        with self._project.store() as store:
            return pd.DataFrame(store.answers.export())

    def predict(self, source: str | Path | pd.DataFrame | Sequence[str], column: str | None = None) -> pd.DataFrame:
        """The best model's predictions, one a row: label, its probability, that of each class, and the columns of the
        source, with `metadata.` before a name that the predictions have.

        Args:   source: a file or folder as `labeler predict` takes it, a data frame, or texts. column: of the texts or
                image paths, recognised by its name if not given.
        Raises: LabelerError: there is no model yet, or nothing can be read.
        """
        if isinstance(source, str | Path):
            return pd.DataFrame(predict_unseen(self._project, [Path(source)], column).rows())
        frame = source if isinstance(source, pd.DataFrame) else pd.DataFrame({"text": list(source)})
        with tempfile.TemporaryDirectory() as scratch:
            table = Path(scratch) / "table.csv"
            write_csv(frame.assign(**{ROW: range(len(frame))}), table)
            result = predict_unseen(self._project, [table], column)
        predictions = pd.DataFrame(result.rows())
        names = {name: result.name_of(str(name)) for name in frame if name != "source"}
        predicted = frame.iloc[predictions[ROW].astype(int)].rename(columns=names)
        added = predictions.drop(columns=[ROW, "source", *(name for name in predicted if name in predictions)])
        return predicted.assign(**{str(name): added[name].to_numpy() for name in added})

    def __repr__(self) -> str:
        return f"labeler.Project({str(self.folder)!r})"

    def _tab(self, annotator: str) -> str:
        """What reservations are held under: this process counts as one tab of the annotator."""
        return f"python-{os.getpid()}-{annotator}"


def _check_name(annotator: str) -> None:
    """Raise where nobody can work under a name. Raises: LabelerError."""
    if is_reserved(annotator):
        raise LabelerError("The name {name!r} is reserved: choose another.", name=annotator)
