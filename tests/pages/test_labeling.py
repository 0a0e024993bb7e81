"""How labeling goes, on the Project page: what annotators see, what they are told, who labels what."""

from dataclasses import replace

import pytest

from labeler.core.items import NewItem
from labeler.core.settings import ClassDetail, LabelingConfig
from labeler.projects import guidelines
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


@pytest.fixture
def app(project, store):
    add(store, 6)
    return visit("project")


def saved(app, project):
    """The settings after the n-th form is sent."""
    assert not app.exception, app.exception
    return projects.open_project(project.folder).config


def press_save(app, form: str) -> None:
    """The forms on this page share the word on their buttons."""
    next(b for b in app.button if b.label == "Save" and b.form_id == form).click().run()


def test_what_annotators_see_is_chosen(app, project):
    widget(app, "selectbox", "The model's prediction").set_value("after")
    widget(app, "number_input", "Annotators for").set_value(3)
    widget(app, "slider", "Share of the items").set_value(0.2)
    widget(app, "checkbox", "Offer to confirm").check()
    press_save(app, "labeling")
    labeling = saved(app, project).labeling
    assert (labeling.reveal, labeling.overlap, labeling.overlap_share, labeling.grid) == ("after", 3, 0.2, True)
    assert "Saved." in everything(app)


@pytest.mark.slow
def test_too_few_known_items_are_said(app, project, store):
    store.items.add([NewItem("k", "row", text="known", label="good", split="pool")])
    widget(app, "number_input", "Items with known labels").set_value(5)
    press_save(app, "labeling")
    assert "Only 1 items" in everything(app)
    assert saved(app, project).labeling.qualification == 5


def with_columns(store) -> None:
    """Forty labeled texts with a site, and with a column that tells the label."""
    store.items.add(
        [
            NewItem(
                f"{i:032x}", f"row {i}", text=f"t{i}", label=label, split="pool",
                metadata={"site": "AB"[i // 2 % 2], "verdict": label[0]},
            )
            for i, label in enumerate(["good", "bad"] * 20)
        ]
    )  # fmt: skip


def test_columns_beside_the_item_are_chosen_from_those_that_do_not_tell_the_label(project, store):
    with_columns(store)
    app = visit("project")
    columns = widget(app, "multiselect", "Columns that annotators")
    assert columns.options == ["site"]
    assert "The column 'verdict' tells the label of 40 of 40 labeled items" in everything(app)
    columns.select("site")
    press_save(app, "labeling")
    assert saved(app, project).labeling.show_columns == ("site",)


def test_a_column_that_was_chosen_by_hand_and_tells_the_label_is_an_error(project, store):
    with_columns(store)
    project.save(replace(project.config, labeling=LabelingConfig(show_columns=("verdict",))))
    app = visit("project")
    assert "'verdict' tells the label" in " ".join(error.value for error in app.error)
    press_save(app, "labeling")
    assert "'verdict' tells the label" in " ".join(error.value for error in app.error)
    assert "Saved." not in everything(app)


def test_guidelines_are_written_and_known_classes_kept(project, store):
    add(store, 2)
    project.save(replace(project.config, class_details={"bad": ClassDetail(colour="#d62728", group="complaints")}))
    app = visit("project")
    widget(app, "text_area", "Guidelines").set_value("# Rules")
    press_save(app, "classes")
    assert guidelines.text_of(project) == "# Rules"
    assert saved(app, project).class_details == {"bad": ClassDetail(colour="#d62728", group="complaints")}


def test_example_texts_of_a_class_are_written_and_shown_again(project, store):
    add(store, 2)
    app = visit("project")
    widget(app, "text_area", "Example texts").set_value("A delight.\n\nTwice as good.")
    next(b for b in app.button if b.label == "Save the examples").click().run()
    assert not app.exception
    assert guidelines.read(project).texts == {"good": ["A delight.", "Twice as good."]}
    assert not store.rounds.waiting()  # nothing is known of the other class
    assert widget(visit("project"), "text_area", "Example texts").value == "A delight.\n\nTwice as good."


def test_a_round_begins_once_every_class_has_a_sentence(project, store):
    add(store, 2)
    project.save(replace(project.config, class_details={"bad": ClassDetail(description="A bad film.")}))
    app = visit("project")
    assert "gives the model a start" in everything(app)
    widget(app, "text_area", "Example texts").set_value("A delight.")
    next(b for b in app.button if b.label == "Save the examples").click().run()
    assert not app.exception
    assert store.rounds.waiting()


def test_the_team_is_shown_and_saving_keeps_it(project, store):
    add(store, 2)
    project.save(replace(project.config, labeling=LabelingConfig(qualification=1)))
    store.team.assign("kim", "lawyer", ["complaints"], paused=True, qualified=False)
    app = visit("project")
    press_save(app, "team")
    assert not app.exception
    someone = store.team.join("kim")
    assert (someone.role, someone.groups, someone.paused, someone.qualified) == ("lawyer", ("complaints",), True, False)
