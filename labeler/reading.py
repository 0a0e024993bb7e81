"""What the curves of a training say, in words, with the levers of `[learner.finetune]` to pull. Pure functions.

Training and validation losses are never compared with each other: smoothing, dropout and augmentation make that of
training higher. How each of them moves is compared, and how accurate the network is on both.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from labeler.types import Modality, Training

Kind = Literal["diverging", "unstable", "over-fitting", "under-fitting", "wide gap", "good fit", "weak evidence"]

# A move counts if it is a tenth of where it began, and four times what the loss jitters from epoch to epoch anyway.
CLEAR = 0.1
JITTERS = 4.0

# Mann's z of an order that is hardly chance: three epochs that all move one way (z = 1.57, one order in 6), or most of
# many (7 orders in 100). Since the size counts too, of 100 flat curves 3 at most seem to rise, however they jitter.
TREND = 1.5
TREND_EPOCHS = 3

# Twice the standard error of a mean change of loss is about 1 nat / √items: items' own changes spread by half a nat.
SPREAD = 1.0
FEW_ITEMS = 40  # assumed where nobody says how many items validate

UNFINISHED = 0.1  # of all that a loss fell, in the last third: a straight line falls by a third, a finished one hardly
JUMP = 0.25  # of the loss of guessing, ln C: an epoch that loses that much has undone a good part of the training
LEARNED = 0.6  # of the way from guessing to no error: less is little, on labels that it is trained on
GUESSING = 0.1  # of that way: less is no more than luck
MASTERED = 0.95  # accuracy above which more epochs would add little
GAP = 0.1  # between training and validation accuracy; a smaller one is usual
VAGUE = 0.1  # two standard errors of the validation accuracy that tell too little
LITTLE = 100  # labels a class, below which twice as many usually help more than any lever


@dataclass(frozen=True)
class Reading:
    """One thing that the curves say, and what to do about it: levers in Markdown, the first to pull first."""

    kind: Kind
    words: str
    levers: tuple[str, ...] = ()


def read(training: Training, classes: int, modality: Modality | None = None, labels: int = 0) -> list[Reading]:
    """What the curves say, the most urgent first; nothing for frozen heads, which have no epochs.

    Levers that are pulled already are not named again.

    Args:   classes: of the project. modality: names the levers of images or of texts only. labels: 0 if unknown.
    Source: Goodfellow, Bengio & Courville 2016, chapter 11 (over- and under-fitting, and what to change).
    """
    if not training.epochs:
        return []
    curves, chosen = _Curves.of(training, classes), training.chosen
    if curves.broken:
        return [_diverging(f"The loss is no longer a number from epoch {curves.broken} on.", chosen)]
    trend = _unsteady(curves, chosen) or _over(curves, chosen, modality) or _under(curves, chosen)
    gap = _gap(curves, labels, () if trend else _restraints(chosen, modality))
    doubt = _doubt(curves)
    fit = None if trend or gap or doubt else _good(curves)
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
    """Whether values rise in their order, and end above a level by more than `least` and than they jitter.

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
    """How far values lie from the line between their neighbours, as a standard deviation: a trend adds little to it.

    Source: Gasser, Sroka & Jennen-Steinmetz 1986 (pseudo-residuals), here with the median, which one bend leaves alone.
    """
    if len(values) < 3:
        return 0.0
    residuals = math.sqrt(2 / 3) * ((values[:-2] + values[2:]) / 2 - values[1:-1])
    return float(1.4826 * np.median(np.abs(residuals)))


# ---------------------------------------------------------------- what is read


@dataclass(frozen=True)
class _Curves:
    """A training's epochs as arrays, those of validation empty if there was none."""

    numbers: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray
    items: int  # that validate; 0: unknown
    classes: int
    broken: int  # first epoch whose loss is no number; 0: none

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
        """Standard error of the last validation accuracy. Two of each more keep it above 0 where all are right."""
        n = (self.items or FEW_ITEMS) + 4
        share = (self.validation_accuracy[-1] * (n - 4) + 2) / n
        return math.sqrt(share * (1 - share) / n)


def _unsteady(c: _Curves, chosen: Mapping[str, Any]) -> Reading | None:
    guessing = math.log(c.classes)
    best = int(np.argmin(c.loss))
    if rises(c.loss[best + 1 :], c.loss[best], CLEAR * guessing):
        return _diverging(
            f"The training loss rose from {c.loss[best]:.2f} (epoch {c.numbers[best]}) to {c.loss[-1]:.2f}.", chosen
        )
    jumps = np.diff(c.loss)
    if len(jumps) and jumps.max() > JUMP * guessing:
        at = int(np.argmax(jumps))
        return Reading(
            "unstable",
            f"The training loss jumped from {c.loss[at]:.2f} to {c.loss[at + 1]:.2f} in epoch {c.numbers[at + 1]}.",
            _calmer(chosen),
        )
    return None


def _diverging(words: str, chosen: Mapping[str, Any]) -> Reading:
    return Reading("diverging", f"{words} The steps are too large.", _calmer(chosen))


def _over(c: _Curves, chosen: Mapping[str, Any], modality: Modality | None) -> Reading | None:
    if not c.validated:
        return None
    loss, best = c.validation_loss, int(np.argmin(c.validation_loss))
    sampling = SPREAD / math.sqrt(c.items or FEW_ITEMS)
    rose = rises(loss[best + 1 :], loss[best], max(CLEAR * loss[best], sampling))
    if not rose or c.loss[-1] >= c.loss[best]:  # what is learned by heart lowers the training loss
        return None
    before, after = c.validation_accuracy[best], c.validation_accuracy[-1]
    moved = f"from {before:.0%} to {after:.0%}"
    cost = (
        f"Validation accuracy fell {moved}."
        if before - after > 2 * c.error
        else f"Validation accuracy did not clearly suffer ({moved}), but how far its probabilities can be trusted did."
    )
    words = (
        f"The validation loss was lowest in epoch {c.numbers[best]} ({loss[best]:.2f}) and rose to {loss[-1]:.2f},"
        f" while the training loss went on falling. {cost}"
    )
    stops = bool(chosen.get("early_stopping"))
    if stops:
        words += " Early stopping is on, so the epochs after that cost time and no accuracy."
    levers = [
        "" if stops else "`early_stopping = true`, which takes the best epoch",
        _lever(f"`epochs = {c.numbers[best]}`", "epochs", chosen),
        "" if best else _lever("lower `learning_rate`", "learning_rate", chosen),
        *_restraints(chosen, modality),
    ]
    return Reading("over-fitting", words, tuple(lever for lever in levers if lever))


def _under(c: _Curves, chosen: Mapping[str, Any]) -> Reading | None:
    reached = max([c.accuracy[-1], *c.validation_accuracy[-1:]])
    epochs = _lever("more `epochs`", "epochs", chosen) + "; `learner.round_seconds` must leave room for them"
    rate = _lever("higher `learning_rate`", "learning_rate", chosen)
    blocks = _lever("more `unfrozen` blocks", "unfrozen", chosen)
    late = min(max(TREND_EPOCHS, len(c.loss) // 3), len(c.loss))
    # Where the validation loss does not follow, more epochs would be learned by heart.
    falls, follows = (
        rises(-loss[-late:], -loss[-late], UNFINISHED * max(loss[0] - loss[-1], CLEAR * math.log(c.classes)))
        for loss in (c.loss, c.validation_loss if c.validated else c.loss)
    )
    if falls and follows and reached < MASTERED:
        return Reading(
            "under-fitting",
            f"The training stopped too early: its loss was still falling, from {c.loss[-late]:.2f} to {c.loss[-1]:.2f}"
            f" in the last {late} epochs, with {c.accuracy[-1]:.0%} of the training labels right.",
            (epochs, rate, blocks),
        )
    chance = 1 / c.classes
    learned = (reached - chance) / (1 - chance)
    if learned < GUESSING:
        return Reading(
            "under-fitting",
            f"Nothing was learned: {c.accuracy[-1]:.0%} of the training labels are right, guessing gets {chance:.0%}."
            " The steps are far too small or far too large.",
            (_lever("`learning_rate` ten times lower, or higher", "learning_rate", chosen), blocks),
        )
    if learned < LEARNED:
        return Reading(
            "under-fitting",
            f"Even of the labels that it is trained on the network gets {c.accuracy[-1]:.0%} right. Either it learns"
            " too little, or the labels contradict each other.",
            (rate, blocks, epochs),
        )
    return None


def _gap(c: _Curves, labels: int, restraints: tuple[str, ...]) -> Reading | None:
    if not c.validated:
        return None
    seen, unseen = c.accuracy[-1], c.validation_accuracy[-1]
    if seen - unseen <= max(GAP, 2 * c.error):
        return None
    words = f"In the last epoch {seen:.0%} of the training labels were right, but {unseen:.0%} of those held back."
    if labels and labels < LITTLE * c.classes:
        return Reading("wide gap", f"{words} With {labels:,} labels for {c.classes} classes, more labels help most.")
    return Reading("wide gap", f"{words} More labels narrow that, and what lets less be learned by heart.", restraints)


def _good(c: _Curves) -> Reading:
    return Reading(
        "good fit",
        f"Training and validation go together: {c.accuracy[-1]:.0%} and {c.validation_accuracy[-1]:.0%} right in the"
        " last epoch, and the validation loss does not rise. No lever asks to be pulled.",
    )


def _doubt(c: _Curves) -> Reading | None:
    if not c.validated:
        return Reading("weak evidence", "No labels were held back for validation, so over-fitting would not be seen.")
    reasons = []
    if len(c.loss) <= TREND_EPOCHS:
        reasons.append(f"A trend takes more epochs than {len(c.loss)}.")
    if 2 * c.error > VAGUE:
        many = f"{c.items:,} items" if c.items else "an unknown number of items"
        reasons.append(
            f"The validation accuracy of {c.validation_accuracy[-1]:.0%} was measured on {many}, so it is known to"
            f" ± {200 * c.error:.0f} points at best."
        )
    return Reading("weak evidence", " ".join(reasons)) if reasons else None


# ---------------------------------------------------------------- levers


def _restraints(chosen: Mapping[str, Any], modality: Modality | None) -> tuple[str, ...]:
    """What lets a network learn less by heart."""
    decay, pull = _lever("`weight_decay`", "weight_decay", chosen), _lever("`l2_sp`", "l2_sp", chosen)
    levers = [
        "" if modality == "text" else _lever("`augment`, or more of it", "augment", chosen),
        "" if modality == "image" else _lever("higher `token_dropout`", "token_dropout", chosen),
        _lever("higher `dropout`", "dropout", chosen) + f", {decay} or {pull}",
        "" if chosen.get("unfrozen") in (0, 1) else _lever("fewer `unfrozen` blocks", "unfrozen", chosen),
    ]
    return tuple(lever for lever in levers if lever)


def _calmer(chosen: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _lever("a third of `learning_rate`", "learning_rate", chosen),
        _lever("longer `warmup`", "warmup", chosen),
        _lever("lower `head_learning_rate`", "head_learning_rate", chosen),
    )


def _lever(pull: str, name: str, chosen: Mapping[str, Any]) -> str:
    """A lever with what it was set to, if that is known."""
    if name not in chosen:
        return pull
    now = chosen[name]
    text = f"{now:g}" if isinstance(now, float) else "none" if now in ((), []) else str(now)
    return f"{pull} (was {text})"
