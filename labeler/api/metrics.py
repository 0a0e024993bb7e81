"""What this process counts, and what it finds out about the home when Prometheus asks.

Where several processes answer requests, each counts in files of one folder, and whichever is asked tells the sums.
`prometheus_client` does this as soon as it is imported where its variable names the folder.
"""

import os
import threading
from collections import Counter as Counts
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from labeler.access.home import home
from labeler.core import lock_waits
from labeler.core.errors import LabelerError
from labeler.core.items import Receipt
from labeler.core.running import METRICS_VARIABLE, running
from labeler.files.disk import room
from labeler.i18n.messages import Message
from labeler.projects import backup_settings, backups, people
from labeler.projects.project import Project

REGISTRY = CollectorRegistry()
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

ANSWERS = Counter(
    "labeler_answers", "Answers that a desk sent, by what became of them.", ["outcome"], registry=REGISTRY
)
REQUESTS = Histogram(
    "labeler_request_seconds",
    "Time from a request to the end of its answer.",
    ["route", "status"],
    buckets=SECONDS,
    registry=REGISTRY,
)
LOCKS = Counter("labeler_lock_requests", "Write locks that the app asked for.", registry=REGISTRY)
LOCK_SECONDS = Counter("labeler_lock_wait_seconds", "Seconds that the app waited for them.", registry=REGISTRY)
LONGEST = Gauge(
    "labeler_lock_longest_wait_seconds", "The longest of these waits.", multiprocess_mode="max", registry=REGISTRY
)
_setting_longest = threading.Lock()
_longest = 0.0


def _count_wait(seconds: float) -> None:
    global _longest
    LOCKS.inc()
    LOCK_SECONDS.inc(seconds)
    if seconds > _longest:
        with _setting_longest:
            _longest = max(_longest, seconds)
            LONGEST.set(_longest)


def count_receipts(receipts: Sequence[Receipt]) -> None:
    """Count answers as acknowledged or refused."""
    for receipt in receipts:
        ANSWERS.labels("acknowledged" if receipt.ok else "refused").inc()


def exposition() -> bytes:
    """All metrics in Prometheus' text form, of all processes that answer requests for this home."""
    return generate_latest(_of_all_processes() if METRICS_VARIABLE in os.environ else REGISTRY)


@cache
def _of_all_processes() -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(_OfHome())
    registry.register(_EachProcess())
    return registry


class _OfHome(Collector):
    """What is found out when somebody asks: processes, disk, and the jobs of each project."""

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("labeler_disk_free_bytes", "Free room on the home's disk.", room(home()).free)
        yield from _processes()
        yield from _backups()
        yield from _projects(people.readable(home()))


def _processes() -> Iterator[Metric]:
    up = GaugeMetricFamily("labeler_process_up", "1 for a process that gives signs of life.", labels=["process"])
    ends = CounterMetricFamily("labeler_process_restarts", "How often a process was restarted.", labels=["process"])
    here = running(home())
    for process in here.processes if here else ():
        up.add_metric([process.name], float(here is not None and here.is_working(process.name)))
        ends.add_metric([process.name], process.ends)
    yield from (up, ends)


def _backups() -> Iterator[Metric]:
    made = GaugeMetricFamily("labeler_backup_last_timestamp_seconds", "When the last backup was made.")
    size = GaugeMetricFamily("labeler_backup_last_bytes", "What it takes.")
    with suppress(LabelerError):  # the settings of backups are wrong, which the page of the server says
        last = backups.latest(backup_settings.place(home()), home().name)
        if last:
            made.add_metric([], datetime.fromisoformat(last.manifest.made_at).timestamp())
            size.add_metric([], last.manifest.size)
    yield from (made, size)


def _projects(projects: Iterable[Project]) -> Iterator[Metric]:
    kinds = ["project", "kind"]
    jobs = GaugeMetricFamily("labeler_jobs", "Jobs that wait or run.", labels=[*kinds, "state"])
    phase = GaugeMetricFamily("labeler_job_phase", "The step of a running job.", labels=[*kinds, "phase"])
    rounds = GaugeMetricFamily("labeler_rounds", "Finished rounds.", labels=["project"])
    explanations = GaugeMetricFamily("labeler_explanations_waiting", "Explanations asked for.", labels=["project"])
    for project in projects:
        with project.store() as store:
            unfinished = store.workload.open()
            rounds.add_metric([project.slug], store.rounds.next_number() - 1)
            explanations.add_metric([project.slug], store.workload.explanations())
        for (kind, state), n in Counts((job.kind, job.state) for job in unfinished).items():
            jobs.add_metric([project.slug, kind, state], n)
        for job in unfinished:
            if job.state == "running":
                step = Message.of(job.message).message  # without the values of its fields
                phase.add_metric([project.slug, job.kind, step or "starting"], 1)
    yield from (jobs, phase, rounds, explanations)


class _EachProcess(Collector):
    """Memory, processor time and open files of each process of the home, by its name."""

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        here = running(home())
        for process in [process for process in here.processes if not process.is_elsewhere] if here else ():
            for own in ProcessCollector(pid=partial(int, process.pid), registry=None).collect():
                family = families.setdefault(own.name, Metric(own.name, own.documentation, own.type))
                for sample in own.samples:
                    family.add_sample(sample.name, {"process": process.name}, sample.value)
        return families.values()


lock_waits.tell(_count_wait)
REGISTRY.register(_OfHome())
ProcessCollector(registry=REGISTRY)
