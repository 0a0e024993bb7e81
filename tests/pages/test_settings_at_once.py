"""Two people who change the same project's settings at once: each in a session of their own."""

from dataclasses import replace

import pytest

from labeler.core.actor import Actor
from labeler.projects import guidelines
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget

KIM = Actor("kim", "page")


@pytest.fixture
def app(project, store):
    """The Project page as Lee opened it, before Kim saves."""
    add(store, 6)
    return visit("project", annotator="lee")


def kim_saves(project, **settings):
    opened = projects.open_project(project.folder, KIM)
    opened.save(replace(opened.config, **settings))


def settings_of(project):
    return projects.open_project(project.folder).config


def press(app, label: str):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def test_what_another_has_saved_meanwhile_stays_beside_ones_own_change(app, project):
    kim_saves(project, budget=77)
    widget(app, "number_input", "Labels between rounds").set_value(33)
    press(app, "Save from the next round on")
    config = settings_of(project)
    assert (config.budget, config.query.batch) == (77, 33)
    assert "Saved." in everything(app)
    assert widget(app, "number_input", "Budget").value == 77


def test_the_second_sees_both_values_and_chooses(app, project):
    kim_saves(project, budget=77, target_accuracy=0.5)
    widget(app, "number_input", "Budget").set_value(88)
    widget(app, "number_input", "Labels between rounds").set_value(33)
    press(app, "Save from the next round on")
    assert settings_of(project).budget == 77
    assert "Nothing of yours is saved yet" in everything(app)
    assert f"Labels between rounds: {project.config.query.batch} → 33" in everything(app)
    assert "Target accuracy: 90% → 50%" in everything(app)
    choice = widget(app, "radio", "Budget")
    assert choice.value is None
    assert choice.options[0] == "yours: 88"
    assert choice.options[1].startswith("saved by kim, ")
    assert choice.options[1].endswith(": 77")
    assert widget(app, "button", "Save the choice").disabled
    choice.set_value("mine").run()
    press(app, "Save the choice")
    config = settings_of(project)
    assert (config.budget, config.query.batch, config.target_accuracy) == (88, 33, 0.5)
    assert widget(app, "number_input", "Budget").value == 88


def test_the_second_keeps_the_value_of_the_first_or_discards_all(app, project):
    kim_saves(project, budget=77)
    widget(app, "number_input", "Budget").set_value(88)
    press(app, "Save from the next round on")
    press(app, "Discard my changes")
    assert (settings_of(project).budget, widget(app, "number_input", "Budget").value) == (77, 77)
    kim_saves(project, budget=66)
    widget(app, "number_input", "Budget").set_value(55)
    widget(app, "number_input", "Labels between rounds").set_value(33)
    press(app, "Save from the next round on")
    widget(app, "radio", "Budget").set_value("theirs").run()
    press(app, "Save the choice")
    assert (settings_of(project).budget, settings_of(project).query.batch) == (66, 33)


def test_an_open_form_stays_as_it_is_and_says_what_was_saved(app, project):
    kim_saves(project, budget=77)
    app.run()
    assert widget(app, "number_input", "Budget").value == 1000
    assert "since you opened it: Budget (answers in all): 1,000 → 77" in everything(app)
    press(app, "Show the present settings")
    assert widget(app, "number_input", "Budget").value == 77


def test_a_text_that_another_has_saved_meanwhile_is_not_written_over(app, project):
    guidelines.write(project, "Kim's rules.")
    widget(app, "text_area", "Guidelines").set_value("Lee's rules.")
    press(app, "Save")
    assert guidelines.text_of(project) == "Kim's rules."
    assert "+Kim's rules." in app.code[0].value
    assert widget(app, "text_area", "Guidelines").value == "Lee's rules."
    press(app, "Save")
    assert guidelines.text_of(project) == "Lee's rules."
    assert not app.code


def test_a_change_is_taken_back_with_one_click(app, project):
    kim_saves(project, budget=77)
    kim_saves(project, target_accuracy=0.5)
    app.run()
    assert "Target accuracy: 90% → 50%" in everything(app)
    press(app, "Go back to before this change")
    assert (settings_of(project).budget, settings_of(project).target_accuracy) == (1000, 0.9)
    press(app, "Take this change back")
    assert (settings_of(project).budget, settings_of(project).target_accuracy) == (77, 0.5)
    assert widget(app, "number_input", "Budget").value == 77


def test_a_change_of_the_classes_alone_has_no_way_back_in_the_list(app, project):
    path = project.folder / projects.SETTINGS
    path.write_text(path.read_text().replace('"good"', '"fine"', 1))
    app.run()
    assert "good, bad → fine, bad" in everything(app)
    assert "Take this change back" not in [button.label for button in app.button]


def test_nothing_goes_back_where_somebody_has_saved_since_the_list_was_drawn(app, project):
    kim_saves(project, budget=77)
    app.run()
    kim_saves(project, target_accuracy=0.5)
    press(app, "Take this change back")
    assert settings_of(project).budget == 77
    assert "look at the list, and click again" in everything(app)


def test_settings_that_cannot_be_read_come_back_with_one_click(app, project):
    path = project.folder / projects.SETTINGS
    path.write_text(path.read_text() + "\nbudget = = 3\n")
    app.run()
    assert "(at line " in everything(app)
    press(app, "Put the last good settings back")
    assert "The last good settings are back" in everything(app)
    assert settings_of(project) == project.config


def test_only_who_leads_puts_settings_back(app, project):
    kim_saves(project, team=replace(project.config.team, leads=("kim",)))
    (project.folder / projects.SETTINGS).write_text("name = ")
    app.run()
    assert "Somebody who leads this project" in everything(app)
    assert not [button for button in app.button if "last good" in button.label]
