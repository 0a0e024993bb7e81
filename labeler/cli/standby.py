"""Commands for the standby of a home: where it is, how it is, and taking over."""

import signal
import threading
from pathlib import Path

import click

from labeler.cli.base import ANY_PATH, FOLDER, main
from labeler.core.processes import end_with_starter
from labeler.core.running import give_signs_of_life
from labeler.i18n.messages import load

# Imports of labeler are deferred: pandas and numpy are slow to load, and `--help` should not wait for them.


@main.command()
@click.argument("home", type=FOLDER)
@click.option("--to", "folder", type=ANY_PATH, help="Folder of the standby, on another host's disk.")
@click.option(
    "--every", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, help="Seconds between two copies."
)
@click.option(
    "--lease",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="Seconds without reaching the standby after which no answer is stored, so that two servers never store"
    " answers for one home; 0: never.",
)
@click.option("--none", "ends", is_flag=True, help="Have no standby any more.")
def standby(home: Path, folder: Path | None, every: float, lease: float, ends: bool) -> None:
    """Let `serve` copy HOME to a standby every few seconds; without options, say how the copy is."""
    from labeler.jobs.following import following
    from labeler.projects import standby as standbys

    if ends:
        standbys.end(home)
        click.echo(f"{home} has no standby any more; the copy stays where it is.")
        return
    if folder is not None:
        standbys.set_up(home, folder, every, lease)
        click.echo(f"`labeler serve` copies {home} to {folder} every {every:g} s; `labeler take-over {folder}` there.")
        return
    state = following(home)
    if state is None:
        click.echo(f"{home} has no standby that `labeler serve` copies to.")
    elif state.problem:
        click.echo(f"{state.to} holds what was stored until {state.holds or 'never'}: {load(state.problem)}")
    else:
        click.echo(f"{state.to} holds what was stored until {state.holds}; {state.seconds} s for the last copy.")


@main.command()
@click.argument("folder", type=FOLDER)
@click.option("--first-is-off", is_flag=True, help="Do not wait: you know that the first server is off.")
def take_over(folder: Path, first_is_off: bool) -> None:
    """Make the copy in the standby's FOLDER the home, once the first server stores nothing any more."""
    from labeler.projects import standby as standbys

    there = standbys.read(folder)
    if not first_is_off:
        seconds = there.lease + standbys.MARGIN
        click.echo(f"Looking for {seconds:.0f} s whether {there.of} is alive.", err=True)
        if not there.lease:
            click.echo("Its server was let to go on without the standby: make sure that it is off.", err=True)
    taken = standbys.take_over(folder, watches=not first_is_off)
    click.echo(f"{taken.home} has everything that was stored until {taken.holds}, and perhaps more.")
    for name, latest in taken.latest.items():
        click.echo(f"  {name}: {latest}")
    for name, problem in taken.problems.items():
        click.echo(f"  {name} is damaged: {problem}", err=True)
    click.echo(f"labeler serve {taken.home}")
    raise SystemExit(1 if taken.problems else 0)


@main.command(hidden=True)
@click.argument("home", type=FOLDER)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def follow(home: Path, with_parent: bool) -> None:
    """Copy HOME to its standby until it is stopped; `serve` starts this process."""
    from labeler.core.logs import keep_problems
    from labeler.jobs.following import follow as follow_home

    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    give_signs_of_life(home, "standby")
    keep_problems(home, "standby")
    if with_parent:
        end_with_starter()
    follow_home(home, ending.is_set)
