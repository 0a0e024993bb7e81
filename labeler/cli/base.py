"""What all commands share: the group with its errors, progress bars, common options."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from tqdm import tqdm

import strategies
from labeler.access.users import local_user
from labeler.core.actor import Actor, act_as, actor_of_process
from labeler.core.errors import LabelerError
from labeler.core.items import Modality, Progress
from labeler.core.logs import set_up
from labeler.projects.private_files import UMASK

if TYPE_CHECKING:
    from labeler.notebook.project import Project

FOLDER = click.Path(path_type=Path, file_okay=False)
ANY_PATH = click.Path(path_type=Path)
MODALITY = click.Choice(get_args(Modality))


class Refusal(click.ClickException):
    """An error as one sentence on the terminal, with exit code 2."""

    exit_code = 2


class Group(click.Group):
    """Commands, listed in the order of a first use; their errors end as one sentence."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        before, mask = actor_of_process(), os.umask(UMASK)
        act_as(Actor(local_user().name, "command"))
        try:
            return super().invoke(context)
        except (LabelerError, strategies.StrategyError) as error:
            raise Refusal(str(error)) from error
        except BrokenPipeError:  # the program that reads the output, e.g. `head`, has ended
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise Refusal(f"{where}{error.strerror or error}.") from error
        finally:
            act_as(before)
            os.umask(mask)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Label the few items that teach the model most."""
    set_up(sys.argv[1] if sys.argv[1:] else "labeler")


def of_project(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the argument PROJECT, in a folder or on a server: it gets the project, with the same methods for
    both.
    """

    @click.argument("project")
    @click.option(
        "--server", metavar="URL", help="Address of the server where PROJECT is, such as https://labels.example.org."
    )
    @click.option("--token", envvar="LABELER_TOKEN", help="API token for the server; that of LABELER_TOKEN by default.")
    @wraps(command)
    def at_place(project: str, server: str | None, token: str | None, **options: object) -> None:
        command(project_at(project, server, token), **options)

    return at_place


def project_at(place: str, server: str | None, token: str | None) -> "Project":
    """The project in a folder, at an address, or with this name on a server."""
    # deferred: pandas is slow to load, and `--help` should not wait for it
    from labeler.notebook.project import Project

    return Project(f"{server.rstrip('/')}/{place}" if server else place, token)


def counted(n: int, noun: str) -> str:
    """So many of something, as `1 item` and `2 items`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


@contextmanager
def bar(title: str, unit: str = "") -> Iterator[Progress]:
    """A function that moves a progress bar on the terminal's error stream.

    Args: title: the step. unit: what is counted.
    """
    with tqdm(desc=title, unit=unit, disable=None, file=sys.stderr, leave=False) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def of_columns(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for the columns of a table."""
    for option in (
        click.option(
            "--group-column",
            metavar="G",
            help="Column of groups, such as patients: each is wholly in pool or holdout. Of images also `folder`.",
        ),
        click.option("--split-column", metavar="S", help="Column that marks the holdout with `test` or `holdout`."),
        click.option("--label-column", metavar="L", help="Column of known labels."),
        click.option("--image-column", metavar="F", help="Column of image paths, relative to the table."),
        click.option("--text-column", metavar="T", help="Column of texts."),
    ):
        command = option(command)
    return command
