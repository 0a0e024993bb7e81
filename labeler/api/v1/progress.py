"""Where labeling leads: the curve with what it promises, and the evidence of the stopping rules."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, Field

from labeler.api.v1 import frame
from labeler.api.v1.frame import ProjectCall, in_project
from labeler.core.rounds import Rule
from labeler.cycle.drift import loaded
from labeler.i18n.messages import _, translate
from labeler.progress import stopping
from labeler.progress.history import history, thresholds
from labeler.report.facts import standing_of
from labeler.report.sentences.drift import sentences as drift_sentences
from labeler.report.sentences.stopping import NAMES, back_in_words, in_words
from labeler.report.standing import limitations, outlook

router = frame.resource("Progress")


class Point(BaseModel):
    round: int
    labels: int = Field(description="Pool labels.")
    accuracy: float | None = Field(description="On the holdout; null: not measured.")
    low: float | None = Field(description="Lower end of its 95% interval.")
    high: float | None
    holdout: int | None = Field(description="Items that it was measured on.")
    groups: int | None
    later: int | None = Field(description="Of these items, those that came with later imports; null: none.")
    agreement: float | None
    uncertainty: float | None
    reachable: int | None = Field(
        None, description="Pool labels that there could be in all when the round ended; null: not known."
    )
    strategy: str
    backbone: str
    asked: int = Field(description="Labels without those of items that people chose.")
    spent: int = Field(description="Labels paid from the budget.")
    hours: float | None = Field(description="Of annotators until then; null: for leads and auditors.")
    cost: float | None


class Curve(BaseModel):
    items: list[Point]
    target: float
    outlook: str | None = Field(description="What is known of where the curve leads, and how sure that is.")
    limitations: list[str] = Field(description="What the figures cannot tell.")


class Backtest(BaseModel):
    """Where the rule would first have stopped this project; null: it never would have."""

    round: int | None
    labels: int | None
    accuracy: float | None
    lost: float | None = Field(description="Accuracy gained since.")
    saved: int | None = Field(description="Labels given since.")
    words: str


class Judgement(BaseModel):
    rule: Rule
    name: str
    met: bool
    value: float | None = Field(description="null: unknown.")
    threshold: float
    words: str
    stops_automatically: bool
    backtest: Backtest


class Stop(BaseModel):
    at: str
    by: str = Field(description="Empty: a rule of the settings.")
    reason: str


class Evidence(BaseModel):
    rules: list[Judgement]
    newest: list[str] = Field(description="How the newest items differ from earlier ones; empty: too little to tell.")
    stopped: Stop | None = Field(description="Since when nobody is given items; null: labeling goes on.")


@router.get("/projects/{p}/curve", summary="Accuracy against labels")
def get_curve(call: Annotated[ProjectCall, in_project("read", "see_progress")]) -> Curve:
    """A point for each round, on items that no query strategy sees."""
    config, sees_team = call.project.config, call.may("see_team")
    with call.project.store() as store, store.read():
        stands = standing_of(call.project, store, call.user)
    rounds = stands.rounds if sees_team else stands.rounds.assign(hours=math.nan, cost=math.nan)
    hidden = stands.rounds.assign(hours=0.0, cost=0.0)
    measured = (stands.rounds if sees_team else hidden).dropna(subset=["accuracy"])
    return Curve(
        items=[Point.model_validate(_known(row)) for row in rounds.to_dict("records")],
        target=config.target_accuracy,
        outlook=outlook(stands, measured, config) if len(measured) else None,
        limitations=limitations(stands, measured) if len(measured) else [],
    )


@router.get("/projects/{p}/evidence", summary="What says that labeling may stop")
def get_evidence(call: Annotated[ProjectCall, in_project("read", "see_progress")]) -> Evidence:
    """Each rule with its evidence at the latest round, and what it would have done to this project so far."""
    config = call.project.config
    with call.project.store() as store, store.read():
        stands, stopped = standing_of(call.project, store, call.user), store.stops.current()
        drift = loaded((store.audits.latest_report() or {}).get("drift"))
    so_far, compared = history(stands.rounds, stands.counts, config), thresholds(config)
    rules = []
    for evidence, back in zip(stopping.evidence(so_far, compared), stopping.backtests(so_far, compared), strict=True):
        rules.append(
            Judgement(
                rule=evidence.rule,
                name=_(NAMES[evidence.rule]),
                met=evidence.met,
                value=evidence.value,
                threshold=evidence.threshold,
                words=in_words(evidence, so_far, compared),
                stops_automatically=evidence.rule in config.stopping.stop_when,
                backtest=Backtest(
                    round=back.round,
                    labels=back.labels,
                    accuracy=back.accuracy,
                    lost=back.lost,
                    saved=back.saved,
                    words=back_in_words(back, so_far),
                ),
            )
        )
    stop = Stop(at=stopped["at"], by=stopped["by"], reason=translate(stopped["reason"])) if stopped else None
    return Evidence(rules=rules, newest=drift_sentences(drift, stands.counts.open), stopped=stop)


def _known(row: dict[Any, Any]) -> dict[str, Any]:
    """The values of a row of a table; None where one is missing."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
