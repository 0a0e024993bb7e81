"""A project's adapted backbone: how it comes about before or beside the rounds, what is kept of it, what it brought.

The file of the adapted weights is `labeler.backbones.adapted`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import Timeout

from labeler.backbones.adapted import FILE, Adaptation, Gain, adaptable, hash_of, load, save, with_weights
from labeler.backbones.encoder import Pretrained
from labeler.core import decisions
from labeler.core.errors import LabelerError
from labeler.core.groups import codes
from labeler.core.inputs import Input
from labeler.core.items import Item, Modality, Progress
from labeler.core.jobs import AdaptationJob, AdaptationRequest
from labeler.core.labels import labels_at
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store

if TYPE_CHECKING:
    pass

# Imports of labeler.backbones, labeler.learner and labeler.progress are deferred: they load torch and pandas.

FEWEST_HOLDOUT = 50  # with fewer labels one item is 2 points of accuracy

# The result of docs/benchmarks/learner.md in one sentence.
MEASURED: dict[Modality, str] = {
    "image": mark(
        "Measured with two minutes of training: on photographs 4.9, 3.1 and 2.1 points of accuracy were gained at 50,"
        " 100 and 300 labels; on handwritten digits 2.8 points at 50 labels, and nothing from 100 on."
    ),
    "text": mark(
        "Measured with two minutes of training: on English film reviews it gained nothing that chance does not explain"
        " (0.6, 0.2 and 0.2 points of accuracy at 50, 100 and 300 labels), so it is hardly worth the time."
    ),
}


# ---------------------------------------------------------------- adapting


def adapt_once(project: Project) -> bool:
    """Run the project's next adaptation if one is asked for and no other process is at it; True if one ended."""
    return run_next(project, lambda store: store.adaptations, _adapt)


def _adapt(project: Project, store: Store, job: AdaptationJob, tell: Tell) -> dict[str, Any]:
    return asdict(run(project, store, job.request, lambda message: lambda done, total: tell(message, done, total)))


def run(project: Project, store: Store, request: AdaptationRequest, reporter: Callable[[str], Progress]) -> Adaptation:
    """Adapt the backbone to the pool, keep the weights, and measure what they bring if there are labels.

    The holdout's items are not looked at before that. Whatever ends it before the new weights are there, the old
    ones stay.

    Args:   reporter: gives, for a step in words, what is told how far it is.
    Raises: LabelerError: another adaptation is running, or the backbone cannot be adapted.
    """
    from labeler.backbones.choose import load_encoder
    from labeler.learner.self_supervised import adapt  # torch and its company load when there is work

    config = project.config
    try:
        with project.lock("adapt.lock"):
            with store.read():
                items, labels, flagged = store.items.all(), store.items.labels(), store.items.flagged()
            pool = [item for item in items if item.split == "pool" and item.id not in flagged]
            texts = [item.text for item in items if item.text is not None]
            reporter(mark("loading the backbone"))(0, 0)
            pretrained = replace(config.learner, adapted=False)
            base = adaptable(load_encoder(pretrained, config.modality, texts, project.embeddings))
            adaptation = adapt(
                base,
                _inputs(project, pool),
                request.seconds,
                request.seed,
                request.blocks,
                reporter(mark("adapting")),
            )
            about = Adaptation(
                base.key,
                adaptation.objective,
                request.blocks,
                adaptation.seconds,
                adaptation.steps,
                adaptation.losses,
                request.seed,
                hashlib.sha256("\n".join(sorted(item.content_hash for item in pool)).encode()).hexdigest(),
                len(pool),
                hash_of(adaptation.tensors),
            )
            save(project.embeddings / FILE, adaptation.tensors, about)
            encoders = base, with_weights(base, adaptation.tensors)
            about = replace(about, gain=_gain(project, config, items, labels, encoders, reporter))
            save(project.embeddings / FILE, adaptation.tensors, about)
            if request.use:
                use(project, True)
            return about
    except Timeout:
        raise LabelerError("Another adaptation of this project is running: wait for it, or end it.") from None


def use(project: Project, on: bool) -> None:
    """Have the adapted weights used from the next round on, or the pretrained ones again.

    Raises: BackboneError: there are none, or they are damaged.
    """
    if on:
        load(project.embeddings / FILE)
    now = projects.open_project(project.folder, project.actor)  # the settings may have changed meanwhile
    now.save(replace(now.config, learner=replace(now.config.learner, adapted=on)))


def _inputs(project: Project, items: Sequence[Item]) -> list[Input]:
    return [project.input_of(item) for item in items]


def _gain(
    project: Project,
    config: Config,
    items: Sequence[Item],
    labels: Mapping[int, str],
    encoders: tuple[Pretrained, Pretrained],
    reporter: Callable[[str], Progress],
) -> Gain | None:
    """What the adapted weights bring to the project's head on the pool's labels; None if there are too few to tell."""
    from labeler.learner.frozen import FrozenHead
    from labeler.learner.task import LearningTask
    from labeler.measure.paired import paired_difference
    from labeler.progress.curves import paired_gain

    labeled = [item for item in items if item.id in labels]
    answers = labels_at(range(len(labeled)), [labels[item.id] for item in labeled], config)
    labeled = [labeled[p] for p in answers.positions]
    in_pool = np.array([item.split == "pool" for item in labeled], dtype=bool)
    learning, measuring = np.flatnonzero(in_pool), np.flatnonzero(~in_pool)
    inputs, targets = _inputs(project, labeled), answers.targets
    if len(measuring) < FEWEST_HOLDOUT or len(np.unique(decisions.label_set_ids(targets[learning]))) < 2:
        return None
    right = list[np.ndarray]()
    for encoder in encoders:
        features = encoder.encode(inputs, reporter(mark("measuring")))
        dataset = Dataset(inputs, features, encoder.dims)
        of_pool = Labels(learning, targets[learning])
        task = LearningTask.of(dataset, of_pool, len(config.classes), folder=project.folder)
        head = FrozenHead(config.learner).fit(task)
        right.append(decisions.correct(head.predict_proba(dataset, measuring), targets[measuring]).astype(float))
    before, after = right
    low, high = paired_gain(after.tolist(), before.tolist())[1:]
    if (groups := codes([labeled[row].group for row in measuring])) is not None:
        difference = paired_difference(after, before, groups=groups)
        low, high = difference.low, difference.high
    assert low is not None
    assert high is not None
    return Gain(len(learning), len(measuring), float(before.mean()), float(after.mean()), low, high)
