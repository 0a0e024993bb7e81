"""Comparisons of the encoders on this machine on the project's labels: asked for after rounds, run beside them.

A round that is due comes first: the comparison stops, and goes on later from what it has kept.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

import strategies
from labeler.backbones.catalogue import CHARACTERS, available
from labeler.core.errors import LabelerError
from labeler.core.items import InOrder, Progress
from labeler.core.jobs import EncoderComparison, EncoderRequest
from labeler.cycle.encoder_choice import present_encoder, use_encoder
from labeler.experiments import encoder_verdict
from labeler.experiments.encoder_verdict import Predictions
from labeler.i18n.messages import Message, mark
from labeler.jobs.runner import PutBack, Tell, run_next
from labeler.projects import project as projects
from labeler.projects.own_strategies import own_strategies
from labeler.projects.project import Project
from labeler.store import Store

if TYPE_CHECKING:
    from labeler.backbones.encoder import Encoder
    from labeler.cycle.snapshot import Snapshot
    from labeler.experiments.encoder_comparison import Judged

# Imports of labeler.experiments.encoder_comparison, labeler.backbones and labeler.cycle.snapshot are deferred: pages
# read comparisons, and do without torch.

POOL = 1000  # items without a label that stand for the pool
MOST = 2000  # labels that encoders are judged on: more take minutes and hardly change what is estimated
FOLDER = "encoders"  # below that of searches: what comparisons have computed


# ---------------------------------------------------------------- asking


def ask_if_due(project: Project, store: Store) -> bool:
    """Ask for a comparison if the settings want one and the last one tells too little; whether it was asked for."""
    switch_if_told(project, store)
    if project.config.learner.backbone_search == "off":
        return False
    if store.items.count_labeled() < encoder_verdict.FEWEST:  # to see which encoders are here takes a moment
        return False
    last, request = store.encoder_comparisons.latest(), request_of(project, store)
    if store.encoder_comparisons.waiting() or not encoder_verdict.is_due(request, last.request if last else None):
        return False
    store.encoder_comparisons.request(request, "")
    return True


def request_of(project: Project, store: Store) -> EncoderRequest:
    """A comparison on the labels and with the encoders of this moment."""
    encoders = tuple(sorted(available(project.config.modality)))
    return EncoderRequest(store.items.count_labeled(), encoders, store.class_changes.latest())


# ---------------------------------------------------------------- running


def compare_once(project: Project, tell: Tell = lambda message, done, total: None, patient: bool = True) -> bool:
    """Run the project's next comparison if one is asked for and no other process is at it; True if one ended.

    Args: tell: told how far it is as well. patient: whether a round that is due comes first.
    """

    def work(project: Project, store: Store, job: EncoderComparison, tell: Tell) -> dict[str, Any]:
        if not patient:
            return Comparison(project, store, job.request, tell).run()
        comparison = Comparison(project, store, job.request, after_rounds(store, tell))
        report = comparison.run()
        comparison.read_ahead(report)
        return report

    ended = run_next(project, lambda store: store.encoder_comparisons, work, tell)
    if ended:
        with project.store() as store:
            switch_if_told(project, store)
    return ended


def compare_now(project: Project, by: str, tell: Tell = lambda message, done, total: None) -> int:
    """The id of a comparison once it has ended: this process runs it, unless a worker does. Rounds do not come first.

    Args: tell: told how far it is.
    """
    with project.store() as store:
        latest = store.encoder_comparisons.latest()
        if latest is not None and latest.state == "running":
            number = latest.id
        else:
            if latest is not None:
                store.encoder_comparisons.cancel(latest.id)  # if it waits: it is of fewer labels
            number = store.encoder_comparisons.request(request_of(project, store), by)
    while True:
        with project.store() as store:
            job = store.encoder_comparisons.get(number)
        if job.finished_at is not None:
            return number
        tell(job.message, job.done, job.total)
        if not compare_once(project, tell, patient=False):
            time.sleep(0.5)


def after_rounds(store: Store, tell: Tell) -> Tell:
    """The same, which stops the job as soon as a round waits or runs: rounds come first."""

    def step(message: str, done: int, total: int) -> None:
        tell(message, done, total)
        if store.rounds.waiting():
            raise PutBack

    return step


class Comparison:
    """One comparison: what it is on, and what comes out."""

    def __init__(self, project: Project, store: Store, request: EncoderRequest, tell: Tell) -> None:
        """
        Args: tell: told how far it is; what it raises ends the comparison, whose files stay.
        """
        from labeler.cycle import snapshot
        from labeler.learner.frozen import FrozenHead

        self.project, self.store, self.request, self.tell = project, store, request, tell
        self.snap = snapshot.take(project, store, self._reporter)
        self.rows, self.judged = judged_items(project, store, self.snap, request.labels)
        self.head = FrozenHead(project.config.learner)
        self.folder = project.tuning / FOLDER / self.judged.digest(self.head)
        # of its own, as in searches: the project's would hold these items first, and not in the order of the items
        self.cache = project.tuning / "embeddings"
        self.texts = project.texts(self.snap.items.ids)
        self.present = present_encoder(project, store)

    def run(self) -> dict[str, Any]:
        """The report as plain values; `encoders` has a row for each other encoder, judged or left out."""
        check(self.judged, self.project)
        features = np.asarray(self.snap.dataset.embeddings[self.rows])
        present = self._predictions(self.snap.encoder, features)
        now = self._round_seconds(self.snap.encoder, features)
        rows, judged = list[dict[str, Any]](), dict[str, Predictions]()
        for name in self._others():
            rows.append({"name": name})
            try:
                judged[name] = self._judge(name, rows[-1])
            except LabelerError as error:  # it is too slow, its weights are damaged, or no head can be fitted to it
                rows[-1]["note"] = Message.of(error)
        for row in rows:
            if row["name"] in judged:
                row |= self._gain(judged[row["name"]], present, len(judged))
        rows.sort(key=lambda row: -row.get("low", -np.inf))  # the best first, those left out last
        proposal = encoder_verdict.proposal(rows)
        report = {
            "labels": len(self.judged.targets),
            "queried": int(self.judged.queried.sum()),
            "items": len(self.snap.items),
            "present": self.present,
            "class_change": self.snap.class_change,
            "digest": self.folder.name,
            "round_seconds": now,
            "encoders": rows,
            "proposal": proposal,
        }
        for folder in self.folder.parent.iterdir():
            if folder != self.folder:  # of labels as they were
                shutil.rmtree(folder, ignore_errors=True)
        return report | {"verdict": encoder_verdict.verdict(report)}

    def _others(self) -> list[str]:
        from labeler.backbones.auto import readable

        return [name for name in readable(self.project.config.modality, self.texts) if name != self.present]

    def _judge(self, name: str, row: dict[str, Any]) -> Predictions:
        """What models on an encoder predict; its times are added to its row."""
        from labeler.experiments.encoder_comparison import read, seconds_each

        encoder = self._load(name)
        each = seconds_each(self.judged, encoder, len(self.snap.items))
        features = read(
            self.judged.inputs,
            self.judged.hashes,
            encoder,
            self.cache,
            self._reporter(mark("embedding items with {name}", name=name)),
        )
        row["reading_seconds"] = each * len(self.snap.items)
        row["round_seconds"] = self._round_seconds(encoder, features)
        return self._predictions(encoder, features)

    def _load(self, name: str) -> "Encoder":
        from labeler.backbones.choose import load_encoder

        config = self.project.config
        self.tell(mark("loading {name}", name=name), 0, 0)
        learner = replace(config.learner, backbone=name, adapted=False)
        return load_encoder(learner, config.modality, self.texts, self.cache)

    def _predictions(self, encoder: "Encoder", features: np.ndarray) -> Predictions:
        from labeler.experiments.encoder_comparison import predictions

        message = mark("comparing {name}", name=encoder.name)
        task = self.judged.task(features, encoder.dims, self.project.folder)
        return predictions(task, self.head, self.folder / f"{encoder.key}.npz", self._reporter(message))

    def _round_seconds(self, encoder: "Encoder", features: np.ndarray) -> float:
        from labeler.experiments.encoder_comparison import round_seconds

        task = self.judged.task(features, encoder.dims, self.project.folder)
        return round_seconds(task, self.head, len(self.snap.unlabeled))

    def _gain(self, other: Predictions, present: Predictions, tried: int) -> Mapping[str, float]:
        n = len(self.judged.targets)
        groups = None if self.judged.groups is None else self.judged.groups[:n]
        gain = encoder_verdict.gain_of(other, present, self.judged.targets, self.judged.queried, tried, groups)
        return {"gain": gain.value, "low": gain.low, "high": gain.high}

    def read_ahead(self, report: Mapping[str, Any]) -> None:
        """Read all items with the encoder that is proposed, so that no round waits for it. N-grams take no time."""
        from labeler.backbones.encoder import side_by_side
        from labeler.experiments.encoder_comparison import read

        if not report["proposal"] or encoder_verdict.is_settled(report, self.store.encoder_comparisons.answers()):
            return
        hashes = self.snap.items.hashes
        for encoder in side_by_side(self._load(report["proposal"])):
            if encoder.name != CHARACTERS:
                step = self._reporter(mark("embedding items with {name}", name=encoder.name))
                read(self.snap.dataset.inputs, hashes, encoder, self.project.embeddings, step)

    def _reporter(self, message: str) -> Progress:
        return lambda done, total: self.tell(message, done, total)


def judged_items(project: Project, store: Store, snap: "Snapshot", labels: int) -> "tuple[np.ndarray, Judged]":
    """The positions of the items that encoders are judged on, and these items: the first labels of the pool, or
    `MOST` spread over them, of which none is the holdout's, and items without a label that are practically random.
    """
    from labeler.experiments.encoder_comparison import Judged

    row_of = {item: row for row, item in enumerate(snap.ids(snap.labeled.positions).tolist())}
    order = [labeled for labeled in store.items.labeled_in_order() if labeled.item_id in row_of][:labels]
    order = [order[place] for place in np.linspace(0, len(order) - 1, min(len(order), MOST)).astype(int)]
    learned = np.array([row_of[labeled.item_id] for labeled in order], dtype=np.intp)
    positions = snap.labeled.positions[learned]
    # those that got a label since stay, so that one which was cut off goes on from where it was; they are in the order
    # of the reversed content hash, as in `snapshot.take`: its plain order is in use already
    pool = np.setdiff1d(np.flatnonzero(~snap.items.holdout), positions)
    rows = np.concatenate([positions, snap.items.spread(POOL, pool)])
    with own_strategies(project):
        queried = np.array([by_predictions(labeled) for labeled in order], dtype=bool)
    return rows, Judged(
        snap.dataset.inputs_at(rows),
        snap.hashes(rows),
        snap.labeled.targets[learned],
        queried,
        snap.dataset.groups_of(rows),
        len(project.config.classes),
    )


def by_predictions(labeled: InOrder) -> bool:
    """Whether a model's predictions may have had a part in the choice of an item."""
    if labeled.chosen or labeled.strategy is None:
        return labeled.chosen
    try:
        return bool(strategies.get(labeled.strategy).needs & {"proba", "member_proba"})
    except strategies.StrategyError:  # it is gone
        return True


def check(judged: "Judged", project: Project) -> None:
    """Refuse labels that are too few to compare encoders on.

    Raises: LabelerError: says what is missing.
    """
    from labeler.core import decisions

    counts = np.unique(decisions.strata(judged.targets), return_counts=True)[1]
    classes = int((counts > 1).sum())
    if len(judged.targets) < encoder_verdict.FEWEST or classes < 2:
        raise LabelerError(
            "The labels are too few to compare encoders: {labels} of the pool, with two or more in {classes} of the"
            " classes; {fewest} are needed, with two or more in two classes. Label more first.",
            labels=len(judged.targets),
            classes=classes,
            fewest=encoder_verdict.FEWEST,
        )


# ---------------------------------------------------------------- what follows


def open_proposal(project: Project, store: Store) -> tuple[int, dict[str, Any]] | None:
    """The number and the report of the latest comparison, if it proposes an encoder and nobody has answered that.

    None as well where the encoder or the classes have changed since.
    """
    latest = store.encoder_comparisons.latest_report()
    if latest is None or project.config.learner.backbone_search == "off":
        return None
    report = latest[1]
    if not report["proposal"] or report["class_change"] != store.class_changes.latest():
        return None
    if report["present"] != present_encoder(project, store):
        return None
    return None if encoder_verdict.is_settled(report, store.encoder_comparisons.answers()) else latest


def accept(project: Project, store: Store, number: int, report: Mapping[str, Any], by: str) -> Project:
    """The project with the encoder that a comparison proposes.

    Raises: LabelerError: the settings do not allow it.
    """
    changed = use_encoder(project, report["proposal"])
    store.encoder_comparisons.answer(number, "used", by)
    return changed


def switch_if_told(project: Project, store: Store) -> None:
    """Take over what the latest comparison proposes, if the settings say so."""
    project = projects.open_project(project.folder)  # the settings may have changed during the round or the comparison
    if project.config.learner.backbone_search == "switch" and (proposed := open_proposal(project, store)):
        accept(project, store, *proposed, by="")
