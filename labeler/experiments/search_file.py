"""The file in which a search keeps what it tried: Optuna's journal, a line of JSON for each step."""

import os
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from labeler.core.errors import LabelerError

PRUNED_FROM = 5  # settings that are tried to the end before others are compared with their median


def open_study(path: Path) -> optuna.Study:
    """The study in a file, a new one if there is none. Nothing is unpickled.

    What a crash left half written is cut off, so at most the setting is lost that was being tried. Settings that are
    no better than the median after their first folds are not tried to the end.

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
    except Exception as error:  # whatever a line that is no record makes its replay raise
        raise LabelerError("{path} is damaged: delete it, and the search begins anew.", path=path) from error


def _cut_torn_line(path: Path) -> None:
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


class _HeldElsewhere(BaseJournalFileLock):
    """Whoever searches holds the project's lock already; a lock file of a dead process would hold up the next one."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass
