"""A project's history, made up: who answered what and when, what each round's model said. Items are positions here."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

OVERLAP, SKIPS, FLAGS, UNSURE, CHANGED = 0.15, 0.02, 0.008, 0.05, 0.012
RANDOM, HOLDOUT_SHARE, DEPTH = 0.1, 0.2, 5
BEST, FIRST, BEND = 0.95, 0.60, 0.45  # accuracy = BEST − (BEST − FIRST) · (labels / first labels)^−BEND
SURER = 1.1  # how much surer the models are than they are right

Slot = tuple[datetime, int, float | None]  # when, who, seconds


@dataclass(frozen=True)
class Person:
    """How somebody labels: seconds in the middle, share of right answers, answers a day beside the others'."""

    name: str
    seconds: float
    right: float
    busy: float


@dataclass(frozen=True)
class Asked:
    """A place of a round's ranking."""

    round: int
    rank: int
    item: int
    strategy: str
    score: float | None
    predicted: int | None
    confidence: float | None


@dataclass(frozen=True)
class Given:
    """An answer. `query` is a place in `History.asked`, `supersedes` one in `History.given`."""

    at: datetime
    who: int
    item: int
    action: str
    label: int | None = None
    seconds: float | None = None
    unsure: bool = False
    query: int | None = None
    supersedes: int | None = None


@dataclass(frozen=True)
class Turn:
    """A round: what its model says of the holdout and of the items that rounds are compared on."""

    number: int
    at: datetime
    labels: int
    holdout: np.ndarray
    compared: np.ndarray


@dataclass
class History:
    asked: list[Asked] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)


class Model:
    """Says of items what a classifier would, after so many labels."""

    def __init__(self, truth: np.ndarray, ease: np.ndarray, classes: int, rng: np.random.Generator) -> None:
        """
        Args: truth: (n,) class of each item. ease: (n,) factor of the skill with which the model tells it.
        """
        self.truth, self.ease, self.rng = truth, ease, rng
        self.noise, self.later = rng.standard_normal((2, len(truth), classes), dtype=np.float32)
        some = rng.choice(len(truth), min(4000, len(truth)), replace=False)
        skills = np.linspace(0, 6, 60)
        self._skills, self._accuracy = skills, np.maximum.accumulate([self._right(some, skill) for skill in skills])

    def says(self, items: np.ndarray, growth: float) -> np.ndarray:
        """(k, C) probabilities, when there are `growth` times as many labels as in the first round."""
        accuracy = BEST - (BEST - FIRST) * growth**-BEND
        skill = np.interp(accuracy, self._accuracy, self._skills)
        turn, fresh = 0.8 * np.log(growth), 0.3 * growth**-0.4
        noise = np.cos(turn) * self.noise[items] + np.sin(turn) * self.later[items]
        noise = (noise + fresh * self.rng.standard_normal(noise.shape)) / np.sqrt(1 + fresh**2)
        evidence = noise
        evidence[np.arange(len(items)), self.truth[items]] += skill * self.ease[items]
        logits = SURER * skill * evidence
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def _right(self, items: np.ndarray, skill: float) -> float:
        evidence = self.noise[items].copy()
        evidence[np.arange(len(items)), self.truth[items]] += skill * self.ease[items]
        return float((evidence.argmax(axis=1) == self.truth[items]).mean())


def work_hours(team: Sequence[Person], answers: int, days: int, now: datetime, rng: np.random.Generator) -> list[Slot]:
    """When each answer is given, by whom, and how long it takes: weekdays from nine in Seoul, until now."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    calendar = [first + timedelta(days=i) for i in range(days)]
    loads = np.array(
        [
            [
                person.busy * rng.lognormal(0, 0.3) * (rng.random() < (0.9 if day.weekday() < 5 else 0.04))
                for person in team
            ]
            for day in calendar
        ]
    )
    loads[:2] += 0.2  # somebody begins
    counts = rng.poisson(loads / loads.sum() * answers)
    slots: list[Slot] = []
    for day, row in zip(calendar, counts, strict=True):
        for who, n in enumerate(row):
            at = day + timedelta(minutes=float(rng.normal(20, 12)))
            for i in range(n):
                seconds = float(rng.lognormal(np.log(team[who].seconds), 0.5))
                if rng.random() < 0.006:
                    seconds = float(rng.uniform(400, 2500))  # a coffee
                at += timedelta(seconds=seconds + (3600 if i == n // 2 else 0))
                slots.append((at, who, None if rng.random() < 0.004 else round(seconds, 3)))
    return sorted(slot for slot in slots if slot[0] < now)


class Life:
    """Goes through the answers in time. Rounds come at even distances, the last one some time before the end."""

    def __init__(
        self,
        model: Model,
        team: Sequence[Person],
        pool: np.ndarray,
        holdout: np.ndarray,
        compared: np.ndarray,
        batch: int,
        rng: np.random.Generator,
    ) -> None:
        """
        Args: pool, holdout, compared: items of the two splits, and those of the pool that rounds are compared on.
        """
        self.model, self.team, self.batch, self.rng = model, team, batch, rng
        self.pool, self.holdout, self.compared = pool, holdout, compared
        self.history = History()
        self.labeled, self.labeled_first = 0, 1  # items of the pool: now, and when the first round began
        self.measured = np.zeros(len(model.truth), bool)
        self.measured[holdout] = True
        self.fresh = ~self.measured  # nobody has had them
        self.is_labeled = np.zeros(len(model.truth), bool)
        self.difficulty = rng.random(len(model.truth))
        self.blind = deque(rng.permutation(holdout).tolist())
        self.queue: deque[tuple[int, int]] = deque()  # item, place in `history.asked`
        self.again: deque[tuple[int, int | None, frozenset[int]]] = deque()  # with who had it
        self.rank(None)

    def go_through(self, slots: Sequence[Slot], rounds: int) -> History:
        due = [round(number / (rounds + 0.4) * len(slots)) for number in range(1, rounds + 1)]
        for i, slot in enumerate(slots, 1):
            if not self.queue and not self.blind and not self.fresh.any():  # all have been asked about
                break
            self.answer(*slot)
            if len(self.history.turns) < rounds and i >= due[len(self.history.turns)]:
                self.turn(slot[0])
        return self.history

    def turn(self, at: datetime) -> None:
        """A round."""
        if not self.history.turns:
            self.labeled_first = max(1, self.labeled)
        growth = max(1.0, self.labeled / self.labeled_first)
        number = len(self.history.turns) + 1
        says = [self.model.says(items, growth) for items in (self.holdout, self.compared)]
        self.history.turns.append(Turn(number, at, self.labeled, *says))
        self.rank(growth)

    def rank(self, growth: float | None) -> None:
        """What to ask next: the smallest margins, and a share at random; all at random before the first round."""
        unasked, number = self.pool[self.fresh[self.pool]], len(self.history.turns)
        depth = min(DEPTH * self.batch, len(unasked))
        candidates = self.rng.permutation(unasked)[: max(2000, 2 * depth)]
        drawn, others = candidates[: round(RANDOM * depth)], candidates[round(RANDOM * depth) :]
        self.queue.clear()
        if growth is None:
            for rank, item in enumerate(candidates[:depth].tolist(), 1):
                self._ask(Asked(number, rank, item, "random", None, None, None))
            return
        proba = self.model.says(others, growth)
        two = np.partition(proba, -2, axis=1)[:, -2:]
        margin = two[:, 1] - two[:, 0]
        best = np.argsort(margin, kind="stable")[: depth - len(drawn)]
        proba_drawn = self.model.says(drawn, growth)
        rows = [("margin", others[i], -margin[i], proba[i]) for i in best]
        for place, item in enumerate(drawn):
            rows.insert(round((place + 1) / RANDOM) - 1, ("random", item, None, proba_drawn[place]))
        for rank, (strategy, item, score, proba_of_item) in enumerate(rows, 1):
            score = None if score is None else float(score)
            self._ask(
                Asked(number, rank, int(item), strategy, score, int(proba_of_item.argmax()), float(proba_of_item.max()))
            )

    def _ask(self, asked: Asked) -> None:
        self.history.asked.append(asked)
        self.queue.append((asked.item, len(self.history.asked) - 1))

    def _next(self, who: int) -> tuple[int, int | None, frozenset[int]]:
        for _ in range(min(len(self.again), 4)):
            open_slot = self.again.popleft()
            if who not in open_slot[2] and self.rng.random() < 0.5:
                return open_slot
            self.again.append(open_slot)
        if self.blind and (self.rng.random() < HOLDOUT_SHARE or not self.queue):
            return self.blind.popleft(), None, frozenset()
        if not self.queue:
            self.rank(max(1.0, self.labeled / self.labeled_first) if self.history.turns else None)
        item, query = self.queue.popleft()
        self.fresh[item] = False
        return item, query, frozenset()

    def answer(self, at: datetime, who: int, seconds: float | None) -> None:
        item, query, had = self._next(who)
        given, truth, rng = self.history.given, int(self.model.truth[item]), self.rng
        chance = rng.random()
        if chance < SKIPS + FLAGS:
            action = "skip" if chance < SKIPS else "flag"
            given.append(Given(at, who, item, action, seconds=seconds, query=query))
            if action == "skip" and len(had) + 1 < len(self.team):
                self.again.append((item, query, had | {who}))
            return
        wrong = rng.random() < 2 * self.difficulty[item] * (1 - self.team[who].right)
        classes = self.model.noise.shape[1]
        label = (truth + (1 if rng.random() < 0.6 else int(rng.integers(1, classes)))) % classes if wrong else truth
        unsure = bool(rng.random() < UNSURE * (5 if wrong else 0.8))
        given.append(Given(at, who, item, "label", label, seconds, unsure, query))
        if rng.random() < CHANGED:
            back = at + timedelta(seconds=1.2)
            given.append(Given(back, who, item, "undo", query=query, supersedes=len(given) - 1))
            given.append(Given(back + timedelta(seconds=2), who, item, "label", truth, 2.0, query=query))
        if not self.is_labeled[item]:
            self.is_labeled[item] = True
            self.labeled += not self.measured[item]
            if rng.random() < OVERLAP and len(had) + 1 < len(self.team):
                self.again.append((item, query, had | {who}))
