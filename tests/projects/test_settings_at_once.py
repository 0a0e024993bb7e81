"""Several people and processes save the settings of a project at once, and some are killed meanwhile."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labeler.core import whole_files
from labeler.core.actor import Actor
from labeler.core.errors import ConfigError, LabelerError, ProjectError
from labeler.core.settings import Config
from labeler.core.settings_changes import Clash, SettingsClashError
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.driver import sqlite3
from tests.support.samples import text_config

KIM, LEE = Actor("kim", "page"), Actor("lee", "page")
SAVES = 10
processes = multiprocessing.get_context("fork")  # which costs nothing; nothing here has threads


def more_budget(config: Config) -> Config:
    return replace(config, budget=config.budget + 1)


def more_batch(config: Config) -> Config:
    return replace(config, query=replace(config.query, batch=config.query.batch + 1))


def save_often(folder: Path, change: Callable[[Config], Config]) -> None:
    for _ in range(SAVES):
        project = projects.open_project(folder)
        project.save(change(project.config))


def test_of_two_processes_that_save_at_once_none_fails_and_no_change_is_lost(project: Project):
    """Each has its own setting, opens the project before each save, and a reader looks all the while."""
    savers = [processes.Process(target=save_often, args=(project.folder, c)) for c in (more_budget, more_batch)]
    for saver in savers:
        saver.start()
    reads = 0
    while any(saver.is_alive() for saver in savers):
        projects.settings_file.load(project.folder / projects.SETTINGS)
        reads += 1
        savers[0].join(0.005)
    assert [saver.exitcode for saver in savers] == [0, 0]
    config = projects.open_project(project.folder).config
    assert (config.budget, config.query.batch) == (
        project.config.budget + SAVES,
        project.config.query.batch + SAVES,
    )
    assert reads > SAVES
    assert not list(project.folder.glob(f"*{whole_files.PART}"))
    with project.store() as store:
        assert len(store.settings_log.history()) == 2 * SAVES
        assert store.audit.verify().holds


def kill_itself(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def write_and_be_killed(path: Path, text: str) -> None:
    whole_files.write_whole(path, text)
    kill_itself()


@pytest.mark.parametrize(("writes", "budget"), [(kill_itself, 1000), (write_and_be_killed, 77)])
def test_a_process_killed_while_it_saves_leaves_readable_settings_and_no_lock(
    project: Project, monkeypatch: pytest.MonkeyPatch, writes: Callable[..., None], budget: int
):
    monkeypatch.setattr(projects, "write_whole", writes)
    saver = processes.Process(target=project.save, args=(replace(project.config, budget=77),))
    saver.start()
    saver.join()
    assert saver.exitcode == -signal.SIGKILL
    monkeypatch.undo()
    opened = projects.open_project(project.folder)
    assert opened.config.budget == (budget if budget == 77 else project.config.budget)
    opened.save(replace(opened.config, target_accuracy=0.5))
    with opened.store() as store:
        changes = [row.after for row in store.settings_log.history()]
    assert changes == [{"target_accuracy": 0.5}, *([{"budget": 77}] if budget == 77 else [])]


def test_the_second_of_two_people_keeps_what_the_first_has_saved(project: Project):
    kim, lee = replace(project, actor=KIM), replace(project, actor=LEE)
    kim.save(replace(project.config, budget=77))
    saved = lee.save(replace(project.config, target_accuracy=0.5))
    assert (saved.config.budget, saved.config.target_accuracy) == (77, 0.5)
    assert projects.open_project(project.folder).config == saved.config


def test_the_second_of_two_people_is_told_what_both_changed_and_nothing_is_saved(project: Project):
    replace(project, actor=KIM).save(replace(project.config, budget=77))
    lee = replace(project, actor=LEE)
    with pytest.raises(SettingsClashError, match=r"meanwhile: budget = 77\. Nothing was saved") as refused:
        lee.save(replace(project.config, budget=78, target_accuracy=0.5))
    (clash,) = refused.value.clashes
    assert replace(clash, at="") == Clash("budget", project.config.budget, 77, 78, "kim")
    assert projects.open_project(project.folder).config == replace(project.config, budget=77)


def test_the_same_change_by_two_people_is_no_clash(project: Project):
    project.save(replace(project.config, budget=77))
    assert project.save(replace(project.config, budget=77)).config.budget == 77


def test_a_change_by_hand_counts_as_somebody_elses(project: Project):
    path = project.folder / projects.SETTINGS
    text = path.read_text().replace(f"budget = {project.config.budget}", "budget = 12  # until May")
    path.write_text(text)
    saved = project.save(replace(project.config, target_accuracy=0.5))
    assert saved.config.budget == 12
    assert "budget = 12  # until May" in path.read_text()
    with pytest.raises(SettingsClashError) as refused:
        project.save(replace(project.config, budget=78))
    assert refused.value.clashes[0].by == ""


def test_changes_that_contradict_each_other_are_a_clash(project: Project):
    learner = project.config.learner
    project.save(replace(project.config, learner=replace(learner, kind="finetune")))
    with pytest.raises(SettingsClashError, match=r"learner\.head = 'linear'"):
        project.save(replace(project.config, learner=replace(learner, head="svm")))


def test_a_file_that_cannot_be_read_is_not_written_over(project: Project):
    path = project.folder / projects.SETTINGS
    path.write_text(torn := path.read_text() + "\nbudget = = 3\n")
    with pytest.raises(ConfigError, match="line "):
        project.save(replace(project.config, budget=77))
    assert path.read_text() == torn


def test_a_save_waits_for_another_process_for_a_while_and_then_says_so(project: Project, store: Store):
    store.db.execute("PRAGMA busy_timeout = 20")
    with sqlite3.connect(project.database, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProjectError, match="another process has been writing"):
            project.save(replace(project.config, budget=77), store)
        other.rollback()
    assert project.save(replace(project.config, budget=77), store).config.budget == 77


def create(folder: Path, name: str, outcome: multiprocessing.Queue) -> None:
    try:
        projects.create(folder, text_config(name=name))
        outcome.put(name)
    except LabelerError as error:
        outcome.put(str(error))


def test_of_two_people_who_create_one_project_at_once_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    barrier, outcome, writes = processes.Barrier(2), processes.Queue(), projects.write_new

    def write_at_once(path: Path, text: str) -> None:
        barrier.wait(30)
        writes(path, text)

    monkeypatch.setattr(projects, "write_new", write_at_once)
    makers = [processes.Process(target=create, args=(tmp_path / "new", name, outcome)) for name in ("a", "b")]
    for maker in makers:
        maker.start()
    outcomes = sorted((outcome.get(timeout=60) for _ in makers), key=len)
    for maker in makers:
        maker.join()
    assert outcomes[1].endswith("is already a project: choose another folder, or import into this one.")
    assert projects.open_project(tmp_path / "new").config.name == outcomes[0]
