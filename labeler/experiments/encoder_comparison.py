"""What models on each encoder predict, by cross-validation on the same labels and the same folds, kept in files.

A comparison that was cut off goes on from what it had computed.
"""

import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeler.backbones.cache import embed
from labeler.backbones.encoder import Encoder
from labeler.core.errors import LabelerError
from labeler.core.inputs import Input
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Labels
from labeler.core.whole_files import write_whole
from labeler.experiments.encoder_verdict import Predictions
from labeler.learner.folds import stratified
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask

FOLDS, REPEATS = 5, 2
SLICE = 128  # items between two writes of features: what an interruption costs at most
WARM, TIMED = 8, 16  # items that an encoder reads before it is timed, and while it is
LONGEST = 1800.0  # seconds to read all items of the project; an encoder that takes longer is left out


@dataclass(frozen=True)
class Judged:
    """The items that encoders are judged on: labeled ones first, then those of the pool that stand for all of it.

    hashes: of their contents. targets: of the labeled ones, as in `Labels`. queried: (n,) bool, labels that the
    predictions of a model chose. groups: (n + m,) int, or None. n_classes: of the project.
    """

    inputs: Sequence[Input]
    hashes: Sequence[str]
    targets: np.ndarray
    queried: np.ndarray
    groups: np.ndarray | None
    n_classes: int

    def digest(self, head: FrozenHead) -> str:
        """Identifies all that the predictions depend on beside the encoder."""
        about = [self.hashes, self.targets.tolist(), self.n_classes, head.name, head.learner.head_parameters]
        about += [None if self.groups is None else self.groups.tolist(), FOLDS, REPEATS]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    def task(self, features: np.ndarray, dims: tuple[int, ...], folder: Path | None = None) -> LearningTask:
        """The labels to be learned from features (n + m, d)."""
        labels = Labels(np.arange(len(self.targets)), self.targets)
        dataset = Dataset(self.inputs, features, dims, self.groups)
        return LearningTask.of(dataset, labels, self.n_classes, folder=folder)


def read(
    inputs: Sequence[Input],
    hashes: Sequence[str] | np.ndarray,
    encoder: Encoder,
    folder: Path,
    on_progress: Progress,
) -> np.ndarray:
    """(n, d) features of items, which are kept in `folder` a slice after the other: an interruption costs little."""
    for start in range(0, len(hashes), SLICE):
        on_progress(start, len(hashes))
        embed(inputs[start : start + SLICE], hashes[start : start + SLICE], encoder, folder)
    return np.asarray(embed(inputs, hashes, encoder, folder))


def seconds_each(judged: Judged, encoder: Encoder, items: int) -> float:
    """Seconds in which an encoder reads an item on this machine, measured on some of them.

    Args:   items: of the project.
    Raises: LabelerError: to read all of them would take longer than `LONGEST`.
    """
    encoder.encode(judged.inputs[:WARM])
    some, times = judged.inputs[WARM : WARM + TIMED] or judged.inputs, list[float]()
    for _attempt in range(2):  # the faster one: something else may have run beside the other
        began = time.perf_counter()
        encoder.encode(some)
        times.append(time.perf_counter() - began)
    each = min(times) / len(some)
    if each * items > LONGEST:
        raise LabelerError(
            "To read all {items:,} items would take about {minutes:,.0f} minutes, more than {most:.0f}.",
            items=items,
            minutes=each * items / 60,
            most=LONGEST / 60,
        )
    return each


def predictions(task: LearningTask, head: FrozenHead, file: Path, tell: Callable[[int, int], None]) -> Predictions:
    """What heads that have not seen them predict for the labeled items, and for the items of the pool beside them.

    Args: file: that keeps them; where it is there already, nothing is computed. tell: called with (done, total) fits.
    """
    if file.exists():
        with np.load(file) as kept:
            return Predictions(kept["labeled"], kept["pool"])
    n, total = len(task.labels), len(task.dataset)
    labeled, pool = (np.zeros((REPEATS, size, task.n_classes)) for size in (n, total - n))
    for repeat in range(REPEATS):
        folds = stratified(task.labels.targets, FOLDS, repeat, task.groups)
        for number, rows in enumerate(folds):
            tell(repeat * len(folds) + number, REPEATS * len(folds))
            model = head.fit(task.subset(np.setdiff1d(np.arange(n), rows)))
            # each item of the pool is predicted by one of the models, as each labeled one is
            part = np.arange(number, total - n, len(folds))
            labeled[repeat, rows] = model.predict_proba(task.dataset, task.labels.positions[rows])
            pool[repeat, part] = model.predict_proba(task.dataset, n + part)
    buffer = io.BytesIO()
    np.savez(buffer, labeled=labeled, pool=pool)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, buffer.getvalue())
    return Predictions(labeled, pool)


def round_seconds(task: LearningTask, head: FrozenHead, pool: int) -> float:
    """Seconds in which a round fits the heads and scores a pool of this size."""
    head.fit(task)  # the first time libraries are loaded
    began = time.perf_counter()
    model = head.fit(task)
    fitted = time.perf_counter()
    rest = np.arange(len(task.labels), len(task.dataset))
    model.predict_proba(task.dataset, rest)
    return fitted - began + (time.perf_counter() - fitted) * pool / max(len(rest), 1)
