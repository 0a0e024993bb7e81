"""The Server page: processes, jobs of all projects, the disk, recent errors."""

import logging
from datetime import UTC, datetime

import pytest

from labeler.core.errors import UNEXPECTED, LabelerError
from labeler.core.logs import ErrorFile
from labeler.core.running import Board, ProcessState, moment
from labeler.files.disk import room, size
from labeler.i18n.messages import mark
from labeler.jobs import keeper
from labeler.jobs.attendance import Troubles
from labeler.jobs.following import Follower
from labeler.projects import standby
from labeler.projects.backup_settings import home_settings
from labeler.projects.project import Project
from labeler.store.background import Background
from labeler.store.workload import KINDS
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


@pytest.fixture
def busy(project: Project) -> Project:
    """A served project with a round that waits and one that failed; its worker was killed."""
    home = project.folder.parent
    since = "2026-11-27T15:00:00.000+00:00"
    processes = [
        ProcessState("app", 7, since),
        ProcessState("worker", 8, since, False, 3, "2026-11-27T15:20:00.000+00:00", "SIGKILL"),
    ]
    Board(home).show(processes)
    with project.store() as store:
        add(store, 2)
        store.rounds.request("now")
        store.rounds.fail(store.rounds.claim(), "The backbone is gone.")
        store.rounds.request("again")
    logger = logging.Logger("labeler.test")
    logger.addHandler(ErrorFile(home, "worker"))
    logger.error("it broke")
    return project


def test_the_page_says_what_runs_waits_and_went_wrong(busy: Project):
    app = visit("server")
    shown = everything(app)
    assert "ended 3 times without being asked to" in shown
    assert "killed from outside (SIGKILL)" in shown
    jobs, disk, errors = (table.value for table in app.dataframe)
    assert jobs[["project", "job", "state"]].values.tolist() == [[busy.config.name, "round", "is waiting"]]
    assert disk["project"].tolist() == [busy.config.name]
    assert [what.partition(" · ")[0] for what in errors["what"]] == ["it broke", "round 1: The backbone is gone."]
    assert errors["where"].tolist() == ["Worker", busy.config.name]


def test_a_project_that_the_worker_leaves_out_is_among_the_errors(project: Project):
    Troubles(project.folder.parent, "worker").note(project.folder, LabelerError("The disk is full."))
    errors = visit("server").dataframe[-1].value
    assert errors[["where", "what"]].values.tolist() == [[f"Worker · {project.folder.name}", "The disk is full."]]


def test_errors_in_the_table_show_no_signs_of_markdown(project: Project):
    with project.store() as store:
        store.rounds.request("now")
        store.rounds.fail(store.rounds.claim(), mark(UNEXPECTED, kind="OSError", error="[Errno 28] no_space"))
    (what,) = visit("server").dataframe[-1].value["what"]
    assert "OSError: [Errno 28] no_space." in what


def test_the_disk_of_a_home_that_is_not_made_yet_is_that_of_its_parent(tmp_path):
    assert room(tmp_path / "home" / "later").total == room(tmp_path).total


def test_jobs_of_every_kind_are_in_the_list(project: Project):
    with project.store() as store:
        tables = {jobs.table for jobs in vars(store).values() if isinstance(jobs, Background)}
    assert tables < {*KINDS.values()}


def test_the_page_says_that_nothing_trains_where_only_the_app_was_started(project: Project):
    shown = everything(visit("server"))
    assert "No `labeler serve` runs for this home" in shown
    assert "Nothing runs and nothing waits." in shown


def test_a_file_with_two_names_takes_its_room_once(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    alone = size(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert size(tmp_path) == alone >= 100_000


def test_progress_says_that_a_round_waits_for_a_worker_that_died(busy: Project):
    assert "The worker does not run at the moment" in everything(visit("progress"))


def test_the_pages_say_where_a_worker_that_serve_does_not_start_is_missing(project: Project):
    home = project.folder.parent
    Board(home).show([ProcessState("worker", 0, moment(), is_elsewhere=True)])
    with project.store() as store:
        add(store, 2)
        store.rounds.request("now")
    assert "not started by `labeler serve`" in everything(visit("server"))
    assert "The worker does not run at the moment" in everything(visit("progress"))


def test_the_page_shows_the_last_backup_its_check_and_what_is_damaged(project: Project):
    home = project.folder.parent
    Board(home).show([ProcessState("app", 7, moment())])
    shown = everything(visit("server"))
    assert "The first backup is being made." in shown
    with project.store() as store:
        add(store, 2)
    keeper.keep(home, True, datetime.now(UTC))
    app = visit("server")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Check"] == "verified"
    assert {"Last backup", "Size", "Next"} <= set(figures)
    assert "all are whole" in everything(app)
    widget(app, "button", "Back up now").click().run()
    assert keeper.is_asked(home)
    project.database.write_bytes(b"no database at all" * 400)
    keeper.keep(home, True, datetime.now(UTC))
    shown = everything(visit("server"))
    assert f"{project.slug}/labels.sqlite is damaged" in shown
    assert f"{project.slug} is not in the last backup" in shown


def test_the_page_says_what_the_standby_holds_and_what_keeps_it_from_going_on(project: Project, tmp_path):
    home = project.folder.parent
    standby.set_up(home, tmp_path / "second", every=2, lease=30)
    follower = Follower(home, home_settings(home).standby)
    follower.copy()
    assert "Holds everything until" in everything(visit("server"))
    (tmp_path / "second").rename(tmp_path / "away")
    follower.copy()
    follower.home_copy.close()
    assert "The standby is not up to date since" in everything(visit("server"))
