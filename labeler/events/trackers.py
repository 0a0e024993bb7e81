"""The trackers of experiments that a project may have, each with the file that writes to it."""

from collections.abc import Mapping

from labeler.core.errors import LabelerError
from labeler.core.events import Tracker
from labeler.events import to_mlflow, to_tensorboard, to_wandb
from labeler.events.run_facts import RunFacts, TrackRound

NAMES: Mapping[Tracker, str] = {"mlflow": "MLflow", "wandb": "Weights & Biases", "tensorboard": "TensorBoard"}
_TRACK: Mapping[Tracker, TrackRound] = {
    "mlflow": to_mlflow.track_round,
    "wandb": to_wandb.track_round,
    "tensorboard": to_tensorboard.track_round,
}


class TrackerError(LabelerError):
    """A tracker took no round."""


def track(tracker: Tracker, facts: RunFacts) -> None:
    """Add a round to the run of its project in a tracker.

    Raises: TrackerError: its package is not installed, or it took no round.
    """
    try:
        _TRACK[tracker](facts)
    except ImportError as error:
        raise TrackerError(
            '{tracker} is not installed ({error}): pip install "labeler[tracking]".',
            tracker=NAMES[tracker],
            error=error,
        ) from error
    except Exception as error:  # of somebody else's code, over somebody else's network
        reason = f"{type(error).__name__}: {error}"[:500]
        raise TrackerError("{tracker} took no round: {error}", tracker=NAMES[tracker], error=reason) from error
