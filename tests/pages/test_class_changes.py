"""The form that changes the classes, and the error about labels outside of them."""

import pytest

from labeler.core.class_changes import ClassChange
from labeler.cycle.class_changes import change_classes
from labeler.projects import project as projects
from pages.shared.times import local_time
from tests.support.fill import add_labeled
from tests.support.pages import everything, visit, widget


@pytest.fixture
def filled(project):
    with project.store() as store:
        add_labeled(store, 30, holdout=10)
    return project


def choose(app, kind: str):
    (kinds,) = [group for group in app.button_group if group.label == "Change the classes"]
    kinds.set_value(kind).run()
    return app


def test_a_split_tells_its_effect_before_it_happens(filled):
    app = choose(visit("project"), "split")
    widget(app, "selectbox", "Class").set_value("good").run()
    widget(app, "text_input", "New classes").input("great, fine").run()
    text = everything(app)
    assert "The classes are then: great, fine, bad." in text
    assert "15 items have no label then and are asked again (10 in the pool, 5 in the holdout)." in text
    with filled.store() as store:
        assert store.class_changes.all() == []
    widget(app, "button", "Change the classes now").click().run()
    assert projects.open_project(filled.folder).config.classes == ("great", "fine", "bad")


def test_a_change_that_cannot_be_made_is_refused_with_its_reason(filled):
    app = choose(visit("project"), "rename")
    widget(app, "selectbox", "Class").set_value("good").run()
    widget(app, "text_input", "New name").input("bad").run()
    assert "There is a class 'bad' already" in app.warning[0].value
    assert not [button for button in app.button if button.label == "Change the classes now"]


def test_the_changes_so_far_stand_in_a_table(filled):
    change_classes(filled, ClassChange("rename", ("good",), ("positive",)), "kim")
    app = visit("project")
    (table,) = [frame.value for frame in app.dataframe if "Answers changed" in frame.value]
    assert table[["Change", "Before", "After", "Answers changed", "By"]].to_numpy().tolist() == [
        ["Rename", "good", "positive", 15, "kim"]
    ]
    with filled.store() as store:
        assert table["When"].tolist() == [local_time(store.class_changes.all()[0].at)]


@pytest.mark.parametrize("page", ["label", "items", "progress", "review", "team", "strategy", "project"])
def test_labels_outside_the_classes_are_an_error_on_every_page(filled, page):
    settings = filled.folder / "project.toml"
    settings.write_text(settings.read_text().replace('"good"', '"positive"'))
    assert "labels of classes that the project does not have: good (15)" in visit(page).error[0].value


def test_the_labels_of_each_class_say_which_are_not_shown(filled):
    assert "not shown" not in everything(visit("progress", "Rounds"))
    settings = filled.folder / "project.toml"
    settings.write_text(settings.read_text().replace('"good"', '"positive"'))
    assert "classes that the project does not have are not shown: good." in everything(visit("progress", "Rounds"))
