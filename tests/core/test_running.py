"""Which processes serve a home, as the page of the server reads it."""

import os
import time

from labeler.core.running import FOLDER, SILENT_AFTER, Board, ProcessState, moment, running

WORKER = ProcessState("worker", 7, "2026-11-27T15:00:00.000+00:00")


def test_nothing_runs_where_serve_does_not(tmp_path):
    assert running(tmp_path) is None


def test_a_process_that_ended_is_told_from_one_that_runs(tmp_path):
    board = Board(tmp_path)
    board.show([WORKER])
    assert running(tmp_path).is_working("worker")
    board.show([ProcessState("worker", 7, WORKER.since, False, 1, moment(), "SIGKILL")])
    here = running(tmp_path)
    assert [here.condition(process) for process in here.processes] == ["ended"]
    assert here.processes[0].ended_how == "SIGKILL"


def test_a_process_that_stopped_giving_signs_of_life_is_silent(tmp_path):
    Board(tmp_path).show([WORKER])
    sign = tmp_path / FOLDER / "worker"
    sign.touch()
    assert running(tmp_path).condition(WORKER) == "running"
    os.utime(sign, (time.time() - SILENT_AFTER - 1,) * 2)
    assert running(tmp_path).condition(WORKER) == "silent"


def test_a_process_that_runs_elsewhere_is_silent_until_it_gives_a_sign_of_life(tmp_path):
    elsewhere = ProcessState("worker", 0, moment(), is_elsewhere=True)
    Board(tmp_path).show([elsewhere])
    assert running(tmp_path).condition(elsewhere) == "silent"
    (tmp_path / FOLDER / "worker").touch()
    assert running(tmp_path).is_working("worker")


def test_nothing_is_running_once_serve_itself_is_gone(tmp_path):
    board = Board(tmp_path)
    board.show([WORKER])
    os.utime(board.path, (time.time() - SILENT_AFTER - 1,) * 2)
    here = running(tmp_path)
    assert not here.is_served
    assert here.condition(WORKER) == "ended"


def test_the_file_goes_when_serve_ends_in_order(tmp_path):
    board = Board(tmp_path)
    board.show([WORKER])
    board.take_down()
    assert running(tmp_path) is None


def test_a_disk_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / FOLDER).write_text("a file in the folder's place")
    Board(tmp_path).show([WORKER])
    assert running(tmp_path) is None
