"""The checks of changed settings that take trying: whether the strategy fits the head, and whether the head works."""

import strategies
from labeler.core.errors import ConfigError
from labeler.core.setting_rules import check_strategy_of_head
from labeler.core.settings import Config
from labeler.projects.own_strategies import PAGE_SECONDS, own_strategies
from labeler.projects.project import Project
from strategies import modifiers

# Imports of labeler.experiments.check_learner are deferred: it is slow to load, and few changes are of a head.


def check_settings(project: Project, changed: Config) -> None:
    """Refuse settings with which no round could be run. A head that stays as it is was tried when it was chosen.

    Raises: ConfigError: says why.
    """
    before, after = project.config, changed
    if (before.query.strategy, before.learner.head) != (after.query.strategy, after.learner.head):
        with own_strategies(project, PAGE_SECONDS):
            registered = strategies.registered()
        name = modifiers.decompose(after.query.strategy)[1]
        if name not in registered and before.query.strategy != after.query.strategy:
            raise ConfigError(
                "There is no query strategy {name!r}: choose one of {names}.", name=name, names=", ".join(registered)
            )
        is_linear = name in registered and registered[name].linear
        check_strategy_of_head(after.query.strategy, is_linear, after.learner.head)
    if (before.learner.head, before.learner.head_parameters) != (after.learner.head, after.learner.head_parameters):
        from labeler.experiments.check_learner import refusal

        problem = refusal(after.learner, project.folder)
        if problem:
            raise ConfigError("{problem}", problem=problem)
