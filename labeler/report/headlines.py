"""All headlines on one page, in every language: a table of situations → what a lead reads in each.

The page (docs/headlines.md) is for reading them as a whole: does each say what is known, how certain that is, and what
to do? Do two of them contradict or repeat each other?
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from labeler.core.arrivals import Newer
from labeler.core.items import Counts, StillOpen
from labeler.core.rounds import Epoch, Metrics, Training
from labeler.cycle.drift import Drift
from labeler.experiments.summary import Run, summarise
from labeler.i18n.messages import DEFAULT, LANGUAGES, _, use
from labeler.measure.drift import Change, Told
from labeler.measure.intervals import Estimate, OpenEstimate
from labeler.progress.curves import FLAT, TOO_FEW, Projection
from labeler.progress.history import Step
from labeler.progress.pace import TOO_FEW as TOO_FEW_DAYS
from labeler.progress.pace import Finish, Pace
from labeler.report.sentences import arrivals, comparison, control, counts, drift, labels, pace
from labeler.report.sentences.curve import Outlook, step_in_words, width_in_words
from labeler.report.sentences.stopping import GO_ON, stop_reason, stopped_in_words
from labeler.report.sentences.training import read

Words = Callable[[], str]
TARGET = 0.9


def page() -> str:
    """Each topic with its situations, as Markdown: what the page says, in every language."""
    parts = []
    for topic, situations in TOPICS.items():
        parts.append(f"## {topic}")
        for situation, words in situations.items():
            sentences = "\n>\n".join(f"> {sentence}" for sentence in _in_all_languages(words))
            parts.append(f"**{situation}**\n\n{sentences}")
    return "\n\n".join(parts)


def _in_all_languages(words: Words) -> list[str]:
    sentences = []
    try:
        for language in LANGUAGES:
            use(language)
            sentences.append(words())
    finally:
        use(DEFAULT)
    return sentences


# ---------------------------------------------------------------- the situations

LOW, NEAR, HIGH = (Metrics(200, a, a - 0.05, a + 0.03, a) for a in (0.81, 0.89, 0.96))


def _curve(projection: Projection, measured: Metrics = LOW, **facts: Any) -> Words:
    plain = {"labels": 240, "most": 2000.0, "whole_pool": True, "hours": 0.01, "holdout_left": 300}
    return lambda: Outlook(projection, TARGET, measured, **{**plain, **facts}).in_words()


CURVE = {
    "Two rounds": _curve(Projection(None, None, None, TOO_FEW)),
    "Rounds that differ by no more than chance": _curve(Projection(None, None, None, FLAT)),
    "A forecast with both ends": _curve(Projection(620.0, 400.0, 1100.0)),
    "A forecast beyond the budget": _curve(Projection(620.0, 400.0, 1100.0), affordable=500.0),
    "A forecast without a latest end": _curve(Projection(620.0, 400.0, None)),
    "A forecast that begins today": _curve(Projection(620.0, 200.0, 1100.0)),
    "A forecast that begins today and has no end": _curve(Projection(620.0, 200.0, None)),
    "No expected number, but an earliest one": _curve(Projection(None, 700.0, None)),
    "No expected number, and an earliest one beyond the budget": _curve(
        Projection(None, 700.0, None), affordable=500.0
    ),
    "No expected number, and it may be reached today": _curve(Projection(None, 200.0, None), NEAR),
    "No expected number, and it is not reached today": _curve(Projection(None, 200.0, None)),
    "The curve is there, and the latest round is not": _curve(Projection(200.0, 150.0, 230.0)),
    "The target lies in the interval, and the curve is there": _curve(Projection(200.0, 150.0, 230.0), NEAR),
    "The target lies in the interval, and a forecast goes on": _curve(Projection(380.0, 200.0, 900.0), NEAR),
    "The target lies in the interval, and the holdout is used up": _curve(
        Projection(380.0, 200.0, 900.0), NEAR, holdout_left=0
    ),
    "The curve stays below the target": _curve(Projection(None, None, None)),
    "The budget is spent": _curve(Projection(620.0, 400.0, 1100.0), affordable=240.0),
    "The pool is used up": _curve(Projection(620.0, 400.0, 1100.0), most=240.0),
    "The target is reached": _curve(Projection(150.0, 100.0, 180.0), HIGH),
}


def _step(value: float, low: float, high: float) -> Words:
    return lambda: step_in_words(Step(7, 8, Estimate(value, low, high)))


BELOW_THE_CURVE: dict[str, Words] = {
    "A better round": _step(0.03, 0.01, 0.05),
    "Two rounds alike": _step(0.01, -0.02, 0.04),
    "A worse round": _step(-0.04, -0.07, -0.01),
    "Holdout labels can still be had": lambda: width_in_words(NEAR, 900, 2000),
    "Holdout labels can still be had, and the budget does not pay for as many": lambda: width_in_words(NEAR, 900, 77),
    "Few holdout labels can still be had": lambda: width_in_words(NEAR, 43, 2000),
    "The holdout is used up": lambda: width_in_words(NEAR, 0, 2000),
}


def _drift(newest: float, difference: tuple[float, float], positive: float, pairs: float) -> Words:
    """Of 120 new and 280 earlier items, of which 84% were right and 50% good."""
    good = positive - 0.5
    classes = {
        name: Change(
            Estimate(share, share - 0.1, share + 0.1), Estimate(0.5, 0.4, 0.6), Estimate(d, d - 0.08, d + 0.08)
        )
        for name, share, d in (("good", positive, good), ("bad", 1 - positive, -good))
    }
    accuracy = Change(
        Estimate(newest, newest - 0.09, newest + 0.08),
        Estimate(0.84, 0.79, 0.88),
        Estimate(newest - 0.84, *difference),
    )
    told = Told(500, 500, Estimate(pairs, pairs - 0.05, pairs + 0.05), 0.5 if pairs < 0.55 else 1e-6)
    newer = Drift("2026-11-01", (120, 280), accuracy, classes, told)
    return lambda: " ".join(drift.sentences(newer, StillOpen(500, 0, 500)))


NEW_ITEMS: dict[str, Words] = {
    "The model is worse on them": _drift(0.71, (-0.26, -0.02), 0.5, 0.51),
    "Their classes and content are others": _drift(0.82, (-0.1, 0.07), 0.7, 0.78),
    "Nothing differs surely": _drift(0.82, (-0.1, 0.07), 0.52, 0.51),
    "Later items have no labels yet": lambda: " ".join(arrivals.coverage(Newer(60, 5, 300, 0))),
    "No share of them joined the holdout": lambda: " ".join(arrivals.coverage(Newer(without=300))),
}


def _control(**facts: Any) -> Words:
    plain = {"arm": 180, "holdout": 200, "size": 160, "gain": None, "needed": None, "missing": ""}
    return lambda: " ".join(control.sentences(plain | facts))


GAIN, CHANCE = {"value": 0.041, "low": 0.012, "high": 0.07}, {"value": 0.002, "low": -0.063, "high": 0.068}
CONTROL: dict[str, Words] = {
    "Too few holdout labels": _control(holdout=12, missing="holdout"),
    "Too few random labels": _control(arm=18, missing="arm"),
    "A clear gain": _control(gain=GAIN, needed={"value": 105.0, "low": 82.0, "high": 131.0}),
    "A clear loss": _control(
        gain={"value": -0.041, "low": -0.07, "high": -0.012}, needed={"value": 210.0, "low": 180.0, "high": 260.0}
    ),
    "A clear gain, and a bound alone": _control(gain=GAIN, needed={"value": 105.0, "low": None, "high": 131.0}),
    "A gain that may be chance": _control(gain=CHANCE, needed={"value": 102.0, "low": None, "high": None}),
    "A head that takes long to fit": _control(missing="slow", head="gradient_boosting"),
    "A curve that rises by less than its uncertainty": _control(gain=CHANCE, missing="precision"),
}


def _counts(**facts: Any) -> Words:
    budget = facts.pop("budget", 1000)
    plain = Counts(2000, 500, 240, 88, answers_by_people=340, mine=0, per_class={}, open=StillOpen(1760, 412, 2172))
    return lambda: counts.sum_in_words(replace(plain, **facts), budget)


COUNTS: dict[str, Words] = {
    "Labeling goes on": _counts(),
    "The data end before the budget": _counts(pool=300, holdout=100, open=StillOpen(60, 12, 72)),
    "The budget is spent": _counts(budget=340),
    "Everything is labeled": _counts(open=StillOpen(0, 0, 0)),
}


def _stopped(by: str) -> Words:
    reason = "Good enough for the pilot." if by else stop_reason("target")
    return lambda: f"{stopped_in_words({'by': by, 'reason': reason}, '2026-11-26 15:04 KST')} {_(GO_ON)}"


STOPPING = {"A lead stopped it": _stopped("Kim"), "A rule stopped it": _stopped("")}


def _runs(runs: int, **gains: float) -> dict[str, Any]:
    """A comparison in which each strategy's last accuracy differs from random's by so much, and a little by seed."""
    made = []
    for name, gain in {"random": 0.0, **gains}.items():
        for seed in range(runs):
            luck = 0.01 * ((3 * seed) % 5 - 2)
            own = luck + 0.004 * ((seed * (1 + len(name))) % 3 - 1) * (name != "random")
            curve = [0.5 + luck / 2, 0.62 + gain / 2 + own, 0.7 + gain + own]
            made.append(Run(name, seed, [20, 60, 100], curve, curve, [0.0] * 3, [0.0] * 3))
    return {"summary": summarise(made), "runs": []}


def _compared(runs: int, own_labels: bool = False, **gains: float) -> Words:
    return lambda: comparison.verdict(_runs(runs, **gains), own_labels)


COMPARISON = {
    "One run": _compared(1, margin=0.05),
    "A clear gain": _compared(8, margin=0.06),
    "A clear gain, on labels that a strategy chose": _compared(8, margin=0.06, own_labels=True),
    "Two that are alike": _compared(8, margin=0.06, entropy=0.06),
    "No difference": _compared(5, margin=0.001),
    "None of several differs": _compared(5, margin=0.001, badge=0.0),
    "All are worse": _compared(8, margin=-0.06, badge=-0.08),
}


SECOND_LOOK: dict[str, Words] = {
    "None": lambda: labels.second_look(0, 0.0),
    "One": lambda: labels.second_look(1, 0.3),
    "Some": lambda: f"{labels.second_look(58, 18.4)} {labels.next_in_doubt(26, 2.3)}",
}


def _days(earliest: int | None, expected: int | None, latest: int | None, note: str = "") -> Finish:
    first, middle, last = (None if day is None else date(2026, 12, day) for day in (earliest, expected, latest))
    return Finish(400, first, middle, last, note)


def _hours(rest: OpenEstimate | None) -> Words:
    return lambda: pace.remaining_in_words(rest, 400, lambda amount: f"{amount:.1f} h")


def _target(projection: Projection, may_be_reached: bool = False) -> Words:
    return lambda: pace.target_in_words(projection, TARGET, 240, may_be_reached, 1.05)


PACE = Pace(OpenEstimate(96.0, 80.0, 112.0), OpenEstimate(41.0, 30.0, 52.0), 0.0, 9, 14)
TEAM: dict[str, Words] = {
    "To the target: both ends": _target(Projection(620.0, 400.0, 1100.0)),
    "To the target: no latest end": _target(Projection(620.0, 400.0, None)),
    "To the target: it may begin today": _target(Projection(620.0, 200.0, 1100.0), True),
    "To the target: the curve is there": _target(Projection(200.0, 150.0, 230.0)),
    "Hours still expected": _hours(OpenEstimate(4.2, 3.1, 6.8)),
    "Hours still expected, one day of history": _hours(OpenEstimate(4.2)),
    "Hours unknown": _hours(None),
    "Date": lambda: pace.finish_in_words(_days(4, 8, 15)),
    "Date with an open end": lambda: pace.finish_in_words(_days(4, 8, None)),
    "Date unknown": lambda: pace.finish_in_words(_days(None, None, None, TOO_FEW_DAYS)),
    "Pace": lambda: pace.pace_in_words(PACE),
}


def _trained(loss: list[float], right: list[float], held: list[float], held_right: list[float]) -> Words:
    rows = zip(loss, right, held, held_right, strict=True)
    training = Training(tuple(Epoch(n, *row) for n, row in enumerate(rows, 1)), {"epochs": len(loss)}, 0.5, "", 400)

    def words() -> str:
        readings = read(training, 4, "text", 400)
        return "<br>".join(" → ".join([reading.words, *reading.levers]) for reading in readings)

    return words


TRAINING = {
    "Over-fitting": _trained(
        [1.2, 0.8, 0.6, 0.4, 0.3, 0.2],
        [0.5, 0.7, 0.8, 0.9, 0.95, 0.99],
        [1.0, 0.6, 0.5, 0.65, 0.8, 0.95],
        [0.6, 0.8, 0.86, 0.82, 0.78, 0.75],
    ),
    "Under-fitting": _trained(
        [1.3, 1.2, 1.1, 1.0, 0.9, 0.8],
        [0.4, 0.45, 0.5, 0.55, 0.6, 0.65],
        [1.3, 1.2, 1.1, 1.0, 0.9, 0.8],
        [0.4, 0.45, 0.5, 0.55, 0.6, 0.64],
    ),
    "A good fit": _trained(
        [1.2, 0.8, 0.6, 0.48, 0.44, 0.43],
        [0.5, 0.7, 0.8, 0.88, 0.9, 0.91],
        [1.0, 0.7, 0.55, 0.47, 0.45, 0.45],
        [0.6, 0.75, 0.84, 0.87, 0.88, 0.88],
    ),
}

TOPICS: dict[str, Mapping[str, Words]] = {
    "The curve, on Progress": CURVE,
    "Below the curve": BELOW_THE_CURVE,
    "New items": NEW_ITEMS,
    "Against random sampling": CONTROL,
    "Labels and budget": COUNTS,
    "Labeling has stopped": STOPPING,
    "A comparison of strategies": COMPARISON,
    "Labels in doubt, on Review": SECOND_LOOK,
    "When it is done, on Team": TEAM,
    "How a round was trained": TRAINING,
}
