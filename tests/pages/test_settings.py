"""The form of the settings, on the Project page."""

from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import visit, widget


def test_saving_settings_keeps_the_comments_in_project_toml(project, store):
    add(store, 6)
    path = project.folder / projects.SETTINGS
    text = path.read_text(encoding="utf-8").replace("\nbudget = ", "\n# Paid for until May.\nbudget = ")
    path.write_text("# Ask Kim before changing this.\n" + text, encoding="utf-8")
    app = visit("project")
    widget(app, "number_input", "Budget").set_value(77)
    widget(app, "button", "Save from the next round on").click().run()
    assert not app.exception, app.exception
    assert projects.open_project(project.folder).config.budget == 77
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Ask Kim before changing this."
    assert lines[lines.index("budget = 77") - 1] == "# Paid for until May."
