"""The process that runs rounds. Pages only insert a job; nobody waits for it.

Killed at any point it loses nothing: a round's model, metrics and ranking are committed in one transaction, and
the operating system frees the lock of a dead worker, so that the next one knows that a running job is orphaned.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

import strategies
from labeler.backbones.encoder import Encoder
from labeler.core.errors import UNEXPECTED, LabelerError
from labeler.core.items import Prediction, Progress
from labeler.core.jobs import Job
from labeler.core.labels import texts_of
from labeler.core.rounds import Forecast, ForecastKind, Ranked, RoundResult
from labeler.core.settings import Config
from labeler.cycle import snapshot
from labeler.cycle.holdout_queue import next_holdout, weighted
from labeler.cycle.query import interleave
from labeler.cycle.round import run_round
from labeler.cycle.snapshot import Snapshot
from labeler.cycle.state import State
from labeler.i18n.messages import _, mark
from labeler.jobs.adaptations import adapt_once
from labeler.jobs.audits import AUDITS, audit_once
from labeler.jobs.comparisons import compare_once
from labeler.jobs.runner import Beside
from labeler.jobs.searches import tune_once
from labeler.jobs.supervisor import attend
from labeler.learner import model as models
from labeler.learner.model import Model
from labeler.learner.predict import opinions
from labeler.measure.metrics import stability
from labeler.models import cards
from labeler.models.cards import Card
from labeler.progress import stopping
from labeler.progress.history import course, history, thresholds
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.report.sentences.stopping import stop_reason
from labeler.store import Store

# Imports of labeler.learner are deferred: it loads torch.

log = logging.getLogger(__name__)

# Places of a ranking for each label of a batch: labeling goes on from it while the next round trains.
DEPTH = 5
# Models that are kept: those of the last rounds, and the best.
KEPT = 3
# Seconds without a decision of the lead's after which these are audited.
QUIET = 20
# What runs beside the rounds; whoever asks for it waits for results that take long anyway.
BESIDE = (compare_once, tune_once, adapt_once)


def work(home: Path, poll_seconds: float = 0.5, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Run rounds for the project in `home`, or for all projects below it, until `should_stop`.

    Comparisons, searches and adaptations run beside them, one at a time, in a process that ends with this one; audits
    of the rounds in another, since they are short and their readers wait.
    """
    with Beside(BESIDE, Store.has_background) as beside, Beside((audit_once,), _audit_waits, AUDITS) as audits:

        def once(folder: Path) -> bool:
            project = projects.open_project(folder)
            worked = work_once(project)
            audits.start_if_asked(project)
            beside.start_if_asked(project)
            return worked

        attend(home, once, poll_seconds, should_stop)


def _audit_waits(store: Store) -> bool:
    """Whether an audit is asked for; while a lead decides about one label after the other, it can wait."""
    return store.audits.waiting() and not store.decisions.any_within(QUIET)


def work_once(project: Project) -> bool:
    """Run the project's next round if one is asked for and no other worker is at it; True if one ended."""
    with project.store() as store:
        if not store.rounds.waiting():
            return False
        try:
            with FileLock(project.folder / "worker.lock", timeout=0):
                job = store.rounds.claim()
                if job is None:
                    return False
                _run_job(project, store, job)
                return True
        except Timeout:
            return False


def _run_job(project: Project, store: Store, job: Job) -> None:
    log.info("%s: round begins (%s)", project.slug, job.reason)
    try:
        number = store.rounds.next_number()
        result, ids, said, card, forecasts = _round(project, store, job, number)
        model = _save(project, card, result)
        before = store.forecasts.get(number - 1, "stop")
        stable = forecasts and stability(forecasts["stop"], before, project.config)
        store.rounds.finish(job, number, result, ids, model, said, forecasts, stable or (None, None))
    except (LabelerError, strategies.StrategyError) as error:
        log.error("%s: round failed: %s", project.slug, error)
        store.rounds.fail(job, str(error))
    except Exception as error:
        log.exception("%s: round failed", project.slug)
        store.rounds.fail(job, _(UNEXPECTED, kind=type(error).__name__, error=error))
    else:
        measured = f"accuracy {result.metrics.accuracy:.3f}" if result.metrics else "nothing to measure yet"
        log.info("%s: round %d done with %d labels, %s", project.slug, number, result.labels, measured)
        _stop_if_asked(project, store)
        try:
            cards.prune(project.folder, store.rounds.models(), KEPT)
        except OSError as error:  # the round is stored all the same
            log.warning("%s: old models cannot be removed: %s", project.slug, error)


def _stop_if_asked(project: Project, store: Store) -> None:
    """Stop labeling where the settings name a rule that the round has met.

    A rule that the lead has overruled by going on stops nothing again.
    """
    lifted = store.stops.lifted()
    rules = [rule for rule in project.config.stopping.stop_when if stop_reason(rule) not in lifted]
    if not rules:
        return
    so_far = history(course(store), store.items.counts().pool, project.config)
    found = stopping.met(rules, so_far, thresholds(project.config))
    if found is not None:
        store.stops.stop("", stop_reason(found.rule))
        log.info("%s: labeling stops. %s", project.slug, stop_reason(found.rule))


def _round(
    project: Project, store: Store, job: Job, number: int
) -> tuple[RoundResult, list[int], list[Prediction | None], Card, dict[ForecastKind, Forecast]]:
    """The round's result; for each place of its ranking the item's id and what the model says; the model's card; what
    it says of the holdout and of the items that rounds are compared on.
    """
    from labeler.learner.model import Normalizer

    config = project.config
    last_report = 0.0

    def reporter(message: str) -> Progress:
        def report(done: int, total: int) -> None:
            nonlocal last_report
            if time.monotonic() - last_report > 0.5 or done >= total:
                last_report = time.monotonic()
                store.rounds.report(job, message, done, total)

        return report

    known = snapshot.take(project, store, reporter)
    state = State(
        dataset=known.dataset,
        normalizer=Normalizer.fit(known.dataset.embeddings, known.dataset.dims),
        labeled=known.labeled,
        pool=known.unlabeled,
        holdout=known.holdout,
        previous=_last_model(project, store, known.encoder),
        watched=np.concatenate([known.all_holdout, known.compared]),
        preferred=known.preferred,
    )
    depth = max(DEPTH * config.query.batch, config.query.seed_size)
    store.rounds.report(job, "training")
    with strategies.strategies_of(project.strategies) as broken:
        for problem in (*strategies.broken, *broken):
            log.warning("%s: %s", project.slug, problem)
        try:
            result = run_round(state, config, number, depth, known.encoder, reporter(mark("training")))
        except strategies.UnknownStrategy as error:
            raise LabelerError(" ".join(map(str, (error, *strategies.broken, *broken)))) from error

    forecasts = _forecasts(result, known)
    share, said = config.labeling.holdout_share, forecasts.get("holdout")
    tested = next_holdout(store, known, said, config, int(depth * share / (1 - share)), number)
    asked = [Ranked(int(p), "holdout", None) for p in tested]
    result = replace(
        result,
        ranking=tuple(interleave(list(result.ranking), asked, share)),
        metrics=weighted(store, said, result.metrics, config),
    )
    texts = texts_of(known.labeled.targets, config)
    taught = [[known.items[p].content_hash, text] for p, text in zip(known.labeled.positions, texts, strict=True)]
    card = Card.of(number, result, taught, len(known.items), known.encoder.key, config)
    asked_ids = [known.items[r.position].id for r in result.ranking]
    return result, asked_ids, _opinions(result, known, config), card, forecasts


def _forecasts(result: RoundResult, known: Snapshot) -> dict[ForecastKind, Forecast]:
    if result.watched is None:
        return {}
    ids = np.array([item.id for item in known.items])
    n = len(known.all_holdout)
    return {
        "holdout": Forecast(ids[known.all_holdout], result.watched[:n]),
        "stop": Forecast(ids[known.compared], result.watched[n:]),
    }


def _opinions(result: RoundResult, known: Snapshot, config: Config) -> list[Prediction | None]:
    """What the model says of each place of the ranking; nothing of the holdout, which is answered blind."""
    said: list[Prediction | None] = [None] * len(result.ranking)
    if result.model is None:
        return said
    places = [i for i, r in enumerate(result.ranking) if known.items[r.position].split == "pool"]
    positions = np.array([result.ranking[i].position for i in places], dtype=np.intp)
    for place, prediction in zip(places, opinions(result.model, known.dataset, positions, config), strict=True):
        said[place] = prediction
    return said


def _last_model(project: Project, store: Store, encoder: Encoder) -> Model | None:
    """What the last round trained, if this one is to start from it and can."""
    trained = store.rounds.models()
    if project.config.learner.finetune.start != "last" or not trained:
        return None
    try:
        return models.load(project.folder / trained[-1][0], encoder)
    except LabelerError as error:
        log.warning("%s: the round starts from the pretrained weights: %s", project.slug, error)
        return None


def _save(project: Project, card: Card, result: RoundResult) -> str | None:
    if result.model is None:
        return None
    project.models.mkdir(exist_ok=True)
    path = project.models / f"round-{card.round:04d}.safetensors"
    models.save(result.model, path)
    card.save(path)
    return str(path.relative_to(project.folder))
