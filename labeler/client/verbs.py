"""What can be asked of a project on a server: the methods of `labeler.Project`, each as a few calls of the API."""

import json
import os
import tempfile
import uuid
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pandas as pd

from labeler.access.users import Role
from labeler.client import records, tables
from labeler.client.calls import Call, Pause, Steps
from labeler.client.records import Picture
from labeler.client.tables import Format
from labeler.client.unseen import Predicted, batches, usable, write_zip
from labeler.core.class_changes import ClassChangeKind
from labeler.core.errors import LabelerError, SourceError
from labeler.core.events import EVENTS, Delivery, Event, Webhook
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ClassesAnItem, ImportReport, Modality, Progress
from labeler.core.notebook import AskedItem, RoundSummary, Verdict
from labeler.core.settings import Config
from labeler.core.settings_parser import parse
from labeler.files.sources import Row
from labeler.files.unseen import unseen_rows
from labeler.formats.base import Name
from labeler.i18n.messages import Message, load
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.other_tools import ToolExport

POLL_SECONDS = 0.3  # between two questions about a job
LONGEST_PAGE = 500  # entries of a list
WHERE = "The settings on the server"  # in messages
Rows = Literal["items", "answers"]


class Verbs:
    """What can be asked of a project on a server, as steps: see `labeler.client.calls`."""

    def __init__(self, name: str) -> None:
        """
        Args: name: its uid, or its folder's name.
        """
        self.path = f"/projects/{quote(name, safe='')}"
        self.tab = f"python-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # what its reservations are held under

    # ------------------------------------------------------------ settings and classes

    def settings(self) -> Steps[Config]:
        """The settings."""
        return parse((yield Call("GET", f"{self.path}/settings")), WHERE)

    def save(self, settings: Config) -> Steps[Config]:
        """The settings, once these are saved. Raises: LabelerError: they are wrong."""
        before = yield Call("GET", f"{self.path}/settings")
        changes = records.changes_between(before, settings.as_dict())
        return parse((yield Call("PATCH", f"{self.path}/settings", body=changes)), WHERE)

    def classes(self) -> Steps[tuple[str, ...]]:
        """The names of the classes."""
        return tuple((yield Call("GET", self.path))["classes"])

    def change_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> Steps[tuple[str, ...]]:
        """The classes after one was renamed, merged, split, added or retired; no answer is lost.

        Args:   old: that the change is about. new: that take their place.
        Raises: LabelerError: the change cannot be made; nothing has changed.
        """
        body = {"kind": kind, "old": [*old], "new": [*new]}
        return tuple((yield Call("POST", f"{self.path}/classes/changes", body=body))["classes"])

    def preview_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> Steps[dict[str, Any]]:
        """What a change of the classes would do: the `classes` then, and the numbers of items, answers and rounds.

        Args:   as of `change_classes`.
        Raises: LabelerError: the change cannot be made.
        """
        body = {"kind": kind, "old": [*old], "new": [*new], "preview": True}
        preview: dict[str, Any] = yield Call("POST", f"{self.path}/classes/changes", body=body)
        return preview

    def status(self) -> Steps[dict[str, Any]]:
        """Numbers of items, labels and rounds, the latest metrics, and sentences on them; see `labeler status`."""
        status: dict[str, Any] = yield Call("GET", f"{self.path}/status")
        return status

    # ------------------------------------------------------------ imports

    def import_(  # wide: the columns of a table are keywords of their own
        self,
        source: str | Path | pd.DataFrame,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> Steps[ImportReport]:
        """The report on importing a folder or zip of images, a table's file, a data frame, or images of a store.

        Files are sent to the server; it reads an object store itself.

        Args:   text, image, label, split, group: names of the table's columns; text and image are recognised by usual
                names. Items of a group, such as a patient, are all in the pool or all in the holdout.
                keep_labels: "holdout" drops the pool's labels, so that they are asked for. apart: changes nothing here:
                a server always reads in a process of its own. on_progress: called with (done, total, as far as that is
                known): bytes that were sent, then rows that were read.
        Raises: LabelerError: nothing can be read, or a column is missing.
        """
        columns = {"text": text, "image": image, "label": label, "split": split, "group": group}
        job = yield from self._sent(source, columns | {"keep_labels": keep_labels}, on_progress)
        return records.report_of((yield from self._ended(job, on_progress))["brought"])

    def start_import(  # wide: as `import_`
        self,
        source: str | Path,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        predictions: PredictionColumns | None = None,
    ) -> Steps[int]:
        """The number of a new import job, which the server runs.

        Args: as of `import_`. predictions: columns of the table with a model's predictions.
        """
        columns = {"text": text, "image": image, "label": label, "split": split, "group": group}
        fields = columns | {"keep_labels": keep_labels, "predictions": records.as_field(predictions)}
        return (yield from self._sent(source, fields, None))

    def import_predictions(
        self,
        source: str | Path | pd.DataFrame,
        columns: PredictionColumns,
        *,
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> Steps[list[AddedPredictions]]:
        """What came of another model's predictions for items of the project, in a table's file or a data frame.

        Args:   columns: what its columns hold. apart, on_progress: as of `import_`.
        Raises: LabelerError: nothing fits an item; nothing has changed.
        """
        fields = {"predictions": records.as_field(replace(columns, only=True))}
        job = yield from self._sent(source, fields, on_progress)
        return [AddedPredictions.from_dict(row) for row in (yield from self._ended(job, on_progress))["predictions"]]

    def _sent(
        self, source: str | Path | pd.DataFrame, fields: dict[str, str | None], on_progress: Progress | None
    ) -> Steps[int]:
        """The number of the job, once the source is at the server."""
        path = f"{self.path}/imports"
        if isinstance(source, str) and "://" in source:
            given = {name: value for name, value in fields.items() if value is not None}
            return int((yield Call("POST", path, body={"address": source, **given}))["id"])
        with tables.written(source) if isinstance(source, pd.DataFrame) else one_file(Path(source)) as file:
            return int((yield Call("POST", path, form=fields, upload=file, on_progress=on_progress))["id"])

    def _ended(self, job: int, on_progress: Progress | None) -> Steps[dict[str, Any]]:
        """The state of an import, once it has ended. Raises: LabelerError: it has failed, or was cancelled."""
        path = f"{self.path}/imports/{job}"
        try:
            while (state := (yield Call("GET", path)))["state"] in ("queued", "running"):
                if on_progress and state["rows"]:
                    on_progress(state["rows"], state["of"] or 0)
                yield Pause(POLL_SECONDS)
        except KeyboardInterrupt:
            yield Call("DELETE", path)  # nothing of it is left
            raise
        if state["state"] != "done":
            raise LabelerError("{error}", error=state["error"] or "The import was cancelled.")
        return dict(state)

    # ------------------------------------------------------------ labeling

    def next_items(self, annotator: str, n: int = 1) -> Steps[list[AskedItem]]:
        """Up to `n` items for this annotator to answer, the most informative first; others are not given them for
        `labeling.reservation_seconds`.
        """
        body = {"annotator": annotator, "tab": f"{self.tab}-{annotator}", "n": n}
        reply = yield Call("POST", f"{self.path}/next", body=body)
        return [
            AskedItem(
                item["id"],
                item["text"],
                self._picture(item) if item["picture"] else None,
                item["source"] or "",
                item["metadata"],
            )
            for item in reply["items"]
        ]

    def picture(self, item: AskedItem | int) -> Steps[bytes]:
        """The picture of an item as browsers show it."""
        number = item if isinstance(item, int) else item.id
        picture: bytes = yield Call("GET", f"{self.path}/items/{number}/picture")
        return picture

    def _picture(self, item: dict[str, Any]) -> Picture | None:
        """The image of an item, where it can be read while code waits."""
        return None

    def answer(
        self, annotator: str, item: AskedItem | int, label: str | Sequence[str] | None, seconds: float | None = None
    ) -> Steps[None]:
        """Store an answer; the item's next answer by the same annotator replaces it.

        Args:   label: a class, or a sequence of classes where an item has several; None skips the item.
        Raises: LabelerError: there is no such item or class; nothing is stored.
        """
        answer = {
            "request_id": uuid.uuid4().hex,
            "item_id": item if isinstance(item, int) else item.id,
            "action": "skip" if label is None else "label",
            "label": label if label is None or isinstance(label, str) else [*label],
            "seconds": seconds,
        }
        body = {"annotator": annotator, "tab": f"{self.tab}-{annotator}", "answers": [answer]}
        (receipt,) = (yield Call("POST", f"{self.path}/answers", body=body))["receipts"]
        if not receipt["ok"]:
            raise LabelerError("The answer was refused: {reason}", reason=receipt["reason"])

    # ------------------------------------------------------------ rounds

    def run_round(self) -> Steps[RoundSummary]:
        """The round that the server's worker runs: train on all labels, measure on the holdout, rank what to ask next.

        Where one is waiting or running, it is that one; where nothing is new since the latest, it is the latest.

        Raises: LabelerError: the round cannot be run; says why.
        """
        state = yield Call("GET", f"{self.path}/rounds/state")
        if not state["nothing_new"]:
            state = yield Call("POST", f"{self.path}/rounds", query={"again": True})
        while (job := state["job"])["state"] in ("queued", "running"):
            yield Pause(POLL_SECONDS)
            state = yield Call("GET", f"{self.path}/rounds/state")
        if job["state"] == "failed" or not state["latest"]:
            raise LabelerError("The round failed: {error}", error=job["error"] or "")
        return records.round_of((yield Call("GET", f"{self.path}/rounds/{state['latest']}")))

    def curve(self) -> Steps[pd.DataFrame]:
        """All rounds, one a row: round, labels, accuracy, low, high (of the 95% interval), holdout (items measured
        on), and what was spent until then.
        """
        return tables.curve_of((yield Call("GET", f"{self.path}/curve"))["items"])

    def compare(
        self,
        strategies: Sequence[str],
        source: str | Path | None = None,
        *,
        label: str = "label",
        runs: int = 5,
        rounds: int = 10,
    ) -> Steps[Verdict]:
        """A comparison of query strategies with random sampling on labels that are known; it takes minutes.

        Args:   source: a labeled table or folder; None: the project's own labels so far. label: the table's column.
                runs: of each strategy, each with its own first labels. rounds: queries after the first labels.
        Raises: LabelerError, StrategyError: it cannot be run; says why.
        """
        asked = {"strategies": [*strategies], "runs": runs, "rounds": rounds, "label": label}
        path = f"{self.path}/comparisons"
        if source is None:
            job = yield Call("POST", path, body=asked)
        else:
            with one_file(Path(source)) as file:
                form = asked | {"strategies": ",".join(strategies)}
                job = yield Call("POST", path, form=form, upload=file)
        while job["state"] in ("queued", "running"):
            yield Pause(POLL_SECONDS)
            job = yield Call("GET", f"{path}/{job['id']}")
        if job["state"] != "done":
            raise LabelerError("{error}", error=job["error"] or "The comparison was cancelled.")
        return Verdict(job["words"], pd.DataFrame(job["table"]), job["report"])

    # ------------------------------------------------------------ what leaves

    def export(self, out: str | Path | None = None) -> Steps[pd.DataFrame]:
        """All current answers, one a row, with the columns of docs/export.md; also written to `out` (CSV, JSON Lines,
        Parquet or Excel, by its suffix).
        """
        if out is not None:
            yield from self.write(out)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "answers.jsonl"
            yield Call("GET", f"{self.path}/export", query={"rows": "answers", "format": "jsonl"}, into=file)
            return pd.DataFrame(tables.read_json_lines(file))

    def write(  # wide: each is a choice of its own
        self,
        out: str | Path,
        rows: Rows = "answers",
        format: Format | None = None,
        predictions: bool = False,
        on_progress: Progress | None = None,
        other_models: bool = False,
    ) -> Steps[int]:
        """The number of rows written to a file, which is there whole or not at all.

        Args:   rows: one an item, or one an answer. format: of the file; None: that of its suffix. predictions: add
                the best model's for items without a label. on_progress: called with (done, total) of what takes long.
                other_models: add what other models predicted, see `import_predictions`.
        Raises: LabelerError: the file cannot be written, or its suffix tells no format.
        """
        out = Path(out)
        kind = format or tables.format_of(out)
        if predictions:
            yield from self._predicted_all(on_progress)
        query = {"rows": rows, "format": kind, "predictions": predictions, "other_models": other_models}
        with tables.written_whole(out) as part:
            yield Call("GET", f"{self.path}/export", query=query, into=part, on_progress=on_progress)
            return tables.rows_in(part, kind)

    def write_for(self, tool: Name, out: str | Path) -> Steps[ToolExport]:
        """What was written for another tool: the number of items, and what its format cannot hold.

        Args:   tool: such as `label-studio`, see docs/formats.md. out: a new folder, a `.zip`, or without images the
                tool's file.
        Raises: LabelerError: the format cannot hold the project's items, or `out` cannot be written.
        """
        out = Path(out)
        if not out.suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise LabelerError("{out} is there already: name a folder that is new or empty.", out=out)
        call = Call("GET", f"{self.path}/export/{tool}", query={"suffix": out.suffix.lower() or ".zip"})
        if out.suffix:
            with tables.written_whole(out) as part:
                headers = yield replace(call, into=part)
        else:
            headers = yield from self._unpacked(call, out)
        facts = json.loads(headers["labeler-export"])
        return ToolExport(facts["items"], tuple((Message.of(load(what)), n) for what, n in facts["left_out"]))

    def _unpacked(self, call: Call, out: Path) -> Steps[Mapping[str, str]]:
        """The headers of a reply whose zip was unpacked into a folder."""
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as scratch:
            archive = Path(scratch) / "export.zip"
            headers: Mapping[str, str] = yield replace(call, into=archive)
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(Path(scratch) / "unpacked")
            (folder,) = (Path(scratch) / "unpacked").iterdir()
            if out.exists():
                out.rmdir()
            folder.replace(out)
        return headers

    def _predicted_all(self, on_progress: Progress | None) -> Steps[None]:
        """Have the items without a label predicted."""
        job = yield Call("POST", f"{self.path}/predictions")
        while job["state"] in ("queued", "running"):
            if on_progress:
                on_progress(job["done"], job["total"])
            yield Pause(POLL_SECONDS)
            job = (yield Call("GET", f"{self.path}/predictions", query={"limit": 1}))["job"]
        if job["state"] != "done":
            raise LabelerError("{error}", error=job["error"] or "The predictions were cancelled.")

    def predict(
        self,
        source: str | Path | pd.DataFrame | Sequence[str] | Sequence[Path],
        column: str | None = None,
        on_progress: Progress | None = None,
    ) -> Steps[pd.DataFrame]:
        """The best model's predictions, one a row: label, its probability, that of each class, and the columns of the
        source, with `metadata.` before a name that the predictions have. What could not be read is told by its
        `attrs["problems"]`.

        Args:   source: files or folders as `labeler predict` takes them, a data frame, or texts. column: of the texts
                or image paths, recognised by its name if not given. on_progress: called with (inputs done, in all).
        Raises: LabelerError: there is no model yet, or nothing can be read.
        """
        facts = yield Call("GET", self.path)
        predicted = Predicted(facts["classes"], facts["answers"] == "several")
        paths = tables.paths_in(source)
        frame = None if paths else tables.frame_of(source)
        with nullcontext() if frame is None else tables.numbered(frame) as table:
            read = unseen_rows(paths or [table], facts["modality"], column, as_stacks=False)  # type: ignore[list-item]
            rows = [*usable(read, facts["modality"], predicted.problems)]
            for batch in batches(iter(rows)):
                predicted.take(batch, (yield from self._predicted(batch)))
                if on_progress:
                    on_progress(len(predicted.rows) + len(predicted.problems), len(rows))
        if not predicted.rows:
            first = f" The first problem: {predicted.problems[0]}." if predicted.problems else ""
            raise LabelerError("There is nothing to predict in what was given.{first}", first=first)
        found = pd.DataFrame(predicted.rows)
        result = found if frame is None else tables.beside(frame, found, facts["classes"])
        result.attrs["problems"] = [str(problem) for problem in predicted.problems]
        return result

    def _predicted(self, batch: Sequence[Row]) -> Steps[dict[str, Any]]:
        """What the server says of a batch."""
        path = f"{self.path}/predict"
        if batch[0].text is not None:
            return (yield Call("POST", path, body={"texts": [row.text for row in batch]}))
        with tempfile.TemporaryDirectory() as scratch:
            write_zip(Path(scratch) / "images.zip", batch)
            return (yield Call("POST", path, form={}, upload=Path(scratch) / "images.zip"))

    # ------------------------------------------------------------ members and webhooks

    def members(self) -> Steps[dict[str, Role]]:
        """The role of each member, by name. Raises: LabelerError: the home has no accounts."""
        return {member["name"]: member["role"] for member in (yield from self._all("members"))}

    def give_role(self, name: str, role: Role | None) -> Steps[None]:
        """Make the account of this name a member, or give it another role; None ends the membership.

        Raises: LabelerError: the home has no accounts, or none of this name.
        """
        path = f"{self.path}/members/{quote(name, safe='')}"
        yield Call("DELETE", path) if role is None else Call("PUT", path, body={"role": role})

    def webhooks(self) -> Steps[list[Webhook]]:
        """The webhooks, without their secrets; see docs/events.md."""
        found = yield from self._all("webhooks")
        return [Webhook(**each | {"events": tuple(each["events"]), "secret": ""}) for each in found]

    def add_webhook(self, url: str, events: Collection[Event] = EVENTS) -> Steps[tuple[int, str]]:
        """The number of a new webhook, and the secret that its messages are signed with, which is told this once.

        Args:   events: that it is told of.
        Raises: LabelerError: it cannot have this address, or there is no such event.
        """
        added = yield Call("POST", f"{self.path}/webhooks", body={"url": url, "events": [*events]})
        return added["id"], added["secret"]

    def remove_webhook(self, number: int) -> Steps[None]:
        """Tell a webhook nothing more. Raises: LabelerError: there is none with this number."""
        yield Call("DELETE", f"{self.path}/webhooks/{number}")

    def webhook_messages(self, most: int = 50) -> Steps[list[Delivery]]:
        """The latest messages to webhooks, the latest first, with what came of each."""
        found = yield from self._all("webhook-messages", most)
        return [Delivery(**each | {"problem": each["problem"] or ""}) for each in found]

    def send_again(self, message: int) -> Steps[None]:
        """Have a message sent again. Raises: LabelerError: there is none with this number."""
        yield Call("POST", f"{self.path}/webhook-messages/{message}/send-again")

    def _all(self, name: str, most: int | None = None) -> Steps[list[dict[str, Any]]]:
        """The entries of a list, page by page."""
        entries: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": min(LONGEST_PAGE, most or LONGEST_PAGE)}
        while True:
            page = yield Call("GET", f"{self.path}/{name}", query=query)
            entries += page["items"]
            if page["next"] is None or (most and len(entries) >= most):
                return entries[:most]
            query = query | {"cursor": page["next"]}


@contextmanager
def one_file(source: Path) -> Iterator[Path]:
    """The path of a source as one file: of a folder a zip, which is there until the block ends."""
    if not source.exists():
        raise SourceError("{source} does not exist: check the path.", source=source)
    if not source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{source.resolve().name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # images are packed already
            for file in sorted(source.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(source).as_posix())
        yield path


def created(
    folder: str, classes: Sequence[str], modality: Modality, answers: ClassesAnItem, name: str | None
) -> Steps[str]:
    """The uid of a new project."""
    body = {"name": folder, "classes": [*classes], "modality": modality, "answers": answers}
    facts = yield Call("POST", "/projects", body=body)
    if name:
        yield Call("PATCH", f"/projects/{facts['uid']}/settings", body={"name": name})
    return str(facts["uid"])
