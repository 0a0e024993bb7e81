"""`labeler.Project`: a project as a notebook or a script uses it, in a folder or on a server.

This is the one in a folder, beside the app or without it. `labeler.client.project` has the same for a server.
"""

import os
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd

from labeler.access.accounts import roles_in, set_role
from labeler.access.users import Role, is_reserved, local_user
from labeler.client import tables
from labeler.client.project import Project as ServedProject
from labeler.client.session import is_address
from labeler.core.actor import Actor, actor_of_process
from labeler.core.class_changes import ClassChange, ClassChangeKind
from labeler.core.errors import LabelerError
from labeler.core.events import EVENTS, Delivery, Event, Webhook
from labeler.core.feeds import Feed, FeedLook
from labeler.core.foreign import AddedPredictions
from labeler.core.items import Answer, ClassesAnItem, ImportReport, Modality, Progress
from labeler.core.jobs import ComparisonRequest
from labeler.core.labels import join
from labeler.core.notebook import AskedItem, RoundSummary, Verdict
from labeler.core.settings import Config, FeedConfig
from labeler.cycle.class_changes import change_classes, effect, settled
from labeler.events.webhooks import add_webhook
from labeler.files.addresses import Source, source_of
from labeler.files.sources import SourceColumns
from labeler.formats.base import Name, ReadAs
from labeler.jobs import feeds, imports
from labeler.jobs.comparisons import compare_now
from labeler.jobs.rounds import work_once
from labeler.models.inference import predict_unseen
from labeler.models.pool_predictions import predict_unlabeled
from labeler.progress.history import course
from labeler.projects import project as projects
from labeler.projects.export_columns import Format, Rows
from labeler.projects.export_rows import export_rows
from labeler.projects.exporter import Export, export_labels
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.foreign_tables import import_predictions
from labeler.projects.importer import import_source
from labeler.projects.other_tools import ToolExport, export_for
from labeler.report.sentences.comparison import rows_in_short, verdict
from labeler.report.status import status

POLL_SECONDS = 0.2  # while another process runs the round


class Project:
    """A project for Python code: that in a folder, which the app may serve at the same time, or one on a server.

    Of an address, such as `https://labels.example.org/films`, this makes a `labeler.client.project.Project`, which has
    the same methods.
    """

    def __new__(cls, place: str | Path, token: str | None = None) -> Any:
        """The project at this place, of the class for such places."""
        return ServedProject(str(place), token) if is_address(place) else super().__new__(cls)

    def __init__(self, place: str | Path, token: str | None = None) -> None:
        """
        Args:   place: a folder, or the address of a project on a server. token: for a server alone.
        Raises: ProjectError: the folder is no project. ConfigError: its settings are wrong.
        """
        self.folder = Path(place)
        self._project = self._opened()

    def _opened(self) -> projects.Project:
        """The project as its files are now."""
        process = actor_of_process()  # that of a command has a name
        return projects.open_project(self.folder, process if process.name else Actor(local_user().name, "python"))

    @classmethod
    def create(  # wide: what a project cannot do without, each with a default
        cls,
        place: str | Path,
        classes: Sequence[str],
        modality: Modality = "text",
        answers: ClassesAnItem = "one",
        name: str | None = None,
        token: str | None = None,
    ) -> "Project":
        """A new project.

        Args:   place: a folder, or an address on a server, of which the last part becomes the project's folder.
                classes: names, at least two. modality: text or image. answers: classes that an item has: one, or
                several. name: that people see; by default the folder's. token: for a server alone.
        Raises: ProjectError: the folder is a project already, or not empty. ConfigError: the classes cannot be used.
        """
        if is_address(place):
            return cast("Project", ServedProject.create(str(place), classes, modality, answers, name, token))
        folder = Path(place)
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
        format: ReadAs | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> ImportReport:
        """The report on importing a folder or zip of images, a table's file, a data frame, or images of a store.

        Args:   text, image, label, split, group: names of the table's columns; text and image are recognised by usual
                names. Items of a group, such as a patient, are all in the pool or all in the holdout.
                format: what the file is, such as "doccano" or "table", where that is not recognised.
                keep_labels: "holdout" drops the pool's labels, so that they are asked for. apart: whether the source is
                read in a process of its own, under the project's limits, as a server always does. on_progress: called
                with (rows done, rows in all, as far as that is known).
        Raises: SourceError: nothing can be read, or a column is missing.
        """
        columns = SourceColumns(text=text, image=image, label=label, split=split, group=group, format=format)
        with _place_of(source) as place:
            return import_source(
                self._opened(), place, columns, keep_labels=keep_labels, on_progress=on_progress, apart=apart
            )

    def start_import(  # wide: as `import_`
        self,
        source: str | Path,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        format: ReadAs | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        predictions: PredictionColumns | None = None,
    ) -> int:
        """The number of a new import job, which the app's worker runs.

        Args: as of `import_`. predictions: columns of the table with a model's predictions.
        """
        columns = SourceColumns(text=text, image=image, label=label, split=split, group=group, format=format)
        place = source_of(str(source))
        return imports.ask(self._opened(), place, columns, keep_labels=keep_labels, predictions=predictions)

    def import_predictions(
        self,
        source: str | Path | pd.DataFrame,
        columns: PredictionColumns,
        *,
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> list[AddedPredictions]:
        """What came of another model's predictions for items of the project, in a table's file or a data frame.

        Args:   columns: what its columns hold. apart, on_progress: as of `import_`.
        Raises: LabelerError: nothing fits an item; nothing has changed.
        """
        with _place_of(source) as place:
            return import_predictions(self._opened(), place, columns, on_progress, apart=apart)

    def feeds(self) -> list[Feed]:
        """The feeds, with what came of each; see docs/feeds.md."""
        return feeds.all_feeds(self._opened())

    def add_feed(self, name: str, feed: FeedConfig) -> None:
        """Add a feed, which the app's worker looks at.

        Raises: LabelerError: there is one of this name, or it may not be read, or its settings are wrong.
        """
        feeds.add(self._opened(), name, feed)

    def change_feed(self, name: str, **changes: Any) -> None:
        """Change settings of a feed, such as `every=5`; `paused=True` pauses it. At another place it begins anew.

        Raises: LabelerError: there is no feed of this name, or it may not be read, or the settings are wrong.
        """
        feeds.change(self._opened(), name, **changes)

    def remove_feed(self, name: str) -> None:
        """Remove a feed. Its items stay. Raises: LabelerError: there is none of this name."""
        feeds.remove(self._opened(), name)

    def pull_feed(self, name: str) -> Feed:
        """A feed once it was looked at, and all that is new there has come.

        Raises: LabelerError: there is none of this name, or it is paused.
        """
        return feeds.pull(self._opened(), name)

    def feed_looks(self, name: str, most: int = 50) -> list[FeedLook]:
        """The latest looks at a feed, the latest first. Raises: LabelerError: there is none of this name."""
        return feeds.looks(self._opened(), name, most)

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

    def change_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """The classes after one was renamed, merged, split, added or retired; no answer is lost.

        Args:   old: that the change is about. new: that take their place.
        Raises: LabelerError: the change cannot be made; nothing has changed.
        """
        change = ClassChange(kind, tuple(old), tuple(new))
        self._project, _ = change_classes(self._opened(), change, local_user().name)
        return self._project.config.classes

    def preview_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What a change of the classes would do: the `classes` then, and the numbers of items, answers and rounds.

        Args:   as of `change_classes`.
        Raises: LabelerError: the change cannot be made.
        """
        project = self._opened()
        with project.store() as store:
            told = effect(settled(project, store), store, ClassChange(kind, tuple(old), tuple(new)))
        return asdict(told) | {"classes": [*told.classes]}

    def status(self) -> dict[str, Any]:
        """Numbers of items, labels and rounds, the latest metrics, and `sentences` on them; see `labeler status`."""
        return status(self._opened())

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
        return Verdict(verdict(report, own_labels=source is None), pd.DataFrame(rows_in_short(report)), report)

    def export(self, out: str | Path | None = None) -> pd.DataFrame:
        """All current answers, one a row, with the columns of docs/export.md; also written to `out` (CSV, JSON Lines,
        Parquet or Excel, by its suffix).
        """
        if out is not None:
            self.write(out)
        with export_rows(self._project, "answers") as rows:
            return pd.DataFrame(rows)

    def write(  # wide: each is a choice of its own
        self,
        out: str | Path,
        rows: Rows = "answers",
        format: Format | None = None,
        predictions: bool = False,
        on_progress: Progress | None = None,
        other_models: bool = False,
    ) -> int:
        """The number of rows written to a file, which is there whole or not at all.

        Args:   rows: one an item, or one an answer. format: of the file; None: that of its suffix. predictions: add
                the best model's for items without a label. on_progress: called with (done, total) of what takes long.
                other_models: add what other models predicted, see `import_predictions`.
        Raises: LabelerError: the file cannot be written, or its suffix tells no format.
        """
        project = self._opened()
        predicted = predict_unlabeled(project, on_progress) if predictions else None
        return export_labels(project, Path(out), Export(rows, format, predicted, other_models))

    def write_for(self, tool: Name, out: str | Path) -> ToolExport:
        """What was written for another tool: the number of items, and what its format cannot hold.

        Args:   tool: such as `label-studio`, see docs/formats.md. out: a new folder, a `.zip`, or without images the
                tool's file.
        Raises: LabelerError: the format cannot hold the project's items, or `out` cannot be written.
        """
        return export_for(self._opened(), Path(out), tool)

    def predict(
        self,
        source: str | Path | pd.DataFrame | Sequence[str] | Sequence[Path],
        column: str | None = None,
        on_progress: Progress | None = None,
    ) -> pd.DataFrame:
        """The best model's predictions, one a row: label, its probability, that of each class, and the columns of the
        source, with `metadata.` before a name that the predictions have. What could not be read is told by its
        `attrs["problems"]`.

        Args:   source: files or folders as `labeler predict` takes them, a data frame, or texts. column: of the texts
                or image paths, recognised by its name if not given. on_progress: called with (inputs done, in all).
        Raises: LabelerError: there is no model yet, or nothing can be read.
        """
        if paths := tables.paths_in(source):
            result = predict_unseen(self._opened(), paths, column, on_progress)
            predicted = pd.DataFrame(result.rows())
        else:
            frame = tables.frame_of(source)
            with tables.numbered(frame) as table:
                result = predict_unseen(self._opened(), [table], column, on_progress)
            predicted = tables.beside(frame, pd.DataFrame(result.rows()), result.classes)
        predicted.attrs["problems"] = [str(problem) for problem in result.problems]
        return predicted

    def members(self) -> dict[str, Role]:
        """The role of each member, by name. Raises: LabelerError: the home has no accounts."""
        home = self.folder.resolve().parent
        return roles_in(home, projects.uid_in(home, self._opened()))

    def give_role(self, name: str, role: Role | None) -> None:
        """Make the account of this name a member, or give it another role; None ends the membership.

        Raises: LabelerError: the home has no accounts, or none of this name.
        """
        home, project = self.folder.resolve().parent, self._opened()
        set_role(home, name, projects.uid_in(home, project), role, project.actor)

    def webhooks(self) -> list[Webhook]:
        """The webhooks, without their secrets; see docs/events.md."""
        with self._project.store() as store:
            return store.webhooks.all()

    def add_webhook(self, url: str, events: Collection[Event] = EVENTS) -> tuple[int, str]:
        """The number of a new webhook, and the secret that its messages are signed with, which is told this once.

        Args:   events: that it is told of.
        Raises: LabelerError: it cannot have this address, or there is no such event.
        """
        return add_webhook(self._opened(), url, events)

    def remove_webhook(self, number: int) -> None:
        """Tell a webhook nothing more. Raises: LabelerError: there is none with this number."""
        with self._opened().store() as store:
            if not store.webhooks.remove(number):
                raise LabelerError("There is no webhook {number}.", number=number)

    def webhook_messages(self, most: int = 50) -> list[Delivery]:
        """The latest messages to webhooks, the latest first, with what came of each."""
        with self._project.store() as store:
            return store.webhooks.deliveries(most)

    def send_again(self, message: int) -> None:
        """Have a message sent again. Raises: LabelerError: there is none with this number."""
        with self._project.store() as store:
            if not store.webhooks.send_again(message):
                raise LabelerError("There is no message {number}, or its webhook was removed.", number=message)

    def __repr__(self) -> str:
        return f"labeler.Project({str(self.folder)!r})"

    def _tab(self, annotator: str) -> str:
        """What reservations are held under: this process counts as one tab of the annotator."""
        return f"python-{os.getpid()}-{annotator}"


@contextmanager
def _place_of(source: str | Path | pd.DataFrame) -> Iterator[Source]:
    """What a source of an import is read from; of a data frame a file, which is there until the block ends."""
    if isinstance(source, pd.DataFrame):
        with tables.written(source) as path:
            yield path
    else:
        yield source_of(str(source))


def _check_name(annotator: str) -> None:
    """Raise where nobody can work under a name. Raises: LabelerError."""
    if is_reserved(annotator):
        raise LabelerError("The name {name!r} is reserved: choose another.", name=annotator)
