"""The worker, a process that runs rounds. Pages only insert a job; nobody waits for it.

Nothing is lost when it is killed: a round's metrics, ranking and the path of its model are committed in one
transaction, and the operating system frees a dead worker's lock, so that the next worker takes up the running job.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from filelock import Timeout

import strategies
from labeler.core.errors import UNEXPECTED, EngineError, LabelerError
from labeler.core.items import Progress
from labeler.core.jobs import Ending, Job
from labeler.core.labels import texts_of
from labeler.core.logs import logged_about
from labeler.core.memory import batches_halved, is_short
from labeler.core.rounds import Round
from labeler.core.settings import Config
from labeler.cycle.class_changes import settled
from labeler.cycle.round import LiveTurn, run_live_round
from labeler.engine.engines import engine_of, working_on
from labeler.i18n.messages import mark
from labeler.jobs import encoder_comparisons, feeds, label_studio, tracking, webhooks
from labeler.jobs.adaptations import adapt_once
from labeler.jobs.attendance import attend
from labeler.jobs.audits import AUDITS, audit_once
from labeler.jobs.comparisons import compare_once
from labeler.jobs.embedding import LOCK as EMBEDDING
from labeler.jobs.embedding import embed_once, is_left_out
from labeler.jobs.endings import PreviousProcess
from labeler.jobs.hooks import call_hooks
from labeler.jobs.imports import IMPORTS, import_once, is_import_waiting
from labeler.jobs.label_studio import look_once
from labeler.jobs.maps import map_once
from labeler.jobs.runner import JobProcess, JobProcesses
from labeler.jobs.searches import tune_once
from labeler.jobs.takeouts import take_out_once
from labeler.jobs.tracking import track_once
from labeler.jobs.webhooks import deliver_once
from labeler.learner import saved_models as models
from labeler.learner.own_heads import heads_limited, limits_of
from labeler.measure.forecasts import remeasured
from labeler.models import cards
from labeler.models.cards import Card
from labeler.progress import stopping
from labeler.progress.history import course, history, thresholds
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.report.sentences.stopping import stop_reason
from labeler.store import Store

log = logging.getLogger(__name__)

NICENESS = 10  # of the worker that `serve` starts: whoever labels goes first
KEPT = 3  # models of the last rounds that are kept, besides the best
QUIET = 20  # seconds without a decision of the lead's after which the decisions are audited
# Jobs that run beside the rounds, in one process after the other: they take long, and nobody waits for them.
BESIDE = (compare_once, tune_once, adapt_once, encoder_comparisons.compare_once)
AWAITED = (take_out_once, map_once, audit_once)  # in a process of their own


def work(home: Path, poll_seconds: float = 0.5, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Run rounds for the project in `home`, or for all projects below it, until `should_stop`.

    Comparisons, searches and adaptations run beside the rounds, one at a time, in a process that ends with this one.
    Audits, maps and what is made ready to be taken out run in another process, since people wait for them, and so do
    imports that were cut off, the embedding of items that a round left out, and what other programs are told. Each look
    at a feed of new items has a process of its own.
    """
    with (
        JobProcess(BESIDE, Store.has_background) as beside,
        JobProcess(AWAITED, _is_awaited, AUDITS) as awaited,
        JobProcess((import_once,), is_import_waiting, IMPORTS) as importing,
        JobProcess((embed_once,), is_left_out, EMBEDDING) as embedding,
        JobProcess((deliver_once,), webhooks.is_due, webhooks.LOCK) as delivering,
        JobProcess((track_once,), tracking.is_due, tracking.LOCK) as trackers,
        JobProcess((look_once,), label_studio.is_due, label_studio.LOCK) as looking,
        JobProcesses(feeds.look_once, feeds.work, feeds.AT_ONCE) as feeding,
    ):
        previous = PreviousProcess()

        def once(folder: Path) -> bool:
            project = projects.open_project(folder)
            worked = work_once(project, previous.ending(folder))
            importing.start_if_asked(project)
            awaited.start_if_asked(project)
            embedding.start_if_asked(project)
            delivering.start_if_asked(project)
            trackers.start_if_asked(project)
            looking.start_if_asked(project)
            feeding.start_if_asked(project)
            beside.start_if_asked(project)
            return worked

        attend(home, "worker", once, poll_seconds, should_stop)


def work_through(project: Project) -> None:
    """Run all that is asked for or due in a project, one after the other, and what comes of it."""
    arrivals = (feeds.look_once, label_studio.look_once, import_once)
    all_jobs = (*arrivals, work_once, *AWAITED, embed_once, *BESIDE, track_once, deliver_once)
    while any(run(project) for run in all_jobs):
        pass


def _is_awaited(store: Store) -> bool:
    """Whether something is to be made ready, or an audit is asked for and the lead has made no decision for a while:
    one audit serves many decisions.
    """
    return (
        store.takeouts.waiting()
        or store.maps.waiting()
        or (store.audits.waiting() and not store.decisions.any_within(QUIET))
    )


def work_once(project: Project, ended: Ending | None = None) -> bool:
    """Run the project's next round if one is asked for and no other worker is at it; True if one ended.

    Args: ended: how the worker before this one ended, see `Rounds.claim`.
    """
    with project.store() as store:
        project = settled(project, store)
        if not store.rounds.waiting():
            return False
        try:
            with project.lock("worker.lock"):
                job = store.rounds.claim(ended)
                if job is None:
                    return False
                with logged_about(project=project.slug, job=f"round {job.id}"):
                    _run_job(project, store, job)
                return True
        except Timeout:
            return False


def _run_job(project: Project, store: Store, job: Job) -> None:
    log.info("%s: round begins (%s)", project.slug, job.reason)
    try:
        limits = limits_of(project.config.limits)
        with batches_halved(job.halvings), heads_limited(limits), working_on(engine_of(project.config.engine)):
            smaller = replace(project, config=_smaller(project.config, job.halvings))
            turn = run_live_round(smaller, store, store.rounds.next_number(), _reporter(store, job))
        finished = replace(turn.finished, model=_save(project, turn))
        # most of what `finish` would measure while nobody can store an answer
        store.rounds.update_metrics(remeasured(store))
        store.rounds.finish(job, finished, lambda: remeasured(store))
    except EngineError as error:  # the job is claimed again once the engine is there; pages show the trouble
        store.rounds.report(job, mark("waiting for the cluster"))
        raise error
    except (LabelerError, strategies.StrategyError) as error:
        log.error("%s: round failed: %s", project.slug, error)
        store.rounds.fail(job, error)
    except Exception as error:
        if is_short(error):
            log.warning("%s: memory is short, the round is tried again with smaller batches: %s", project.slug, error)
            store.rounds.leave_for_memory(job)
            return
        log.exception("%s: round failed", project.slug)
        store.rounds.fail(job, mark(UNEXPECTED, kind=type(error).__name__, error=error))
    else:
        if latest := store.rounds.latest():  # measured by the holdout labels of the moment, as the pages show it
            measured = f"accuracy {latest.metrics.accuracy:.3f}" if latest.metrics else "nothing to measure yet"
            log.info("%s: round %d done with %d labels, %s", project.slug, latest.number, latest.labels, measured)
        _stop_if_asked(project, store)
        _tell_of_target(project, store, latest)
        try:
            encoder_comparisons.ask_if_due(project, store)
        except LabelerError as error:  # the round is stored all the same
            log.warning("%s: encoders are not compared: %s", project.slug, error)
        if latest:
            call_hooks(project, latest)
        try:
            cards.prune(project.folder, store.rounds.models(), KEPT)
        except OSError as error:  # the round is stored all the same
            log.warning("%s: old models cannot be removed: %s", project.slug, error)


def _smaller(config: Config, halvings: int) -> Config:
    """Settings with which a round needs less memory. The optimiser makes the same steps."""
    if not halvings:
        return config
    tuned, query = config.learner.finetune, config.query
    batch = max(2, tuned.batch >> halvings)
    tuned = replace(tuned, batch=batch, accumulate=tuned.accumulate * max(1, tuned.batch // batch))
    query = replace(query, candidates=max(min(query.candidates, 1000), query.candidates >> halvings))
    return replace(config, learner=replace(config.learner, finetune=tuned, decoded_gigabytes=0.0), query=query)


def _reporter(store: Store, job: Job) -> Callable[[str], Progress]:
    """A function from a step in words to the function that stores its progress, at most twice a second."""
    last_report = 0.0

    def reporter(message: str) -> Progress:
        def report(done: int, total: int) -> None:
            nonlocal last_report
            if time.monotonic() - last_report > 0.5 or done >= total:
                last_report = time.monotonic()
                store.rounds.report(job, message, done, total)

        return report

    return reporter


def _save(project: Project, turn: LiveTurn) -> str | None:
    """Save the model with its card; the path of its file below the project's folder, None where there is no model."""
    if turn.model is None:
        return None
    finished, items, labeled = turn.finished, turn.snapshot.items, turn.snapshot.labeled
    texts = texts_of(labeled.targets, project.config)
    hashes = turn.snapshot.hashes(labeled.positions)
    taught = [list(pair) for pair in zip(hashes, texts, strict=True)]
    learner = replace(project.config.learner, prior_model=turn.snapshot.prior_model)  # which was the newest then
    config = replace(project.config, learner=learner)
    card = Card.of(finished, taught, len(items), turn.snapshot.encoder.key, config)
    card = replace(card, sentences=guidelines.sentences(project))
    path = project.models / f"round-{finished.number:04d}.safetensors"
    models.save(turn.model, path)
    card.save(path)
    return str(path.relative_to(project.folder))


def _tell_of_target(project: Project, store: Store, latest: Round | None) -> None:
    """Tell webhooks once that the low end of the accuracy's interval has reached the target."""
    so_far = history(course(store), store.items.counts(), project.config)
    evidence = stopping.target(so_far, thresholds(project.config))
    if evidence.met and latest:
        store.webhooks.tell("target.reached", {"target": evidence.threshold})


def _stop_if_asked(project: Project, store: Store) -> None:
    """Stop labeling if a rule that the settings name is met.

    A rule that the lead has overruled by going on does not stop labeling again.
    """
    lifted = store.stops.lifted_reasons()
    rules = [rule for rule in project.config.stopping.stop_when if stop_reason(rule) not in lifted]
    if not rules:
        return
    so_far = history(course(store), store.items.counts(), project.config)
    met = stopping.met(rules, so_far, thresholds(project.config))
    if met is not None:
        store.stops.stop("", stop_reason(met.rule))
        log.info("%s: labeling stops. %s", project.slug, stop_reason(met.rule))
