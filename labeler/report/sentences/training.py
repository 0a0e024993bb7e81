"""Readings of a training's curves, in the current language, with the levers of `[learner.finetune]` to change.

Training and validation loss are not compared with each other, since smoothing, dropout and augmentation raise the
training loss. The trend of each is read, and the accuracy on both.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from labeler.core.items import Modality
from labeler.core.rounds import Training
from labeler.i18n.markdown import Markdown
from labeler.i18n.messages import _

Kind = Literal["diverging", "unstable", "over-fitting", "under-fitting", "wide gap", "good fit", "weak evidence"]

# A change counts if it is a tenth of the initial value, and four times the jitter of the loss from epoch to epoch.
CLEAR = 0.1
JITTERS = 4.0

# Mann's z of a trend: three epochs that all move one way (z = 1.57, one order in 6), or most of many epochs (7 orders
# in 100). Since the size of the change counts too, at most 3 of 100 flat curves are called rising.
TREND = 1.5
TREND_EPOCHS = 3

# Twice the standard error of a mean change of loss is about 1 nat / √items: items' own changes spread by half a nat.
SPREAD = 1.0
FEW_ITEMS = 40  # assumed where the number of validation items is unknown

UNFINISHED = 0.1  # of the total fall of a loss, in the last third of epochs: a straight line has a third there
JUMP = 0.25  # of the loss of guessing, ln C: an epoch with such a rise has undone much of the training
LEARNED = 0.6  # of the way from guessing to no error: less training accuracy is under-fitting
GUESSING = 0.1  # of that way: less is no better than guessing
MASTERED = 0.95  # accuracy above which more epochs would add little
GAP = 0.1  # between training and validation accuracy; a smaller one is usual
VAGUE = 0.1  # two standard errors of the validation accuracy: wider ones are weak evidence
LITTLE = 100  # labels a class: below it, doubling them usually helps more than any lever


@dataclass(frozen=True)
class Reading:
    """A finding from the curves. levers: what to change, in Markdown, the most effective first."""

    kind: Kind
    words: str
    levers: tuple[str, ...] = ()


def read(training: Training, classes: int, modality: Modality | None = None, labels: int = 0) -> list[Reading]:
    """The readings of the curves, the most urgent first; none for frozen heads, which have no epochs.

    Levers that are in use already are not named.

    Args:   classes: of the project. modality: restricts the levers to those of images or texts. labels: 0 if unknown.
    Source: Goodfellow, Bengio & Courville 2016, chapter 11 (over- and under-fitting, and what to change).
    """
    if not training.epochs:
        return []
    curves, chosen = _Curves.of(training, classes), training.chosen
    if curves.broken:
        return [_diverging(_("From epoch {n} on, the loss is infinite or not a number.", n=curves.broken), chosen)]
    trend = _unstable(curves, chosen) or _over_fitting(curves, chosen, modality) or _under_fitting(curves, chosen)
    gap = _generalization_gap(curves, labels, () if trend else _restraints(chosen, modality))
    doubt = _weak_evidence(curves)
    fit = None if trend or gap or doubt else _good_fit(curves)
    return [reading for reading in (trend, gap, fit, doubt) if reading]


def best_epoch(training: Training) -> int | None:
    """The epoch with the lowest validation loss, the first of them; None without validation."""
    losses = {e.number: e.validation_loss for e in training.epochs if e.validation_loss is not None}
    finite = {number: loss for number, loss in losses.items() if math.isfinite(loss)}
    return min(finite, key=finite.__getitem__, default=None)


def loss_floor(smoothing: float, classes: int) -> float:
    """The lowest cross-entropy with smoothed targets, in nats: their entropy.

    Source: Szegedy et al. 2016, section 7 (label smoothing: a share of each target is spread over all classes).
    """
    others = smoothing / classes
    target = [1 - smoothing + others, *[others] * (classes - 1)]
    return -sum(p * math.log(p) for p in target if p > 0)


# ---------------------------------------------------------------- trends


def rises(values: np.ndarray, above: float, least: float) -> bool:
    """Whether values have a rising trend, and end above a level by more than `least` and by more than their jitter.

    Args:   values: (n,) float; with less than three there is no trend.
    Source: Mann 1945 (rank test against trend).
    """
    n = len(values)
    if n < TREND_EPOCHS:
        return False
    pairs = sum(np.sign(values[i + 1 :] - values[i]).sum() for i in range(n - 1))
    z = pairs / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    last = values[-max(1, n // 3) :].mean()
    return bool(z >= TREND and last - above > max(least, JITTERS * jitter(values)))


def jitter(values: np.ndarray) -> float:
    """The standard deviation of values around the line between their neighbours, which a trend hardly affects.

    Source: Gasser, Sroka & Jennen-Steinmetz 1986 (pseudo-residuals), here with the median, which is robust to one bend.
    """
    if len(values) < 3:
        return 0.0
    residuals = math.sqrt(2 / 3) * ((values[:-2] + values[2:]) / 2 - values[1:-1])
    return float(1.4826 * np.median(np.abs(residuals)))


# ---------------------------------------------------------------- what is read


@dataclass(frozen=True)
class _Curves:
    """A training's epochs as arrays; those of validation are empty without validation."""

    numbers: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray
    items: int  # validation items; 0: unknown
    classes: int
    broken: int  # first epoch whose loss is not finite; 0: none

    @classmethod
    def of(cls, training: Training, classes: int) -> "_Curves":
        epochs = training.epochs
        validated = all(e.validation_loss is not None and e.validation_accuracy is not None for e in epochs)
        loss = np.array([e.train_loss for e in epochs], dtype=float)
        validation = np.array([e.validation_loss for e in epochs] if validated else [], dtype=float)
        finite = np.isfinite(loss) & (np.isfinite(validation) if validated else True)
        return cls(
            numbers=np.array([e.number for e in epochs]),
            loss=loss,
            accuracy=np.array([e.train_accuracy for e in epochs], dtype=float),
            validation_loss=validation,
            validation_accuracy=np.array([e.validation_accuracy for e in epochs] if validated else [], dtype=float),
            items=training.validation_items,
            classes=classes,
            broken=0 if finite.all() else epochs[int(np.argmin(finite))].number,
        )

    @property
    def validated(self) -> bool:
        return len(self.validation_loss) > 0

    @property
    def error(self) -> float:
        """Standard error of the last validation accuracy; two added hits and two misses keep it above 0."""
        n = (self.items or FEW_ITEMS) + 4
        share = (self.validation_accuracy[-1] * (n - 4) + 2) / n
        return math.sqrt(share * (1 - share) / n)


def _unstable(c: _Curves, chosen: Mapping[str, Any]) -> Reading | None:
    guessing = math.log(c.classes)
    best = int(np.argmin(c.loss))
    if rises(c.loss[best + 1 :], c.loss[best], CLEAR * guessing):
        return _diverging(
            _(
                "The training loss rose from {low:.2f} (epoch {n}) to {last:.2f}.",
                low=c.loss[best],
                n=c.numbers[best],
                last=c.loss[-1],
            ),
            chosen,
        )
    jumps = np.diff(c.loss)
    if len(jumps) and jumps.max() > JUMP * guessing:
        at = int(np.argmax(jumps))
        return Reading(
            "unstable",
            _(
                "The training loss jumped from {before:.2f} to {after:.2f} in epoch {n}.",
                before=c.loss[at],
                after=c.loss[at + 1],
                n=c.numbers[at + 1],
            ),
            _calmer_training(chosen),
        )
    return None


def _diverging(words: str, chosen: Mapping[str, Any]) -> Reading:
    return Reading("diverging", words + " " + _("The learning rate is too high."), _calmer_training(chosen))


def _over_fitting(c: _Curves, chosen: Mapping[str, Any], modality: Modality | None) -> Reading | None:
    if not c.validated:
        return None
    loss, best = c.validation_loss, int(np.argmin(c.validation_loss))
    sampling = SPREAD / math.sqrt(c.items or FEW_ITEMS)
    rose = rises(loss[best + 1 :], loss[best], max(CLEAR * loss[best], sampling))
    if not rose or c.loss[-1] >= c.loss[best]:  # over-fitting lowers the training loss
        return None
    before, after = c.validation_accuracy[best], c.validation_accuracy[-1]
    cost = (
        _("Validation accuracy fell from {before:.0%} to {after:.0%}.", before=before, after=after)
        if before - after > 2 * c.error
        else _(
            "Validation accuracy did not clearly fall (from {before:.0%} to {after:.0%}), but the predicted"
            " probabilities became less reliable.",
            before=before,
            after=after,
        )
    )
    sentences = [
        _(
            "The validation loss was lowest in epoch {n} ({low:.2f}) and rose to {last:.2f}, while the training loss"
            " kept falling.",
            n=c.numbers[best],
            low=loss[best],
            last=loss[-1],
        ),
        cost,
    ]
    stops = bool(chosen.get("early_stopping"))
    if stops:
        sentences.append(_("Early stopping is on, so the later epochs cost time but no accuracy."))
    levers = [
        "" if stops else _("`early_stopping = true`, which takes the best epoch"),
        _lever(Markdown(f"`epochs = {c.numbers[best]}`"), "epochs", chosen),
        "" if best else _lever(_("lower `learning_rate`"), "learning_rate", chosen),
        *_restraints(chosen, modality),
    ]
    return Reading("over-fitting", " ".join(sentences), tuple(lever for lever in levers if lever))


def _under_fitting(c: _Curves, chosen: Mapping[str, Any]) -> Reading | None:
    reached = max([c.accuracy[-1], *c.validation_accuracy[-1:]])
    more = _lever(_("more `epochs`"), "epochs", chosen)
    epochs = _("{lever}; `learner.round_seconds` must allow time for them", lever=more)
    rate = _lever(_("higher `learning_rate`"), "learning_rate", chosen)
    blocks = _lever(_("more `unfrozen` blocks"), "unfrozen", chosen)
    late = min(max(TREND_EPOCHS, len(c.loss) // 3), len(c.loss))
    # Where the validation loss does not fall, more epochs would over-fit.
    falls, follows = (
        rises(-loss[-late:], -loss[-late], UNFINISHED * max(loss[0] - loss[-1], CLEAR * math.log(c.classes)))
        for loss in (c.loss, c.validation_loss if c.validated else c.loss)
    )
    if falls and follows and reached < MASTERED:
        return Reading(
            "under-fitting",
            _(
                "The training stopped too early: the loss was still falling, from {before:.2f} to {after:.2f} in the"
                " last {n} epochs, and {share:.0%} of the training labels were predicted correctly.",
                before=c.loss[-late],
                after=c.loss[-1],
                n=late,
                share=c.accuracy[-1],
            ),
            (epochs, rate, blocks),
        )
    chance = 1 / c.classes
    learned = (reached - chance) / (1 - chance)
    if learned < GUESSING:
        return Reading(
            "under-fitting",
            _(
                "The network learned nothing: it predicts {share:.0%} of the training labels correctly, and guessing"
                " would predict {chance:.0%}. The learning rate is far too low or far too high.",
                share=c.accuracy[-1],
                chance=chance,
            ),
            (_lever(_("`learning_rate` ten times lower, or higher"), "learning_rate", chosen), blocks),
        )
    if learned < LEARNED:
        return Reading(
            "under-fitting",
            _(
                "The network predicts only {share:.0%} of its training labels correctly. Either it learns too little,"
                " or the labels contradict each other.",
                share=c.accuracy[-1],
            ),
            (rate, blocks, epochs),
        )
    return None


def _generalization_gap(c: _Curves, labels: int, restraints: tuple[str, ...]) -> Reading | None:
    if not c.validated:
        return None
    trained, held_out = c.accuracy[-1], c.validation_accuracy[-1]
    if trained - held_out <= max(GAP, 2 * c.error):
        return None
    words = _(
        "In the last epoch {seen:.0%} of the training labels were predicted correctly, but {unseen:.0%} of the"
        " validation labels.",
        seen=trained,
        unseen=held_out,
    )
    if labels and labels < LITTLE * c.classes:
        few = _("With {n:,} labels for {classes} classes, more labels help most.", n=labels, classes=c.classes)
        return Reading("wide gap", f"{words} {few}")
    many = _("More labels and stronger regularization narrow this gap.")
    return Reading("wide gap", f"{words} {many}", restraints)


def _good_fit(c: _Curves) -> Reading:
    return Reading(
        "good fit",
        _(
            "Training and validation agree: {seen:.0%} and {unseen:.0%} predicted correctly in the last epoch, and"
            " the validation loss does not rise. No setting needs to be changed.",
            seen=c.accuracy[-1],
            unseen=c.validation_accuracy[-1],
        ),
    )


def _weak_evidence(c: _Curves) -> Reading | None:
    if not c.validated:
        return Reading(
            "weak evidence", _("No labels were held out for validation, so over-fitting cannot be detected.")
        )
    reasons = []
    if len(c.loss) <= TREND_EPOCHS:
        reasons.append(_("A trend cannot be recognized in so few epochs ({n}).", n=len(c.loss)))
    if 2 * c.error > VAGUE:
        many = _("{n:,} items", n=c.items) if c.items else _("an unknown number of items")
        reasons.append(
            _(
                "The validation accuracy of {share:.0%} was measured on {items}, so its margin of error is at least ±"
                " {points:.0f} points.",
                share=c.validation_accuracy[-1],
                items=many,
                points=200 * c.error,
            )
        )
    return Reading("weak evidence", " ".join(reasons)) if reasons else None


# ---------------------------------------------------------------- levers


def _restraints(chosen: Mapping[str, Any], modality: Modality | None) -> tuple[str, ...]:
    """The regularising levers, which restrain over-fitting."""
    dropout = _lever(_("higher `dropout`"), "dropout", chosen)
    any_of = _(
        "{first}, {second} or {third}",
        first=dropout,
        second=_lever(Markdown("`weight_decay`"), "weight_decay", chosen),
        third=_lever(Markdown("`l2_sp`"), "l2_sp", chosen),
    )
    levers = [
        "" if modality == "text" else _lever(_("`augment`, or more of it"), "augment", chosen),
        "" if modality == "image" else _lever(_("higher `token_dropout`"), "token_dropout", chosen),
        any_of,
        "" if chosen.get("unfrozen") in (0, 1) else _lever(_("fewer `unfrozen` blocks"), "unfrozen", chosen),
    ]
    return tuple(lever for lever in levers if lever)


def _calmer_training(chosen: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _lever(_("a third of `learning_rate`"), "learning_rate", chosen),
        _lever(_("longer `warmup`"), "warmup", chosen),
        _lever(_("lower `head_learning_rate`"), "head_learning_rate", chosen),
    )


def _lever(pull: str, name: str, chosen: Mapping[str, Any]) -> str:
    """A lever with its present value, if that is known."""
    if name not in chosen:
        return pull
    now = chosen[name]
    text = f"{now:g}" if isinstance(now, float) else _("none") if now in ((), []) else str(now)
    return _("{lever} (was {value})", lever=pull, value=text)
