"""Sentences on somebody else's models, in the current language: how good they are, and what an import of them brought.

A sentence claims no more than the interval does: a model is better than a round only where the whole interval is.
"""

from labeler.core.foreign import AddedPredictions
from labeler.core.rounds import Metrics
from labeler.core.settings import Config
from labeler.i18n.messages import _, mark, n_
from labeler.measure.foreign import Beside, Compared
from labeler.report.sentences.groups import basis_in_words

# Said wherever these models are measured.
SAME_LABELS = mark(
    "If a model learned from the labels of these items, or was shown them, its figures are too good. Nobody can see"
    " that in its predictions."
)


def in_words(of: Compared, config: Config) -> str:
    """How good a model is on the holdout, and beside the project's own rounds."""
    if of.metrics is None:
        return _unmeasured(of)
    text = [_accuracy(of, of.metrics, config)]
    if of.metrics.groups is not None:
        text.append(basis_in_words(of.metrics.groups))
    if of.latest is not None:
        text.append(_beside(of.latest))
    if of.passed is not None and of.latest is not None and not of.latest.is_better:
        text.append(
            _("It is better than round 1.")
            if of.passed.round == 1
            else _("It is better than the rounds up to {round}.", round=of.passed.round)
        )
    return " ".join(text)


def _unmeasured(of: Compared) -> str:
    if of.unreadable:
        return _(
            "{model} is not measured: a class that it predicted was split or retired, so {n:,} of its predictions for"
            " the holdout say nothing any more.",
            model=of.model.title,
            n=of.unreadable,
        )
    return _("{model} has predicted no labeled item of the holdout, so it is not measured.", model=of.model.title)


def _accuracy(of: Compared, metrics: Metrics, config: Config) -> str:
    values = {
        "model": of.model.title,
        "accuracy": metrics.accuracy,
        "low": 100 * metrics.low,
        "high": metrics.high,
        "n": metrics.n,
        "labeled": of.labeled,
        "measure": _(config.accuracy),
    }
    if metrics.n == of.labeled:
        return _("{model}: {measure} {accuracy:.1%} (95%: {low:.1f} – {high:.1%}, n = {n:,}).", **values)
    return _(
        "{model}: {measure} {accuracy:.1%} (95%: {low:.1f} – {high:.1%}), on the {n:,} of {labeled:,} labeled holdout"
        " items that it predicted.",
        **values,
    )


def _beside(latest: Beside) -> str:
    """Whether a model is better than the latest round, as far as the interval says so."""
    difference = latest.difference
    gain, low, high = (_signed(share) for share in (difference.value, difference.low, difference.high))
    values = {"round": latest.round, "gain": gain, "low": low, "high": high}
    if latest.is_better:
        return _(
            "It is better than round {round}, the latest: {gain} points on the same items (95%: {low} to {high}).",
            **values,
        )
    if latest.is_worse:
        return _(
            "It is worse than round {round}, the latest: {gain} points on the same items (95%: {low} to {high}).",
            **values,
        )
    return _(
        "It is not told apart from round {round}, the latest: {gain} points on the same items (95%: {low} to {high}).",
        **values,
    )


def _signed(share: float) -> str:
    """A difference in points."""
    return f"{100 * share:+.1f}".replace("-", "−")


def of_import(added: AddedPredictions) -> str:
    """What came of the predictions of one model."""
    text = n_(
        "{model}: a prediction for {n:,} item.", "{model}: predictions for {n:,} items.", added.n, model=added.title
    )
    more = [
        _("They take the place of the earlier ones of this version.") if added.replaced else "",
        n_(
            "{n:,} row was about an item that had one already.",
            "{n:,} rows were about items that had one already.",
            added.repeated,
        )
        if added.repeated
        else "",
        n_("{n:,} row was left out.", "{n:,} rows were left out.", added.left_out) if added.left_out else "",
    ]
    return " ".join([text, *filter(None, more)])
