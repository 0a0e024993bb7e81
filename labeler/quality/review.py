"""The review queue: labels that are worth a second look, those first whose decision is likeliest to change something.

The benefit of a decision is the probability that it changes the item's label: by the consensus of people and model
where there is one, else by how many people said something else, and by the models that have not seen the label.
An item without any label changes in any case, and comes first. Equal ones wait by age.

The holdout is reviewed by what people said alone. If the model had a say in which of its labels are looked at again,
accuracy would be measured by labels that it had helped to choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from labeler.core.labels import names_of
from labeler.core.settings import Config
from labeler.i18n.messages import mark
from labeler.store.reviews import ReviewRow

FLAGGED, DISAGREEMENT, UNSURE = mark("flagged"), mark("disagreement"), mark("unsure")
LIKELY, CONSENSUS = mark("likely error"), mark("consensus differs")
REASONS = (FLAGGED, DISAGREEMENT, UNSURE, LIKELY, CONSENSUS)

# What is thought before anything is known: half of flags are right, and people who say they are unsure are wrong twice
# or thrice as often as others.
OF_FLAGGED, OF_UNSURE = 0.5, 0.25


class Case(NamedTuple):
    """An item that is worth a second look.

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


class Opinion(NamedTuple):
    """What models that have not seen an item's label `given` say of it; `wrong`: the probability that it is;
    `likely`: 1 where confident learning takes it for an error.
    """

    given: str
    predicted: str
    confidence: float
    wrong: float
    likely: int


class Findings:
    """What the latest audit says of items, by item id; nothing where there was none.

    Args: audit: the report of an audit, see `labeler.quality.findings`.
    """

    def __init__(self, audit: Mapping[str, Any] | None) -> None:
        self._errors = (audit or {}).get("errors") or {}
        self._people = (audit or {}).get("consensus") or {}
        self._opinion_at, self._consensus_at = (
            {item: at for at, item in enumerate(report.get("items", []))} for report in (self._errors, self._people)
        )

    def opinion(self, item_id: int) -> "Opinion | None":
        """What models say that have not seen the item's label."""
        at = self._opinion_at.get(item_id)
        return None if at is None else Opinion(*(self._errors[name][at] for name in Opinion._fields))

    def consensus(self, item_id: int) -> tuple[str, float] | None:
        """What people and model say together, and how likely that is right."""
        at = self._consensus_at.get(item_id)
        return None if at is None else (self._people["labels"][at], self._people["quality"][at])

    def suspects(self) -> list[int]:
        """Items whose label was doubted by a model when the audit looked at it."""
        doubted = [
            item for item, likely in zip(self._opinion_at, self._errors.get("likely", []), strict=True) if likely
        ]
        given = self._errors.get("given", [])
        for item, label in zip(self._consensus_at, self._people.get("labels", []), strict=True):
            at = self._opinion_at.get(item)
            if at is not None and given[at] != label:
                doubted.append(item)
        return doubted


def queue(rows: Iterable[ReviewRow], findings: Findings, config: Config) -> list[Case]:
    """Every item that is worth a second look, once, with all its reasons; the most beneficial first.

    What was decided is not in it until somebody answers anew.

    Args: rows: as `Reviews.answers_to_review` gives them.
    """
    cases = [
        case
        for item_id, answers in groupby(rows, key=itemgetter(0))
        if (case := _case(item_id, list(answers), findings, config))
    ]
    return sorted(cases, key=lambda case: (case.label is not None, -case.benefit, case.since))


def matching(
    cases: Sequence[Case], reason: str | None = None, name: str | None = None, annotator: str | None = None
) -> list[Case]:
    """The cases with this reason, that were given the class of this name, by or beside this annotator; None: any."""
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
    if decided or (opinion and opinion.given != label):  # the audit was about another label
        opinion = consensus = None
    chances: dict[str, float] = {}
    if "flag" in [row[3] for row in fresh]:
        chances[FLAGGED] = OF_FLAGGED
    if others if decided else len(set(labels)) > 1:
        chances[DISAGREEMENT] = others / len(labels)
    if 1 in [row[5] for row in fresh]:
        chances[UNSURE] = OF_UNSURE
    if opinion and opinion.likely:
        chances[LIKELY] = opinion.wrong
    if consensus:
        right = consensus[1] if consensus[0] == label else 1 - consensus[1]
        if consensus[0] != label:
            chances[CONSENSUS] = 1 - right
        if DISAGREEMENT in chances:
            chances[DISAGREEMENT] = 1 - right
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
