"""A project of Label Studio, looked at from time to time: new tasks become items, annotations answers, and the tasks
that this project's queue asks next come first there.

People annotate on Label Studio's own page. It draws the task with the lowest score of the newest predictions
(its "uncertainty sampling"), so the scores are the places in the queue: with the holdout, the control arm and what a
lead has asked next in it, as on the desk. Predictions are shown there only where the project shows them before the
answer, and never of items that must be answered blindly.
"""

import json
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from filelock import Timeout

from labeler.core.blinding import is_blind
from labeler.core.errors import UNEXPECTED, DatabaseError, LabelerError
from labeler.core.items import Answer, Reserved
from labeler.core.labels import join, split
from labeler.events.requests import request
from labeler.formats import label_studio as tasks_file
from labeler.formats.label_studio import Configuration, parse_configuration
from labeler.i18n.messages import Message, mark
from labeler.jobs.imports import UPLOADS
from labeler.projects.importer import content_hash, import_source, normalise
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.label_studio import EVERY, PREFIX, Link

log = logging.getLogger(__name__)

LOCK = "label-studio.lock"
LEAST_ASKED, BATCHES = 40, 2  # tasks that are put in order: this many, or this many batches
PAGE = 500  # tasks that are read at once
TRIED_AGAIN = 20  # tasks that could not be read and are asked for by themselves in a look
MOST_DIGITS = 18  # of a number that SQLite stores
TASK = "label_studio_task"  # the column of an item with the number of its task
TAB = "label-studio"  # that holds the items which are asked there


class LabelStudioError(LabelerError):
    """A project of Label Studio that cannot be used, or a server that does not answer as it should."""


def is_due(store: Store) -> bool:
    """Whether the linked project is to be looked at now."""
    return store.label_studio.is_due(time.time())


def look_once(project: Project) -> bool:
    """Look at the linked project of Label Studio if it is due, unless another process is at it; True if it was due."""
    try:
        with project.lock(LOCK), project.store() as store:
            link = store.label_studio.link()
            if link is None or not is_due(store):
                return False
            read_until, problem = link.read_until, Message("")
            store.label_studio.look_at(time.time() + EVERY)  # what it is told of from now on makes it due before
            try:
                read_until = _Look(project, store, link).run()
            except (DatabaseError, OSError):
                raise
            except LabelerError as error:
                log.warning("%s: Label Studio: %s", project.slug, error)
                problem = Message.of(error)
            except Exception as error:  # of an answer in another form
                log.exception("%s: Label Studio", project.slug)
                problem = mark(UNEXPECTED, kind=type(error).__name__, error=error)
            store.label_studio.looked(read_until, problem)
            return True
    except Timeout:
        return False


def check_configuration(project: Project, text: str) -> Configuration:
    """The labeling configuration of a Label Studio project, if its question is this project's.

    Raises: SourceError, LabelStudioError: it is not.
    """
    configuration, config = parse_configuration(text), project.config
    if set(configuration.classes) != set(config.classes):
        raise LabelStudioError(
            "The classes differ: this project has {here}, the labeling configuration {there}.",
            here=", ".join(config.classes),
            there=", ".join(configuration.classes),
        )
    if configuration.several != config.several or configuration.modality not in (None, config.modality):
        raise LabelStudioError(
            "The question differs: the labeling configuration must ask for {answers} of a {modality}, as this project"
            " does.",
            answers=mark("several classes") if config.several else mark("one class"),
            modality=mark("text") if config.modality == "text" else mark("image"),
        )
    return configuration


def predictions_of(store: Store, tasks: Sequence[int]) -> list[dict[str, Any]]:
    """A prediction for each task, in the form of Label Studio: its place in the queue alone.

    A task that is not asked next comes after those that are.
    """
    link, items = store.label_studio.link(), store.label_studio.tasks()
    if link is None:
        return [{"result": [], "score": 1.0} for _ in tasks]
    held = store.desk.held(link.by, TAB)
    places = {reserved.item.id: place / len(held) for place, reserved in enumerate(held)}
    version = {"model_version": link.asked} if link.asked else {}
    return [{"result": [], "score": places.get(items.get(task) or -1, 1.0)} | version for task in tasks]


@dataclass(frozen=True)
class _Server:
    """A Label Studio, asked with the token that it gave."""

    link: Link

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def send(self, method: str, path: str, body: object) -> Any:
        return self._ask(method, path, body)

    def file(self, address: str) -> bytes:
        """The content of a file that a task names.

        Raises: LabelStudioError: it lies on another server, or is not there.
        """
        url = urljoin(self.link.url.rstrip("/") + "/", address)
        if urlsplit(url)[:2] != urlsplit(self.link.url)[:2]:  # nor is the token sent without TLS
            raise LabelStudioError("{url} lies on another server than the tasks.", url=url)
        reply = request("GET", url, self._headers())
        if reply.status != 200:
            raise LabelStudioError("{url} cannot be read: the answer was {status}.", url=url, status=reply.status)
        return reply.content

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        url = self.link.url.rstrip("/") + path
        reply = request(method, url, self._headers() | {"Content-Type": "application/json"}, content)
        if not 200 <= reply.status < 300:
            raise LabelStudioError(
                "Label Studio answered {status} to {path}: {reason}",
                status=reply.status,
                path=path.partition("?")[0],
                reason=reply.content[:300].decode(errors="replace"),
            )
        try:
            return json.loads(reply.content or b"null")
        except ValueError as error:
            raise LabelStudioError(
                "Label Studio's answer to {path} is no JSON.", path=path.partition("?")[0]
            ) from error

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.link.token}"}


class _Look:
    """One look at the linked project."""

    def __init__(self, project: Project, store: Store, link: Link) -> None:
        self.project, self.store, self.link, self.server = project, store, link, _Server(link)

    def run(self) -> str:
        """Read what is new there, and tell what is asked next; the time up to which answers were read."""
        about = self.server.get(f"/api/projects/{self.link.project}")
        configuration = check_configuration(self.project, about["label_config"])
        known = self.store.label_studio.tasks()
        is_all = about["task_number"] != len(known)  # tasks were added, or deleted, which no change tells of
        changed = _changed_since("" if is_all else self.link.read_until)
        again = self._to_try_again()
        seen, new = set[int](), [{"id": task["id"], "data": task["data"]} for task in again]
        for tasks in self._pages(changed):
            seen.update(task["id"] for task in tasks)
            new += [{"id": task["id"], "data": task["data"]} for task in tasks if task["id"] not in known]
        if new:
            self._import(new, about["label_config"], configuration)
        if is_all and len(seen) == about["task_number"]:
            self.store.label_studio.forget_others(seen)
        self._answer_all(again, configuration)
        read_until = self._read_answers(changed, configuration)
        self._tell_what_is_asked(configuration)
        return read_until

    def _to_try_again(self) -> list[dict[str, Any]]:
        """Tasks that could not be read at an earlier look, with their annotations."""
        tasks = []
        for number in self.store.label_studio.to_try_again(time.time(), TRIED_AGAIN):
            try:
                tasks.append(self.server.get(f"/api/tasks/{number}"))
            except LabelStudioError as error:  # it was deleted: a look at all tasks finds that
                log.warning("%s: task %d: %s", self.project.slug, number, error)
                self.store.label_studio.remember({number: None}, time.time())
        return tasks

    def _pages(self, query: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        """The tasks of the project, with their annotations, page by page."""
        page = 1
        while True:
            part = self.server.get(
                "/api/tasks", project=self.link.project, fields="all", page=page, page_size=PAGE, **query
            )
            yield part["tasks"]
            if page * PAGE >= part["total"]:
                return
            page += 1

    # -------------------------------------------------------- tasks there → items here

    def _import(self, tasks: Sequence[dict[str, Any]], label_config: str, configuration: Configuration) -> None:
        content = configuration.content or self.project.config.modality
        uploads = self.project.folder / UPLOADS  # an import links to a file on its own disk, and /tmp may be small
        uploads.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=uploads) as scratch:
            folder = Path(scratch)
            (folder / tasks_file.CONFIGURATION).write_text(label_config, encoding="utf-8")
            hashes, entries = {}, []
            for task in tasks:
                data = dict(task["data"]) | {TASK: task["id"]}
                try:
                    hashes[task["id"]] = self._fetched(folder, task, data, content)
                except (LabelerError, ValueError) as error:  # a ValueError: no address at all
                    log.warning("%s: task %d: %s", self.project.slug, task["id"], error)
                    hashes[task["id"]] = ""
                    continue
                entries.append({"data": data})  # annotations are read after the tasks are known
            path = folder / "tasks.json"
            path.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
            if entries:
                report = import_source(self.project, path, apart=True)
                log.info("%s: %d items from Label Studio", self.project.slug, report.added)
        items = {task: self.store.items.id_of(name) for task, name in hashes.items()}
        self.store.label_studio.remember(items, time.time())

    def _fetched(self, folder: Path, task: Mapping[str, Any], data: dict[str, Any], content: str) -> str:
        """The content hash of a task's item; its picture is brought into the folder, and named there by its data."""
        value = str(data.get(content) or "")
        if self.project.config.modality == "text":
            return content_hash(normalise(value).encode())
        picture = self.server.file(value)
        name = f"{task['id']}{Path(urlsplit(value).path).suffix.lower()}"
        (folder / name).write_bytes(picture)
        data[content] = name
        return content_hash(picture)

    # -------------------------------------------------------- annotations there → answers here

    def _read_answers(self, changed: Mapping[str, str], configuration: Configuration) -> str:
        """Store the annotations of the tasks that a query finds; the time of the latest change."""
        latest = self.link.read_until
        for tasks in self._pages(changed):
            latest = max([latest, *(task["updated_at"] for task in tasks)])
            self._answer_all(tasks, configuration)
        return latest

    def _answer_all(self, tasks: Sequence[Mapping[str, Any]], configuration: Configuration) -> None:
        """Store the annotations of those of the tasks that are items."""
        items = self.store.label_studio.tasks()
        imported = [(item, task) for task in tasks if (item := items.get(task["id"])) is not None]
        given = self.store.label_studio.annotations_of([item for item, _ in imported])
        for item, task in imported:
            self._answer(item, task, given.get(item, {}), configuration)

    def _answer(
        self, item: int, task: Mapping[str, Any], given: Mapping[str, str], configuration: Configuration
    ) -> None:
        """Store the annotations of a task, and take back the answers whose annotation was deleted.

        Args: given: the answers to its item, which may be that of another task, too.
        """
        own = f"{PREFIX}{task['id']}:"
        left = {request_id: name for name, request_id in given.items() if request_id.startswith(own)}
        for annotation in sorted(task["annotations"], key=lambda each: each["updated_at"]):
            name, answer = self._as_answer(item, own, annotation, configuration)
            if answer is None or left.pop(answer.request_id, ""):  # stored, also where the person was erased since
                continue
            left.pop(given.get(name, ""), "")
            self._store(name, answer)
        for request_id, name in left.items():
            self._store(name, Answer(f"{request_id}:deleted", item, "undo", None, None, TAB, undoes=request_id))

    def _store(self, name: str, answer: Answer) -> None:
        self.store.team.join(name)
        (receipt,) = self.store.answers.add(name, [answer])
        if not receipt.ok:
            log.warning("%s: an annotation of Label Studio is refused: %s", self.project.slug, receipt.reason)

    def _as_answer(
        self, item: int, own: str, annotation: Mapping[str, Any], configuration: Configuration
    ) -> tuple[str, Answer | None]:
        user, name = _who(annotation)
        if user is not None:
            name = self.store.label_studio.name_of(user, name)
        labels = _labels(annotation, configuration.name)
        is_skipped = bool(annotation.get("was_cancelled"))
        if labels is None and not is_skipped:
            return name, None  # it answers other questions
        request_id = f"{own}{annotation['id']}:{annotation['updated_at']}"
        if not is_skipped and not labels and not self.project.config.several:
            is_skipped = True  # it was submitted without a choice
        unknown = [label for label in labels or () if label not in self.project.config.classes]  # they are refused
        label = None if is_skipped else unknown[0] if unknown else join(labels or (), self.project.config)
        seconds = annotation.get("lead_time")
        return name, Answer(request_id, item, "skip" if is_skipped else "label", label, seconds, TAB)

    # -------------------------------------------------------- the queue here → the order there

    def _tell_what_is_asked(self, configuration: Configuration) -> None:
        """Put the tasks that are asked next in order: once there is a newer ranking, or half of the last are done."""
        wanted = max(LEAST_ASKED, BATCHES * self.project.config.query.batch)
        held = self.store.desk.held(self.link.by, TAB)
        waiting = self.store.label_studio.unanswered([reserved.item.id for reserved in held])
        latest = self.store.rounds.latest()
        number = latest.number if latest else 0
        if number == self.link.round and 2 * len(waiting) >= wanted:
            self.store.desk.reserve(self.link.by, TAB, len(held))  # nobody else is given them
            return
        asked = self.store.desk.reserve(self.link.by, TAB, wanted, [reserved.item.id for reserved in held])
        if number == self.link.round and [reserved.item.id for reserved in asked] == waiting:
            return  # fewer are left
        tasks = {item: task for task, item in self.store.label_studio.tasks().items() if item is not None}
        version = f"labeler, round {number}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        predictions = [
            {
                "task": tasks[reserved.item.id],
                "result": self._shown(reserved, configuration),
                "score": place / len(asked),
                "model_version": version,
            }
            for place, reserved in enumerate(asked)
            if reserved.item.id in tasks
        ]
        if not predictions:
            self.store.label_studio.told(self.link.asked, number)
            return
        place = f"/api/projects/{self.link.project}"
        self.server.send("POST", f"{place}/import/predictions", predictions)
        shows = self.project.config.labeling.reveal == "before"
        settings = {"model_version": version, "sampling": "Uncertainty sampling", "show_collab_predictions": shows}
        self.server.send("PATCH", place, settings)
        self.store.label_studio.told(version, number)

    def _shown(self, reserved: Reserved, configuration: Configuration) -> list[dict[str, Any]]:
        """The prediction that people see before they answer: none where the project or the item forbids it."""
        if self.project.config.labeling.reveal != "before" or is_blind(reserved.item) or reserved.prediction is None:
            return []
        value = {"choices": [*split(reserved.prediction.label)]}
        places = {"from_name": configuration.name, "to_name": configuration.shown_by}
        return [places | {"type": "choices", "value": value}]


def _who(annotation: Mapping[str, Any]) -> tuple[int | None, str]:
    """The number of an annotator and the name: Label Studio gives a person's name or address, and the number after it.

    None: it gives no number.
    """
    name, _, number = str(annotation.get("created_username") or "").rpartition(",")
    number = number.strip() or str(annotation.get("completed_by"))
    user = int(number) if number.isdecimal() and len(number) <= MOST_DIGITS else None
    return user, name.strip() or f"user {number}"


def _labels(annotation: Mapping[str, Any], question: str) -> tuple[str, ...] | None:
    """The classes that an annotation chooses; None where it does not answer the question."""
    for result in annotation["result"]:
        if result.get("type") == "choices" and result.get("from_name") == question:
            return tuple(result["value"]["choices"])
    return None


def _changed_since(time_there: str) -> dict[str, str]:
    """The query for tasks that changed at or after a time; all of them before the first look."""
    if not time_there:
        return {}
    return {
        "query": json.dumps(
            {
                "filters": {
                    "conjunction": "and",
                    "items": [
                        {
                            "filter": "filter:tasks:updated_at",
                            "operator": "greater_or_equal",
                            "type": "Datetime",
                            "value": time_there,
                        }
                    ],
                }
            }
        )
    }
