"""Searches for better settings as background jobs: asked for, run beside the rounds, taken over by the lead.

One that was cut off goes on from where it was.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.items import Counts, Progress
from labeler.core.jobs import Tuning, TuningRequest
from labeler.core.labels import texts_of
from labeler.core.rounds import Dataset, Labels
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import Config
from labeler.core.settings_parser import parse
from labeler.experiments import search_space
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.projects.project import Project
from labeler.store import Store

if TYPE_CHECKING:
    from labeler.cycle.snapshot import Snapshot
    from labeler.learner.task import LearningTask

# Imports of labeler.experiments, labeler.backbones and labeler.learner are deferred: the app asks for searches, and
# does without torch.

# With fewer, chance decides: of 100 held-out items, 10 more or fewer right are within what chance explains.
FEWEST = 100


def ask(project: Project, request: TuningRequest, by: str) -> int:
    """Ask for a search; its id. One that is the same and has not ended is not asked for twice: it goes on.

    Raises: LabelerError: it cannot be run; says why.
    """
    search_space.check(request, project.config)
    if project.config.learner.head != LINEAR:
        raise LabelerError(
            "A search varies the fine-tuning beside linear heads, and learner.head is {head}: compare its parameters by"
            " `labeler simulate --head`, or set it to linear.",
            head=project.config.learner.head,
        )
    with project.store() as store:
        check_labels(store.items.counts())
        for job in store.tunings.all():
            if job.finished_at is None and job.request == request:
                return job.id
        return store.tunings.request(request, by)


def check_labels(counts: Counts) -> None:
    """Refuse labels of the pool that are too few to tell settings apart.

    Raises: LabelerError: says what is missing.
    """
    labels, classes = counts.labeled, sum(n > 1 for n in counts.per_class.values())
    if labels < FEWEST or classes < 2:
        raise LabelerError(
            "The labels are too few to tell settings apart: {labels} of the pool, with two or more in {classes} of the"
            " classes; {fewest} are needed, with two or more in two classes. Label more first.",
            labels=labels,
            classes=classes,
            fewest=FEWEST,
        )


def tune_once(project: Project, tell: Tell = lambda message, done, total: None) -> bool:
    """Run the project's next search if one is asked for and no other process is at one; True if one ended.

    Args: tell: told how far it is, besides the database.
    """
    return run_next(project, lambda store: store.tunings, _tune, tell)


def _tune(project: Project, store: Store, job: Tuning, tell: Tell) -> dict[str, Any]:
    from labeler.cycle import snapshot
    from labeler.experiments.search import Search
    from labeler.models import cards

    began, request = time.monotonic(), job.request

    def reporter(message: str) -> Progress:
        def report(done: int, total: int) -> None:
            words = (
                mark("{message}, {done:,} of {total:,}", message=message, done=done, total=total) if total else message
            )
            tell(words, job.done + round(time.monotonic() - began), round(request.seconds))

        return report

    check_labels(store.items.counts())
    state = snapshot.take(project, store, reporter)
    rows, targets = state.labeled.positions, state.labeled.targets
    hashes = state.hashes(rows)
    data = cards.data_hash(hashes, texts_of(targets, project.config))
    search = Search(_tasks(project, state, request, reporter), project.config, request, tell)
    return search.run(data, project.tuning, spent=job.done + time.monotonic() - began)


def _tasks(
    project: Project, state: "Snapshot", request: TuningRequest, reporter: Callable[[str], Progress]
) -> "dict[str, LearningTask]":
    """The labels of the pool with the features of each backbone; unlabeled and holdout items are left out."""
    from labeler.backbones.cache import embed
    from labeler.backbones.choose import load_encoder
    from labeler.learner.task import LearningTask

    config, dataset, rows = project.config, state.dataset, state.labeled.positions
    inputs, hashes = dataset.inputs_at(rows), state.hashes(rows)
    texts = project.texts(state.items.ids)
    groups = dataset.groups_of(rows)
    own = Dataset(inputs, np.asarray(dataset.embeddings[rows]), dataset.dims, groups)
    labels, n_classes = Labels(np.arange(len(rows)), state.labeled.targets), len(config.classes)
    tasks = {config.learner.backbone: LearningTask.of(own, labels, n_classes, state.encoder)}
    keys = {state.encoder.key}
    # a cache of its own: the project's would hold these items first, and not in the order of the items
    cache = project.tuning / "embeddings"
    for name in request.backbones:
        learner = search_space.with_backbone(config.learner, name)
        encoder = load_encoder(
            learner, config.modality, texts, project.embeddings, reporter(mark("loading {name}", name=name))
        )
        if encoder.key not in keys:
            keys.add(encoder.key)
            embeddings = embed(inputs, hashes, encoder, cache, reporter(mark("embedding items with {name}", name=name)))
            others = Dataset(inputs, embeddings, encoder.dims, groups)
            tasks[name] = LearningTask.of(others, labels, n_classes, encoder)
    return tasks


def follow(project: Project, number: int, tell: Tell) -> Tuning:
    """The search once it has ended: this process runs it, unless a worker does.

    Args: tell: told how far it is.
    """
    while True:
        with project.store() as store:
            job = store.tunings.get(number)
        if job.finished_at is not None:
            return job
        tell(job.message, job.done, job.total)
        if not tune_once(project, tell):
            time.sleep(0.5)


def cancel(project: Project, number: int) -> bool:
    """Cancel a search; False if it has ended already. What it tried so far is kept for the next one."""
    with project.store() as store:
        return store.tunings.cancel(number)


def in_use(project: Project, report: Mapping[str, Any]) -> bool:
    """Whether the project has the settings that a search proposes."""
    return _proposed(project, report) == project.config


def outdated(project: Project, report: Mapping[str, Any]) -> bool:
    """Whether the learner's settings are others than those beside which a search judged what it proposes."""
    now = json.loads(json.dumps(project.config.as_dict()["learner"]))  # as the report was stored
    return now != report["learner"]


def take_over(project: Project, number: int) -> Project:
    """Save what a search proposes as the project's settings, and give back the project that has them.

    Raises: LabelerError: it proposes nothing, or the settings have changed since.
    """
    with project.store() as store:
        report = store.tunings.report_of(number)
    if not report or not report["proposal"]:
        raise LabelerError("The search proposes no settings, so there is nothing to take over.")
    if in_use(project, report):
        return project
    if outdated(project, report):
        raise LabelerError(
            "The learner's settings have changed since this search, which says nothing of them: search again."
        )
    return project.save(_proposed(project, report))


def _proposed(project: Project, report: Mapping[str, Any]) -> Config:
    values, proposal = project.config.as_dict(), report["proposal"]
    learner = values["learner"]
    finetune = learner["finetune"] | proposal.get("finetune", {})
    values["learner"] = learner | proposal | {"finetune": finetune}
    return parse(values, mark("The proposal"))
