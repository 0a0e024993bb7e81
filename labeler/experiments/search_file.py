"""The file of a search's trials: Optuna's journal, a line of JSON for each step."""

import os
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from labeler.core.errors import LabelerError

PRUNED_FROM = 5  # finished settings before others are pruned by the median


def open_study(path: Path) -> optuna.Study:
    """The study in the file, or a new one. Nothing is unpickled.

    A line that a crash left half written is removed, so at most the setting being tried is lost. Settings that are no
    better than the median after their first folds are pruned.

    Raises: LabelerError: the file is damaged.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_torn_line(path)
    try:
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path), _HeldElsewhere())),
            study_name="search",
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=PRUNED_FROM),
            load_if_exists=True,
        )
    except Exception as error:  # replaying a line that is no record can raise anything
        raise LabelerError("{path} is damaged: delete it, and the search begins anew.", path=path) from error


def _cut_torn_line(path: Path) -> None:
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


class _HeldElsewhere(BaseJournalFileLock):
    """A lock that does nothing, since the project's lock is held already.

    A real one would leave a lock file behind when its process dies, and block the next search.
    """

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass
