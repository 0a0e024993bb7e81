"""A check of everything that a home or project holds: what is broken is set aside, and said with what it costs.

What can be computed again is left to the next round; an image or model that a backup has is taken from there.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labeler.backbones.features import feature_files
from labeler.core.errors import DatabaseError, LabelerError, StoreError
from labeler.core.file_copies import copy, sha256
from labeler.core.items import Progress
from labeler.files.addresses import is_address
from labeler.learner.saved_models import normalizer_of
from labeler.projects import backup_settings, backups, unreadable
from labeler.projects import project as projects
from labeler.projects.backups import Backup
from labeler.projects.project import Project
from labeler.store import copies

BROKEN = "broken"  # folder of a project: what was set aside, under the paths that it had
INDEX_SIGNS = ("missing from index", "wrong # of entries in index", "non-unique entry in index")
CHUNK = 1 << 20  # values of features that are looked at together


@dataclass(frozen=True)
class Finding:
    """Something that is broken. costs: what does not work without it; todo: what is left to do, "" for nothing."""

    what: str
    costs: str
    todo: str = ""
    aside: Path | None = None


@dataclass(frozen=True)
class Checkup:
    """What a check found. looked_at: how many of each kind."""

    findings: list[Finding]
    looked_at: dict[str, int] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether nothing is left for a person to do."""
        return not any(finding.todo for finding in self.findings)


def check(folder: Path, on_progress: Progress | None = None) -> dict[Path, Checkup]:
    """What is broken in a project, or in each project of a home and in its accounts, by folder.

    Raises: LabelerError: the folder is neither.
    """
    folder = folder.resolve()
    found = projects.in_home(folder)
    if not found:
        raise LabelerError("{folder} is neither a project nor a folder of projects.", folder=folder)
    checkups = {}
    for number, project in enumerate(found, 1):
        checkups[project] = check_project(project)
        if on_progress:
            on_progress(number, len(found))
    accounts = folder / "accounts.sqlite"
    if accounts.exists():
        wrong = copies.problems(accounts, thorough=True)
        costs, todo = "nobody can log in while it cannot be read", f"restore accounts.sqlite: {_how(folder, folder)}"
        findings = [Finding(f"accounts.sqlite is damaged: {wrong[0]}", costs, todo)] if wrong else []
        checkups[folder] = Checkup(findings, {"databases": 1})
    return checkups


def check_project(folder: Path) -> Checkup:
    """What is broken in one project; what can be is set aside or mended."""
    database = [*_database(folder)]
    if any(finding.todo for finding in database):  # nothing else can be asked without it
        return Checkup(database, {"databases": 1})
    try:
        project = projects.open_project(folder)
        with project.store() as store:
            named = [path for path, _accuracy in store.rounds.models()]
            media = store.items.counts().pool + store.items.counts().holdout
    except (LabelerError, DatabaseError) as error:
        return Checkup([*database, Finding(str(error), "the project cannot be opened", "see the sentence")])
    findings = [*database, *_images(project), *_models(project, named), *_features(project)]
    images = media if project.config.modality == "image" else 0
    models = len([*project.models.glob("*.safetensors")])
    return Checkup(findings, {"databases": 1, "images": images, "models": models})


def _database(folder: Path) -> Iterator[Finding]:
    path = folder / "labels.sqlite"
    if not path.exists() or not path.stat().st_size:
        yield Finding(
            "labels.sqlite is missing or empty", "all labels", f"do not open the project; {_how(folder.parent, folder)}"
        )
        return
    wrong = copies.problems(path, thorough=True)
    if not wrong:
        return
    if all(any(sign in problem for sign in INDEX_SIGNS) for problem in wrong) and copies.rebuild_indexes(path):
        yield Finding(f"an index of labels.sqlite was wrong ({wrong[0]})", "nothing: it was computed anew")
        return
    rescued = folder / BROKEN / "answers.jsonl"
    counts = copies.rescue(path, rescued)
    back = f"; then `labeler restore-answers {folder} FILE` with this file puts them back" if counts else ""
    answers, decisions = counts.get("annotations", 0), counts.get("adjudications", 0)
    yield Finding(
        f"labels.sqlite is damaged ({wrong[0]})",
        f"the project cannot be worked on; of the answers {answers} can be read, of the decisions {decisions}, in"
        f" {rescued.relative_to(folder)}",
        _how(folder.parent, folder) + back,
    )


def _images(project: Project) -> Iterator[Finding]:
    """Images that cannot be read: taken from a backup, else their items are set aside."""
    if project.config.modality != "image":
        return
    with project.store() as store:
        try:
            unreadable.set_aside(project, store)
        except StoreError as error:
            yield Finding(str(error), "images that are not on this machine", "run this again once the store answers")
            return
        waiting = store.set_aside.all()
        for item in waiting:
            if is_address(item.media):
                yield Finding(
                    f"{item.media} cannot be read: {item.reason}",
                    "its item is not asked, and not used in rounds; its answers stay",
                    "put the object back, or import it from where it is now, then run this again",
                )
                continue
            copied = _from_backup(project.folder, item.media)
            if copied:
                yield Finding(f"{item.media} could not be read", f"nothing: it was taken from {copied.folder.name}")
            else:
                yield Finding(
                    f"{item.media} ({item.source}) cannot be read: {item.reason}",
                    "its item is not asked, and not used in rounds; its answers stay",
                    f"put the file back under {project.folder / item.media}, then run this again",
                )
        unreadable.bring_back(project, store)


def _models(project: Project, named: list[str]) -> Iterator[Finding]:
    """Models that cannot be read are set aside; those that rounds name and that are gone were pruned."""
    for path in sorted(project.models.glob("*.safetensors")):
        try:
            normalizer_of(path)
        except LabelerError as error:
            name = path.relative_to(project.folder).as_posix()
            aside = _set_aside(project.folder, path)
            copied = _from_backup(project.folder, name)
            if copied:
                yield Finding(f"{name} could not be read", f"nothing: it was taken from {copied.folder.name}")
            elif named and name == named[-1]:
                with project.store() as store:
                    store.rounds.request("retrain now")
                yield Finding(str(error), "no predictions until the round that was asked for has ended", aside=aside)
            else:
                yield Finding(str(error), "predictions by this round's model alone; its figures stay", aside=aside)


def _features(project: Project) -> Iterator[Finding]:
    """Files of features with values that are no numbers are set aside: the next round computes them anew."""
    for file in feature_files(project.embeddings):
        if _are_numbers(file.rows_path, file.dtype):
            continue
        name = file.rows_path.relative_to(project.folder).as_posix()
        aside = _set_aside(project.folder, file.rows_path)
        file.keys_path.unlink()
        yield Finding(f"{name} is damaged", "time: the next round computes these features anew", aside=aside)


def _are_numbers(path: Path, dtype: np.dtype) -> bool:
    whole = path.stat().st_size // dtype.itemsize
    if not whole:
        return True
    values = np.memmap(path, dtype=dtype, mode="r", shape=(whole,))
    return all(np.isfinite(values[start : start + CHUNK]).all() for start in range(0, whole, CHUNK))


def _set_aside(folder: Path, path: Path) -> Path:
    target = folder / BROKEN / path.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    return target


def _backups_with(folder: Path) -> Iterator[tuple[Backup, str]]:
    """The backups that hold a project, the newest first, with what stands before its paths there."""
    home = folder.parent
    made = [(backup, "") for backup in backups.every(backups.default_place(folder), folder.name)]
    made += [(backup, f"{folder.name}/") for backup in backups.every(backup_settings.place(home), home.name)]
    yield from sorted(made, key=lambda pair: pair[0].manifest.made_at, reverse=True)


def _from_backup(folder: Path, name: str) -> Backup | None:
    """The backup from which a file of a project was taken; None where no backup has it whole."""
    for backup, prefix in _backups_with(folder):
        for file in backup.manifest.files:
            source = backup.folder / backups.FILES / file.path
            if file.path == prefix + name and source.is_file() and sha256(source) == file.sha256:
                if (folder / name).exists():
                    if (folder / name).samefile(source):  # a link: the same bytes are broken
                        continue
                    _set_aside(folder, folder / name)
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                copy(source, folder / name)
                return backup
    return None


def _how(home: Path, folder: Path) -> str:
    """How the last backup is restored."""
    pairs = [(backup, prefix) for backup, prefix in _backups_with(folder)] if folder != home else []
    if folder == home and (last := backups.latest(backup_settings.place(home), home.name)):
        pairs = [(last, "")]
    for backup, prefix in pairs:
        if not prefix or any(file.path.startswith(prefix) for file in backup.manifest.files):
            command = backups.command(backup, folder, folder.name if prefix else "")
            return f"stop the server, move {folder} away, and run `{command}`"
    return "there is no backup of it: keep the file, and ask somebody who knows SQLite's `.recover`"
