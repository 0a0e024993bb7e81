"""The link to Label Studio on the Project page."""

from tests.support.fill import add
from tests.support.pages import everything, visit, widget


def test_the_page_says_how_label_studio_is_connected_and_ends_the_link(project):
    add_link = f"/api/label-studio/{project.uid}"
    assert add_link in everything(visit("project"))
    with project.store() as store:
        add(store, 2)
        store.label_studio.connect("https://studio.example.org", "their-token", 7, "lead")
        store.label_studio.remember({101: 1, 102: 2, 103: None}, 0)
        store.label_studio.looked("", "Label Studio answered 502.")
    app = visit("project")
    shown = everything(app)
    assert "project 7" in shown
    assert "3 tasks" in shown
    assert "1 task could not be read" in shown
    assert "answered 502" in shown
    assert "their-token" not in shown
    widget(app, "button", "Disconnect").click().run()
    with project.store() as store:
        assert store.label_studio.link() is None
        assert store.label_studio.tasks() == {}
