"""The review queue: items that are worth a second look, ordered by how likely a decision changes the label.

The benefit of a decision is the probability that it changes the item's label. It comes from all answers and
out-of-sample predictions together (`labeler.quality.doubt`) where the audit made one, else from the consensus of
annotators and model or from the share of other answers. An item without a label comes first, since any decision
changes it. Of equal benefits, the older case comes first. Labels that are next in doubt follow at the end, so that the
order finds as much as it can for each look, whatever the words say of a single label.

Holdout items are queued for annotators' answers alone. If the model had a say in which holdout labels are reviewed,
accuracy would be measured on labels that the model had helped to choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from labeler.core.labels import names_of
from labeler.core.settings import Config
from labeler.i18n.messages import mark
from labeler.store import Store
from labeler.store.reviews import ReviewRow

FLAGGED, DISAGREEMENT, UNSURE = mark("flagged"), mark("disagreement"), mark("unsure")
SECOND_LOOK, CONSENSUS = mark("worth a second look"), mark("consensus differs")
FURTHER = mark("next in doubt")
REASONS = (FLAGGED, DISAGREEMENT, UNSURE, SECOND_LOOK, CONSENSUS, FURTHER)

# Priors: half of the flags are right, and annotators who say they are unsure are wrong two or three times as often.
OF_FLAGGED, OF_UNSURE = 0.5, 0.25


class Case(NamedTuple):
    """An item of the review queue.

    benefit: the probability that a decision changes its label. classes: of all its answers and of its label.
    since: the number of the latest answer. opinion: the models' out-of-sample prediction, if the audit made one.
    """

    item_id: int
    label: str | None
    reasons: tuple[str, ...]
    benefit: float
    classes: tuple[str, ...]
    annotators: tuple[str, ...]
    since: int
    opinion: "Opinion | None" = None

    @property
    def further(self) -> bool:
        """Whether it is in the queue only for those who have time to look at more."""
        return self.reasons == (FURTHER,)

    @property
    def place(self) -> tuple[bool, bool, float, int]:
        """What the queue is ordered by, different for each case."""
        return self.label is not None, self.further, -self.benefit, self.since


class Opinion(NamedTuple):
    """The out-of-sample prediction for an item with the label `given`. wrong: the probability that the label is wrong.
    second_look: 1 where that is worth a second look. further: 1 where the label is next in doubt.
    """

    given: str
    predicted: str
    confidence: float
    wrong: float
    second_look: int
    further: int


class Findings:
    """The latest audit's findings by item id; empty before the first audit.

    calibrated: whether the probabilities that labels are wrong consider all answers. Those of version 0.2 and earlier
    did not.

    Args: audit: the report of an audit, see `labeler.quality.findings`; those of version 0.2 have `likely`
    in place of `second_look`, and nothing further.
    """

    def __init__(self, audit: Mapping[str, Any] | None) -> None:
        self._errors = (audit or {}).get("errors") or {}
        self.calibrated = "second_look" in self._errors
        if "likely" in self._errors:
            self._errors = {"second_look": self._errors["likely"], **self._errors}
        self._errors = {"further": [0] * len(self._errors.get("items", [])), **self._errors}
        self._people = (audit or {}).get("consensus") or {}
        self._opinion_at, self._consensus_at = (
            {item: at for at, item in enumerate(report.get("items", []))} for report in (self._errors, self._people)
        )

    @property
    def checked(self) -> tuple[int, int]:
        """How many labels were checked, and of how many."""
        n = self._errors.get("n", 0)
        return n, self._errors.get("of", n)

    def opinion(self, item_id: int) -> "Opinion | None":
        """The out-of-sample prediction for the item; None if the audit made none."""
        at = self._opinion_at.get(item_id)
        return None if at is None else Opinion(*(self._errors[name][at] for name in Opinion._fields))

    def consensus(self, item_id: int) -> tuple[str, float] | None:
        """The consensus label of annotators and model, and its probability; None without one."""
        at = self._consensus_at.get(item_id)
        return None if at is None else (self._people["labels"][at], self._people["quality"][at])

    def suspects(self) -> list[int]:
        """The ids of items whose label the audit's models or consensus doubt."""
        doubts = zip(self._opinion_at, self._errors.get("second_look", []), self._errors["further"], strict=True)
        doubted = [item for item, worth, follows in doubts if worth or follows]
        given = self._errors.get("given", [])
        for item, label in zip(self._consensus_at, self._people.get("labels", []), strict=True):
            at = self._opinion_at.get(item)
            if at is not None and given[at] != label:
                doubted.append(item)
        return doubted


def queue(rows: Iterable[ReviewRow], findings: Findings, config: Config) -> list[Case]:
    """The cases that are worth a second look, one an item with all its reasons; the highest benefit first.

    A decided item stays out until somebody answers it anew.

    Args: rows: as `Reviews.answers_to_review` gives them.
    """
    cases = [
        case
        for item_id, answers in groupby(rows, key=itemgetter(0))
        if (case := _case(item_id, list(answers), findings, config))
    ]
    return sorted(cases, key=lambda case: case.place)


def waiting(store: Store, findings: Findings) -> list[Case]:
    """The project's whole queue. Args: findings: of its latest audit."""
    return queue(store.reviews.answers_to_review(findings.suspects()), findings, store.config)


def matching(
    cases: Sequence[Case], reason: str | None = None, name: str | None = None, annotator: str | None = None
) -> list[Case]:
    """The cases with this reason, with this class among the answers, answered by this annotator; None: any."""
    return [
        case
        for case in cases
        if (reason is None or reason in case.reasons)
        and (name is None or name in case.classes)
        and (annotator is None or annotator in case.annotators)
    ]


def _case(item_id: int, answers: Sequence[ReviewRow], findings: Findings, config: Config) -> Case | None:
    _, last, *_, label, decided, cleared, _ = answers[-1]
    if decided == "exclude" or last <= cleared:
        return None
    fresh = [row for row in answers if (row[9] if decided else row[1] > cleared)] if decided or cleared else answers
    labels = [row[4] for row in (fresh if decided else answers) if row[4] is not None]
    others = len(labels) - labels.count(label) if label is not None else 0
    opinion, consensus = findings.opinion(item_id), findings.consensus(item_id)
    if decided or (opinion and opinion.given != label):  # the label has changed since the audit
        opinion = consensus = None
    chances: dict[str, float] = {}
    if "flag" in [row[3] for row in fresh]:
        chances[FLAGGED] = OF_FLAGGED
    if others if decided else len(set(labels)) > 1:
        chances[DISAGREEMENT] = others / len(labels)
    if 1 in [row[5] for row in fresh]:
        chances[UNSURE] = OF_UNSURE
    if opinion and opinion.second_look:
        chances[SECOND_LOOK] = opinion.wrong
    if consensus:
        right = consensus[1] if consensus[0] == label else 1 - consensus[1]
        if consensus[0] != label:
            chances[CONSENSUS] = 1 - right
        if DISAGREEMENT in chances:
            chances[DISAGREEMENT] = 1 - right
    if opinion and findings.calibrated:
        chances |= dict.fromkeys(chances.keys() & {DISAGREEMENT, CONSENSUS}, opinion.wrong)
    if not chances and opinion and opinion.further:
        chances[FURTHER] = opinion.wrong
    if not chances:
        return None
    texts = [text for text in [label, *[row[4] for row in answers]] if text is not None]
    if config.several:
        texts = [name for text in texts for name in names_of(text, config)]
    return Case(
        item_id,
        label,
        tuple([reason for reason in REASONS if reason in chances]),
        1.0 if label is None else max(chances.values()),
        tuple(dict.fromkeys(texts)),
        tuple(dict.fromkeys([row[2] for row in answers])),
        last,
        opinion,
    )
