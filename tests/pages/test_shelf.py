"""Rename, archive, delete and bring back on the Project page."""

from dataclasses import replace

from labeler.core.items import Answer, NewItem
from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from labeler.projects import shelf
from tests.support.pages import everything, visit, widget


def test_a_project_is_renamed(project):
    app = visit("project")
    widget(app, "text_input", "Name that people see").input("영화평")
    widget(app, "button", "Rename").click().run()
    assert projects.open_project(project.folder).config.name == "영화평"
    assert app.title[0].value == "영화평"


def test_a_project_is_deleted_once_its_name_is_typed_and_brought_back(project, own_home):
    app = visit("project")
    assert widget(app, "button", "Delete the project").disabled
    app.text_input(key=f"confirm-trash-{project.slug}").input("Reviews").run()
    widget(app, "button", "Delete the project").click().run()
    assert projects.in_home(own_home) == []
    assert app.title[0].value == "Create a project"
    assert [toast.value for toast in app.toast] == [
        "Reviews is deleted. It can be brought back at the bottom of this page."
    ]
    widget(app, "button", "Bring back").click().run()
    assert app.title[0].value == "Reviews"
    assert not shelf.on_shelf(own_home, "trash")


def test_only_leads_put_a_project_away(project):
    project.save(replace(project.config, team=TeamConfig(leads=("somebody",))))
    app = visit("project")
    assert app.title[0].value == "Reviews"
    assert "The leads of this project change it." in everything(app)
    assert "Delete the project" not in [button.label for button in app.button]


def test_retrain_now_says_why_it_cannot(project):
    app = visit("project")
    assert widget(app, "button", "Retrain now").disabled
    assert "There are no items yet" in everything(app)


def test_an_import_is_undone_after_saying_what_happens(project, tmp_path):
    (tmp_path / "t.csv").write_text("text\nwarm\ncold\n")
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path / "t.csv")).run()
    app.button(key="import").click().run()
    assert "2 items added" in everything(app)
    assert "2 items that nobody has answered are taken out again" in everything(app)
    widget(app, "button", "Take the items out").click().run()
    assert "undone by" in everything(app)
    assert "2 items added" not in everything(app)
    with project.store() as store:
        assert store.items.all() == []


def test_an_import_that_is_being_undone_says_so_and_how_many_items_are_to_go(project):
    with project.store() as store:
        number = store.imports.begin("films.csv")
        store.items.add([NewItem(f"{n}", f"row {n}", text=f"t{n}") for n in range(5)], number)
        store.holdout.draw(0)
        store.answers.add("kim", [Answer("1", 1, "label", "good")])
        store.imports.begin_undo(number, "lead")
    app = visit("project")
    assert "is being undone by lead: 4 items are still to be taken out" in everything(app)
    assert not [button for button in app.button if button.label == "Take the items out"]
