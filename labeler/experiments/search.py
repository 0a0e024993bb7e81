"""The search for better settings of the learner: Optuna draws settings, cross-validation on the labels evaluates them.

All settings are tried on the same folds. The objective is the mean log likelihood of held-out labels: it distinguishes
settings of equal accuracy, and it judges the probabilities that query strategies rely on. The best of many settings
looks better than it is. So it is compared with the current settings again, on fresh folds. It is proposed only if its
gain there exceeds what chance explains for the best of so many settings, and its accuracy is no lower.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, Trial, TrialState

from labeler.backbones.encoder import Encoder, network_of
from labeler.core.errors import LabelerError
from labeler.core.jobs import TuningRequest
from labeler.core.settings import Config, LearnerConfig
from labeler.experiments import search_space
from labeler.experiments.search_file import open_study
from labeler.experiments.search_verdict import gain_of, signed, verdict
from labeler.i18n.messages import Message, dump, load, mark
from labeler.learner.cross_validation import Fit, HeldOut, cross_validate
from labeler.learner.levers import AUTO_FROM
from labeler.learner.task import LearningTask
from labeler.learner.train import fit_on_engine as fit_model
from labeler.measure import clusters
from labeler.measure.intervals import estimate

FRESH = 1_000_003  # added to the seed of the search's folds: the seed of the fresh folds
STARTUP = 8  # settings that TPE draws at random before it has results to learn from
TRIES = 2  # of a setting before it is given up, if the process ends during each

CURRENT, FROZEN = mark("current settings"), mark("frozen heads")


@dataclass
class Search:
    """A search for better settings of the learner, on the pool's labels.

    tasks: the pool's labels with the features of each backbone, by the backbone's name in the settings; the project's
    own backbone comes first. tell: called with (message, seconds, seconds in all); what it raises ends the search.

    Raises: LabelerError: there is nothing to search.
    """

    tasks: Mapping[str, LearningTask]
    config: Config
    request: TuningRequest
    tell: Callable[[str, int, int], None] = lambda message, done, total: None
    fit: Fit = field(default_factory=lambda: fit_model)
    clock: Callable[[], float] = field(default_factory=lambda: time.monotonic)

    def __post_init__(self) -> None:
        self.n_labels = len(next(iter(self.tasks.values())).labels)
        self.tunable = [name for name, task in self.tasks.items() if network_of(task.encoder)]
        self.space = search_space.space_of(self.config, self.request, self.tunable)
        self.baselines = self._baselines()
        if not self.space and len(self.baselines) < 2:
            name = _encoder(next(iter(self.tasks.values()))).name
            raise LabelerError(
                "Backbone {name} cannot be fine-tuned and no other is named, so there is nothing to search: name"
                " backbones to try.",
                name=name,
            )

    def run(self, data: str, folder: Path, spent: float = 0.0) -> dict[str, Any]:
        """The results and the proposed settings, as plain values, once time is up or all settings are tried.

        Trials are kept in a file. A later search with the same labels, settings and search space continues them.

        Args:    data: identifies the labels, see `cards.data_hash`. folder: of that file. spent: seconds of the
                 request that an interrupted process has used.
        Raises:  LabelerError: the current settings cannot be trained, or the file is damaged.
        """
        self.ends = self.clock() + self.request.seconds - spent
        self.study = open_study(folder / f"{self._key(data)}.log")
        self._queue_interrupted()
        while (trial := self._next()) is not None and self._evaluate(trial):
            pass
        return self._report()

    def _key(self, data: str) -> str:
        """A hash of everything on which the trials depend."""
        about = [
            data,
            self.config.classes,
            asdict(self.config.learner),
            asdict(replace(self.request, seconds=0.0, trials=0)),
            [_encoder(task).key for task in self.tasks.values()],
            {name: distribution_to_json(drawn_from) for name, drawn_from in self.space.items()},
        ]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    # ------------------------------------------------------------ what is tried

    def _baselines(self) -> dict[str, LearnerConfig]:
        """The settings that are always tried: the current ones, and the frozen heads of each backbone."""
        learner = self.config.learner
        baselines: dict[str, LearnerConfig] = {CURRENT: learner}
        for name in self.tasks:
            heads = replace(search_space.with_backbone(learner, name), kind="frozen")
            if name != learner.backbone:
                baselines[f"{FROZEN}, {name}"] = heads
            elif learner.kind != "frozen" and name in self.tunable:  # else they are the current settings
                baselines[FROZEN] = heads
        return baselines

    def _queue_interrupted(self) -> None:
        """Queue the settings that were being tried when a process ended, unless they have ended `TRIES` processes."""
        for trial in self._trials(TrialState.RUNNING):
            self._queue_again(trial, trial.user_attrs.get("tries", 0) + 1)

    def _queue_again(self, trial: FrozenTrial, tries: int) -> None:
        """Queue the settings of an unfinished trial again. tries: how often the process has ended during them."""
        self.study.tell(trial.number, state=TrialState.FAIL)
        drawn = trial.system_attrs.get("fixed_params", {}) | trial.params
        if drawn and tries < TRIES:  # baselines have nothing drawn, and need no queue
            self.study.enqueue_trial(drawn, {"tries": tries})

    def _next(self) -> Trial | None:
        """The next setting to try; None if all are tried or time is up."""
        tried = self._tried()
        names = {trial.user_attrs.get("baseline") for trial in tried}
        for name in self.baselines:
            if name not in names:
                trial = self.study.ask()
                trial.set_user_attr("baseline", name)
                return trial
        if not self.space or len(tried) >= self.request.trials or not self._has_time_for(self._median_seconds()):
            return None
        # each setting has a sampler of its own, so that a resumed search draws what it would have drawn
        seed = self.request.seed + len(self._trials())
        if self.request.sampler == "tpe":
            self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        else:
            self.study.sampler = optuna.samplers.RandomSampler(seed)
        if self.request.sampler == "grid" and not self._trials(TrialState.WAITING):
            cell = self._next_cell()
            if cell is None:
                return None
            self.study.enqueue_trial(cell)
        return self.study.ask(self.space)

    def _next_cell(self) -> dict[str, Any] | None:
        """The first setting of the grid that is neither queued nor a baseline."""
        queued = [trial.system_attrs.get("fixed_params") for trial in self._trials()]
        for cell in search_space.grid(self.space, self.request.seed):
            learner = search_space.setting(self.config.learner, self.tunable, cell)
            if cell not in queued and learner not in self.baselines.values():
                return cell
        return None

    def _setting(self, trial: Trial | FrozenTrial) -> LearnerConfig:
        baseline = trial.user_attrs.get("baseline")
        if baseline is not None:
            return self.baselines[baseline]
        return search_space.setting(self.config.learner, self.tunable, trial.params)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states or None)

    def _tried(self) -> list[FrozenTrial]:
        """The finished trials, pruned and failed ones included; trials that ended with their process are left out."""
        return [trial for trial in self._trials() if trial.state.is_finished() and "seconds" in trial.user_attrs]

    def _current(self) -> FrozenTrial:
        return next(t for t in self._trials(TrialState.COMPLETE) if t.user_attrs.get("baseline") == CURRENT)

    def _best(self) -> FrozenTrial:
        """The best completed trial; of equal ones the first."""
        return max(self._trials(TrialState.COMPLETE), key=lambda trial: (_value(trial), -trial.number))

    # ------------------------------------------------------------ time

    def _seconds_left(self) -> float:
        return self.ends - self.clock()

    def _median_seconds(self) -> float:
        """The median seconds of a drawn setting; of the current settings, before one was drawn."""
        drawn = [t for t in self._trials(TrialState.COMPLETE) if "baseline" not in t.user_attrs] or [self._current()]
        return float(np.median([t.user_attrs["seconds"] for t in drawn]))

    def _has_time_for(self, seconds: float, spent: float = 0.0) -> bool:
        """Whether there is time for a setting, and afterwards for the best and the current settings on fresh folds.

        Args: seconds: that the setting takes in all. spent: how many of those are over.
        """
        best, current = (t.user_attrs["seconds"] for t in (self._best(), self._current()))
        return self._seconds_left() >= seconds - spent + current + max(best, seconds)

    # ------------------------------------------------------------ trying

    def _evaluate(self, trial: Trial) -> bool:
        """Try a setting on the search's folds and record the result; False if time runs out meanwhile."""
        baseline, folds = trial.user_attrs.get("baseline"), self.request.folds
        began, parts, state, note = self.clock(), list[HeldOut](), TrialState.COMPLETE, ""
        try:
            for part in self._held_out(trial, self.request.seed):
                parts.append(part)
                trial.report(_mean(parts), len(parts))
                if baseline or len(parts) == folds:
                    continue
                spent = self.clock() - began
                if not self._has_time_for(spent / len(parts) * folds, spent):
                    self._queue_again(self._trials()[trial.number], trial.user_attrs.get("tries", 0))
                    return False
                if trial.should_prune():
                    state, note = TrialState.PRUNED, mark("no better than the median of the others so far")
                    break
        except (LabelerError, RuntimeError, MemoryError) as error:  # e.g. a setting that needs too much memory
            if baseline == CURRENT:
                raise
            state = TrialState.FAIL
            own = isinstance(error, LabelerError)
            note = Message.of(error) if own else str(error).strip().split("\n")[0][:200] or type(error).__name__
        if parts:
            held = HeldOut.whole(parts)
            trial.set_user_attr("held_out", [int(held.right.sum()), len(held.right), held.share, self._effective(held)])
            note = note or ("" if held.share else held.note)
        trial.set_user_attr("note", dump(note))
        trial.set_user_attr("seconds", round(self.clock() - began, 3))
        self.study.tell(trial, _mean(parts) if state == TrialState.COMPLETE else None, state)
        return True

    def _held_out(self, trial: Trial | FrozenTrial, seed: int) -> Iterator[HeldOut]:
        """Out-of-fold predictions with a trial's settings, fold by fold."""
        learner, standing = self._setting(trial), self._progress_message(trial)
        folds, seconds = self.request.folds, self.request.seconds

        def tell(fold: int) -> None:
            spent = min(seconds - self._seconds_left(), seconds)
            message = mark("{standing}, fold {fold} of {folds}", standing=standing, fold=fold, folds=folds)
            self.tell(message, round(spent), round(seconds))

        if learner.kind == "auto" and learner.backbone in self.tunable and self.n_labels >= AUTO_FROM:
            learner = replace(learner, kind="finetune")  # as `auto` chooses on all labels, though a fold has fewer
        return cross_validate(self.tasks[learner.backbone], learner, folds, seed, self.fit, tell)

    def _progress_message(self, trial: Trial | FrozenTrial) -> str:
        """The progress so far and the current trial, as a message."""
        tried = len(self._tried())
        done = mark("{n} setting tried", n=1) if tried == 1 else mark("{n} settings tried", n=tried)
        if self._trials(TrialState.COMPLETE):
            best, current = _value(self._best()), _value(self._current())
            done = mark(
                "{done}, log likelihood {best} at best, {current} as it is",
                done=done,
                best=signed(best),
                current=signed(current),
            )
        setting = trial.user_attrs.get("baseline") or mark("setting {n}", n=trial.number)
        if isinstance(trial, FrozenTrial):
            return mark("{done}; checking on fresh folds {what}", done=done, what=setting)
        return mark("{done}; trying {what}", done=done, what=setting)

    # ------------------------------------------------------------ what came out

    def _predict_on_fresh_folds(self, trial: FrozenTrial) -> HeldOut:
        """Out-of-fold predictions with a trial's settings on fresh folds, all folds together."""
        kept = self.study.user_attrs.get(f"fresh-{trial.number}")
        if kept is None:
            held = HeldOut.whole(list(self._held_out(trial, self.request.seed + FRESH)))
            kept = [[round(float(x), 5) for x in held.log_likelihood], held.right.astype(int).tolist(), held.share]
            self.study.set_user_attr(f"fresh-{trial.number}", kept)
        log_likelihood, right, share = kept
        return HeldOut(np.arange(len(right)), np.array(log_likelihood), np.array(right, dtype=bool), share)

    def _report(self) -> dict[str, Any]:
        best, current, tried = self._best(), self._current(), self._tried()
        check = proposal = None
        if best.number != current.number:
            ours, theirs = self._predict_on_fresh_folds(best), self._predict_on_fresh_folds(current)
            gain, low, high = gain_of(ours.log_likelihood, theirs.log_likelihood, len(tried) - 1, self._groups)
            check = {
                "setting": best.number,
                "log_likelihood": float(ours.log_likelihood.mean()),
                "accuracy": float(ours.right.mean()),
                "current_log_likelihood": float(theirs.log_likelihood.mean()),
                "current_accuracy": float(theirs.right.mean()),
                "gain": gain,
                "gain_low": low,
                "gain_high": high,
            }
            if low > 0 and ours.right.sum() >= theirs.right.sum():
                proposal = search_space.changes(self.config.learner, self._setting(best))
        rows = [self._row(trial) for trial in tried]
        order = {"complete": 0, "pruned": 1, "failed": 2}
        report = {
            "labels": self.n_labels,
            "folds": self.request.folds,
            "sampler": self.request.sampler,
            "space": {name: search_space.range_in_words(drawn_from) for name, drawn_from in self.space.items()},
            "learner": asdict(self.config.learner),
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            "trials": sorted(rows, key=lambda row: (order[row["state"]], -(row["log_likelihood"] or 0.0))),
            "check": check,
            "proposal": proposal,
        }
        return report | {"verdict": verdict(report)}

    @property
    def _groups(self) -> np.ndarray | None:
        return next(iter(self.tasks.values())).groups  # the labels are the same for all backbones

    def _effective(self, held: HeldOut) -> float:
        """The number of items by which the accuracy's interval is computed."""
        if self._groups is None:
            return len(held.right)
        return clusters.effective_mean(held.right, self._groups[held.rows])[1]

    def _row(self, trial: FrozenTrial) -> dict[str, Any]:
        right, n, share, *effective = trial.user_attrs.get("held_out", (0, 0, None))
        accuracy = estimate(right / n, effective[0] if effective else n) if n else None
        learner = self._setting(trial)
        levers = dict.fromkeys(name.partition(".")[0] for name in self.space if name != "backbone")
        return {
            "number": trial.number,
            "name": trial.user_attrs.get("baseline"),
            "state": {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}.get(trial.state, "failed"),
            "note": load(trial.user_attrs["note"]),
            "backbone": learner.backbone,
            "levers": {name: getattr(learner.finetune, name) for name in levers if learner.kind != "frozen"},
            "log_likelihood": trial.value,
            "accuracy": accuracy and accuracy.value,
            "low": accuracy and accuracy.low,
            "high": accuracy and accuracy.high,
            "items": n,
            "share": share,
            "seconds": trial.user_attrs["seconds"],
        }


def _encoder(task: LearningTask) -> Encoder:
    assert task.encoder is not None  # settings are searched for a backbone
    return task.encoder


def _mean(parts: list[HeldOut]) -> float:
    return float(np.concatenate([part.log_likelihood for part in parts]).mean())


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None  # every completed trial has one
    return trial.value
