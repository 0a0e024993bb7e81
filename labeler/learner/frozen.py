"""The project's head on the frozen features alone: what audits, control arms and adaptations are measured with."""

from dataclasses import dataclass, field

from labeler.core.setting_rules import LINEAR
from labeler.core.settings import LearnerConfig
from labeler.learner.estimators import fit_estimator
from labeler.learner.heads import fit_heads
from labeler.learner.model import Model
from labeler.learner.task import LearningTask


@dataclass(frozen=True)
class FrozenHead:
    """The head of the settings without fine-tuning, and the seed of what is random in it and around it."""

    learner: LearnerConfig = field(default_factory=LearnerConfig)
    seed: int = 0

    @property
    def name(self) -> str:
        """The name of the head, as `learner.head`."""
        return self.learner.head

    def fit(self, task: LearningTask) -> Model:
        """The head, fitted to all labels of the task.

        Raises: TooFewClassesError: fewer than two classes among the labels. TrainingError: there is no such head, or it
                cannot be fitted.
        """
        if self.name == LINEAR:
            return fit_heads(task)
        return fit_estimator(task, self.name, self.learner.head_parameters, self.seed)
