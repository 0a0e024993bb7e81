"""What a query strategy sees, what it gives back, and the registry of strategies by name."""

# ruff: noqa: N818 - an exception is named after what is wrong; StrategyError says that it is one

import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from strategies import blocks

Need = Literal["proba", "member_proba", "embeddings", "labeled"]
NEEDS: tuple[Need, ...] = ("proba", "member_proba", "embeddings", "labeled")


class StrategyError(ValueError):
    """Something is wrong with a strategy or with what it was given; the message says what.

    Args: message: with its fields in braces, so that it can be translated. fields: what stands in them.
    """

    def __init__(self, message: str, /, **fields: object) -> None:
        super().__init__(message.format(**fields) if fields else message)
        self.message, self.fields = message, fields


class InvalidCandidates(StrategyError):
    """The arrays do not fit together, or are no probabilities."""


class InvalidScores(StrategyError):
    """A strategy gave back NaN, infinity, a wrong shape, or positions that are not unique and in range."""


class PoolExhausted(StrategyError):
    """More items were asked for than there are candidates."""


class UnknownStrategy(StrategyError):
    """No strategy has this name; the message lists those there are."""


@dataclass(frozen=True)
class Candidates:
    """The unlabeled items that a strategy may choose from, and what is known about them.

    Only what the strategy `needs` is computed; the rest is None. Strategies never write into the arrays.

    ids: (n,) any unique identifiers; strategies return positions into it, never ids.
    proba: (n, C) float, predicted class probabilities, rows sum to 1.
    member_proba: (M, n, C) float, the same from each member of a committee.
    embeddings: (n, d) float; a memory map in half precision, larger than memory, will do.
    labeled_embeddings: (m, d) float and labeled_targets: (m,) int, what is labeled so far (m may be 0).

    Raises: InvalidCandidates: shapes that do not fit, NaN, or rows that do not sum to 1.
    """

    ids: np.ndarray
    proba: np.ndarray | None = None
    member_proba: np.ndarray | None = None
    embeddings: np.ndarray | None = None
    labeled_embeddings: np.ndarray | None = None
    labeled_targets: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.proba is not None:
            _check_proba("proba", self.proba, (n,))
        if self.member_proba is not None:
            if self.member_proba.ndim != 3 or len(self.member_proba) == 0:
                raise InvalidCandidates(
                    "member_proba has shape {shape}; expected (M, {n}, C) with M ≥ 1.",
                    shape=self.member_proba.shape,
                    n=n,
                )
            _check_proba("member_proba", self.member_proba, (len(self.member_proba), n))
            if self.proba is not None and self.proba.shape[1] != self.member_proba.shape[2]:
                raise InvalidCandidates("proba and member_proba differ in their number of classes.")
        if self.embeddings is not None:
            _check_embeddings("embeddings", self.embeddings)
            if len(self.embeddings) != n:
                raise InvalidCandidates(
                    "embeddings has shape {shape}; expected ({n}, d).", shape=self.embeddings.shape, n=n
                )
        labeled, targets = self.labeled_embeddings, self.labeled_targets
        if labeled is not None:
            _check_embeddings("labeled_embeddings", labeled)
            if self.embeddings is not None and labeled.shape[1] != self.embeddings.shape[1]:
                raise InvalidCandidates("labeled_embeddings and embeddings differ in their number of columns.")
            if targets is not None and len(targets) != len(labeled):
                raise InvalidCandidates("labeled_targets and labeled_embeddings differ in length.")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, positions: np.ndarray, needs: Iterable[Need] = NEEDS) -> "Candidates":
        """The candidates at these positions, with those of their arrays that are in `needs`."""
        arrays: dict[str, np.ndarray | None] = {"ids": self.ids[positions]}
        for name in ("proba", "member_proba", "embeddings"):
            array = getattr(self, name) if name in needs else None
            arrays[name] = None if array is None else array.take(positions, axis=-2)
        some = copy(self)
        vars(some).update(arrays)  # past __init__: what was checked once is not checked again
        return some


def _check_proba(name: str, proba: np.ndarray, leading: tuple[int, ...]) -> None:
    if proba.shape[:-1] != leading or proba.shape[-1] == 0:
        raise InvalidCandidates(
            "{name} has shape {shape}; expected {leading}.", name=name, shape=proba.shape, leading=(*leading, "C")
        )
    for member in proba if proba.ndim == 3 else (proba,):
        for _, block in blocks.rows(member):
            sums = block @ np.ones(proba.shape[-1], dtype=block.dtype)
            # `not (… <= …)` is also true for NaN
            if not (np.abs(sums - 1) <= 1e-3).all() or block.min(initial=0) < 0:
                raise InvalidCandidates(
                    "{name} holds a row that is no probability distribution (NaN, negative, or sum ≠ 1).", name=name
                )


def _check_embeddings(name: str, embeddings: np.ndarray) -> None:
    if embeddings.ndim != 2:
        raise InvalidCandidates(
            "{name} has shape {shape}; expected two axes: item, feature.", name=name, shape=embeddings.shape
        )
    if not blocks.finite(embeddings):
        raise InvalidCandidates("{name} holds NaN or infinity.", name=name)


@dataclass(frozen=True)
class Query:
    """What a strategy chose: positions (n,) into the candidates, best first, and their scores (n,) if it has any."""

    positions: np.ndarray
    scores: np.ndarray | None


Scores = Callable[[Candidates, np.random.Generator], np.ndarray]
Selects = Callable[[Candidates, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Strategy:
    """A named query strategy; made by `@scores` or `@selects`. It is called as a plain function of arrays.

    linear: whether it takes the model for a softmax of linear scores of the embeddings, e.g. for its gradient.
    watched: whether more of each batch is drawn at random as far as the control arm says that it is no better.
    alone: whether an item's score depends on that item alone, so that parts of the pool can be scored apart.
    """

    name: str
    family: str
    needs: frozenset[Need]
    kind: Literal["scores", "selects"]
    function: Callable[..., np.ndarray]
    linear: bool = False
    watched: bool = False
    alone: bool = False

    @cached_property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return re.split(r"(?<=[.;])\s", inspect.getdoc(self.function) or "")[0].rstrip(";")

    @cached_property
    def source(self) -> str:
        """The paper and section that the docstring names after `Source:`."""
        source_match = re.search(
            r"Source:\s*(.+?)(?:\n\s*\n|\n\w+:|\Z)", inspect.getdoc(self.function) or "", re.DOTALL
        )
        return " ".join(source_match[1].split()) if source_match else ""

    def __call__(self, candidates: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n,) positions of the candidates to ask about, best first; see `query`."""
        return self.query(candidates, n, rng).positions

    def query(self, candidates: Candidates, n: int, rng: np.random.Generator) -> Query:
        """The `n` candidates to ask about, best first; equal scores are put in a random order by `rng`.

        Raises: StrategyError: `n` is negative.
                PoolExhausted: `n` is larger than the number of candidates.
                InvalidCandidates: something that the strategy needs was not computed.
                InvalidScores: the strategy's result cannot be used, or it has none: its code failed.
        """
        if n < 0:
            raise StrategyError("{n} items were asked for; ask for none or more.", n=n)
        if n > len(candidates):
            raise PoolExhausted(
                "{n} items were asked for, but only {candidates} candidates are left.", n=n, candidates=len(candidates)
            )
        self._check_needs(candidates)
        if n == 0:
            return Query(np.empty(0, dtype=np.intp), None)
        if self.kind == "scores":
            scores = self.scores(candidates, rng)
            positions = top(scores, n, rng)
            return Query(positions, scores[positions])
        positions = self._call(candidates, n, rng)
        if positions.shape != (n,) or not np.issubdtype(positions.dtype, np.integer):
            raise InvalidScores(
                "strategy {name!r} must return {n} integer positions, not {positions}.",
                name=self.name,
                n=n,
                positions=repr(positions),
            )
        if len(np.unique(positions)) < n or positions.min() < 0 or positions.max() >= len(candidates):
            raise InvalidScores(
                "strategy {name!r} returned positions that repeat or lie outside the pool.", name=self.name
            )
        return Query(positions.astype(np.intp), None)

    def scores(self, candidates: Candidates, rng: np.random.Generator) -> np.ndarray:
        """(len(candidates),) finite scores, of a strategy that scores.

        Raises: InvalidCandidates, InvalidScores: as `query`.
        """
        self._check_needs(candidates)
        scores = self._call(candidates, rng).astype(float, copy=False)
        if scores.shape != (len(candidates),):
            raise InvalidScores(
                "strategy {name!r} returned shape {shape}, not ({candidates},).",
                name=self.name,
                shape=scores.shape,
                candidates=len(candidates),
            )
        if not np.isfinite(scores).all():
            bad = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise InvalidScores(
                "strategy {name!r} gave candidate {bad} the score {scores}.",
                name=self.name,
                bad=bad,
                scores=scores[bad],
            )
        return scores

    def _check_needs(self, candidates: Candidates) -> None:
        for need in self.needs:
            for name in ("labeled_embeddings", "labeled_targets") if need == "labeled" else (need,):
                if getattr(candidates, name) is None:
                    raise InvalidCandidates(
                        "strategy {name!r} needs {array}, which was not computed.", name=self.name, array=name
                    )

    def _call(self, *arguments: object) -> np.ndarray:
        try:
            return np.asarray(self.function(*arguments))
        except StrategyError:
            raise
        except Exception as error:  # perhaps a plug-in: who reads this wants its file and line, not ours
            code = getattr(self.function, "__code__", None)
            file = Path(code.co_filename).name if code else ""
            raise InvalidScores(
                "strategy {name!r} failed in {file}, {error}", name=self.name, file=file, error=describe(error, file)
            ) from error


def describe(error: BaseException, file: str) -> str:
    """The error with the line of `file` (a name or path) that it comes from."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).name == Path(file).name:
            line = frame.lineno
    where = f"line {line}: " if line else ""
    return f"{where}{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}."


def top(scores: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The positions of the `n` highest scores, highest first, ties in random order. O(len) plus a sort of n.

    Args:    scores: (len,) finite floats; n: at most len.
    Returns: (n,) positions.
    """
    if n == 0:
        return np.empty(0, dtype=np.intp)
    if n < len(scores):
        threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
        above, tied = np.flatnonzero(scores > threshold), np.flatnonzero(scores == threshold)
        chosen = np.concatenate([above, rng.choice(tied, n - len(above), replace=False)])
    else:
        chosen = np.arange(len(scores))
    chosen = rng.permutation(chosen)  # the stable sort below then leaves ties in random order
    return chosen[np.argsort(-scores[chosen], kind="stable")]


# ---------------------------------------------------------------- registry

# Of this context: within `registry(…)` a thread has names of its own, which no other thread sees.
_registry: ContextVar[dict[str, Strategy]] = ContextVar("registry", default={})  # noqa: B039 (one for all, on purpose)

# Asked in turn for a name that is not registered: the strategy, or None if the name is not theirs.
resolvers: list[Callable[[str], Strategy | None]] = []


def current() -> dict[str, Strategy]:
    """The registry that `register` writes to."""
    return _registry.get()


@contextmanager
def registry(names: dict[str, Strategy]) -> Iterator[dict[str, Strategy]]:
    """Use `names` as the registry within the block, in this thread only."""
    token = _registry.set(names)
    try:
        yield names
    finally:
        _registry.reset(token)


def register(strategy: Strategy) -> Strategy:
    """Make a strategy known by its name, in place of any other of that name, and give it back."""
    current()[strategy.name] = strategy
    return strategy


def needed(needs: Need | Iterable[Need]) -> frozenset[Need]:
    """One need or several as a set.

    Raises: StrategyError: a word that is not in `NEEDS`.
    """
    wanted: frozenset[Need] = frozenset([needs] if isinstance(needs, str) else needs)
    if wanted - set(NEEDS):
        raise StrategyError(
            "needs={wanted} is not understood; choose from {needs}.", wanted=sorted(wanted), needs=", ".join(NEEDS)
        )
    return wanted


def _registers(
    kind: Literal["scores", "selects"],
    needs: Need | Iterable[Need],
    family: str | None,
    name: str | None,
    linear: bool,
    watched: bool,
    alone: bool = False,
) -> Any:
    # wide: what `scores` and `selects` take
    wanted = needed(needs)

    def decorate(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        # the file's own globals: a plug-in that was loaded from a path need not be in sys.modules
        kin = family or getattr(function, "__globals__", {}).get("FAMILY", "custom")
        register(Strategy(name or function.__name__, kin, wanted, kind, function, linear, watched, alone))
        return function

    return decorate


def scores(
    needs: Need | Iterable[Need] = (),
    *,
    family: str | None = None,
    name: str | None = None,
    linear: bool = False,
    watched: bool = False,
    alone: bool = False,
) -> Any:
    """Register a function `(candidates, rng) → (n,)` acquisition scores, higher is asked first.

    The family is that of the file (`FAMILY = …`) unless it is given. `linear`, `watched`, `alone`: as in `Strategy`.
    """
    return _registers("scores", needs, family, name, linear, watched, alone)


def selects(
    needs: Need | Iterable[Need] = (),
    *,
    family: str | None = None,
    name: str | None = None,
    linear: bool = False,
    watched: bool = False,
) -> Any:
    """Register a function `(candidates, n, rng) → (n,)` positions, best first, that looks at a batch as a whole."""
    return _registers("selects", needs, family, name, linear, watched)


def registered() -> dict[str, Strategy]:
    """All strategies by name, sorted."""
    return dict(sorted(current().items()))


def get(name: str) -> Strategy:
    """The strategy of this name: a registered one, or one that a resolver makes (e.g. of modAL's functions).

    Raises: UnknownStrategy: with the names there are.
    """
    if name in current():
        return current()[name]
    for resolve in resolvers:
        if (strategy := resolve(name)) is not None:
            return strategy
    if alike := get_close_matches(name, registered(), n=3):
        raise UnknownStrategy(
            "there is no strategy {name!r}; alike are {alike}; all are {registered}.",
            name=name,
            alike=", ".join(alike),
            registered=", ".join(registered()),
        )
    raise UnknownStrategy(
        "there is no strategy {name!r}; there are {registered}.", name=name, registered=", ".join(registered())
    )
