"""The changes of the settings: who changed what, the way back, and the last good ones where the file is torn."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from labeler.cli import main
from labeler.core.actor import Actor
from labeler.core.class_changes import ClassChange
from labeler.core.errors import ConfigError, ProjectError
from labeler.core.settings import ClassDetail
from labeler.cycle.class_changes import change_classes
from labeler.models.erasure import erase_person
from labeler.projects import people, settings_history
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.report.sentences.settings import changes_in_words

KIM, LEE = Actor("kim", "page"), Actor("lee", "page")
TORN = 'name = "reviews"\nclasses = ["good", "bad"\nbudget = 3\n'


@pytest.fixture
def changed(project: Project) -> Project:
    """A project whose budget Kim has changed, and then Lee together with its target."""
    project = replace(project, actor=KIM).save(replace(project.config, budget=77))
    return replace(project, actor=LEE).save(replace(project.config, budget=78, target_accuracy=0.5))


def by_hand(project: Project, old: str, new: str) -> None:
    path = project.folder / projects.SETTINGS
    path.write_text(path.read_text().replace(old, new))


def test_the_history_says_who_changed_what_the_latest_first(changed: Project):
    by_hand(changed, "budget = 78", "budget = 12")
    opened = projects.open_project(changed.folder)
    rows = settings_history.history(opened)
    assert [(row.by, changes_in_words(row)) for row in rows] == [
        ("", "Budget (answers in all): 78 → 12"),
        ("lee", "Budget (answers in all): 77 → 78; Target accuracy: 90% → 50%"),
        ("kim", "Budget (answers in all): 1,000 → 77"),
    ]
    assert len(settings_history.history(opened, most=2)) == 2
    assert settings_history.history(opened) == rows


def test_going_back_is_a_change_that_can_be_taken_back(changed: Project):
    latest, first = settings_history.history(changed)
    back = settings_history.go_back(changed, first.id)
    assert (back.config.budget, back.config.target_accuracy) == (1000, 0.9)
    row = settings_history.history(back)[0]
    assert (row.action, row.by, row.what) == ("settings restored", "lee", {"before": first.id})
    again = settings_history.go_back(back, row.id)
    assert again.config == changed.config
    assert settings_history.go_back(again, latest.id).config.budget == 77


def test_a_number_that_is_no_change_is_refused(changed: Project):
    with pytest.raises(ConfigError, match="No change of the settings has the number 1"):
        settings_history.go_back(changed, 1)


def test_going_back_leaves_the_classes_as_they_are(project: Project):
    details = {"good": ClassDetail("1"), "bad": ClassDetail("2", colour="#112233")}
    project = project.save(replace(project.config, class_details=details))
    project = project.save(replace(project.config, budget=77))
    project = change_classes(project, ClassChange("rename", ("bad",), ("poor",)), "kim")[0]
    row = next(row for row in settings_history.history(project) if row.after == {"budget": 77})
    back = settings_history.go_back(project, row.id).config
    assert (back.classes, back.budget) == (("good", "poor"), 1000)
    assert back.class_details == project.config.class_details


def test_nobody_who_was_erased_leads_again(project: Project):
    for leads in (("kim", "lee"), ("lee",)):
        project = project.save(replace(project.config, team=replace(project.config.team, leads=leads)))
    row = settings_history.history(project)[0]
    with project.store() as store:
        store.team.assign("kim", "", [])
    erase_person(project, "kim", notes=False)
    assert settings_history.go_back(project, row.id).config.team.leads == ("lee",)


def test_settings_that_came_with_a_later_program_are_no_change(project: Project):
    with project.store() as store, store.write():
        store.db.execute("UPDATE logged_settings SET settings = json_remove(settings, '$.labeling.relabel')")
    assert settings_history.history(project) == []


# ---------------------------------------------------------------- a torn file


def test_the_last_good_settings_stand_in_for_a_file_that_cannot_be_read(changed: Project):
    path = changed.folder / projects.SETTINGS
    path.write_text(TORN)
    with pytest.raises(ConfigError, match="line 3"):
        projects.open_project(changed.folder)
    good = settings_history.last_good(changed.folder, KIM)
    assert good is not None
    assert (good.project.config, good.by) == (changed.config, "lee")
    kept = settings_history.put_back(good)
    assert (changed.folder / kept).read_text() == TORN
    assert projects.open_project(changed.folder).config == changed.config
    row = settings_history.history(changed)[0]
    assert (row.action, row.by, row.what) == ("settings restored", "kim", {"kept": kept})
    with pytest.raises(ProjectError, match="can be read again"):
        settings_history.put_back(good)


def test_who_works_in_a_project_still_sees_it_while_its_settings_cannot_be_read(changed: Project):
    uid = changed.uid
    (changed.folder / projects.SETTINGS).write_text(TORN)
    assert people.uids(changed.folder.parent) == {changed.slug: uid}
    changed.database.unlink()
    assert people.uids(changed.folder.parent) == {}


def test_a_project_without_a_log_has_no_last_good_settings(project: Project):
    with project.store() as store, store.write():
        store.db.execute("DELETE FROM logged_settings")
    assert settings_history.last_good(project.folder) is None
    project.database.unlink()
    assert settings_history.last_good(project.folder) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("budget = 0", "line 4: budget = 0 is out of range"),
        ("budget = 'much'", "line 4: budget = 'much' must be a whole number"),
        ("[query]\nbach = 3", "line 5: unknown key 'query.bach'"),
        ("[class_details.best]\nkey = '1'", "line 4: class_details.best: 'best' is not one of the classes"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(project: Project, line: str, problem: str):
    path = project.folder / projects.SETTINGS
    path.write_text(f'# Ask Kim.\nname = "x"\nclasses = ["good", "bad"]\n{line}\n')
    with pytest.raises(ConfigError) as wrong:
        projects.open_project(project.folder)
    assert problem in str(wrong.value)
    assert str(path) in str(wrong.value)


# ---------------------------------------------------------------- the command line


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["settings", *map(str, arguments)])
    return result.exit_code, result.output


def test_commands_list_the_changes_and_go_back(changed: Project):
    code, listed = command("history", changed.folder)
    assert code == 0
    number = listed.splitlines()[1].split()[0]
    assert listed.splitlines()[1].endswith("kim  Budget (answers in all): 1,000 → 77")
    code, printed = command("restore", changed.folder, number, "--yes")
    assert (code, "budget: 78 → 1000" in printed) == (0, True)
    assert projects.open_project(changed.folder).config.budget == 1000
    assert command("restore", changed.folder, "--yes")[0] == 0
    assert projects.open_project(changed.folder).config.budget == 78


def test_a_command_puts_the_last_good_settings_back(changed: Project):
    (changed.folder / projects.SETTINGS).write_text(TORN)
    code, printed = command("restore", changed.folder, "--yes")
    assert (code, "kept as project-unreadable-1.toml" in printed) == (0, True)
    assert projects.open_project(changed.folder).config == changed.config


def test_a_command_without_anything_to_go_back_to_says_so(project: Project):
    assert command("history", project.folder) == (0, "Nobody has changed the settings yet.\n")
    assert command("restore", project.folder) == (2, "Error: Nobody has changed the settings yet.\n")
