"""Predictions of somebody else's models → the project's items: each model whole, or not at all."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from filelock import Timeout

from labeler.core.errors import LabelerError, ProjectError
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ForeignPrediction, Problem
from labeler.core.labels import join
from labeler.core.settings import Config
from labeler.i18n.messages import Message, mark
from labeler.projects.project import Project, open_project
from labeler.store import Store
from labeler.store.database import Row
from labeler.store.foreign import Key, NewForeign
from labeler.store.parts import AT_ONCE, let_others_write

MOST_PROBLEMS = 1000  # that a report names
KEYS: tuple[Key, ...] = ("item_id", "item", "item_source")
WHOLE = 0.99  # sum of the probabilities of some classes from which on the others have none
Told = Callable[[int], None]  # called with the number of predictions that were read


def add(
    project: Project,
    predictions: Iterable[ForeignPrediction | Problem],
    source: str,
    on_read: Told = lambda n: None,
) -> list[AddedPredictions]:
    """What came of predictions, for each model that they are of. They may be of several models, in any order.

    A model that had predictions under its version gets these in their place. Predictions of no item, or of no class of
    the project, are left out and named; a model of which nothing is left stays as it was.

    Args:   source: name of the file that they are from. on_read: called some times.
    Raises: LabelerError: nothing is left at all. ProjectError: the project was moved away.
    """
    try:
        with project.lock("import.lock", wait=-1):
            return add_within_lock(project, predictions, source, on_read)
    except Timeout:
        raise ProjectError("{folder} was archived, deleted or moved meanwhile.", folder=project.folder) from None


def add_within_lock(
    project: Project,
    predictions: Iterable[ForeignPrediction | Problem],
    source: str,
    on_read: Told = lambda n: None,
) -> list[AddedPredictions]:
    """As `add`, where the caller holds the project's `import.lock`."""
    with project.store() as store:
        store.foreign.forget_unfinished()
        class_change = store.class_changes.latest()  # before the classes are read: one that follows is not lost
        project = open_project(project.folder, project.actor)
        store.config = project.config
        arriving = _Arriving(store, project.config, source, class_change)
        try:
            arriving.take(predictions, on_read)
            added = arriving.finish()
        except BaseException:
            store.foreign.forget_unfinished()
            raise
        if project.config.learner.prior != "off" and not project.config.learner.prior_column:
            store.rounds.request("predictions")  # models start from them
        return added


@dataclass
class _Model:
    """A model whose predictions arrive. id: None before the first one that is stored."""

    name: str
    version: str
    id: int | None = None
    n: int = 0
    repeated: int = 0
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0

    def leave_out(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more_problems += 1


class _Arriving:
    """Predictions on their way into the store."""

    def __init__(self, store: Store, config: Config, source: str, class_change: int) -> None:
        self.store, self.config, self.source, self.class_change = store, config, source, class_change
        self.classes = {unicodedata.normalize("NFC", name): name for name in config.classes}
        self.models: dict[tuple[str, str], _Model] = {}
        self.unreadable: list[Problem] = []

    def take(self, predictions: Iterable[ForeignPrediction | Problem], on_read: Told) -> None:
        """Store predictions, `AT_ONCE` in a transaction."""
        read, rows = 0, iter(predictions)
        while batch := list(islice(rows, AT_ONCE)):
            read += len(batch)
            self.unreadable += [entry for entry in batch if isinstance(entry, Problem)]
            self._put([entry for entry in batch if isinstance(entry, ForeignPrediction)])
            on_read(read)
            let_others_write(self.store.db, len(batch))

    def finish(self) -> list[AddedPredictions]:
        """What came of each model, whose predictions count from now on."""
        begun = [model.id for model in self.models.values() if model.id is not None]
        if not begun:
            left_out = [problem for model in self.models.values() for problem in model.problems]
            raise LabelerError(
                "No prediction in {source} fits an item of the project, so nothing was imported. {problem}",
                source=self.source,
                problem=next(map(str, [*left_out, *self.unreadable]), ""),
            )
        for problem in self.unreadable:  # it stands in the file; which model it would be of is not known
            next(iter(self.models.values())).leave_out(problem)
        replaced = dict(zip(begun, self.store.foreign.finish(begun), strict=True))
        return [
            AddedPredictions(
                m.name, m.version, m.n, m.repeated, tuple(m.problems), m.more_problems, replaced.get(m.id or 0, False)
            )
            for m in self.models.values()
        ]

    def _put(self, batch: Sequence[ForeignPrediction]) -> None:
        stored: dict[tuple[str, str], list[NewForeign]] = {}
        for prediction, item in zip(batch, self._items(batch), strict=True):
            key = prediction.model, prediction.version
            model = self.models.setdefault(key, _Model(*key))
            try:
                fitting = _fitting(prediction, item, self.classes, self.config)
            except _UnfitError as reason:
                model.leave_out(Problem(prediction.row, reason.why))
                continue
            stored.setdefault(key, []).append(fitting)
        for key, predictions in stored.items():
            model = self.models[key]
            if model.id is None:
                model.id = self.store.foreign.begin(*key, self.source, self.class_change)
            n = self.store.foreign.put(model.id, predictions)
            model.n += n
            model.repeated += len(predictions) - n

    def _items(self, batch: Sequence[ForeignPrediction]) -> Iterator[int | None]:
        """The id of the item that each prediction is of; 0: several come from the same place; None: there is none."""
        ids: dict[Key, Row] = {}
        for key in KEYS:
            values = [value for prediction in batch if (value := getattr(prediction, key))]
            ids[key] = self.store.foreign.ids_of(key, values) if values else {}
        for prediction in batch:
            key = next((key for key in KEYS if getattr(prediction, key)), KEYS[0])
            yield ids[key].get(getattr(prediction, key))


class _UnfitError(Exception):
    """A prediction cannot be stored; says why."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


def _fitting(prediction: ForeignPrediction, item: int | None, classes: Mapping[str, str], config: Config) -> NewForeign:
    """A prediction as it is stored. Args: classes: the project's by their composed names. Raises: _UnfitError."""
    if item is None:
        raise _UnfitError(mark("is of no item of the project"))
    if not item:
        raise _UnfitError(mark("is of a place that several items came from"))
    names = {_known(name, classes) for name in prediction.labels}
    if not config.several and len(names) != 1:
        raise _UnfitError(mark("names {n} classes where an item has one", n=len(names)))
    given = {_known(name, classes): share for name, share in (prediction.probabilities or {}).items()}
    confidence = prediction.confidence
    if not all(0 <= share <= 1 for share in [*given.values(), *([] if confidence is None else [confidence])]):
        raise _UnfitError(mark("has a probability that is not between 0 and 1"))
    if confidence is None and not config.several and len(given) < len(config.classes):
        confidence = given.get(next(iter(names)))
    return NewForeign(item, join(names, config), _proba(given, config), confidence)


def _proba(given: Mapping[str, float], config: Config) -> np.ndarray | None:
    """(C,) probabilities, which sum to 1 where an item has one class; None: those of some classes are not known."""
    row = np.array([given.get(name, 0.0) for name in config.classes])
    if len(given) < len(config.classes) and (config.several or row.sum() < WHOLE):
        return None
    if config.several:
        return row
    return np.asarray(row / row.sum()) if row.sum() > 0 else None


def _known(name: str, classes: Mapping[str, str]) -> str:
    composed = unicodedata.normalize("NFC", name).strip()
    if composed not in classes:
        choices = ", ".join(map(repr, classes.values()))
        raise _UnfitError(mark("the class {name!r} is not among the classes {choices}", name=name, choices=choices))
    return classes[composed]
