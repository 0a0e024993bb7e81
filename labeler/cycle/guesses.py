"""What was predicted for items by something else than the project's models: by an imported column, or another model."""

from collections.abc import Sequence

import numpy as np

from labeler.core.foreign import ForeignForecast, ForeignModel
from labeler.core.labels import labels_at, names_in, shares_in
from labeler.core.settings import Config
from labeler.store import Store

NO_MODEL = "none"  # the value of `learner.prior_model` that names no model


def guesses_of(store: Store, config: Config, ids: np.ndarray) -> np.ndarray | None:
    """(n, C) float, what was predicted for these items, as the settings choose it: probabilities of the classes, NaN in
    all of a row without a prediction. None: there is nothing to start from.
    """
    learner = config.learner
    if learner.prior == "off":
        return None
    if learner.prior_column:
        cells = [columns.get(learner.prior_column, "") for columns in store.slices.metadata_of(ids.tolist())]
        return shares_of(cells, config.classes, config.several)
    model = prior_model(store, config)
    return None if model is None else _shares_of_model(store.foreign.pool(model, ids.tolist()), ids, config)


def prior_model(store: Store, config: Config) -> ForeignModel | None:
    """The other model whose predictions the heads start from, see `learner.prior_model`; None: there is none."""
    learner = config.learner
    if learner.prior == "off" or learner.prior_column or learner.prior_model == NO_MODEL:
        return None
    models = store.foreign.all()
    return next((m for m in models if learner.prior_model in ("", m.name, m.title)), None)


def _shares_of_model(said: ForeignForecast, ids: np.ndarray, config: Config) -> np.ndarray:
    """(n, C) of the items; where there are no probabilities, what was predicted is certain.

    Items of the holdout are not among them: if their labels were shown to the model, it would teach them.
    """
    shares = np.full((len(ids), len(config.classes)), np.nan)
    targets = labels_at(range(len(said.labels)), said.labels, config)
    certain = np.eye(len(config.classes))[targets.targets] if targets.targets.ndim == 1 else targets.targets
    given = said.proba[targets.positions]
    places = {item: place for place, item in enumerate(ids.tolist())}
    rows = [places[item] for item in said.items[targets.positions].tolist()]
    shares[rows] = np.where(np.isnan(given), certain, given)
    return shares


def shares_of(guesses: Sequence[str], classes: Sequence[str], several: bool) -> np.ndarray:
    """(n, C) float, the probability of each class; NaN in all of a row without a guess.

    Args: guesses: the name of a class, or, where an item has several, names as an imported label has them; or the
          probabilities of classes, as JSON ({"good": 0.8, "bad": 0.2}) or as good: 0.8; bad: 0.2. A name or a number
          that cannot be read counts for nothing. several: whether an item has several classes.
    """
    shares = np.full((len(guesses), len(classes)), np.nan)
    for row, guess in zip(shares, guesses, strict=True):
        known = {name: share for name, share in _shares(guess.strip(), classes, several).items() if name in classes}
        if known:
            row[:] = 0.0
            row[[classes.index(name) for name in known]] = list(known.values())
            row /= 1.0 if several else row.sum()
    return shares


def _shares(guess: str, classes: Sequence[str], several: bool) -> dict[str, float]:
    """The probability of each class that a guess names, above 0 and at most 1."""
    if guess in classes:
        return {guess: 1.0}
    pairs = shares_in(guess)
    if pairs:
        return {name: share for name, share in pairs.items() if 0 < share <= 1}
    return dict.fromkeys(names_in(guess, classes), 1.0) if several and guess else {}
