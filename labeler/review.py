"""The review queue: labels that are worth a second look, those first whose decision is likeliest to change something.

The benefit of a decision is the probability that it changes the item's label: by the consensus of people and model
where there is one, else by how many people said something else, and by the models that have not seen the label.
An item without any label changes in any case, and comes first. Equal ones wait by age.

The holdout is reviewed by what people said alone. If the model had a say in which of its labels are looked at again,
accuracy would be measured by labels that it had helped to choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from labeler.config import Config
from labeler.labelsets import names_of
from labeler.store.review import Doubtful
from labeler.words import mark

FLAGGED, DISAGREEMENT, UNSURE = mark("flagged"), mark("disagreement"), mark("unsure")
LIKELY, CONSENSUS = mark("likely error"), mark("consensus differs")
REASONS = (FLAGGED, DISAGREEMENT, UNSURE, LIKELY, CONSENSUS)

# What is thought before anything is known: half of flags are right, and people who say they are unsure are wrong twice
# or thrice as often as others.
OF_FLAGGED, OF_UNSURE = 0.5, 0.25


@dataclass(frozen=True)
class Case:
    """An item that is worth a second look.

    benefit: the probability that a decision changes its label. said: the classes that it was given, and its own.
    since: number of the answer that came last. opinion: what models say that have not seen the label, where that may be
    known.
    """

    item_id: int
    label: str | None
    reasons: tuple[str, ...]
    benefit: float
    said: tuple[str, ...]
    annotators: tuple[str, ...]
    since: int
    opinion: "Opinion | None" = None


@dataclass(frozen=True)
class Opinion:
    """What models that have not seen an item's label `given` say of it; `wrong`: the probability that it is;
    `likely`: 1 where confident learning takes it for an error.
    """

    given: str
    predicted: str
    confidence: float
    wrong: float
    likely: int


@dataclass(frozen=True)
class Findings:
    """What the latest audit says of each item, by item id: of models, and the consensus with its quality."""

    opinions: Mapping[int, Opinion]
    consensus: Mapping[int, tuple[str, float]]

    @classmethod
    def of(cls, audit: Mapping[str, Any] | None) -> "Findings":
        """From the report of an audit, see `labeler.quality`; nothing where there was none."""
        errors = (audit or {}).get("errors") or {}
        people = (audit or {}).get("consensus") or {}
        columns = [errors.get(name, []) for name in ("given", "predicted", "confidence", "wrong", "likely")]
        opinions = map(Opinion, *columns)
        consensus = zip(people.get("labels", []), people.get("quality", []), strict=True)
        return cls(
            dict(zip(errors.get("items", []), opinions, strict=True)),
            dict(zip(people.get("items", []), consensus, strict=True)),
        )

    def suspects(self) -> list[int]:
        """Items that nobody but the model doubts."""
        return [
            item
            for item, opinion in self.opinions.items()
            if opinion.likely or (item in self.consensus and self.consensus[item][0] != opinion.given)
        ]


def queue(rows: Iterable[Doubtful], findings: Findings, config: Config) -> list[Case]:
    """Every item that is worth a second look, once, with all its reasons; the most beneficial first.

    What was decided is not in it until somebody answers anew.

    Args: rows: as `Store.doubtful` gives them.
    """
    cases = [
        case
        for item_id, answers in groupby(rows, key=lambda row: row[0])
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
        and (name is None or name in case.said)
        and (annotator is None or annotator in case.annotators)
    ]


def _case(item_id: int, answers: Sequence[Doubtful], findings: Findings, config: Config) -> Case | None:
    _, last, *_, label, decided, cleared, _ = answers[-1]
    if decided == "exclude" or last <= cleared:
        return None
    fresh = [row for row in answers if (row[9] if decided else row[1] > cleared)]
    labels = [row[4] for row in (fresh if decided else answers) if row[4] is not None]
    others = sum(text != label for text in labels)
    opinion, consensus = findings.opinions.get(item_id), findings.consensus.get(item_id)
    if decided or (opinion and opinion.given != label):  # the audit was about another label
        opinion = consensus = None
    chances: dict[str, float] = {}
    if any(row[3] == "flag" for row in fresh):
        chances[FLAGGED] = OF_FLAGGED
    if others if decided else len(set(labels)) > 1:
        chances[DISAGREEMENT] = others / len(labels)
    if any(row[5] for row in fresh):
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
    texts = dict.fromkeys(text for text in (label, *(row[4] for row in answers)) if text is not None)
    said = dict.fromkeys(name for text in texts for name in names_of(text, config))
    return Case(
        item_id,
        label,
        tuple(reason for reason in REASONS if reason in chances),
        1.0 if label is None else max(chances.values()),
        tuple(said),
        tuple(dict.fromkeys(row[2] for row in answers)),
        last,
        opinion,
    )
