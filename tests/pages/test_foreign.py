"""Predictions of other models on the pages: imported with items or by themselves, and shown beside the curve."""

import pytest

from tests.support.pages import everything, visit, widget
from tests.support.samples import reviews


def table(path, header: str, rows: list[str]):
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("is_quick", [True, False])
def test_predictions_are_recognised_imported_and_measured(project, tmp_path, monkeypatch, is_quick):
    monkeypatch.setattr("pages.project.import_jobs.WAIT_SECONDS", 60.0)
    monkeypatch.setattr("pages.project.import_jobs.is_light", lambda path: is_quick)
    rows = [f'"{text}",{label},{label},0.9' for text, label in reviews(30)]
    both = table(tmp_path / "gpt.csv", "text,label,predicted,probability", rows)
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(both).run()
    assert app.button(key="import").disabled  # the model has no name yet
    widget(app, "text_input", "Name of the model").input("GPT-like").run()
    app.button(key="import").click().run()
    assert not app.exception
    assert "30 items added" in everything(app)
    assert "GPT-like: predictions for 30 items." in everything(app)
    with project.store() as store:
        assert {name for item in store.items.all() for name in item.metadata} == set()

    alone = table(tmp_path / "other.csv", "item_id,pred", ["1,good", "2,bad", "77,bad"])
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(alone).run()
    widget(app, "text_input", "Name of the model").input("other")
    widget(app, "checkbox", "Import the predictions alone").check().run()
    app.button(key="import").click().run()
    assert "other: predictions for 2 items. 1 row was left out." in everything(app)
    assert "items added" not in everything(app)
    progress = everything(visit("progress", "Curve"))
    assert "GPT-like: accuracy 100.0% (95%:" in progress
    assert "If a model learned from the labels of these items" in progress
