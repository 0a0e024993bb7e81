"""Changes of a project's settings: listed, taken back, and the last good ones where `project.toml` cannot be read."""

from dataclasses import dataclass
from pathlib import Path

from labeler.core import settings_file
from labeler.core.actor import Actor, actor_of_process
from labeler.core.errors import ConfigError, ProjectError
from labeler.core.settings import Config
from labeler.core.settings_changes import DETAILS, Flat, class_of, flat, is_one_of, nested
from labeler.core.settings_parser import parse
from labeler.core.whole_files import write_whole
from labeler.projects.project import DATABASE, SETTINGS, Project
from labeler.store.audit import AuditRow
from labeler.store.erasure import ERASED
from labeler.store.settings_log import last_logged

# What going back leaves as it is: the labels belong to the classes, and a change of these has its own way back.
STAYS = ("classes", "modality", "answers")


@dataclass(frozen=True)
class LastGood:
    """The last good settings of a project whose file cannot be read, by whom they were saved, and when."""

    project: Project
    by: str
    at: str


def history(project: Project, most: int = -1) -> list[AuditRow]:
    """The changes of the settings, the latest first; those that somebody made in the file by hand are recorded first.

    Args: most: changes; −1: all.
    """
    with project.store() as store:
        project.notice_changes(store)
        return store.settings_log.history(most)


def settings_before(project: Project, row: int) -> Config:
    """The settings that going back to before a change gives: as they were, with the classes of today.

    Args:   row: the change's row in the audit log.
    Raises: ConfigError: there is no such change, or the settings of then do not go with the classes of today.
    """
    with project.store() as store:
        if row not in {change.id for change in store.settings_log.history()}:
            raise ConfigError("No change of the settings has the number {row}.", row=row)
        before = store.settings_log.before(row)
    return parse(nested(_with_todays_classes(before, project.config)), SETTINGS)


def go_back(project: Project, row: int) -> Project:
    """The project with the settings from before a change, which is a change of its own. The classes stay.

    Args:   row: the change's row in the audit log.
    Raises: as `settings_before` and `Project.save` do.
    """
    return project.save(settings_before(project, row), restored={"before": row})


def _with_todays_classes(before: Flat, today: Config) -> Flat:
    """The settings of then, without those that the program does not know any more, and with the classes of now."""
    present, classes_then = flat(today.as_dict()), before.get("classes", [])
    together: Flat = {name: value for name, value in present.items() if is_one_of(name, STAYS)}
    for name, value in before.items():
        if is_one_of(name, (DETAILS,)):
            if class_of(name) in today.classes:
                together[name] = value
        elif name == "team.leads":
            together[name] = [lead for lead in value if not lead.startswith(ERASED)]
        elif (name in present or is_one_of(name, ("learner.head_parameters",))) and name not in together:
            together[name] = value
    for name, value in present.items():  # classes that came later keep their details
        if is_one_of(name, (DETAILS,)) and class_of(name) not in classes_then:
            together[name] = value
    return together


def last_good(folder: Path, actor: Actor | None = None) -> LastGood | None:
    """The last settings that the log of a project knows; None if it knows none, or they are of a later program.

    Args: actor: who asks; by default who acts in this process.
    """
    logged = last_logged(folder / DATABASE)
    if logged is None:
        return None
    try:
        config = parse(logged.settings)
    except ConfigError:
        return None
    return LastGood(Project(folder, config, actor or actor_of_process()), logged.by, logged.at)


def put_back(good: LastGood) -> str:
    """The name of the file that the unreadable `project.toml` is kept in, once the last good settings stand there.

    Raises: ProjectError: the file can be read by now, or cannot be written.
    """
    project, path = good.project, good.project.folder / SETTINGS
    try:
        with project.store() as store, store.write():
            if _is_readable(path):
                raise ProjectError("{path} can be read again: somebody has mended it.", path=path)
            kept = _kept(path)
            store.settings_log.put_back(project.config.as_dict(), kept)
            write_whole(path, settings_file.to_toml(project.config))
    except OSError as error:
        raise ProjectError(
            "{path} cannot be written: {problem}.", path=path, problem=error.strerror or error
        ) from error
    return kept


def _is_readable(path: Path) -> bool:
    try:
        settings_file.load(path)
    except ConfigError:
        return False
    return True


def _kept(path: Path) -> str:
    """The name of a new copy of a file, which lies beside it."""
    number = 1
    while (copy := path.with_name(f"{path.stem}-unreadable-{number}{path.suffix}")).exists():
        number += 1
    write_whole(copy, path.read_bytes())
    return copy.name
