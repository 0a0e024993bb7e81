"""The records of labeling: items, reservations, answers, annotators."""

import hashlib
import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from labeler.core.arrivals import Newer
from labeler.core.groups import GroupCounts
from labeler.core.hashes import ENDING, endings

READ_AT_ONCE = 100_000  # items of which columns become objects

Modality = Literal["image", "text"]
ClassesAnItem = Literal["one", "several"]
Split = Literal["pool", "holdout"]
Action = Literal["label", "skip", "flag", "undo"]
GivenAction = Literal["label", "skip", "flag", "decide", "exclude"]  # the last two are decisions of leads
Reveal = Literal["never", "after", "before"]  # when annotators see the prediction, relative to their answer
Chosen = Literal[
    "hand", "next"
]  # who chose an item: the annotator, on the page Items, or a lead, who had it asked next

# Encoders, learners and imports call it with their progress: (done, total).
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StoredObject:
    """What a store said of an object when it was imported: its size, and what changes whenever its content does.

    suffix: by which images tell their formats apart; "" where nobody has looked into the object.
    """

    bytes: int
    version: str
    suffix: str = field(default="", compare=False)


@dataclass(frozen=True)
class ForeignPrediction:
    """What a model of somebody else's, or an LLM, says of an item: a format's reader finds it, the store keeps it.

    labels: names of classes, one where items have one class; names that the project lacks are refused where it is
    stored, see `labeler.projects.foreign`. probabilities: by the name of the class, from 0 to 1, as many as the file
    has; None: it has none. confidence: of all labels together, where it is given by itself.
    item: the content hash of the item, which is known once the item is staged; "" before. Files of predictions alone
    may name the item by its id, or by where it came from, as the column `source` of an export says.
    row: where this stands, such as "gpt.csv row 12".
    """

    model: str
    labels: tuple[str, ...]
    probabilities: Mapping[str, float] | None = None
    version: str = ""
    item: str = ""
    item_id: int | None = None
    item_source: str = ""
    row: str = ""
    confidence: float | None = None


@dataclass(frozen=True)
class GivenAnswer:
    """An answer that somebody gave in another tool, on its way into the store with its item.

    annotator: "" where the file does not say who. labels: names of classes; of the actions `label` and `decide` alone.
    at: ISO 8601 with its zone; None: nobody noted it, and the time of the import counts.
    """

    annotator: str
    labels: tuple[str, ...] = ()
    action: GivenAction = "label"
    at: str | None = None
    seconds: float | None = None
    unsure: bool = False
    note: str | None = None


@dataclass(frozen=True)
class StoredAnswer:
    """An answer of another tool with its label as it is stored; None for an action without one."""

    given: GivenAnswer
    label: str | None


@dataclass(frozen=True)
class NewItem:
    """An item to be stored. With `split=None` the draw of the holdout decides its split.

    group: what it belongs to, such as a patient: all items of a group go to the same split. object: that `media`, which
    is an address then, names in a store.
    """

    content_hash: str
    source: str
    text: str | None = None
    media: str | None = None  # path below the project's folder, or an address
    label: str | None = None
    split: Split | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    object: StoredObject | None = None
    answers: tuple[StoredAnswer, ...] = ()
    predictions: tuple[ForeignPrediction, ...] = ()


@dataclass(frozen=True)
class AddResult:
    """The result of `Items.add`. `labels_added` counts the imported labels that were stored."""

    added: int
    duplicates: int
    labels_added: int


@dataclass(frozen=True)
class Problem:
    """A row or file that could not be imported, and why: a message."""

    source: str
    reason: str

    @property
    def message(self) -> str:
        """The row or file, and why; a reason that names it is whole by itself."""
        return "{reason}" if self.source in str(self.reason) else "{source}: {reason}"

    @property
    def fields(self) -> dict[str, object]:
        """What stands in the message, see `i18n.messages.translate`."""
        return {"source": self.source, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class DicomReport:
    """The DICOM files of an import, and the other images of one with de-identification.

    files: that were stored. deidentified: whether they lost what identifies patients. undeclared: files that do not say
    whether text is burned into their pixels; burned: files that say it is. kept: identifying fields that stayed by the
    settings. stacks: items of several files. columns: of the table that names the files, stored as they are, where
    de-identification was asked for. others: images that are no DICOM files, in which nothing can be removed.
    """

    files: int
    deidentified: bool
    undeclared: int = 0
    burned: int = 0
    kept: tuple[str, ...] = ()
    stacks: int = 0
    columns: tuple[str, ...] = ()
    others: int = 0


@dataclass(frozen=True)
class ImportReport:
    """The result of an import; the sum of `added`, `duplicates` and `not_imported` is the number of rows read.

    groups: how the groups lie after it; None without any. dicom: of the DICOM files that were read. in_two_groups: rows
    whose content came before, in another group, which keeps it; across: of those, the ones whose two groups are on both
    sides of the split. columns: of a table, stored with the items. more_problems: beyond those in `problems`, which are
    the first. left_out: what the file of another tool has that is not taken over, with how often.
    answers_by_people: that came along, of people whom the file names. predictions: that came along: of each model its
    name, and how many were stored and left out.
    """

    added: int
    duplicates: int
    labels_added: int
    pool: int  # items in the pool after the import
    holdout: int
    problems: tuple[Problem, ...]
    groups: GroupCounts | None = None
    in_two_groups: int = 0
    across: int = 0
    dicom: "DicomReport | None" = None
    columns: tuple[str, ...] = ()
    more_problems: int = 0
    left_out: tuple[tuple[str, int], ...] = ()
    answers_by_people: int = 0
    predictions: tuple[tuple[str, int, int], ...] = ()

    @property
    def not_imported(self) -> int:
        """The number of rows that were not imported."""
        return len(self.problems) + self.more_problems


class Content(NamedTuple):
    """What an item holds, see `Item`."""

    text: str | None
    media: str | None
    content_hash: str
    object: StoredObject | None


@dataclass(frozen=True)
class Item:
    """A stored item: an image below the project's folder or in a store, or a text."""

    id: int
    content_hash: str
    split: Split
    source: str
    text: str | None
    media: str | None
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)  # a table's other columns, where read
    group: str | None = field(default=None, compare=False)
    object: StoredObject | None = field(default=None, compare=False)  # that `media` is the address of

    @property
    def picture(self) -> str | None:
        """Where the API serves the image, below the project's address; None for a text."""
        return picture_path(self.id, self.content_hash) if self.media else None


@dataclass(frozen=True)
class ItemColumns:
    """Many items as columns, in the order of import; what they hold is read when it is needed, see `Inputs`.

    ids: (n,) int64, ascending. hashes: (n,) bytes, of their contents. holdout: (n,) bool, the others are in the pool.
    groups: (n,) int, equal for the items of one group, such as a patient; None: there are no groups.
    """

    ids: np.ndarray
    hashes: np.ndarray
    holdout: np.ndarray
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, positions: np.ndarray | slice) -> "ItemColumns":
        """Some of the items. Args: positions: (k,) int, (n,) bool, or a slice."""
        groups = None if self.groups is None else self.groups[positions]
        return ItemColumns(self.ids[positions], self.hashes[positions], self.holdout[positions], groups)

    def hash_of(self, position: int) -> str:
        """The content hash of an item."""
        return str(self.hashes[position].decode())

    def is_among(self, ids: Collection[int]) -> np.ndarray:
        """(n,) bool: which of the items have one of these ids."""
        asked, among = np.fromiter(ids, dtype=np.int64, count=len(ids)), np.zeros(len(self), dtype=bool)
        places = np.searchsorted(self.ids, asked[asked <= self.ids[-1]]) if len(self) else np.empty(0, dtype=np.intp)
        among[places] = np.isin(self.ids[places], asked)
        return among

    def spread(self, n: int, among: np.ndarray | None = None) -> np.ndarray:
        """The positions of `n` items, practically random and always the same: the first by the reversed content hash.

        The plain order of the hash is in use already: it chooses the items that several annotators answer, and the
        items that are asked about when a ranking is used up.

        Args: among: (k,) positions of which they are chosen, ascending; by default all.
        """
        positions = np.arange(len(self)) if among is None else among
        parts = [positions[start : start + READ_AT_ONCE] for start in range(0, len(positions), READ_AT_ONCE)]
        left = [position for part in parts for position in part[_may_be_first(self.hashes[part], n)].tolist()]
        hashes = (self.hashes[position][::-1] for position in left)
        first = heapq.nsmallest(n, zip(hashes, left, strict=True))
        return np.array([position for _, position in first], dtype=np.intp)


def _may_be_first(hashes: np.ndarray, n: int) -> np.ndarray:
    """(k,) places of those that can be among the first `n` by the reversed hash, told by their last characters."""
    if not 0 < n < len(hashes):
        return np.arange(len(hashes))
    last = endings(hashes)
    have_one_length = (last >= 1 << 8 * (ENDING - 1)).all()
    return np.flatnonzero(last <= np.partition(last, n - 1)[n - 1]) if have_one_length else np.arange(len(hashes))


def picture_path(item_id: int, content_hash: str) -> str:
    """Where the API serves an item's image, below the project's address: another image has another path.

    The content hash itself decides which items are blind, so browsers get a hash of it.
    """
    return f"media/{item_id}/{hashlib.blake2b(content_hash.encode(), digest_size=16).hexdigest()}"


@dataclass(frozen=True)
class Reason:
    """Why an item was asked."""

    strategy: str
    score: float | None
    rank: int
    round: int  # 0: before the first ranking was ready
    model: str | None
    seed: int | None


@dataclass(frozen=True)
class Prediction:
    """The prediction of a round's model for a ranked item. `confidence`: the probability of `label`, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class ModelSays:
    """What a model of somebody else says of an item, for people to see. confidence: from 0 to 1; None: it gave none."""

    model: str
    label: str
    confidence: float | None


@dataclass(frozen=True)
class Reserved:
    """An item that one annotator's tab holds until `expires_at`, by the clock of `store.leases`.

    first: whether it comes before all others, because a lead had it asked next.
    """

    item: Item
    reason: Reason | None
    expires_at: float
    prediction: Prediction | None = None
    first: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer on its way to the store. It is stored once for each `request_id`, even if it is sent twice.

    `undo` takes back the annotator's answer with the request id `undoes`, if it is the current one to `item_id`; None,
    as earlier desks send it: whichever is the current one. Only `label` carries a label. `unsure`: whether
    the annotator wants the label to be reviewed. `reveal`: when the annotator saw the model's prediction.
    `class_change`: the number of the latest change of the classes that the annotator's desk knew; None: it did not say.
    `chosen`: "hand" if the annotator chose the item.
    """

    request_id: str
    item_id: int
    action: Action
    label: str | None = None
    seconds: float | None = None
    tab: str | None = None
    unsure: bool = False
    note: str | None = None
    reveal: Reveal = "never"
    class_change: int | None = None
    chosen: Chosen | None = None
    undoes: str | None = None


@dataclass(frozen=True)
class InOrder:
    """A labeled pool item. drawn: by the control arm. chosen: by a person, by hand or to be asked next.

    strategy: that asked for it; None: nothing did, such as for labels that were imported.
    """

    item_id: int
    drawn: bool
    chosen: bool
    strategy: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The result of storing an answer: stored now or before (`ok`), or refused with the reason.

    An `undo` that is `ok` and has a reason took nothing back, because the answer that it names is not the current one.
    `prediction`: of the model, and `others`: of somebody else's, where the project reveals them after the answer.
    """

    request_id: str
    ok: bool
    reason: str | None = None
    prediction: Prediction | None = None
    others: tuple[ModelSays, ...] = ()


@dataclass(frozen=True)
class Annotator:
    """A person who labels. `groups`: of classes; items with these predicted classes are theirs alone."""

    name: str
    joined_at: str
    role: str = ""
    groups: tuple[str, ...] = ()
    paused: bool = False
    guidelines: str = ""  # digest of the guidelines read last
    qualified: bool | None = None  # the lead's setting; None: the qualification items decide, if there are any


@dataclass(frozen=True)
class Waiting:
    """Why an annotator has no item: a code, and the number for its sentence.

    `by`, `text`: who stopped labeling ("" for a rule of the settings), and the reason they gave.
    """

    reason: Literal["paused", "stopped", "unqualified", "budget", "tab", "others", "empty", "training", "done"]
    n: int = 0
    by: str = ""
    text: str = ""


@dataclass(frozen=True)
class StillOpen:
    """What can still be labeled. pool, holdout: items without a label that people can be asked about.

    answers: that people can still give about all items, several about the same item included.
    """

    pool: int
    holdout: int
    answers: int


@dataclass(frozen=True)
class Counts:
    """Numbers of items and labels.

    labeled: pool labels, one an item; holdout_labeled: holdout labels. answers_by_people: answers with a label, several
    about the same item included; the budget pays for each. mine: those of the annotator who asks. newer: holdout
    items that came with later imports.
    """

    pool: int
    holdout: int
    labeled: int
    holdout_labeled: int
    answers_by_people: int
    mine: int
    per_class: Mapping[str, int]
    open: StillOpen
    newer: Newer = field(default_factory=Newer)

    @property
    def reachable(self) -> int:
        """The number of pool labels that there can be in all."""
        return self.labeled + self.open.pool

    @property
    def classes_labeled(self) -> int:
        """The number of classes that pool items have a label of."""
        return sum(n > 0 for n in self.per_class.values())

    def answers_left(self, budget: int) -> int:
        """The answers that the budget still pays for, no more than the data need."""
        return self.payable(budget) - self.answers_by_people

    def payable(self, budget: int) -> int:
        """The number of answers that a budget can pay for in all: no more than the data need."""
        return max(self.answers_by_people, min(budget, self.answers_by_people + self.open.answers))


AdjudicationAction = Literal["label", "exclude", "return"]
