"""Rounds, the curve, and comparisons of strategies."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from labeler.client import records, tables
from labeler.client.calls import POLL_SECONDS, Call, Pause, Steps
from labeler.client.verbs.base import ProjectVerbs
from labeler.client.verbs.imports import one_file
from labeler.core.errors import LabelerError
from labeler.core.notebook import RoundSummary, Verdict


class RoundVerbs(ProjectVerbs):
    """Rounds, the curve, and comparisons of strategies."""

    def run_round(self) -> Steps[RoundSummary]:
        """The round that the server's worker runs: train on all labels, measure on the holdout, rank what to ask next.

        Where one is waiting or running, it is that one; where nothing is new since the latest, it is the latest.

        Raises: LabelerError: the round cannot be run; says why.
        """
        state = yield Call("GET", f"{self.path}/rounds/state")
        if not state["nothing_new"]:
            state = yield Call("POST", f"{self.path}/rounds", query={"again": True})
        while (job := state["job"])["state"] in ("queued", "running"):
            yield Pause(POLL_SECONDS)
            state = yield Call("GET", f"{self.path}/rounds/state")
        if job["state"] == "failed" or not state["latest"]:
            raise LabelerError("The round failed: {error}", error=job["error"] or "")
        return records.round_of((yield Call("GET", f"{self.path}/rounds/{state['latest']}")))

    def curve(self) -> Steps[pd.DataFrame]:
        """All rounds, one a row: round, labels, accuracy, low, high (of the 95% interval), holdout (items measured
        on), and what was spent until then.
        """
        return tables.curve_of((yield Call("GET", f"{self.path}/curve"))["items"])

    def compare(
        self,
        strategies: Sequence[str],
        source: str | Path | None = None,
        *,
        label: str = "label",
        runs: int = 5,
        rounds: int = 10,
    ) -> Steps[Verdict]:
        """A comparison of query strategies with random sampling on labels that are known; it takes minutes.

        Args:   source: a labeled table or folder; None: the project's own labels so far. label: the table's column.
                runs: of each strategy, each with its own first labels. rounds: queries after the first labels.
        Raises: LabelerError, StrategyError: it cannot be run; says why.
        """
        asked = {"strategies": [*strategies], "runs": runs, "rounds": rounds, "label": label}
        path = f"{self.path}/comparisons"
        if source is None:
            job = yield Call("POST", path, body=asked)
        else:
            with one_file(Path(source)) as file:
                form = asked | {"strategies": ",".join(strategies)}
                job = yield Call("POST", path, form=form, upload=file)
        while job["state"] in ("queued", "running"):
            yield Pause(POLL_SECONDS)
            job = yield Call("GET", f"{path}/{job['id']}")
        if job["state"] != "done":
            raise LabelerError("{error}", error=job["error"] or "The comparison was cancelled.")
        return Verdict(job["words"], pd.DataFrame(job["table"]), job["report"])
