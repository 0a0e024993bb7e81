"""What the formats share: the record of a format, what a reader is told and hands over, and what a writer gets."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from labeler.core.items import ForeignPrediction, GivenAnswer, Modality, Problem
from labeler.core.settings import LimitsConfig
from labeler.files.limits import USUAL
from labeler.files.sources import OBVIOUS, ROW, Row, SourceColumns
from labeler.i18n.messages import Message, mark

Readable = Literal["label-studio", "hugging-face", "prodigy", "doccano", "coco", "argilla", "ris"]
Name = Literal[Readable, "image-folder", "provenance"]  # of all that are written
ReadAs = Literal[Readable, "table"]  # what somebody may say that a file is; a table is read by its columns
# What a project knows of its items, each a line of the table in docs/formats.md.
Fact = Literal[
    "texts",
    "images",
    "several",
    "none",
    "unlabeled",
    "columns",
    "split",
    "annotators",
    "times",
    "seconds",
    "skips",
    "unsure",
    "notes",
    "decisions",
    "reasons",
]
FACTS: dict[Fact, Message] = {
    "texts": mark("texts"),
    "images": mark("images"),
    "several": mark("several classes an item"),
    "none": mark("labels of no class"),
    "unlabeled": mark("items without a label"),
    "columns": mark("the other columns of an item"),
    "split": mark("which items are in the holdout"),
    "annotators": mark("who answered, also several people"),
    "times": mark("when it was answered"),
    "seconds": mark("how long it took"),
    "skips": mark("skipped and flagged items"),
    "unsure": mark("marks of unsure answers"),
    "notes": mark("notes"),
    "decisions": mark("decisions of leads"),
    "reasons": mark("why an item was asked, and what the model said then"),
}
# both: it is written, and read back here. written: the file has it, for others.
Keeping = Literal["both", "written"]
# Of a format that has room for `KEY`: why an item was asked is of the project that asked it.
EVERYTHING: Mapping[Fact, Keeping] = {fact: "written" if fact == "reasons" else "both" for fact in FACTS}
KEY = "labeler"  # of what only this program reads, where a format has room for it
ANYBODY = ""  # the annotator where a file does not say who


# ---------------------------------------------------------------- reading


@dataclass
class Reading:
    """A file of another tool that is read. left_out: counts what was there and is not taken over."""

    path: Path  # the file, or the folder of a format that is one
    columns: SourceColumns = OBVIOUS
    modality: Modality | None = None  # of the project; None: there is none yet
    classes: tuple[str, ...] = ()  # of the project
    limits: LimitsConfig = USUAL
    left_out: Counter[Message] = field(default_factory=Counter)

    @property
    def folder(self) -> Path:
        """Where the images that the file names are."""
        return self.path if self.path.is_dir() else self.path.parent

    def leave(self, what: Message) -> None:
        """Count something that is left out. Args: what: a noun, such as "drafts"."""
        self.left_out[what] += 1

    def row(self, number: int) -> str:
        """The source of the item with this number."""
        return f"{self.path.name}{ROW}{number}"


Rows = Iterator[Row | Problem]


def time_of(value: object) -> str | None:
    """A time in a file as the store keeps it; None where it is none, or lies in the future."""
    try:
        if isinstance(value, int | float):
            time = datetime.fromtimestamp(value, UTC)
        else:
            time = datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
    except (ValueError, OverflowError, OSError):
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC).isoformat(timespec="milliseconds") if time <= datetime.now(UTC) else None
    except OverflowError:  # year 1 in a zone behind UTC
        return None


def number_of(value: object) -> float | None:
    """A number in a file; None where it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None  # neither infinite nor NaN


def names_of(value: object) -> tuple[str, ...]:
    """The names of classes in a value of JSON: a text, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(str(name).strip() for name in values if name is not None and str(name).strip()))


def object_of(value: object) -> dict[str, Any]:
    """An object of JSON; an empty one where the value is something else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[dict[str, Any]]:
    """The objects in a value that should be a list of them."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def answer_in(value: Mapping[str, Any], labels: Sequence[str] = ()) -> GivenAnswer:
    """An answer from the object that `as_object` has written. Args: labels: where the object has none."""
    action = value.get("action", "label")
    note = value.get("note")
    return GivenAnswer(
        str(value.get("annotator") or ANYBODY),
        names_of(value["labels"]) if "labels" in value else tuple(labels),
        action if action in ("label", "skip", "flag", "decide", "exclude") else "label",
        time_of(value.get("at")),
        number_of(value.get("seconds")),
        bool(value.get("unsure")),
        str(note) if note else None,
    )


# ---------------------------------------------------------------- writing


@dataclass(frozen=True)
class Description:
    """A project as its files describe it. keys: the key of each class; colours: of those that have one."""

    name: str
    classes: tuple[str, ...]
    modality: Modality
    several: bool
    keys: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasons:
    """Why an item was asked, and what the round's model said of it then."""

    round: int | None = None
    strategy: str | None = None
    score: float | None = None
    model: str | None = None
    predicted: tuple[str, ...] | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class LabeledAnswer:
    """A current answer, with why its item was asked; a label that came with the data has no annotator."""

    given: GivenAnswer
    reasons: Reasons = Reasons()


@dataclass(frozen=True)
class LabeledItem:
    """An item with all that was said about it. labels: its classes; None: it has no label.

    decision: of a lead, with the action `decide` or `exclude`.
    """

    id: int
    content_hash: str
    split: str
    text: str | None
    picture: tuple[str, Callable[[], bytes]] | None  # its file's name, and what reads it
    metadata: Mapping[str, str]
    labels: tuple[str, ...] | None
    answers: tuple[LabeledAnswer, ...] = ()
    decision: GivenAnswer | None = None


@dataclass(frozen=True)
class Target:
    """Where a format is written: its file `main`, and in the folder what lies beside it; None: the file is all."""

    folder: Path | None
    main: Path

    def picture(self, item: LabeledItem, folder: str = "images") -> str:
        """The path of the item's image below the folder, once it is copied there."""
        top, (name, read) = self.folder or self.main.parent, item.picture or ("", lambda: b"")
        path = top / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read())
        return path.relative_to(top).as_posix()


Items = Iterable[LabeledItem]


def as_object(answer: GivenAnswer, reasons: Reasons | None = None) -> dict[str, Any]:
    """An answer with what is known of it, as an object of JSON."""
    known: dict[str, Any] = {
        "annotator": answer.annotator or None,
        "action": answer.action if answer.action != "label" else None,
        "at": answer.at,
        "seconds": answer.seconds,
        "unsure": answer.unsure or None,
        "note": answer.note,
    }
    if reasons is not None:
        known |= {
            "round": reasons.round,
            "strategy": reasons.strategy,
            "score": reasons.score,
            "model": reasons.model,
            "predicted": None if reasons.predicted is None else list(reasons.predicted),
            "confidence": reasons.confidence,
        }
    return {name: value for name, value in known.items() if value is not None}


def with_labels(answer: GivenAnswer, reasons: Reasons | None = None) -> dict[str, Any]:
    """As `as_object`, with the classes that were answered."""
    return as_object(answer, reasons) | {"labels": list(answer.labels)}


def beside(item: LabeledItem) -> dict[str, Any]:
    """What this program reads back of an item beside its answers: the side of the split, and the lead's decision."""
    decision = {"decision": with_labels(item.decision)} if item.decision else {}
    return {"split": item.split, **decision}


def read_beside(value: object) -> tuple[str | None, tuple[GivenAnswer, ...]]:
    """What `beside` has written: the side of the split, and the decision among the answers."""
    known = object_of(value)
    decision, split = object_of(known.get("decision")), known.get("split")
    return str(split) if split else None, (answer_in(decision),) if decision else ()


# ---------------------------------------------------------------- formats


@dataclass(frozen=True)
class Format:
    """A format of another tool.

    file: that it writes; "" for a folder with a layout of its own. keeps: what it can hold of a project.
    recognises: whether a file or folder is of it. fits: whether it can be, if somebody says so; None: as it is
    recognised. read: None: it is only written. classes: those that the file declares, in their order; none where it
    declares none. by_columns: whether a person may say which columns hold the items and their labels.
    """

    name: Name
    title: str
    file: str
    keeps: Mapping[Fact, Keeping]
    write: Callable[[Description, Items, Target], None]
    recognises: Callable[[Path], bool] = lambda path: False
    fits: Callable[[Path], bool] | None = None
    read: Callable[[Reading], Rows] | None = None
    classes: Callable[[Path], tuple[str, ...]] = lambda path: ()
    by_columns: bool = False


def misfit(format_: Format, project: Description) -> Message | None:
    """What keeps the format from holding the project's items at all; None: it can hold them."""
    needed: list[Fact] = ["texts" if project.modality == "text" else "images"]
    for fact in [*needed, "several"] if project.several else needed:
        if fact not in format_.keeps:
            return FACTS[fact]
    return None


def left_out_of(format_: Format, items: Items, left_out: Counter[Message]) -> Iterator[LabeledItem]:
    """The items, of which is counted what the format cannot hold."""
    for item in items:
        for fact, n in facts_of(item).items():
            if fact in format_.keeps:
                continue
            left_out[FACTS[fact]] += n
        yield item


def facts_of(item: LabeledItem) -> Counter[Fact]:
    """How often each fact is known of an item."""
    given = [answer.given for answer in item.answers]
    people = [answer for answer in given if answer.annotator != ANYBODY]
    known: list[tuple[Fact, int]] = [
        ("texts", int(item.text is not None)),
        ("images", int(item.picture is not None)),
        ("several", int(item.labels is not None and len(item.labels) > 1)),
        ("none", int(item.labels == ())),
        ("unlabeled", int(item.labels is None)),
        ("columns", len(item.metadata)),
        ("split", int(item.split == "holdout")),
        ("annotators", len(people)),
        ("times", len(people)),
        ("seconds", sum(answer.seconds is not None for answer in given)),
        ("skips", sum(answer.action in ("skip", "flag") for answer in given)),
        ("unsure", sum(answer.unsure for answer in given)),
        ("notes", sum(bool(answer.note) for answer in given)),
        ("decisions", int(item.decision is not None)),
        ("reasons", sum(answer.reasons.round is not None for answer in item.answers)),
    ]
    return Counter({fact: n for fact, n in known if n})


def free(metadata: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """The other columns of an item, with `metadata.` before a name that the format needs itself."""
    columns: dict[str, str] = {}
    for name, text in metadata.items():
        own = name
        while own in taken or own in columns or (own != name and own in metadata):
            own = f"metadata.{own}"
        columns[own] = text
    return columns


def predictions_of(item: LabeledItem) -> list[tuple[str, tuple[str, ...], float | None]]:
    """What rounds' models said of an item when it was asked, once a model: model, classes, confidence."""
    reasons = (answer.reasons for answer in item.answers)
    found = {r.model: (r.model, r.predicted, r.confidence) for r in reasons if r.model and r.predicted is not None}
    return list(found.values())


def foreign(model: object, labels: tuple[str, ...], score: object) -> ForeignPrediction | None:
    """A prediction of a file; None where it names no class. Args: score: from 0 to 1, of all its classes together."""
    if not labels:
        return None
    score = number_of(score)
    known = score if score is not None and 0 <= score <= 1 else None
    return ForeignPrediction(str(model or "").strip() or "unnamed", labels, confidence=known)
