"""The settings of a home, `home.toml`: its backups and its standby; which backups are due and which too many."""

import shutil
import tomllib
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from annotated_types import Interval
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from labeler.core.errors import ConfigError
from labeler.projects import backups
from labeler.projects.backups import Backup

FILE = "home.toml"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class BackupSettings:
    """When `serve` backs a home up. every: hours between two backups, 0 for none; where: their folder, `.backups` in
    the home by default; keep: days after which the last backups but one are deleted.
    """

    every: Annotated[float, Interval(ge=0, le=8760)] = 24.0
    where: str = ""
    keep: Annotated[float, Interval(ge=1, le=36_500)] = 30.0


@dataclass(frozen=True, config=_STRICT)
class StandbySettings:
    """Where `serve` copies a home continuously. to: the standby's folder, none by default; every: seconds between two
    copies; lease: seconds without reaching the standby after which no answer is stored, 0 for never.
    """

    to: str = ""
    every: Annotated[float, Interval(ge=0.2, le=3600)] = 2.0
    lease: Annotated[float, Interval(ge=0, le=3600)] = 30.0


@dataclass(frozen=True, config=_STRICT)
class HomeSettings:
    """The settings of a home as a whole."""

    backup: BackupSettings = field(default_factory=BackupSettings)
    standby: StandbySettings = field(default_factory=StandbySettings)


_ADAPTER = TypeAdapter(HomeSettings)


def home_settings(home: Path) -> HomeSettings:
    """The settings in a home's `home.toml`; the defaults without the file.

    Raises: ConfigError: the file is not TOML, or a setting is wrong.
    """
    path = home / FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return HomeSettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("{path} is not valid TOML: {error}.", path=path, error=error) from None
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(
            "{path}: the setting {name!r} is wrong: {problem}", path=path, name=name, problem=problem["msg"]
        ) from None


def place(home: Path) -> Path:
    """The folder of a home's backups."""
    where = home_settings(home).backup.where
    return (home / where).resolve() if where else backups.default_place(home)


def next_at(home: Path, now: datetime) -> datetime | None:
    """When the next backup is due, which may be past; None where the settings ask for none."""
    settings = home_settings(home).backup
    if not settings.every:
        return None
    last = backups.latest(place(home), home.resolve().name)
    return last.made_at + timedelta(hours=settings.every) if last else now


def thin(home: Path, now: datetime) -> list[Path]:
    """Delete the backups that are too many; the folders of these."""
    settings = home_settings(home).backup
    too_many = superfluous(backups.every(place(home), home.resolve().name), now, settings.keep)
    for backup in too_many:
        # the manifest goes first: what is half deleted is no backup
        (backup.folder / backups.MANIFEST).unlink()
        shutil.rmtree(backup.folder)
    return [backup.folder for backup in too_many]


def superfluous(made: list[Backup], now: datetime, keep: float) -> list[Backup]:
    """The backups that may go: of the last day all stay, of the last week one a day, before that one a week, and none
    that is older than `keep` days. The last backup that is whole stays in any case, and the last of all.

    Args: made: the oldest first.
    """
    staying = {backup.folder for backup in ([b for b in made if b.is_whole][-1:] + made[-1:])}
    periods: dict[tuple[str, int], Backup] = {}
    for backup in made:  # the last one of each day or week
        age = now - backup.made_at
        if age <= timedelta(days=1):
            staying.add(backup.folder)
        elif age <= timedelta(days=keep):
            day = backup.made_at.toordinal()
            periods[("day", day) if age <= timedelta(days=7) else ("week", day // 7)] = backup
    staying |= {backup.folder for backup in periods.values()}
    return [backup for backup in made if backup.folder not in staying]
